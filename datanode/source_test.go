package datanode_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// rot flips a bit of a block's data on the disk in memory that it was found on.
func rot(t *testing.T, fs vfs.FS, want []byte) {
	t.Helper()
	names, err := fs.List("/disk/packs")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := fs.OpenReadWrite("/disk/packs/"+name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		all := make([]byte, info.Size())
		if _, err := f.ReadAt(all, 0); err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(all, want[:64]); at >= 0 {
			if _, err := f.WriteAt([]byte{all[at+40] ^ 1}, int64(at+40)); err != nil {
				t.Fatal(err)
			}
			_ = f.Close() // in memory
			return
		}
		_ = f.Close() // in memory
	}
	t.Fatal("the block is in no pack")
}

// memStore is openStore with its file system.
func memStore(t *testing.T) (*blockstore.Store, vfs.FS) {
	t.Helper()
	fs := vfs.NewMem()
	if _, err := blockstore.Format("/disk", blockstore.FormatOptions{FS: fs}); err != nil {
		t.Fatal(err)
	}
	s, err := blockstore.Open(blockstore.Config{Dir: "/disk", FS: fs, Reserve: -1, PackBytes: 8 << 20, CompactionInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	return s, fs
}

// A sync reads blocks that nobody may have read for years. One that has rotted
// at its source is reported by the source, so that it is mended, too.
func TestRottenSourceIsReported(t *testing.T) {
	var nodes []*node
	find := func(id metadata.NodeID) blockio.Target { return nodes[id-1].Server }
	rotten, fs := memStore(t)
	for i := range 3 {
		nodes = append(nodes, start(t, metadata.NodeID(i+1), 1, func(c *datanode.Config) {
			c.Local = find
			if i == 0 {
				c.Disks[0].Store = rotten
			}
		}))
	}
	src, good, to := nodes[0], nodes[1], nodes[2]
	src.stores[0] = rotten
	one, two := src.put(t, id(3, 1), 30_000), src.put(t, id(3, 2), 30_000)
	good.put(t, one.ID, 30_000)
	good.put(t, two.ID, 30_000)
	rot(t, fs, content(two.ID, 30_000))
	committed := func(n *node) { n.fleet.set(func() { n.fleet.blocks[3] = []metadata.BlockRef{one, two} }) }
	committed(to)
	order := metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: to.disk(), Volume: 3, Fence: 9, Sources: []metadata.Located{src.located()}}
	if r := to.fleet.order(t, order); r.ErrKind != metadata.KindCorrupt {
		t.Fatalf("sync from a rotten source: %+v, want %v", r, metadata.KindCorrupt)
	}
	if d, err := src.Digest(t.Context(), src.disk(), 3); err != nil || d.Blocks != 1 || d.Damaged != 1 || d.Digest != one.ID.Digest() {
		t.Errorf("digest of the source: %+v, %v, want block 1 and one that is damaged", d, err)
	}
	eventually(t, "the source's heartbeats tell the leader", func() bool {
		for _, d := range src.fleet.last().Digests {
			if d.Volume == 3 && d.Damaged == 1 && d.Blocks == 1 {
				return true
			}
		}
		return false
	})
	// What the leader orders then.
	committed(src)
	mend := metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: src.disk(), Volume: 3, Fence: 9, Sources: []metadata.Located{good.located()}}
	if r := src.fleet.order(t, mend); r.Err != "" || r.Fetched != 30_000 {
		t.Fatalf("mending the source: %+v, want one block fetched", r)
	}
	order.ID = 2
	if r := to.fleet.order(t, order); r.Err != "" {
		t.Errorf("sync from the mended source: %+v", r)
	}
	got, err := readAll(t, to, blockio.GetRequest{Block: two.ID})
	if err != nil || !bytes.Equal(got, content(two.ID, 30_000)) {
		t.Errorf("the block after all: %d bytes, %v", len(got), err)
	}
}

// A source whose way here is bad, not its disk, stays whole.
func TestSoundSourceIsNotAccused(t *testing.T) {
	good := start(t, 1, 1, nil)
	to := start(t, 2, 1, func(c *datanode.Config) {
		c.Local = func(metadata.NodeID) blockio.Target { return &checkedLiar{liar{good.Server}, good.Server} }
	})
	ref := good.put(t, id(3, 1), 30_000)
	to.fleet.set(func() { to.fleet.blocks[3] = []metadata.BlockRef{ref} })
	r := to.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: to.disk(), Volume: 3, Fence: 9,
		Sources: []metadata.Located{good.located()}})
	if r.ErrKind != metadata.KindCorrupt {
		t.Errorf("sync over a bad way: %+v, want %v", r, metadata.KindCorrupt)
	}
	if d, err := good.Digest(t.Context(), good.disk(), 3); err != nil || d.Damaged != 0 || d.Blocks != 1 {
		t.Errorf("digest of the sound source: %+v, %v", d, err)
	}
}

// checkedLiar spoils what it hands out, but checks honestly.
type checkedLiar struct {
	liar
	blockio.Checker
}

// hanging is a store whose fences hang.
type hanging struct {
	datanode.Store
	begun, end chan struct{}
	once       sync.Once
}

func (h *hanging) SetFence(ctx context.Context, v metadata.VolumeID, fence metadata.LocalID) error {
	h.once.Do(func() { close(h.begun) })
	<-h.end
	return h.Store.SetFence(ctx, v, fence)
}

// A disk that hangs holds up Close for as long as the caller wants, no longer.
func TestCloseBesideAHangingDisk(t *testing.T) {
	h := &hanging{begun: make(chan struct{}), end: make(chan struct{})}
	f := newFleet()
	h.Store = openStore(t)
	s, err := datanode.New(datanode.Config{Node: 1, Fleet: f, Interval: 20 * time.Millisecond, ScrubBytesPerSecond: -1,
		Disks: []datanode.Disk{{Path: "/disk", Store: h}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	f.set(func() {
		f.orders = []metadata.Order{{ID: 1, Kind: metadata.OrderSync, Disk: h.Disk(), Volume: 3, Fence: 9}}
	})
	<-h.begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Close(ctx) }()
	select {
	case err := <-ended:
		if metadata.KindOf(err) != metadata.KindTimeout {
			t.Errorf("Close: %v, want %v", err, metadata.KindTimeout)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close waits for the disk")
	}
	close(h.end)
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
