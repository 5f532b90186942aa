package datanode_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// fleet is the leader as a storage server sees it.
type fleet struct {
	mu      sync.Mutex
	down    bool // guarded by mu, as all below
	orders  []metadata.Order
	beats   []metadata.Heartbeat
	results map[uint64]metadata.OrderResult
	blocks  map[metadata.VolumeID][]metadata.BlockRef
	page    int
	lists   int
	rate    int64
	cut     error // VolumeBlocks fails with it after the first page
}

func newFleet() *fleet {
	return &fleet{results: make(map[uint64]metadata.OrderResult),
		blocks: make(map[metadata.VolumeID][]metadata.BlockRef), page: 10}
}

func (f *fleet) Heartbeat(_ context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return metadata.HeartbeatReply{}, metadata.Errorf(metadata.KindUnavailable, "no leader")
	}
	f.beats = append(f.beats, h)
	for _, r := range h.Done {
		f.results[r.ID] = r
	}
	var open []metadata.Order
	for _, o := range f.orders {
		if _, done := f.results[o.ID]; !done {
			open = append(open, o)
		}
	}
	return metadata.HeartbeatReply{Orders: open, Interval: 20 * time.Millisecond, RepairBytesPerSecond: f.rate}, nil
}

func (f *fleet) VolumeBlocks(_ context.Context, v metadata.VolumeID, after metadata.LocalID) ([]metadata.BlockRef, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists++
	if f.cut != nil && after > 0 {
		return nil, false, f.cut
	}
	all := f.blocks[v]
	i := slices.IndexFunc(all, func(b metadata.BlockRef) bool { return b.ID.Local > after })
	if i < 0 {
		return nil, false, nil
	}
	end := min(len(all), i+f.page)
	return slices.Clone(all[i:end]), end < len(all), nil
}

// order gives an order and waits for its result.
func (f *fleet) order(t testing.TB, o metadata.Order) metadata.OrderResult {
	t.Helper()
	f.mu.Lock()
	f.orders = append(f.orders, o)
	f.mu.Unlock()
	var r metadata.OrderResult
	eventually(t, "the order's result", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		var ok bool
		r, ok = f.results[o.ID]
		return ok
	})
	return r
}

// last returns the latest heartbeat.
func (f *fleet) last() metadata.Heartbeat {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.beats) == 0 {
		return metadata.Heartbeat{}
	}
	return f.beats[len(f.beats)-1]
}

func (f *fleet) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// openStore makes an empty disk in memory.
func openStore(t testing.TB) *blockstore.Store {
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
	return s
}

// node is a running server with its stores.
type node struct {
	*datanode.Server
	id     metadata.NodeID
	fleet  *fleet
	stores []*blockstore.Store
}

// start runs a server with so many disks; change adapts its configuration.
func start(t testing.TB, id metadata.NodeID, disks int, change func(*datanode.Config)) *node {
	t.Helper()
	n := &node{id: id, fleet: newFleet()}
	cfg := datanode.Config{Node: id, Addr: "host:1", Zone: "z", Version: "v", Fleet: n.fleet,
		Interval: 20 * time.Millisecond, ScrubBytesPerSecond: -1}
	for range disks {
		s := openStore(t)
		n.stores = append(n.stores, s)
		cfg.Disks = append(cfg.Disks, datanode.Disk{Path: "/disk", Store: s})
	}
	if change != nil {
		change(&cfg)
	}
	s, err := datanode.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.Server = s
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

// disk is the id of the node's first disk.
func (n *node) disk() metadata.DiskID { return n.stores[0].Disk() }

// located is the node's first disk as a source.
func (n *node) located() metadata.Located {
	return metadata.Located{Replica: metadata.Replica{Node: n.id, Disk: n.disk()}, Addr: "host:1", Live: true}
}

// resolver finds servers of the same process.
func resolver(nodes ...*node) blockio.Resolver {
	return func(id metadata.NodeID) blockio.Target {
		for _, n := range nodes {
			if n.id == id {
				return n.Server
			}
		}
		return nil
	}
}

func id(v, local uint64) metadata.BlockID {
	return metadata.BlockID{Volume: metadata.VolumeID(v), Local: metadata.LocalID(local)}
}

// content is what the tests store under an id.
func content(b metadata.BlockID, n int) []byte {
	p := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(b.Volume), byte(b.Local), byte(b.Local >> 8)})
	_, _ = rng.Read(p) // never fails
	return p
}

// put stores a block of n bytes on the node's first disk and returns its reference.
func (n *node) put(t testing.TB, b metadata.BlockID, size int) metadata.BlockRef {
	t.Helper()
	p := content(b, size)
	out, err := n.Put(t.Context(), blockio.PutRequest{Block: b, Disk: n.disk(), Data: p, Sums: blockio.AppendSums(nil, p)})
	if err == nil {
		err = out[0].Err
	}
	if err != nil {
		t.Fatalf("put %v: %v", b, err)
	}
	return metadata.BlockRef{ID: b, Length: uint32(size)}
}

// locals lists the blocks of a volume on the node's first disk.
func (n *node) locals(t testing.TB, v metadata.VolumeID) []metadata.LocalID {
	t.Helper()
	refs, err := n.stores[0].List(v, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []metadata.LocalID
	for _, r := range refs {
		out = append(out, r.ID.Local)
	}
	return out
}
