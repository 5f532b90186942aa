package fleet

import (
	"context"
	"time"

	"kendfs/metadata"
)

const (
	volumesOfPage  = 1000
	deadOfPage     = 8192
	leasedLooksMax = 256 // leased volumes whose counters are looked at in one go
)

// refresh brings the term's copy of the records up to date: only what changed
// since the fleet version it is of.
func (f *Fleet) refresh(ctx context.Context, t *term) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	info, err := f.cfg.Store.Cluster(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	known := t.info.FleetVersion
	f.mu.Unlock()
	if info.FleetVersion != known {
		if err := f.reload(ctx, t, known); err != nil {
			return err
		}
	}
	f.mu.Lock()
	// The version was read before the records: what changed in between is
	// read again next time, nothing is missed.
	t.info = info
	look := time.Since(t.leasedSeen) >= leasedInterval
	if look {
		t.leasedSeen = time.Now()
	}
	f.mu.Unlock()
	if look {
		return f.lookAtLeased(ctx, t)
	}
	return f.lookAtShort(ctx, t)
}

// reload reads nodes, sessions and the volumes that changed after that version.
func (f *Fleet) reload(ctx context.Context, t *term, after uint64) error {
	nodes, err := f.cfg.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	sessions, err := f.cfg.Store.Sessions(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	t.mergeNodes(nodes)
	t.mergeSessions(sessions, time.Now())
	f.mu.Unlock()
	last, more := metadata.VolumeID(0), true
	for more {
		var page []metadata.Volume
		if page, more, err = f.cfg.Store.Volumes(ctx, last, after, volumesOfPage); err != nil {
			return err
		}
		f.mu.Lock()
		for _, v := range page {
			t.mergeVolume(v)
			last = v.ID
		}
		f.mu.Unlock()
		more = more && len(page) > 0
	}
	return nil
}

// lookAtLeased updates the counters of volumes that are being written: commits
// do not raise the fleet version.
func (f *Fleet) lookAtLeased(ctx context.Context, t *term) error {
	return f.lookAt(ctx, t, func(*volume) bool { return true })
}

// lookAtShort updates the counters of volumes that are being written, lack
// replicas and held nothing when last looked at: what was committed to them
// since is at risk now, not in ten seconds. It looks ahead to the next tick,
// since plans are made in between, too: none may find a node down and not know
// what its volumes hold. While no data at all is known, it looks at every one:
// who has stored a first file must not read that there is nothing to lose.
func (f *Fleet) lookAtShort(ctx context.Context, t *term) error {
	f.mu.Lock()
	w := t.world(time.Now().Add(tickInterval), f.limits(t))
	nothing := true
	for _, v := range w.volumes {
		if nothing = v.Blocks == 0; !nothing {
			break
		}
	}
	f.mu.Unlock()
	return f.lookAt(ctx, t, func(v *volume) bool { return v.Blocks == 0 && (nothing || w.census(v).live < v.Target) })
}

// lookAt reads leased volumes that match.
func (f *Fleet) lookAt(ctx context.Context, t *term, match func(*volume) bool) error {
	var ids []metadata.VolumeID
	f.mu.Lock()
	for id, v := range t.volumes {
		if v.State == metadata.VolumeLeased && len(ids) < leasedLooksMax && match(v) {
			ids = append(ids, id)
		}
	}
	f.mu.Unlock()
	for _, id := range ids {
		if _, err := f.loadVolume(ctx, t, id); err != nil {
			return err
		}
	}
	return nil
}

// loadVolume reads one volume.
func (f *Fleet) loadVolume(ctx context.Context, t *term, id metadata.VolumeID) (*volume, error) {
	if id == 0 {
		return nil, nil
	}
	page, _, err := f.cfg.Store.Volumes(ctx, id-1, 0, 1)
	if err != nil || len(page) == 0 || page[0].ID != id {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return t.mergeVolume(page[0]), nil
}

// reloadEvery bounds how often unknown callers make the leader read.
const reloadEvery = 50 * time.Millisecond

// reloadClients reads nodes and sessions again because somebody unknown has
// called, who may have joined a moment ago. Callers that come together share
// one reading, which begins after all their calls: to skip it would refuse who
// has just been let in.
func (f *Fleet) reloadClients(ctx context.Context, t *term) error {
	called := time.Now()
	select {
	case f.reading <- struct{}{}:
		defer func() { <-f.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	last := t.nodesRead
	f.mu.Unlock()
	if last.After(called) {
		return nil
	}
	select {
	case <-time.After(reloadEvery - time.Since(last)):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	t.nodesRead = time.Now()
	f.mu.Unlock()
	return f.readClients(ctx, t)
}

func (f *Fleet) readClients(ctx context.Context, t *term) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	nodes, err := f.cfg.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	sessions, err := f.cfg.Store.Sessions(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mergeNodes(nodes)
	t.mergeSessions(sessions, time.Now())
	return nil
}

// clock returns the time of the namespace, in which blocks die. This machine's
// clock counts only for the moment since the last command: it may be wrong, or
// another's may have been. Reap comes at least every reapInterval.
func (t *term) clock(now time.Time) time.Time {
	switch latest := t.info.Now.Add(reapInterval); {
	case now.Before(t.info.Now):
		return t.info.Now
	case now.After(latest):
		return latest
	}
	return now
}

// gatherDead looks for dead blocks whose grace is over, page after page.
func (f *Fleet) gatherDead(ctx context.Context, t *term) {
	f.mu.Lock()
	now := time.Now()
	due := t.info.Dead > 0 && now.Sub(t.gathered) >= gatherInterval
	if due {
		t.gathered = now
	}
	before, after := t.clock(now).Add(-t.info.Grace), t.cursor
	f.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	page, more, err := f.cfg.Store.DeadBlocks(ctx, before, after, deadOfPage)
	if err != nil {
		f.warn(ctx, "listing dead blocks", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.world(now, f.limits(t)).gather(page)
	t.cursor = nil
	if more && len(page) > 0 {
		last := page[len(page)-1]
		t.cursor = &last
	}
}
