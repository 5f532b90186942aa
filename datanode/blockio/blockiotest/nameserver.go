package blockiotest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"kendfs/metadata"
)

// LeaseIDs is how many ids a lease of a Nameserver has.
const LeaseIDs = 65536

// Nameserver gives out leases and takes commits. Make one with NewNameserver.
type Nameserver struct {
	mu       sync.Mutex
	servers  map[metadata.NodeID]*Server // guarded by mu, as all below
	order    []metadata.NodeID
	addrs    map[metadata.NodeID]string
	down     map[metadata.NodeID]bool
	recalled map[metadata.VolumeID]bool
	volumes  map[metadata.VolumeID]*metadata.Volume
	sessions map[metadata.SessionID]bool
	contents map[metadata.ContentID][]metadata.BlockRef
	staged   map[metadata.ContentID]struct{} // of contents, not committed yet
	lastID   uint64
	turn     int
	hook     func(call string) error
	calls    map[string]int
}

// NewNameserver returns a nameserver with the given storage servers.
func NewNameserver(servers ...*Server) *Nameserver {
	n := &Nameserver{
		servers: make(map[metadata.NodeID]*Server), addrs: make(map[metadata.NodeID]string),
		down: make(map[metadata.NodeID]bool), recalled: make(map[metadata.VolumeID]bool), volumes: make(map[metadata.VolumeID]*metadata.Volume),
		sessions: make(map[metadata.SessionID]bool), calls: make(map[string]int),
		contents: make(map[metadata.ContentID][]metadata.BlockRef), lastID: 100,
		staged: make(map[metadata.ContentID]struct{}),
	}
	for _, s := range servers {
		n.servers[s.Node] = s
		n.order = append(n.order, s.Node)
	}
	return n
}

// SetAddr says where a storage server is reached.
func (n *Nameserver) SetAddr(node metadata.NodeID, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[node] = addr
}

// SetDown makes the leader see a server as dead: it gives no leases there, and
// reports its replicas as not live.
func (n *Nameserver) SetDown(node metadata.NodeID, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[node] = down
}

// Hook sets a function that every call runs first; its error is the call's.
func (n *Nameserver) Hook(f func(call string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = f
}

// Calls returns how often a method was called, by its name.
func (n *Nameserver) Calls(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[method]
}

// begin counts a call and takes the lock, unless the hook refuses.
func (n *Nameserver) begin(ctx context.Context, call string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	n.calls[call]++
	hook := n.hook
	n.mu.Unlock()
	if hook != nil {
		if err := hook(call); err != nil {
			return err
		}
	}
	n.mu.Lock()
	return nil
}

func (n *Nameserver) id() uint64 { n.lastID++; return n.lastID }

// OpenSession is metadata.Leaser.
func (n *Nameserver) OpenSession(ctx context.Context, _ metadata.NodeID, _ string) (metadata.SessionID, error) {
	if err := n.begin(ctx, "OpenSession"); err != nil {
		return 0, err
	}
	defer n.mu.Unlock()
	s := metadata.SessionID(n.id())
	n.sessions[s] = true
	return s, nil
}

// RenewSession is metadata.Leaser.
func (n *Nameserver) RenewSession(ctx context.Context, s metadata.SessionID) error {
	if err := n.begin(ctx, "RenewSession"); err != nil {
		return err
	}
	defer n.mu.Unlock()
	return n.check(s)
}

func (n *Nameserver) check(s metadata.SessionID) error {
	if !n.sessions[s] {
		return metadata.Errorf(metadata.KindStale, "session %d is over", s)
	}
	return nil
}

// CloseSession is metadata.Leaser.
func (n *Nameserver) CloseSession(ctx context.Context, s metadata.SessionID) error {
	if err := n.begin(ctx, "CloseSession"); err != nil {
		return err
	}
	defer n.mu.Unlock()
	if err := n.check(s); err != nil {
		return err
	}
	n.endSession(s)
	return nil
}

// EndSessions ends all sessions, as if none had been renewed in time.
func (n *Nameserver) EndSessions() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.sessions {
		n.endSession(s)
	}
}

func (n *Nameserver) endSession(s metadata.SessionID) {
	delete(n.sessions, s)
	for _, v := range n.volumes {
		if v.State == metadata.VolumeLeased && v.Lessee == s {
			n.endLease(v)
		}
	}
}

// endLease fences and reconciles a volume at once.
func (n *Nameserver) endLease(v *metadata.Volume) {
	v.Epoch++
	v.Fence = v.Next
	v.State = metadata.VolumeIdle
	v.Lessee = 0
	for _, r := range v.Replicas {
		n.servers[r.Node].Fence(v.ID, v.Fence)
	}
}

