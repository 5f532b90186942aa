package blockstore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestFileSystemID: folders of one file system have one number, another file
// system has another, and a disk in memory has none.
func TestFileSystemID(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	id := fileSystemID(dir)
	if id == 0 {
		t.Skip("this machine does not tell file systems apart")
	}
	if got := fileSystemID(below); got != id {
		t.Errorf("a folder has %x, the one below it %x", id, got)
	}
	if got := fileSystemID("/proc"); got == id || got == 0 {
		t.Errorf("/proc has %x, as %s", got, dir)
	}
	if got := fileSystemID(filepath.Join(dir, "nothing")); got != 0 {
		t.Errorf("a folder that is not there has %x", got)
	}
	for name, fs := range map[string]vfs.FS{"memory": vfs.NewMem(), "disk": nil} {
		where := filepath.Join(dir, name)
		if _, err := Format(where, FormatOptions{FS: fs}); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Config{Dir: where, FS: fs, Reserve: -1, PackBytes: 1 << 20, CompactionInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		want := id
		if fs != nil {
			want = 0
		}
		if got := s.Space().FileSystem; got != want {
			t.Errorf("a store on %s has %x, want %x", name, got, want)
		}
		mustClose(t, s)
	}
}
