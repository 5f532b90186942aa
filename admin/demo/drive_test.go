package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"kendfs/metadata"
)

func writerGuard() metadata.Guard { return metadata.Guard{User: "wim"} }

// put writes a file through the demo's own writer.
func put(d *Cluster, path metadata.Path, data []byte, g metadata.Guard) error {
	w := d.Create(context.Background(), 3, int64(len(data)))
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Commit(context.Background(), func(ctx context.Context, c metadata.Commit) error {
		_, err := d.Commit(ctx, path, g, c)
		return err
	})
}

func readAll(t *testing.T, d *Cluster, path metadata.Path) []byte {
	t.Helper()
	e, err := d.Lookup(context.Background(), path, metadata.LookupOptions{User: "rita"})
	if err != nil {
		t.Fatal(err)
	}
	r := d.Open(context.Background(), e)
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != e.Size {
		t.Fatalf("%s: %d bytes, %v, want %d", path, len(b), err, e.Size)
	}
	return b
}

// checkTree proves that what every folder counts is what is in it, and that
// names are in order.
func checkTree(t *testing.T, d *Cluster) {
	t.Helper()
	held, count := int64(0), 0
	var walk func(f *file) metadata.Usage
	walk = func(f *file) (u metadata.Usage) {
		held += int64(len(f.data))
		for i, k := range f.kids {
			if k.up != f || k.key != metadata.NameKey(k.name) || i > 0 && f.kids[i-1].key >= k.key {
				t.Fatalf("%q in %q is at the wrong place", k.name, f.name)
			}
			count++
			if !k.dir {
				u.Files, u.Bytes = u.Files+1, u.Bytes+k.size
				held += 0
				walk(k)
				continue
			}
			below := walk(k)
			u.Files, u.Bytes, u.Dirs = u.Files+below.Files, u.Bytes+below.Bytes, u.Dirs+below.Dirs+1
		}
		if f.dir && f.usage != u {
			t.Fatalf("%q counts %+v, in it are %+v", f.name, f.usage, u)
		}
		return u
	}
	walk(d.tree.root)
	if held != d.tree.held || count != d.tree.count {
		t.Fatalf("%d bytes are held, %d counted; %d entries, %d counted", held, d.tree.held, count, d.tree.count)
	}
}

// TestTreeAgainstModel changes the drive at random and compares it with a map of
// paths.
func TestTreeAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		d, _ := newDemo(t, Config{Seed: seed, Nodes: 20, Files: 3})
		rng := rand.New(rand.NewPCG(seed, 7))
		ctx, g := context.Background(), writerGuard()
		files := map[metadata.Path]string{} // of /m: content, "/" for folders
		if _, err := d.Mkdir(ctx, "/m", g); err != nil {
			t.Fatal(err)
		}
		files["/m"] = "/"
		pick := func() metadata.Path {
			all := make([]metadata.Path, 0, len(files))
			for p := range files {
				all = append(all, p)
			}
			slices.Sort(all)
			return all[rng.IntN(len(all))]
		}
		fresh := func() metadata.Path { return pick().Join(fmt.Sprint(rng.IntN(6))) }
		under := func(p, dir metadata.Path) bool { return p == dir || dir.Contains(p) }
		parent := func(p metadata.Path) bool { dir, _ := p.Split(); return files[dir] == "/" }
		for range 300 {
			switch p, q := fresh(), fresh(); rng.IntN(5) {
			case 0:
				_, err := d.Mkdir(ctx, p, g)
				if _, there := files[p]; (err == nil) != (!there && parent(p)) {
					t.Fatalf("seed %d: mkdir %s: %v", seed, p, err)
				}
				if err == nil {
					files[p] = "/"
				}
			case 1:
				text := fmt.Sprint("content ", rng.IntN(1000))
				err := put(d, p, []byte(text), g)
				if (err == nil) != (parent(p) && files[p] != "/") {
					t.Fatalf("seed %d: put %s: %v", seed, p, err)
				}
				if err == nil {
					files[p] = text
				}
			case 2:
				err := d.Remove(ctx, p, g)
				if _, there := files[p]; (err == nil) != there {
					t.Fatalf("seed %d: remove %s: %v", seed, p, err)
				}
				if err == nil {
					for x := range files {
						if under(x, p) {
							delete(files, x)
						}
					}
				}
			default:
				move, over := rng.IntN(2) == 0, rng.IntN(2) == 0
				var err error
				if move {
					_, err = d.Rename(ctx, p, q, g, over)
				} else {
					_, err = d.Copy(ctx, p, q, g, metadata.CopyOptions{Overwrite: over})
				}
				_, from := files[p]
				_, to := files[q]
				if (err == nil) != (from && parent(q) && (over || !to) && !under(p, q) && !under(q, p)) {
					t.Fatalf("seed %d: from %s to %s, move %v, over %v: %v", seed, p, q, move, over, err)
				}
				if err != nil {
					continue
				}
				for x := range files {
					if under(x, q) {
						delete(files, x)
					}
				}
				for x, text := range files {
					if under(x, p) {
						files[q+x[len(p):]] = text
						if move {
							delete(files, x)
						}
					}
				}
			}
		}
		checkTree(t, d)
		for p, text := range files {
			e, err := d.Lookup(ctx, p, metadata.LookupOptions{})
			if err != nil || e.IsDir != (text == "/") {
				t.Fatalf("seed %d: %s: got %+v, %v", seed, p, e, err)
			}
			if !e.IsDir && string(readAll(t, d, p)) != text {
				t.Fatalf("seed %d: %s has other content", seed, p)
			}
		}
	}
}

