package datanode_test

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// pairOf returns two servers of one process that know each other.
func pairOf(t *testing.T) (a, b *node) {
	var nodes [2]*node
	find := func(id metadata.NodeID) blockio.Target {
		for _, n := range nodes {
			if n != nil && n.id == id {
				return n.Server
			}
		}
		return nil
	}
	for i := range nodes {
		nodes[i] = start(t, metadata.NodeID(i+1), 1, func(c *datanode.Config) { c.Local = find })
	}
	return nodes[0], nodes[1]
}

func TestSync(t *testing.T) {
	a, b := pairOf(t)
	var committed []metadata.BlockRef
	for i := range 57 { // several pages of the fleet
		ref := a.put(t, id(3, uint64(2*i+1)), 1+i*997)
		committed = append(committed, ref)
	}
	for i := range 20 { // half of them are there already
		b.put(t, committed[i].ID, int(committed[i].Length))
	}
	for _, local := range []uint64{2, 4, 90, 116} { // never committed, below the fence
		b.put(t, id(3, local), 500)
	}
	b.put(t, id(3, 200), 500) // above the fence: somebody may be about to commit it
	b.fleet.set(func() { b.fleet.blocks[3] = committed })
	_, getsBefore := served(a)
	r := b.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Epoch: 5, Fence: 150,
		Sources: []metadata.Located{a.located(), b.located()}})
	if r.Err != "" {
		t.Fatalf("sync: %s", r.Err)
	}
	var missing int64
	for _, ref := range committed[20:] {
		missing += int64(ref.Length)
	}
	if r.Fetched != missing || r.Deleted != 4 || r.Epoch != 5 {
		t.Errorf("result = %+v, want %d bytes fetched, 4 blocks deleted, epoch 5", r, missing)
	}
	if _, gets := served(a); gets-getsBefore != 37 {
		t.Errorf("%d blocks were asked for, want 37: only what was missing", gets-getsBefore)
	}
	var want []metadata.LocalID
	for _, ref := range committed {
		want = append(want, ref.ID.Local)
		got, err := readAll(t, b, blockio.GetRequest{Block: ref.ID})
		if err != nil || !bytes.Equal(got, content(ref.ID, int(ref.Length))) {
			t.Fatalf("%v after sync: %d bytes, %v", ref.ID, len(got), err)
		}
	}
	if got := b.locals(t, 3); !slices.Equal(got, append(want, 200)) {
		t.Errorf("blocks after sync: %v, want %v and 200", got, want)
	}
	p := content(id(3, 149), 10)
	out, err := b.Put(t.Context(), blockio.PutRequest{Block: id(3, 149), Disk: b.disk(), Data: p, Sums: blockio.AppendSums(nil, p)})
	if err != nil || metadata.KindOf(out[0].Err) != metadata.KindStale {
		t.Errorf("put below the fence after sync: %v, %v, want %v", out, err, metadata.KindStale)
	}
	// Again: nothing to do.
	r = b.fleet.order(t, metadata.Order{ID: 2, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Epoch: 5, Fence: 150,
		Sources: []metadata.Located{a.located()}})
	if r.Err != "" || r.Fetched != 0 || r.Deleted != 0 {
		t.Errorf("second sync: %+v, want nothing done", r)
	}
}

// served returns the puts and gets that a server did for others.
func served(n *node) (puts, gets int64) {
	s := n.Stats()
	return s.Puts, s.Gets
}

// An interrupted sync keeps what it has fetched; the next one fetches the rest.
func TestSyncResumes(t *testing.T) {
	a, b := pairOf(t)
	var committed []metadata.BlockRef
	for i := range 30 {
		committed = append(committed, a.put(t, id(3, uint64(i+1)), 1000))
	}
	b.fleet.set(func() {
		b.fleet.blocks[3] = committed
		b.fleet.cut = metadata.Errorf(metadata.KindUnavailable, "no leader")
	})
	order := metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Fence: 100, Sources: []metadata.Located{a.located()}}
	r := b.fleet.order(t, order)
	if r.ErrKind != metadata.KindUnavailable || r.Fetched != 10_000 {
		t.Errorf("cut sync: %+v, want %v after one page of 10 blocks", r, metadata.KindUnavailable)
	}
	b.fleet.set(func() { b.fleet.cut = nil })
	order.ID = 2
	if r := b.fleet.order(t, order); r.Err != "" || r.Fetched != 20_000 {
		t.Errorf("resumed sync: %+v, want the other 20 blocks", r)
	}
}

