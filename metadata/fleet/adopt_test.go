package fleet

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// stuckFence leaves a volume fencing on its first server alone, whose
// comparison goes on; the second was down meanwhile and has a whole copy.
func stuckFence(c *cluster, g *gateway) (v metadata.VolumeID, first, second metadata.NodeID) {
	c.t.Helper()
	l := g.grant(metadata.GrantRequest{})
	if err := g.write("/a", l, l.From, 5); err != nil {
		c.t.Fatal(err)
	}
	g.put(l, l.From+5, 2) // written, never committed
	first, second = l.Replicas[0].Node, l.Replicas[1].Node
	c.mu.Lock()
	c.nodes[first].slow = true
	c.mu.Unlock()
	c.kill(second)
	g.release(l.Volume)
	c.run(12 * time.Second)
	if got := c.volume(l.Volume); got.State != metadata.VolumeFencing || len(got.Replicas) != 1 || got.Replicas[0].Node != first {
		c.t.Fatalf("volume: %+v, want it fencing on %v", got, first)
	}
	return l.Volume, first, second
}

// The last listed replica of a fencing volume dies for good, and one that was
// dropped for the sake of the fence returns whole: nothing is lost.
func TestFencingVolumeTakesACopyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		id, first, second := stuckFence(c, g)
		c.kill(first)
		c.run(12 * time.Second)
		c.wantVerdict(health.Unavailable)
		c.start(second)
		c.run(30 * time.Second)
		c.wantWhole(id, first)
		c.wantVerdict(health.Protected)
	})
}

// A copy that lacks a block is not taken for whole; the server that has it all
// may come back.
func TestFencingVolumeTakesNoPartBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		id, first, second := stuckFence(c, g)
		c.kill(first)
		c.mu.Lock()
		cp := c.nodes[second].volumes[id]
		for local := range cp.blocks {
			if local <= 5 {
				delete(cp.blocks, local)
				break
			}
		}
		c.mu.Unlock()
		c.start(second)
		c.run(5 * time.Minute)
		if v := c.volume(id); v.State != metadata.VolumeFencing || hasReplica(v, second) {
			t.Errorf("volume: %+v, want it fencing on %v", v, first)
		}
		c.wantVerdict(health.Unavailable)
		c.mu.Lock()
		c.nodes[first].slow = false
		c.mu.Unlock()
		c.start(first)
		c.run(2 * time.Minute)
		c.wantWhole(id)
	})
}

// Servers that fall together will be back together: the fence waits for them,
// so that what is lost afterwards is not the only copy.
func TestBrakeHoldsBackDropsForAFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 6)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		l := g.grant(metadata.GrantRequest{})
		if err := g.write("/a", l, l.From, 5); err != nil {
			t.Fatal(err)
		}
		first, second := l.Replicas[0].Node, l.Replicas[1].Node
		g.release(l.Volume)
		for id := range c.nodes {
			if id != first {
				c.kill(id)
			}
		}
		c.run(5 * time.Minute)
		v := c.volume(l.Volume)
		if v.State != metadata.VolumeFencing || !hasReplica(v, second) || !slices.Contains(v.Synced, v.Replicas[0].Disk) {
			t.Errorf("under the brake: %+v", v)
		}
		c.kill(first)
		for id := range c.nodes {
			if id != first {
				c.start(id)
			}
		}
		c.run(2 * time.Minute)
		c.wantWhole(l.Volume, first)
	})
}
