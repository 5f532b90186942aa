package health

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kendfs/metadata"
)

// TestPercentFull tries the edges: nothing known, over-full, and sums that would
// overflow when multiplied by a hundred.
func TestPercentFull(t *testing.T) {
	for _, tc := range []struct{ capacity, free, want int64 }{
		{0, 0, 0}, {0, 100, 0}, {-5, 1, 0}, {100, 100, 0}, {100, 15, 85}, {100, 16, 84}, {100, 0, 100},
		{100, 200, 0}, {100, -50, 100}, {3, 1, 66},
		{math.MaxInt64, 0, 100}, {math.MaxInt64, math.MaxInt64, 0}, {math.MaxInt64, math.MaxInt64 / 2, 50},
		{1 << 60, 1 << 59, 50}, {1 << 60, 0, 100},
	} {
		if got := percentFull(tc.capacity, tc.free); got != tc.want {
			t.Errorf("%d free of %d: %d percent full, want %d", tc.free, tc.capacity, got, tc.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1, math.MaxInt64).Draw(t, "capacity")
		less := rapid.Int64Range(0, capacity).Draw(t, "less")
		more := rapid.Int64Range(less, capacity).Draw(t, "more")
		a, b := percentFull(capacity, less), percentFull(capacity, more)
		if a < b || b < 0 || a > 100 {
			t.Fatalf("%d free of %d: %d percent; %d free: %d percent", less, capacity, a, more, b)
		}
	})
}

// TestVastDisksRaiseChecks: a full disk is found however large it is.
func TestVastDisksRaiseChecks(t *testing.T) {
	f := healthy()
	f.Machines[0].Disks[0].Capacity, f.Machines[0].Disks[0].Free = math.MaxInt64, 1
	f.Facts.Capacity, f.Facts.Free = math.MaxInt64, 1
	got := codes(Judge(f))
	if !slices.Contains(got, DiskFull) || !slices.Contains(got, ClusterNearFull) {
		t.Errorf("raised: %v", got)
	}
}

// TestSharedRoomHealsOnce: four servers on one file system have its room once,
// whoever of them fails.
func TestSharedRoomHealsOnce(t *testing.T) {
	const used = 1 << 38 // on each, as server says
	for _, tc := range []struct {
		name string
		fs   [4]uint64
		free int64
		want bool
	}{
		{"rooms of their own, together enough", [4]uint64{1, 2, 3, 4}, used / 2, false},
		{"not known: rooms of their own", [4]uint64{}, used / 2, false},
		{"one room, too little", [4]uint64{7, 7, 7, 7}, used - 1, true},
		{"one room, just enough", [4]uint64{7, 7, 7, 7}, used, false},
		{"the first alone, the others in one", [4]uint64{6, 7, 7, 7}, used - 1, true},
		{"two and two", [4]uint64{6, 6, 7, 7}, used / 2, false},
		{"two and two, too little", [4]uint64{6, 6, 7, 7}, used/2 - 1, true},
	} {
		f := healthy()
		for i := range f.Machines {
			f.Machines[i].Disks[0].Free, f.Machines[i].Disks[0].FileSystem = tc.free, tc.fs[i]
		}
		if got := slices.Contains(codes(Judge(f)), CannotSelfHeal); got != tc.want {
			t.Errorf("%s: raised %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestHealLeavesOutWhatDoesNotCount: failed disks hold nothing that could be
// copied and take nothing, and only servers that are up and in use count.
func TestHealLeavesOutWhatDoesNotCount(t *testing.T) {
	tight := func() Figures { // without the last server there is no room
		f := healthy()
		for i := range f.Machines {
			f.Machines[i].Disks[0].Free = 0
		}
		f.Machines[3].Disks[0].Free = 1 << 40
		f.Machines[0].Disks[0].Used = 1 << 39
		return f
	}
	for _, tc := range []struct {
		name   string
		change func(f *Figures)
		want   bool
	}{
		{"the last one has room", func(f *Figures) {}, false},
		{"its disk has failed", func(f *Figures) { f.Machines[3].Disks[0].Failed = "I/O error" }, true},
		{"it is suspect", func(f *Figures) { f.Machines[3].Live = metadata.LivenessSuspect }, true},
		{"it is being drained", func(f *Figures) { f.Machines[3].State, f.Machines[3].Volumes = metadata.NodeDraining, 1 }, true},
		{"it keeps no data", func(f *Figures) { f.Machines[3].Storage = false }, true},
		{"nothing is used anywhere", func(f *Figures) {
			f.Machines = f.Machines[:3]
			for i := range f.Machines {
				f.Machines[i].Disks[0].Used = 0
			}
		}, false},
		{"the fullest has failed already", func(f *Figures) {
			f.Machines[3].Disks[0].Free = 0
			for i := range f.Machines {
				f.Machines[i].Disks[0].Failed = "I/O error"
			}
		}, false},
	} {
		f := tight()
		tc.change(&f)
		if got := slices.Contains(codes(Judge(f)), CannotSelfHeal); got != tc.want {
			t.Errorf("%s: raised %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestDiskChecks: a disk is in one of the three checks at most, and what a
// server that is down said last is not believed.
func TestDiskChecks(t *testing.T) {
	const capacity = 1000
	for _, tc := range []struct {
		name   string
		change func(m *Machine)
		want   string
	}{
		{"84 percent", func(m *Machine) { m.Disks[0].Free = 160 }, ""},
		{"85 percent", func(m *Machine) { m.Disks[0].Free = 150 }, DiskNearFull},
		{"94 percent", func(m *Machine) { m.Disks[0].Free = 51 }, DiskNearFull},
		{"95 percent", func(m *Machine) { m.Disks[0].Free = 50 }, DiskFull},
		{"below its reserve", func(m *Machine) { m.Disks[0].Free = -10 }, DiskFull},
		{"failed and full", func(m *Machine) { m.Disks[0].Free, m.Disks[0].Failed = 0, "I/O error" }, DiskFailed},
		{"full and down", func(m *Machine) { m.Disks[0].Free, m.Live, m.DownSince = 0, metadata.LivenessDown, noon() }, NodeDown},
		{"full and removed", func(m *Machine) { m.Disks[0].Free, m.State = 0, metadata.NodeRemoved }, ""},
		{"full and no storage server", func(m *Machine) { m.Disks[0].Free, m.Storage = 0, false }, ""},
		{"no capacity is known", func(m *Machine) { m.Disks[0].Free, m.Disks[0].Capacity = 0, 0 }, ""},
	} {
		f := sound()
		m := server(2)
		m.Disks[0].Capacity, m.Disks[0].Used = capacity, 0
		tc.change(&m)
		f.Machines = []Machine{m}
		var want []string
		if tc.want != "" {
			want = []string{tc.want}
		}
		if got := codes(Judge(f)); !slices.Equal(got, want) {
			t.Errorf("%s: raised %v, want %v", tc.name, got, want)
		}
	}
}
