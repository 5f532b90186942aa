package cluster

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

func sampleConfig(dir string) Config {
	return Config{
		Version: configVersion, Name: "one", Zone: "attic",
		Roles:  []string{metadata.NodeNameserver, metadata.NodeDatanode, metadata.NodeWebDAV},
		Listen: "127.0.0.1:0", Advertise: "10.0.0.1:7800", Nameservers: []string{"10.0.0.1:7800"},
		Disks: []string{"/a", "/b"}, WebDAV: WebDAVConfig{Listen: "127.0.0.1:8080", BlockMiB: 4},
		Repair: RepairConfig{SuspectAfter: Duration(time.Second), DownAfter: Duration(5 * time.Second)},
		dir:    dir,
	}
}

func TestConfigThereAndBack(t *testing.T) {
	dir := t.TempDir()
	want := sampleConfig(dir)
	if err := want.save(); err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil || strings.Count(string(b), "#") < 15 {
		t.Errorf("ken.toml explains too little: %v\n%s", err, b)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		text, want string
		kind       metadata.Kind
	}{
		{"version = 99\n", "version 99", metadata.KindUnsupported},
		{"", "version 0", metadata.KindUnsupported},
		{"version = 1\nlisten = 5\n", "listen", metadata.KindInvalid},
		{"version = 1\nno_such_setting = true\n", "no_such_setting", metadata.KindInvalid},
		{"version = 1\n[repair]\ndown_after = \"soon\"\n", "soon", metadata.KindInvalid},
		{"version = \n", "1|", metadata.KindInvalid},
	} {
		_, err := ParseConfig([]byte(c.text))
		if err == nil || metadata.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseConfig(%q): got %v (%v), want %v and %q", c.text, err, metadata.KindOf(err), c.kind, c.want)
		}
	}
}

func TestValidateNamesEverything(t *testing.T) {
	ok := sampleConfig(t.TempDir())
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no roles":      {func(c *Config) { c.Roles = nil }, "roles"},
		"unknown role":  {func(c *Config) { c.Roles = []string{"king"} }, "king"},
		"no port":       {func(c *Config) { c.Listen = "127.0.0.1" }, "listen"},
		"bad advertise": {func(c *Config) { c.Advertise = "x" }, "advertise"},
		"no webdav":     {func(c *Config) { c.WebDAV.Listen = "" }, "webdav.listen"},
		"half of TLS":   {func(c *Config) { c.WebDAV.TLSCert = "x" }, "go together"},
		"port of text":  {func(c *Config) { c.Listen = "127.0.0.1:http" }, "the port is no number"},
		"high port":     {func(c *Config) { c.Metrics.Listen = "127.0.0.1:65536" }, "metrics.listen"},
		"odd host":      {func(c *Config) { c.Nameservers = []string{"a b:1"} }, "nameservers"},
		"everywhere":    {func(c *Config) { c.Advertise, c.Listen = "", "0.0.0.0:7800" }, "say with advertise"},
		"nowhere":       {func(c *Config) { c.Advertise = "[::]:7800" }, "advertise"},
		"endless name":  {func(c *Config) { c.Name = strings.Repeat("x", 65) }, "name: 65 characters"},
		"control zone":  {func(c *Config) { c.Zone = "a\x1b[2J" }, "zone"},
		"no memory":     {func(c *Config) { c.WebDAV.BufferMiB = -1 }, "webdav.buffer_mib"},
		"all memory":    {func(c *Config) { c.WebDAV.BufferMiB = 1 << 43 }, "webdav.buffer_mib"},
		"few uploads":   {func(c *Config) { c.WebDAV.UploadsMax = -1 }, "webdav.uploads_max"},
		"reserve":       {func(c *Config) { c.Storage.ReserveMiB = -1 }, "storage.reserve_mib"},
		"packs":         {func(c *Config) { c.Storage.PackMiB = -1 }, "storage.pack_mib"},
		"fast repair":   {func(c *Config) { c.Repair.MiBPerSecond = -1 }, "repair.mib_per_second"},
		"backwards":     {func(c *Config) { c.Repair.DeletedGrace = -1 }, "repair.deleted_grace"},
		"patient":       {func(c *Config) { c.Repair.SuspectAfter = Duration(4 * time.Second) }, "repair.suspect_after"},
		"down at once":  {func(c *Config) { c.Repair = RepairConfig{DownAfter: Duration(2 * time.Second)} }, "longer than repair.suspect_after, 2.5s"},
		"chatty":        {func(c *Config) { c.Log.Level = "loud" }, "log.level"},
		"large blocks":  {func(c *Config) { c.WebDAV.BlockMiB = 17 }, "block_mib"},
		"impatient":     {func(c *Config) { c.Repair.DownAfter = Duration(time.Millisecond) }, "down_after"},
	} {
		bad := sampleConfig(t.TempDir())
		c.change(&bad)
		err := bad.Validate()
		if err == nil || metadata.KindOf(err) != metadata.KindInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to name %q", name, err, c.want)
		}
	}
	two := sampleConfig(t.TempDir())
	two.Roles, two.Advertise = []string{"king", metadata.NodeDatanode}, "x"
	if err := two.Validate(); err == nil || !strings.Contains(err.Error(), "king") || !strings.Contains(err.Error(), "advertise") {
		t.Errorf("two faults: got %v, want both named", err)
	}
	client := Config{Roles: []string{metadata.NodeClient}}
	if err := client.Validate(); err != nil {
		t.Errorf("a client listens nowhere: got %v", err)
	}
}

func TestNameserversOfAFolder(t *testing.T) {
	dir := t.TempDir()
	c := sampleConfig(dir)
	c.Nameservers = []string{"10.0.0.1:7800", "127.0.0.1:0"}
	if got, want := nameservers(dir, &c), []string{"10.0.0.1:7800"}; !reflect.DeepEqual(got, want) {
		t.Errorf("never ran: got %v, want %v", got, want)
	}
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	if err := (Running{QUIC: "127.0.0.1:4711"}).save(dir); err != nil {
		t.Fatal(err)
	}
	if got, want := nameservers(dir, &c), []string{"127.0.0.1:4711", "10.0.0.1:7800"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ran: got %v, want %v", got, want)
	}
	c.Roles = []string{metadata.NodeDatanode}
	if got, want := nameservers(dir, &c), []string{"10.0.0.1:7800"}; !reflect.DeepEqual(got, want) {
		t.Errorf("no nameserver of its own: got %v, want %v", got, want)
	}
}
