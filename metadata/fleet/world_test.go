package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// builder makes worlds for tests of the plans. Node n has disk 100+n; a second
// disk of it is 200+n.
type builder struct{ *world }

func now0() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func newBuilder(nodes int) *builder {
	b := &builder{&world{
		now: now0(), lim: Limits{}.withDefaults(), next: 1000,
		sites: make(map[metadata.NodeID]*site), disks: make(map[metadata.DiskID]*disk),
		volumes: make(map[metadata.VolumeID]*volume), orders: newOrders(now0()),
		strays: make(map[copyKey]stray), suspects: make(map[copyKey]suspect),
		reapings: make(map[metadata.VolumeID]*reaping),
	}}
	for n := range nodes {
		id := metadata.NodeID(n + 1)
		s := &site{id: id, addr: fmt.Sprint("h", id), zone: fmt.Sprint("z", id), storage: true, live: metadata.LivenessUp}
		b.sites[id] = s
		b.addDisk(metadata.DiskID(100+id), s)
	}
	return b
}

func (b *builder) addDisk(id metadata.DiskID, s *site) *disk {
	d := &disk{id: id, site: s, live: s.live, free: 1 << 40, capacity: 2 << 40}
	b.disks[id] = d
	return d
}

// down takes nodes down, since so long.
func (b *builder) down(since time.Duration, nodes ...metadata.NodeID) {
	b.live(metadata.LivenessDown, nodes...)
	for _, n := range nodes {
		b.sites[n].downSince = b.now.Add(-since)
	}
}

func (b *builder) live(l metadata.Liveness, nodes ...metadata.NodeID) {
	for _, n := range nodes {
		b.sites[n].live = l
		for _, d := range b.disks {
			if d.site.id == n {
				d.live = l
			}
		}
	}
}

// volume adds a volume with a replica on the first disk of each node.
func (b *builder) volume(id metadata.VolumeID, state metadata.VolumeState, target int, bytes int64, nodes ...metadata.NodeID) *volume {
	v := &volume{Volume: metadata.Volume{
		ID: id, Epoch: 5, State: state, Target: target, Bytes: bytes, Blocks: min(bytes, 1), Digest: 77, Fence: 9, Next: 9, Changed: 3,
	}}
	for _, n := range nodes {
		v.Replicas = append(v.Replicas, metadata.Replica{Node: n, Disk: metadata.DiskID(100 + n)})
	}
	if state == metadata.VolumeLeased {
		v.Lessee = 7
	}
	b.volumes[id] = v
	return v
}

// show writes a plan as a line: what it does to which volume.
func (p plan) show() string {
	var out []string
	for _, o := range p.orders {
		from := ""
		for _, s := range o.Sources {
			from += "<" + s.Node.String()
		}
		name := [...]string{"fence", "repair", "check", "delete", "forget"}[o.class]
		out = append(out, fmt.Sprintf("%s %s on %s/%d%s", name, o.Volume, o.node, uint64(o.Disk), from))
	}
	for _, d := range p.drops {
		out = append(out, fmt.Sprintf("drop %s of %s min %d forget %v", d.Replica.Node, d.Volume, d.Min, d.forget))
	}
	for _, r := range p.releases {
		out = append(out, fmt.Sprintf("release %s of %d", r.volume, r.session))
	}
	for _, r := range p.reaps {
		out = append(out, fmt.Sprintf("reap %d of %s", len(r.blocks), r.volume))
	}
	var stalls []string
	for s := range p.stalls {
		stalls = append(stalls, "stalled: "+string(s))
	}
	slices.Sort(stalls)
	return strings.Join(append(out, stalls...), "; ")
}

