package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/history"
	"kendfs/admin/live"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// page is what a browser holds: what it has read, and the stream's changes in it.
type page struct {
	nodes map[string]api.Node
	queue []health.Repair
}

// read is a page that reads everything now.
func readPage(n *snapshot) *page {
	p := &page{nodes: map[string]api.Node{}, queue: slices.Clone(apiRepairs(n).Queue)}
	for i := range n.Nodes {
		node := apiNode(n, &n.Nodes[i])
		p.nodes[node.Id] = node
	}
	return p
}

// take puts changes into the page as the document says that it is done.
func (p *page) take(t *testing.T, ch api.NodeChanges) {
	t.Helper()
	for _, n := range ch.Changed {
		p.nodes[n.Id] = n
	}
	for _, id := range ch.Removed {
		delete(p.nodes, id)
	}
	for _, f := range deref(ch.Figures) {
		n, ok := p.nodes[f.Id]
		if v := f.Figures; !ok || len(v) != 7+3*len(n.Disks) {
			t.Fatalf("%s: %d figures of %d disks, known %v", f.Id, len(v), len(n.Disks), ok)
		} else {
			n.Heard = when(time.UnixMilli(int64(v[0])))
			n.ReadBytesPerSecond, n.WriteBytesPerSecond, n.LatencyP99Ms = v[1], v[2], ptr(max(v[3], 0))
			n.UsedBytes, n.FreeBytes, n.Volumes, n.Drain = int64(v[4]), int64(v[5]), int(v[6]), f.Drain
			n.Disks = slices.Clone(n.Disks)
			for i := range n.Disks {
				d := v[7+3*i:]
				n.Disks[i].UsedBytes, n.Disks[i].FreeBytes, n.Disks[i].Volumes = int64(d[0]), int64(d[1]), int(d[2])
			}
		}
		p.nodes[f.Id] = n
	}
}

// takeQueue does so with the queue; false: a volume is not known.
func (p *page) takeQueue(ch api.RepairChanges) bool {
	known := map[string]health.Repair{}
	for _, r := range slices.Concat(p.queue, ch.Changed) {
		known[r.Volume] = r
	}
	p.queue = nil
	for i, v := range ch.Order {
		r, ok := known[v]
		if !ok {
			return false
		}
		r.BytesDone = ch.Done[i]
		p.queue = append(p.queue, r)
	}
	return true
}

// busyNodes are nodes that all do something else than before.
func busyNodes(count int, round int64) *snapshot {
	n := &snapshot{AsOf: time.Unix(1_700_000_000+round, 0)}
	for i := range count {
		n.Nodes = append(n.Nodes, metadata.Node{ID: metadata.NodeID(i + 1), Disks: []metadata.Disk{{ID: metadata.DiskID(i + 1), Used: round * 1000}}})
	}
	return n
}

