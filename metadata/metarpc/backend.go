package metarpc

import (
	"context"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// Backend is a replica of the namespace.
type Backend interface {
	// Propose has the command applied and durable on a majority. A command
	// that the state machine refused is a Result with ok unset; an error means
	// that it was not applied, or (KindTimeout) that nobody knows.
	Propose(ctx context.Context, c *metapb.Command) (*metapb.Result, error)
	// Query reads linearizably.
	Query(ctx context.Context, q *metapb.Query) (*metapb.Answer, error)
}

// Leader performs the duties of the nameserver that leads. KindUnavailable
// means that this nameserver does not lead.
type Leader interface {
	Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error)
	Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error)
	// Renew keeps a session; with session 0 it is a sign of life only.
	Renew(ctx context.Context, s metadata.SessionID, p metadata.Presence) error
	Drop(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, r metadata.Replica) (
		metadata.Lease, error)
	Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error)
	Nodes(ctx context.Context) ([]metadata.Node, error)
	// Report is the cluster's verdict and its facts, as `ken status -o json` prints it.
	Report(ctx context.Context) (health.Report, error)
	// Repairs lists the volumes that want work.
	Repairs(ctx context.Context) (health.Repairs, error)
	// SafeToStop says what would be without these nodes.
	SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error)
	// ZoneFacts says what would be if a node were in another zone.
	ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error)
	// Watch waits until the state is of another version than after, for 25 s at most.
	Watch(ctx context.Context, after uint64) (version uint64, err error)
	// Prioritise has a volume repaired before others.
	Prioritise(ctx context.Context, v metadata.VolumeID) error
}

// resultErr turns a refused command into its error.
func resultErr(r *metapb.Result, err error) (*metapb.Result, error) {
	if err != nil {
		return nil, err
	}
	if !r.GetOk() {
		return nil, &metadata.Error{Kind: metadata.Kind(r.GetKind()), Msg: r.GetMessage()}
	}
	return r, nil
}