// EndLeases ends the leases of all volumes; their sessions go on.
func (n *Nameserver) EndLeases() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, v := range n.volumes {
		if v.State == metadata.VolumeLeased {
			n.endLease(v)
		}
	}
}

// RecallLeases asks for all volumes that are leased now, and returns them.
func (n *Nameserver) RecallLeases() (ids []metadata.VolumeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, v := range n.volumes {
		if v.State == metadata.VolumeLeased {
			n.recalled[v.ID] = true
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// Grant is metadata.Leaser.
func (n *Nameserver) Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	if err := n.begin(ctx, "Grant"); err != nil {
		return metadata.Lease{}, err
	}
	defer n.mu.Unlock()
	if err := n.check(r.Session); err != nil {
		return metadata.Lease{}, err
	}
	v := &metadata.Volume{ID: metadata.VolumeID(n.id()), Epoch: 1, State: metadata.VolumeLeased,
		Target: r.Replicas, Lessee: r.Session, Fence: 1, Next: LeaseIDs}
	v.Replicas = n.choose(r)
	if len(v.Replicas) == 0 || len(v.Replicas) < (r.Replicas+1)/2 {
		return metadata.Lease{}, metadata.Errorf(metadata.KindNoSpace, "no storage server has room")
	}
	n.volumes[v.ID] = v
	return n.lease(v, 1), nil
}

// choose picks servers for a volume: the near one, then round robin, those to
// be avoided last.
func (n *Nameserver) choose(r metadata.GrantRequest) []metadata.Replica {
	n.turn++
	ids := append(slices.Clone(n.order[n.turn%len(n.order):]), n.order[:n.turn%len(n.order)]...)
	rank := func(id metadata.NodeID) int {
		switch {
		case slices.Contains(r.Avoid, id):
			return 2
		case id == r.Near:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(ids, func(a, b metadata.NodeID) int { return rank(a) - rank(b) })
	var out []metadata.Replica
	for _, id := range ids {
		if !n.down[id] && !n.servers[id].full() && len(out) < r.Replicas {
			out = append(out, metadata.Replica{Node: id, Disk: n.servers[id].Disk})
		}
	}
	return out
}

func (n *Nameserver) lease(v *metadata.Volume, from metadata.LocalID) metadata.Lease {
	return metadata.Lease{Volume: v.ID, Epoch: v.Epoch, Session: v.Lessee, From: from, To: v.Next,
		Replicas: n.locate(v)}
}

func (n *Nameserver) locate(v *metadata.Volume) []metadata.Located {
	var out []metadata.Located
	for _, r := range v.Replicas {
		out = append(out, metadata.Located{Replica: r, Addr: n.addrs[r.Node], Live: !n.down[r.Node]})
	}
	return out
}

// DropReplica is metadata.Leaser.
func (n *Nameserver) DropReplica(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, r metadata.Replica) (
	metadata.Lease, error) {
	if err := n.begin(ctx, "DropReplica"); err != nil {
		return metadata.Lease{}, err
	}
	defer n.mu.Unlock()
	v := n.volumes[p.Volume]
	if v == nil || v.State != metadata.VolumeLeased || v.Lessee != s || v.Epoch != p.Epoch {
		return metadata.Lease{}, metadata.Errorf(metadata.KindStale, "lease of %v", p.Volume)
	}
	if len(v.Replicas)-1 < (v.Target+1)/2 {
		return metadata.Lease{}, metadata.Errorf(metadata.KindUnavailable, "too few replicas of %v", p.Volume)
	}
	v.Replicas = slices.DeleteFunc(slices.Clone(v.Replicas), func(x metadata.Replica) bool { return x == r })
	v.Epoch++
	return n.lease(v, v.Fence), nil
}

// Release is metadata.Leaser.
func (n *Nameserver) Release(ctx context.Context, s metadata.SessionID, id metadata.VolumeID) error {
	if err := n.begin(ctx, "Release"); err != nil {
		return err
	}
	defer n.mu.Unlock()
	v := n.volumes[id]
	if v == nil || v.State != metadata.VolumeLeased || v.Lessee != s {
		return metadata.Errorf(metadata.KindStale, "lease of %v", id)
	}
	n.endLease(v)
	return nil
}

// Volumes is metadata.Leaser.
func (n *Nameserver) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	if err := n.begin(ctx, "Volumes"); err != nil {
		return nil, err
	}
	defer n.mu.Unlock()
	var out []metadata.VolumeView
	for _, id := range ids {
		if v := n.volumes[id]; v != nil {
			out = append(out, metadata.VolumeView{Volume: *v, Located: n.locate(v), Recall: n.recalled[id]})
		}
	}
	return out, nil
}

// Leased returns how many volumes are leased.
func (n *Nameserver) Leased() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	leased := 0
	for _, v := range n.volumes {
		if v.State == metadata.VolumeLeased {
			leased++
		}
	}
	return leased
}

// admit checks blocks as a commit does and marks them as committed.
func (n *Nameserver) admit(s metadata.SessionID, blocks []metadata.BlockRef, proofs []metadata.LeaseProof) error {
	if len(blocks) > metadata.StageRefsMax {
		return metadata.Errorf(metadata.KindTooLarge, "%d blocks", len(blocks))
	}
	for _, b := range blocks {
		v := n.volumes[b.ID.Volume]
		i := slices.IndexFunc(proofs, func(p metadata.LeaseProof) bool { return p.Volume == b.ID.Volume })
		if v == nil || i < 0 {
			return metadata.Errorf(metadata.KindInvalid, "no proof for %v", b.ID)
		}
		if v.State != metadata.VolumeLeased || v.Lessee != s || v.Epoch != proofs[i].Epoch || b.ID.Local < v.Fence {
			return metadata.Errorf(metadata.KindStale, "lease of %v is over", b.ID.Volume)
		}
		for _, r := range v.Replicas {
			if got := n.servers[r.Node].Length(b.ID); got != int64(b.Length) {
				panic(fmt.Sprintf("commit of %v: %v has %d bytes of it, want %d", b.ID, r.Node, got, b.Length))
			}
		}
	}
	return nil
}

// Stage is metadata.Changer.
func (n *Nameserver) Stage(ctx context.Context, s metadata.Stage) (metadata.ContentID, error) {
	if err := n.begin(ctx, "Stage"); err != nil {
		return 0, err
	}
	defer n.mu.Unlock()
	if err := n.check(s.Session); err != nil {
		return 0, err
	}
	if _, staged := n.staged[s.Content]; s.Abandon && !staged {
		return 0, metadata.Errorf(metadata.KindStale, "content %d is not staged", s.Content)
	}
	if s.Abandon {
		delete(n.staged, s.Content)
		delete(n.contents, s.Content)
		return s.Content, nil
	}
	if s.Content == 0 {
		s.Content = metadata.ContentID(n.id())
	}
	if got := len(n.contents[s.Content]); got != s.Index {
		return 0, metadata.Errorf(metadata.KindInvalid, "stage at %d, want %d", s.Index, got)
	}
	if err := n.admit(s.Session, s.Blocks, s.Leases); err != nil {
		return 0, err
	}
	n.contents[s.Content] = append(n.contents[s.Content], s.Blocks...)
	n.staged[s.Content] = struct{}{}
	return s.Content, nil
}

// Commit makes a commit's blocks an entry, as metadata.Changer's does.
func (n *Nameserver) Commit(ctx context.Context, c metadata.Commit) (metadata.Entry, error) {
	if err := n.begin(ctx, "Commit"); err != nil {
		return metadata.Entry{}, err
	}
	defer n.mu.Unlock()
	if err := n.admit(c.Session, c.Blocks, c.Leases); err != nil {
		return metadata.Entry{}, err
	}
	id := c.Staged
	if id == 0 {
		id = metadata.ContentID(n.id())
	}
	n.contents[id] = append(n.contents[id], c.Blocks...)
	delete(n.staged, id)
	e := metadata.Entry{ID: 7, Name: "file", Size: c.Size, SHA1: c.SHA1, Content: id, BlockCount: len(n.contents[id])}
	if e.BlockCount <= metadata.InlineRefsMax {
		e.Blocks = n.contents[id]
	}
	return e, nil
}

// Blocks is metadata.Tree. Pages are short, to try paging with few blocks.
func (n *Nameserver) Blocks(ctx context.Context, c metadata.ContentID, index int) ([]metadata.BlockRef, error) {
	if err := n.begin(ctx, "Blocks"); err != nil {
		return nil, err
	}
	defer n.mu.Unlock()
	all := n.contents[c]
	if index >= len(all) {
		return nil, nil
	}
	return slices.Clone(all[index:min(len(all), index+5)]), nil
}

// Staged returns how many contents are staged and not committed.
func (n *Nameserver) Staged() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.staged)
}
