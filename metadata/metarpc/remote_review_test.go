package metarpc

import (
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
