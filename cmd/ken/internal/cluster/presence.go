package cluster

import (
	"context"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metarpc"
)

// presence is what the node says of itself with those figures.
func (n *Node) presence(t metadata.Traffic) metadata.Presence {
	return metadata.Presence{
		Node: n.ID(), Version: n.run.Version, Started: n.started, CertExpires: n.certExpires(), Sent: time.Now(), Traffic: t,
	}
}

// certExpires returns the end of the node's certificate, which is renewed while
// the node runs.
func (n *Node) certExpires() time.Time { return n.identity.credentials().Cert.NotAfter }

// gatewayTraffic is what a gateway has moved for its users.
func gatewayTraffic(c *blockio.Client, started time.Time) metadata.Traffic {
	s := c.Stats()
	return metadata.Traffic{
		Started: started, Writes: s.PutBlocks, BytesWritten: s.PutBytes, BytesRead: s.GetBytes,
		Errors: s.PutFailures + s.GetFailures,
	}
}

// keepPresent gives a sign of life until ctx ends: who has nothing to write
// keeps no session, and would not be heard of otherwise. What fails is made up
// for by the next one.
func keepPresent(ctx context.Context, meta *metarpc.Client) {
	ticker := time.NewTicker(metadata.SessionRenew)
	defer ticker.Stop()
	for {
		call, cancel := context.WithTimeout(ctx, metadata.SessionRenew)
		_ = meta.Present(call)
		cancel()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
