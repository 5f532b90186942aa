package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// TestNumbersAtTheirBounds: every setting that is a number or a span is taken at
// both ends of its range and refused beyond them, by its own name.
func TestNumbersAtTheirBounds(t *testing.T) {
	most := map[string]int64{
		"webdav.block_mib": 16, "webdav.buffer_mib": mibMax, "webdav.uploads_max": uploadsMax,
		"storage.reserve_mib": mibMax, "storage.pack_mib": mibMax, "storage.scrub_mib_per_second": mibMax,
		"repair.mib_per_second": mibMax, "storage.scrub_pause": int64(settingSpanMax),
		"repair.suspect_after": int64(suspectMax), "repair.down_after": int64(downMax), "repair.deleted_grace": int64(settingSpanMax),
	}
	seen := 0
	for _, f := range (&Config{}).fields() {
		if k := f.value.Kind(); k != reflect.Int && k != reflect.Int64 {
			continue
		}
		seen++
		bound, known := most[f.key]
		if !known {
			t.Errorf("%s has no bound here", f.key)
			continue
		}
		for v, ok := range map[int64]bool{0: true, bound: true, bound + 1: false, -1: false} {
			c := sampleConfig(t.TempDir())
			c.Repair = RepairConfig{}
			for _, own := range c.fields() {
				if own.key == f.key {
					own.value.SetInt(v)
				}
			}
			err := c.Validate()
			if ok && err != nil || !ok && (metadata.KindOf(err) != metadata.KindInvalid || !strings.Contains(err.Error(), f.key+": ")) {
				t.Errorf("%s = %d: got %v", f.key, v, err)
			}
		}
	}
	if seen != len(most) {
		t.Errorf("%d settings are numbers, %d have a bound here", seen, len(most))
	}
}

