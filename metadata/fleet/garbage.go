package fleet

import (
	"cmp"
	"slices"
	"time"

	"kendfs/metadata"
)

// stray is a copy on a disk that its volume does not list: of a node that was
// away, or the remainder of a repair that came to nothing.
type stray struct {
	bytes int64
	seen  time.Time
}

// suspect is a listed copy that is not as the volume's record says.
type suspect struct {
	changed   uint64 // Volume.Changed when it was seen
	first     time.Time
	confirmed bool // seen twice, suspectTwice apart: no report that crossed a change
}

// reaping is a batch of a volume's dead blocks on its way out.
type reaping struct {
	volume    metadata.VolumeID
	epoch     metadata.Epoch // that the confirmations are of
	blocks    []metadata.DeadBlock
	confirmed map[metadata.DiskID]bool
}

// Bounds of what heartbeats can make the leader remember, and times.
const (
	straysMax    = 100_000
	suspectsMax  = 100_000
	suspectTwice = 5 * time.Second
	straysKept   = 10 * time.Minute // since last reported
	reportWithin = time.Minute      // in which every copy is reported, at least
	dropsOfPlan  = 1024             // orders to forget copies in one plan
)

// observe compares a disk's report of its copy of a volume with the record. d
// is of a disk that belongs to the node that reported it.
func (w *world) observe(d metadata.VolumeDigest) {
	k := copyKey{d.Volume, d.Disk}
	v := w.volumes[d.Volume]
	if v == nil {
		// A volume that was made a moment ago may not be known here yet.
		if d.Volume < w.next {
			w.addStray(k, d.Bytes)
		}
		return
	}
	i := slices.IndexFunc(v.Replicas, func(r metadata.Replica) bool { return r.Disk == d.Disk })
	if i < 0 {
		w.addStray(k, d.Bytes)
		return
	}
	delete(w.strays, k)
	v.saw(d.Disk, w.now)
	v.noteDamage(d.Disk, d.Damaged > 0)
	settled := v.State == metadata.VolumeIdle || v.State == metadata.VolumeFull
	same := d.Blocks == v.Blocks && d.Bytes == v.Bytes && d.Digest == v.Digest
	// While dead blocks are being deleted, every replica is at its own point.
	if !settled || same || v.granting || w.reapings[d.Volume] != nil || w.orders.byCopy[k] != nil {
		delete(w.suspects, k)
		return
	}
	s, known := w.suspects[k]
	switch {
	case known && s.changed == v.Changed:
		s.confirmed = s.confirmed || w.now.Sub(s.first) >= suspectTwice
		w.suspects[k] = s
	case len(w.suspects) < suspectsMax:
		w.suspects[k] = suspect{changed: v.Changed, first: w.now}
	}
}

func (w *world) addStray(k copyKey, bytes int64) {
	if _, known := w.strays[k]; known || len(w.strays) < straysMax {
		w.strays[k] = stray{bytes: bytes, seen: w.now}
	}
}

// saw notes when a disk reported its copy.
func (v *volume) saw(d metadata.DiskID, now time.Time) {
	for i := range v.seen {
		if v.seen[i].disk == d {
			v.seen[i].at = now
			return
		}
	}
	v.seen = append(v.seen, seenOn{d, now})
}

// lastSeen returns when a disk last reported its copy; the first call for a
// disk starts the clock.
func (v *volume) lastSeen(d metadata.DiskID, now time.Time) time.Time {
	for _, s := range v.seen {
		if s.disk == d {
			return s.at
		}
	}
	v.seen = slices.DeleteFunc(v.seen, func(s seenOn) bool {
		return !slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool { return r.Disk == s.disk })
	})
	v.saw(d, now)
	return now
}