// Who may do what, as the namespace decides it.
func TestRights(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 3})
	ctx := context.Background()
	for user, may := range map[string]bool{"admin": true, "olga": true, "wim": true, "rita": false, "vera": false, "dora": false, "nobody": false, "": true} {
		g := metadata.Guard{User: user}
		path := metadata.Path("/by-" + user)
		_, err := d.Mkdir(ctx, path, g)
		if (err == nil) != may {
			t.Errorf("%q makes a folder: %v", user, err)
		}
		if err != nil && metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("%q: got %v", user, err)
		}
		if err := put(d, path+".txt", []byte("x"), g); (err == nil) != may {
			t.Errorf("%q writes: %v", user, err)
		}
		if err := d.Remove(ctx, path, g); (err == nil) != may {
			t.Errorf("%q deletes: %v", user, err)
		}
		one := 1
		if _, err := d.SetAttr(ctx, "/Photos", g, metadata.AttrChange{Replication: &one}); (err == nil) != (user == "admin" || user == "") {
			t.Errorf("%q sets the replication: %v", user, err)
		}
	}
	for user, may := range map[string]bool{"vera": true, "dora": false, "nobody": false} {
		if _, err := d.List(ctx, "/", metadata.ListOptions{User: user}); (err == nil) != may {
			t.Errorf("%q lists: %v", user, err)
		}
		if _, err := d.Lookup(ctx, "/", metadata.LookupOptions{User: user}); (err == nil) != may {
			t.Errorf("%q looks: %v", user, err)
		}
	}
	// The lock for everybody.
	if err := d.Set(ctx, map[string]int64{metadata.SettingReadOnly: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Mkdir(ctx, "/x", writerGuard())
	kind(t, "read-only", err, metadata.KindReadOnly)
	kind(t, "removing is a change", d.Remove(ctx, "/x", writerGuard()), metadata.KindReadOnly)
}

// What cannot be: the root, through a file, over a folder, into itself.
func TestRefusals(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 3})
	ctx, g := context.Background(), writerGuard()
	_, err := d.Rename(ctx, "/", "/x", g, false)
	kind(t, "moving the root", err, metadata.KindConflict)
	kind(t, "deleting the root", d.Remove(ctx, "/", g), metadata.KindConflict)
	_, err = d.Mkdir(ctx, "/", g)
	kind(t, "making the root", err, metadata.KindConflict)
	_, err = d.Rename(ctx, "/Documents", "/Documents/x", g, false)
	kind(t, "into itself", err, metadata.KindConflict)
	_, err = d.Copy(ctx, "/Documents", "/Documents", g, metadata.CopyOptions{Overwrite: true})
	kind(t, "onto itself", err, metadata.KindConflict)
	_, err = d.Lookup(ctx, "/Documents/minutes.md/x", metadata.LookupOptions{})
	kind(t, "through a file", err, metadata.KindNotDir)
	_, err = d.List(ctx, "/Documents/minutes.md", metadata.ListOptions{})
	kind(t, "listing a file", err, metadata.KindNotDir)
	kind(t, "over a folder", put(d, "/Documents", nil, g), metadata.KindIsDir)
	kind(t, "below a file", put(d, "/Documents/minutes.md/x", nil, g), metadata.KindNotDir)
	kind(t, "nowhere", put(d, "/none/x", nil, g), metadata.KindParentMissing)
	g.IfNoneMatch = &metadata.ETagSet{Any: true}
	kind(t, "what is there", put(d, "/Documents/minutes.md", nil, g), metadata.KindPrecondition)
	_, err = d.Blocks(ctx, 1<<40, 0)
	kind(t, "no such content", err, metadata.KindNotFound)
	_, err = d.Quota(ctx, "/none")
	kind(t, "quota of nothing", err, metadata.KindNotFound)
	seven := 7
	_, err = d.SetAttr(ctx, "/Documents/minutes.md", metadata.Guard{}, metadata.AttrChange{Replication: &seven})
	kind(t, "replication of a file", err, metadata.KindNotDir)
	checkTree(t, d)
}

