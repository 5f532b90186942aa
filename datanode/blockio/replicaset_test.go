package blockio

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kendfs/metadata"
)

// one is a nameserver with a single volume, which answers as a test wants.
type one struct {
	metadata.Leaser
	view      metadata.VolumeView
	none      bool    // the volume is not known
	failViews error   // Volumes answers it
	drops     []error // answers of DropReplica in turn; nil or past the end: done
	lose      bool    // the next drop is done and its answer lost
	asked     int     // Volumes
	dropped   []metadata.Replica
	released  []metadata.VolumeID
	failRel   error
}

func (o *one) Volumes(_ context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	o.asked++
	if o.failViews != nil || o.none || !slices.Contains(ids, o.view.ID) {
		return nil, o.failViews
	}
	return []metadata.VolumeView{o.view}, nil
}

func (o *one) DropReplica(_ context.Context, s metadata.SessionID, p metadata.LeaseProof, r metadata.Replica) (metadata.Lease, error) {
	if len(o.drops) > 0 {
		err := o.drops[0]
		if o.drops = o.drops[1:]; err != nil {
			return metadata.Lease{}, err
		}
	}
	if p.Epoch != o.view.Epoch || s != o.view.Lessee {
		return metadata.Lease{}, metadata.Errorf(metadata.KindStale, "epoch %d", p.Epoch)
	}
	o.dropped = append(o.dropped, r)
	o.view.Epoch++
	o.view.Located = slices.DeleteFunc(slices.Clone(o.view.Located), func(x metadata.Located) bool { return x.Replica == r })
	if o.lose {
		o.lose = false
		return metadata.Lease{}, metadata.Errorf(metadata.KindStale, "the answer is lost, and asked for again")
	}
	return metadata.Lease{Volume: p.Volume, Epoch: o.view.Epoch, Replicas: o.view.Located}, nil
}

func (o *one) Release(_ context.Context, _ metadata.SessionID, v metadata.VolumeID) error {
	o.released = append(o.released, v)
	return o.failRel
}

func (o *one) RenewSession(context.Context, metadata.SessionID) error { return nil }

// leased is a client's stock with one lease, of volume 5 with replicas on 1, 2, 3.
func leased() (*one, *leases, *lease) {
	o := &one{view: metadata.VolumeView{
		Volume:  metadata.Volume{ID: 5, Epoch: 7, State: metadata.VolumeLeased, Lessee: 1, Fence: 10, Next: 100},
		Located: located(1, 2, 3),
	}}
	cfg := Config{Leaser: o}.withDefaults()
	l := newLeases(cfg, newNodes(), newVolumes(o))
	l.session = newSession(1)
	x := newLease(metadata.Lease{Volume: 5, Epoch: 7, Session: 1, From: 10, To: 100, Replicas: located(1, 2, 3)}, l.session, l.wake)
	l.all[x] = struct{}{}
	return o, l, x
}

func nodesOf(x *lease) (out []metadata.NodeID) {
	_, replicas := x.view()
	for _, r := range replicas {
		out = append(out, r.Node)
	}
	return out
}

