package metarpc

import (
	"context"
	"math/rand/v2"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Heartbeat implements Leader. It is not repeated: the next one says more.
func (r *Remote) Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	once := r.once()
	var a metapb.HeartbeatReply
	if err := once.call(ctx, methodHeartbeat, heartbeatToPB(h), &a, false); err != nil {
		r.rotate(once.current)
		return metadata.HeartbeatReply{}, err
	}
	return replyFromPB(&a), nil
}

// once is r without repetitions.
func (r *Remote) once() *Remote {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Remote{endpoint: r.endpoint, addrs: r.addrs, current: r.current, retryFor: -1}
}

// Grant implements Leader. Its repetitions have one nonce, so that they bring
// one lease. A caller who repeats a call whose outcome is unknown sets the nonce
// itself: a lease that nobody knows of counts until the session ends.
func (r *Remote) Grant(ctx context.Context, q metadata.GrantRequest) (metadata.Lease, error) {
	if q.Nonce == 0 {
		q.Nonce = rand.Uint64() | 1
	}
	m := &metapb.GrantRequest{
		Session: uint64(q.Session), Replicas: uint32(q.Replicas), Near: uint64(q.Near), Nonce: q.Nonce,
	}
	for _, n := range q.Avoid {
		m.Avoid = append(m.Avoid, uint64(n))
	}
	var a metapb.Lease
	if err := r.call(ctx, methodGrant, m, &a, true); err != nil {
		return metadata.Lease{}, err
	}
	return leaseFromPB(&a), nil
}

// Renew implements Leader.
func (r *Remote) Renew(ctx context.Context, s metadata.SessionID, p metadata.Presence) error {
	return r.call(ctx, methodRenew, &metapb.RenewRequest{
		Session: uint64(s), Node: uint64(p.Node), Presence: presenceToPB(p),
	}, &metapb.RenewReply{}, true)
}

// Drop implements Leader. A repetition of one that was applied is refused as
// stale, and the caller learns the new epoch from Volumes.
func (r *Remote) Drop(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, rep metadata.Replica) (
	metadata.Lease, error) {
	m := &metapb.DropRequest{
		Session: uint64(s), Volume: uint64(p.Volume), Epoch: uint64(p.Epoch), Replica: replicaToPB(rep),
	}
	var a metapb.Lease
	if err := r.call(ctx, methodDrop, m, &a, true); err != nil {
		return metadata.Lease{}, err
	}
	return leaseFromPB(&a), nil
}

// Volumes implements Leader.
func (r *Remote) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	m := &metapb.VolumesRequest{Ids: make([]uint64, len(ids))}
	for i, id := range ids {
		m.Ids[i] = uint64(id)
	}
	var a metapb.VolumesReply
	if err := r.call(ctx, methodVolumes, m, &a, true); err != nil {
		return nil, err
	}
	return viewsFromPB(&a), nil
}

// Nodes implements Leader.
func (r *Remote) Nodes(ctx context.Context) ([]metadata.Node, error) {
	var a metapb.NodesReply
	if err := r.call(ctx, methodNodes, &metapb.NodesRequest{}, &a, true); err != nil {
		return nil, err
	}
	return nodesFromPB(&a), nil
}

// RenewCertificate asks for a new certificate for the caller's own identity.
func (r *Remote) RenewCertificate(ctx context.Context, csr []byte) (Enrolment, error) {
	var a metapb.JoinReply
	if err := r.call(ctx, methodCertificate, &metapb.CertRequest{Csr: csr}, &a, true); err != nil {
		return Enrolment{}, err
	}
	return enrolmentFromPB(&a), nil
}

var _ joiner = (*quicwire.Endpoint)(nil)
