package blockio

import (
	"context"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of the cache of volume locations.
const (
	volumesMax    = 16384            // volumes; at about 200 bytes each
	volumesFresh  = time.Minute      // then asked for again, so that moved replicas are found
	volumesRetry  = time.Second      // a volume is not asked for again sooner
	volumesAsk    = 64               // volumes located in one call ahead of need
	volumesFailed = 10 * time.Second // an old answer serves this long when no new one is to be had
)

// volumes remembers where the replicas of volumes are.
type volumes struct {
	leaser metadata.Leaser

	mu   sync.Mutex
	byID map[metadata.VolumeID]location // guarded by mu
}

type location struct {
	replicas []metadata.Located // never changed in place
	epoch    metadata.Epoch
	fetched  time.Time
}

func newVolumes(l metadata.Leaser) *volumes {
	return &volumes{leaser: l, byID: make(map[metadata.VolumeID]location)}
}

// locate returns the replicas of a volume, from the cache unless it is old.
func (v *volumes) locate(ctx context.Context, id metadata.VolumeID) ([]metadata.Located, error) {
	v.mu.Lock()
	loc, ok := v.byID[id]
	v.mu.Unlock()
	if ok && time.Since(loc.fetched) < volumesFresh {
		return loc.replicas, nil
	}
	return v.relocate(ctx, id)
}

// relocate asks the nameserver, unless it has just been asked. When it does not
// answer, the old locations serve: blocks rarely move, and every byte is
// verified anyway.
func (v *volumes) relocate(ctx context.Context, id metadata.VolumeID) ([]metadata.Located, error) {
	v.mu.Lock()
	loc, known := v.byID[id]
	v.mu.Unlock()
	if known && time.Since(loc.fetched) < volumesRetry {
		return loc.replicas, nil
	}
	views, err := v.fetch(ctx, []metadata.VolumeID{id})
	if err != nil {
		if !known || ctx.Err() != nil {
			return nil, err
		}
		v.mu.Lock()
		loc.fetched = time.Now().Add(volumesFailed - volumesFresh)
		v.byID[id] = loc
		v.mu.Unlock()
		return loc.replicas, nil
	}
	view, ok := views[id]
	if !ok {
		return nil, metadata.Errorf(metadata.KindNotFound, "there is no volume %v", id)
	}
	return view.Located, nil
}

// fetch asks the nameserver for volumes and remembers the answers.
func (v *volumes) fetch(ctx context.Context, ids []metadata.VolumeID) (map[metadata.VolumeID]metadata.VolumeView, error) {
	views := make(map[metadata.VolumeID]metadata.VolumeView, len(ids))
	for len(ids) > 0 {
		page := ids[:min(len(ids), volumesAsk)]
		ids = ids[len(page):]
		got, err := v.leaser.Volumes(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, view := range got {
			views[view.ID] = view
			v.set(view.ID, view.Epoch, view.Located)
		}
	}
	return views, nil
}

// prime remembers the replicas of a volume just leased.
func (v *volumes) prime(l metadata.Lease) { v.set(l.Volume, l.Epoch, l.Replicas) }

func (v *volumes) set(id metadata.VolumeID, epoch metadata.Epoch, replicas []metadata.Located) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, ok := v.byID[id]
	if ok && old.epoch > epoch {
		return
	}
	if !ok && len(v.byID) >= volumesMax {
		for victim := range v.byID { // any: map order is as good as a clock here
			delete(v.byID, victim)
			break
		}
	}
	v.byID[id] = location{replicas: replicas, epoch: epoch, fetched: time.Now()}
}
