package fleet

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// inZones gives the nodes of a builder their zones, in order.
func inZones(b *builder, zones ...string) {
	for i, z := range zones {
		b.sites[metadata.NodeID(i+1)].zone = z
	}
}

// TestSpread: what is done about volumes that have all their copies, several of
// them in one zone.
func TestSpread(t *testing.T) {
	const gib = 1 << 30
	idle := metadata.VolumeIdle
	for _, tc := range []struct {
		name  string
		build func(b *builder)
		want  string
	}{
		{"spread already", func(b *builder) { b.volume(1, idle, 2, gib, 1, 3) }, ""},
		{"in one zone", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.disks[104].free = 1 << 41 }, "repair v1 on n4/104<n1<n2"},
		{"then the one that shares goes", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2, 3)
			b.disks[102].free, b.disks[103].free = 1<<30, 1<<20
		},
			"drop n2 of v1 min 2 forget true"},
		{"a single copy shares with nobody", func(b *builder) { b.volume(1, idle, 1, gib, 1) }, ""},
		{"three copies in two zones are as apart as can be", func(b *builder) { b.volume(1, idle, 3, gib, 1, 2, 3) }, ""},
		{"not while it is leased", func(b *builder) { b.volume(1, metadata.VolumeLeased, 2, gib, 1, 2) }, ""},
		{"not of a copy that is silent", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
		}, ""},
		{"not of a copy in doubt", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.suspects[copyKey{1, 102}] = suspect{}
		}, ""},
		{"not while paused", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.paused = true }, ""},
		{"not under the brake", func(b *builder) { b.volume(1, idle, 2, gib, 1, 2); b.braked = true }, ""},
		{"not to full servers", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.disks[103].free, b.disks[104].free = 1<<20, 1<<20
		}, ""},
		{"not to a zone that is being drained", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.sites[3].state, b.sites[4].state = metadata.NodeDraining, metadata.NodeMaintenance
		}, ""},
		{"the oldest first, as many as are allowed", func(b *builder) {
			b.lim.CopiesPerSource = 2
			b.disks[104].free = 1 << 41
			b.volume(2, idle, 2, gib, 1, 2)
			b.volume(3, idle, 2, gib, 1, 2)
			b.volume(1, idle, 2, gib, 1, 2)
		}, "repair v1 on n4/104<n1<n2; repair v2 on n4/104<n2<n1"},
		{"after what is missing", func(b *builder) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.volume(2, idle, 2, gib, 3, 4)
			b.down(time.Hour, 4)
		}, "repair v2 on n1/101<n3"},
	} {
		b := newBuilder(4)
		b.lim.CopiesPerSource, b.lim.CopiesPerTarget = 8, 8
		inZones(b, "a", "a", "b", "b")
		tc.build(b)
		p := makePlan(b.world)
		p.stalls = nil
		if got := p.show(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestZoneFacts compares what is foretold with what the plan does.
func TestZoneFacts(t *testing.T) {
	const gib = 1 << 30
	one := health.Count{Volumes: 1, Bytes: gib}
	for _, tc := range []struct {
		name  string
		zones []string
		to    string // of n1
		build func(b *builder)
		want  health.ZoneFacts
	}{
		{"into the zone of the other copy", []string{"a", "b", "b"}, "b", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			health.ZoneFacts{Zones: 1, OneZone: one}},
		{"and there is a third zone", []string{"a", "b", "c"}, "b", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			health.ZoneFacts{Zones: 2, OneZone: one, Crowded: one, MoveBytes: gib}},
		{"three copies, two of them together then", []string{"a", "b", "c", "d"}, "b",
			func(b *builder) { b.volume(1, metadata.VolumeFull, 3, gib, 1, 2, 3) },
			health.ZoneFacts{Zones: 3, Crowded: one, MoveBytes: gib}},
		{"apart at last", []string{"a", "a", "b"}, "c", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			health.ZoneFacts{Zones: 3, Mended: one}},
		{"none of its volumes", []string{"a", "b", "c"}, "b", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 2, 3) }, health.ZoneFacts{Zones: 2}},
		{"empty and single ones do not count", []string{"a", "b", "c"}, "b", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, 0, 1, 2)
			b.volume(2, metadata.VolumeIdle, 1, gib, 1)
		}, health.ZoneFacts{Zones: 2}},
	} {
		before, after := newBuilder(len(tc.zones)), newBuilder(len(tc.zones))
		for _, b := range []*builder{before, after} {
			inZones(b, tc.zones...)
			tc.build(b)
		}
		after.sites[1].zone = tc.to
		got := zoneFacts(before.world, after.world)
		if got.Zones != tc.want.Zones || got.OneZone != tc.want.OneZone || got.Crowded != tc.want.Crowded ||
			got.Mended != tc.want.Mended || got.MoveBytes != tc.want.MoveBytes {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
		var moved int64
		for _, o := range makePlan(after.world).orders {
			if v := after.volumes[o.Volume]; o.class == classRepair && v.Blocks > 0 {
				moved += v.Bytes
			}
		}
		if moved != got.MoveBytes {
			t.Errorf("%s: the plan moves %d bytes, foretold %d", tc.name, moved, got.MoveBytes)
		}
	}
}

