package fleet

import (
	"cmp"
	"slices"

	"kendfs/metadata"
)

// Stall says why a volume that needs work gets none now; its phrase is what
// people read.
type Stall string

// The reasons.
const (
	StallPaused    Stall = "paused"
	StallBrake     Stall = "brake"
	StallNoSource  Stall = "no_source"
	StallNoTarget  Stall = "no_target"
	StallNoSpace   Stall = "no_space"
	StallLeased    Stall = "leased"
	StallBusy      Stall = "busy"
	StallRetrying  Stall = "retrying"
	StallNoReplica Stall = "no_replica"
)

// give adds an order to the plan and to the table of orders.
func (w *world) give(p *plan, work *workload, o order) {
	if o.sync() {
		// A copy that is being made has dead blocks too until they are reaped:
		// the deletion begins anew after it.
		w.orders.cancelDeletes(o.Volume)
		if r := w.reapings[o.Volume]; r != nil {
			clear(r.confirmed)
		}
	}
	given := w.orders.add(o, w.now)
	work.count(given)
	p.orders = append(p.orders, *given)
}

// syncOrder makes the order that brings a disk's copy of v in line with the
// committed blocks, from those sources.
func (w *world) syncOrder(c class, v *volume, to metadata.Replica, from []metadata.Replica, bytes int64) order {
	if w.orders.failed[copyKey{v.ID, to.Disk}].count > 0 {
		from = append(slices.Clone(from), without(w.strayCopies(v.ID), to)...)
	}
	o := order{node: to.Node, class: c, bytes: bytes, Order: metadata.Order{
		Kind: metadata.OrderSync, Disk: to.Disk, Volume: v.ID, Epoch: v.Epoch, Fence: v.Fence,
		Sources: w.located(from),
	}}
	if len(from) > 0 {
		o.source = from[0].Node
	}
	return o
}

// strayCopies returns the copies of a volume that answer and that it does not
// list. What listed replicas lack may still be in one of them: blocks never
// change, and whoever fetches one checks it.
func (w *world) strayCopies(v metadata.VolumeID) []metadata.Replica {
	if w.strayed == nil {
		w.strayed = make(map[metadata.VolumeID][]metadata.Replica)
		for _, k := range sortedCopies(w.strays) {
			if d := w.disks[k.disk]; d != nil && d.live == metadata.LivenessUp {
				w.strayed[k.volume] = append(w.strayed[k.volume], metadata.Replica{Node: d.site.id, Disk: d.id})
			}
		}
	}
	return w.strayed[v]
}

// planFence brings a fencing volume nearer to idle: every listed replica that
// answers is compared, one that is lost is dropped so that it does not hold up
// the rest. The last replica that answers is never dropped, and none while the
// brake is on: those that fell together will be back together, and whoever was
// not dropped need not be taken back. If no listed replica is there, a copy
// that was dropped is taken back; this gives nothing up, so it may be done
// under the brake too.
func (w *world) planFence(p *plan, work *workload, n need) {
	v, c := n.v, n.c
	if len(c.up) > 0 {
		r, ok := w.hinderingFence(v, c)
		switch {
		case ok && w.braked:
			p.stall(v.ID, StallBrake)
		case ok:
			p.drops = append(p.drops, plannedDrop{ReplicaDrop: ReplicaDrop{Volume: v.ID, Epoch: v.Epoch, Replica: r, Min: 1}})
			return
		}
	}
	for _, r := range c.up {
		k := copyKey{v.ID, r.Disk}
		switch {
		case slices.Contains(v.Synced, r.Disk) || w.orders.byCopy[k] != nil:
		case work.fencing[r.Node] >= fencesOfNodeMax:
			p.stall(v.ID, StallBusy)
		case !w.orders.free(k, w.now):
			p.stall(v.ID, StallRetrying)
		default:
			w.give(p, work, w.syncOrder(classFence, v, r, without(c.up, r), 0))
		}
	}
	switch {
	case c.live == 0 && !w.orders.syncing(v.ID):
		if why := w.planAdoption(p, work, v); why != "" {
			p.stall(v.ID, why)
		}
	case len(c.up) < c.live:
		p.stall(v.ID, StallNoReplica)
	}
}

// hinderingFence returns a replica that keeps a volume fencing for nothing: it
// is lost, away, or cannot be compared while another was.
func (w *world) hinderingFence(v *volume, c census) (metadata.Replica, bool) {
	for _, r := range v.Replicas {
		lost := slices.Contains(c.lost, r)
		d := w.disks[r.Disk]
		away := !lost && d != nil && d.live == metadata.LivenessDown
		hopeless := len(v.Synced) > 0 && !slices.Contains(v.Synced, r.Disk) &&
			w.orders.failed[copyKey{v.ID, r.Disk}].count >= failuresToDrop
		if lost || away || hopeless {
			return r, true
		}
	}
	return metadata.Replica{}, false
}

