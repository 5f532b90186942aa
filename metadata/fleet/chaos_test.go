package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// chaos does random things to a cluster: writes, deletions, crashes of storage
// servers and gateways, elections, drains. Crashes keep disks, so nothing may
// ever be lost; at all times every listed replica holds every committed block,
// and when all is calm again every volume is whole. In every other history one
// server never comes back; then every volume of which another disk has a whole
// copy, listed or not, is whole.
type chaos struct {
	*cluster
	rng    *rand.Rand
	gws    []*gateway
	leases map[*gateway][]*held
	files  int
}

// held is a lease and the first of its ids that is not used.
type held struct {
	metadata.Lease
	next metadata.LocalID
}

func (c *chaos) step() {
	switch c.rng.IntN(17) {
	case 16: // the nameservers' answers get lost for a while
		c.store.mu.Lock()
		c.store.lossy = []int{0, 0, 2, 5}[c.rng.IntN(4)]
		c.store.mu.Unlock()
	case 0:
		c.kill(c.someNode())
	case 1, 2:
		if id := c.someNode(); c.nodes[id].stop == nil {
			c.start(id)
		}
	case 3:
		if c.rng.IntN(4) == 0 {
			c.lead()
		}
	case 4:
		c.newGateway()
	case 5:
		c.store.propose(removeOf(fmt.Sprint("/f", c.rng.IntN(c.files+1))))
	case 6:
		if id := c.someNode(); id != 1 {
			c.setState(id, []metadata.NodeState{metadata.NodeActive, metadata.NodeDraining, metadata.NodeMaintenance}[c.rng.IntN(3)])
		}
	default:
		c.write()
	}
}

func removeOf(path string) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: path}}}
}

func (c *chaos) someNode() metadata.NodeID { return metadata.NodeID(1 + c.rng.IntN(len(c.nodes))) }

// newGateway starts one, in the place of another that dies, or is closed.
func (c *chaos) newGateway() {
	if len(c.gws) == 3 {
		i := c.rng.IntN(3)
		c.gws[i].stop()
		delete(c.leases, c.gws[i])
		c.gws = append(c.gws[:i], c.gws[i+1:]...)
	}
	c.gws = append(c.gws, c.gateway(fmt.Sprint("gw", c.rng.Uint32())))
}

// write commits a file as a gateway does: a replica that does not take the
// blocks is dropped, and blocks of a lease that is over are written again.
func (c *chaos) write() {
	if len(c.gws) == 0 {
		c.newGateway()
	}
	g := c.gws[c.rng.IntN(len(c.gws))]
	if len(c.leases[g]) < 3 {
		l, err := c.leader().Grant(context.Background(), metadata.GrantRequest{Session: g.session, Near: c.someNode()})
		if err != nil {
			return
		}
		c.leases[g] = append(c.leases[g], &held{l, l.From})
	}
	i := c.rng.IntN(len(c.leases[g]))
	l := c.leases[g][i]
	n := 1 + c.rng.IntN(4)
	ok := c.dropDown(g, l)
	if ok {
		ok = g.write(fmt.Sprint("/f", c.files), l.Lease, l.next, n) == nil
		l.next += metadata.LocalID(n)
		c.files++
	}
	if !ok || c.rng.IntN(5) == 0 {
		c.leases[g] = append(c.leases[g][:i], c.leases[g][i+1:]...)
		c.store.ReleaseLease(context.Background(), g.session, l.Volume)
	}
}

// dropDown drops the replicas of a lease whose nodes are down.
func (c *chaos) dropDown(g *gateway, l *held) bool {
	for _, r := range l.Replicas {
		if c.nodes[r.Node].stop != nil {
			continue
		}
		fresh, err := c.leader().Drop(context.Background(), g.session, metadata.LeaseProof{Volume: l.Volume, Epoch: l.Epoch}, r.Replica)
		if err != nil {
			return false
		}
		l.Lease = fresh
	}
	return true
}

