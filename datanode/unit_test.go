package datanode

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{}
		began := time.Now()
		pass := func(n int64) {
			t.Helper()
			if err := l.wait(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		pass(1 << 40)
		if took := time.Since(began); took != 0 {
			t.Errorf("without a rate: waited %v", took)
		}
		l.set(1000)
		for range 11 {
			pass(100)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("1100 bytes at 1000 a second took %v, want 1 s before the last", took)
		}
		time.Sleep(time.Hour) // unused time is not saved up
		began = time.Now()
		for range 11 {
			pass(100)
		}
		if took := time.Since(began); took < 900*time.Millisecond {
			t.Errorf("after a pause 1100 bytes took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		pass(1_000_000)
		if err := l.wait(ctx, 1); metadata.KindOf(err) != metadata.KindTimeout {
			t.Errorf("wait: %v, want %v", err, metadata.KindTimeout)
		}
		l.set(-5)
		if l.rate != 0 {
			t.Errorf("rate = %d, want none", l.rate)
		}
	})
}

func TestFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlow()
		got := make(chan int)
		go func() {
			for off := 0; off < 300; {
				n, err := f.ready(t.Context(), off)
				if err != nil {
					t.Error(err)
					break
				}
				got <- n
				off = n
			}
			close(got)
		}()
		for _, n := range []int{100, 300} {
			synctest.Wait()
			f.advance(n)
			if have := <-got; have != n {
				t.Errorf("ready = %d, want %d", have, n)
			}
		}
		if _, open := <-got; open {
			t.Error("more came than there is")
		}
		want := errors.New("sender gone")
		f.fail(want)
		if n, err := f.ready(t.Context(), 100); n != 300 || err != nil {
			t.Errorf("what came before the failure: %d, %v, want 300", n, err)
		}
		if _, err := f.ready(t.Context(), 300); err != want {
			t.Errorf("ready after a failure: %v, want %v", err, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newFlow().ready(ctx, 0); metadata.KindOf(err) != metadata.KindCanceled {
			t.Errorf("ready without a reader: %v, want %v", err, metadata.KindCanceled)
		}
	})
}

func TestDamaged(t *testing.T) {
	d := newDamaged()
	a, b, c := metadata.BlockID{Volume: 1, Local: 1}, metadata.BlockID{Volume: 1, Local: 2}, metadata.BlockID{Volume: 2, Local: 1}
	if !d.add(9, a, 10) || d.add(9, a, 10) || !d.add(9, b, 20) || !d.add(9, c, 40) || !d.add(8, a, 80) {
		t.Error("add does not tell news from what is known")
	}
	x := metadata.VolumeDigest{Disk: 9, Volume: 1, Blocks: 5, Bytes: 100, Digest: a.Digest() ^ b.Digest() ^ 77}
	d.discount(&x)
	if x.Blocks != 3 || x.Bytes != 70 || x.Digest != 77 || x.Damaged != 2 {
		t.Errorf("discounted = %+v, want 3 blocks of 70 bytes, digest 77, 2 damaged", x)
	}
	if !d.mend(9, a) || d.mend(9, a) {
		t.Error("mend does not tell what was damaged from what was not")
	}
	if d.has(9, a) || !d.has(9, b) || !d.has(8, a) || d.count != 3 {
		t.Errorf("after mend: %+v", d.blocks)
	}
	d.drop(9, 1)
	if d.has(9, b) || !d.has(9, c) || d.count != 2 {
		t.Errorf("after drop: %+v", d.blocks)
	}
}

func TestOrdersAreBounded(t *testing.T) {
	o := newOrders(&Server{kick: make(chan struct{}, 1)})
	var many []metadata.Order
	for i := range uint64(ordersMax + 100) {
		many = append(many, metadata.Order{ID: i + 1, Disk: 1, Volume: metadata.VolumeID(i + 1)})
	}
	o.accept(many)
	o.accept(many)
	if len(o.queue) != ordersMax || len(o.jobs) != ordersMax {
		t.Errorf("%d orders wait, want %d", len(o.queue), ordersMax)
	}
	// A new leader gives the same order by another number.
	o.accept([]metadata.Order{{ID: 9999, Disk: 1, Volume: 1}, {ID: 10_000, Disk: 1, Volume: 2, Fence: 5}})
	j := o.next(t.Context())
	if j.order.Volume != 1 || j.id != 9999 {
		t.Errorf("the first order: volume %d as %d, want 1 as 9999", j.order.Volume, j.id)
	}
	o.finish(j, metadata.OrderResult{Volume: 1})
	done, running := o.status()
	if len(done) != 1 || done[0].ID != 9999 || len(running) != 0 {
		t.Errorf("status = %+v, %+v", done, running)
	}
	o.accept([]metadata.Order{{ID: 9999, Disk: 1, Volume: 1}})
	if o.jobs[copyKey{1, 1}] != nil {
		t.Error("an order whose result waits to be taken is carried out again")
	}
	o.acknowledge(done)
	if done, _ := o.status(); len(done) != 0 {
		t.Errorf("results after they were taken: %+v", done)
	}
	for i := range resultsMax + 10 {
		o.finish(&job{id: uint64(i)}, metadata.OrderResult{})
	}
	if got := len(o.results); got > resultsMax {
		t.Errorf("%d results kept, want at most %d", got, resultsMax)
	}
}

