package metarpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Server answers the nameserver's calls. It holds no state.
type Server struct {
	Backend Backend
	Leader  Leader
	// Issue signs a certificate request for an identity that is entitled to it.
	Issue func(ctx context.Context, csr []byte, id quicwire.Identity) (cert, ca []byte, err error)
	// Nameservers are the addresses that a joining node will use.
	Nameservers func() []string
}

// Register hangs the server's handlers on the endpoint.
func (s *Server) Register(e *quicwire.Endpoint) {
	calls := map[uint32]quicwire.CallFunc{}
	for m, f := range s.calls() {
		calls[m] = func(ctx context.Context, p quicwire.Peer, req []byte) ([]byte, error) {
			if !rightsOf(p).method(m) {
				return nil, denied(p)
			}
			return f(ctx, p, req)
		}
	}
	e.Handle(quicwire.ServiceMeta, roles(), quicwire.Handler{Calls: calls})
	e.Handle(quicwire.ServiceJoin, nil, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		methodJoin: s.join,
	}})
}

func denied(p quicwire.Peer) error {
	return metadata.Errorf(metadata.KindDenied, "node n%d with roles %v may not do that", p.Node, p.Roles)
}

// serve decodes a request, calls f and encodes its answer.
func serve[Q any, P interface {
	*Q
	proto.Message
}, A proto.Message](f func(context.Context, quicwire.Peer, P) (A, error)) quicwire.CallFunc {
	return func(ctx context.Context, p quicwire.Peer, req []byte) ([]byte, error) {
		q := P(new(Q))
		if err := proto.Unmarshal(req, q); err != nil {
			return nil, metadata.Errorf(metadata.KindInvalid, "request does not decode: %w", err)
		}
		a, err := f(ctx, p, q)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(a)
	}
}

func (s *Server) calls() map[uint32]quicwire.CallFunc {
	return map[uint32]quicwire.CallFunc{
		methodPropose:     serve(s.propose),
		methodQuery:       serve(s.query),
		methodHeartbeat:   serve(s.heartbeat),
		methodGrant:       serve(s.grant),
		methodRenew:       serve(s.renew),
		methodDrop:        serve(s.drop),
		methodVolumes:     serve(s.volumes),
		methodNodes:       serve(s.nodes),
		methodStatus:      serve(s.status),
		methodCertificate: serve(s.certificate),
		methodRepairs:     serve(s.repairs),
		methodStop:        serve(s.stop),
		methodZone:        serve(s.zone),
		methodWatch:       serve(s.watch),
		methodPrioritise:  serve(s.prioritise),
	}
}

func (s *Server) propose(ctx context.Context, p quicwire.Peer, c *metapb.Command) (*metapb.Result, error) {
	if !rightsOf(p).propose(c) {
		return nil, denied(p)
	}
	c.Actor = actorOf(p, c.GetActor())
	return s.Backend.Propose(ctx, c)
}

func (s *Server) query(ctx context.Context, p quicwire.Peer, q *metapb.Query) (*metapb.Answer, error) {
	if !rightsOf(p).query(q) {
		return nil, denied(p)
	}
	return s.Backend.Query(ctx, q)
}

func (s *Server) heartbeat(ctx context.Context, p quicwire.Peer, h *metapb.Heartbeat) (
	*metapb.HeartbeatReply, error) {
	if h.GetNode() != p.Node {
		return nil, metadata.Errorf(metadata.KindDenied, "node n%d reports as n%d", p.Node, h.GetNode())
	}
	if len(h.GetDigests()) > metadata.HeartbeatDigestsMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "heartbeat has more than %d digests",
			metadata.HeartbeatDigestsMax)
	}
	r, err := s.Leader.Heartbeat(ctx, heartbeatFromPB(h))
	if err != nil {
		return nil, err
	}
	return replyToPB(r), nil
}

func (s *Server) grant(ctx context.Context, _ quicwire.Peer, r *metapb.GrantRequest) (*metapb.Lease, error) {
	q := metadata.GrantRequest{
		Session: metadata.SessionID(r.GetSession()), Replicas: int(r.GetReplicas()),
		Near: metadata.NodeID(r.GetNear()), Nonce: r.GetNonce(),
	}
	for _, n := range r.GetAvoid() {
		q.Avoid = append(q.Avoid, metadata.NodeID(n))
	}
	l, err := s.Leader.Grant(ctx, q)
	if err != nil {
		return nil, err
	}
	return leaseToPB(l), nil
}

func (s *Server) renew(ctx context.Context, p quicwire.Peer, r *metapb.RenewRequest) (
	*metapb.RenewReply, error) {
	said := presenceFromPB(r.GetPresence())
	// Not what it says it is: a presence is its sender's own.
	said.Node = metadata.NodeID(p.Node)
	return &metapb.RenewReply{}, s.Leader.Renew(ctx, metadata.SessionID(r.GetSession()), said)
}

func (s *Server) drop(ctx context.Context, _ quicwire.Peer, r *metapb.DropRequest) (*metapb.Lease, error) {
	l, err := s.Leader.Drop(ctx, metadata.SessionID(r.GetSession()), metadata.LeaseProof{
		Volume: metadata.VolumeID(r.GetVolume()), Epoch: metadata.Epoch(r.GetEpoch()),
	}, replicaFromPB(r.GetReplica()))
	if err != nil {
		return nil, err
	}
	return leaseToPB(l), nil
}

// volumesMax bounds one Volumes call.
const volumesMax = 4096

func (s *Server) volumes(ctx context.Context, _ quicwire.Peer, r *metapb.VolumesRequest) (
	*metapb.VolumesReply, error) {
	if len(r.GetIds()) > volumesMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "more than %d volumes asked for", volumesMax)
	}
	ids := make([]metadata.VolumeID, len(r.GetIds()))
	for i, id := range r.GetIds() {
		ids[i] = metadata.VolumeID(id)
	}
	vs, err := s.Leader.Volumes(ctx, ids)
	if err != nil {
		return nil, err
	}
	return viewsToPB(vs), nil
}

func (s *Server) nodes(ctx context.Context, _ quicwire.Peer, _ *metapb.NodesRequest) (
	*metapb.NodesReply, error) {
	ns, err := s.Leader.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return nodesToPB(ns), nil
}

// certificate renews the caller's own certificate: same node, same roles.
func (s *Server) certificate(ctx context.Context, p quicwire.Peer, r *metapb.CertRequest) (
	*metapb.JoinReply, error) {
	cert, ca, err := s.Issue(ctx, r.GetCsr(), p.Identity)
	if err != nil {
		return nil, err
	}
	return &metapb.JoinReply{
		Node: p.Node, Cluster: p.Cluster, Cert: cert, Ca: ca, Nameservers: s.Nameservers(),
	}, nil
}

// joinTimeout bounds one enrolment.
const joinTimeout = 15 * time.Second