// A replica is dropped once, whatever becomes of the answer, and the lease goes
// on with the rest; or it does not, and then the lease takes no more blocks.
func TestDrop(t *testing.T) {
	gone := located(2)[0].Replica
	refused := metadata.Errorf(metadata.KindUnavailable, "too few would remain")
	stale := metadata.Errorf(metadata.KindStale, "another epoch")
	for name, c := range map[string]struct {
		prepare func(o *one, x *lease)
		want    metadata.Kind // none: dropped
		drops   int           // at the nameserver
		usable  bool
		after   []metadata.NodeID
	}{
		"done":              {func(*one, *lease) {}, 0, 1, true, []metadata.NodeID{1, 3}},
		"answer lost":       {func(o *one, _ *lease) { o.lose = true }, 0, 1, true, []metadata.NodeID{1, 3}},
		"too few":           {func(o *one, _ *lease) { o.drops = []error{refused} }, metadata.KindUnavailable, 0, false, []metadata.NodeID{1, 2, 3}},
		"epoch moved":       {func(o *one, _ *lease) { o.view.Epoch = 9 }, 0, 1, true, []metadata.NodeID{1, 3}},
		"stale for ever":    {func(o *one, _ *lease) { o.drops = []error{stale, stale} }, metadata.KindStale, 0, false, []metadata.NodeID{1, 2, 3}},
		"lease lost":        {func(o *one, _ *lease) { o.view.Lessee, o.drops = 2, []error{stale} }, metadata.KindStale, 0, false, []metadata.NodeID{1, 2, 3}},
		"not to find out":   {func(o *one, _ *lease) { o.drops, o.failViews = []error{stale}, refused }, metadata.KindUnavailable, 0, true, []metadata.NodeID{1, 2, 3}},
		"over already":      {func(_ *one, x *lease) { x.retire(true) }, metadata.KindStale, 0, false, []metadata.NodeID{1, 2, 3}},
		"session over":      {func(_ *one, x *lease) { x.session.end() }, metadata.KindStale, 0, false, []metadata.NodeID{1, 2, 3}},
		"dropped meanwhile": {func(_ *one, x *lease) { x.update(8, located(1, 3)) }, 0, 0, true, []metadata.NodeID{1, 3}},
	} {
		o, l, x := leased()
		c.prepare(o, x)
		err := l.drop(t.Context(), x, gone)
		if c.want == 0 && err != nil || c.want != 0 && (err == nil || metadata.KindOf(err) != c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		usable, _ := x.usable(l.nodes.failed)
		if len(o.dropped) != c.drops || usable != c.usable || !slices.Equal(nodesOf(x), c.after) {
			t.Errorf("%s: %d drops, usable %v, on %v; want %d, %v, %v", name, len(o.dropped), usable, nodesOf(x), c.drops, c.usable, c.after)
		}
	}
}

// What the nameserver says of a leased volume is taken over, or ends the lease.
func TestReconcile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *one)
		ended  bool
		epoch  metadata.Epoch
	}{
		"nothing new":         {func(*one) {}, false, 7},
		"a newer epoch":       {func(o *one) { o.view.Epoch, o.view.Located = 9, located(1) }, false, 9},
		"an older epoch":      {func(o *one) { o.view.Epoch, o.view.Located = 6, located(1) }, false, 7},
		"another's":           {func(o *one) { o.view.Lessee = 2 }, true, 7},
		"nobody's":            {func(o *one) { o.view.State, o.view.Lessee = metadata.VolumeIdle, 0 }, true, 7},
		"being fenced":        {func(o *one) { o.view.State = metadata.VolumeFencing }, true, 7},
		"leased to us, later": {func(o *one) { o.view.Fence = 100 }, true, 7},
		"not there":           {func(o *one) { o.none = true }, true, 7},
	} {
		o, l, x := leased()
		c.change(o)
		if err := l.reconcile(t.Context(), []*lease{x, x}); err != nil {
			t.Fatal(err)
		}
		if epoch, _ := x.view(); x.over() != c.ended || epoch != c.epoch || o.asked != 1 {
			t.Errorf("%s: ended %v in epoch %d after %d questions; want %v, %d", name, x.over(), epoch, o.asked, c.ended, c.epoch)
		}
	}
	o, l, x := leased()
	o.failViews = metadata.Errorf(metadata.KindUnavailable, "no leader")
	if err := l.reconcile(t.Context(), []*lease{x}); metadata.KindOf(err) != metadata.KindUnavailable || x.over() {
		t.Errorf("without an answer: %v, over %v", err, x.over())
	}
}

