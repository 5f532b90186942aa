package fleet

import (
	"context"
	"time"

	"kendfs/metadata"
)

// planAndPropose makes a plan and carries it out: its orders wait for the
// heartbeats of their nodes, its changes are proposed now.
func (f *Fleet) planAndPropose(ctx context.Context, t *term) {
	f.mu.Lock()
	now := time.Now()
	w := t.world(now, f.limits(t))
	t.orders.expire(w)
	if now.Sub(t.silentSeen) >= silentInterval {
		t.silentSeen = now
		w.findSilent()
	}
	p := makePlan(w)
	t.meter.tick(now)
	f.renewStatus(t, w, p)
	t.planCost = time.Since(now)
	f.mu.Unlock()

	var calls []func(context.Context)
	for _, d := range p.drops {
		calls = append(calls, func(ctx context.Context) { f.dropReplica(ctx, t, d) })
	}
	for _, r := range p.releases {
		calls = append(calls, func(ctx context.Context) { f.releaseLease(ctx, t, r) })
	}
	for _, b := range p.reaps {
		calls = append(calls, func(ctx context.Context) { f.reapBlocks(ctx, t, b) })
	}
	f.propose(ctx, calls)
}

func (f *Fleet) dropReplica(ctx context.Context, t *term, d plannedDrop) {
	v, err := f.cfg.Store.DropReplica(ctx, d.ReplicaDrop)
	if err != nil {
		f.warn(ctx, "dropping a replica", err, "volume", d.Volume, "node", d.Replica.Node, "disk", d.Replica.Disk)
		return
	}
	f.log.Debug("replica dropped", "volume", d.Volume, "node", d.Replica.Node, "disk", d.Replica.Disk)
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mergeVolume(v)
	k := copyKey{d.Volume, d.Replica.Disk}
	delete(t.suspects, k)
	w := t.world(time.Now(), f.limits(t))
	if disk := w.disks[d.Replica.Disk]; d.forget && disk != nil && t.orders.free(k, w.now) {
		t.orders.add(dropOrder(disk, v.ID, v.Epoch), w.now)
	}
}

func (f *Fleet) releaseLease(ctx context.Context, t *term, r plannedRelease) {
	v, err := f.cfg.Store.ReleaseLease(ctx, r.session, r.volume)
	if err != nil {
		f.warn(ctx, "ending a lease", err, "volume", r.volume, "session", r.session)
		return
	}
	f.log.Info("lease ended: its volume needs repair", "volume", r.volume, "session", r.session)
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mergeVolume(v).unimpair()
}

func (f *Fleet) reapBlocks(ctx context.Context, t *term, b *reaping) {
	v, err := f.cfg.Store.Reaped(ctx, b.volume, b.blocks)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.warn(ctx, "reaping dead blocks", err, "volume", b.volume)
		if k := metadata.KindOf(err); k != metadata.KindUnavailable && k != metadata.KindTimeout {
			delete(t.reapings, b.volume)
		}
		return
	}
	t.mergeVolume(v)
	delete(t.reapings, b.volume)
}

// settleResults proposes what the success of orders means.
func (f *Fleet) settleResults(ctx context.Context, t *term) {
	f.mu.Lock()
	done := t.results
	t.results = nil
	f.mu.Unlock()
	var calls []func(context.Context)
	for _, o := range done {
		calls = append(calls, func(ctx context.Context) { f.settleResult(ctx, t, o) })
	}
	f.propose(ctx, calls)
}

// settleResult proposes the success of a comparison or a copy. If that fails,
// the order is given again if it still makes sense: done a second time it costs
// little.
func (f *Fleet) settleResult(ctx context.Context, t *term, o *order) {
	var v metadata.Volume
	var err error
	if o.class == classFence {
		v, err = f.cfg.Store.Synced(ctx, o.Volume, o.Epoch, o.Disk)
	} else {
		v, err = f.cfg.Store.AddReplica(ctx, o.Volume, o.Epoch, metadata.Replica{Node: o.node, Disk: o.Disk})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.orders.remove(o)
	if err != nil {
		f.warn(ctx, "booking a finished copy", err, "volume", o.Volume, "node", o.node, "disk", o.Disk)
		return
	}
	known := t.mergeVolume(v)
	known.saw(o.Disk, time.Now())
	known.noteDamage(o.Disk, false) // the copy is whole; what the next report says is newer
	delete(t.strays, o.key())
	delete(t.suspects, o.key())
	if o.class == classRepair {
		t.chronicle.copied(v.Bytes)
		f.log.Debug("replica added", "volume", o.Volume, "node", o.node, "disk", o.Disk)
	}
}