// rotten reports damage in what the scrub reads.
type rotten struct {
	Store
	verified []metadata.VolumeID
}

func (r *rotten) Disk() metadata.DiskID { return 5 }
func (r *rotten) Digests(after metadata.VolumeID, _ int) ([]metadata.VolumeDigest, error) {
	if after >= 3 {
		return nil, nil
	}
	return []metadata.VolumeDigest{{Volume: after + 1, Blocks: 2}}, nil
}
func (r *rotten) Stat(metadata.BlockID) (int64, error) { return 100, nil }
func (r *rotten) Verify(ctx context.Context, v metadata.VolumeID, pace func(context.Context, int64) error) (blockstore.Verified, error) {
	r.verified = append(r.verified, v)
	return blockstore.Verified{Corrupt: []metadata.LocalID{metadata.LocalID(v)}}, pace(ctx, 1<<20)
}

// The scrub goes through all volumes at its pace and notes what is damaged.
func TestScrub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &rotten{}
		s, err := New(Config{Node: 1, Fleet: noFleet{}, Disks: []Disk{{Store: store}}})
		if err != nil {
			t.Fatal(err)
		}
		pace := &limiter{}
		pace.set(1 << 20)
		began := time.Now()
		if err := s.scrubOnce(t.Context(), s.disks[0], pace); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("3 MiB at 1 MiB/s took %v, want 2 s before the last", took)
		}
		if len(store.verified) != 3 || s.Stats().Damaged != 3 || !s.damaged.has(5, metadata.BlockID{Volume: 2, Local: 2}) {
			t.Errorf("verified %v, %d damaged, want 3 and 3", store.verified, s.Stats().Damaged)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.scrub(ctx, s.disks[0]); close(done) }()
		time.Sleep(3 * scrubStart)
		cancel()
		<-done
		if len(store.verified) != 6 {
			t.Errorf("%d volumes verified after the first pass in the background, want 6", len(store.verified))
		}
	})
}

// noFleet is a nameserver that is never there.
type noFleet struct{ metadata.Fleet }

func (noFleet) Heartbeat(context.Context, metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	return metadata.HeartbeatReply{}, metadata.Errorf(metadata.KindUnavailable, "no leader")
}

// Without a nameserver heartbeats are tried again, ever more slowly, and news
// does not make them a storm.
func TestHeartbeatsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := &countingFleet{}
		s, err := New(Config{Node: 1, Fleet: count, ScrubBytesPerSecond: -1})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		for range 600 {
			s.wake()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if count.beats < 10 || count.beats > 60 {
			t.Errorf("%d heartbeats in a minute without a nameserver, want 10 to 60", count.beats)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !count.last.Leaving {
			t.Error("the last heartbeat does not say that the server leaves")
		}
	})
}

type countingFleet struct {
	noFleet
	beats int
	last  metadata.Heartbeat
}

func (c *countingFleet) Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	c.beats++
	c.last = h
	return c.noFleet.Heartbeat(ctx, h)
}

// vanishing is a store with a block that is deleted while it is looked at.
type vanishing struct {
	Store
	stats int
}

func (*vanishing) Disk() metadata.DiskID { return 5 }
func (v *vanishing) Stat(id metadata.BlockID) (int64, error) {
	if v.stats++; v.stats > 1 {
		return 0, metadata.Errorf(metadata.KindNotFound, "%v is not here", id)
	}
	return 100, nil
}

// A block that is deleted while its damage is noted is in no digest, and must
// not be taken out of one: the leader would order sync after sync.
func TestDamageOfADeletedBlock(t *testing.T) {
	store := &vanishing{}
	s, err := New(Config{Node: 1, Fleet: noFleet{}, Disks: []Disk{{Store: store}}})
	if err != nil {
		t.Fatal(err)
	}
	id := metadata.BlockID{Volume: 1, Local: 1}
	corrupt := metadata.Errorf(metadata.KindCorrupt, "rotten")
	s.noteDamage(5, id, corrupt)
	if s.damaged.has(5, id) {
		t.Error("a block that is not there counts as damaged")
	}
	store.stats = -10 // it is there for good
	s.noteDamage(5, id, metadata.Errorf(metadata.KindUnavailable, "not its fault"))
	if s.damaged.has(5, id) {
		t.Error("a block of a disk that is away counts as damaged")
	}
	s.noteDamage(6, id, corrupt) // no such disk
	s.noteDamage(5, id, corrupt)
	if !s.damaged.has(5, id) || s.damaged.count != 1 {
		t.Errorf("%d blocks damaged, want the one", s.damaged.count)
	}
}
