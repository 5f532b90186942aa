package metarpc

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// endSession ends a session while a command is being answered. m.mu is held.
func (m *memory) endSession(t *testing.T, id uint64) {
	m.index++
	if _, err := namespace.Apply(&m.kv, m.index, &metapb.Batch{Version: 1, Now: m.now, Commands: []*metapb.Command{
		proto.CloneOf(&metapb.Command{Op: &metapb.Command_CloseSession{CloseSession: &metapb.CloseSession{Session: id}}}),
	}}); err != nil {
		t.Error(err)
	}
}

// A command is applied, its answer is lost, and the session ends before the
// repetition arrives: "stale" would make the caller do it a second time, over
// what others have done in between.
func TestLostAnswerAndLostSessionIsUnknown(t *testing.T) {
	w := newWired(t)
	c := w.client(metadata.NodeWebDAV)
	s, err := c.OpenSession(t.Context(), 1, "gateway")
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	w.backend.setLose(func(*metapb.Command) bool {
		if lost++; lost > 1 {
			return false
		}
		w.backend.endSession(t, uint64(s))
		w.leader.mu.Lock()
		w.leader.err = metadata.Errorf(metadata.KindStale, "session %d is over", s)
		w.leader.mu.Unlock()
		return true
	})
	_, err = c.Commit(t.Context(), "/f", metadata.Guard{}, metadata.Commit{Session: s})
	wantKind(t, err, metadata.KindTimeout)
	if e, err := c.Lookup(t.Context(), "/f", metadata.LookupOptions{}); err != nil {
		t.Errorf("the first attempt was not applied (%v, %v): the test says nothing", e, err)
	}
}

// The end of the session is no reason to refuse what needs none; a lease that
// is over does not end the session.
func TestStaleSessionAndStaleLease(t *testing.T) {
	w := newWired(t)
	r := w.remote(metadata.NodeWebDAV)
	c := NewClient(r, r)
	s, err := c.OpenSession(t.Context(), 1, "gateway")
	if err != nil {
		t.Fatal(err)
	}
	err = c.Release(t.Context(), s, 99)
	wantKind(t, err, metadata.KindNotFound)
	_, err = c.Stage(t.Context(), metadata.Stage{Session: s, Content: 77})
	wantKind(t, err, metadata.KindStale)
	if r.session != uint64(s) {
		t.Error("a refused stage ended the session of commands")
	}
	w.backend.mu.Lock()
	w.backend.endSession(t, uint64(s))
	w.backend.mu.Unlock()
	w.leader.mu.Lock()
	w.leader.err = metadata.Errorf(metadata.KindStale, "session %d is over", s)
	w.leader.mu.Unlock()
	if _, err := c.Mkdir(t.Context(), "/d", metadata.Guard{}); err != nil {
		t.Errorf("mkdir after the session ended: %v", err)
	}
	if r.session != 0 {
		t.Error("the session that is over is still used")
	}
}

// The answer to a grant is lost: its repetition brings the lease that there is,
// and the next request another.
func TestLostAnswerOfAGrant(t *testing.T) {
	w := newWired(t)
	d := NewDecider(w.backend)
	node, err := w.backend.Propose(t.Context(), &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{
		Node: &metapb.NodeRow{Name: "storage", Roles: []string{metadata.NodeDatanode}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r := metadata.Replica{Node: metadata.NodeID(node.Id), Disk: 0xabc}
	if err := d.AnnounceDisks(t.Context(), r.Node, "", "", []metadata.DiskID{r.Disk}); err != nil {
		t.Fatal(err)
	}
	nonces := make(chan uint64, 100)
	w.leader.grant = func(ctx context.Context, q metadata.GrantRequest) (metadata.Lease, error) {
		nonces <- q.Nonce
		v, from, to, err := d.GrantLease(ctx, Grant{
			Session: q.Session, Replicas: []metadata.Replica{r}, Target: 1, Count: 10, Nonce: q.Nonce,
		})
		return metadata.Lease{Volume: v.ID, Epoch: v.Epoch, Session: v.Lessee, From: from, To: to}, err
	}
	c := w.client(metadata.NodeWebDAV)
	s, err := c.OpenSession(t.Context(), 1, "gateway")
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	w.backend.setLose(func(*metapb.Command) bool {
		lost++
		return lost <= 2
	})
	first, err := c.Grant(t.Context(), metadata.GrantRequest{Session: s})
	if err != nil || first.Session != s || first.To-first.From != 10 {
		t.Errorf("grant: %+v, %v", first, err)
	}
	if len(nonces) != 3 {
		t.Errorf("%d attempts, want 3", len(nonces))
	}
	second, err := c.Grant(t.Context(), metadata.GrantRequest{Session: s})
	if err != nil || second.Volume == first.Volume {
		t.Errorf("another grant: %+v, %v; the first %+v", second, err, first)
	}
	third, err := c.Grant(t.Context(), metadata.GrantRequest{Session: s, Nonce: <-nonces})
	if err != nil || third.Volume != first.Volume || third.Epoch != first.Epoch {
		t.Errorf("repeated by the caller: %+v, %v; the first %+v", third, err, first)
	}
	if vs, _, err := d.Volumes(t.Context(), 0, 0, 10); err != nil || len(vs) != 2 {
		t.Errorf("%d volumes (%v), want 2: %+v", len(vs), err, vs)
	}
}
