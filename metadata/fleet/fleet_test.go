package fleet

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// written makes a cluster with volumes that hold data and are idle.
func written(t *testing.T, nodes, volumes int) (*cluster, *gateway, []metadata.VolumeID) {
	t.Helper()
	c := newCluster(t, nodes)
	g := c.gateway("gw")
	var ids []metadata.VolumeID
	for i := range volumes {
		l := g.grant(metadata.GrantRequest{Near: metadata.NodeID(i%nodes + 1)})
		if err := g.write(fmt.Sprint("/f", i), l, l.From, 3); err != nil {
			t.Fatalf("commit: %v", err)
		}
		ids = append(ids, l.Volume)
	}
	for _, id := range ids {
		g.release(id)
	}
	c.run(5 * time.Second)
	for _, id := range ids {
		c.wantWhole(id)
	}
	c.wantVerdict(health.Protected)
	return c, g, ids
}

func TestNodeDiesAndVolumesHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 4, 8)
		defer c.close()
		defer g.stop()
		c.kill(2)
		c.run(4 * time.Second)
		if l := g.grant(metadata.GrantRequest{Near: 2}); hasNode(l.Replicas, 2) {
			t.Errorf("a lease on a suspect node: %+v", l)
		} else {
			g.release(l.Volume)
		}
		c.run(6 * time.Second)
		if s := c.status(); s.Verdict != health.AtRisk && s.Verdict != health.Protected {
			t.Errorf("just after the node is down: %+v", s)
		}
		c.run(20 * time.Second)
		for _, id := range ids {
			c.wantWhole(id, 2)
		}
		c.wantVerdict(health.Protected)
		if s := c.status(); s.Nodes.Down != 1 || s.Nodes.Up != 3 {
			t.Errorf("nodes: %+v", s.Nodes)
		}
	})
}

func hasNode(ls []metadata.Located, n metadata.NodeID) bool {
	for _, l := range ls {
		if l.Node == n {
			return true
		}
	}
	return false
}

func TestNodeReturnsAndIsReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 2, 4)
		defer c.close()
		defer g.stop()
		c.kill(2)
		c.run(12 * time.Second)
		c.wantVerdict(health.AtRisk)
		// Nowhere to repair to: writing goes on with one copy of two.
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/late", l, l.From, 5); err != nil {
			t.Fatal(err)
		}
		g.release(l.Volume)
		c.run(10 * time.Second)
		c.nodes[2].fetched = 0
		c.start(2)
		c.run(20 * time.Second)
		for _, id := range append(ids, l.Volume) {
			c.wantWhole(id)
		}
		if c.nodes[2].fetched != 5 {
			t.Errorf("the returned node fetched %d blocks, want the 5 it missed", c.nodes[2].fetched)
		}
		c.wantVerdict(health.Protected)
	})
}

func TestNodeReturnsAfterRepairAndIsTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 6)
		defer c.close()
		defer g.stop()
		c.kill(3)
		c.run(40 * time.Second)
		for _, id := range ids {
			c.wantWhole(id, 3)
		}
		if n := len(c.nodes[3].volumes); n == 0 {
			t.Fatal("the dead node had no copies: nothing is tested")
		}
		c.start(3)
		c.run(20 * time.Second)
		for _, id := range ids {
			c.wantWhole(id, 3)
			if c.nodes[3].volumes[id] != nil {
				t.Errorf("volume %v: the copy that is not needed was not dropped", id)
			}
		}
	})
}

// A disk that could not be opened has no id: the other disks serve, and it is shown.
func TestDiskWithoutID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		_, err := c.leader().Heartbeat(t.Context(), metadata.Heartbeat{Node: 1, Addr: "10.0.0.1:7800", Disks: []metadata.Disk{
			{Path: "/broken", Failed: "no disk"}, {ID: 5001, Capacity: 1 << 40, Free: 1 << 40, Path: "/good"},
		}})
		if err != nil {
			t.Fatalf("a heartbeat with a broken disk: %v", err)
		}
		ns, err := c.leader().Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shown := make(map[string]string)
		for _, d := range ns[0].Disks {
			shown[d.Path] = d.Failed
		}
		if why, ok := shown["/broken"]; !ok || why != "no disk" {
			t.Errorf("disks: %v", shown)
		}
		if why, ok := shown["/good"]; !ok || why != "" {
			t.Errorf("disks: %v", shown)
		}
	})
}

