package cluster

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// sampleOf is a value of a setting's type, as the environment has it, and what
// it becomes.
func sampleOf(t *testing.T, f field) (text string, want any) {
	t.Helper()
	switch f.value.Interface().(type) {
	case string:
		return "text of " + f.key, "text of " + f.key
	case []string:
		return " a, b ,,c", []string{"a", "b", "c"}
	case int:
		return "42", 42
	case bool:
		return "true", true
	case Duration:
		return "1m30s", Duration(90 * time.Second)
	}
	t.Fatalf("%s has the type %s, which no variable can set", f.key, f.value.Type())
	return "", nil
}

// TestEverySettingByEnvironment walks all settings: each has a comment, a name
// of its own in the environment, takes a value from there, and refuses nonsense.
func TestEverySettingByEnvironment(t *testing.T) {
	seen := make(map[string]bool)
	n := len((&Config{}).fields())
	if n < 25 {
		t.Errorf("%d settings, there are more", n)
	}
	for i := range n {
		c := &Config{}
		f := c.fields()[i]
		if f.comment == "" || seen[EnvName(f.key)] {
			t.Errorf("%s: comment %q, name taken %v", f.key, f.comment, seen[EnvName(f.key)])
		}
		seen[EnvName(f.key)] = true
		text, want := sampleOf(t, f)
		t.Setenv(EnvName(f.key), text)
		if err := c.override(c.fromEnv()...); err != nil {
			t.Errorf("%s: %v", f.key, err)
		}
		if got := f.value.Interface(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", f.key, got, want)
		}
		s := c.Settings()[i]
		if s.Key != f.key || s.From != EnvName(f.key) || s.Value == "" {
			t.Errorf("%s: shown as %+v", f.key, s)
		}
		t.Setenv(EnvName(f.key), "?nonsense")
		err := (&Config{}).override((&Config{}).fromEnv()...)
		if k := f.value.Kind(); k != reflect.String && k != reflect.Slice && (metadata.KindOf(err) != metadata.KindInvalid ||
			!strings.Contains(err.Error(), EnvName(f.key)) || !strings.Contains(err.Error(), f.key+": want ")) {
			t.Errorf("%s: nonsense: got %v, want both names and what would do", f.key, err)
		}
		t.Setenv(EnvName(f.key), "")
	}
}

// TestSettingsPrecedence: a flag before the environment before the file before
// the default, and each is shown with where it comes from.
func TestSettingsPrecedence(t *testing.T) {
	dir := t.TempDir()
	c := sampleConfig(dir)
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KEN_ZONE", "cellar")
	t.Setenv("KEN_WEBDAV_BLOCK_MIB", "2")
	t.Setenv("KEN_NAME", "")
	got, err := LoadConfig(dir, Override{"webdav.block_mib", "1", "--set"}, Override{"repair.down_after", "0", "--down"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"name": {"one", configFile}, "zone": {"cellar", "KEN_ZONE"}, "webdav.block_mib": {"1", "--set"},
		"webdav.buffer_mib": {"96", "default"}, "repair.suspect_after": {"1s", configFile},
		"repair.down_after": {"8 s", "--down"}, "metrics.listen": {"none", "default"}, "disks": {"/a,/b", configFile},
		"webdav.insecure_http": {"false", "default"},
	}
	for _, s := range got.Settings() {
		if w, asked := want[s.Key]; asked && w != [2]string{s.Value, s.From} {
			t.Errorf("%s: got %s from %s, want %s from %s", s.Key, s.Value, s.From, w[0], w[1])
		}
		delete(want, s.Key)
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
	if err := got.save(); err != nil {
		t.Fatal(err)
	}
}

// TestOverrideErrors: what is wrong with an override is said with its name.
func TestOverrideErrors(t *testing.T) {
	dir := t.TempDir()
	c := sampleConfig(dir)
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		over Override
		want []string
	}{
		{Override{"webdav.lisen", "x", "--set"}, []string{"--set", "webdav.lisen", "config check"}},
		{Override{"version", "2", "--set"}, []string{"no setting"}},
		{Override{"dir", "x", "--set"}, []string{"no setting"}},
		{Override{"webdav.block_mib", "17", "--set"}, []string{"webdav.block_mib", "(from --set)"}},
		{Override{"webdav.listen", "8080", "--webdav"}, []string{"webdav.listen", "IP:PORT", "(from --webdav)"}},
	} {
		_, err := LoadConfig(dir, k.over)
		if metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("%+v: got %v, want it refused", k.over, err)
			continue
		}
		for _, w := range k.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%+v: got %v, want it to name %s", k.over, err, w)
			}
		}
	}
}

func TestUnknownEnv(t *testing.T) {
	t.Setenv("KEN_WEBDAV_LISTN", "127.0.0.1:1")
	t.Setenv("KEN_WEBDAV_LISTEN", "127.0.0.1:1")
	t.Setenv("KEN_DIR", "/x")
	t.Setenv("KEN_TEST_ANYTHING", "1")
	t.Setenv("KENNEL", "1")
	if got := UnknownEnv(); !slices.Equal(got, []string{"KEN_WEBDAV_LISTN"}) {
		t.Errorf("got %v, want the misspelled one", got)
	}
}

// TestDevEnvironment: in a drive of one process the environment means all nodes,
// but no address or name that only one could have.
func TestDevEnvironment(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	c := sampleConfig(one)
	c.Disks, c.Nameservers = nil, nil
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	c.dir, c.Roles, c.Listen = two, []string{metadata.NodeDatanode}, "127.0.0.1:0"
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KEN_LISTEN", "127.0.0.1:1")
	t.Setenv("KEN_NAME", "all")
	t.Setenv("KEN_METRICS_LISTEN", "127.0.0.1:2")
	t.Setenv("KEN_STORAGE_PACK_MIB", "16")
	first, err := devConfig(one, DevOptions{Admin: "127.0.0.1:3", WebDAV: "127.0.0.1:4"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := devConfig(two, DevOptions{Admin: "127.0.0.1:3", WebDAV: "127.0.0.1:4", Listen: "127.0.0.1:5"})
	if err != nil {
		t.Fatal(err)
	}
	type mine struct{ name, listen, webdav, admin, metrics string }
	for _, k := range []struct {
		c    Config
		want mine
	}{
		{first, mine{"one", "127.0.0.1:0", "127.0.0.1:4", "127.0.0.1:3", "127.0.0.1:2"}},
		{second, mine{"one", "127.0.0.1:0", "127.0.0.1:8080", "", ""}},
	} {
		got := mine{k.c.Name, k.c.Listen, k.c.WebDAV.Listen, k.c.Admin.Listen, k.c.Metrics.Listen}
		if got != k.want || k.c.Storage.PackMiB != 16 {
			t.Errorf("got %+v, packs of %d MiB, want %+v and 16", got, k.c.Storage.PackMiB, k.want)
		}
	}
	if !first.Has(metadata.NodeAdmin) {
		t.Error("the first node serves no desktop")
	}
	t.Setenv("KEN_STORAGE_PACK_MIB", "-1")
	if _, err := devConfig(two, DevOptions{}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("negative packs: got %v", err)
	}
}
