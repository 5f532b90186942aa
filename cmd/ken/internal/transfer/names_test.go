package transfer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// TestTwinNames: two local files whose names are one to the drive do not become
// one without a word.
func TestTwinNames(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	nfc := write(t, filepath.Join(src, "\u00fc"), 10)
	write(t, filepath.Join(src, "u\u0308"), 20)
	write(t, filepath.Join(src, "e\u0301 alone"), 30)
	sum, err := transfer.Put(t.Context(), d, src, "/src", transfer.Options{Recursive: true})
	wantKind(t, "put of twins", err, metadata.KindUnsupported)
	if sum.Files != 2 || err == nil || !strings.Contains(err.Error(), "spelled in other code points") {
		t.Errorf("got %d files, %v, want 2 and a word about the third", sum.Files, err)
	}
	e, err := d.Tree.Lookup(t.Context(), "/src/\u00fc", metadata.LookupOptions{})
	if err != nil || e.Size != int64(len(nfc)) {
		t.Errorf("the file in the usual spelling: got %d bytes, %v, want %d", e.Size, err, len(nfc))
	}
}

// TestOddNames: what a local file system allows and the drive does not is left
// out with its path, and the rest is copied; the longest name comes back.
func TestOddNames(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	long := strings.Repeat("x", 255)
	for _, name := range []string{long, "-dash", "a b", "*", "line\nbreak", "back\\slash/inside"} {
		write(t, filepath.Join(src, name), 5)
	}
	if err := os.Symlink("a b", filepath.Join(src, "link")); err != nil {
		t.Fatal(err)
	}
	sum, err := transfer.Put(t.Context(), d, src, "/src", transfer.Options{Recursive: true})
	if sum.Files != 4 || err == nil {
		t.Fatalf("got %d files, %v, want 4 and an error", sum.Files, err)
	}
	for _, want := range []string{`line\nbreak" was left out`, `back\\slash" was left out`, "link was left out: no regular file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	back := filepath.Join(t.TempDir(), "back")
	if _, err := transfer.Get(t.Context(), d, "/src", back, transfer.Options{Recursive: true}); err != nil {
		t.Fatal(err)
	}
	es, err := os.ReadDir(back)
	var got []string
	for _, e := range es {
		got = append(got, e.Name())
	}
	if want := []string{"*", "-dash", "a b", long}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestManySources: each goes to its own place, and one that fails stops no other.
func TestManySources(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, 1)
	write(t, b, 2)
	sum, err := transfer.PutAll(t.Context(), d, []transfer.Pair{
		{Local: a, Remote: "/a"}, {Local: filepath.Join(dir, "none"), Remote: "/none"}, {Local: dir, Remote: "/dir"},
		{Local: b, Remote: "/b"},
	}, transfer.Options{})
	wantKind(t, "put", err, metadata.KindNotFound)
	if sum.Files != 2 || sum.Bytes != 3 || !strings.Contains(err.Error(), "add -r") {
		t.Errorf("put: got %+v, %v, want 2 files, 3 bytes and two errors", sum, err)
	}
	back := t.TempDir()
	sum, err = transfer.GetAll(t.Context(), d, []transfer.Pair{
		{Local: filepath.Join(back, "b"), Remote: "/b"}, {Local: filepath.Join(back, "x"), Remote: "/nothing"},
		{Local: filepath.Join(back, "a"), Remote: "/a"},
	}, transfer.Options{})
	wantKind(t, "get", err, metadata.KindNotFound)
	if sum.Files != 2 || sum.Bytes != 3 {
		t.Errorf("get: got %+v, want 2 files and 3 bytes", sum)
	}
}
