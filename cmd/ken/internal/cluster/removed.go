package cluster

import (
	"context"
	"sync/atomic"
	"time"

	"kendfs/metadata"
)

// removedInterval is the time between two looks at which nodes were removed:
// for so long, and no longer, the certificate of a removed one is still good.
const removedInterval = 3 * time.Second

// removed is the set of nodes that were removed from the cluster, whose
// certificates are refused. The zero value is empty.
type removed struct {
	ids atomic.Pointer[map[uint64]bool]
}

// has implements quicwire.Config.Revoked.
func (r *removed) has(node uint64) bool {
	ids := r.ids.Load()
	return ids != nil && (*ids)[node]
}

// set takes over the nodes' states and returns the ids that are news.
func (r *removed) set(nodes []metadata.Node, self metadata.NodeID) (news []uint64) {
	ids := make(map[uint64]bool)
	for _, n := range nodes {
		if n.State == metadata.NodeRemoved && n.ID != self {
			ids[uint64(n.ID)] = true
			if !r.has(uint64(n.ID)) {
				news = append(news, uint64(n.ID))
			}
		}
	}
	r.ids.Store(&ids)
	return news
}

// watchRemoved keeps the set and cuts the connections of nodes that were
// removed, until the node ends. While the nameserver cannot be asked the set
// stays as it is.
func (n *Node) watchRemoved() {
	tick := time.NewTicker(removedInterval)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(n.ctx, removedInterval)
		nodes, err := n.meta.Nodes(ctx)
		cancel()
		if err == nil {
			for _, id := range n.removed.set(nodes, n.ID()) {
				n.log.Info("node was removed: its certificate is refused", "removed", metadata.NodeID(id).String())
				n.endpoint.Disconnect(id)
			}
		}
		select {
		case <-tick.C:
		case <-n.ctx.Done():
			return
		}
	}
}
