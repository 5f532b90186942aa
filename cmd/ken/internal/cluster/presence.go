package cluster

import (
	"context"
	"time"

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
