package fleet

import (
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// BenchmarkMakePlan plans for 100 000 volumes on 30 nodes of which one is down.
func BenchmarkMakePlan(b *testing.B) {
	w := newBuilder(30)
	for i := range 100_000 {
		n := metadata.NodeID(i % 30)
		w.volume(metadata.VolumeID(i+1), metadata.VolumeIdle, 2, 4<<30, n+1, (n+7)%30+1)
	}
	w.down(time.Hour, 3)
	for b.Loop() {
		w.orders = newOrders(w.now)
		makePlan(w.world)
	}
}

// One plan never gives more than the bounds allow, whatever is down.
func TestPlanIsBounded(t *testing.T) {
	b := newBuilder(10)
	for i := range 5000 {
		n := metadata.NodeID(i % 10)
		state := metadata.VolumeIdle
		if i%3 == 0 {
			state = metadata.VolumeFencing
		}
		b.volume(metadata.VolumeID(i+1), state, 2, 1<<20, n+1, (n+3)%10+1)
		b.strays[copyKey{metadata.VolumeID(i + 1), metadata.DiskID(101 + (i+5)%10)}] = stray{seen: b.now}
	}
	b.down(time.Hour, 2)
	makePlan(b.world)
	work := newWorkload(b.orders)
	for n := range b.sites {
		if work.pulling[n] > b.lim.CopiesPerTarget || work.feeding[n] > b.lim.CopiesPerSource || work.fencing[n] > fencesOfNodeMax {
			t.Errorf("%v: pulls %d, feeds %d, fences %d", n, work.pulling[n], work.feeding[n], work.fencing[n])
		}
		if got := len(b.orders.of(n, nil)); got > ordersOfReplyMax {
			t.Errorf("%v: %d orders in one reply", n, got)
		}
	}
	if len(b.orders.byID) > ordersMax {
		t.Errorf("%d orders", len(b.orders.byID))
	}
}

// BenchmarkStatus counts 100 000 volumes.
func BenchmarkStatus(b *testing.B) {
	w := newBuilder(30)
	for i := range 100_000 {
		n := metadata.NodeID(i % 30)
		w.volume(metadata.VolumeID(i+1), metadata.VolumeIdle, 2, 4<<30, n+1, (n+7)%30+1)
	}
	for b.Loop() {
		var s health.Report
		w.count(&s)
	}
}
