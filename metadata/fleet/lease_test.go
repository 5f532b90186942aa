package fleet

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

func TestGrantRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		grant := func(r metadata.GrantRequest) metadata.Kind {
			t.Helper()
			if r.Session == 0 {
				r.Session = g.session
			}
			_, err := c.leader().Grant(t.Context(), r)
			if err == nil {
				t.Fatalf("Grant(%+v) succeeded", r)
			}
			return metadata.KindOf(err)
		}
		if got := grant(metadata.GrantRequest{Session: 99}); got != metadata.KindStale {
			t.Errorf("unknown session: %v", got)
		}
		if got := grant(metadata.GrantRequest{Replicas: metadata.ReplicasMax + 1}); got != metadata.KindInvalid {
			t.Errorf("too many replicas: %v", got)
		}
		if got := grant(metadata.GrantRequest{Replicas: -1}); got != metadata.KindInvalid {
			t.Errorf("fewer than no replicas: %v", got)
		}
		if got := grant(metadata.GrantRequest{Replicas: 8}); got != metadata.KindUnavailable {
			t.Errorf("more replicas than servers: %v", got)
		}
		c.mu.Lock()
		for _, n := range c.nodes {
			n.free = 1
		}
		c.mu.Unlock()
		c.run(4 * time.Second)
		if got := grant(metadata.GrantRequest{}); got != metadata.KindNoSpace {
			t.Errorf("full disks: %v", got)
		}
		c.wantVerdict(health.ReadOnly)
		c.store.must(t, &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{ReadOnly: &metapb.Int64Value{Value: 1}}}})
		c.run(4 * time.Second)
		if got := grant(metadata.GrantRequest{}); got != metadata.KindReadOnly {
			t.Errorf("switched off: %v", got)
		}
		c.store.mu.Lock()
		c.store.down = true
		c.store.mu.Unlock()
		if got := grant(metadata.GrantRequest{Session: 98}); got != metadata.KindUnavailable {
			t.Errorf("without nameservers, a session that is not known: %v", got)
		}
		c.store.mu.Lock()
		c.store.down = false
		c.store.mu.Unlock()
	})
}

// Grants that come together lease different volumes.
func TestGrantsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 4)
		defer c.close()
		defer g.stop()
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := make(map[metadata.VolumeID]int)
		for range 12 {
			wg.Go(func() {
				l, err := c.leader().Grant(context.Background(), metadata.GrantRequest{Session: g.session})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("Grant: %v", err)
				}
				seen[l.Volume]++
			})
		}
		wg.Wait()
		if len(seen) != 12 {
			t.Errorf("12 grants leased %d volumes", len(seen))
		}
		for _, id := range ids {
			if seen[id] != 1 {
				t.Errorf("the idle volume %v was leased %d times", id, seen[id])
			}
		}
	})
}

// A plan that is overtaken by a change that the fleet has not seen is made anew.
func TestGrantOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 2, 1)
		defer c.close()
		defer g.stop()
		v := c.volume(ids[0])
		c.store.must(t, &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: &metapb.GrantLease{
			Session: uint64(g.session), Volume: uint64(v.ID), Epoch: uint64(v.Epoch), Count: 5,
		}}})
		if l := g.grant(metadata.GrantRequest{}); l.Volume == v.ID || l.From >= l.To || len(l.Replicas) != 2 {
			t.Errorf("lease: %+v", l)
		}
	})
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		ctx := t.Context()
		open := func() metadata.SessionID {
			res := c.store.must(t, &metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{Node: 1, Instance: "gw"}}})
			return metadata.SessionID(res.Id)
		}
		first := open()
		if err := c.leader().Renew(ctx, first, metadata.Presence{}); err != nil {
			t.Errorf("renewing a session that was opened this moment: %v", err)
		}
		l, err := c.leader().Grant(ctx, metadata.GrantRequest{Session: first})
		if err != nil {
			t.Fatal(err)
		}
		c.run(time.Second)
		second := open() // ends the first
		c.run(4 * time.Second)
		if err := c.leader().Renew(ctx, first, metadata.Presence{}); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("renewing a session that another has ended: %v", err)
		}
		if err := c.leader().Renew(ctx, second, metadata.Presence{}); err != nil {
			t.Errorf("renewing its successor: %v", err)
		}
		if v := c.volume(l.Volume); v.State != metadata.VolumeIdle {
			t.Errorf("the volume of the ended session is %v", v.State)
		}
		if _, err := c.leader().Drop(ctx, 0, metadata.LeaseProof{Volume: l.Volume}, l.Replicas[0].Replica); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("Drop without a session: %v", err)
		}
		// A new leader grants a full time to live, whatever the old one thought.
		c.run(metadata.SessionTTL - 3*time.Second)
		c.lead()
		c.run(metadata.SessionTTL - 2*time.Second)
		if err := c.leader().Renew(ctx, second, metadata.Presence{}); err != nil {
			t.Errorf("renewing in a new term: %v", err)
		}
		c.run(metadata.SessionTTL + 2*time.Second)
		if err := c.leader().Renew(ctx, second, metadata.Presence{}); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("renewing after the time to live: %v", err)
		}
		if ss, _ := c.store.Sessions(ctx); len(ss) != 0 {
			t.Errorf("sessions left: %+v", ss)
		}
	})
}

