package blockio

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

func TestPenalties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes()
		if n.failed(1) || len(n.avoid()) != 0 {
			t.Error("an unknown server is avoided")
		}
		n.fail(1)
		n.fail(1) // many notice the same failure: no longer penalty
		if !n.failed(1) || !slices.Equal(n.avoid(), []metadata.NodeID{1}) {
			t.Error("a failed server is not avoided")
		}
		time.Sleep(failedMin + time.Millisecond)
		if n.failed(1) {
			t.Error("a failed server is avoided for ever")
		}
		n.fail(1)
		time.Sleep(failedMin + time.Millisecond)
		if !n.failed(1) {
			t.Error("the second penalty is not longer than the first")
		}
		n.ok(1)
		if n.failed(1) {
			t.Error("a server that works is avoided")
		}
		for range 20 {
			n.fail(1)
			time.Sleep(failedMax + time.Millisecond)
		}
		if n.failed(1) {
			t.Error("a penalty outlasts its bound")
		}
	})
}

func TestScores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes()
		measure := func(id metadata.NodeID, d time.Duration) {
			n.begin(id)
			n.end(id, d, true)
		}
		for range 20 {
			measure(1, 100*time.Microsecond)
			measure(2, 50*time.Millisecond)
		}
		if n.score(1) >= n.score(2) {
			t.Error("the slow server scores better")
		}
		if got := n.hedgeAfter(); got < 40*time.Millisecond {
			t.Errorf("hedge after %v, want about the slow server's time", got)
		}
		for range 1000 {
			n.begin(1)
		}
		if n.score(1) <= n.score(2) {
			t.Error("reads in flight do not count")
		}
		for range 1000 {
			n.end(1, 0, false)
		}
		n.shun(1)
		if n.score(1) <= n.score(2) {
			t.Error("a shunned server scores better")
		}
		time.Sleep(ewmaFresh + shunMin)
		if n.score(2) != ewmaInitial {
			t.Error("a server not read from for long gets no new chance")
		}
	})
}

func located(nodes ...metadata.NodeID) []metadata.Located {
	var out []metadata.Located
	for _, n := range nodes {
		out = append(out, metadata.Located{Replica: metadata.Replica{Node: n, Disk: metadata.DiskID(100 + n)}, Live: true})
	}
	return out
}

func TestLeaseCounts(t *testing.T) {
	changed := 0
	l := newLease(metadata.Lease{Volume: 5, Epoch: 2, From: 10, To: 13, Replicas: located(1, 2)}, newSession(1), func() { changed++ })
	never := func(metadata.NodeID) bool { return false }
	for want := metadata.LocalID(10); want < 13; want++ {
		if !l.hold(100) {
			t.Fatalf("no hold before %d", want)
		}
		if id, ok := l.take(); !ok || id.Local != want || id.Volume != 5 {
			t.Fatalf("take = %v, %v, want 5/%d", id, ok, want)
		}
	}
	if _, ok := l.take(); ok || l.hold(1) {
		t.Error("an exhausted lease gives ids")
	}
	if usable, _ := l.usable(never); usable {
		t.Error("an exhausted lease is usable")
	}
	l.retire(false)
	l.release(100, true)
	l.release(100, true)
	if l.releasable() {
		t.Error("releasable with a block not committed")
	}
	before := changed
	l.release(100, false)
	if !l.releasable() || changed == before || l.garbage != 100 {
		t.Errorf("after the last release: releasable %v, told %d times, %d bytes of garbage", l.releasable(), changed-before, l.garbage)
	}
}

func TestLeaseBounds(t *testing.T) {
	fresh := func() *lease {
		return newLease(metadata.Lease{Volume: 5, Epoch: 2, From: 1, To: 100_000, Replicas: located(1, 2)}, newSession(1), func() {})
	}
	l := fresh()
	for range leaseBytesMax / metadata.BlockBytesMax {
		if !l.hold(metadata.BlockBytesMax) {
			t.Fatal("retired too early")
		}
	}
	if l.hold(1) {
		t.Error("a lease takes more than leaseBytesMax")
	}
	l = fresh()
	for range leaseGarbageMax / metadata.BlockBytesMax {
		l.hold(metadata.BlockBytesMax)
		l.release(metadata.BlockBytesMax, false)
	}
	l.hold(1)
	if l.hold(1) {
		t.Error("a lease full of garbage takes more")
	}
	l = fresh()
	l.hold(1)
	l.release(1, false)
	if l.retireOld(time.Now()) || !l.retireOld(time.Now().Add(2*leaseIdle)) {
		t.Error("a lease with garbage is not given back when unused")
	}
	l = fresh()
	l.update(1, located(9))
	if e, r := l.view(); e != 2 || len(r) != 2 {
		t.Errorf("an older epoch was taken over: %d, %v", e, r)
	}
	l.session.end()
	if !l.over() {
		t.Error("a lease outlives its session")
	}
	if _, healthy := fresh().usable(func(n metadata.NodeID) bool { return n == 2 }); healthy {
		t.Error("a lease with a failed server is healthy")
	}
}

