package fleet

import (
	"encoding/json"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

func TestVerdict(t *testing.T) {
	const gib = 1 << 30
	idle := metadata.VolumeIdle
	for _, tc := range []struct {
		name     string
		build    func(b *builder, s *health.Report)
		want     health.Verdict
		sentence string // part of it
	}{
		{"all well", func(b *builder, s *health.Report) { b.volume(1, idle, 2, gib, 1, 2) }, health.Protected, "all its copies"},
		{"empty volumes do not count", func(b *builder, s *health.Report) { b.volume(1, idle, 2, 0, 2).Blocks = 0; b.down(time.Hour, 2) }, health.Protected, "down: dn"},
		{"no storage server", func(b *builder, s *health.Report) { clear(b.sites); clear(b.disks) }, health.Unknown, "No storage server"},
		{"not all have reported", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.live(metadata.LivenessUnknown, 4)
		}, health.Unknown, "1 storage server has not"},
		{"several have not", func(b *builder, s *health.Report) { b.live(metadata.LivenessUnknown, 3, 4) }, health.Unknown, "2 storage servers have not"},
		{"one copy of two", func(b *builder, s *health.Report) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 2) }, health.AtRisk, "1.0 GiB have one live copy"},
		{"known to be at risk though not all have reported", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.live(metadata.LivenessUnknown, 4)
		}, health.AtRisk, "one live copy"},
		{"one copy of one", func(b *builder, s *health.Report) { b.volume(1, idle, 1, gib, 1) }, health.Protected, ""},
		{"two of three", func(b *builder, s *health.Report) { b.volume(1, idle, 3, gib, 1, 2, 3); b.down(time.Hour, 3) }, health.Repairing, "1.0 GiB lack a copy"},
		{"one of three", func(b *builder, s *health.Report) { b.volume(1, idle, 3, gib, 1, 2, 3); b.down(time.Hour, 2, 3) }, health.AtRisk, ""},
		{"no copy answers", func(b *builder, s *health.Report) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 1, 2) }, health.Unavailable, "cannot be read"},
		{"unavailable comes first", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.volume(2, idle, 2, gib, 2, 3)
			b.down(time.Hour, 1, 2)
			s.Voters, s.VotersHealthy, s.ReadOnly = 3, 2, true
		}, health.Unavailable, ""},
		{"a suspect copy counts", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
		}, health.Protected, ""},
		{"a nameserver is missing", func(b *builder, s *health.Report) { s.Voters, s.VotersHealthy = 3, 2 }, health.MetadataAtRisk, "2 of 3 nameservers"},
		{"one of five is missing", func(b *builder, s *health.Report) { s.Voters, s.VotersHealthy = 5, 4 }, health.Protected, ""},
		{"two of five are missing", func(b *builder, s *health.Report) { s.Voters, s.VotersHealthy = 5, 3 }, health.MetadataAtRisk, ""},
		{"one nameserver by choice", func(b *builder, s *health.Report) { s.Voters, s.VotersHealthy = 1, 1 }, health.Protected, ""},
		{"at risk before the nameservers", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Voters, s.VotersHealthy = 3, 2
		}, health.AtRisk, ""},
		{"switched off", func(b *builder, s *health.Report) { s.ReadOnly = true }, health.ReadOnly, "switched off"},
		{"nothing can be written", func(b *builder, s *health.Report) { s.Writable = false }, health.ReadOnly, "too few"},
		{"read-only before repair", func(b *builder, s *health.Report) {
			b.volume(1, idle, 3, gib, 1, 2, 3)
			b.down(time.Hour, 3)
			s.Writable = false
		}, health.ReadOnly, ""},
		{"paused", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.Paused = true
		}, health.AtRisk, "paused"},
		{"stalled", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.Stalled = StallNoTarget.Phrase().String()
		}, health.AtRisk, StallNoTarget.Phrase().String()},
		{"maintenance", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.sites[2].state = metadata.NodeMaintenance
		}, health.AtRisk, "maintenance"},
		{"under way", func(b *builder, s *health.Report) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.ETAMin, s.Repair.ETAMax, s.Repair.BytesPerS = 600, 1200, 1<<20
		}, health.AtRisk, "Repairing at 1.0 MiB/s, 10-20 min left"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			s := health.Report{Writable: true, AsOf: now0()}
			tc.build(b, &s)
			b.world.count(&s)
			if s.Nodes.Down > 0 {
				s.Nodes.Missing = []string{"dn2"}
			}
			s = health.Judge(health.Figures{Facts: s})
			if s.Verdict != tc.want || !strings.Contains(s.Sentence, tc.sentence) {
				t.Errorf("got %s: %s\nwant %s: …%s…", s.Verdict, s.Sentence, tc.want, tc.sentence)
			}
			if _, err := json.Marshal(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStatusCounts(t *testing.T) {
	b := newBuilder(4)
	b.volume(1, metadata.VolumeIdle, 2, 100, 1, 2)
	b.volume(2, metadata.VolumeIdle, 2, 1000, 1, 3)
	b.volume(3, metadata.VolumeFencing, 2, 10, 1, 4)
	b.volume(4, metadata.VolumeLeased, 3, 1, 1, 2, 4)
	b.down(time.Hour, 3)
	b.sites[4].state = metadata.NodeDraining
	o := b.orders.add(order{node: 2, class: classRepair, bytes: 1000, done: 300, Order: metadata.Order{Volume: 2, Disk: 102}}, b.now)
	b.orders.fail(copyKey{2, 104}, b.now)
	var s health.Report
	b.world.count(&s)
	if s.Volumes != (health.Count{Volumes: 4, Bytes: 1111}) || s.Below != (health.Count{Volumes: 1, Bytes: 1000}) || s.AtRisk != (health.Count{Volumes: 1, Bytes: 1000}) || s.Unavailable != (health.Count{}) {
		t.Errorf("volumes: %+v", s)
	}
	if s.Fencing != 1 || s.Leased != 1 || s.Repair.Running != 1 || s.Repair.Failing != 1 || s.Repair.BytesLeft != 1000-o.done {
		t.Errorf("states: %+v", s)
	}
	want := []health.Copies{{Live: 1, Target: 2, Count: health.Count{Volumes: 1, Bytes: 1000}}, {Live: 2, Target: 2, Count: health.Count{Volumes: 2, Bytes: 110}}, {Live: 3, Target: 3, Count: health.Count{Volumes: 1, Bytes: 1}}}
	if len(s.Copies) != len(want) {
		t.Fatalf("copies: %+v, want %+v", s.Copies, want)
	}
	for i := range want {
		if s.Copies[i] != want[i] {
			t.Errorf("copies %d: %+v, want %+v", i, s.Copies[i], want[i])
		}
	}
	if s.CanLose != 0 {
		t.Errorf("may lose %d servers with one copy left of volume 2", s.CanLose)
	}
	if n := s.Nodes; n.Up != 3 || n.Down != 1 || n.Draining != 1 {
		t.Errorf("nodes: %+v", n)
	}
	if s.Capacity != 4*(2<<40) || s.Free != 3*(1<<40) {
		t.Errorf("capacity %d, free %d", s.Capacity, s.Free)
	}
}

func TestMeter(t *testing.T) {
	var m meter
	now := now0()
	m.tick(now)
	if a, b := m.eta(100); a != 0 || b != 0 {
		t.Errorf("an estimate without a measurement: %d to %d", a, b)
	}
	for range 60 {
		now = now.Add(time.Second)
		m.bytes += 1000
		m.tick(now)
	}
	if m.fast < 990 || m.fast > 1010 || m.slow < 990 || m.slow > 1010 {
		t.Errorf("rates %.0f and %.0f, want 1000", m.fast, m.slow)
	}
	if a, b := m.eta(100_000); a < 80 || a > 100 || b < 100 || b > 120 {
		t.Errorf("100 s of work: %d to %d s", a, b)
	}
	for range 20 {
		now = now.Add(time.Second)
		m.tick(now)
	}
	a, b := m.eta(100_000)
	if b < 3*a {
		t.Errorf("after a standstill the range is %d to %d s, want it wide", a, b)
	}
	m.tick(now) // no time has passed
	for range 1200 {
		now = now.Add(time.Second)
		m.tick(now)
	}
	if a, b := m.eta(100_000); a != 0 || b != 0 {
		t.Errorf("nothing moves any more: %d to %d s", a, b)
	}
	for range 3 { // the next repair, whose speed is known at once
		now = now.Add(time.Second)
		m.bytes += 5000
		m.tick(now)
	}
	if a, b := m.eta(100_000); a < 15 || b > 25 {
		t.Errorf("20 s of work after a rest: %d to %d s", a, b)
	}
}

// TestCanLose compares the figure with trying all sets of servers.
func TestCanLose(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		nodes := 2 + rng.IntN(5)
		b := newBuilder(nodes)
		for id := range 1 + rng.IntN(6) {
			on := rng.Perm(nodes)[:1+rng.IntN(min(nodes, 3))]
			var ids []metadata.NodeID
			for _, n := range on {
				ids = append(ids, metadata.NodeID(n+1))
			}
			b.volume(metadata.VolumeID(id+1), metadata.VolumeIdle, len(ids), 10, ids...)
		}
		if round%3 == 0 {
			b.down(time.Hour, metadata.NodeID(1+rng.IntN(nodes)))
		}
		var s health.Report
		b.world.count(&s)
		if want := mayLose(b, nodes); s.CanLose != want {
			t.Fatalf("round %d: may lose %d servers, trying all says %d", round, s.CanLose, want)
		}
	}
}