// planLeased recalls a lease that stands in the way of repair or of draining:
// its writer commits what is under way, gives it back and goes on with another.
// One that has not after LeaseLinger loses it: uploads that still run on it
// will have to begin again. Damage that another replica can mend is reason for
// a recall, too, but not for that.
func (w *world) planLeased(p *plan, n need) {
	v, c := n.v, n.c
	if c.missing(v.Target) <= 0 && len(c.lost) == 0 {
		v.unimpair()
		v.recall = !w.braked && w.mendable(v, c)
		return
	}
	p.stall(v.ID, StallLeased)
	if v.impaired.IsZero() {
		v.impaired = w.now
	}
	v.recall = len(c.up) > 0 && !w.braked
	if v.recall && len(c.lost) == 0 {
		targets, _ := w.targets(v)
		v.recall = len(targets) > 0 // else nothing would be gained
	}
	if !v.recall || w.now.Sub(v.impaired) < w.lim.LeaseLinger {
		return
	}
	if len(c.lost) > 0 {
		p.drops = append(p.drops, plannedDrop{ReplicaDrop: ReplicaDrop{Volume: v.ID, Epoch: v.Epoch, Replica: c.lost[0], Min: 1}})
		return
	}
	p.releases = append(p.releases, plannedRelease{v.Lessee, v.ID})
}

// mendable reports whether a replica holds damaged blocks of which another may
// have sound ones.
func (w *world) mendable(v *volume, c census) bool {
	return len(c.up) > 1 && slices.ContainsFunc(c.up, func(r metadata.Replica) bool { return slices.Contains(v.damaged, r.Disk) })
}

// planSettled repairs and trims an idle or full volume.
func (w *world) planSettled(p *plan, work *workload, n need) {
	v, c := n.v, n.c
	if c.missing(v.Target) > 0 {
		if why := w.planCopy(p, work, v, c); why != "" {
			p.stall(v.ID, why)
		}
		return
	}
	// Enough replicas stay; but only what answers now counts when another is
	// given up.
	if len(c.settled) < v.Target || w.braked || w.orders.syncing(v.ID) {
		return
	}
	r, forget, ok := w.surplus(v, c)
	if ok && w.undoubted(v.ID, without(c.settled, r)) >= v.Target {
		p.drops = append(p.drops, plannedDrop{forget: forget,
			ReplicaDrop: ReplicaDrop{Volume: v.ID, Epoch: v.Epoch, Replica: r, Min: v.Target}})
	}
}

// surplus returns a replica that is not needed: lost ones first, then those on
// draining nodes, then the one on the fullest disk.
func (w *world) surplus(v *volume, c census) (r metadata.Replica, forget, ok bool) {
	switch {
	case len(c.lost) > 0:
		return c.lost[0], false, true
	case len(c.draining) > 0:
		return c.draining[0], true, true
	case len(c.settled) > v.Target:
		for _, r := range c.settled {
			if w.undoubted(v.ID, []metadata.Replica{r}) == 0 {
				return r, true, true
			}
		}
		return slices.MaxFunc(c.settled, func(a, b metadata.Replica) int {
			x, y := w.disks[a.Disk], w.disks[b.Disk]
			if x.site.id != y.site.id && w.sharesZone(v, a) != w.sharesZone(v, b) {
				return boolCompare(w.sharesZone(v, a), w.sharesZone(v, b))
			}
			return cmp.Compare(y.free, x.free) // least free is the greatest
		}), true, true
	}
	return metadata.Replica{}, false, false
}

// undoubted counts the replicas whose digests do not speak against them. What
// others are given up for must be at least Target of these: a copy that lacks a
// block or holds a damaged one may need theirs to be made whole.
func (w *world) undoubted(v metadata.VolumeID, rs []metadata.Replica) int {
	n := len(rs)
	for _, r := range rs {
		if _, found := w.suspects[copyKey{v, r.Disk}]; found {
			n--
		}
	}
	return n
}

func boolCompare(a, b bool) int {
	if a == b {
		return 0
	}
	if a {
		return 1
	}
	return -1
}

// sharesZone reports whether another replica of v is in the zone of r.
func (w *world) sharesZone(v *volume, r metadata.Replica) bool {
	return slices.ContainsFunc(v.Replicas, func(o metadata.Replica) bool {
		a, b := w.sites[o.Node], w.sites[r.Node]
		return o != r && a != nil && b != nil && a.zone == b.zone
	})
}

