package fleet

import (
	"context"
	"time"

	"kendfs/metadata"
)

// Bounds of the calls.
const (
	leaseIDs      = 1 << 20 // local ids in one lease; unused ones are lost, there are 2^62
	grantTries    = 4       // when plans are overtaken by events
	volumesOfCall = 4096
)

func errSessionOver(id metadata.SessionID) error {
	return metadata.Errorf(metadata.KindStale, "session %d is over", id)
}

// knowSession returns the term if the session is open in it.
func (f *Fleet) knowSession(ctx context.Context, id metadata.SessionID) (*term, error) {
	for try := range 2 {
		f.mu.Lock()
		t, err := f.leading()
		var s *session
		if err == nil {
			s = t.sessions[id]
		}
		over := s != nil && s.closing
		f.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case over:
			return nil, errSessionOver(id)
		case s != nil:
			return t, nil
		case try == 0: // it may have been opened a moment ago
			if err := f.reloadClients(ctx, t); err != nil {
				return nil, err
			}
		}
	}
	return nil, errSessionOver(id)
}

// Grant leases a volume to a session; see metadata.Leaser. KindNoSpace: the
// disks are full. KindUnavailable: too few storage servers answer. KindReadOnly.
// KindStale: the session is over. With a Nonce it may be repeated, also towards
// another leader: the namespace knows which lease it has brought.
func (f *Fleet) Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	t, err := f.knowSession(ctx, r.Session)
	if err != nil {
		return metadata.Lease{}, err
	}
	for range grantTries {
		var l metadata.Lease
		if l, err = f.grantOnce(ctx, t, r); err == nil {
			return l, nil
		}
		if k := metadata.KindOf(err); k != metadata.KindStale && k != metadata.KindConflict {
			return metadata.Lease{}, err
		}
		if _, err := f.knowSession(ctx, r.Session); err != nil {
			return metadata.Lease{}, err
		}
		if err := f.refresh(ctx, t); err != nil {
			return metadata.Lease{}, err
		}
	}
	return metadata.Lease{}, metadata.Errorf(metadata.KindBusy, "no lease could be granted, volumes change too fast: %w", err)
}

func (f *Fleet) grantOnce(ctx context.Context, t *term, r metadata.GrantRequest) (metadata.Lease, error) {
	f.mu.Lock()
	g, err := f.planGrant(t, r)
	f.mu.Unlock()
	if err != nil {
		return metadata.Lease{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	v, from, to, err := f.cfg.Store.GrantLease(ctx, g)
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := t.volumes[g.Volume]; known != nil {
		known.granting = false
	}
	if err != nil {
		return metadata.Lease{}, err
	}
	t.mergeVolume(v).unimpair()
	return t.lease(v, from, to, f.limits(t)), nil
}

// planGrant chooses what to lease and keeps plans off it. The caller holds mu.
func (f *Fleet) planGrant(t *term, r metadata.GrantRequest) (LeaseGrant, error) {
	if t.info.ReadOnly {
		return LeaseGrant{}, metadata.Errorf(metadata.KindReadOnly, "writing is switched off")
	}
	if r.Replicas == 0 {
		r.Replicas = t.info.Replication
	}
	if r.Replicas < 1 || r.Replicas > metadata.ReplicasMax {
		return LeaseGrant{}, metadata.Errorf(metadata.KindInvalid, "%d replicas: want 1 to %d", r.Replicas, metadata.ReplicasMax)
	}
	c, err := placeLease(t.world(time.Now(), f.limits(t)), r, f.rng)
	if err != nil {
		return LeaseGrant{}, err
	}
	g := LeaseGrant{Session: r.Session, Replicas: c.replicas, Target: r.Replicas, Count: leaseIDs, Nonce: r.Nonce}
	if c.reuse != nil {
		c.reuse.granting = true
		g.Volume, g.Epoch = c.reuse.ID, c.reuse.Epoch
	}
	return g, nil
}

// lease makes the lease of a volume as its holder wants it.
func (t *term) lease(v metadata.Volume, from, to metadata.LocalID, lim Limits) metadata.Lease {
	return metadata.Lease{
		Volume: v.ID, Epoch: v.Epoch, Session: v.Lessee, From: from, To: to,
		Replicas: t.world(time.Now(), lim).located(v.Replicas),
	}
}

// Drop removes a replica that failed its writer from a leased volume and
// returns the lease in its new epoch. KindStale: the lease is over.
// KindUnavailable: too few replicas would remain.
func (f *Fleet) Drop(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, r metadata.Replica) (metadata.Lease, error) {
	t, err := f.knowSession(ctx, s)
	if err != nil {
		return metadata.Lease{}, err
	}
	if s == 0 {
		return metadata.Lease{}, errSessionOver(s)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	v, err := f.cfg.Store.DropReplica(ctx, ReplicaDrop{Volume: p.Volume, Epoch: p.Epoch, Replica: r, Session: s})
	if err != nil {
		return metadata.Lease{}, err
	}
	f.log.Info("replica dropped by its writer", "volume", p.Volume, "node", r.Node, "disk", r.Disk, "session", s)
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mergeVolume(v)
	// A lease's ids lie between the fence and the next id to hand out.
	return t.lease(v, v.Fence, v.Next, f.limits(t)), nil
}

// Volumes locates the replicas of volumes; ids that do not exist are left out.
func (f *Fleet) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	if len(ids) > volumesOfCall {
		return nil, metadata.Errorf(metadata.KindTooLarge, "%d volumes at once: at most %d", len(ids), volumesOfCall)
	}
	f.mu.Lock()
	t, err := f.leading()
	var unknown []metadata.VolumeID
	if err == nil {
		for _, id := range ids {
			if t.volumes[id] == nil {
				unknown = append(unknown, id)
			}
		}
	}
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, id := range unknown[:min(len(unknown), 16)] { // made a moment ago, or invented
		if _, err := f.loadVolume(ctx, t, id); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w := t.world(time.Now(), f.limits(t))
	out := make([]metadata.VolumeView, 0, len(ids))
	for _, id := range ids {
		if v := t.volumes[id]; v != nil {
			out = append(out, metadata.VolumeView{
				Volume: v.Volume, Located: w.located(v.Replicas), Recall: v.recall && v.State == metadata.VolumeLeased,
			})
		}
	}
	return out, nil
}

// Nodes returns all nodes with what the leader knows of them, in order of id.
func (f *Fleet) Nodes(context.Context) ([]metadata.Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return nil, err
	}
	return t.nodeViews(t.world(time.Now(), f.limits(t))), nil
}