// What a disk said when its server last reported it is not shown as true for ever.
func TestDiskIsNotReportedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, _ := written(t, 3, 4)
		defer c.close()
		defer g.stop()
		old := c.nodes[2].disk
		c.mu.Lock()
		c.nodes[2].disk = 4711 // another disk is in its place
		c.mu.Unlock()
		c.wipe(2)
		c.run(2 * time.Second)
		ns, err := c.leader().Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range ns {
			for _, d := range n.Disks {
				if gone := d.ID == old; gone != (d.Failed != "") || gone && d.Free != 0 {
					t.Errorf("disk %v of %v: %+v", d.ID, n.ID, d)
				}
			}
		}
	})
}

func TestGatewayDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		g.put(l, l.From+2, 7) // never committed
		g.stop()
		c.run(metadata.SessionTTL - time.Second)
		if v := c.volume(l.Volume); v.State != metadata.VolumeLeased {
			t.Errorf("before the session's time is over: %v", v.State)
		}
		c.run(8 * time.Second)
		c.wantWhole(l.Volume) // and so the orphans are gone
		if v := c.volume(l.Volume); v.Fence != l.To || v.Blocks != 2 {
			t.Errorf("fence %d, want %d; %d blocks, want 2", v.Fence, l.To, v.Blocks)
		}
		if err := c.leader().Renew(t.Context(), g.session, metadata.Presence{}); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("renewing an ended session: %v", err)
		}
		if err := g.write("/b", l, l.From+9, 1); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("committing on an ended lease: %v", err)
		}
	})
}

func TestGatewayAndReplicaDieTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		g.stop()
		dead := l.Replicas[1].Node
		c.kill(dead)
		c.run(40 * time.Second)
		c.wantWhole(l.Volume, dead)
	})
}

func TestIdleLeaseDoesNotHoldUpRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		dead := l.Replicas[0].Node
		c.kill(dead)
		c.run(20 * time.Second)
		if v := c.volume(l.Volume); v.State != metadata.VolumeLeased {
			t.Errorf("the lease was ended at once: %v", v.State)
		}
		c.run(40 * time.Second)
		c.wantWhole(l.Volume, dead)
	})
}

// A writer that heeds the recall of its lease has its volume repaired within
// seconds of the node being down.
func TestRecalledLeaseIsRepairedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		dead := l.Replicas[0].Node
		c.kill(dead)
		c.run(5 * time.Second)
		if c.recalled(l.Volume) {
			t.Error("recalled while its node is only suspect")
		}
		c.run(5 * time.Second)
		if !c.recalled(l.Volume) {
			t.Fatal("not recalled with its node down")
		}
		c.wantVerdict(health.AtRisk) // also what was committed a moment ago counts
		g.release(l.Volume)
		c.run(10 * time.Second) // far below the linger of 30 s
		c.wantWhole(l.Volume, dead)
		c.wantVerdict(health.Protected)
	})
}

// A node that goes down between two ticks is never said to be down with all
// data protected, while what was committed a moment ago has one copy.
func TestAtRiskBetweenTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		dead := l.Replicas[0].Node
		c.kill(dead)
		c.run(tickInterval / 2) // its heartbeats come between ticks from now on
		c.start(dead)
		f := c.leader()
		term, looked := c.term()
		for seen := looked; seen.Equal(looked); _, seen = c.term() {
			c.run(tickInterval / 4) // until the next look at all leases is far away
		}
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		c.kill(dead)
		down := false
		for range 120 {
			c.run(100 * time.Millisecond)
			f.planAndPropose(t.Context(), term) // as after an order's result
			s := c.status()
			if down = s.Nodes.Down > 0; down && s.Verdict != health.AtRisk {
				t.Fatalf("one of two copies is gone: %s (%s)", s.Verdict, s.Sentence)
			}
		}
		if !down {
			t.Error("the node never went down")
		}
	})
}