// findSilent makes suspects of copies that an answering disk has not reported
// for long: a disk tells what it has, not what it has lost.
func (w *world) findSilent() {
	copies := make(map[metadata.NodeID]int)
	for _, v := range w.volumes {
		for _, r := range v.Replicas {
			copies[r.Node]++
		}
	}
	for _, v := range w.volumes {
		if v.State != metadata.VolumeIdle && v.State != metadata.VolumeFull || v.Blocks == 0 {
			continue
		}
		for _, r := range v.Replicas {
			d := w.disks[r.Disk]
			if d == nil || d.live != metadata.LivenessUp {
				v.saw(r.Disk, w.now) // its time begins when it is back
				continue
			}
			rounds := 1 + copies[r.Node]/metadata.HeartbeatDigestsMax
			within := reportWithin + 3*time.Duration(rounds)*heartbeatInterval
			k := copyKey{v.ID, r.Disk}
			if w.now.Sub(v.lastSeen(r.Disk, w.now)) > within && w.orders.byCopy[k] == nil && len(w.suspects) < suspectsMax {
				w.suspects[k] = suspect{changed: v.Changed, first: w.now, confirmed: true}
			}
		}
	}
}

// planChecks orders confirmed suspects to be made whole. One that cannot be, is
// given up if another replica is good.
func (w *world) planChecks(p *plan, work *workload) {
	for _, k := range sortedCopies(w.suspects) {
		s, v, d := w.suspects[k], w.volumes[k.volume], w.disks[k.disk]
		if v == nil || v.Changed != s.changed || d == nil {
			delete(w.suspects, k)
			continue
		}
		r := metadata.Replica{Node: d.site.id, Disk: d.id}
		c := w.census(v)
		if !s.confirmed || v.granting || p.touched(v.ID) || w.orders.syncing(v.ID) || !slices.Contains(c.up, r) {
			continue
		}
		doubtful := func(o metadata.Replica) bool {
			_, found := w.suspects[copyKey{v.ID, o.Disk}]
			return found
		}
		sources := without(c.up, r)
		slices.SortStableFunc(sources, func(a, b metadata.Replica) int { return boolCompare(doubtful(a), doubtful(b)) })
		switch {
		case w.orders.failed[k].count >= failuresToDrop && len(sources) > 0 && !doubtful(sources[0]) && !w.braked:
			p.drops = append(p.drops, plannedDrop{ReplicaDrop: ReplicaDrop{Volume: v.ID, Epoch: v.Epoch, Replica: r, Min: 1}})
		case work.pulling[r.Node] < w.lim.CopiesPerTarget && w.orders.free(k, w.now):
			w.give(p, work, w.syncOrder(classCheck, v, r, sources, 0))
		}
	}
}

// planDeletes orders dead blocks to be deleted from every replica; when all
// have confirmed, the batch may be forgotten.
func (w *world) planDeletes(p *plan, work *workload) {
	for _, id := range sortedVolumes(w.reapings) {
		b, v := w.reapings[id], w.volumes[id]
		if v == nil {
			delete(w.reapings, id)
			continue
		}
		if v.Epoch != b.epoch {
			b.epoch = v.Epoch
			clear(b.confirmed)
		}
		if w.reapEarly(v) {
			p.reaps = append(p.reaps, b)
			continue
		}
		if v.State == metadata.VolumeFencing || v.granting || w.braked || p.touched(id) || w.orders.syncing(id) {
			continue
		}
		all := true
		for _, r := range v.Replicas {
			if b.confirmed[r.Disk] {
				continue
			}
			all = false
			d := w.disks[r.Disk]
			k := copyKey{id, r.Disk}
			if d == nil || d.live != metadata.LivenessUp || work.deletes >= deletesMax || !w.orders.free(k, w.now) {
				continue
			}
			o := order{node: r.Node, class: classDelete, Order: metadata.Order{
				Kind: metadata.OrderDelete, Disk: r.Disk, Volume: id, Epoch: v.Epoch,
			}}
			for _, dead := range b.blocks {
				o.Blocks = append(o.Blocks, dead.ID.Local)
			}
			w.give(p, work, o)
		}
		if all {
			p.reaps = append(p.reaps, b)
		}
	}
}