// While the nameservers have no majority an expired session is over all the
// same: it must not be renewed, since its end may be on its way.
func TestExpiredSessionCannotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		g := c.gateway("gw")
		g.stop()
		c.run(2 * time.Second)
		c.store.mu.Lock()
		c.store.lossy = 1
		c.store.mu.Unlock()
		c.run(metadata.SessionTTL)
		if err := c.leader().Renew(t.Context(), g.session, metadata.Presence{}); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("renewing: %v", err)
		}
		c.store.mu.Lock()
		c.store.lossy = 0
		c.store.mu.Unlock()
		c.run(3 * time.Second)
		if ss, _ := c.store.Sessions(t.Context()); len(ss) != 0 {
			t.Errorf("sessions left: %+v", ss)
		}
	})
}

func TestVolumesOfManyIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		if _, err := c.leader().Volumes(t.Context(), make([]metadata.VolumeID, volumesOfCall+1)); metadata.KindOf(err) != metadata.KindTooLarge {
			t.Errorf("too many ids: %v", err)
		}
		// One that the fleet has not heard of yet.
		g := c.gateway("gw")
		defer g.stop()
		res := c.store.must(t, &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: &metapb.GrantLease{
			Session: uint64(g.session), Replicas: []*metapb.Replica{{Node: 1, Disk: 1001}}, Target: 1, Count: 5,
		}}})
		views, err := c.leader().Volumes(t.Context(), []metadata.VolumeID{0, metadata.VolumeID(res.Id), 1 << 60})
		if err != nil || len(views) != 1 || !views[0].Located[0].Live || views[0].Located[0].Zone != "zone1" {
			t.Errorf("Volumes = %+v, %v", views, err)
		}
		c.kill(1)
		c.run(3500 * time.Millisecond)
		if views, _ = c.leader().Volumes(t.Context(), []metadata.VolumeID{1}); views[0].Located[0].Live {
			t.Error("a replica on a silent server is called live")
		}
	})
}

// Results that do not belong to an order of this leader change nothing.
func TestForgedResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 1); err != nil {
			t.Fatal(err)
		}
		for _, n := range c.nodes {
			n.slow = true
		}
		g.release(l.Volume)
		c.run(3 * time.Second)
		c.leader().mu.Lock()
		var orders []order
		for _, o := range c.leader().t.orders.byID {
			orders = append(orders, *o)
		}
		c.leader().mu.Unlock()
		if len(orders) != 2 {
			t.Fatalf("%d comparisons under way, want 2", len(orders))
		}
		o := orders[0]
		other := orders[1].node
		good := metadata.OrderResult{ID: o.ID, Kind: o.Kind, Disk: o.Disk, Volume: o.Volume, Epoch: o.Epoch}
		for name, change := range map[string]func(*metadata.OrderResult) metadata.NodeID{
			"another id":     func(r *metadata.OrderResult) metadata.NodeID { r.ID += 1000; return o.node },
			"another kind":   func(r *metadata.OrderResult) metadata.NodeID { r.Kind = metadata.OrderDrop; return o.node },
			"another disk":   func(r *metadata.OrderResult) metadata.NodeID { r.Disk++; return o.node },
			"another volume": func(r *metadata.OrderResult) metadata.NodeID { r.Volume++; return o.node },
			"another node":   func(r *metadata.OrderResult) metadata.NodeID { return other },
		} {
			r := good
			h := c.nodes[change(&r)].heartbeat([]metadata.OrderResult{r}, nil)
			h.Running = []metadata.OrderProgress{{ID: r.ID, Volume: r.Volume + 1, Disk: r.Disk, BytesDone: 1 << 40}}
			if _, err := c.leader().Heartbeat(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			c.run(time.Second)
			if v := c.volume(l.Volume); v.State != metadata.VolumeFencing || len(v.Synced) != 0 {
				t.Errorf("%s: the volume is %v, synced %v", name, v.State, v.Synced)
			}
		}
		if s := c.status(); s.Repair.BytesPerS > 100 {
			t.Errorf("invented progress counts: %d bytes/s", s.Repair.BytesPerS)
		}
		h := c.nodes[o.node].heartbeat([]metadata.OrderResult{good, good}, nil)
		if _, err := c.leader().Heartbeat(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		c.run(time.Second)
		if v := c.volume(l.Volume); len(v.Synced) != 1 {
			t.Errorf("the true result: synced %v", v.Synced)
		}
	})
}

// A storage server that moves to another address or zone is found there.
func TestMovedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		c.kill(2)
		h := c.nodes[2].heartbeat(nil, nil)
		h.Addr, h.Zone = "elsewhere:1", "attic"
		if _, err := c.leader().Heartbeat(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		check := func(when string) {
			t.Helper()
			nodes, err := c.leader().Nodes(t.Context())
			if err != nil || nodes[1].Addr != "elsewhere:1" || nodes[1].Zone != "attic" || nodes[1].Version != "test" {
				t.Errorf("%s: %+v, %v", when, nodes, err)
			}
		}
		check("at once")
		c.run(3 * time.Second)
		check("after a look at the records")
	})
}

// A failed disk is down at once, its node is not.
func TestFailedDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 3)
		defer c.close()
		defer g.stop()
		c.kill(2)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for ctx.Err() == nil {
				h := c.nodes[2].heartbeat(nil, nil)
				h.Disks[0].Failed, h.Digests = "input/output error", nil
				_, _ = c.leader().Heartbeat(ctx, h)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		}()
		c.run(7 * time.Second) // sooner than a node is found down
		for _, id := range ids {
			c.wantWhole(id, 2)
		}
		nodes, err := c.leader().Nodes(t.Context())
		if err != nil || nodes[1].Liveness != metadata.LivenessUp || nodes[1].Disks[0].Failed == "" {
			t.Errorf("nodes: %+v, %v", nodes, err)
		}
	})
}
