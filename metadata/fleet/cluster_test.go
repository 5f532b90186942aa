package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// cluster is a simulated cluster: the real namespace, one leader's Fleet, and
// fake storage servers that keep block ids instead of data.
type cluster struct {
	t     *testing.T
	store *spaceStore
	cfg   Config

	mu    sync.Mutex
	fleet *Fleet
	stop  context.CancelFunc
	nodes map[metadata.NodeID]*fakeNode
	ended chan struct{}
}

// fakeNode is a storage server with one disk.
type fakeNode struct {
	c       *cluster
	id      metadata.NodeID
	disk    metadata.DiskID
	zone    string
	stop    context.CancelFunc // nil while it is down
	ended   chan struct{}      // closed when its loop has ended
	volumes map[metadata.VolumeID]*fakeCopy
	leaving bool
	fetched int64 // blocks, ever
	failing map[metadata.VolumeID]bool
	slow    bool // orders are not worked on, only reported as running
	free    int64
	used    int64
}

type fakeCopy struct {
	fence  metadata.LocalID
	blocks map[metadata.LocalID]uint32
	// damaged blocks are there and not sound; a comparison fetches them anew.
	damaged int64
}

func newCluster(t *testing.T, nodes int) *cluster {
	c := &cluster{t: t, store: newSpaceStore(t), nodes: make(map[metadata.NodeID]*fakeNode)}
	c.cfg = Config{Store: c.store, Rand: rand.New(rand.NewPCG(1, 2))}
	for i := range nodes {
		c.addNode(fmt.Sprint("dn", i+1), fmt.Sprint("zone", i+1))
	}
	c.lead()
	for _, n := range c.nodes {
		c.start(n.id)
	}
	c.run(3 * time.Second)
	return c
}

func (c *cluster) addNode(name, zone string) *fakeNode {
	res := c.store.must(c.t, &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: &metapb.NodeRow{
		Name: name, Roles: []string{metadata.NodeDatanode, metadata.NodeWebDAV},
	}}}})
	n := &fakeNode{
		c: c, id: metadata.NodeID(res.Id), disk: metadata.DiskID(1000 + res.Id), zone: zone, free: 1 << 40,
		volumes: make(map[metadata.VolumeID]*fakeCopy), failing: make(map[metadata.VolumeID]bool),
	}
	c.nodes[n.id] = n
	return n
}

// lead starts a new term, ending the one before.
func (c *cluster) lead() {
	if c.stop != nil {
		c.stop()
		<-c.ended
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := New(c.cfg)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Run(ctx)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fleet, c.stop, c.ended = f, cancel, ended
}

func (c *cluster) leader() *Fleet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fleet
}

// run lets time pass.
func (c *cluster) run(d time.Duration) { time.Sleep(d) }

// close stops everything and checks the namespace.
func (c *cluster) close() {
	for id := range c.nodes {
		c.kill(id)
	}
	c.stop()
	<-c.ended
	c.store.check(c.t)
}

func (c *cluster) start(id metadata.NodeID) {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	n := c.nodes[id]
	ended := make(chan struct{})
	n.stop, n.ended, n.leaving = cancel, ended, false
	c.mu.Unlock()
	go func() {
		defer close(ended)
		n.loop(ctx)
	}()
}

// kill stops a storage server without a word; its disk stays as it is. Nothing
// comes from it any more when kill returns.
func (c *cluster) kill(id metadata.NodeID) {
	c.mu.Lock()
	n := c.nodes[id]
	stop := n.stop
	n.stop = nil
	c.mu.Unlock()
	if stop != nil {
		stop()
		<-n.ended
	}
}

// wipe empties a node's disk.
func (c *cluster) wipe(id metadata.NodeID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.nodes[id].volumes)
}

func (c *cluster) setState(id metadata.NodeID, state metadata.NodeState) {
	c.t.Helper()
	a, err := c.store.query(&metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, row := range a.Nodes {
		if row.Id == uint64(id) {
			row.State = uint32(state)
			c.store.must(c.t, &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: row}}})
		}
	}
}