// A lease is recalled when the end of it would bring its volume forward.
func TestRecall(t *testing.T) {
	const gib = 1 << 30
	leased := metadata.VolumeLeased
	for _, tc := range []struct {
		name  string
		build func(b *builder) *volume
		want  bool
	}{
		{"whole", func(b *builder) *volume { return b.volume(1, leased, 2, gib, 1, 2) }, false},
		{"a replica is suspect", func(b *builder) *volume {
			b.live(metadata.LivenessSuspect, 2)
			return b.volume(1, leased, 2, gib, 1, 2)
		}, false},
		{"a replica is down", func(b *builder) *volume {
			b.down(time.Hour, 2)
			return b.volume(1, leased, 2, gib, 1, 2)
		}, true},
		{"both are", func(b *builder) *volume {
			b.down(time.Hour, 1, 2)
			return b.volume(1, leased, 2, gib, 1, 2)
		}, false},
		{"the writer dropped one", func(b *builder) *volume { return b.volume(1, leased, 2, gib, 1) }, true},
		{"and there is no other server", func(b *builder) *volume {
			b.down(time.Hour, 2, 3, 4)
			return b.volume(1, leased, 2, gib, 1)
		}, false},
		{"a replica is to move", func(b *builder) *volume {
			b.sites[2].state = metadata.NodeDraining
			return b.volume(1, leased, 2, gib, 1, 2)
		}, true},
		{"many went down at once", func(b *builder) *volume {
			b.braked = true
			b.down(time.Hour, 2)
			return b.volume(1, leased, 2, gib, 1, 2)
		}, false},
		{"it was repaired meanwhile", func(b *builder) *volume {
			v := b.volume(1, leased, 2, gib, 1, 2)
			v.recall = true
			return v
		}, false},
		{"it was given back meanwhile", func(b *builder) *volume {
			v := b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			v.recall = true
			return v
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			v := tc.build(b)
			makePlan(b.world)
			if v.recall != tc.want {
				t.Errorf("recall = %v, want %v", v.recall, tc.want)
			}
		})
	}
}