// TestEverySettingThereAndBack: what is saved is what is read, for each setting.
func TestEverySettingThereAndBack(t *testing.T) {
	dir := t.TempDir()
	want := Config{Version: configVersion, dir: dir}
	for i, f := range want.fields() {
		switch f.value.Kind() {
		case reflect.String:
			f.value.SetString(fmt.Sprintf("text %d \"'#\\ ü\n", i))
		case reflect.Slice:
			f.value.Set(reflect.ValueOf([]string{fmt.Sprint("a", i), "b,c", ""}))
		case reflect.Bool:
			f.value.SetBool(true)
		default:
			f.value.SetInt(int64(i+1) * 1_000_003)
		}
	}
	if err := want.save(); err != nil {
		t.Fatal(err)
	}
	got, err := readConfig(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestCheckAddr(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "127.0.0.1:65535": true, "[::1]:7800": true, "[fe80::1%eth0]:1": true, ":7800": true, "ns-1.example:7800": true,
		"größe.example:1": true, "": false, ":": false, "host": false, "127.0.0.1:65536": false, "127.0.0.1:-1": false, "127.0.0.1:+1": false,
		"::1:7800": false, "http://x:1": false, "a b:1": false, "a/b:1": false, "a\x00:1": false, "user@host:1": false,
		strings.Repeat("a", 253) + ":1": true, strings.Repeat("a", 254) + ":1": false,
	} {
		if err := checkAddr(addr); (err == nil) != ok {
			t.Errorf("%.40q: got %v, want taken %v", addr, err, ok)
		}
	}
	for addr, all := range map[string]bool{":1": true, "0.0.0.0:1": true, "[::]:1": true, "127.0.0.1:1": false, "host:1": false, "nonsense": false} {
		if got := everywhere(addr); got != all {
			t.Errorf("%q is every address: got %v, want %v", addr, got, all)
		}
	}
}

// TestSettingTexts: what is no value of its kind is refused and changes nothing;
// what is one is written again as it was.
func TestSettingTexts(t *testing.T) {
	for _, c := range []struct{ key, text, want string }{ // want "": refused
		{"webdav.block_mib", "8", "8"}, {"webdav.block_mib", "8.0", ""}, {"webdav.block_mib", "0x8", ""}, {"webdav.block_mib", " 8", ""},
		{"webdav.block_mib", "99999999999999999999", ""}, {"webdav.tls_self_signed", "1", "true"}, {"webdav.tls_self_signed", "F", "false"},
		{"webdav.tls_self_signed", "yes", ""}, {"repair.down_after", "9s", "9s"}, {"repair.down_after", "9", ""},
		{"repair.down_after", "1h1m", "1h1m0s"}, {"repair.down_after", "1d", ""}, {"disks", " /a , ,/b,", "/a,/b"}, {"disks", ",", ""},
		{"zone", " a ", " a "},
	} {
		conf := Config{Zone: "before"}
		before := conf
		err := conf.override(Override{c.key, c.text, "--flag"})
		if c.key == "disks" && c.want == "" {
			if err != nil || conf.Disks != nil {
				t.Errorf("no disks: got %v, %v", conf.Disks, err)
			}
			continue
		}
		if c.want == "" {
			if metadata.KindOf(err) != metadata.KindInvalid || !strings.Contains(err.Error(), "--flag") || !strings.Contains(err.Error(), c.key) {
				t.Errorf("%s = %q: got %v", c.key, c.text, err)
			}
			if !reflect.DeepEqual(conf, before) {
				t.Errorf("%s = %q was refused and changed %+v", c.key, c.text, conf)
			}
			continue
		}
		for _, f := range conf.fields() {
			if f.key == c.key && (err != nil || f.text() != c.want || conf.from[c.key] != "--flag") {
				t.Errorf("%s = %q: got %q, %v, want %q", c.key, c.text, f.text(), err, c.want)
			}
		}
	}
}

// TestRefusedBeforeAFolder: an init or a join that cannot be asked for so makes
// no folder.
func TestRefusedBeforeAFolder(t *testing.T) {
	change := func(do func(*Config)) Config {
		c := sampleConfig("")
		do(&c)
		return c
	}
	for what, c := range map[string]struct {
		opt  InitOptions
		want string
	}{
		"no nameserver":       {InitOptions{Config: change(func(c *Config) { c.Roles = []string{metadata.NodeDatanode} })}, "nameserver"},
		"no roles":            {InitOptions{Config: change(func(c *Config) { c.Roles = nil })}, "nameserver"},
		"a bad address":       {InitOptions{Config: change(func(c *Config) { c.Listen = "here" })}, "listen"},
		"seven characters":    {InitOptions{Config: change(func(*Config) {}), Password: "sevench"}, "7 characters"},
		"seven signs":         {InitOptions{Config: change(func(*Config) {}), Password: "日本語日本語日"}, "7 characters"},
		"a negative number":   {InitOptions{Config: change(func(*Config) {}), Replication: -1}, "replication -1"},
		"copies without end":  {InitOptions{Config: change(func(*Config) {}), Replication: metadata.ReplicasMax + 1}, "replication 9"},
		"an endless password": {InitOptions{Config: change(func(*Config) {}), Password: strings.Repeat("x", 1<<20)}, "password"},
	} {
		dir := filepath.Join(t.TempDir(), "node")
		_, err := Init(t.Context(), dir, c.opt)
		wantKindOf(t, what, err, c.want)
		if exists(dir) {
			t.Errorf("%s: a folder was made", what)
		}
	}
	for what, token := range map[string]string{"nothing": "", "nonsense": "KEN1-0000", "another version": "KEN9-AAAA", "a flood": "KEN1-" + strings.Repeat("A", 1<<16)} {
		dir := filepath.Join(t.TempDir(), "node")
		_, err := Join(t.Context(), dir, sampleConfig(dir), token)
		wantKindOf(t, what, err, "token")
		if exists(dir) {
			t.Errorf("%s: a folder was made", what)
		}
	}
}

// wantKindOf wants something invalid or too large that is named.
func wantKindOf(t *testing.T, what string, err error, name string) {
	t.Helper()
	if k := metadata.KindOf(err); err == nil || k != metadata.KindInvalid && k != metadata.KindTooLarge || !strings.Contains(err.Error(), name) {
		t.Errorf("%s: got %v of kind %v, want it to name %q", what, err, k, name)
	}
}

// TestRemovedSet: news are told once, the node itself is never among them, and
// who is no longer removed is let in again.
func TestRemovedSet(t *testing.T) {
	var r removed
	node := func(id metadata.NodeID, s metadata.NodeState) metadata.Node { return metadata.Node{ID: id, State: s} }
	if r.has(1) {
		t.Error("the empty set has something")
	}
	all := []metadata.Node{node(1, metadata.NodeRemoved), node(2, metadata.NodeRemoved), node(3, metadata.NodeDraining), node(4, metadata.NodeMaintenance)}
	if news := r.set(all, 1); !reflect.DeepEqual(news, []uint64{2}) {
		t.Errorf("news: got %v, want 2", news)
	}
	if news := r.set(all, 1); news != nil {
		t.Errorf("again: got %v", news)
	}
	for id, want := range map[uint64]bool{0: false, 1: false, 2: true, 3: false, 4: false, 5: false} {
		if r.has(id) != want {
			t.Errorf("n%d: got %v, want %v", id, r.has(id), want)
		}
	}
	if r.set(nil, 1); r.has(2) {
		t.Error("the set keeps what is not there")
	}
}

// TestFolderErrors: a folder that cannot be made, locked or written is said so,
// and leaves nothing half done.
func TestFolderErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := newFolder(file); err == nil || l != nil {
		t.Errorf("a file for a folder: got %v, %v", l, err)
	}
	if l, err := lockFolder(filepath.Join(file, "x")); err == nil || l != nil {
		t.Errorf("below a file: got %v, %v", l, err)
	}
	if err := writeFile(filepath.Join(file, "x"), nil, 0o600); err == nil {
		t.Error("written below a file")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "taken", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "taken"), []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	first, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = newFolder(dir)
	wantKind(t, "a folder that is in use", err, metadata.KindBusy)
	first.release()
	(*folderLock)(nil).release()
	again, err := lockFolder(dir)
	if err != nil {
		t.Errorf("after the release: %v", err)
	}
	again.release()
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o610: false, 0o601: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if err := checkPrivate(file); (err == nil) != ok || err != nil && metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("mode %04o: got %v", mode, err)
		}
	}
}

// TestDurationText: spans are written so that they can be read again.
func TestDurationText(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Millisecond, 2500 * time.Millisecond, time.Hour, -time.Second, 1<<63 - 1} {
		b, err := Duration(d).MarshalText()
		var back Duration
		if err2 := back.UnmarshalText(b); err != nil || err2 != nil || back != Duration(d) {
			t.Errorf("%v: got %s, %v, %v, %v", d, b, time.Duration(back), err, err2)
		}
	}
	for _, s := range []string{"", "5", "s", "1d", "9999999999h"} {
		if err := new(Duration).UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