func (n *fakeNode) loop(ctx context.Context) {
	var done []metadata.OrderResult
	var running []metadata.OrderProgress
	for ctx.Err() == nil {
		reply, err := n.c.leader().Heartbeat(ctx, n.heartbeat(done, running))
		if err == nil {
			done = nil
		}
		for _, o := range reply.Orders {
			r, busy := n.obey(o)
			if busy {
				running = append(running, metadata.OrderProgress{ID: o.ID, Volume: o.Volume, Disk: o.Disk, BytesDone: 1, BytesTotal: 1000})
				continue
			}
			done = append(done, r)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (n *fakeNode) heartbeat(done []metadata.OrderResult, running []metadata.OrderProgress) metadata.Heartbeat {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	h := metadata.Heartbeat{
		Node: n.id, Addr: fmt.Sprintf("10.0.0.%d:7800", n.id), Zone: n.zone, Version: "test", Leaving: n.leaving,
		Disks: []metadata.Disk{{ID: n.disk, Capacity: 2 << 40, Free: n.free, Used: n.used}},
		Done:  done, Running: running,
	}
	for id, v := range n.volumes {
		h.Digests = append(h.Digests, v.digest(n.disk, id))
	}
	return h
}

func (v *fakeCopy) digest(disk metadata.DiskID, id metadata.VolumeID) metadata.VolumeDigest {
	d := metadata.VolumeDigest{Disk: disk, Volume: id, Damaged: v.damaged}
	for local, length := range v.blocks {
		d.Blocks++
		d.Bytes += int64(length)
		d.Digest ^= metadata.BlockID{Volume: id, Local: local}.Digest()
	}
	return d
}

// obey carries an order out.
func (n *fakeNode) obey(o metadata.Order) (r metadata.OrderResult, busy bool) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	r = metadata.OrderResult{ID: o.ID, Kind: o.Kind, Disk: o.Disk, Volume: o.Volume, Epoch: o.Epoch, Blocks: o.Blocks}
	if n.slow && o.Kind == metadata.OrderSync {
		return r, true
	}
	switch o.Kind {
	case metadata.OrderSync:
		if err := n.sync(o); err != nil {
			r.Err, r.ErrKind = err.Error(), metadata.KindOf(err)
		}
	case metadata.OrderDelete:
		if v := n.volumes[o.Volume]; v != nil {
			for _, local := range o.Blocks {
				delete(v.blocks, local)
			}
		}
	case metadata.OrderDrop:
		delete(n.volumes, o.Volume)
	}
	return r, false
}

// sync makes the copy hold exactly the volume's blocks. The caller holds mu.
func (n *fakeNode) sync(o metadata.Order) error {
	if n.failing[o.Volume] {
		return metadata.Errorf(metadata.KindNoSpace, "disk full")
	}
	v := n.copyOf(o.Volume)
	v.fence = max(v.fence, o.Fence)
	a, err := n.c.store.query(&metapb.Query{Q: &metapb.Query_VolumeBlocks{VolumeBlocks: &metapb.VolumeBlocks{Volume: uint64(o.Volume)}}})
	if err != nil {
		return err
	}
	v.damaged = 0
	want := make(map[metadata.LocalID]bool)
	for _, b := range a.Blocks {
		local := metadata.LocalID(b.Local)
		want[local] = true
		if _, ok := v.blocks[local]; ok {
			continue
		}
		if !n.fetch(o, v, local) {
			return metadata.Errorf(metadata.KindNotFound, "block %d is nowhere", local)
		}
	}
	for local := range v.blocks {
		if local < o.Fence && !want[local] {
			delete(v.blocks, local)
		}
	}
	return nil
}

func (n *fakeNode) fetch(o metadata.Order, v *fakeCopy, local metadata.LocalID) bool {
	for _, s := range o.Sources {
		src := n.c.nodes[s.Node]
		if src.stop == nil || src.volumes[o.Volume] == nil {
			continue
		}
		if length, ok := src.volumes[o.Volume].blocks[local]; ok {
			v.blocks[local] = length
			n.fetched++
			return true
		}
	}
	return false
}

func (n *fakeNode) copyOf(id metadata.VolumeID) *fakeCopy {
	if n.volumes[id] == nil {
		n.volumes[id] = &fakeCopy{blocks: make(map[metadata.LocalID]uint32)}
	}
	return n.volumes[id]
}

// gateway is a client that writes.
type gateway struct {
	c       *cluster
	session metadata.SessionID
	stop    func() // ends its renewals and waits for the last
}

func (c *cluster) gateway(name string) *gateway {
	c.t.Helper()
	res := c.store.must(c.t, &metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{Node: 1, Instance: name}}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	g := &gateway{c: c, session: metadata.SessionID(res.Id), stop: func() { cancel(); <-ended }}
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = c.leader().Renew(ctx, g.session, metadata.Presence{})
			select {
			case <-ctx.Done():
			case <-time.After(metadata.SessionRenew):
			}
		}
	}()
	return g
}

