package fleet

import (
	"cmp"
	"slices"
	"time"

	"kendfs/metadata"
)

// class says why an order was given, and so what its success means.
type class uint8

const (
	classFence  class = iota // compare a fencing volume's replica: then Synced
	classRepair              // copy a volume to a new disk, or take a copy back: then AddReplica
	classCheck               // make a listed replica whole again whose digest differs
	classDelete              // delete dead blocks
	classDrop                // forget a copy that no volume lists
)

// order is an order that was given and not answered yet.
type order struct {
	metadata.Order
	node    metadata.NodeID
	class   class
	source  metadata.NodeID // the first of Sources; zero without
	bytes   int64           // that it will have to move at most
	done    int64           // of them, as last reported
	moved   time.Time       // when done last grew, or the order was given
	closing bool            // its result is here and is being proposed
}

func (o *order) key() copyKey { return copyKey{o.Volume, o.Disk} }

func (o *order) sync() bool { return o.Kind == metadata.OrderSync }

// Bounds of orders.
const (
	ordersMax          = 8192 // at once
	ordersOfReplyMax   = 64   // in one heartbeat's reply
	fencesOfNodeMax    = 64   // comparisons at once: they move little or nothing
	deletesMax         = 256  // batches of dead blocks at once
	orderStuckAfter    = 10 * time.Minute
	failureBackoff     = time.Second
	failureBackoffMost = time.Minute
	failuresToDrop     = 4 // failed comparisons of a replica until it is given up
	failuresMax        = 65536
)

// failing counts an order's failures for one copy.
type failing struct {
	count int
	until time.Time // no new order before
	last  string    // the error
}

// orders are the orders under way and the memory of failed ones: at most one
// order for each disk's copy of a volume.
type orders struct {
	next   uint64
	byCopy map[copyKey]*order
	byID   map[uint64]*order
	failed map[copyKey]failing
	syncs  map[metadata.VolumeID]int // syncing orders by volume
}

// newOrders starts numbering at the time, so that the numbers of one leader are
// behind those of the leader before: a late result must not be taken for
// another's, and who gets an order must see which of two was given first.
func newOrders(now time.Time) *orders {
	return &orders{
		next:   uint64(now.UnixNano()),
		byCopy: make(map[copyKey]*order),
		byID:   make(map[uint64]*order),
		failed: make(map[copyKey]failing),
		syncs:  make(map[metadata.VolumeID]int),
	}
}

// free reports whether an order for that copy may be given now.
func (t *orders) free(k copyKey, now time.Time) bool {
	return t.byCopy[k] == nil && !now.Before(t.failed[k].until) && len(t.byID) < ordersMax
}

// syncing reports whether a copy of the volume is being made or compared.
func (t *orders) syncing(v metadata.VolumeID) bool { return t.syncs[v] > 0 }

func (t *orders) add(o order, now time.Time) *order {
	t.next++
	o.ID, o.moved = t.next, now
	t.byCopy[o.key()], t.byID[o.ID] = &o, &o
	if o.sync() {
		t.syncs[o.Volume]++
	}
	return &o
}

func (t *orders) remove(o *order) {
	if t.byID[o.ID] != o {
		return
	}
	delete(t.byID, o.ID)
	delete(t.byCopy, o.key())
	if !o.sync() {
		return
	}
	if t.syncs[o.Volume]--; t.syncs[o.Volume] == 0 {
		delete(t.syncs, o.Volume)
	}
}

// cancelDeletes forgets the deletions of a volume's dead blocks under way.
func (t *orders) cancelDeletes(v metadata.VolumeID) {
	for _, o := range t.byID {
		if o.class == classDelete && o.Volume == v {
			t.remove(o)
		}
	}
}

// fail books a failure: the next order for that copy waits, longer each time.
func (t *orders) fail(k copyKey, now time.Time) {
	if len(t.failed) >= failuresMax {
		clear(t.failed) // forgetting costs a few early retries
	}
	f := t.failed[k]
	wait := failureBackoffMost
	if f.count < 6 {
		wait = failureBackoff << f.count
	}
	f.count, f.until = f.count+1, now.Add(wait)
	t.failed[k] = f
}

// note keeps the error of a failure.
func (t *orders) note(k copyKey, err string) {
	f := t.failed[k]
	f.last = err
	t.failed[k] = f
}

func (t *orders) succeed(k copyKey) { delete(t.failed, k) }

// of returns the orders of a node that are not among those it says it is
// working on, oldest first: they were not received, or are new.
func (t *orders) of(n metadata.NodeID, running map[uint64]bool) []metadata.Order {
	var out []metadata.Order
	for _, o := range t.byID {
		if o.node == n && !o.closing && !running[o.ID] {
			out = append(out, o.Order)
		}
	}
	slices.SortFunc(out, func(a, b metadata.Order) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(len(out), ordersOfReplyMax)]
}

// expire forgets orders that make no sense any more: their volume is in another
// epoch or state, their disk is down, or they are stuck.
func (t *orders) expire(w *world) {
	for _, o := range t.byID {
		if o.closing {
			continue
		}
		d := w.disks[o.Disk]
		switch {
		case d == nil || d.live == metadata.LivenessDown || d.site.id != o.node || d.site.state == metadata.NodeRemoved:
			t.remove(o)
		case !w.wanted(o):
			t.remove(o)
		case w.now.Sub(o.moved) > orderStuckAfter:
			t.remove(o)
			t.fail(o.key(), w.now)
		}
	}
}

// wanted reports whether an order still serves its purpose.
func (w *world) wanted(o *order) bool {
	v := w.volumes[o.Volume]
	if v == nil {
		return o.class == classDrop
	}
	listed := slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool { return r.Disk == o.Disk })
	settled := v.State == metadata.VolumeIdle || v.State == metadata.VolumeFull
	switch o.class {
	case classFence:
		return v.State == metadata.VolumeFencing && v.Epoch == o.Epoch && listed && !slices.Contains(v.Synced, o.Disk)
	case classRepair:
		if v.State == metadata.VolumeLeased || v.Epoch != o.Epoch || listed {
			return false
		}
		c := w.census(v)
		return c.missing(v.Target) > 0 || v.State == metadata.VolumeFencing && c.live == 0
	case classCheck:
		return settled && v.Epoch == o.Epoch && listed
	case classDelete:
		return v.State != metadata.VolumeFencing && v.Epoch == o.Epoch && listed
	}
	return !listed
}

// workload counts what the copies under way cost each node.
type workload struct {
	pulling map[metadata.NodeID]int // repairs to it
	feeding map[metadata.NodeID]int // repairs from it
	fencing map[metadata.NodeID]int
	deletes int
}

func newWorkload(t *orders) *workload {
	l := &workload{
		pulling: make(map[metadata.NodeID]int),
		feeding: make(map[metadata.NodeID]int),
		fencing: make(map[metadata.NodeID]int),
	}
	for _, o := range t.byID {
		l.count(o)
	}
	return l
}

func (l *workload) count(o *order) {
	switch o.class {
	case classRepair, classCheck:
		l.pulling[o.node]++
		l.feeding[o.source]++
	case classFence:
		l.fencing[o.node]++
	case classDelete:
		l.deletes++
	}
}
