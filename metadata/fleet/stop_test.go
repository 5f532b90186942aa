package fleet

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// TestStopFacts compares the facts with what is there when the servers are dead.
func TestStopFacts(t *testing.T) {
	const gib = 1 << 30
	for _, tc := range []struct {
		name  string
		build func(b *builder)
		stop  []metadata.NodeID
		want  health.StopFacts
	}{
		{"empty volumes do not count", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, 0, 1, 2).Blocks = 0 }, []metadata.NodeID{1}, health.StopFacts{}},
		{"one of two", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) }, []metadata.NodeID{1},
			health.StopFacts{AtRisk: health.Count{Volumes: 1, Bytes: gib}, Below: health.Count{Volumes: 1, Bytes: gib}, RepairBytes: gib}},
		{"both", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) }, []metadata.NodeID{1, 2},
			health.StopFacts{Unavailable: health.Count{Volumes: 1, Bytes: gib}, Below: health.Count{Volumes: 1, Bytes: gib}, RepairBytes: 2 * gib}},
		{"one of three", func(b *builder) { b.volume(1, metadata.VolumeIdle, 3, gib, 1, 2, 3) }, []metadata.NodeID{1},
			health.StopFacts{Below: health.Count{Volumes: 1, Bytes: gib}, RepairBytes: gib}},
		{"the only one wanted", func(b *builder) { b.volume(1, metadata.VolumeIdle, 1, gib, 1) }, []metadata.NodeID{1},
			health.StopFacts{Unavailable: health.Count{Volumes: 1, Bytes: gib}, Below: health.Count{Volumes: 1, Bytes: gib}, RepairBytes: gib}},
		{"elsewhere", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) }, []metadata.NodeID{3}, health.StopFacts{}},
		{"down already", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2); b.down(time.Hour, 1) }, []metadata.NodeID{1}, health.StopFacts{}},
		{"the other is down", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2); b.down(time.Hour, 1) }, []metadata.NodeID{2},
			health.StopFacts{Unavailable: health.Count{Volumes: 1, Bytes: gib}, Below: health.Count{Volumes: 1, Bytes: gib}, RepairBytes: gib}},
	} {
		b, after := newBuilder(4), newBuilder(4)
		tc.build(b)
		tc.build(after)
		after.stop(tc.stop)
		got := stopFacts(b.world, after.world)
		if got.Unavailable != tc.want.Unavailable || got.AtRisk != tc.want.AtRisk || got.Below != tc.want.Below || got.RepairBytes != tc.want.RepairBytes {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
		// The simulation agrees with the count after the fact.
		var was, is health.Report
		b.world.count(&was)
		after.world.count(&is)
		if n := is.Unavailable.Volumes - was.Unavailable.Volumes; n != got.Unavailable.Volumes {
			t.Errorf("%s: %d volumes are unavailable then, foretold %d", tc.name, n, got.Unavailable.Volumes)
		}
	}
}

func TestSafeToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 3)
		defer c.close()
		defer g.stop()
		f := c.leader()
		on := c.volume(ids[0]).Replicas
		one, err := f.SafeToStop(t.Context(), on[0].Node)
		if err != nil || !one.Safe || one.AtRisk.Volumes == 0 || one.Node != on[0].Node.String() || !one.Writable {
			t.Errorf("one: %+v, %v", one, err)
		}
		both, err := f.SafeToStop(t.Context(), on[0].Node, on[1].Node, on[1].Node)
		if err != nil || both.Safe || both.Unavailable.Volumes == 0 || len(both.Blockers) == 0 {
			t.Errorf("both: %+v, %v", both, err)
		}
		if _, err := f.SafeToStop(t.Context(), 99); metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("an unknown node: %v", err)
		}
		if _, err := f.SafeToStop(t.Context()); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("no node: %v", err)
		}
		if _, err := f.SafeToStop(t.Context(), make([]metadata.NodeID, stopMax+1)...); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("too many: %v", err)
		}
		c.wantVerdict(health.Protected) // nothing was changed by asking
		c.kill(on[0].Node)
		c.run(10 * time.Second)
		if again, err := f.SafeToStop(t.Context(), on[0].Node); err != nil || !again.Safe || again.Unavailable.Volumes != 0 {
			t.Errorf("who is down already: %+v, %v", again, err)
		}
	})
}