// slowLeaser answers nothing but what a test needs.
type slowLeaser struct {
	metadata.Leaser
	grant   func(ctx context.Context) (metadata.Lease, error)
	volumes func(ids []metadata.VolumeID) ([]metadata.VolumeView, error)
	asked   int
}

func (s *slowLeaser) OpenSession(context.Context, metadata.NodeID, string) (metadata.SessionID, error) {
	return 1, nil
}
func (s *slowLeaser) CloseSession(context.Context, metadata.SessionID) error { return nil }
func (s *slowLeaser) Grant(ctx context.Context, _ metadata.GrantRequest) (metadata.Lease, error) {
	return s.grant(ctx)
}
func (s *slowLeaser) Volumes(_ context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	s.asked++
	return s.volumes(ids)
}

// Closing a client wakes those who wait for a volume.
func TestCloseWakesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Leaser: &slowLeaser{grant: func(ctx context.Context) (metadata.Lease, error) {
			<-ctx.Done()
			return metadata.Lease{}, ctx.Err()
		}}})
		got := make(chan error)
		go func() {
			_, err := c.leases.acquire(t.Context(), 2, 10)
			got <- err
		}()
		synctest.Wait()
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err == nil {
			t.Error("acquire succeeded on a closed client")
		}
		if _, err := c.leases.acquire(t.Context(), 2, 10); metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("acquire after Close: %v, want %v", err, metadata.KindUnavailable)
		}
	})
}

func TestVolumeCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		epoch, fail := metadata.Epoch(1), error(nil)
		leaser := &slowLeaser{volumes: func(ids []metadata.VolumeID) (out []metadata.VolumeView, err error) {
			for _, id := range ids {
				if id < 1000 {
					out = append(out, metadata.VolumeView{Volume: metadata.Volume{ID: id, Epoch: epoch}, Located: located(metadata.NodeID(epoch))})
				}
			}
			return out, fail
		}}
		v := newVolumes(leaser)
		at := func(f func(context.Context, metadata.VolumeID) ([]metadata.Located, error), id metadata.VolumeID) metadata.NodeID {
			r, err := f(t.Context(), id)
			if err != nil || len(r) != 1 {
				t.Fatalf("location of %v: %v, %v", id, r, err)
			}
			return r[0].Node
		}
		at(v.locate, 1)
		epoch = 2
		if got := at(v.locate, 1); got != 1 || leaser.asked != 1 {
			t.Errorf("from the cache: node %v after %d questions, want 1 after 1", got, leaser.asked)
		}
		if got := at(v.relocate, 1); got != 1 {
			t.Errorf("asked again within a second: node %v", got)
		}
		time.Sleep(volumesRetry)
		if got := at(v.relocate, 1); got != 2 {
			t.Errorf("after a failure: node %v, want 2", got)
		}
		v.set(1, 1, located(9))
		if got := at(v.locate, 1); got != 2 {
			t.Errorf("an older epoch replaced a newer one: node %v", got)
		}
		time.Sleep(volumesFresh)
		fail = errors.New("no leader")
		if got := at(v.locate, 1); got != 2 {
			t.Errorf("without a nameserver: node %v, want the one known", got)
		}
		if _, err := v.locate(t.Context(), 2); err == nil {
			t.Error("an unknown volume was located without a nameserver")
		}
		fail = nil
		if _, err := v.locate(t.Context(), 5000); metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("location of no volume: %v, want %v", err, metadata.KindNotFound)
		}
		for i := range metadata.VolumeID(volumesMax + 100) {
			v.set(10_000+i, 1, nil)
		}
		if got := len(v.byID); got > volumesMax {
			t.Errorf("%d volumes remembered, want at most %d", got, volumesMax)
		}
	})
}

// pages gives references of 10 bytes, at most 7 in a call.
type pages struct{ calls, count int }

func (p *pages) Blocks(_ context.Context, c metadata.ContentID, index int) (out []metadata.BlockRef, err error) {
	p.calls++
	for i := index; i < min(index+7, p.count); i++ {
		out = append(out, metadata.BlockRef{ID: blockID(uint64(c), uint64(i)), Length: 10})
	}
	return out, nil
}

