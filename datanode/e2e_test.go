package datanode_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockio/blockiotest"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// drive is a client over real storage servers and an in-memory nameserver.
type drive struct {
	ns     *blockiotest.Nameserver
	nodes  []*node
	client *blockio.Client
}

// realStore is a disk on the file system of the test's directory.
func realStore(t testing.TB) *blockstore.Store {
	t.Helper()
	dir := t.TempDir()
	if _, err := blockstore.Format(dir, blockstore.FormatOptions{FS: vfs.Default}); err != nil {
		t.Fatal(err)
	}
	s, err := blockstore.Open(blockstore.Config{Dir: dir, CompactionInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	return s
}

// newDrive starts n servers. The nameserver checks every commit against what is
// really on their disks.
func newDrive(t testing.TB, n int, open func(testing.TB) *blockstore.Store, change func(*blockio.Config)) *drive {
	t.Helper()
	d := &drive{}
	var fakes []*blockiotest.Server
	find := func(id metadata.NodeID) blockio.Target {
		for _, n := range d.nodes {
			if n.id == id {
				return n.Server
			}
		}
		return nil
	}
	for i := range n {
		var store *blockstore.Store
		if open != nil {
			store = open(t)
		}
		x := start(t, metadata.NodeID(i+1), 1, func(c *datanode.Config) {
			c.Local = find
			if store != nil {
				c.Disks[0].Store = store
			}
		})
		if store != nil {
			x.stores[0] = store
		}
		d.nodes = append(d.nodes, x)
		fake := blockiotest.NewServer(x.id)
		fake.Disk = x.disk()
		fake.Held = func(b metadata.BlockID) int64 {
			length, err := x.stores[0].Stat(b)
			if err != nil {
				return -1
			}
			return length
		}
		fakes = append(fakes, fake)
	}
	d.ns = blockiotest.NewNameserver(fakes...)
	cfg := blockio.Config{Leaser: d.ns, Stager: d.ns, Referrer: d.ns, Local: find}
	if change != nil {
		change(&cfg)
	}
	d.client = blockio.New(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = d.client.Close(ctx) // the test is over
	})
	return d
}

// write makes a file.
func (d *drive) write(t testing.TB, b []byte, replicas int) (e metadata.Entry) {
	t.Helper()
	w := d.client.Create(t.Context(), blockio.CreateOptions{Replicas: replicas, Size: int64(len(b))})
	defer w.Abort()
	if _, err := w.ReadFrom(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	err := w.Commit(t.Context(), func(ctx context.Context, m metadata.Commit) (err error) {
		e, err = d.ns.Commit(ctx, m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Files go through client, servers and disks and back.
func TestDrive(t *testing.T) {
	d := newDrive(t, 3, nil, func(c *blockio.Config) { c.BlockBytes = 1 << 20 })
	for i, n := range []int{0, 1, 4096, 100_000, 3<<20 + 17} {
		b := content(id(9, uint64(i)), n)
		e := d.write(t, b, 2)
		var got bytes.Buffer
		f := d.client.Open(t.Context(), e)
		if _, err := f.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), b) {
			t.Fatalf("read of %d bytes: %d bytes, %v", n, got.Len(), err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A file of two replicas is on both disks.
func TestDriveReplicates(t *testing.T) {
	d := newDrive(t, 2, nil, nil)
	b := content(id(9, 1), 100_000)
	e := d.write(t, b, 2)
	f := d.client.Open(t.Context(), e)
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, b) {
		t.Fatalf("read: %d bytes, %v", len(got), err)
	}
	holders := 0
	for _, n := range d.nodes {
		refs, _, err := n.List(t.Context(), n.disk(), e.Blocks[0].ID.Volume, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(refs, func(r metadata.BlockRef) bool { return r == e.Blocks[0] }) {
			holders++
		}
	}
	if holders != 2 {
		t.Errorf("%d servers hold the block, want 2", holders)
	}
}

func benchmarkWrite(b *testing.B, size, replicas, parallel int) {
	d := newDrive(b, 3, realStore, nil)
	data := content(id(1, 1), size)
	b.SetBytes(int64(size))
	b.SetParallelism(parallel)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d.write(b, data, replicas)
		}
	})
}

func BenchmarkWriteSmall(b *testing.B)         { benchmarkWrite(b, 4096, 1, 1) }
func BenchmarkWriteSmallParallel(b *testing.B) { benchmarkWrite(b, 4096, 1, 32) }
func BenchmarkWriteSmallTwice(b *testing.B)    { benchmarkWrite(b, 4096, 2, 32) }
func BenchmarkWriteLarge(b *testing.B)         { benchmarkWrite(b, 64<<20, 1, 1) }

func benchmarkRead(b *testing.B, size int) {
	d := newDrive(b, 1, realStore, nil)
	e := d.write(b, content(id(1, 1), size), 1)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		f := d.client.Open(b.Context(), e)
		if n, err := f.WriteTo(io.Discard); err != nil || n != int64(size) {
			b.Fatal(n, err)
		}
		_ = f.Close() // never fails
	}
}

func BenchmarkReadSmall(b *testing.B) { benchmarkRead(b, 4096) }
func BenchmarkReadLarge(b *testing.B) { benchmarkRead(b, 256<<20) }