// Wrong bytes of one source are never stored; another source has them right.
func TestSyncFromCorruptSource(t *testing.T) {
	var liar liar
	good := start(t, 1, 1, nil)
	b := start(t, 3, 1, func(c *datanode.Config) {
		c.Local = func(id metadata.NodeID) blockio.Target {
			if id == 2 {
				return &liar
			}
			return good.Server
		}
	})
	liar.Target = good.Server
	ref := good.put(t, id(3, 1), 100_000)
	b.fleet.set(func() { b.fleet.blocks[3] = []metadata.BlockRef{ref} })
	bad := metadata.Located{Replica: metadata.Replica{Node: 2, Disk: good.disk()}}
	r := b.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Fence: 9, Sources: []metadata.Located{bad}})
	if r.ErrKind != metadata.KindCorrupt || len(b.locals(t, 3)) != 0 {
		t.Errorf("sync from a liar: %+v with %v stored", r, b.locals(t, 3))
	}
	r = b.fleet.order(t, metadata.Order{ID: 2, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Fence: 9,
		Sources: []metadata.Located{bad, good.located()}})
	if r.Err != "" {
		t.Errorf("sync from a liar and another: %+v", r)
	}
	got, err := readAll(t, b, blockio.GetRequest{Block: ref.ID})
	if err != nil || !bytes.Equal(got, content(ref.ID, 100_000)) {
		t.Errorf("after sync: %d bytes, %v", len(got), err)
	}
}

// liar flips a bit of everything it hands out.
type liar struct{ blockio.Target }

func (l *liar) Get(ctx context.Context, r blockio.GetRequest) (blockio.Segments, error) {
	in, err := l.Target.Get(ctx, r)
	return &lies{in}, err
}

type lies struct{ blockio.Segments }

func (l *lies) Next(data []byte, sums []uint32) (int, error) {
	n, err := l.Segments.Next(data, sums)
	if n > 0 {
		data[n/2] ^= 1
	}
	return n, err
}

func TestDeleteAndDrop(t *testing.T) {
	n := start(t, 1, 1, nil)
	for i := range 10 {
		n.put(t, id(4, uint64(i+1)), 100)
	}
	r := n.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderDelete, Disk: n.disk(), Volume: 4, Blocks: []metadata.LocalID{1, 5, 99}})
	if r.Err != "" || !slices.Equal(r.Blocks, []metadata.LocalID{1, 5, 99}) {
		t.Errorf("delete: %+v", r)
	}
	if got, want := n.locals(t, 4), []metadata.LocalID{2, 3, 4, 6, 7, 8, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("after delete: %v, want %v", got, want)
	}
	if r := n.fleet.order(t, metadata.Order{ID: 2, Kind: metadata.OrderDrop, Disk: n.disk(), Volume: 4}); r.Err != "" {
		t.Errorf("drop: %+v", r)
	}
	if got := n.locals(t, 4); len(got) != 0 {
		t.Errorf("after drop: %v", got)
	}
	if r := n.fleet.order(t, metadata.Order{ID: 3, Kind: metadata.OrderDrop, Disk: 42, Volume: 4}); r.ErrKind != metadata.KindNotFound {
		t.Errorf("drop on a disk that is not here: %+v", r)
	}
	if r := n.fleet.order(t, metadata.Order{ID: 4, Kind: 99, Disk: n.disk(), Volume: 4}); r.ErrKind != metadata.KindUnsupported {
		t.Errorf("unknown order: %+v", r)
	}
}

// Results survive a nameserver that is away; its successor gets everything.
func TestNameserverRestart(t *testing.T) {
	n := start(t, 1, 1, nil)
	n.put(t, id(4, 1), 100)
	eventually(t, "a heartbeat", func() bool { return len(n.fleet.last().Disks) == 1 })
	n.fleet.set(func() {
		n.fleet.orders = append(n.fleet.orders, metadata.Order{ID: 9, Kind: metadata.OrderDrop, Disk: n.disk(), Volume: 4})
	})
	eventually(t, "the order is carried out", func() bool { return len(n.locals(t, 4)) == 0 })
	n.fleet.set(func() {
		n.fleet.down = true
		n.fleet.beats = nil
		n.fleet.results = make(map[uint64]metadata.OrderResult)
	})
	n.put(t, id(5, 1), 100)
	n.fleet.set(func() { n.fleet.down = false })
	eventually(t, "a heartbeat to the new nameserver", func() bool { return n.fleet.last().Node == 1 })
	h := n.fleet.last()
	if h.Addr != "host:1" || h.Zone != "z" || h.Version != "v" || h.Started.IsZero() || h.Disks[0].ID != n.disk() || h.Disks[0].Capacity < 0 {
		t.Errorf("heartbeat = %+v", h)
	}
	eventually(t, "the digest of volume 5", func() bool {
		return slices.ContainsFunc(n.fleet.last().Digests, func(d metadata.VolumeDigest) bool {
			return d.Volume == 5 && d.Disk == n.disk() && d.Blocks == 1 && d.Bytes == 100 && d.Digest == id(5, 1).Digest()
		})
	})
}