// Of many nodes that are busy each message has some, as figures alone, all come
// round in turn, and none is ever said to be gone that is there.
func TestBusyNodesTakeTurns(t *testing.T) {
	for _, count := range []int{1, figuresLive - 1, figuresLive, figuresLive + 1, 100, 333} {
		var told nodesTold
		told.begin(busyNodes(count, 0))
		rounds := (count + figuresLive - 1) / figuresLive
		seen := map[string]int{}
		for round := range rounds * 3 {
			ch := told.changes(busyNodes(count, int64(round+1)))
			if len(ch.Removed) != 0 || len(ch.Changed) != 0 || len(deref(ch.Figures)) != min(count, figuresLive) {
				t.Fatalf("%d nodes, round %d: %d whole, %d figures, removed %v", count, round, len(ch.Changed), len(deref(ch.Figures)), ch.Removed)
			}
			for _, c := range *ch.Figures {
				seen[c.Id]++
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
		got := told.changes(n)
		if len(got.Removed) != 1 || got.Removed[0] != metadata.NodeID(count).String() || len(got.Changed) != count-1 {
			t.Errorf("%d nodes: got %d changed, removed %v", count, len(got.Changed), got.Removed)
		}
		if got := told.changes(n); len(got.Changed)+len(got.Removed)+len(deref(got.Figures)) != 0 {
			t.Errorf("nothing changed: got %+v", got)
		}
	}
}

// shake changes something about some of the nodes.
func shake(rng *rand.Rand, n *snapshot, next *metadata.NodeID) *snapshot {
	out := &snapshot{AsOf: n.AsOf.Add(time.Second), Nodes: slices.Clone(n.Nodes)}
	for i := range out.Nodes {
		m := &out.Nodes[i]
		m.Disks, m.Heard = slices.Clone(m.Disks), out.AsOf
		switch rng.IntN(12) {
		case 0:
			m.State = metadata.NodeState(rng.IntN(3))
		case 1:
			m.Disks = append(m.Disks, metadata.Disk{ID: metadata.DiskID(rng.Uint64()), Capacity: 9})
		case 2, 3, 4, 5, 6, 7:
			if len(m.Disks) > 0 { // often what it was before
				m.Disks[rng.IntN(len(m.Disks))].Used = rng.Int64N(3) << 40
			}
		}
		if m.State == metadata.NodeDraining {
			left := rng.IntN(3)
			out.Repairs.Drains = append(out.Repairs.Drains, health.Drain{Node: m.ID.String(), Volumes: left, Ready: left == 0})
		}
	}
	if rng.IntN(3) == 0 && len(out.Nodes) > 1 {
		out.Nodes = slices.Delete(out.Nodes, 0, 1)
	}
	for range rng.IntN(2) {
		*next++
		out.Nodes = append(out.Nodes, metadata.Node{ID: *next})
	}
	return out
}

// Whenever a page opens its stream and reads, it ends up with the truth soon
// after things have come to rest, and with every state at once.
func TestEveryPageConverges(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := busyNodes(90, 0)
		next := metadata.NodeID(len(n.Nodes))
		var told nodesTold
		told.begin(n)
		pages := []*page{readPage(n)}
		round := func(now *snapshot) {
			if rng.IntN(3) == 0 {
				pages = append(pages, readPage(now)) // read before it is told
			}
			ch := told.changes(now)
			for _, p := range pages {
				p.take(t, ch)
			}
			if len(deref(ch.Figures)) > figuresLive {
				t.Fatalf("%d figures", len(*ch.Figures))
			}
			n = now
		}
		for range 20 {
			round(shake(rng, n, &next))
			for _, p := range pages {
				for i := range n.Nodes {
					want := apiNode(n, &n.Nodes[i])
					if got := p.nodes[want.Id]; moved(&got, &want) {
						t.Fatalf("seed %d: %s is known as %+v, is %+v", seed, want.Id, got, want)
					}
				}
			}
		}
		for range len(n.Nodes)/figuresLive + 1 {
			same := *n
			same.AsOf = n.AsOf.Add(time.Second)
			round(&same)
		}
		want := readPage(n).nodes
		for k, p := range pages {
			for id := range want {
				got, is := p.nodes[id], want[id]
				got.Heard, is.Heard, got.LatencyP99Ms = nil, nil, nil // of nobody else's interest once it rests
				if !reflect.DeepEqual(got, is) {
					t.Fatalf("seed %d, page %d of %d: %s\n got %+v\nwant %+v", seed, k, len(pages), id, got, is)
				}
			}
			if len(p.nodes) != len(want) {
				t.Fatalf("seed %d: %d nodes, want %d", seed, len(p.nodes), len(want))
			}
		}
		if len(told.owed) != 0 {
			t.Errorf("seed %d: still owed %d", seed, len(told.owed))
		}
	}
}

func TestFiguresOf(t *testing.T) {
	heard := time.UnixMilli(1_700_000_000_123)
	n := api.Node{Id: "n7", Heard: &heard, ReadBytesPerSecond: 1, WriteBytesPerSecond: 2, UsedBytes: 3, FreeBytes: 4, Volumes: 5,
		Drain: &health.Drain{Volumes: 1}, Disks: []api.Disk{{UsedBytes: 6, FreeBytes: 7, Volumes: 8}, {UsedBytes: 9}}}
	got := figuresOf(&n)
	if want := []float64{1_700_000_000_123, 1, 2, -1, 3, 4, 5, 6, 7, 8, 9, 0, 0}; got.Id != "n7" || !slices.Equal(got.Figures, want) || got.Drain != n.Drain {
		t.Errorf("got %+v, want %v", got, want)
	}
	n.LatencyP99Ms, n.Heard = ptr(2.5), nil
	if got := figuresOf(&n).Figures; got[0] != 0 || got[3] != 2.5 {
		t.Errorf("got %v", got)
	}
}

// That a drain is done is a state: it does not wait for its turn.
func TestDrainReadyIsAtOnce(t *testing.T) {
	n := busyNodes(200, 0)
	n.Nodes[150].State = metadata.NodeDraining
	n.Repairs.Drains = []health.Drain{{Node: "n151", Volumes: 9, Blockers: []string{"x"}}}
	var told nodesTold
	told.begin(n)
	for k, left := range []int{8, 0} {
		now := busyNodes(200, int64(k+1))
		now.Nodes[150].State = metadata.NodeDraining
		now.Repairs.Drains = []health.Drain{{Node: "n151", Volumes: left, Ready: left == 0}}
		ch := told.changes(now)
		if whole := len(ch.Changed) == 1 && ch.Changed[0].Id == "n151"; whole != (left == 0) {
			t.Errorf("%d left: %d nodes whole", left, len(ch.Changed))
		}
	}
}

// queueOf makes a queue in that order; rounds changes what is done.
func queueOf(round int64, volumes ...int) health.Repairs {
	r := health.Repairs{AsOf: time.Unix(1_700_000_000+round, 0), Total: len(volumes), Drains: []health.Drain{}}
	for _, v := range volumes {
		r.Queue = append(r.Queue, health.Repair{Volume: fmt.Sprint("v", v), Class: "repair", State: "running", Bytes: 100, BytesDone: round, On: []string{"n1"}})
	}
	return r
}

// Of the queue a message has whole what is new or not as it was, and no more
// than its front; a page that read at any time has the front right.
func TestQueueChanges(t *testing.T) {
	var q queueTold
	ch, q := q.changes(queueOf(1, 1, 2, 3))
	if len(ch.Changed) != 3 || !slices.Equal(ch.Order, []string{"v1", "v2", "v3"}) || !slices.Equal(ch.Done, []int64{1, 1, 1}) {
		t.Errorf("at first: %+v", ch)
	}
	if ch, q = q.changes(queueOf(2, 1, 2, 3)); len(ch.Changed) != 0 || ch.Done[2] != 2 {
		t.Errorf("progress alone: %+v", ch)
	}
	if ch, q = q.changes(queueOf(2, 3, 1, 4)); len(ch.Changed) != 1 || ch.Changed[0].Volume != "v4" || ch.Order[0] != "v3" {
		t.Errorf("another order and one new: %+v", ch)
	}
	r := queueOf(2, 3, 1, 4)
	r.Queue[1].State = "failed"
	if ch, q = q.changes(r); len(ch.Changed) != 1 || ch.Changed[0].State != "failed" {
		t.Errorf("a state: %+v", ch)
	}
	if ch, q = q.changes(queueOf(2, 2)); len(ch.Changed) != 1 || len(q) != 1 {
		t.Errorf("one that came back is told again, and what is gone is forgotten: %+v, %d", ch, len(q))
	}
	if ch, q = q.changes(health.Repairs{}); len(q) != 0 || ch.Order == nil || ch.Done == nil || ch.Changed == nil {
		t.Errorf("an empty one: %+v", ch)
	}

	rng := rand.New(rand.NewPCG(9, 9))
	var pages []*page
	state := queueOf(0)
	for round := range int64(300) {
		perm := rng.Perm(repairsLive + 60)
		state = queueOf(round, perm[:rng.IntN(len(perm))]...)
		for i := range state.Queue {
			state.Queue[i].Tries = int(round / 7 % 3)
		}
		if rng.IntN(10) == 0 {
			pages = append(pages, readPage(&snapshot{Repairs: state}))
		}
		var ch api.RepairChanges
		ch, q = q.changes(state)
		if len(ch.Order) > repairsLive || len(ch.Changed) > repairsLive {
			t.Fatalf("%d, %d changed", len(ch.Order), len(ch.Changed))
		}
		want := state.Queue[:min(len(state.Queue), repairsLive)]
		for k, p := range pages {
			if !p.takeQueue(ch) || len(p.queue) != len(want) || len(want) > 0 && !reflect.DeepEqual(p.queue, want) {
				t.Fatalf("round %d: page %d is not right", round, k)
			}
		}
	}
}

// While nobody listens nothing is kept for the streams, and the first message
// after that has everything that somebody could have missed.
func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{hub: live.NewHub()}
		f := &feed{s: s, told: map[string]string{}, last: busyNodes(3, 0)}
		f.nodes.begin(f.last)
		f.queue, f.told["repairs"] = queueTold{"v1": {}}, "x"
		n := busyNodes(3, 1)
		f.publishNodes(n)
		f.publishQueue(n)
		if f.nodes.sent != nil || f.nodes.owed != nil || f.queue != nil || len(f.told) != 0 {
			t.Errorf("kept for nobody: %+v %v %v", f.nodes, f.queue, f.told)
		}
		ctx, cancel := context.WithCancel(context.Background())
		w := httptest.NewRecorder()
		done := make(chan error, 1)
		go func() {
			done <- s.hub.Serve(ctx, w, live.Client{User: "a", Topics: []string{"nodes", "repairs"}, Alive: func(context.Context) bool { return true }})
		}()
		synctest.Wait()
		f.publishNodes(n)
		f.publishQueue(n)
		if len(f.nodes.sent) != 3 || f.queue == nil {
			t.Errorf("somebody listens: %+v %v", f.nodes, f.queue)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// However many nodes change at a time, no message is larger than browsers take,
// and all are told at once.
func TestManyNodesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 3*wholeLive + 7
		s := &Server{hub: live.NewHub()}
		ctx, cancel := context.WithCancel(context.Background())
		w := &events{ResponseRecorder: httptest.NewRecorder()}
		done := make(chan error, 1)
		go func() {
			done <- s.hub.Serve(ctx, w, live.Client{User: "a", Topics: []string{"nodes"}, Alive: func(context.Context) bool { return true }})
		}()
		synctest.Wait()
		f := &feed{s: s, last: busyNodes(count, 0)}
		n := busyNodes(count, 1)
		for i := range n.Nodes {
			n.Nodes[i].Liveness, n.Nodes[i].Zone = metadata.LivenessDown, strings.Repeat("z", 200)
		}
		f.publishNodes(n)
		s.hub.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		cancel()
		seen := map[string]bool{}
		for _, text := range w.sent {
			_, data, _ := strings.Cut(text, "data: ")
			var ch api.NodeChanges
			if err := json.Unmarshal([]byte(data), &ch); err != nil || len(ch.Changed) > wholeLive || len(data) > 1<<20 {
				t.Errorf("%v, %d nodes, %d bytes", err, len(ch.Changed), len(data))
			}
			for _, c := range ch.Changed {
				seen[c.Id] = true
			}
		}
		if len(seen) != count || len(w.sent) != 4 {
			t.Errorf("%d of %d nodes in %d messages", len(seen), count, len(w.sent))
		}
	})
}

