package metadata

import (
	"math/rand/v2"
	"testing"
)

func TestRoomOf(t *testing.T) {
	disk := func(fs uint64, capacity, free int64) Disk {
		return Disk{FileSystem: fs, Capacity: capacity, Free: free}
	}
	for _, c := range []struct {
		what           string
		disks          []Disk
		capacity, free int64
	}{
		{"none", nil, 0, 0},
		{"one", []Disk{disk(7, 100, 40)}, 100, 40},
		{"three on one file system", []Disk{disk(7, 100, 40), disk(7, 100, 40), disk(7, 100, 40)}, 100, 40},
		{"with reserves that differ, and one that is down", []Disk{disk(7, 100, 0), disk(7, 100, 35), disk(7, 100, 30)}, 100, 35},
		{"two file systems", []Disk{disk(7, 100, 40), disk(8, 50, 20), disk(7, 100, 40)}, 150, 60},
		{"not known: each is its own", []Disk{disk(0, 100, 40), disk(0, 100, 40)}, 200, 80},
		{"below the reserve", []Disk{disk(7, 100, -5), disk(8, 100, 10)}, 200, 10},
	} {
		if capacity, free := RoomOf(c.disks); capacity != c.capacity || free != c.free {
			t.Errorf("%s: got %d and %d, want %d and %d", c.what, capacity, free, c.capacity, c.free)
		}
		rand.Shuffle(len(c.disks), func(i, j int) { c.disks[i], c.disks[j] = c.disks[j], c.disks[i] })
		if capacity, free := RoomOf(c.disks); capacity != c.capacity || free != c.free {
			t.Errorf("%s, in another order: got %d and %d, want %d and %d", c.what, capacity, free, c.capacity, c.free)
		}
	}
}

// TestWordsOfNodes: what people read for states, also for one that this binary
// does not know yet.
func TestWordsOfNodes(t *testing.T) {
	for s, want := range map[NodeState]string{NodeActive: "active", NodeDraining: "draining", NodeMaintenance: "maintenance",
		NodeRemoved: "removed", 99: "unknown"} {
		if got := s.String(); got != want {
			t.Errorf("state %d: got %q, want %q", s, got, want)
		}
	}
	for l, want := range map[Liveness]string{LivenessUnknown: "unknown", LivenessUp: "up", LivenessSuspect: "suspect",
		LivenessDown: "down", 99: "down"} {
		if got := l.String(); got != want {
			t.Errorf("liveness %d: got %q, want %q", l, got, want)
		}
	}
}