// A recall is heeded once, and only by whose lease it is.
func TestHeed(t *testing.T) {
	o, l, x := leased()
	l.heed(t.Context())
	if x.wanted() || l.recalls.Load() != 0 {
		t.Error("a lease that nobody wants back is given back")
	}
	o.view.Recall, o.view.Lessee = true, 2
	l.heed(t.Context())
	if x.wanted() {
		t.Error("another session's lease was recalled, ours is given back")
	}
	o.view.Lessee, o.failViews = 1, metadata.Errorf(metadata.KindUnavailable, "no leader")
	l.heed(t.Context())
	o.failViews = nil
	for range 3 {
		l.heed(t.Context())
	}
	if usable, _ := x.usable(l.nodes.failed); !x.wanted() || usable || l.recalls.Load() != 1 {
		t.Errorf("wanted %v, usable %v, %d recalls; want it recalled once", x.wanted(), usable, l.recalls.Load())
	}
	l.giveBack(t.Context())
	if !slices.Equal(o.released, []metadata.VolumeID{5}) || len(l.all) != 0 {
		t.Errorf("released %v, %d left", o.released, len(l.all))
	}
	asked := o.asked
	l.heed(t.Context()) // holds nothing: asks nothing
	if o.asked != asked {
		t.Error("a client without leases asks for recalls")
	}
}

// A dead replica is dropped only from volumes with uncommitted blocks, only if
// it failed here, and only when the leader does not hear from it either.
func TestDropDead(t *testing.T) {
	for name, c := range map[string]struct {
		hold, failed, dead bool
		want               int
	}{
		"all of it":           {true, true, true, 1},
		"nothing uncommitted": {false, true, true, 0},
		"works for us":        {true, false, true, 0},
		"the leader hears it": {true, true, false, 0},
	} {
		o, l, x := leased()
		if c.hold && !x.hold(10) {
			t.Fatal("no hold")
		}
		if c.failed {
			l.nodes.fail(3)
		}
		o.view.Located[2].Live = !c.dead
		l.dropDead(t.Context())
		if len(o.dropped) != c.want {
			t.Errorf("%s: dropped %v, want %d", name, o.dropped, c.want)
		}
	}
	o, l, x := leased()
	x.hold(10)
	l.nodes.fail(3)
	o.failViews = errors.New("no leader")
	l.dropDead(t.Context()) // tries again with the next tick
	o.failViews, o.view.Located[2].Live = nil, false
	o.drops = []error{metadata.Errorf(metadata.KindUnavailable, "too few")}
	l.dropDead(t.Context()) // said, and no more
	if len(o.dropped) != 0 {
		t.Errorf("dropped %v", o.dropped)
	}
}

// A lease that cannot be given back now is given back later; one that the
// nameserver has ended already is forgotten.
func TestGiveBack(t *testing.T) {
	o, l, x := leased()
	x.retire(false)
	o.failRel = metadata.Errorf(metadata.KindUnavailable, "no leader")
	l.giveBack(t.Context())
	if len(l.all) != 1 {
		t.Error("a lease that was not given back is forgotten")
	}
	o.failRel = metadata.Errorf(metadata.KindStale, "over")
	l.giveBack(t.Context())
	if len(l.all) != 0 || len(o.released) != 2 {
		t.Errorf("%d leases left after %d tries", len(l.all), len(o.released))
	}
	o, l, x = leased()
	x.retire(true)
	l.giveBack(t.Context())
	if len(l.all) != 0 || len(o.released) != 0 {
		t.Errorf("an ended lease: %d left, released %v, want neither", len(l.all), o.released)
	}
}

// Leases grow old and go; the session goes with them only when it is over.
func TestLoseAndConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l, x := leased()
		other := newLease(metadata.Lease{Volume: 6, To: 9}, newSession(2), func() {})
		l.all[other] = struct{}{}
		if err := l.confirm(t.Context()); err != nil || x.over() {
			t.Errorf("confirm of a good session: %v, over %v", err, x.over())
		}
		l.lose(x.session)
		if !x.over() || other.over() || l.current() != nil {
			t.Errorf("after its session: over %v, the other %v, session %v", x.over(), other.over(), l.current())
		}
		if err := l.confirm(t.Context()); err != nil {
			t.Errorf("confirm without a session: %v", err)
		}
		time.Sleep(leaseIdle + time.Second)
		if !other.retireOld(time.Now()) {
			t.Error("a lease unused for a minute is kept")
		}
	})
}

