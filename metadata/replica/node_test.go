package replica

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

func TestWatchers(t *testing.T) {
	l := &leadership{}
	early := l.watch()
	if e := <-early; e != (Leadership{}) {
		t.Errorf("first event: got %+v, want none", e)
	}
	l.set(nil) // nothing changes
	l.set(newTerm(3))
	if e := <-early; e != (Leadership{Term: 3, Leading: true}) {
		t.Errorf("gain: got %+v", e)
	}
	late := l.watch()
	if e := <-late; e != (Leadership{Term: 3, Leading: true}) {
		t.Errorf("first event of a late watcher: got %+v", e)
	}
	l.set(nil)
	l.set(newTerm(5)) // a slow watcher sees the last only
	if e := <-early; e != (Leadership{Term: 5, Leading: true}) {
		t.Errorf("after two changes: got %+v", e)
	}
	l.close()
	if e := <-early; e != (Leadership{Term: 5}) {
		t.Errorf("at the end: got %+v, want a loss", e)
	}
	if _, ok := <-early; ok {
		t.Error("the channel is not closed")
	}
	if e, ok := <-l.watch(); !ok || e.Leading {
		t.Errorf("watch after the end: got %+v", e)
	}
}

func TestLeaderAlone(t *testing.T) {
	n := openNode(t, memNode())
	if id, addr, self := n.Leader(); id != 1 || addr != "a:1" || !self {
		t.Errorf("leader: got %v %s %v", id, addr, self)
	}
	if e := <-n.Leading(); !e.Leading || e.Term == 0 {
		t.Errorf("leading: got %+v", e)
	}
	members, err := n.Members()
	must(t, err)
	if got, want := fmt.Sprint(members), "[{n1 a:1 true}]"; got != want {
		t.Errorf("members: got %s, want %s", got, want)
	}
	ctx := testContext(t)
	if err := n.AddVoter(ctx, 0, "b:1"); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("add node 0: got %v, want invalid", err)
	}
	if err := n.AddVoter(ctx, 2, "b"); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("add without a port: got %v, want invalid", err)
	}
	if err := n.TransferLeadership(ctx, 2); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("transfer to a stranger: got %v, want not found", err)
	}
	propose(t, n, mkdir("/still-works"))
}

// TestCloseUnderLoad closes a node while clients write: what was answered must
// be there, and nobody may hang.
func TestCloseUnderLoad(t *testing.T) {
	for range 10 {
		cfg := memNode()
		n := openNode(t, cfg)
		led := &ledger{}
		var wg sync.WaitGroup
		var started atomic.Int32
		for range 16 {
			wg.Go(func() {
				for {
					path := led.path()
					res, err := n.Propose(context.Background(), mkdir(path))
					if err != nil {
						if k := metadata.KindOf(err); k != metadata.KindUnavailable && k != metadata.KindTimeout {
							t.Errorf("propose while closing: %v", err)
						}
						return
					}
					if res.Ok {
						led.add(path)
						started.Add(1)
					}
				}
			})
		}
		awaitTrue(t, "some commands", func() bool { return started.Load() > 100 })
		must(t, n.Close(), n.Close())
		wg.Wait()
		if got := n.Stats().Unknown; got > 0 {
			t.Errorf("%d commands without an outcome after a graceful close", got)
		}
		cfg.Bootstrap = nil
		led.check(t, openNode(t, cfg))
	}
}

// TestGoroutines checks that Close ends what Open started.
func TestGoroutines(t *testing.T) {
	cfg := memNode()
	must(t, openNode(t, cfg).Close())
	before := runtime.NumGoroutine()
	for range 5 {
		n := openNode(t, cfg)
		propose(t, n, mkdir(fmt.Sprintf("/d%d", n.raft.LastIndex())))
		must(t, n.Close())
	}
	awaitTrue(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+3 })
}