// The first data of a cluster is in the figures with the next tick: nobody reads
// that nothing is stored who has just stored something.
func TestTheFirstDataIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{Replicas: 2})
		c.run(leasedInterval + 3*tickInterval) // a look at all was not long ago
		if got := c.status(); got.Volumes.Bytes != 0 || got.CanLose != 3 {
			t.Fatalf("nothing is there yet: %+v", got)
		}
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		c.run(2 * tickInterval)
		if got := c.status(); got.Volumes.Bytes != 200 || got.CanLose != 1 {
			t.Errorf("got %d bytes, can lose %d, want 200 and 1", got.Volumes.Bytes, got.CanLose)
		}
	})
}

// What was committed a moment ago counts, though the counters of leased volumes
// are looked at every ten seconds only.
func TestSafeToStopKnowsWhatWasJustWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{Replicas: 1})
		f := c.leader()
		if got, err := f.SafeToStop(t.Context(), l.Replicas[0].Node); err != nil || got.Unavailable.Volumes != 0 {
			t.Fatalf("nothing is there yet: %+v, %v", got, err)
		}
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		got, err := f.SafeToStop(t.Context(), l.Replicas[0].Node)
		if err != nil || got.Safe || got.Unavailable != (health.Count{Volumes: 1, Bytes: 200}) {
			t.Errorf("the only copy of what was just written: %+v, %v", got, err)
		}
		g.grant(metadata.GrantRequest{Replicas: 1, Avoid: []metadata.NodeID{l.Replicas[0].Node}})
		c.store.setDown(true)
		if _, err := f.SafeToStop(t.Context(), 1); metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("what cannot be read is not vouched for: %v", err)
		}
		c.store.setDown(false)
	})
}

// A nameserver that is down with its storage server is not lost a second time.
func TestSafeToStopOfADeadNameserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		healthy := 3
		c.cfg.Voters = func() (int, int) { return 3, healthy }
		for _, n := range []uint64{1, 2} {
			rows, err := c.store.query(&metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}})
			if err != nil {
				t.Fatal(err)
			}
			row := rows.Nodes[n-1]
			row.Roles = append(row.Roles, metadata.NodeNameserver)
			c.store.must(t, &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: row}}})
		}
		healthy = 2
		c.lead()
		c.run(5 * time.Second)
		c.kill(1)
		c.run(20 * time.Second)
		if got, err := c.leader().SafeToStop(t.Context(), 1); err != nil || !got.Safe {
			t.Errorf("it is down already: %+v, %v", got, err)
		}
		if got, err := c.leader().SafeToStop(t.Context(), 2); err != nil || got.Safe || !strings.Contains(got.Sentence, "nameserver") {
			t.Errorf("the second of three: %+v, %v", got, err)
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		f := c.leader()
		first, err := f.Watch(t.Context(), 0)
		if err != nil || first == 0 {
			t.Fatal(first, err)
		}
		for range 5 { // what the start brings about
			if first, err = f.Watch(t.Context(), first); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if v, err := f.Watch(t.Context(), first); err != nil || v != first || time.Since(began) != watchMax {
			t.Errorf("nothing happens: %d after %v, %v", v, time.Since(began), err)
		}
		c.kill(2)
		began = time.Now()
		var states []metadata.Liveness
		for len(states) == 0 || states[len(states)-1] != metadata.LivenessDown {
			if first, err = f.Watch(t.Context(), first); err != nil || time.Since(began) > time.Minute {
				t.Fatal(states, err)
			}
			ns, _ := f.Nodes(t.Context())
			states = append(states, ns[1].Liveness)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("it took %v until the watcher knew that the server is down: %v", took, states)
		}
		if !slices.Contains(states, metadata.LivenessSuspect) {
			t.Errorf("seen: %v", states)
		}
		// The end of the term ends the wait.
		done := make(chan error)
		go func() {
			for {
				var err error
				if first, err = f.Watch(t.Context(), first); err != nil {
					done <- err
					return
				}
			}
		}()
		c.lead()
		if err := <-done; metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("the term is over: %v", err)
		}
	})
}

