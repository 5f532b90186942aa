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

// A fencing volume takes a copy back too: no listed replica of it may ever
// answer again.
func TestAdoptionByAFencingVolume(t *testing.T) {
	const adopts = "repair v1 on n2/102"
	for _, tc := range []struct {
		name  string
		build func(b *builder, v *volume)
		want  string
	}{
		{"the listed one is down", func(b *builder, v *volume) {}, adopts},
		{"under the brake too, it gives nothing up", func(b *builder, v *volume) { b.braked = true }, adopts},
		{"the listed one is in maintenance", func(b *builder, v *volume) {
			v.Target = 1
			b.sites[1].state = metadata.NodeMaintenance
		}, adopts},
		{"from a node that is to be emptied", func(b *builder, v *volume) { b.sites[2].state = metadata.NodeDraining }, adopts},
		{"the listed one is suspect", func(b *builder, v *volume) { b.live(metadata.LivenessSuspect, 1) },
			"stalled: " + string(StallNoReplica)},
		{"nobody knows of the listed one yet", func(b *builder, v *volume) { b.live(metadata.LivenessUnknown, 1) },
			"stalled: " + string(StallNoReplica)},
		{"a part", func(b *builder, v *volume) { v.Bytes = 101 }, "stalled: " + string(StallNoSource)},
		{"it was compared in vain", func(b *builder, v *volume) { b.orders.fail(copyKey{1, 102}, b.now) },
			"stalled: " + string(StallRetrying)},
		{"once taken back it takes the place of the other", func(b *builder, v *volume) {
			v.Replicas = append(v.Replicas, metadata.Replica{Node: 2, Disk: 102})
			v.Synced = []metadata.DiskID{102}
		}, "drop n1 of v1 min 1 forget false"},
		{"but not under the brake", func(b *builder, v *volume) {
			v.Replicas = append(v.Replicas, metadata.Replica{Node: 2, Disk: 102})
			v.Synced = []metadata.DiskID{102}
			b.braked = true
		}, "stalled: " + string(StallBrake)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(3)
			v := b.volume(1, metadata.VolumeFencing, 2, 100, 1)
			b.down(time.Hour, 1)
			b.strays[copyKey{1, 102}] = stray{bytes: 100, seen: b.now}
			tc.build(b, v)
			if got := makePlan(b.world).show(); got != tc.want {
				t.Errorf("plan: %q, want %q", got, tc.want)
			}
			if tc.want != adopts {
				return
			}
			b.orders.expire(b.world)
			if got := makePlan(b.world).show(); got != "" || !b.orders.syncing(1) {
				t.Errorf("while the copy is compared: plan %q", got)
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