// TestLeaseModel: whatever is done with a lease, its ids are unique and within
// their range, its references add up, and it is given back only when nobody
// needs it.
func TestLeaseModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := metadata.LocalID(rapid.IntRange(1, 5).Draw(t, "from")), metadata.LocalID(rapid.IntRange(6, 30).Draw(t, "to"))
		told := 0
		l := newLease(metadata.Lease{Volume: 5, Epoch: 1, From: from, To: to, Replicas: located(1, 2)}, newSession(1), func() { told++ })
		var held []int
		ids := map[metadata.LocalID]bool{}
		retired, ended := false, false
		epoch := metadata.Epoch(1)
		t.Repeat(map[string]func(*rapid.T){
			"hold": func(t *rapid.T) {
				n := rapid.SampledFrom([]int{1, 4096, metadata.BlockBytesMax}).Draw(t, "n")
				ok := l.hold(n)
				if ok && (retired || ended) || !ok && !retired && !ended && metadata.LocalID(l.next.Load()) < to {
					t.Fatalf("hold = %v, retired %v, ended %v, next %d of %d", ok, retired, ended, l.next.Load(), to)
				}
				if ok {
					held = append(held, n)
				}
			},
			"take": func(t *rapid.T) {
				id, ok := l.take()
				if ok != (len(ids) < int(to-from)) || ok && (ids[id.Local] || id.Local < from || id.Local >= to || id.Volume != 5) {
					t.Fatalf("take = %v, %v after %d of [%d, %d)", id, ok, len(ids), from, to)
				}
				if ok {
					ids[id.Local] = true
				}
			},
			"release": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing held")
				}
				before := told
				l.release(held[0], rapid.Bool().Draw(t, "committed"))
				held = held[1:]
				if over := len(held) == 0 && (retired || ended); over != (told > before) {
					t.Fatalf("told %v, want %v: with %d held, retired %v", told > before, over, len(held), retired)
				}
			},
			"retire": func(t *rapid.T) {
				end := rapid.Bool().Draw(t, "ended")
				l.retire(end)
				retired, ended = true, ended || end
			},
			"recall": func(t *rapid.T) {
				l.recall()
				retired = true
				if l.recall() {
					t.Fatal("a recall is news twice")
				}
				if l.wanted() == ended {
					t.Fatalf("wanted %v, ended %v", l.wanted(), ended)
				}
			},
			"update": func(t *rapid.T) {
				e := metadata.Epoch(rapid.IntRange(1, 9).Draw(t, "epoch"))
				l.update(e, located(metadata.NodeID(e)))
				epoch = max(epoch, e)
				if got := l.proof(); got.Epoch != epoch || got.Volume != 5 {
					t.Fatalf("proof %+v, want epoch %d", got, epoch)
				}
			},
			"": func(t *rapid.T) {
				retired = retired || l.retired // by what was written through it
				if got := l.releasable(); got != (len(held) == 0 && (retired || ended)) {
					t.Fatalf("releasable %v with %d held, retired %v, ended %v", got, len(held), retired, ended)
				}
				if got := l.uncommitted(); got != (len(held) > 0 && !ended) {
					t.Fatalf("uncommitted %v with %d held, ended %v", got, len(held), ended)
				}
				if l.over() != ended {
					t.Fatalf("over %v, want %v", l.over(), ended)
				}
			},
		})
	})
}

// A lease that is granted while its session ends takes no block: the data would
// travel for nothing, and be written again.
func TestGrantOfALostSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *Client
		sessions, grants := 0, 0
		leaser := &slowLeaser{grant: func(context.Context) (metadata.Lease, error) {
			if grants++; grants == 1 {
				c.leases.lose(c.leases.current()) // the renewal has just found out
			}
			sessions = grants
			return metadata.Lease{Volume: metadata.VolumeID(grants), Epoch: 1, Session: 1, From: 1, To: 100_000, Replicas: located(1)}, nil
		}}
		c = New(Config{Leaser: leaser, Leases: 1})
		defer func() { _ = c.Close(t.Context()) }()
		l, err := c.leases.acquire(t.Context(), 1, 10)
		if err != nil || l.volume != 2 || l.session.over() || sessions < 2 {
			t.Errorf("acquired %+v, %v after %d grants, want the second lease", l, err, grants)
		}
	})
}