// TestWatchIsNotWokenTooOften counts how often a busy state wakes a watcher.
func TestWatchIsNotWokenTooOften(t *testing.T) {
	var v version
	now := now0()
	v.see(0, now)
	first := v.at
	for i := range 1000 { // ten seconds
		now = now.Add(10 * time.Millisecond)
		v.see(uint64(i+1), now)
	}
	if n := v.at - first; n > 20 || n < 15 {
		t.Errorf("%d wake-ups in ten seconds", n)
	}
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		gate := c.addNode("gate", "")
		f := c.leader()
		say := func(p metadata.Presence) error {
			p.Node, p.Sent = gate.id, time.Now().Add(3*time.Second)
			return f.Renew(t.Context(), 0, p)
		}
		c.run(2 * time.Second)
		expires := time.Now().Add(time.Hour)
		if err := say(metadata.Presence{Version: "v9", CertExpires: expires, Drive: metadata.Drive{URL: "https://gate:8443/", SelfSigned: true}, Traffic: metadata.Traffic{Writes: 7, Latency: make([]int64, 99)}}); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		n := metadata.Node{ID: gate.id}
		f.t.addPresence(&n, false, time.Now())
		f.mu.Unlock()
		if n.Liveness != metadata.LivenessUp || n.Version != "v9" || !n.CertExpires.Equal(expires) || n.Gateway.Writes != 7 ||
			len(n.Gateway.Latency) != metadata.TrafficBuckets || n.Drive.URL != "https://gate:8443/" || !n.Drive.SelfSigned || n.ClockSkew != 3*time.Second {
			t.Errorf("got %+v", n)
		}
		for silent, want := range map[time.Duration]metadata.Liveness{
			2*metadata.SessionRenew - 1: metadata.LivenessUp, 2 * metadata.SessionRenew: metadata.LivenessSuspect,
			metadata.SessionTTL: metadata.LivenessDown,
		} {
			if got := clientLiveness(now0().Add(silent), now0()); got != want {
				t.Errorf("silent for %v: %v, want %v", silent, got, want)
			}
		}
		if got := clientLiveness(now0(), time.Time{}); got != metadata.LivenessUnknown {
			t.Errorf("never heard: %v", got)
		}
		c.setState(gate.id, metadata.NodeRemoved)
		c.run(2 * time.Second)
		if err := say(metadata.Presence{}); metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("a removed node: %v", err)
		}
	})
}

func TestPresenceIsBounded(t *testing.T) {
	tm := newTerm()
	for i := range presentMax + 10 {
		tm.hear(metadata.Presence{Node: metadata.NodeID(i + 1), Sent: now0()}, now0())
	}
	tm.hear(metadata.Presence{Node: 1, Sent: now0(), Version: string(make([]byte, 1000))}, now0())
	tm.hear(metadata.Presence{Node: 3, Sent: now0(), Drive: metadata.Drive{URL: "http://" + string(make([]byte, metadata.DriveURLBytesMax))}}, now0())
	if got := tm.present[3].Drive; got.URL != "" {
		t.Errorf("an address of %d bytes was kept", len(got.URL))
	}
	tm.hear(metadata.Presence{Node: 2, Version: "without a time it says nothing"}, now0())
	if len(tm.present) != presentMax || len(tm.present[1].Version) != versionBytesMax || tm.present[2].Version != "" {
		t.Errorf("%d nodes, %d bytes, %q", len(tm.present), len(tm.present[1].Version), tm.present[2].Version)
	}
}