// planCopy orders one more copy of a volume, and says why it could not.
func (w *world) planCopy(p *plan, work *workload, v *volume, c census) Stall {
	switch {
	case w.orders.syncing(v.ID):
		return "" // one at a time: adding a replica ends the epoch
	case w.braked:
		return StallBrake
	case w.paused:
		return StallPaused
	case len(c.up) == 0:
		return w.planAdoption(p, work, v)
	}
	targets, why := w.targets(v)
	if len(targets) == 0 {
		if why == StallNoTarget || why == StallNoSpace {
			p.shortWhy = why
			if v.Blocks > 0 {
				add(&p.short, v)
			}
		}
		return why
	}
	return w.copyTo(p, work, v, c, targets)
}

// copyTo orders a copy of a volume to the first of targets that is not busy.
func (w *world) copyTo(p *plan, work *workload, v *volume, c census, targets []*disk) Stall {
	sources := slices.Clone(c.up)
	slices.SortStableFunc(sources, func(a, b metadata.Replica) int {
		return cmp.Compare(work.feeding[a.Node], work.feeding[b.Node])
	})
	if work.feeding[sources[0].Node] >= slots(w.lim.CopiesPerSource, c) {
		return StallBusy
	}
	for _, d := range targets {
		if work.pulling[d.site.id] >= slots(w.lim.CopiesPerTarget, c) {
			continue
		}
		to := metadata.Replica{Node: d.site.id, Disk: d.id}
		bytes := v.Bytes
		if s, ok := w.strays[copyKey{v.ID, d.id}]; ok {
			bytes = max(0, v.Bytes-s.bytes)
		}
		w.reserve(d, bytes)
		w.give(p, work, w.syncOrder(classRepair, v, to, sources, bytes))
		return ""
	}
	return StallBusy
}

// slots is how many of a node's copies at once may be of such volumes. One is
// kept for volumes with a single live copy: one that becomes ready late, since
// its lease had to end first, does not wait until a copy of gigabytes that
// matters less is over.
func slots(most int, c census) int {
	if c.live > 1 && most > 1 {
		return most - 1
	}
	return most
}

// planAdoption takes back a copy that is not listed any more, of a volume none
// of whose replicas answers: its node was away and is back. The comparison has
// no source (after a failure, only other such copies), so it succeeds only on a
// copy that holds every committed block.
func (w *world) planAdoption(p *plan, work *workload, v *volume) Stall {
	why := StallNoSource
	for _, r := range w.strayCopies(v.ID) {
		k := copyKey{v.ID, r.Disk}
		// What matters is that the copy is there, not whether its node would be
		// chosen for a new one: it may be draining or in maintenance.
		switch s := w.disks[r.Disk].site; {
		case w.strays[k].bytes < v.Bytes || s.state == metadata.NodeRemoved || !s.storage:
		case !w.orders.free(k, w.now):
			why = StallRetrying
		case work.pulling[r.Node] >= w.lim.CopiesPerTarget:
			why = StallBusy
		default:
			w.give(p, work, w.syncOrder(classRepair, v, r, nil, 0))
			return ""
		}
	}
	return why
}

// targets returns the disks that may take another replica of v, the best first:
// one that has a copy already, then one in a zone without a replica, then the
// one with the most space. If there is none it says why.
func (w *world) targets(v *volume) ([]*disk, Stall) {
	taken := make(map[metadata.NodeID]bool)
	zones := make(map[string]bool)
	for _, r := range v.Replicas {
		d, s := w.disks[r.Disk], w.sites[r.Node]
		if d == nil || s == nil {
			continue
		}
		// A node whose disk has failed may take a replica on another disk.
		taken[r.Node] = taken[r.Node] || d.live != metadata.LivenessDown || s.live == metadata.LivenessDown
		zones[s.zone] = zones[s.zone] || d.live != metadata.LivenessDown && s.state == metadata.NodeActive
	}
	var out []*disk
	why := StallNoTarget
	for _, d := range w.disks {
		s, stray := w.strays[copyKey{v.ID, d.id}]
		switch {
		case d.live != metadata.LivenessUp || d.site.state != metadata.NodeActive || !d.site.storage || taken[d.site.id]:
		case d.free < w.lim.FreeMin+max(0, v.Bytes-s.bytes) && !(stray && s.bytes >= v.Bytes):
			if why == StallNoTarget {
				why = StallNoSpace
			}
		case !w.orders.free(copyKey{v.ID, d.id}, w.now):
			why = StallRetrying
		default:
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *disk) int {
		_, x := w.strays[copyKey{v.ID, a.id}]
		_, y := w.strays[copyKey{v.ID, b.id}]
		if x != y {
			return boolCompare(y, x)
		}
		if p, q := zones[a.site.zone], zones[b.site.zone]; p != q {
			return boolCompare(p, q)
		}
		if a.free != b.free {
			return cmp.Compare(b.free, a.free)
		}
		return cmp.Compare(a.id, b.id)
	})
	return out, why
}

// without returns rs without r.
func without(rs []metadata.Replica, r metadata.Replica) []metadata.Replica {
	return slices.DeleteFunc(slices.Clone(rs), func(o metadata.Replica) bool { return o == r })
}
