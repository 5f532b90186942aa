package fleet

import (
	"slices"
	"testing"
	"time"

	"kendfs/metadata"
)

func TestLiveness(t *testing.T) {
	lim := Limits{}.withDefaults()
	began := now0()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	for _, tc := range []struct {
		name string
		now  time.Duration
		b    beat
		want metadata.Liveness
		down time.Duration
	}{
		{"never heard, term is young", 7999 * time.Millisecond, beat{}, metadata.LivenessUnknown, 0},
		{"never heard", 8 * time.Second, beat{}, metadata.LivenessDown, 8 * time.Second},
		{"just heard", time.Minute, beat{heard: at(time.Minute)}, metadata.LivenessUp, 0},
		{"heard a moment ago", time.Minute, beat{heard: at(time.Minute - 2499*time.Millisecond)}, metadata.LivenessUp, 0},
		{"silent", time.Minute, beat{heard: at(time.Minute - 2500*time.Millisecond)}, metadata.LivenessSuspect, 0},
		{"leaving", time.Minute, beat{heard: at(time.Minute), leaving: true}, metadata.LivenessSuspect, 0},
		{"silent for long", time.Minute, beat{heard: at(time.Minute - 8*time.Second)}, metadata.LivenessDown, time.Minute},
		{"gone for an hour", 2 * time.Hour, beat{heard: at(time.Hour), leaving: true}, metadata.LivenessDown, time.Hour + 8*time.Second},
	} {
		got, since := liveness(at(tc.now), began, tc.b, lim)
		if got != tc.want || tc.want == metadata.LivenessDown && !since.Equal(at(tc.down)) {
			t.Errorf("%s: %v since %v, want %v since %v", tc.name, got, since.Sub(began), tc.want, tc.down)
		}
	}
}