// events keeps what a stream is sent.
type events struct {
	*httptest.ResponseRecorder
	sent []string
}

func (e *events) Flush() {}

func (e *events) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "event: nodes") {
		e.sent = append(e.sent, string(p))
	}
	return len(p), nil
}

// A verdict that nothing changes is told again now and then: a page that read it
// in the moment when it was stale does not stay with that.
func TestVerdictIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{hub: live.NewHub(), snap: newSnapshots("", slog.New(slog.DiscardHandler)), history: history.New(len(seriesNames()), nodeSeries)}
		f := &feed{s: s, told: map[string]string{}}
		w := httptest.NewRecorder()
		done := make(chan error, 1)
		go func() {
			done <- s.hub.Serve(t.Context(), w, live.Client{User: "a", Topics: []string{"health"}, Alive: func(context.Context) bool { return true }})
		}()
		synctest.Wait()
		for range 60 {
			s.snap.put(&snapshot{AsOf: time.Now(), Report: health.Report{Verdict: health.Protected}})
			f.publish(t.Context())
			time.Sleep(time.Second)
		}
		s.hub.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, want := strings.Count(w.Body.String(), "event: health"), int(time.Minute/againEvery); got != want {
			t.Errorf("told %d times in a minute, want %d", got, want)
		}
	})
}
