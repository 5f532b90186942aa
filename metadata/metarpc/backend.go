package metarpc

import (
	"context"

	"kendfs/metadata"
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
	Renew(ctx context.Context, s metadata.SessionID) error
	Drop(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, r metadata.Replica) (
		metadata.Lease, error)
	Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error)
	Nodes(ctx context.Context) ([]metadata.Node, error)
	// StatusJSON is the cluster's verdict and its facts, as `ken status -o json` prints it.
	StatusJSON(ctx context.Context) ([]byte, error)
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