// With more volumes than fit one heartbeat all are reported in turn, none twice
// in one.
func TestDigestsRotate(t *testing.T) {
	n := start(t, 1, 2, nil)
	const volumes = 400
	for _, s := range n.stores {
		for v := range volumes {
			if err := s.SetFence(t.Context(), metadata.VolumeID(v+1), 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	type key struct {
		disk   metadata.DiskID
		volume metadata.VolumeID
	}
	seen := make(map[key]bool)
	eventually(t, "all digests", func() bool {
		h := n.fleet.last()
		if len(h.Digests) > metadata.HeartbeatDigestsMax {
			t.Fatalf("%d digests in one heartbeat", len(h.Digests))
		}
		once := make(map[key]bool)
		for _, d := range h.Digests {
			k := key{d.Disk, d.Volume}
			if once[k] {
				t.Fatalf("%v twice in one heartbeat", k)
			}
			once[k], seen[k] = true, true
		}
		return len(seen) == 2*volumes
	})
}

// A damaged block leaves the digest at once and is replaced by the next sync.
func TestDamagedBlockIsFetchedAnew(t *testing.T) {
	a := start(t, 1, 1, nil)
	broken := &damagedStore{}
	b := start(t, 2, 1, func(c *datanode.Config) {
		c.Local = resolver(a)
		broken.Store = c.Disks[0].Store
		c.Disks[0].Store = broken
	})
	one, two := a.put(t, id(6, 1), 40_000), a.put(t, id(6, 2), 40_000)
	b.put(t, one.ID, 40_000)
	b.put(t, two.ID, 40_000)
	broken.damaged.Store(true)
	if intact, err := b.Check(t.Context(), b.disk(), one.ID); intact || err != nil {
		t.Fatalf("Check of a damaged block = %v, %v, want false", intact, err)
	}
	d, err := b.Digest(t.Context(), b.disk(), 6)
	if err != nil || d.Blocks != 1 || d.Bytes != 40_000 || d.Digest != two.ID.Digest() {
		t.Errorf("digest = %+v, %v, want block 2 alone", d, err)
	}
	broken.damaged.Store(false)
	b.fleet.set(func() { b.fleet.blocks[6] = []metadata.BlockRef{one, two} })
	r := b.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 6, Fence: 9, Sources: []metadata.Located{a.located()}})
	if r.Err != "" || r.Fetched != 40_000 {
		t.Errorf("sync: %+v, want one block", r)
	}
	if d, err := b.Digest(t.Context(), b.disk(), 6); err != nil || d.Blocks != 2 {
		t.Errorf("digest after sync = %+v, %v, want 2 blocks", d, err)
	}
}

// damagedStore reports every block as unreadable while damaged is set.
type damagedStore struct {
	datanode.Store
	damaged atomic.Bool
}

func (s *damagedStore) OpenBlock(id metadata.BlockID) (*blockstore.Block, error) {
	if s.damaged.Load() {
		return nil, metadata.Errorf(metadata.KindCorrupt, "%v cannot be read", id)
	}
	return s.Store.OpenBlock(id)
}

// Repair does not take more bandwidth than the leader allows.
func TestSyncIsThrottled(t *testing.T) {
	a, b := pairOf(t)
	var committed []metadata.BlockRef
	for i := range 10 {
		committed = append(committed, a.put(t, id(3, uint64(i+1)), 10_000))
	}
	b.fleet.set(func() { b.fleet.blocks[3], b.fleet.rate = committed, 500_000 })
	eventually(t, "the rate arrives", func() bool { return len(b.fleet.last().Disks) > 0 })
	began := time.Now()
	r := b.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: b.disk(), Volume: 3, Fence: 100, Sources: []metadata.Located{a.located()}})
	if r.Err != "" {
		t.Fatal(r.Err)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("100 kB at 500 kB/s took %v", took)
	}
}
