package fleet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

func TestVerdict(t *testing.T) {
	const gib = 1 << 30
	idle := metadata.VolumeIdle
	for _, tc := range []struct {
		name     string
		build    func(b *builder, s *Status)
		want     Verdict
		sentence string // part of it
	}{
		{"all well", func(b *builder, s *Status) { b.volume(1, idle, 2, gib, 1, 2) }, Protected, "all its copies"},
		{"empty volumes do not count", func(b *builder, s *Status) { b.volume(1, idle, 2, 0, 2).Blocks = 0; b.down(time.Hour, 2) }, Protected, "down: dn"},
		{"no storage server", func(b *builder, s *Status) { clear(b.sites); clear(b.disks) }, Unknown, "No storage server"},
		{"not all have reported", func(b *builder, s *Status) { b.volume(1, idle, 2, gib, 1, 2); b.live(metadata.LivenessUnknown, 4) }, Unknown, "1 storage server has not"},
		{"several have not", func(b *builder, s *Status) { b.live(metadata.LivenessUnknown, 3, 4) }, Unknown, "2 storage servers have not"},
		{"one copy of two", func(b *builder, s *Status) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 2) }, AtRisk, "1.0 GiB have one live copy"},
		{"known to be at risk though not all have reported", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.live(metadata.LivenessUnknown, 4)
		}, AtRisk, "one live copy"},
		{"one copy of one", func(b *builder, s *Status) { b.volume(1, idle, 1, gib, 1) }, Protected, ""},
		{"two of three", func(b *builder, s *Status) { b.volume(1, idle, 3, gib, 1, 2, 3); b.down(time.Hour, 3) }, Repairing, "1.0 GiB lack a copy"},
		{"one of three", func(b *builder, s *Status) { b.volume(1, idle, 3, gib, 1, 2, 3); b.down(time.Hour, 2, 3) }, AtRisk, ""},
		{"no copy answers", func(b *builder, s *Status) { b.volume(1, idle, 2, gib, 1, 2); b.down(time.Hour, 1, 2) }, Unavailable, "cannot be read"},
		{"unavailable comes first", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.volume(2, idle, 2, gib, 2, 3)
			b.down(time.Hour, 1, 2)
			s.Voters, s.VotersHealthy, s.ReadOnly = 3, 2, true
		}, Unavailable, ""},
		{"a suspect copy counts", func(b *builder, s *Status) { b.volume(1, idle, 2, gib, 1, 2); b.live(metadata.LivenessSuspect, 2) }, Protected, ""},
		{"a nameserver is missing", func(b *builder, s *Status) { s.Voters, s.VotersHealthy = 3, 2 }, MetadataAtRisk, "2 of 3 nameservers"},
		{"one of five is missing", func(b *builder, s *Status) { s.Voters, s.VotersHealthy = 5, 4 }, Protected, ""},
		{"two of five are missing", func(b *builder, s *Status) { s.Voters, s.VotersHealthy = 5, 3 }, MetadataAtRisk, ""},
		{"one nameserver by choice", func(b *builder, s *Status) { s.Voters, s.VotersHealthy = 1, 1 }, Protected, ""},
		{"at risk before the nameservers", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Voters, s.VotersHealthy = 3, 2
		}, AtRisk, ""},
		{"switched off", func(b *builder, s *Status) { s.ReadOnly = true }, ReadOnly, "switched off"},
		{"nothing can be written", func(b *builder, s *Status) { s.Writable = false }, ReadOnly, "too few"},
		{"read-only before repair", func(b *builder, s *Status) {
			b.volume(1, idle, 3, gib, 1, 2, 3)
			b.down(time.Hour, 3)
			s.Writable = false
		}, ReadOnly, ""},
		{"paused", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.Paused = true
		}, AtRisk, "paused"},
		{"stalled", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.Stalled = StallNoTarget
		}, AtRisk, string(StallNoTarget)},
		{"maintenance", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			b.sites[2].state = metadata.NodeMaintenance
		}, AtRisk, "maintenance"},
		{"under way", func(b *builder, s *Status) {
			b.volume(1, idle, 2, gib, 1, 2)
			b.down(time.Hour, 2)
			s.Repair.ETAMin, s.Repair.ETAMax, s.Repair.BytesPerS = 600, 1200, 1<<20
		}, AtRisk, "Repairing at 1.0 MiB/s, 10-20 min left"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			s := Status{Writable: true}
			tc.build(b, &s)
			s.count(b.world)
			if s.Nodes.Down > 0 {
				s.Nodes.Missing = []string{"dn2"}
			}
			s.judge()
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
	var s Status
	s.count(b.world)
	if s.Volumes != (Count{4, 1111}) || s.Below != (Count{1, 1000}) || s.AtRisk != (Count{1, 1000}) || s.Unavailable != (Count{}) {
		t.Errorf("volumes: %+v", s)
	}
	if s.Fencing != 1 || s.Leased != 1 || s.Repair.Running != 1 || s.Repair.Failing != 1 || s.Repair.BytesLeft != 1000-o.done {
		t.Errorf("states: %+v", s)
	}
	want := []Copies{{1, 2, Count{1, 1000}}, {2, 2, Count{2, 110}}, {3, 3, Count{1, 1}}}
	if len(s.Copies) != len(want) {
		t.Fatalf("copies: %+v, want %+v", s.Copies, want)
	}
	for i := range want {
		if s.Copies[i] != want[i] {
			t.Errorf("copies %d: %+v, want %+v", i, s.Copies[i], want[i])
		}
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
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 20: "1.5 GiB", 5 << 60: "5.0 EiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	for _, tc := range []struct {
		a, b int64
		want string
	}{{1, 60, "about a minute"}, {30, 150, "1-3 min"}, {660, 1140, "11-19 min"}, {7200, 10800, "2-3 h"}} {
		if got := span(tc.a, tc.b); got != tc.want {
			t.Errorf("span(%d, %d) = %q, want %q", tc.a, tc.b, got, tc.want)
		}
	}
	s := Status{Nodes: Nodes{Down: 5, Missing: []string{"a", "b", "c"}}}
	if got, want := s.missing(), " (down: a, b, c and 2 more)"; got != want {
		t.Errorf("missing() = %q, want %q", got, want)
	}
}