// Damage in a volume that is being written is mended soon: its lease is
// recalled, and not taken away from a writer that needs it longer.
func TestDamageRecallsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		damage := func(n int64) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.nodes[l.Replicas[0].Node].volumes[l.Volume].damaged = n
		}
		// until waits for what heartbeats and plans bring about, in whatever order
		// they come; the figure is far above what that takes.
		until := func(what string, ok func() bool) {
			t.Helper()
			for range 300 {
				if ok() {
					return
				}
				c.run(100 * time.Millisecond)
			}
			t.Fatalf("not within 30 s: %s", what)
		}
		c.run(3 * time.Second)
		if c.recalled(l.Volume) {
			t.Fatal("a sound volume is recalled")
		}
		damage(1)
		until("a volume with a damaged block is recalled", func() bool { return c.recalled(l.Volume) })
		damage(0) // its server has found sound data after all
		until("it is not recalled when nothing is damaged any more", func() bool { return !c.recalled(l.Volume) })
		damage(1)
		c.run(2 * time.Minute) // a long upload
		if v := c.volume(l.Volume); v.State != metadata.VolumeLeased || v.Epoch != l.Epoch {
			t.Errorf("the lease was taken away for damage that another replica can mend: %+v", v)
		}
		g.release(l.Volume)
		c.run(5 * time.Second)
		c.wantWhole(l.Volume)
		c.mu.Lock()
		for _, r := range l.Replicas {
			if n := c.nodes[r.Node].volumes[l.Volume].damaged; n != 0 {
				t.Errorf("%v still holds %d damaged blocks", r.Node, n)
			}
		}
		c.mu.Unlock()
		c.kill(l.Replicas[1].Node)
		l = g.grant(metadata.GrantRequest{Near: l.Replicas[0].Node})
		damage(1)
		until("the leader misses the other server", func() bool { return c.status().Nodes.Suspect == 1 })
		term, _ := c.term()
		c.leader().planAndPropose(t.Context(), term) // now, with what is known; the next tick may be a while off
		if c.recalled(l.Volume) {
			t.Error("recalled although no other replica could mend it")
		}
	})
}

func TestWriterDropsReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		gone := l.Replicas[0]
		l2, err := c.leader().Drop(t.Context(), g.session, metadata.LeaseProof{Volume: l.Volume, Epoch: l.Epoch}, gone.Replica)
		if err != nil || len(l2.Replicas) != 1 || l2.Epoch != l.Epoch+1 || l2.From != l.From || l2.To != l.To {
			t.Fatalf("Drop = %+v, %v", l2, err)
		}
		_, err = c.leader().Drop(t.Context(), g.session, metadata.LeaseProof{Volume: l.Volume, Epoch: l2.Epoch}, l2.Replicas[0].Replica)
		if metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("dropping the last replica: %v", err)
		}
		if err := g.write("/a", l, l.From, 1); metadata.KindOf(err) != metadata.KindStale {
			t.Errorf("commit in the old epoch: %v", err)
		}
		if err := g.write("/a", l2, l.From+1, 1); err != nil {
			t.Errorf("commit in the new epoch: %v", err)
		}
		c.run(time.Minute) // the lease is ended for the repair
		c.wantWhole(l.Volume)
	})
}

func TestDeadBlocksAreReaped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 3)
		defer c.close()
		defer g.stop()
		for i := range ids {
			c.store.must(t, &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: fmt.Sprint("/f", i)}}})
		}
		c.run(30 * time.Second)
		for _, id := range ids {
			c.wantWhole(id) // dead blocks are held through the grace time
			if v := c.volume(id); v.Blocks != 3 {
				t.Errorf("volume %v: %d blocks during the grace, want 3", id, v.Blocks)
			}
		}
		if s := c.status(); s.Dead != 9 {
			t.Errorf("%d dead blocks, want 9", s.Dead)
		}
		c.run(time.Minute)
		for _, id := range ids {
			c.wantWhole(id)
			if v := c.volume(id); v.Blocks != 0 || v.Bytes != 0 || v.Digest != 0 {
				t.Errorf("volume %v after reaping: %+v", id, v)
			}
		}
		if s := c.status(); s.Dead != 0 {
			t.Errorf("%d dead blocks, want 0", s.Dead)
		}
	})
}

func TestDrainCompletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 6)
		defer c.close()
		defer g.stop()
		l := g.grant(metadata.GrantRequest{Near: 1}) // a lease in its way
		if err := g.write("/x", l, l.From, 1); err != nil {
			t.Fatal(err)
		}
		c.setState(1, metadata.NodeDraining)
		c.run(10 * time.Second)
		for _, id := range ids {
			if id != l.Volume {
				c.wantWhole(id, 1)
			}
		}
		c.wantVerdict(health.Protected)
		c.run(time.Minute)
		c.wantWhole(l.Volume, 1)
		c.mu.Lock()
		if n := len(c.nodes[1].volumes); n != 0 {
			t.Errorf("the drained node still has %d copies", n)
		}
		c.mu.Unlock()
	})
}

func TestMaintenanceStartsNoRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 4)
		defer c.close()
		defer g.stop()
		c.setState(2, metadata.NodeMaintenance)
		c.run(2 * time.Second)
		before := c.volumes()
		c.kill(2)
		c.run(5 * time.Minute)
		for i, v := range c.volumes() {
			if v.Epoch != before[i].Epoch {
				t.Errorf("volume %v was changed during maintenance", v.ID)
			}
		}
		c.start(2)
		c.setState(2, metadata.NodeActive)
		c.run(5 * time.Second)
		for _, id := range ids {
			c.wantWhole(id)
		}
		c.wantVerdict(health.Protected)
	})
}

func TestLeaderChangesMidRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 4, 8)
		defer c.close()
		defer g.stop()
		l := g.grant(metadata.GrantRequest{Near: 4})
		for id := range c.nodes {
			c.mu.Lock()
			c.nodes[id].slow = true
			c.mu.Unlock()
		}
		c.kill(1)
		c.run(12 * time.Second)
		if s := c.status(); s.Repair.Running == 0 {
			t.Fatalf("no repair is running: %+v", s)
		}
		epochs := c.volumes()
		c.lead()
		for id := range c.nodes {
			c.mu.Lock()
			c.nodes[id].slow = false
			c.mu.Unlock()
		}
		c.run(6 * time.Second)
		// The new leader gives the benefit of the doubt first.
		for i, v := range c.volumes() {
			if v.Epoch != epochs[i].Epoch {
				t.Errorf("volume %v was changed within %v of a new term", v.ID, 6*time.Second)
			}
		}
		c.run(30 * time.Second)
		for _, id := range ids {
			if id != l.Volume {
				c.wantWhole(id, 1)
			}
		}
		if v := c.volume(l.Volume); !hasReplica(v, 1) && (v.State != metadata.VolumeLeased || v.Epoch != l.Epoch) {
			t.Errorf("the lease did not survive the election: %+v", v)
		}
	})
}

func hasReplica(v metadata.Volume, n metadata.NodeID) bool {
	for _, r := range v.Replicas {
		if r.Node == n {
			return true
		}
	}
	return false
}

func TestLostAndDamagedCopiesAreMadeWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 3, 3)
		defer c.close()
		defer g.stop()
		v := c.volume(ids[0])
		c.mu.Lock()
		for local := range c.nodes[v.Replicas[0].Node].volumes[v.ID].blocks {
			delete(c.nodes[v.Replicas[0].Node].volumes[v.ID].blocks, local)
			break
		}
		c.mu.Unlock()
		c.run(15 * time.Second)
		c.wantWhole(ids[0])
		c.wipe(2)
		c.run(3 * time.Minute)
		for _, id := range ids {
			c.wantWhole(id)
		}
	})
}

func TestHopelessReplicaIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Fatal(err)
		}
		bad := l.Replicas[0].Node
		c.mu.Lock()
		c.nodes[bad].failing[l.Volume] = true
		c.mu.Unlock()
		g.release(l.Volume)
		c.run(time.Minute)
		c.wantWhole(l.Volume, bad)
	})
}

func TestMassFailureBrakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 6, 12)
		defer c.close()
		defer g.stop()
		before := c.volumes()
		for _, id := range []metadata.NodeID{1, 2, 3, 4} {
			c.kill(id)
		}
		c.run(5 * time.Minute)
		if s := c.status(); !s.Repair.Paused || s.Verdict != health.Unavailable && s.Verdict != health.AtRisk {
			t.Errorf("status: %+v", s)
		}
		for i, v := range c.volumes() {
			if v.Epoch != before[i].Epoch {
				t.Errorf("volume %v was changed while the brake is on: %+v, before %+v", v.ID, v, before[i])
			}
		}
		c.start(3)
		c.start(4)
		c.run(30 * time.Second)
		if s := c.status(); s.Repair.Paused {
			t.Errorf("still paused with 2 of 6 down: %+v", s.Repair)
		}
		c.start(1)
		c.run(30 * time.Second)
		for _, id := range ids {
			c.wantWhole(id)
		}
	})
}

func TestStoreFailuresAreSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 4, 6)
		defer c.close()
		defer g.stop()
		c.kill(1)
		for range 10 {
			c.run(3 * time.Second)
			c.store.mu.Lock()
			c.store.down = !c.store.down
			c.store.mu.Unlock()
		}
		c.run(40 * time.Second)
		for _, id := range ids {
			c.wantWhole(id, 1)
		}
	})
}

func TestMethodsWithoutTerm(t *testing.T) {
	f := New(Config{Store: &spaceStore{}})
	ctx := t.Context()
	_, hb := f.Heartbeat(ctx, metadata.Heartbeat{Node: 1})
	_, gr := f.Grant(ctx, metadata.GrantRequest{})
	_, dr := f.Drop(ctx, 1, metadata.LeaseProof{}, metadata.Replica{})
	_, vo := f.Volumes(ctx, []metadata.VolumeID{1})
	_, no := f.Nodes(ctx)
	_, st := f.Report(ctx)
	_, js := f.Repairs(ctx)
	for i, err := range []error{hb, gr, f.Renew(ctx, 1, metadata.Presence{}), dr, vo, no, st, js} {
		if err == nil || metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("method %d while not leading: %v", i, err)
		}
	}
}

func TestHeartbeatRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		res := c.store.must(t, &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: &metapb.NodeRow{Name: "gw", Roles: []string{"webdav"}}}}})
		c.setState(2, metadata.NodeRemoved)
		c.run(2 * time.Second)
		for _, tc := range []struct {
			name string
			h    metadata.Heartbeat
			want metadata.Kind
		}{
			{"unknown", metadata.Heartbeat{Node: 77}, metadata.KindNotFound},
			{"removed", metadata.Heartbeat{Node: 2}, metadata.KindDenied},
			{"gateway", metadata.Heartbeat{Node: metadata.NodeID(res.Id)}, metadata.KindDenied},
			{"too many disks", metadata.Heartbeat{Node: 1, Disks: make([]metadata.Disk, heartbeatDisksMax+1)}, metadata.KindTooLarge},
			{"too many digests", metadata.Heartbeat{Node: 1, Digests: make([]metadata.VolumeDigest, metadata.HeartbeatDigestsMax+1)}, metadata.KindTooLarge},
		} {
			if _, err := c.leader().Heartbeat(t.Context(), tc.h); err == nil || metadata.KindOf(err) != tc.want {
				t.Errorf("heartbeat of %s: %v, want %v", tc.name, err, tc.want)
			}
		}
		// A disk that another node has announced is reported, not used.
		h := c.nodes[1].heartbeat(nil, nil)
		h.Disks = append(h.Disks, metadata.Disk{ID: c.nodes[2].disk, Free: 1 << 40})
		if _, err := c.leader().Heartbeat(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		nodes, err := c.leader().Nodes(t.Context())
		if err != nil || len(nodes) != 3 || len(nodes[0].Disks) != 2 || nodes[0].Disks[1].Failed == "" || nodes[0].Liveness != metadata.LivenessUp {
			t.Errorf("nodes: %+v, %v", nodes, err)
		}
	})
}

func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.close()
		if err := c.leader().Run(context.Background()); metadata.KindOf(err) != metadata.KindConflict {
			t.Errorf("a second Run: %v, want conflict", err)
		}
	})
}

func TestLeavingIsSuspectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		c.mu.Lock()
		c.nodes[2].leaving = true
		c.mu.Unlock()
		c.run(1100 * time.Millisecond)
		nodes, err := c.leader().Nodes(t.Context())
		if err != nil || nodes[1].Liveness != metadata.LivenessSuspect {
			t.Errorf("a node that leaves: %+v, %v", nodes, err)
		}
		for range 10 {
			if l := g.grant(metadata.GrantRequest{Near: 2}); hasNode(l.Replicas, 2) {
				t.Errorf("a lease on a node that leaves: %+v", l)
			}
		}
		views, err := c.leader().Volumes(t.Context(), []metadata.VolumeID{1, 2, 9999})
		if err != nil || len(views) != 2 || len(views[0].Located) != 2 || views[0].Located[0].Addr == "" {
			t.Errorf("Volumes = %+v, %v", views, err)
		}
		if _, err := c.leader().Repairs(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
