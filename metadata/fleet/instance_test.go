package fleet

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// A copy of a node's folder that is started beside it is refused for as long as
// the node reports, and the node goes on undisturbed.
func TestCopiedFolderIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 0)
		defer c.close()
		n := c.addNode("one", "zone")
		report := func(started time.Time, addr string, leaving bool) error {
			_, err := c.leader().Heartbeat(t.Context(), metadata.Heartbeat{
				Node: n.id, Addr: addr, Zone: n.zone, Started: started, Leaving: leaving,
				Disks: []metadata.Disk{{ID: n.disk, Capacity: 2 << 40, Free: 1 << 40}},
			})
			return err
		}
		addr := func() string {
			t.Helper()
			nodes, err := c.leader().Nodes(t.Context())
			if err != nil || len(nodes) != 1 {
				t.Fatalf("Nodes: %v, %v", nodes, err)
			}
			return nodes[0].Addr
		}
		first, second, third := time.Now(), time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		for i := range 30 {
			if err := report(first, "10.0.0.1:7800", false); err != nil {
				t.Fatalf("heartbeat %d of the node: %v", i, err)
			}
			c.run(heartbeatInterval / 2)
			err := report(second, "10.0.0.2:7800", false)
			if metadata.KindOf(err) != metadata.KindConflict || err == nil || !strings.Contains(err.Error(), "10.0.0.1:7800") {
				t.Fatalf("heartbeat %d of the copy: %v, want KindConflict that names the other's address", i, err)
			}
			c.run(heartbeatInterval / 2)
		}
		if got := addr(); got != "10.0.0.1:7800" {
			t.Errorf("the node's address is %s, its copy's", got)
		}

		// Killed and started again: soon it is the node.
		c.run(instanceQuiet - heartbeatInterval)
		if err := report(second, "10.0.0.2:7800", false); err != nil {
			t.Errorf("after a crash: %v", err)
		}
		if got := addr(); got != "10.0.0.2:7800" {
			t.Errorf("the node's address is %s after it moved", got)
		}
		if err := report(first, "10.0.0.1:7800", false); metadata.KindOf(err) != metadata.KindConflict || err == nil {
			t.Errorf("a late heartbeat of the process before: %v, want KindConflict", err)
		}
		// Stopped in order and started again: at once.
		if err := report(second, "10.0.0.2:7800", true); err != nil {
			t.Errorf("the last heartbeat: %v", err)
		}
		if err := report(third, "10.0.0.2:7800", false); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		// A new leader knows no process yet: whoever comes first is it.
		c.lead()
		c.run(time.Second)
		if err := report(second, "10.0.0.2:7800", false); err != nil {
			t.Errorf("to a new leader: %v", err)
		}
		if err := report(third, "10.0.0.2:7800", false); metadata.KindOf(err) != metadata.KindConflict || err == nil {
			t.Errorf("the other one, to a new leader: %v, want KindConflict", err)
		}
	})
}
