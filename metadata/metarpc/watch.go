package metarpc

import (
	"context"
	"encoding/json"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// NoLeader is a Leader that does not lead: every call is refused with
// KindUnavailable. Fakes embed it.
type NoLeader struct{}

var _ Leader = NoLeader{}

// Heartbeat implements Leader.
func (NoLeader) Heartbeat(context.Context, metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	return metadata.HeartbeatReply{}, errNoLeader()
}

// Grant implements Leader.
func (NoLeader) Grant(context.Context, metadata.GrantRequest) (metadata.Lease, error) {
	return metadata.Lease{}, errNoLeader()
}

// Renew implements Leader.
func (NoLeader) Renew(context.Context, metadata.SessionID, metadata.Presence) error {
	return errNoLeader()
}

// Drop implements Leader.
func (NoLeader) Drop(context.Context, metadata.SessionID, metadata.LeaseProof, metadata.Replica) (metadata.Lease, error) {
	return metadata.Lease{}, errNoLeader()
}

// Volumes implements Leader.
func (NoLeader) Volumes(context.Context, []metadata.VolumeID) ([]metadata.VolumeView, error) {
	return nil, errNoLeader()
}

// Nodes implements Leader.
func (NoLeader) Nodes(context.Context) ([]metadata.Node, error) { return nil, errNoLeader() }

// Report implements Leader.
func (NoLeader) Report(context.Context) (health.Report, error) { return health.Report{}, errNoLeader() }

// Repairs implements Leader.
func (NoLeader) Repairs(context.Context) (health.Repairs, error) {
	return health.Repairs{}, errNoLeader()
}

// SafeToStop implements Leader.
func (NoLeader) SafeToStop(context.Context, ...metadata.NodeID) (health.StopFacts, error) {
	return health.StopFacts{}, errNoLeader()
}

// ZoneFacts implements Leader.
func (NoLeader) ZoneFacts(context.Context, metadata.NodeID, string) (health.ZoneFacts, error) {
	return health.ZoneFacts{}, errNoLeader()
}

// Watch implements Leader.
func (NoLeader) Watch(context.Context, uint64) (uint64, error) { return 0, errNoLeader() }

// Prioritise implements Leader.
func (NoLeader) Prioritise(context.Context, metadata.VolumeID) error { return errNoLeader() }

func (s *Server) status(ctx context.Context, _ quicwire.Peer, _ *metapb.StatusRequest) (
	*metapb.StatusReply, error) {
	b, err := encoded(s.Leader.Report(ctx))
	return &metapb.StatusReply{Json: b}, err
}

func (s *Server) repairs(ctx context.Context, _ quicwire.Peer, _ *metapb.RepairsRequest) (
	*metapb.RepairsReply, error) {
	b, err := encoded(s.Leader.Repairs(ctx))
	return &metapb.RepairsReply{Json: b}, err
}

func (s *Server) stop(ctx context.Context, _ quicwire.Peer, r *metapb.StopRequest) (*metapb.StopReply, error) {
	ids := make([]metadata.NodeID, len(r.GetNodes()))
	for i, id := range r.GetNodes() {
		ids[i] = metadata.NodeID(id)
	}
	b, err := encoded(s.Leader.SafeToStop(ctx, ids...))
	return &metapb.StopReply{Json: b}, err
}

func (s *Server) zone(ctx context.Context, _ quicwire.Peer, r *metapb.ZoneRequest) (*metapb.ZoneReply, error) {
	b, err := encoded(s.Leader.ZoneFacts(ctx, metadata.NodeID(r.GetNode()), r.GetZone()))
	return &metapb.ZoneReply{Json: b}, err
}

func (s *Server) watch(ctx context.Context, _ quicwire.Peer, r *metapb.WatchRequest) (*metapb.WatchReply, error) {
	v, err := s.Leader.Watch(ctx, r.GetAfter())
	return &metapb.WatchReply{Version: v}, err
}

func (s *Server) prioritise(ctx context.Context, _ quicwire.Peer, r *metapb.PrioritiseRequest) (
	*metapb.PrioritiseReply, error) {
	return &metapb.PrioritiseReply{}, s.Leader.Prioritise(ctx, metadata.VolumeID(r.GetVolume()))
}

// encoded is v as JSON, in which package health travels.
func encoded[T any](v T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// decoded is the inverse of encoded.
func decoded[T any](b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		return v, metadata.Errorf(metadata.KindInternal, "the nameserver's answer does not decode: %w", err)
	}
	return v, nil
}

// Report implements Leader.
func (r *Remote) Report(ctx context.Context) (health.Report, error) {
	var a metapb.StatusReply
	if err := r.call(ctx, methodStatus, &metapb.StatusRequest{}, &a, true); err != nil {
		return health.Report{}, err
	}
	return decoded[health.Report](a.GetJson())
}

// Repairs implements Leader.
func (r *Remote) Repairs(ctx context.Context) (health.Repairs, error) {
	var a metapb.RepairsReply
	if err := r.call(ctx, methodRepairs, &metapb.RepairsRequest{}, &a, true); err != nil {
		return health.Repairs{}, err
	}
	return decoded[health.Repairs](a.GetJson())
}

// SafeToStop implements Leader.
func (r *Remote) SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	m := &metapb.StopRequest{}
	for _, id := range ids {
		m.Nodes = append(m.Nodes, uint64(id))
	}
	var a metapb.StopReply
	if err := r.call(ctx, methodStop, m, &a, true); err != nil {
		return health.StopFacts{}, err
	}
	return decoded[health.StopFacts](a.GetJson())
}

// ZoneFacts implements Leader.
func (r *Remote) ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	var a metapb.ZoneReply
	if err := r.call(ctx, methodZone, &metapb.ZoneRequest{Node: uint64(id), Zone: zone}, &a, true); err != nil {
		return health.ZoneFacts{}, err
	}
	return decoded[health.ZoneFacts](a.GetJson())
}

// Watch implements Leader. One attempt lasts as long as the wait.
func (r *Remote) Watch(ctx context.Context, after uint64) (uint64, error) {
	var a metapb.WatchReply
	_, err := r.exchangeFor(ctx, watchAttempt, r.endpoint.Call, methodWatch, &metapb.WatchRequest{After: after}, &a, false)
	return a.GetVersion(), err
}

// Prioritise implements Leader.
func (r *Remote) Prioritise(ctx context.Context, v metadata.VolumeID) error {
	return r.call(ctx, methodPrioritise, &metapb.PrioritiseRequest{Volume: uint64(v)}, &metapb.PrioritiseReply{}, true)
}