// The demo keeps a bounded amount of what people write.
func TestUploadsAreBounded(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 3})
	d.tree.held = UploadBytesMax - 10 // as if it were nearly full
	kind(t, "too much", put(d, "/big", bytes.Repeat([]byte("x"), 11), writerGuard()), metadata.KindNoSpace)
	w := d.Create(context.Background(), 1, 5)
	if _, err := w.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	ctx, cancel := context.WithCancel(context.Background())
	w = d.Create(ctx, 1, 5)
	cancel()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("an upload that was given up goes on")
	}
	d.tree.count = entriesMax
	_, err := d.Mkdir(context.Background(), "/x", writerGuard())
	kind(t, "too many entries", err, metadata.KindTooLarge)
}

// A reader is the same bytes at every offset, in whatever pieces it is read.
func TestReaderInPieces(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 3})
	path := metadata.Path("/Scans/scan-000002.tif")
	whole := readAll(t, d, path)
	e, _ := d.Lookup(context.Background(), path, metadata.LookupOptions{})
	rng := rand.New(rand.NewPCG(1, 1))
	r := d.Open(context.Background(), e)
	for range 200 {
		off := rng.Int64N(e.Size)
		whence := []int{io.SeekStart, io.SeekCurrent, io.SeekEnd}[rng.IntN(3)]
		at, _ := r.Seek(0, io.SeekCurrent)
		to := map[int]int64{io.SeekStart: off, io.SeekCurrent: off - at, io.SeekEnd: off - e.Size}[whence]
		if got, err := r.Seek(to, whence); err != nil || got != off {
			t.Fatalf("seek %d, %d: got %d, %v", to, whence, got, err)
		}
		buf := make([]byte, 1+rng.IntN(5000))
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		if !bytes.Equal(buf[:n], whole[off:off+int64(n)]) {
			t.Fatalf("%d bytes at %d differ", n, off)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("before the beginning")
	}
	if _, err := r.Seek(e.Size+5, io.SeekStart); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 5)); n != 0 || err != io.EOF {
		t.Errorf("beyond the end: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := d.Open(ctx, e)
	cancel()
	if _, err := gone.Read(make([]byte, 5)); err == nil {
		t.Error("a reader whose request is over reads on")
	}
}