// reapEarly reports whether a volume's batch of dead blocks is to be forgotten
// without waiting for its replicas: a copy is about to be made or compared, and
// some replicas may have deleted the blocks already, so that the copy would
// wait for blocks that nobody has. Once they are reaped, the comparison itself
// deletes them (they lie below the fence), and where none takes place, the
// digest gives them away.
func (w *world) reapEarly(v *volume) bool {
	switch v.State {
	case metadata.VolumeFencing:
		return true
	case metadata.VolumeIdle, metadata.VolumeFull:
		return !v.granting && w.census(v).missing(v.Target) > 0
	}
	return false
}

// planStrays orders copies that nobody needs to be forgotten: the volume has
// all its replicas on disks that answer, or does not exist. A copy of a volume
// that lacks replicas is kept, it is the best target of the repair.
func (w *world) planStrays(p *plan, work *workload) {
	if w.braked {
		return
	}
	given := 0
	for _, k := range sortedCopies(w.strays) {
		d, v := w.disks[k.disk], w.volumes[k.volume]
		if w.now.Sub(w.strays[k].seen) > straysKept {
			delete(w.strays, k)
			continue
		}
		if d == nil || d.live != metadata.LivenessUp || !w.orders.free(k, w.now) || given >= dropsOfPlan {
			continue
		}
		epoch := metadata.Epoch(0)
		if v != nil {
			epoch = v.Epoch
			if slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool { return r.Disk == k.disk }) {
				delete(w.strays, k)
				continue
			}
			if v.State == metadata.VolumeFencing || v.granting || p.touched(v.ID) || w.orders.syncing(v.ID) ||
				w.undoubted(v.ID, w.census(v).settled) < v.Target {
				continue
			}
		}
		given++
		w.give(p, work, dropOrder(d, k.volume, epoch))
	}
}

func dropOrder(d *disk, v metadata.VolumeID, e metadata.Epoch) order {
	return order{node: d.site.id, class: classDrop, Order: metadata.Order{
		Kind: metadata.OrderDrop, Disk: d.id, Volume: v, Epoch: e,
	}}
}

// deletable reports whether the deletion of a volume's dead blocks can come to
// an end now. Those that wait for a node that is away must not take the places
// of others.
func (w *world) deletable(id metadata.VolumeID) bool {
	v := w.volumes[id]
	return v == nil || w.reapEarly(v) || !slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool {
		d := w.disks[r.Disk]
		return d == nil || d.live == metadata.LivenessDown
	})
}

// gather takes dead blocks into batches, one for each volume that has none. It
// returns how many were left out because their volume's batch is full or there
// are too many batches.
func (w *world) gather(dead []metadata.DeadBlock) (left int) {
	fresh := make(map[metadata.VolumeID]bool)
	for _, b := range dead {
		r := w.reapings[b.ID.Volume]
		switch {
		case r == nil && len(w.reapings) < deletesMax && w.deletable(b.ID.Volume):
			r = &reaping{volume: b.ID.Volume, confirmed: make(map[metadata.DiskID]bool)}
			w.reapings[b.ID.Volume] = r
			fresh[b.ID.Volume] = true
		case r == nil || !fresh[b.ID.Volume] || len(r.blocks) >= metadata.OrderBlocksMax:
			left++
			continue
		}
		r.blocks = append(r.blocks, b)
	}
	return left
}

func sortedCopies[V any](m map[copyKey]V) []copyKey {
	keys := make([]copyKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b copyKey) int {
		if c := cmp.Compare(a.volume, b.volume); c != 0 {
			return c
		}
		return cmp.Compare(a.disk, b.disk)
	})
	return keys
}

func sortedVolumes[V any](m map[metadata.VolumeID]V) []metadata.VolumeID {
	keys := make([]metadata.VolumeID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