// TestOperatorsZone: what an operator sets outlives heartbeats that say
// otherwise, and a new leader; the copies follow it, and without it the machine
// is believed again.
func TestOperatorsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 6)
		defer c.close()
		defer g.stop()
		zones := func(when, want string, set bool) {
			t.Helper()
			nodes, err := c.leader().Nodes(t.Context())
			if err != nil || nodes[0].Zone != want || nodes[0].ZoneSet != set || nodes[0].MachineZone != "zone1" {
				t.Errorf("%s: got %+v, %v, want zone %q", when, nodes[0], err, want)
			}
		}
		zones("at first", "zone1", false)
		facts, err := c.leader().ZoneFacts(t.Context(), 1, "zone2")
		if err != nil || facts.Was != "zone1" || facts.Machine != "zone1" || !facts.Set || facts.Servers != 2 || facts.Crowded.Volumes == 0 ||
			facts.MoveBytes == 0 || len(facts.Blockers) != 0 || facts.Name != "dn1" {
			t.Errorf("facts: %+v, %v", facts, err)
		}
		c.setNode(&metapb.SetNode{Node: 1, Zone: &metapb.StringValue{Value: "zone2"}})
		c.run(30 * time.Second)
		zones("set", "zone2", true)
		for _, id := range ids {
			v := c.volume(id)
			c.wantWhole(id)
			if !slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool { return r.Node == 3 }) {
				t.Errorf("%s is on %v: both machines of one zone", id, v.Replicas)
			}
		}
		c.lead()
		c.run(5 * time.Second)
		zones("under a new leader", "zone2", true)
		c.setNode(&metapb.SetNode{Node: 1, Zone: &metapb.StringValue{}})
		c.run(5 * time.Second)
		zones("cleared", "zone1", false)
		c.wantVerdict(health.Protected)
		if _, err := c.leader().ZoneFacts(t.Context(), 99, "x"); metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("an unknown node: %v", err)
		}
		same, err := c.leader().ZoneFacts(t.Context(), 1, "")
		if err != nil || len(same.Blockers) != 1 || same.Zone != "zone1" {
			t.Errorf("the machine's own, as it is: %+v, %v", same, err)
		}
	})
}

// A copy that is made though none is missing is told as what it is.
func TestSpreadIsBalance(t *testing.T) {
	b := newBuilder(4)
	v := b.volume(1, metadata.VolumeIdle, 2, 1<<30, 1, 2)
	for class, want := range map[class]string{classRepair: "balance", classCheck: "sync"} {
		got := newTerm().repair(b.world, need{v, b.census(v)}, "", &order{class: class, node: 4}, failing{})
		if got.Class != want || got.State != "running" || got.To != "n4" {
			t.Errorf("class %d: got %+v, want %s", class, got, want)
		}
	}
}