// TestShortenByBytes lets the log grow by bytes and checks that it is cut.
func TestShortenByBytes(t *testing.T) {
	n := openNode(t, memNode())
	for i := range 50 {
		propose(t, n, mkdir(fmt.Sprintf("/d%d", i)))
	}
	n.logs.pending.Store(snapshotBytes * 40) // as if the entries had been that large
	propose(t, n, mkdir("/trigger"))
	awaitTrue(t, "the log to be shortened", func() bool {
		first, err := n.logs.FirstIndex()
		return err == nil && first > 1
	})
	propose(t, n, mkdir("/after"))
	if got := n.Stats().Snapshots; got == 0 {
		t.Error("no snapshot was counted")
	}
}

func TestTrailing(t *testing.T) {
	for _, c := range []struct{ entries, size, want uint64 }{
		{1000, 1000 * 100, trailingEntries},
		{1000, 1000 << 20, trailingBytes >> 20},
		{1, 1 << 40, 1},
		{0, 0, trailingEntries},
	} {
		if got := trailing(c.entries, c.size); got != c.want {
			t.Errorf("trailing %d entries of %d bytes: got %d, want %d", c.entries, c.size, got, c.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h durations
	if got := h.snapshot().Quantile(0.5); got != 0 {
		t.Errorf("empty: got %d", got)
	}
	for i := range 100 {
		h.observe(time.Duration(i) * time.Microsecond)
	}
	h.observe(time.Hour * 10_000)
	s := h.snapshot()
	if s.Count != 101 || s.Max != uint64(36_000_000_000_000) {
		t.Errorf("count %d, max %d", s.Count, s.Max)
	}
	for q, want := range map[float64]uint64{0.01: 0, 0.5: 63, 0.99: 127} {
		if got := s.Quantile(q); got != want {
			t.Errorf("quantile %v: got %d, want %d", q, got, want)
		}
	}
}

func TestStats(t *testing.T) {
	n := openNode(t, memNode())
	before := n.Stats()
	propose(t, n, mkdir("/a"))
	_ = exists(t, n, "/a")
	s := n.Stats()
	if s.Commands != before.Commands+1 || s.Entries != before.Entries+1 || s.Queries != 1 || !s.Leading ||
		s.Applied <= before.Applied || s.Fsync.Count <= before.Fsync.Count || s.BatchSizes.Count != s.Entries || s.Term == 0 {
		t.Errorf("before %+v\nafter %+v", before, s)
	}
}

// TestFinish covers the ends of waiting for a change of members.
func TestFinish(t *testing.T) {
	n := openNode(t, memNode())
	ctx, cancel := context.WithCancel(context.Background())
	if got := untilDeadline(ctx); got != 0 {
		t.Errorf("no deadline: got %v, want 0", got)
	}
	cancel()
	f := &neverFuture{make(chan struct{})}
	if err := n.finish(ctx, f); metadata.KindOf(err) != metadata.KindTimeout {
		t.Errorf("finish with a canceled context: got %v, want an unknown outcome", err)
	}
	close(f.c)
	synctest.Test(t, func(t *testing.T) {
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if got := untilDeadline(short); got != time.Second {
			t.Errorf("deadline in a second: got %v", got)
		}
		time.Sleep(2 * time.Second)
		if got := untilDeadline(short); got != time.Millisecond {
			t.Errorf("deadline passed: got %v, want the least", got)
		}
	})
}

type neverFuture struct{ c chan struct{} }

func (f *neverFuture) Error() error { <-f.c; return nil }

// TestMemoryBound adds up what Pebble may take with the sizes in config.go and
// compares with what doc.go promises.
func TestMemoryBound(t *testing.T) {
	state := stateCacheBytes + 4*stateMemtableBytes
	log := logCacheBytes + 4*logMemtableBytes
	if total := state + log; total > 150<<20 {
		t.Errorf("databases may take %d MiB, want at most 150", total>>20)
	}
}
