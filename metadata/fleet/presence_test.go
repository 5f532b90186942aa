package fleet

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// nodeOf returns what the leader shows of a node.
func (c *cluster) nodeOf(id metadata.NodeID) metadata.Node {
	c.t.Helper()
	ns, err := c.leader().Nodes(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range ns {
		if n.ID == id {
			return n
		}
	}
	c.t.Fatalf("there is no node %v", id)
	return metadata.Node{}
}

// enrol adds a node that keeps no data.
func (c *cluster) enrol(name string, roles ...string) metadata.NodeID {
	res := c.store.must(c.t, &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: &metapb.NodeRow{
		Name: name, Roles: roles,
	}}}})
	return metadata.NodeID(res.Id)
}

// A second process of a node renews its session without a word about itself:
// that it was heard from later says nothing about the clock of the first.
func TestSkewIsOfTheMessageThatShowedAClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		id := c.enrol("gw", metadata.NodeWebDAV)
		c.run(2 * time.Second)
		res := c.store.must(t, &metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{Node: uint64(id), Instance: "cli"}}})
		present := func(skew time.Duration) {
			t.Helper()
			p := metadata.Presence{Node: id, Version: "v1", Sent: time.Now().Add(skew)}
			if err := c.leader().Renew(t.Context(), 0, p); err != nil {
				t.Fatal(err)
			}
		}
		present(0)
		c.run(4 * time.Second)
		if err := c.leader().Renew(t.Context(), metadata.SessionID(res.Id), metadata.Presence{}); err != nil {
			t.Fatal(err)
		}
		if n := c.nodeOf(id); n.ClockSkew != 0 || n.Liveness != metadata.LivenessUp || !n.Heard.Equal(time.Now()) {
			t.Errorf("got a skew of %v, %v, heard %v; want none, up, now", n.ClockSkew, n.Liveness, n.Heard)
		}
		c.run(2 * time.Second)
		c.wantCheck(health.ClockSkew, false)
		present(time.Minute)
		c.run(2 * time.Second)
		c.wantCheck(health.ClockSkew, true)
		if n := c.nodeOf(id); n.ClockSkew != time.Minute {
			t.Errorf("a clock that is a minute ahead: got %v", n.ClockSkew)
		}
	})
}

// The leader's own clock is what others are compared with, however old the last
// look at itself is.
func TestTheLeaderHasNoSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		id := c.enrol("ns", metadata.NodeNameserver)
		c.cfg.Self = func() metadata.Presence {
			return metadata.Presence{Node: id, Version: "v1", Traffic: metadata.Traffic{Writes: 7}}
		}
		c.lead()
		c.run(3*time.Second + 700*time.Millisecond)
		n := c.nodeOf(id)
		if n.ClockSkew != 0 || n.Liveness != metadata.LivenessUp || n.Version != "v1" || n.Commands.Writes != 7 {
			t.Errorf("got %+v", n)
		}
	})
}

// What a node says of itself must not keep the list of nodes from being sent.
func TestWhatNodesSayIsBounded(t *testing.T) {
	long := strings.Repeat("x", versionBytesMax-1) + "é" // its bound is in the middle of a letter
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		id := c.enrol("gw", metadata.NodeWebDAV)
		c.run(2 * time.Second)
		f := c.leader()
		if err := f.Renew(t.Context(), 0, metadata.Presence{Node: id, Version: long, Sent: time.Now(),
			Traffic: metadata.Traffic{Latency: make([]int64, 1000)}}); err != nil {
			t.Fatal(err)
		}
		if n := c.nodeOf(id); !utf8.ValidString(n.Version) || len(n.Version) > versionBytesMax || len(n.Gateway.Latency) > metadata.TrafficBuckets {
			t.Errorf("a gateway's version: %q, %d buckets", n.Version, len(n.Gateway.Latency))
		}
		c.kill(1)
		c.mu.Lock()
		h := metadata.Heartbeat{Node: 1, Version: long, Disks: []metadata.Disk{{
			ID: c.nodes[1].disk, Path: strings.Repeat("é", diskTextMax), Failed: strings.Repeat("é", diskTextMax),
			Capacity: math.MaxInt64, Free: math.MaxInt64, Used: -5, Volumes: -1,
		}}}
		c.mu.Unlock()
		if _, err := f.Heartbeat(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		n := c.nodeOf(1)
		d := n.Disks[0]
		if !utf8.ValidString(n.Version+d.Path+d.Failed) || len(n.Version) > versionBytesMax || len(d.Path) > diskTextMax || len(d.Failed) > diskTextMax {
			t.Errorf("texts: %q, %q, %q", n.Version, d.Path, d.Failed)
		}
		if d.Capacity != diskBytesMax || d.Free != diskBytesMax || d.Used != 0 || d.Volumes != 0 {
			t.Errorf("figures: %+v", d)
		}
		c.run(3 * time.Second)
		if s := c.status(); s.Capacity < 0 || s.Free < 0 || s.Used < 0 {
			t.Errorf("sums: %+v", s)
		}
	})
}

// A removed node's sign of life is refused, one of a node that is not known
// (yet) is kept, and there is a bound.
func TestSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		gone := c.enrol("gone", metadata.NodeAdmin)
		c.setState(gone, metadata.NodeRemoved)
		c.run(2 * time.Second)
		f := c.leader()
		now := func() time.Time { return time.Now() }
		if err := f.Renew(t.Context(), 0, metadata.Presence{Node: gone, Sent: now()}); metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("a removed node: %v", err)
		}
		if err := f.Renew(t.Context(), 99, metadata.Presence{Node: 1, Sent: now()}); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("a session that never was: %v", err)
		}
		for id := range metadata.NodeID(2 * presentMax) {
			if err := f.Renew(t.Context(), 0, metadata.Presence{Node: 1000 + id, Sent: now()}); err != nil {
				t.Fatal(err)
			}
		}
		f.mu.Lock()
		n := len(f.t.present)
		f.mu.Unlock()
		if n != presentMax {
			t.Errorf("%d signs of life are kept, want %d", n, presentMax)
		}
	})
	idle := New(Config{})
	if err := idle.Renew(context.Background(), 0, metadata.Presence{Node: 1}); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("who does not lead: %v", err)
	}
}

func TestClientLiveness(t *testing.T) {
	now := now0()
	for _, tc := range []struct {
		silent time.Duration
		want   metadata.Liveness
	}{
		{0, metadata.LivenessUp}, {2*metadata.SessionRenew - 1, metadata.LivenessUp},
		{2 * metadata.SessionRenew, metadata.LivenessSuspect}, {metadata.SessionTTL - 1, metadata.LivenessSuspect},
		{metadata.SessionTTL, metadata.LivenessDown}, {time.Hour, metadata.LivenessDown},
		{-time.Second, metadata.LivenessUp},
	} {
		if got := clientLiveness(now, now.Add(-tc.silent)); got != tc.want {
			t.Errorf("silent for %v: got %v, want %v", tc.silent, got, tc.want)
		}
	}
	if got := clientLiveness(now, time.Time{}); got != metadata.LivenessUnknown {
		t.Errorf("never heard: got %v", got)
	}
}
