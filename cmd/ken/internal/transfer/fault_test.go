package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// umask sets this process's for a test.
func umask(t *testing.T, mask int) {
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

// TestDownloadsKeepTheUmask: who keeps files to themselves keeps downloads so.
func TestDownloadsKeepTheUmask(t *testing.T) {
	d := newDrive(t)
	local := filepath.Join(t.TempDir(), "f")
	write(t, local, 10)
	if _, err := transfer.Put(t.Context(), d, local, "/f", transfer.Options{}); err != nil {
		t.Fatal(err)
	}
	for mask, want := range map[int]os.FileMode{0o022: 0o644, 0o077: 0o600} {
		umask(t, mask)
		to := filepath.Join(t.TempDir(), "f")
		if _, err := transfer.Get(t.Context(), d, "/f", to, transfer.Options{}); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(to); err != nil || st.Mode().Perm() != want {
			t.Errorf("umask %04o: got %v, %v, want %04o", mask, st.Mode(), err, want)
		}
	}
}

// TestGetErrorsLeaveNothing: a download that fails leaves the file that was
// there, and no piece of a new one.
func TestGetErrorsLeaveNothing(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	local := filepath.Join(dir, "f")
	write(t, local, 3<<20)
	if _, err := transfer.Put(t.Context(), d, local, "/f", transfer.Options{}); err != nil {
		t.Fatal(err)
	}
	old := write(t, local, 7)
	e, err := d.Tree.Lookup(t.Context(), "/f", metadata.LookupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for what, entry := range map[string]metadata.Entry{
		"larger than its blocks": {Name: "f", Size: e.Size + 1, Content: e.Content, BlockCount: e.BlockCount, Blocks: e.Blocks},
		"blocks that are gone": {Name: "f", Size: 10, Content: e.Content, BlockCount: 1,
			Blocks: []metadata.BlockRef{{ID: metadata.BlockID{Volume: 999, Local: 1}, Length: 10}}},
	} {
		lying := d
		lying.Tree = fixedTree{d.Tree, entry}
		r := &record{}
		sum, err := transfer.Get(t.Context(), lying, "/f", local, transfer.Options{Progress: r})
		if err == nil || sum.Files != 0 || !strings.Contains(err.Error(), "/f") {
			t.Errorf("%s: got %+v, %v, want an error that names the file", what, sum, err)
		}
		if k := r.tasks["/f"]; k == nil || !k.ended || k.err == nil {
			t.Errorf("%s: progress was not told: %+v", what, k)
		}
	}
	if b, err := os.ReadFile(local); err != nil || !bytes.Equal(b, old) {
		t.Errorf("the file that was there: %d bytes, %v", len(b), err)
	}
	if es, err := os.ReadDir(dir); err != nil || len(es) != 1 {
		t.Errorf("left behind: %v, %v", es, err)
	}
}

// fixedTree answers every look-up with one entry.
type fixedTree struct {
	metadata.Tree
	entry metadata.Entry
}

func (f fixedTree) Lookup(context.Context, metadata.Path, metadata.LookupOptions) (metadata.Entry, error) {
	return f.entry, nil
}

// TestGetOverFolder: a folder of this machine is not replaced by a file, nor a
// file by a directory.
func TestGetOverFolder(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	write(t, filepath.Join(src, "in", "f"), 5)
	if _, err := transfer.Put(t.Context(), d, src, "/src", transfer.Options{Recursive: true}); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "to")
	write(t, filepath.Join(to, "f", "kept"), 1)
	if _, err := transfer.Get(t.Context(), d, "/src/in/f", filepath.Join(to, "f"), transfer.Options{}); err == nil {
		t.Error("a folder was replaced")
	}
	if _, err := os.Stat(filepath.Join(to, "f", "kept")); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(to, "in"), 1)
	if _, err := transfer.Get(t.Context(), d, "/src", to, transfer.Options{Recursive: true}); err == nil {
		t.Error("a file was replaced by a directory")
	}
	file := filepath.Join(dir, "file")
	write(t, file, 1)
	if _, err := transfer.Get(t.Context(), d, "/src", file, transfer.Options{Recursive: true}); err == nil {
		t.Error("a directory was put in a file's place")
	}
}

// TestPutOverFile: a folder whose name is a file's on the drive is an error, and
// directories that are there are used.
func TestPutOverFile(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	write(t, filepath.Join(src, "sub", "f"), 5)
	if n, err := transfer.Store(t.Context(), d, "/taken", metadata.Guard{}, strings.NewReader("x")); n != 1 || err != nil {
		t.Fatalf("store: %d, %v", n, err)
	}
	_, err := transfer.Put(t.Context(), d, src, "/taken", transfer.Options{Recursive: true})
	wantKind(t, "over a file", err, metadata.KindNotDir)
	for i, dirs := range []int64{2, 0} {
		sum, err := transfer.Put(t.Context(), d, src, "/dir", transfer.Options{Recursive: true})
		if err != nil || sum.Dirs != dirs || sum.Files != 1 {
			t.Errorf("time %d: got %+v, %v, want %d directories made", i, sum, err, dirs)
		}
	}
	if sum, err := transfer.Put(t.Context(), d, src, metadata.Root, transfer.Options{Recursive: true}); err != nil || sum.Files != 1 {
		t.Errorf("into the root: got %+v, %v", sum, err)
	}
}