func TestWorse(t *testing.T) {
	order := []metadata.Liveness{metadata.LivenessUp, metadata.LivenessUnknown, metadata.LivenessSuspect, metadata.LivenessDown}
	for i, a := range order {
		for j, b := range order {
			if got, want := worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("worse(%v, %v) = %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	l := Limits{SuspectAfter: time.Hour, DownAfter: time.Hour}.withDefaults()
	if l.SuspectAfter != 3*time.Second || l.DownAfter != 10*time.Second || l.IdleVolumes != 64 {
		t.Errorf("limits: %+v", l)
	}
	l = Limits{SuspectAfter: 3 * time.Second, DownAfter: time.Second}.withDefaults()
	if l.DownAfter != l.SuspectAfter {
		t.Errorf("down after %v, suspect after %v", l.DownAfter, l.SuspectAfter)
	}
}

func TestBrake(t *testing.T) {
	for _, tc := range []struct {
		name  string
		nodes int
		build func(b *builder)
		want  time.Duration // until when; 0: off
	}{
		{"all up", 6, func(b *builder) {}, 0},
		{"half is not more than half", 6, func(b *builder) { b.down(time.Minute, 1, 2, 3) }, 0},
		{"more than half", 6, func(b *builder) { b.down(time.Minute, 1, 2, 3); b.down(2*time.Minute, 4) }, 9 * time.Minute},
		{"silent ones count", 6, func(b *builder) { b.down(time.Minute, 1); b.live(metadata.LivenessSuspect, 2, 3, 4) }, 10 * time.Minute},
		{"long ago", 6, func(b *builder) { b.down(10*time.Minute, 1, 2, 3, 4, 5) }, 0},
		{"one after the other", 6, func(b *builder) { b.down(time.Hour, 1, 2); b.down(time.Minute, 3, 4) }, 0},
		{"fewer than three", 3, func(b *builder) { b.down(time.Minute, 1, 2) }, 0},
		{"three of three", 3, func(b *builder) { b.down(time.Minute, 1, 2, 3) }, 9 * time.Minute},
		{"three of five", 5, func(b *builder) { b.down(time.Minute, 1, 2, 3) }, 9 * time.Minute},
		{"maintenance and removed do not count", 6, func(b *builder) {
			b.down(time.Minute, 1, 2, 3, 4)
			b.sites[3].state, b.sites[4].state = metadata.NodeMaintenance, metadata.NodeRemoved
		}, 0},
		{"only storage servers count", 6, func(b *builder) {
			b.down(time.Minute, 1, 2, 3, 4)
			b.sites[1].storage, b.sites[2].storage = false, false
		}, 0},
	} {
		b := newBuilder(tc.nodes)
		tc.build(b)
		until, on := brakeUntil(b.now, sitesOf(b.world))
		if on != (tc.want != 0) || on && until.Sub(b.now) != tc.want {
			t.Errorf("%s: %v until %v, want %v", tc.name, on, until.Sub(b.now), tc.want)
		}
	}
}

func TestOrders(t *testing.T) {
	now := now0()
	o := newOrders(now)
	a := o.add(order{node: 1, class: classRepair, Order: metadata.Order{Kind: metadata.OrderSync, Volume: 1, Disk: 101}}, now)
	b := o.add(order{node: 1, class: classDelete, Order: metadata.Order{Kind: metadata.OrderDelete, Volume: 2, Disk: 101}}, now)
	o.add(order{node: 2, class: classDrop, Order: metadata.Order{Kind: metadata.OrderDrop, Volume: 2, Disk: 102}}, now)
	if later := newOrders(now.Add(time.Hour)); later.next <= o.next {
		t.Errorf("a later leader numbers from %d, this one is at %d", later.next, o.next)
	}
	ids := func(os []metadata.Order) (out []uint64) {
		for _, x := range os {
			out = append(out, x.ID)
		}
		return out
	}
	if got := ids(o.of(1, nil)); !slices.Equal(got, []uint64{a.ID, b.ID}) {
		t.Errorf("orders of n1: %v, want %d and %d", got, a.ID, b.ID)
	}
	if got := ids(o.of(1, map[uint64]bool{a.ID: true})); !slices.Equal(got, []uint64{b.ID}) {
		t.Errorf("orders of n1 but the running one: %v, want %d", got, b.ID)
	}
	if !o.syncing(1) || o.syncing(2) || o.free(a.key(), now) {
		t.Error("v1 is being copied, v2 is not")
	}
	o.cancelDeletes(2)
	if o.byID[b.ID] != nil || len(o.byID) != 2 {
		t.Error("the deletion was not cancelled")
	}
	o.remove(a)
	o.remove(a)
	if o.syncing(1) || !o.free(a.key(), now) {
		t.Error("v1 is not being copied any more")
	}
	last := time.Duration(0)
	for i := range 10 {
		o.fail(a.key(), now)
		wait := o.failed[a.key()].until.Sub(now)
		if wait < last || wait > failureBackoffMost || o.free(a.key(), now) || !o.free(a.key(), now.Add(wait)) {
			t.Errorf("failure %d: wait %v after %v", i, wait, last)
		}
		last = wait
	}
	o.succeed(a.key())
	if !o.free(a.key(), now) {
		t.Error("a success does not end the wait")
	}
}

func TestExpire(t *testing.T) {
	for name, tc := range map[string]struct {
		class  class
		change func(b *builder)
		keep   bool
	}{
		"repair goes on":        {classRepair, func(b *builder) {}, true},
		"new epoch":             {classRepair, func(b *builder) { b.volumes[1].Epoch++ }, false},
		"leased":                {classRepair, func(b *builder) { b.volumes[1].State = metadata.VolumeLeased }, false},
		"not needed":            {classRepair, func(b *builder) { b.live(metadata.LivenessUp, 2) }, false},
		"target is down":        {classRepair, func(b *builder) { b.down(0, 3) }, false},
		"target is suspect":     {classRepair, func(b *builder) { b.live(metadata.LivenessSuspect, 3) }, true},
		"target is removed":     {classRepair, func(b *builder) { b.sites[3].state = metadata.NodeRemoved }, false},
		"stuck":                 {classRepair, func(b *builder) { b.now = b.now.Add(orderStuckAfter + 1) }, false},
		"fence of an idle one":  {classFence, func(b *builder) {}, false},
		"check of an unlisted":  {classCheck, func(b *builder) {}, false},
		"delete of an unlisted": {classDelete, func(b *builder) {}, false},
		"forget an unlisted":    {classDrop, func(b *builder) {}, true},
		"forget, volume gone":   {classDrop, func(b *builder) { delete(b.volumes, 1) }, true},
		"repair, volume gone":   {classRepair, func(b *builder) { delete(b.volumes, 1) }, false},
	} {
		b := newBuilder(4)
		b.volume(1, metadata.VolumeIdle, 2, 1000, 1, 2)
		b.down(time.Hour, 2)
		o := b.orders.add(order{node: 3, class: tc.class, Order: metadata.Order{Volume: 1, Disk: 103, Epoch: 5}}, b.now)
		tc.change(b)
		b.orders.expire(b.world)
		if kept := b.orders.byID[o.ID] != nil; kept != tc.keep {
			t.Errorf("%s: kept %v, want %v", name, kept, tc.keep)
		}
	}
}
