package blockio

import (
	"context"
	"slices"

	"kendfs/metadata"
)

// drop takes a failed replica out of a leased volume. KindUnavailable: too few
// would remain, and the lease takes no further block; KindStale: it is over.
func (l *leases) drop(ctx context.Context, x *lease, r metadata.Replica) error {
	x.dropping.Lock()
	defer x.dropping.Unlock()
	for attempt := 0; ; attempt++ {
		if !x.has(r) {
			return nil // dropped meanwhile for another block
		}
		if x.over() {
			return metadata.Errorf(metadata.KindStale, "the lease of %v is over", x.volume)
		}
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		got, err := l.cfg.Leaser.DropReplica(callCtx, x.session.id, x.proof(), r)
		cancel()
		if err == nil {
			x.update(got.Epoch, got.Replicas)
			l.volumes.prime(got)
			l.cfg.Logger.Warn("replica dropped from a volume being written", "volume", uint64(x.volume),
				"node", uint64(r.Node), "disk", r.Disk.String())
			return nil
		}
		if metadata.KindOf(err) != metadata.KindStale || attempt > 0 {
			x.retire(false)
			return err
		}
		// The answer to an earlier drop may have been lost: look before giving up.
		if err := l.reconcile(ctx, []*lease{x}); err != nil {
			return err
		}
	}
}

// reconcile compares leases with what the nameserver says of their volumes: it
// takes over newer epochs and marks those as ended that are not this session's
// any more. An error means that it could not be found out.
func (l *leases) reconcile(ctx context.Context, xs []*lease) error {
	ids := make([]metadata.VolumeID, 0, len(xs))
	for _, x := range xs {
		ids = append(ids, x.volume)
	}
	slices.Sort(ids)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	views, err := l.volumes.fetch(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, x := range xs {
		v, ok := views[x.volume]
		if !ok || v.State != metadata.VolumeLeased || v.Lessee != x.session.id || uint64(v.Fence) >= x.to {
			x.retire(true)
			continue
		}
		x.update(v.Epoch, v.Located)
	}
	return nil
}

// heed asks the leader which leases it wants back, because their volumes need
// repair or have to move, and retires those: they are released when what is
// uncommitted in them is committed, while new blocks go elsewhere.
func (l *leases) heed(ctx context.Context) {
	held := make(map[metadata.VolumeID]*lease)
	var ids []metadata.VolumeID
	l.mu.Lock()
	for x := range l.all {
		if !x.over() {
			held[x.volume] = x
			ids = append(ids, x.volume)
		}
	}
	l.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	views, err := l.volumes.fetch(ctx, ids)
	if err != nil {
		return // asked again with the next tick
	}
	for id, x := range held {
		if v := views[id]; v.Recall && v.Lessee == x.session.id && x.recall() {
			l.recalls.Add(1)
			l.cfg.Logger.Info("lease is given back: its volume needs repair or moves", "volume", uint64(id))
		}
	}
}

// dropDead takes replicas that the leader does not hear from out of volumes
// with uncommitted blocks: otherwise the leader would soon do it, which ends
// the lease and loses the blocks. Only servers that failed here are asked after.
func (l *leases) dropDead(ctx context.Context) {
	type suspect struct {
		lease   *lease
		replica metadata.Replica
	}
	var suspects []suspect
	var ids []metadata.VolumeID
	l.mu.Lock()
	for x := range l.all {
		if !x.uncommitted() {
			continue
		}
		_, replicas := x.view()
		for _, r := range replicas {
			if l.nodes.failed(r.Node) {
				suspects = append(suspects, suspect{x, r.Replica})
				ids = append(ids, x.volume)
			}
		}
	}
	l.mu.Unlock()
	if len(suspects) == 0 {
		return
	}
	slices.Sort(ids)
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	views, err := l.volumes.fetch(callCtx, slices.Compact(ids))
	cancel()
	if err != nil {
		return // asked again with the next tick
	}
	for _, s := range suspects {
		dead := slices.ContainsFunc(views[s.lease.volume].Located, func(r metadata.Located) bool {
			return r.Replica == s.replica && !r.Live
		})
		if dead {
			if err := l.drop(ctx, s.lease, s.replica); err != nil {
				l.cfg.Logger.Warn("volume with uncommitted blocks keeps a dead replica",
					"volume", uint64(s.lease.volume), "node", uint64(s.replica.Node), "err", err)
			}
		}
	}
}