func TestMakePlan(t *testing.T) {
	const gib = 1 << 30
	idle, leased, fencing := metadata.VolumeIdle, metadata.VolumeLeased, metadata.VolumeFencing
	for _, tc := range []struct {
		name  string
		build func(b *builder)
		want  string
	}{
		{"nothing to do", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2) }, ""},
		{"one copy lost", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 2) },
			"repair v1 on n3/103<n1"},
		{"suspect is not lost", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.live(metadata.LivenessSuspect, 2) }, ""},
		{"unknown is not lost", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.live(metadata.LivenessUnknown, 2) }, ""},
		{"no source", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 1, 2) },
			"stalled: " + string(StallNoSource)},
		{"source is only suspect", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.live(metadata.LivenessSuspect, 1)
		}, "stalled: " + string(StallNoSource)},
		{"no target", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 2, 3, 4) },
			"stalled: " + string(StallNoTarget)},
		{"no space", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2, 4)
			b.disks[103].free = gib
		}, "stalled: " + string(StallNoSpace)},
		{"disks of one file system have one room", func(b *builder) {
			b.volume(1, idle, 2, 4*gib, 1, 2)
			b.volume(2, idle, 2, 3*gib, 1, 2)
			b.down(time.Hour, 2)
			for _, id := range []metadata.DiskID{103, 104} {
				b.disks[id].free, b.disks[id].fileSystem = 6*gib, 9
			}
		}, "repair v1 on n3/103<n1; stalled: " + string(StallNoSpace)},
		{"the copy that is there is taken", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.strays[copyKey{1, 104}] = stray{bytes: gib, seen: b.now}
			b.disks[104].free = 0
		}, "repair v1 on n4/104<n1"},
		{"another disk of the node whose disk failed", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.disks[102].live = metadata.LivenessDown
			b.addDisk(202, b.sites[2])
			b.down(time.Hour, 3, 4)
		}, "repair v1 on n2/202<n1"},
		{"not a second disk of a node that has a replica", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.addDisk(201, b.sites[1])
			b.down(time.Hour, 2, 3, 4)
		}, "stalled: " + string(StallNoTarget)},
		{"another zone is better", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.sites[3].zone = "zn1"
			b.disks[104].free = gib * 3
		}, "repair v1 on n4/104<n1"},
		{"riskiest first", func(b *builder) {
			b.lim.CopiesPerTarget = 1
			b.volume(1, idle, 3, 9*gib, 1, 2, 3)
			b.volume(2, idle, 2, gib, 1, 3)
			b.volume(3, idle, 2, 2*gib, 1, 3)
			b.down(time.Hour, 3)
			b.disks[104].free = 1 << 50
			b.disks[102].free = 1 << 49
		}, "repair v3 on n4/104<n1; repair v2 on n2/102<n1; stalled: " + string(StallBusy)},
		{"sources are bounded", func(b *builder) {
			b.lim.CopiesPerSource = 1
			b.volume(1, idle, 2, gib, 1, 3)
			b.volume(2, idle, 2, gib, 1, 3)
			b.down(time.Hour, 3)
		}, "repair v1 on n2/102<n1; stalled: " + string(StallBusy)},
		{"the less loaded source", func(b *builder) {
			b.volume(1, idle, 3, 2*gib, 1, 2, 3)
			b.volume(2, idle, 3, gib, 1, 2, 3)
			b.down(time.Hour, 3)
		}, "repair v1 on n4/104<n1<n2; repair v2 on n4/104<n2<n1"},
		{"after a failure another disk", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.orders.fail(copyKey{1, 103}, b.now)
		}, "repair v1 on n4/104<n1"},
		{"brake", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 2); b.braked = true },
			"stalled: " + string(StallBrake)},
		{"maintenance is not made up for", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.sites[2].state = metadata.NodeMaintenance
			b.down(time.Hour, 2)
		}, ""},
		{"but another loss is", func(b *builder) {
			b.volume(1, idle, 3, gib, 1, 2, 3)
			b.sites[2].state = metadata.NodeMaintenance
			b.down(time.Hour, 2, 3)
		}, "repair v1 on n4/104<n1"},
		{"lost ones are kept until the target is met", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 3)
			b.down(time.Hour, 3)
		}, "drop n3 of v1 min 2 forget false"},
		{"surplus: the fullest goes", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 3)
			b.disks[102].free = 1 << 20
		}, "drop n2 of v1 min 2 forget true"},
		{"surplus: but a zone is kept", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 3)
			b.disks[102].free = 1 << 20
			b.sites[3].zone = "zn1"
			b.disks[103].free = 1 << 21
		}, "drop n3 of v1 min 2 forget true"},
		{"surplus is not trimmed to suspects", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 3)
			b.live(metadata.LivenessSuspect, 1, 2)
		}, ""},
		{"draining: first a copy", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.sites[2].state = metadata.NodeDraining
			b.disks[104].free = 1 << 41
		}, "repair v1 on n4/104<n1<n2"},
		{"draining: then the drop", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 4)
			b.sites[2].state = metadata.NodeDraining
		}, "drop n2 of v1 min 2 forget true"},
		{"removed: repaired", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.sites[2].state = metadata.NodeRemoved
			b.disks[104].free = 1 << 41
		}, "repair v1 on n4/104<n1"},
		{"removed: dropped when safe", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 4)
			b.sites[2].state = metadata.NodeRemoved
		}, "drop n2 of v1 min 2 forget false"},
		{"fencing: all are compared", func(b *builder) { b.volume(1, fencing, 2, gib, 1, 2) },
			"fence v1 on n1/101<n2; fence v1 on n2/102<n1"},
		{"fencing: only who is not yet", func(b *builder) { b.volume(1, fencing, 2, gib, 1, 2).Synced = []metadata.DiskID{101} },
			"fence v1 on n2/102<n1"},
		{"fencing: lost is dropped", func(b *builder) { b.volume(1, fencing, 2, gib, 1, 2); b.down(time.Hour, 2) },
			"drop n2 of v1 min 1 forget false"},
		{"fencing: also in maintenance", func(b *builder) {
			b.volume(1, fencing, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.sites[2].state = metadata.NodeMaintenance
		}, "drop n2 of v1 min 1 forget false"},
		{"fencing: under the brake it is compared, but nothing is dropped", func(b *builder) {
			b.volume(1, fencing, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.braked = true
		}, "fence v1 on n1/101; stalled: " + string(StallBrake)},
		{"fencing: nor a hopeless one", func(b *builder) {
			b.braked = true
			b.volume(1, fencing, 2, gib, 1, 2).Synced = []metadata.DiskID{101}
			for range failuresToDrop {
				b.orders.fail(copyKey{1, 102}, b.now)
			}
		}, "stalled: " + string(StallBrake) + "; stalled: " + string(StallRetrying)},
		{"fencing: the last one is kept", func(b *builder) { b.volume(1, fencing, 2, gib, 1, 2); b.down(time.Hour, 1, 2) },
			"stalled: " + string(StallNoSource)},
		{"fencing: suspect is waited for", func(b *builder) {
			b.volume(1, fencing, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
		}, "fence v1 on n1/101; stalled: " + string(StallNoReplica)},
		{"fencing: hopeless is dropped", func(b *builder) {
			b.volume(1, fencing, 2, gib, 1, 2).Synced = []metadata.DiskID{101}
			for range failuresToDrop {
				b.orders.fail(copyKey{1, 102}, b.now)
			}
		}, "drop n2 of v1 min 1 forget false"},
		{"fencing: hopeless and alone is tried on", func(b *builder) {
			b.volume(1, fencing, 2, gib, 1)
			for range failuresToDrop {
				b.orders.fail(copyKey{1, 101}, b.now)
			}
		}, "stalled: " + string(StallRetrying)},
		{"leased: the writer has time to find out", func(b *builder) { b.volume(1, leased, 2, gib, 1, 2); b.down(time.Hour, 2) },
			"stalled: " + string(StallLeased)},
		{"leased: then the lease ends", func(b *builder) {
			b.volume(1, leased, 2, gib, 1, 2).impaired = b.now.Add(-time.Minute)
			b.down(time.Hour, 2)
		}, "drop n2 of v1 min 1 forget false; stalled: " + string(StallLeased)},
		{"leased: degraded ends too, if there is a target", func(b *builder) {
			b.volume(1, leased, 2, gib, 1).impaired = b.now.Add(-time.Minute)
		}, "release v1 of 7; stalled: " + string(StallLeased)},
		{"leased: without a target it goes on", func(b *builder) {
			b.volume(1, leased, 2, gib, 1).impaired = b.now.Add(-time.Minute)
			b.down(time.Hour, 2, 3, 4)
		}, "stalled: " + string(StallLeased)},
		{"a volume being granted is left alone", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2).granting = true
			b.down(time.Hour, 2)
		}, ""},
		{"stray of a whole volume is forgotten", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.strays[copyKey{1, 103}] = stray{seen: b.now}
		}, "forget v1 on n3/103"},
		{"stray of a volume that never was is forgotten", func(b *builder) { b.strays[copyKey{8, 103}] = stray{seen: b.now} },
			"forget v8 on n3/103"},
		{"stray is kept while replicas are suspect", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
			b.strays[copyKey{1, 103}] = stray{seen: b.now}
		}, ""},
		{"stray is kept under the brake", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.strays[copyKey{1, 103}] = stray{seen: b.now}
			b.braked = true
		}, ""},
		{"suspect copy is made whole", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.suspects[copyKey{1, 102}] = suspect{changed: 3, first: b.now, confirmed: true}
		}, "check v1 on n2/102<n1"},
		{"unless it was seen once", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.suspects[copyKey{1, 102}] = suspect{changed: 3, first: b.now}
		}, ""},
		{"or before a change", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.suspects[copyKey{1, 102}] = suspect{changed: 2, first: b.now, confirmed: true}
		}, ""},
		{"hopeless suspect is given up", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.suspects[copyKey{1, 102}] = suspect{changed: 3, first: b.now, confirmed: true}
			for range failuresToDrop {
				b.orders.fail(copyKey{1, 102}, b.now)
			}
		}, "drop n2 of v1 min 1 forget false"},
		{"not if the others are suspects", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			for _, d := range []metadata.DiskID{101, 102} {
				b.suspects[copyKey{1, d}] = suspect{changed: 3, first: b.now, confirmed: true}
				for range failuresToDrop {
					b.orders.fail(copyKey{1, d}, b.now)
				}
			}
		}, ""},
		{"dead blocks are deleted everywhere", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
		}, "delete v1 on n1/101; delete v1 on n2/102"},
		{"while leased too", func(b *builder) {
			b.volume(1, leased, 2, gib, 1, 2)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
		}, "delete v1 on n1/101; delete v1 on n2/102"},
		{"while fencing they are forgotten at once", func(b *builder) {
			b.volume(1, fencing, 1, gib, 1)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
		}, "fence v1 on n1/101; reap 1 of v1"},
		{"before a repair too", func(b *builder) {
			b.volume(1, idle, 2, gib, 1)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
		}, "repair v1 on n2/102<n1; reap 1 of v1"},
		{"reaped when all have confirmed", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
			b.reapings[1].epoch = 5
			b.reapings[1].confirmed[101], b.reapings[1].confirmed[102] = true, true
		}, "reap 1 of v1"},
		{"not by confirmations of another epoch", func(b *builder) {
			b.volume(1, idle, 1, gib, 1)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
			b.reapings[1].epoch = 4
			b.reapings[1].confirmed[101] = true
		}, "delete v1 on n1/101"},
		{"not while a listed replica is away", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
			b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
		}, "delete v1 on n1/101"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			tc.build(b)
			got := makePlan(b.world).show()
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}
