package blockio

import (
	"testing"

	"kendfs/metadata"
)

// gatherStock is a stock of three leases.
func gatherStock() (*leases, *leaseSet) {
	l := newLeases(Config{Leases: 3}.withDefaults(), newNodes(), nil)
	set := l.set(2)
	for v := range 3 {
		set.leases = append(set.leases, newLease(metadata.Lease{Volume: metadata.VolumeID(v + 1), From: 1, To: 1 << 20,
			Replicas: make([]metadata.Located, 2)}, &session{id: 1}, func() {}))
	}
	return l, set
}

func TestSmallBlocksGather(t *testing.T) {
	l, set := gatherStock()
	take := func(n int) *lease {
		best, healthy := l.pick(set, n)
		if best == nil || !healthy {
			t.Fatalf("pick(%d): got %v, %v, want a healthy lease", n, best, healthy)
		}
		best.busy.Add(int64(n))
		return best
	}
	const small = 4 << 10
	first := take(small)
	for i := 1; i < gatherBytes/small; i++ {
		if got := take(small); got != first {
			t.Fatalf("small block %d is in volume %v, want the first one's, %v", i, got.volume, first.volume)
		}
	}
	second := take(small)
	if second == first {
		t.Errorf("%d bytes and more are in flight in one lease", gatherBytes)
	}
	if got := take(small); got != second {
		t.Errorf("the block after that is in volume %v, want %v", got.volume, second.volume)
	}
	if got := take(gatherBlockMax + 1); got == first || got == second {
		t.Errorf("a larger block is in volume %v, want the idle one", got.volume)
	}
}

// A client that writes one file at a time uses all its volumes.
func TestLoneSmallBlocksTakeTurns(t *testing.T) {
	l, set := gatherStock()
	seen := map[metadata.VolumeID]int{}
	for range 30 {
		best, _ := l.pick(set, 4096)
		best.busy.Add(4096)
		seen[best.volume]++
		best.busy.Add(-4096)
	}
	for v, n := range seen {
		if n != 10 {
			t.Errorf("volume %v got %d of 30 blocks, want 10", v, n)
		}
	}
}