// broken is a local file that ends in an error.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the cable was pulled")
	}
	return n, err
}

// TestStoreIsWhole: what cannot be read to its end leaves the version before.
func TestStoreIsWhole(t *testing.T) {
	d := newDrive(t)
	if _, err := transfer.Store(t.Context(), d, "/f", metadata.Guard{}, strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	_, err := transfer.Store(t.Context(), d, "/f", metadata.Guard{}, broken{strings.NewReader("new and longer")})
	if err == nil || !strings.Contains(err.Error(), "the cable was pulled") {
		t.Errorf("got %v", err)
	}
	var got bytes.Buffer
	if err := transfer.Cat(t.Context(), d, "/f", &got); err != nil || got.String() != "old" {
		t.Errorf("got %q, %v", got.String(), err)
	}
	_, err = transfer.Store(t.Context(), d, "/f", metadata.Guard{IfNoneMatch: &metadata.ETagSet{Any: true}}, strings.NewReader("x"))
	wantKind(t, "a condition", err, metadata.KindPrecondition)
	_, err = transfer.Store(t.Context(), d, "/f/in", metadata.Guard{}, strings.NewReader("x"))
	if err == nil {
		t.Error("a file holds a file")
	}
	wantKind(t, "cat of nothing", transfer.Cat(t.Context(), d, "/none", io.Discard), metadata.KindNotFound)
}

// TestUnreadable: local files that may not be read are denied, one by one.
func TestUnreadable(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	write(t, filepath.Join(src, "good"), 1)
	if os.Getuid() != 0 { // root may read everything
		secret := filepath.Join(src, "secret")
		write(t, secret, 1)
		if err := os.Chmod(secret, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(src, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := transfer.Put(t.Context(), d, src, "/src", transfer.Options{Recursive: true, Parallel: transfer.ParallelMax + 5})
	if sum.Files != 1 || err == nil || !strings.Contains(err.Error(), "pipe was left out: no regular file") {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// TestManyErrorsAreBounded: a thousand failures do not make a thousand lines.
func TestManyErrorsAreBounded(t *testing.T) {
	d := newDrive(t)
	var pairs []transfer.Pair
	for i := range 250 {
		pairs = append(pairs, transfer.Pair{Local: filepath.Join("/nonexistent", fmt.Sprint(i)), Remote: metadata.Path(fmt.Sprintf("/%d", i))})
	}
	_, err := transfer.PutAll(t.Context(), d, pairs, transfer.Options{})
	if lines := strings.Count(fmt.Sprint(err), "\n") + 1; lines != 101 || !strings.Contains(err.Error(), "and 150 errors more") {
		t.Errorf("%d lines, the last of %v", lines, err)
	}
}

// stopAfter cancels a transfer when so many bytes have moved.
type stopAfter struct {
	left   atomic.Int64
	cancel context.CancelFunc
}

func (s *stopAfter) Begin(transfer.File) transfer.Task { return s }
func (s *stopAfter) End(error)                         {}
func (s *stopAfter) Add(n int64) {
	if s.left.Add(-n) <= 0 {
		s.cancel()
	}
}

// TestCancelled: Ctrl-C in the middle leaves whole files and nothing else, on
// the drive and here.
func TestCancelled(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	for i := range 20 {
		write(t, filepath.Join(src, fmt.Sprintf("f%02d", i)), 1<<20)
	}
	cancelling := func() (context.Context, *stopAfter) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		s := &stopAfter{cancel: cancel}
		s.left.Store(5 << 20)
		return ctx, s
	}
	ctx, progress := cancelling()
	sum, err := transfer.Put(ctx, d, src, "/src", transfer.Options{Recursive: true, Progress: progress})
	if !errors.Is(err, context.Canceled) && metadata.KindOf(err) != metadata.KindCanceled || sum.Files == 20 {
		t.Errorf("put: got %+v, %v", sum, err)
	}
	err = transfer.Walk(t.Context(), d.Tree, "/src", func(p metadata.Path, e metadata.Entry) error {
		if e.Size != 1<<20 {
			t.Errorf("%s has %d bytes", p, e.Size)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := transfer.Put(t.Context(), d, src, "/src", transfer.Options{Recursive: true}); err != nil {
		t.Fatal(err)
	}
	ctx, progress = cancelling()
	back := filepath.Join(t.TempDir(), "back")
	if sum, err := transfer.Get(ctx, d, "/src", back, transfer.Options{Recursive: true, Progress: progress}); err == nil || sum.Files == 20 {
		t.Errorf("get: got %+v, %v", sum, err)
	}
	es, err := os.ReadDir(back)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		st, err := e.Info()
		if err != nil || st.Size() != 1<<20 || strings.HasSuffix(e.Name(), ".part") {
			t.Errorf("%s: %v, %v", e.Name(), st, err)
		}
	}
}
