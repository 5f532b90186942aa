package transfer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// newDrive starts a whole cluster in this process and connects to it as the
// owner's command line does.
func newDrive(t *testing.T) transfer.Drive {
	t.Helper()
	dir := t.TempDir()
	d, err := cluster.Dev(t.Context(), cluster.DevOptions{
		Dir: dir, WebDAV: "127.0.0.1:0", StorageServers: 2, Replication: 2, Password: "correct-horse-9",
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Connect(t.Context(), dir, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c.Close(ctx)
		if err := d.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return transfer.Drive{Tree: c.Meta, Change: c.Meta, Blocks: c.Blocks}
}

// record is a Progress that keeps what it was told.
type record struct {
	mu    sync.Mutex
	tasks map[string]*task
}

type task struct {
	r          *record
	size, done int64
	ended      bool
	err        error
}

func (r *record) Begin(f transfer.File) transfer.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks == nil {
		r.tasks = map[string]*task{}
	}
	r.tasks[f.Name] = &task{r: r, size: f.Size}
	return r.tasks[f.Name]
}

func (k *task) Add(n int64) {
	k.r.mu.Lock()
	defer k.r.mu.Unlock()
	k.done += n
}

func (k *task) End(err error) {
	k.r.mu.Lock()
	defer k.r.mu.Unlock()
	k.ended, k.err = true, err
}

func write(t *testing.T, path string, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

func wantKind(t *testing.T, what string, err error, want metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != want {
		t.Errorf("%s: got %v, want kind %v", what, err, want)
	}
}

func TestTreeThereAndBack(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	want := map[string][]byte{}
	for i := range 30 {
		name := fmt.Sprintf("d%d/e%d/f%d ü.bin", i%3, i%2, i)
		want[name] = write(t, filepath.Join(src, name), i*1000)
	}
	want["large"] = write(t, filepath.Join(src, "large"), 20<<20)
	at := time.Date(2019, 8, 7, 6, 5, 4, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(src, "large"), at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(src, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := &record{}
	sum, err := transfer.Put(t.Context(), d, src, "/tree", transfer.Options{Recursive: true, Parallel: 8, Progress: r})
	if err != nil || sum.Files != 31 {
		t.Fatalf("put: got %+v, %v, want 31 files", sum, err)
	}
	for name, k := range r.tasks {
		if !k.ended || k.err != nil || k.done != k.size {
			t.Errorf("progress of %s: %d of %d bytes, ended %v, %v", name, k.done, k.size, k.ended, k.err)
		}
	}

	dst := filepath.Join(t.TempDir(), "dst")
	sum, err = transfer.Get(t.Context(), d, "/tree", dst, transfer.Options{Recursive: true})
	if err != nil || sum.Files != 31 {
		t.Fatalf("get: got %+v, %v, want 31 files", sum, err)
	}
	found := 0
	err = filepath.WalkDir(dst, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		found++
		rel, _ := filepath.Rel(dst, path)
		got, err := os.ReadFile(path)
		if !bytes.Equal(got, want[rel]) {
			t.Errorf("%s differs (a left-over temporary file?)", rel)
		}
		return err
	})
	if err != nil || found != len(want) {
		t.Errorf("found %d files, %v, want %d", found, err, len(want))
	}
	if st, err := os.Stat(filepath.Join(dst, "large")); err != nil || !st.ModTime().Equal(at) {
		t.Errorf("time of the large file: got %v, %v, want %v", st.ModTime(), err, at)
	}
	if st, err := os.Stat(filepath.Join(dst, "empty")); err != nil || !st.IsDir() {
		t.Errorf("empty folder: got %v, %v", st, err)
	}
}

func TestNoClobber(t *testing.T) {
	d := newDrive(t)
	local := filepath.Join(t.TempDir(), "f")
	first := write(t, local, 100)
	for range 2 {
		if _, err := transfer.Put(t.Context(), d, local, "/f", transfer.Options{NoClobber: true}); err != nil {
			t.Fatal(err)
		}
		write(t, local, 100)
	}
	var got bytes.Buffer
	if err := transfer.Cat(t.Context(), d, "/f", &got); err != nil || !bytes.Equal(got.Bytes(), first) {
		t.Errorf("the first version was replaced, %v", err)
	}
	kept := write(t, local, 7)
	sum, err := transfer.Get(t.Context(), d, "/f", local, transfer.Options{NoClobber: true})
	if b, _ := os.ReadFile(local); err != nil || sum.Skipped != 1 || !bytes.Equal(b, kept) {
		t.Errorf("get over an existing file: %+v, %v", sum, err)
	}
}

func TestErrorsDoNotStopTheOthers(t *testing.T) {
	d := newDrive(t)
	src := filepath.Join(t.TempDir(), "src")
	write(t, filepath.Join(src, "good"), 10)
	write(t, filepath.Join(src, "bad\\name"), 10)
	if err := os.Symlink("good", filepath.Join(src, "link")); err != nil {
		t.Fatal(err)
	}
	sum, err := transfer.Put(t.Context(), d, src, "/t", transfer.Options{Recursive: true})
	if sum.Files != 1 || err == nil || !strings.Contains(err.Error(), "bad") || !strings.Contains(err.Error(), "link") {
		t.Errorf("got %+v, %v, want one file and both failures named", sum, err)
	}
	if err := transfer.Cat(t.Context(), d, "/t/good", &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	d := newDrive(t)
	ctx, opt := t.Context(), transfer.Options{}
	dir := t.TempDir()
	local := filepath.Join(dir, "f")
	write(t, local, 10)
	_, err := transfer.Put(ctx, d, filepath.Join(dir, "nothing"), "/x", opt)
	wantKind(t, "put of nothing", err, metadata.KindNotFound)
	_, err = transfer.Put(ctx, d, dir, "/x", opt)
	wantKind(t, "put of a folder", err, metadata.KindIsDir)
	_, err = transfer.Put(ctx, d, local, "/no/such/dir", opt)
	wantKind(t, "put without a parent", err, metadata.KindParentMissing)
	_, err = transfer.Get(ctx, d, "/", filepath.Join(dir, "back"), opt)
	wantKind(t, "get of a directory", err, metadata.KindIsDir)
	_, err = transfer.Get(ctx, d, "/nothing", filepath.Join(dir, "back"), opt)
	wantKind(t, "get of nothing", err, metadata.KindNotFound)
	wantKind(t, "cat of a directory", transfer.Cat(ctx, d, "/", &bytes.Buffer{}), metadata.KindIsDir)
	if _, err := transfer.Put(ctx, d, local, "/f", opt); err != nil {
		t.Fatal(err)
	}
	_, err = transfer.Get(ctx, d, "/f", filepath.Join(dir, "no", "such", "folder"), opt)
	if err == nil {
		t.Error("get into a folder that does not exist succeeded")
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := transfer.Put(canceled, d, local, "/g", opt); err == nil {
		t.Error("a canceled put succeeded")
	}
}

// TestWalkPages: a directory larger than one page is walked whole and in order.
func TestWalkPages(t *testing.T) {
	d := newDrive(t)
	const n = metadata.ListLimitMax + 50
	var wg sync.WaitGroup
	slots := make(chan struct{}, 32)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if _, err := d.Change.Mkdir(t.Context(), metadata.Path(fmt.Sprintf("/d%05d", i)), metadata.Guard{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	i := 0
	err := transfer.Walk(t.Context(), d.Tree, metadata.Root, func(p metadata.Path, _ metadata.Entry) error {
		if want := metadata.Path(fmt.Sprintf("/d%05d", i)); p != want {
			return fmt.Errorf("entry %d is %s, want %s", i, p, want)
		}
		i++
		return nil
	})
	if err != nil || i != n {
		t.Errorf("walked %d of %d, %v", i, n, err)
	}
	stop := errors.New("stop")
	if err := transfer.Walk(t.Context(), d.Tree, metadata.Root, func(metadata.Path, metadata.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the callback's error", err)
	}
}
