package fleet

import (
	"testing"
	"time"

	"kendfs/metadata"
)

// Nothing is given up in favour of a copy whose digest is wrong: the block that
// it lacks may be nowhere else.
func TestNothingIsGivenUpForADoubtfulCopy(t *testing.T) {
	idle := metadata.VolumeIdle
	doubt := func(b *builder, nodes ...metadata.NodeID) {
		for _, n := range nodes {
			b.suspects[copyKey{1, metadata.DiskID(100 + n)}] = suspect{changed: 3, first: b.now}
		}
	}
	for _, tc := range []struct {
		name  string
		build func(b *builder)
		want  string
	}{
		{"surplus", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2, 3)
			b.disks[103].free = 1 << 31
		}, "drop n3 of v1 min 2 forget true"},
		{"the doubtful one is the surplus", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2, 3)
			b.disks[103].free = 1 << 31
			doubt(b, 1)
		}, "drop n1 of v1 min 2 forget true"},
		{"two are doubtful", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2, 3)
			doubt(b, 1, 2)
		}, ""},
		{"a lost one and a doubtful one", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2, 3)
			b.down(time.Hour, 3)
			doubt(b, 2)
		}, ""},
		{"a draining one and a doubtful one", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2, 3)
			b.sites[3].state = metadata.NodeDraining
			doubt(b, 2)
		}, ""},
		{"a stray of a whole volume", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2)
			b.strays[copyKey{1, 103}] = stray{bytes: 100, seen: b.now}
		}, "forget v1 on n3/103"},
		{"a stray of a doubtful volume", func(b *builder) {
			b.volume(1, idle, 2, 100, 1, 2)
			b.strays[copyKey{1, 103}] = stray{bytes: 100, seen: b.now}
			doubt(b, 1)
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			tc.build(b)
			if got := makePlan(b.world).show(); got != tc.want {
				t.Errorf("plan: %q, want %q", got, tc.want)
			}
		})
	}
}

// A copy that was dropped while its node was away is taken back when it has
// become the only one; whether it is whole, its comparison tells.
func TestAdoptionOfTheLastCopy(t *testing.T) {
	for _, tc := range []struct {
		name string
		have int64
		want string
	}{
		{"whole", 100, "repair v1 on n2/102"},
		{"with dead blocks", 140, "repair v1 on n2/102"},
		{"a part", 99, "stalled: " + string(StallNoSource)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(3)
			b.volume(1, metadata.VolumeIdle, 2, 100, 1)
			b.down(time.Hour, 1)
			b.strays[copyKey{1, 102}] = stray{bytes: tc.have, seen: b.now}
			if got := makePlan(b.world).show(); got != tc.want {
				t.Errorf("plan: %q, want %q", got, tc.want)
			}
		})
	}
}

// What the listed replicas lack is looked for in copies that are not listed any
// more: a fencing volume would otherwise wait for ever for a block that is there.
func TestStraysAreTheLastSource(t *testing.T) {
	for _, tc := range []struct {
		name   string
		failed int
		want   string
	}{
		{"at first", 0, "fence v1 on n1/101"},
		{"after a failure", 1, "fence v1 on n1/101<n3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			v := b.volume(1, metadata.VolumeFencing, 2, 100, 1)
			b.strays[copyKey{1, 103}] = stray{bytes: 100, seen: b.now}
			b.strays[copyKey{1, 104}] = stray{bytes: 100, seen: b.now}
			b.down(time.Hour, 4)
			b.orders.failed[copyKey{v.ID, 101}] = failing{count: tc.failed, until: b.now.Add(-time.Second)}
			if got := makePlan(b.world).show(); got != tc.want {
				t.Errorf("plan: %q, want %q", got, tc.want)
			}
		})
	}
}