func TestRefsArePaged(t *testing.T) {
	from := &pages{count: 100}
	cache := newRefCache(from)
	r := newRefs(cache, metadata.Entry{Content: 3, BlockCount: 100, Size: 1000})
	for _, off := range []int64{0, 999, 500, 69, 70, 71, 3} {
		p, err := r.find(t.Context(), off)
		if want := metadata.LocalID(off / 10); err != nil || p.ref.ID.Local != want || p.start != off/10*10 {
			t.Errorf("find(%d) = %+v, %v, want block %d", off, p, err, want)
		}
	}
	if from.calls != 15 {
		t.Errorf("%d calls, want 15: one for each page", from.calls)
	}
	if _, err := r.find(t.Context(), 1000); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("find past the end: %v, want %v", err, metadata.KindCorrupt)
	}
	from.count = 50 // a list that ends too early
	r = newRefs(cache, metadata.Entry{Content: 4, BlockCount: 100, Size: 1000})
	if _, err := r.find(t.Context(), 700); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("find in a short list: %v, want %v", err, metadata.KindCorrupt)
	}
	for c := range metadata.ContentID(200) {
		if _, err := cache.page(t.Context(), 100+c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(cache.pages); got > refPagesMax {
		t.Errorf("%d pages kept, want at most %d", got, refPagesMax)
	}
}

// A server of this process comes first, then the living, then the silent; none
// is chosen twice.
func TestBest(t *testing.T) {
	c := New(Config{Local: func(n metadata.NodeID) Target {
		if n == 3 {
			return &Remote{}
		}
		return nil
	}})
	replicas := located(1, 2, 3, 4)
	replicas[3].Live = false
	var tried []metadata.Replica
	var order []metadata.NodeID
	for {
		r, ok := c.best(replicas, tried)
		if !ok {
			break
		}
		tried = append(tried, r.Replica)
		order = append(order, r.Node)
	}
	if len(order) != 4 || order[0] != 3 || order[3] != 4 {
		t.Errorf("order = %v, want 3 first and 4 last", order)
	}
	c.nodes.shun(3) // its disk hangs
	if r, _ := c.best(replicas, nil); r.Node == 3 {
		t.Error("a local server that delivers nothing was preferred")
	}
	c.nodes.shun(1)
	for range 50 {
		if r, _ := c.best(located(1, 2), nil); r.Node == 1 {
			t.Fatal("a shunned server was preferred")
		}
	}
}

// Small blocks go straight to everybody, large ones through a chain; the server
// of this process is always written directly.
func TestRoutes(t *testing.T) {
	c := New(Config{Local: func(n metadata.NodeID) Target {
		if n == 1 {
			return &Remote{}
		}
		return nil
	}})
	shape := func(j putJob) (heads []metadata.NodeID, levels int) {
		for _, r := range c.routes(j, located(1, 2, 3, 4)) {
			heads = append(heads, r.head.Node)
			levels = max(levels, depth(r.forward))
		}
		return heads, levels
	}
	small, large := &block{length: starBytesMax}, &block{length: starBytesMax + 1}
	if heads, levels := shape(putJob{block: small}); !slices.Equal(heads, []metadata.NodeID{1, 2, 3, 4}) || levels != 0 {
		t.Errorf("small: heads %v, %d levels, want all and none", heads, levels)
	}
	if heads, levels := shape(putJob{block: large}); !slices.Equal(heads, []metadata.NodeID{1, 2}) || levels != 2 {
		t.Errorf("large: heads %v, %d levels, want 1 and 2 with two more behind it", heads, levels)
	}
	if heads, levels := shape(putJob{block: large, direct: true}); len(heads) != 4 || levels != 0 {
		t.Errorf("large again: heads %v, %d levels, want all and none", heads, levels)
	}
}

// A server that failed is given up without waiting only if the rest can do
// without it; when most of them failed, all are tried.
func TestDoomed(t *testing.T) {
	c := New(Config{})
	l := newLease(metadata.Lease{Volume: 5, Epoch: 2, From: 1, To: 100, Replicas: located(1, 2, 3)}, newSession(1), func() {})
	doomed := func(n metadata.NodeID) bool {
		return c.doomed(putJob{lease: l}, route{head: located(n)[0]})
	}
	if doomed(1) {
		t.Error("a sound server is given up")
	}
	c.nodes.fail(1)
	if !doomed(1) || doomed(2) {
		t.Errorf("with one of three failed: %v, %v, want it alone given up", doomed(1), doomed(2))
	}
	c.nodes.fail(2)
	if doomed(1) || doomed(2) {
		t.Error("with two of three failed they are given up")
	}
}
