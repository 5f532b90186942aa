package admin

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/live"
	"kendfs/metadata"
)

// heard collects what a stream of the nodes is sent.
type heard struct {
	*httptest.ResponseRecorder
	mu   sync.Mutex
	seen []api.NodeChanges
}

func (h *heard) Write(p []byte) (int, error) {
	_, data, ok := strings.Cut(string(p), "data: ")
	var ch api.NodeChanges
	if ok && json.Unmarshal([]byte(data), &ch) == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen = append(h.seen, ch)
	}
	return len(p), nil
}

func (h *heard) Flush() {}

// next returns what came since the last call.
func (h *heard) next() []api.NodeChanges {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.seen
	h.seen = nil
	return out
}

// busyNodes are nodes that all do something else than before.
func busyNodes(count int, round int64) *snapshot {
	n := &snapshot{AsOf: time.Unix(1_700_000_000+round, 0)}
	for i := range count {
		n.Nodes = append(n.Nodes, metadata.Node{ID: metadata.NodeID(i + 1), Disks: []metadata.Disk{{ID: metadata.DiskID(i + 1), Used: round * 1000}}})
	}
	return n
}

// Of many nodes that are busy each message has some, all come round in turn, and
// none is ever said to be gone that is there.
func TestBusyNodesTakeTurns(t *testing.T) {
	for _, count := range []int{1, 24, 25, 26, 100, 333} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{hub: live.NewHub()}
			f := &feed{s: s, last: busyNodes(count, 0)}
			w := &heard{ResponseRecorder: httptest.NewRecorder()}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() {
				done <- s.hub.Serve(ctx, w, live.Client{User: "a", Topics: []string{"nodes"}, Alive: func(context.Context) bool { return true }})
			}()
			synctest.Wait()
			rounds := (count + figuresLive - 1) / figuresLive
			seen := map[string]int{}
			for round := range rounds * 3 {
				n := busyNodes(count, int64(round+1))
				f.nodes(n)
				f.last = n
				for _, ch := range w.next() {
					if len(ch.Removed) != 0 || len(ch.Changed) > figuresLive || len(ch.Changed) != min(count, figuresLive) {
						t.Fatalf("%d nodes, round %d: %d changed, removed %v", count, round, len(ch.Changed), ch.Removed)
					}
					for _, c := range ch.Changed {
						seen[c.Id]++
					}
				}
			}
			if len(seen) != count {
				t.Errorf("%d of %d nodes came round", len(seen), count)
			}
			for id, k := range seen {
				if k > 3*rounds || k < 1 {
					t.Errorf("%d nodes: %s came %d times in %d rounds", count, id, k, rounds*3)
				}
			}
			// What is gone is said once, and what changes its state comes at once.
			n := busyNodes(count, 99)
			n.Nodes = n.Nodes[:count-1]
			for i := range n.Nodes {
				n.Nodes[i].State = metadata.NodeDraining
			}
			f.nodes(n)
			f.last = n
			got := w.next()
			if len(got) != 1 || len(got[0].Removed) != 1 || got[0].Removed[0] != metadata.NodeID(count).String() || len(got[0].Changed) != count-1 {
				t.Errorf("%d nodes: got %d messages", count, len(got))
			}
			f.nodes(n)
			if got := w.next(); len(got) != 0 {
				t.Errorf("nothing changed: got %+v", got)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			// Nobody listens: what is known of the streams is forgotten.
			f.nodes(n)
			if f.sent != nil {
				t.Error("still kept for nobody")
			}
		})
	}
}