// durable checks the promise: every block that is committed, or dead and not
// reaped, is on every listed replica. Deletions under way are told by the
// blocks that are dead.
func (c *chaos) durable() {
	c.t.Helper()
	for _, v := range c.volumes() {
		blocks := c.committed(v.ID)
		c.mu.Lock()
		for _, r := range v.Replicas {
			cp := c.nodes[r.Node].volumes[v.ID]
			for _, local := range blocks {
				if cp == nil || cp.blocks[local] == 0 {
					c.t.Errorf("%v: block %v/%d is not on %v", time.Now(), v.ID, local, r.Node)
				}
			}
		}
		c.mu.Unlock()
	}
}

// committed returns the blocks of a volume that are in a file.
func (c *chaos) committed(id metadata.VolumeID) (blocks []metadata.LocalID) {
	c.t.Helper()
	a, err := c.store.query(&metapb.Query{Q: &metapb.Query_VolumeBlocks{VolumeBlocks: &metapb.VolumeBlocks{Volume: uint64(id)}}})
	if err != nil {
		c.t.Fatal(err)
	}
	q, err := c.store.query(&metapb.Query{Q: &metapb.Query_DeadBlocks{DeadBlocks: &metapb.DeadBlocks{Before: 1 << 62}}})
	if err != nil {
		c.t.Fatal(err)
	}
	dead := make(map[uint64]bool)
	for _, b := range q.Dead {
		dead[b.Local] = dead[b.Local] || b.Volume == uint64(id)
	}
	for _, b := range a.Blocks {
		if !dead[b.Local] {
			blocks = append(blocks, metadata.LocalID(b.Local))
		}
	}
	return blocks
}

// saved returns the volumes of which a disk of another node than dead holds all
// committed blocks.
func (c *chaos) saved(dead metadata.NodeID) (ids []metadata.VolumeID) {
	c.t.Helper()
	for _, v := range c.volumes() {
		blocks := c.committed(v.ID)
		c.mu.Lock()
		for id, n := range c.nodes {
			cp := n.volumes[v.ID]
			if id != dead && cp != nil && !slices.ContainsFunc(blocks, func(l metadata.LocalID) bool { return cp.blocks[l] == 0 }) {
				ids = append(ids, v.ID)
				break
			}
		}
		c.mu.Unlock()
	}
	return ids
}

// end brings all servers back but dead, if there is such, ends the gateways and
// checks what the calm brings about.
func (c *chaos) end(dead metadata.NodeID) {
	for id, n := range c.nodes {
		c.setState(id, metadata.NodeActive)
		if id == dead {
			c.kill(id)
		} else if n.stop == nil {
			c.start(id)
		}
	}
	for _, g := range c.gws {
		g.stop()
	}
	c.store.mu.Lock()
	c.store.lossy = 0
	c.store.mu.Unlock()
	saved := c.saved(dead)
	c.run(20 * time.Minute)
	c.durable()
	if dead != 0 {
		for _, id := range saved {
			c.wantWhole(id, dead)
		}
		return
	}
	for _, v := range c.volumes() {
		c.wantWhole(v.ID)
	}
	c.wantVerdict(health.Protected)
	if s := c.status(); s.Dead != 0 || s.Fencing != 0 || s.Leased != 0 {
		c.t.Errorf("left behind: %+v", s)
	}
}

func TestChaos(t *testing.T) {
	seeds, steps := uint64(6), 150
	if os.Getenv("KEN_SOAK") == "1" {
		seeds, steps = 300, 600
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{cluster: newCluster(t, 5), rng: rand.New(rand.NewPCG(seed, 9)), leases: make(map[*gateway][]*held)}
				defer c.close()
				for range steps {
					c.step()
					c.run(time.Duration(c.rng.IntN(4000)) * time.Millisecond)
					c.durable()
				}
				dead := metadata.NodeID(0)
				if seed%2 == 1 {
					dead = c.someNode()
				}
				c.end(dead)
				if c.files < steps/6 {
					t.Errorf("only %d files were written", c.files)
				}
			})
		})
	}
}
