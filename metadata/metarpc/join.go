package metarpc

import (
	"context"
	"crypto/sha256"
	"slices"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Bounds of what a joining node says about itself.
const (
	nodeNameBytesMax = 64
	addrBytesMax     = 255
)

// join enrols a node. The caller has no certificate yet: the token is all
// there is, and the state machine counts its uses down in the same command
// that assigns the node's id.
func (s *Server) join(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	var r metapb.JoinRequest
	if err := proto.Unmarshal(req, &r); err != nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "join request does not decode: %w", err)
	}
	if len(r.GetName()) > nodeNameBytesMax || len(r.GetAddr()) > addrBytesMax ||
		len(r.GetZone()) > nodeNameBytesMax || len(r.GetRoles()) == 0 || len(r.GetRoles()) > len(roles()) {
		return nil, metadata.Errorf(metadata.KindInvalid, "join request names no roles or has too long names")
	}
	for _, role := range r.GetRoles() {
		if !slices.Contains(roles(), role) {
			return nil, metadata.Errorf(metadata.KindInvalid, "%q is not a role", role)
		}
	}
	sum := sha256.Sum256(r.GetSecret())
	res, err := resultErr(s.Backend.Propose(ctx, &metapb.Command{Op: &metapb.Command_Join{Join: &metapb.Join{
		Token: r.GetToken(), SecretSha256: sum[:], Node: &metapb.NodeRow{
			Name: r.GetName(), Addr: r.GetAddr(), Zone: r.GetZone(), Roles: r.GetRoles(),
		},
	}}}))
	if err != nil {
		return nil, err
	}
	cl, err := s.Backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{}}})
	if err != nil {
		return nil, err
	}
	id := quicwire.Identity{Cluster: cl.GetCluster().GetCluster(), Node: res.GetId(), Roles: r.GetRoles()}
	cert, ca, err := s.Issue(ctx, r.GetCsr(), id)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&metapb.JoinReply{
		Node: id.Node, Cluster: id.Cluster, Cert: cert, Ca: ca, Nameservers: s.Nameservers(),
	})
}

// Enrolment is what a node gets when it has joined.
type Enrolment struct {
	Node        metadata.NodeID
	Cluster     string
	Cert, CA    []byte // DER
	Nameservers []string
}

func enrolmentFromPB(r *metapb.JoinReply) Enrolment {
	return Enrolment{
		Node: metadata.NodeID(r.GetNode()), Cluster: r.GetCluster(), Cert: r.GetCert(), CA: r.GetCa(),
		Nameservers: r.GetNameservers(),
	}
}

// JoinRequest is what a node says of itself when it joins.
type JoinRequest struct {
	Name, Addr, Zone string
	Roles            []string
	CSR              []byte // DER
}

// joiner is the part of an endpoint that a join needs: it checks the
// nameserver's authority against the token before it sends anything.
type joiner interface {
	Join(ctx context.Context, t quicwire.Token, method uint32, req []byte) ([]byte, error)
}

// Join enrols this node with a nameserver that the token names. The endpoint
// needs no credentials.
func Join(ctx context.Context, e joiner, t quicwire.Token, r JoinRequest) (Enrolment, error) {
	req, err := proto.Marshal(&metapb.JoinRequest{
		Token: t.ID, Secret: t.Secret, Csr: r.CSR, Name: r.Name, Addr: r.Addr, Zone: r.Zone, Roles: r.Roles,
	})
	if err != nil {
		return Enrolment{}, err
	}
	ans, err := e.Join(ctx, t, methodJoin, req)
	if err != nil {
		return Enrolment{}, wireErr(err)
	}
	var rep metapb.JoinReply
	if err := proto.Unmarshal(ans, &rep); err != nil {
		return Enrolment{}, metadata.Errorf(metadata.KindInvalid, "answer to the join does not decode: %w", err)
	}
	return enrolmentFromPB(&rep), nil
}
