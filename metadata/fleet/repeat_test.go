package fleet

import (
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// A grant whose answer is lost, again and again and over a change of leaders,
// costs one lease.
func TestRepeatedGrantIsOneLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		g := c.gateway("gw")
		defer g.stop()
		c.run(2 * time.Second)
		for range 3 {
			c.store.mu.Lock()
			c.store.calls, c.store.lossy = 0, 1 // the first call is made, its answer lost
			c.store.mu.Unlock()
			_, err := c.leader().Grant(t.Context(), metadata.GrantRequest{Session: g.session, Nonce: 5})
			c.store.mu.Lock()
			c.store.lossy = 0
			c.store.mu.Unlock()
			if metadata.KindOf(err) != metadata.KindTimeout {
				t.Fatalf("Grant without an answer: %v, want a timeout", err)
			}
			c.lead()
			c.run(3 * time.Second)
		}
		l := g.grant(metadata.GrantRequest{Nonce: 5})
		if s := c.status(); s.Leased != 1 || l.Session != g.session || l.To-l.From != leaseIDs {
			t.Errorf("%d leases, the answer is %+v; want one", s.Leased, l)
		}
		if err := g.write("/a", l, l.From, 2); err != nil {
			t.Error(err)
		}
		if again := g.grant(metadata.GrantRequest{Nonce: 5}); again.Volume != l.Volume || again.Epoch != l.Epoch || len(again.Replicas) != len(l.Replicas) {
			t.Errorf("a repetition: %+v, before %+v", again, l)
		}
		if other := g.grant(metadata.GrantRequest{Nonce: 6}); other.Volume == l.Volume {
			t.Errorf("another request got the same volume: %+v", other)
		}
	})
}