// mayLose tries every set of servers.
func mayLose(b *builder, nodes int) int {
	worst := nodes // the smallest set that makes something unreadable
	for set := range 1 << nodes {
		lost := false
		for _, v := range b.volumes {
			readable := false
			for _, r := range v.Replicas {
				readable = readable || b.there(r) && set&(1<<(r.Node-1)) == 0
			}
			lost = lost || !readable
		}
		if n := bits.OnesCount(uint(set)); lost && n < worst {
			worst = n
		}
	}
	return max(0, worst-1)
}

func TestCanLoseOfAnEmptyCluster(t *testing.T) {
	b := newBuilder(3)
	var s health.Report
	b.world.count(&s)
	if s.CanLose != 3 {
		t.Errorf("a cluster without data may lose %d of 3 servers", s.CanLose)
	}
}

// Two copies on disks of one server are lost together.
func TestCanLoseCountsServers(t *testing.T) {
	b := newBuilder(2)
	v := b.volume(1, metadata.VolumeIdle, 2, 10, 1, 2)
	b.disks[777] = &disk{id: 777, site: b.sites[1], live: metadata.LivenessUp}
	v.Replicas = []metadata.Replica{{Node: 1, Disk: v.Replicas[0].Disk}, {Node: 1, Disk: 777}}
	var s health.Report
	b.world.count(&s)
	if s.CanLose != 0 {
		t.Errorf("may lose %d", s.CanLose)
	}
}