func (g *gateway) grant(r metadata.GrantRequest) metadata.Lease {
	g.c.t.Helper()
	r.Session = g.session
	l, err := g.c.leader().Grant(context.Background(), r)
	if err != nil {
		g.c.t.Fatalf("Grant(%+v): %v", r, err)
	}
	return l
}

// put writes n blocks to every replica of the lease, from its id first on.
func (g *gateway) put(l metadata.Lease, first metadata.LocalID, n int) (refs []*metapb.BlockRef) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	for i := range n {
		local := first + metadata.LocalID(i)
		for _, r := range l.Replicas {
			g.c.nodes[r.Node].copyOf(l.Volume).blocks[local] = 100
		}
		refs = append(refs, &metapb.BlockRef{Volume: uint64(l.Volume), Local: uint64(local), Length: 100})
	}
	return refs
}

// write commits a file of n blocks on a lease.
func (g *gateway) write(path string, l metadata.Lease, first metadata.LocalID, n int) error {
	refs := g.put(l, first, n)
	_, err := g.c.store.propose(&metapb.Command{Op: &metapb.Command_Commit{Commit: &metapb.Commit{
		Path: path, Session: uint64(g.session), Size: int64(100 * n), Blocks: refs,
		Leases: []*metapb.LeaseProof{{Volume: uint64(l.Volume), Epoch: uint64(l.Epoch)}},
	}}})
	return err
}

func (g *gateway) release(v metadata.VolumeID) {
	g.c.t.Helper()
	g.c.store.must(g.c.t, &metapb.Command{Op: &metapb.Command_ReleaseLease{ReleaseLease: &metapb.ReleaseLease{Session: uint64(g.session), Volume: uint64(v)}}})
}

// recalled reports whether the lessee of a volume is asked to give it back.
func (c *cluster) recalled(id metadata.VolumeID) bool {
	c.t.Helper()
	vs, err := c.leader().Volumes(context.Background(), []metadata.VolumeID{id})
	if err != nil || len(vs) != 1 {
		c.t.Fatalf("Volumes: %v, %v", vs, err)
	}
	return vs[0].Recall
}

// term returns the leader's term, and when it last looked at all leases.
func (c *cluster) term() (*term, time.Time) {
	f := c.leader()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.t, f.t.leasedSeen
}

func (c *cluster) volumes() []metadata.Volume {
	c.t.Helper()
	vs, _, err := c.store.Volumes(context.Background(), 0, 0, 4096)
	if err != nil {
		c.t.Fatal(err)
	}
	return vs
}

func (c *cluster) volume(id metadata.VolumeID) metadata.Volume {
	c.t.Helper()
	vs, _, err := c.store.Volumes(context.Background(), id-1, 0, 1)
	if err != nil || len(vs) == 0 {
		c.t.Fatalf("volume %v: %v", id, err)
	}
	return vs[0]
}

// wantWhole checks that a volume is idle with its target of replicas, none of
// them on a node in not, and that every replica holds exactly its blocks.
func (c *cluster) wantWhole(id metadata.VolumeID, not ...metadata.NodeID) {
	c.t.Helper()
	v := c.volume(id)
	if v.State != metadata.VolumeIdle || len(v.Replicas) != v.Target {
		c.t.Errorf("volume %v: %v with %d of %d replicas", id, v.State, len(v.Replicas), v.Target)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range v.Replicas {
		for _, n := range not {
			if r.Node == n {
				c.t.Errorf("volume %v: still has a replica on %v", id, n)
			}
		}
		cp := c.nodes[r.Node].volumes[id]
		if cp == nil {
			cp = &fakeCopy{}
		}
		d := cp.digest(r.Disk, id)
		if d.Blocks != v.Blocks || d.Bytes != v.Bytes || d.Digest != v.Digest {
			c.t.Errorf("volume %v on %v: holds %d blocks of %d bytes, want %d of %d", id, r.Node, d.Blocks, d.Bytes, v.Blocks, v.Bytes)
		}
	}
}

func (c *cluster) status() health.Report {
	c.t.Helper()
	s, err := c.leader().Report(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *cluster) wantVerdict(want health.Verdict) {
	c.t.Helper()
	if s := c.status(); s.Verdict != want {
		c.t.Errorf("verdict %s (%s), want %s", s.Verdict, s.Sentence, want)
	}
}
