package fleet

import (
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// site is a storage server (or any node) as plans see it.
type site struct {
	id        metadata.NodeID
	addr      string
	zone      string
	state     metadata.NodeState
	storage   bool // keeps replicas
	live      metadata.Liveness
	downSince time.Time // when live is down
	volumes   int       // that hold data and list it; counted by count
	bytes     int64     // of them
	listed    int       // volumes that list it, empty ones too
}

// disk is one disk as plans see it.
type disk struct {
	id       metadata.DiskID
	site     *site
	live     metadata.Liveness // never better than its site's; down when it has failed
	free     int64             // bytes it can take, what running orders will bring deducted
	capacity int64
	used     int64

	fileSystem uint64 // equal for disks that share their room; 0: not known
}

// reserve takes the bytes that a copy will bring from a disk's room, and from that
// of all disks that share it.
func (w *world) reserve(d *disk, bytes int64) {
	d.free -= bytes
	for _, o := range w.disks {
		if o != d && d.fileSystem != 0 && o.fileSystem == d.fileSystem {
			o.free -= bytes
		}
	}
}

// volume is a volume as plans see it.
type volume struct {
	metadata.Volume
	granting bool              // a lease of it is being proposed: hands off
	impaired time.Time         // since when a leased volume should have been repaired or moved; zero: it should not
	recall   bool              // its lessee is asked to give it back
	seen     []seenOn          // when its replicas were last reported
	below    time.Time         // since when it lacks a copy, as far as one knows; zero: it does not
	damaged  []metadata.DiskID // whose copies were last reported to hold damaged blocks
}

// noteDamage books what a disk says of its copy.
func (v *volume) noteDamage(d metadata.DiskID, damaged bool) {
	i := slices.Index(v.damaged, d)
	switch {
	case damaged && i < 0:
		v.damaged = append(slices.DeleteFunc(v.damaged, func(o metadata.DiskID) bool {
			return !slices.ContainsFunc(v.Replicas, func(r metadata.Replica) bool { return r.Disk == o })
		}), d)
	case !damaged && i >= 0:
		v.damaged = slices.Delete(v.damaged, i, i+1)
	}
}

// unimpair notes that nothing has to be done about a leased volume.
func (v *volume) unimpair() { v.impaired, v.recall = time.Time{}, false }

// seenOn is when a disk last reported its copy of a volume.
type seenOn struct {
	disk metadata.DiskID
	at   time.Time
}

// world is everything a plan depends on.
type world struct {
	now     time.Time
	lim     Limits
	braked  bool
	paused  bool                       // by an operator: no copies are made
	urgent  map[metadata.VolumeID]bool // to be repaired first
	sites   map[metadata.NodeID]*site
	disks   map[metadata.DiskID]*disk
	volumes map[metadata.VolumeID]*volume
	// strays are copies that disks have reported and no volume lists.
	strays  map[copyKey]stray
	strayed map[metadata.VolumeID][]metadata.Replica // of strays, those that answer; made by strayCopies
	// suspects are listed copies whose digest was not the volume's.
	suspects map[copyKey]suspect
	// reapings are batches of dead blocks that are being deleted, one a volume.
	reapings map[metadata.VolumeID]*reaping
	orders   *orders
	next     metadata.VolumeID // no volume of this id or a higher one is known to have been
}

// copyKey names one disk's copy of a volume, listed or not.
type copyKey struct {
	volume metadata.VolumeID
	disk   metadata.DiskID
}

// census sorts a volume's replicas by what they are worth now.
type census struct {
	up       []metadata.Replica // answer now: sources of repairs, readers' choice
	settled  []metadata.Replica // of up: on nodes that keep them (not draining)
	draining []metadata.Replica // there, but to be moved off
	lost     []metadata.Replica // on nodes or disks that are down, failed or removed
	live     int                // copies that are there, as far as one knows: suspect and unknown ones too
	staying  int                // of live: on nodes that keep them
	away     int                // on nodes in maintenance that are down: repair does not make up for them
}

// whole reports whether a volume has all its replicas, all of them there and on
// nodes that keep them: what a census would say of nearly all volumes, without
// one.
func (w *world) whole(v *volume) bool {
	for _, r := range v.Replicas {
		d := w.disks[r.Disk]
		if d == nil || d.live == metadata.LivenessDown || d.site.id != r.Node ||
			d.site.state == metadata.NodeDraining || d.site.state == metadata.NodeRemoved {
			return false
		}
	}
	return len(v.Replicas) == v.Target
}

// missing is how many replicas a repair has to add.
func (c census) missing(target int) int { return target - c.staying - c.away }

func (w *world) census(v *volume) census {
	var c census
	for _, r := range v.Replicas {
		d, s := w.disks[r.Disk], w.sites[r.Node]
		switch {
		case s == nil || d == nil || s.state == metadata.NodeRemoved:
			c.lost = append(c.lost, r)
			continue
		case d.live == metadata.LivenessDown && s.state == metadata.NodeMaintenance && s.live == metadata.LivenessDown:
			c.away++
			continue
		case d.live == metadata.LivenessDown:
			c.lost = append(c.lost, r)
			continue
		}
		c.live++
		up := d.live == metadata.LivenessUp
		if up {
			c.up = append(c.up, r)
		}
		if s.state == metadata.NodeDraining {
			c.draining = append(c.draining, r)
			continue
		}
		c.staying++
		if up {
			c.settled = append(c.settled, r)
		}
	}
	return c
}

// located tells where a volume's replicas are and which answer.
func (w *world) located(replicas []metadata.Replica) []metadata.Located {
	out := make([]metadata.Located, 0, len(replicas))
	for _, r := range replicas {
		l := metadata.Located{Replica: r}
		if s := w.sites[r.Node]; s != nil {
			l.Addr, l.Zone = s.addr, s.zone
			if d := w.disks[r.Disk]; d != nil && s.state != metadata.NodeRemoved {
				l.Live = d.live == metadata.LivenessUp || d.live == metadata.LivenessUnknown
			}
		}
		out = append(out, l)
	}
	return out
}

// plan is what is to be done now: orders to storage servers, and changes to
// propose. At most one change of a volume is in one plan, since each raises the
// volume's epoch.
type plan struct {
	orders   []order
	drops    []plannedDrop
	releases []plannedRelease
	reaps    []*reaping    // all replicas have confirmed
	stalls   map[Stall]int // volumes that need work and get none, by reason
	short    health.Count  // of them, those that no storage server can take
	shortWhy Stall
	waits    map[metadata.VolumeID]Stall // why each of them waits; the first waitsMax
}

type plannedDrop struct {
	ReplicaDrop
	forget bool // then tell the disk to forget its copy
}

type plannedRelease struct {
	session metadata.SessionID
	volume  metadata.VolumeID
}

// need is a volume that something has to be done about.
type need struct {
	v *volume
	c census
}

// makePlan plans for all volumes, those at most risk first.
func makePlan(w *world) plan {
	p := plan{stalls: make(map[Stall]int), waits: make(map[metadata.VolumeID]Stall)}
	var needs []need
	var crowded []*volume
	zones := w.openZones()
	for _, v := range w.volumes {
		if v.granting {
			continue
		}
		if v.State != metadata.VolumeLeased {
			v.unimpair()
		}
		damaged := v.State == metadata.VolumeLeased && len(v.damaged) > 0
		if v.State != metadata.VolumeFencing && !damaged && w.whole(v) {
			v.unimpair()
			if w.mayCrowd(v, zones) {
				crowded = append(crowded, v)
			}
			continue
		}
		needs = append(needs, need{v, w.census(v)})
	}
	slices.SortFunc(needs, w.byUrgency)
	work := newWorkload(w.orders)
	for _, n := range needs {
		switch n.v.State {
		case metadata.VolumeFencing:
			w.planFence(&p, work, n)
		case metadata.VolumeLeased:
			w.planLeased(&p, n)
		default:
			w.planSettled(&p, work, n)
		}
	}
	if !slices.ContainsFunc(needs, func(n need) bool { return n.c.missing(n.v.Target) > 0 && w.orders.syncing(n.v.ID) }) {
		w.planSpread(&p, work, crowded)
	}
	w.planChecks(&p, work)
	w.planDeletes(&p, work)
	w.planStrays(&p, work)
	return p
}

// waitsMax bounds the volumes of which a plan says why they wait.
const waitsMax = 10 * health.RepairsMax

// stall notes that a volume needs work and gets none.
func (p *plan) stall(v metadata.VolumeID, why Stall) {
	p.stalls[why]++
	if p.waits != nil && len(p.waits) < waitsMax {
		p.waits[v] = why
	}
}

// touched reports whether the plan changes the volume's replica set already.
func (p *plan) touched(v metadata.VolumeID) bool {
	return slices.ContainsFunc(p.drops, func(d plannedDrop) bool { return d.Volume == v }) ||
		slices.ContainsFunc(p.releases, func(r plannedRelease) bool { return r.volume == v })
}

// byUrgency puts first what an operator wants first, then what is most at risk.
func (w *world) byUrgency(a, b need) int {
	if x, y := w.urgent[a.v.ID], w.urgent[b.v.ID]; x != y {
		return boolCompare(y, x)
	}
	return byRisk(a, b)
}

// byRisk orders by live copies in relation to the target, then by bytes.
func byRisk(a, b need) int {
	if x, y := a.c.live*b.v.Target, b.c.live*a.v.Target; x != y {
		return x - y
	}
	switch {
	case a.v.Bytes > b.v.Bytes:
		return -1
	case a.v.Bytes < b.v.Bytes:
		return 1
	case a.v.ID < b.v.ID:
		return -1
	}
	return 1
}
