package metarpc

import (
	"context"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Origins of changes: Actor.Origin.
const (
	OriginCLI     = "cli"
	OriginAdmin   = "admin"
	OriginGateway = "gateway"
)

type actorKey struct{}

// WithActor returns a context whose changes are asked for by a. The audit keeps
// it; whose certificate made the call is added where the call arrives.
func WithActor(ctx context.Context, a metadata.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// actorFrom returns who asks, nil when nobody said so.
func actorFrom(ctx context.Context) *metapb.Actor {
	if a, ok := ctx.Value(actorKey{}).(metadata.Actor); ok {
		return actorToPB(a)
	}
	return nil
}

// actorOf is who the audit will say it was: what the caller claims, as far as
// its certificate bears it out. The node is the certificate's, and the origin
// one that its roles can have.
func actorOf(p quicwire.Peer, claim *metapb.Actor) *metapb.Actor {
	a := &metapb.Actor{
		User: claim.GetUser(), Origin: claim.GetOrigin(), Remote: claim.GetRemote(), Request: claim.GetRequest(),
		Reason: claim.GetReason(), Node: p.Node,
	}
	var may []string
	for _, role := range p.Roles {
		switch role {
		case metadata.NodeClient:
			may = append(may, OriginCLI)
		case metadata.NodeAdmin:
			may = append(may, OriginAdmin)
		case metadata.NodeWebDAV:
			may = append(may, OriginGateway)
		case metadata.NodeNameserver:
			may = append(may, OriginCLI, OriginAdmin, OriginGateway, "")
		}
	}
	for _, o := range may {
		if o == a.Origin {
			return a
		}
	}
	a.Origin = "node"
	if len(may) > 0 {
		a.Origin = may[0]
	}
	return a
}
