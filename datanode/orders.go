package datanode

import (
	"context"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of orders.
const (
	ordersMax  = 4096 // waiting; the leader gives lost ones again
	resultsMax = 4096 // not yet taken by the leader; the oldest are forgotten
	errorMax   = 512  // bytes of an error in a result
	copiedMax  = 4096 // copies remembered as just made
	copiedKept = 10 * time.Minute
)

// orders are what the leader wants done. There is at most one at a time for a
// disk's copy of a volume; whatever else is ordered for it meanwhile is left to
// be ordered again.
type orders struct {
	s      *Server
	arrive chan struct{} // capacity 1: something is in queue

	mu      sync.Mutex
	queue   []*job // guarded by mu, as all below
	jobs    map[copyKey]*job
	results []metadata.OrderResult
	copied  map[copyKey]copied
}

// copied is when, by which order, and for which epoch of its volume, a copy was
// made or compared.
type copied struct {
	epoch metadata.Epoch
	order uint64
	at    time.Time
}

// copyKey names a disk's copy of a volume.
type copyKey struct {
	disk   metadata.DiskID
	volume metadata.VolumeID
}

// job is an order being worked on or waiting.
type job struct {
	order metadata.Order // never changed; id counts, not order.ID

	id       uint64 // guarded by orders.mu, as below: what the leader calls it now
	running  bool
	progress metadata.OrderProgress
}

func newOrders(s *Server) *orders {
	return &orders{s: s, arrive: make(chan struct{}, 1), jobs: make(map[copyKey]*job), copied: make(map[copyKey]copied)}
}

// accept takes orders from a heartbeat's answer.
func (o *orders) accept(in []metadata.Order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, order := range in {
		key := copyKey{order.Disk, order.Volume}
		if j := o.jobs[key]; j != nil {
			if same(j.order, order) {
				j.id = order.ID // a new leader knows it by another number
			}
			continue
		}
		if len(o.jobs) >= ordersMax || o.reported(order.ID) {
			continue
		}
		j := &job{order: order, id: order.ID, progress: metadata.OrderProgress{Volume: order.Volume, Disk: order.Disk}}
		o.jobs[key] = j
		o.queue = append(o.queue, j)
	}
	if len(o.queue) > 0 {
		o.signal()
	}
}

// same reports whether two orders ask for the same.
func same(a, b metadata.Order) bool {
	if a.Kind != b.Kind || a.Epoch != b.Epoch || a.Fence != b.Fence || len(a.Blocks) != len(b.Blocks) {
		return false
	}
	for i := range a.Blocks {
		if a.Blocks[i] != b.Blocks[i] {
			return false
		}
	}
	return true
}

// reported says whether an order's result waits to be taken. o.mu is held.
func (o *orders) reported(id uint64) bool {
	for _, r := range o.results {
		if r.ID == id {
			return true
		}
	}
	return false
}

func (o *orders) signal() {
	select {
	case o.arrive <- struct{}{}:
	default:
	}
}

// work carries out orders until ctx is done.
func (o *orders) work(ctx context.Context) {
	for {
		j := o.next(ctx)
		if j == nil {
			return
		}
		began := time.Now()
		r := o.s.execute(ctx, j)
		if ctx.Err() != nil {
			return // shutting down: an order cut short has no result
		}
		o.finish(j, r)
		o.s.cfg.Logger.Debug("order done", "volume", uint64(j.order.Volume), "disk", j.order.Disk.String(),
			"kind", int(j.order.Kind), "took", time.Since(began), "fetched", r.Fetched, "deleted", r.Deleted, "err", r.Err)
	}
}

// next returns the next order, or nil when ctx is done.
func (o *orders) next(ctx context.Context) *job {
	for {
		o.mu.Lock()
		if len(o.queue) > 0 {
			j := o.queue[0]
			o.queue = o.queue[1:]
			j.running = true
			if len(o.queue) > 0 {
				o.signal() // for the next worker
			}
			o.mu.Unlock()
			return j
		}
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-o.arrive:
		}
	}
}

// finish notes an order's result for the next heartbeat, which comes at once.
func (o *orders) finish(j *job, r metadata.OrderResult) {
	o.mu.Lock()
	r.ID = j.id
	delete(o.jobs, copyKey{j.order.Disk, j.order.Volume})
	if len(o.results) >= resultsMax {
		o.results = o.results[1:]
	}
	o.results = append(o.results, r)
	o.mu.Unlock()
	o.s.wake()
}

// status returns what the next heartbeat says about orders.
func (o *orders) status() ([]metadata.OrderResult, []metadata.OrderProgress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := append([]metadata.OrderResult(nil), o.results...)
	var running []metadata.OrderProgress
	for _, j := range o.jobs {
		if j.running {
			p := j.progress
			p.ID = j.id
			running = append(running, p)
		}
	}
	return done, running
}

// acknowledge forgets results that a leader has taken.
func (o *orders) acknowledge(done []metadata.OrderResult) {
	if len(done) == 0 {
		return
	}
	taken := make(map[uint64]bool, len(done))
	for _, r := range done {
		taken[r.ID] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.results[:0]
	for _, r := range o.results {
		if !taken[r.ID] {
			kept = append(kept, r)
		}
	}
	o.results = kept
}

// advance counts bytes of a job as found to be fetched and as fetched.
func (o *orders) advance(j *job, total, done int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	j.progress.BytesTotal += total
	j.progress.BytesDone += done
}

// noteCopied remembers that a copy was made whole in the order's epoch.
func (o *orders) noteCopied(j *job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.copied) >= copiedMax {
		for k, c := range o.copied {
			if time.Since(c.at) > copiedKept || len(o.copied) >= copiedMax {
				delete(o.copied, k)
			}
		}
	}
	o.copied[copyKey{j.order.Disk, j.order.Volume}] = copied{j.order.Epoch, j.id, time.Now()}
}

// late refuses to forget a copy that was made whole a moment ago for the same
// epoch or a later one, when the order was given before that to make it: it is
// an old leader's, or was overtaken, and the copy may be listed by now.
// Forgetting a listed copy always takes a new epoch; an order of the same epoch
// that was given later is for a copy that came too late to be listed.
func (o *orders) late(j *job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	order := j.order
	c, found := o.copied[copyKey{order.Disk, order.Volume}]
	if !found || order.Epoch > c.epoch || order.Epoch == c.epoch && j.id > c.order || time.Since(c.at) > copiedKept {
		return nil
	}
	return metadata.Errorf(metadata.KindStale, "the copy of %v was made for epoch %d a moment ago, the order is of epoch %d",
		order.Volume, c.epoch, order.Epoch)
}

// execute carries out one order. All are idempotent.
func (s *Server) execute(ctx context.Context, j *job) metadata.OrderResult {
	order := j.order
	r := metadata.OrderResult{Kind: order.Kind, Disk: order.Disk, Volume: order.Volume,
		Epoch: order.Epoch, Blocks: order.Blocks}
	store, err := s.store(order.Disk)
	if err == nil {
		switch order.Kind {
		case metadata.OrderSync:
			r.Fetched, r.Deleted, err = s.sync(ctx, store, j)
			if err == nil {
				s.orders.noteCopied(j)
			}
		case metadata.OrderDelete:
			err = s.remove(ctx, store, order.Volume, order.Blocks)
			if err == nil {
				r.Deleted = int64(len(order.Blocks))
			}
		case metadata.OrderDrop:
			if err = s.orders.late(j); err != nil {
				break
			}
			if err = store.DropVolume(ctx, order.Volume); err == nil {
				s.damaged.drop(order.Disk, order.Volume)
			}
		default:
			err = metadata.Errorf(metadata.KindUnsupported, "order of kind %d", order.Kind)
		}
	}
	if err != nil {
		r.Err, r.ErrKind = err.Error(), metadata.KindOf(err)
		if r.Err == "" {
			r.Err = r.ErrKind.String()
		}
		r.Err = r.Err[:min(len(r.Err), errorMax)]
		s.cfg.Logger.Warn("an order was not carried out", "kind", int(order.Kind), "volume", uint64(order.Volume),
			"disk", order.Disk.String(), "err", err)
	}
	return r
}
