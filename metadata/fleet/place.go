package fleet

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"kendfs/metadata"
)

// writeReplicasMin is the number of replicas without which a volume is not
// written: half of the target, rounded up.
func writeReplicasMin(target int) int { return (target + 1) / 2 }

// takesData reports whether new data may go to a disk.
func (w *world) takesData(d *disk) bool {
	return d.live == metadata.LivenessUp && d.site.state == metadata.NodeActive && d.site.storage &&
		d.free >= w.lim.FreeMin
}

// wish says what disks are looked for.
type wish struct {
	n     int             // on so many nodes
	near  metadata.NodeID // one of them here, if it can be
	avoid map[metadata.NodeID]bool
	zones map[string]bool // that have a replica already
}

// choose picks up to wish.n of the disks, all on different nodes: near first,
// nodes to avoid last, zones without a replica before others, and among equals
// at random with the free space as weight, so that disks fill up evenly
// without every writer running to the emptiest one.
func choose(disks []*disk, want wish, rng *rand.Rand) []*disk {
	left := slices.Clone(disks)
	// The order of a map must not show in what a seeded rng gives.
	slices.SortFunc(left, func(a, b *disk) int { return cmp.Compare(a.id, b.id) })
	zones := make(map[string]bool, len(want.zones)+want.n)
	for z := range want.zones {
		zones[z] = true
	}
	var out []*disk
	for len(out) < want.n && len(left) > 0 {
		d := pickOne(left, want, zones, len(out) == 0, rng)
		out = append(out, d)
		zones[d.site.zone] = true
		left = slices.DeleteFunc(left, func(o *disk) bool { return o.site == d.site })
	}
	return out
}

func pickOne(left []*disk, want wish, zones map[string]bool, first bool, rng *rand.Rand) *disk {
	pool := left
	narrow := func(ok func(*disk) bool) {
		if some := slices.DeleteFunc(slices.Clone(pool), func(d *disk) bool { return !ok(d) }); len(some) > 0 {
			pool = some
		}
	}
	if first && want.near != 0 {
		narrow(func(d *disk) bool { return d.site.id == want.near })
	}
	narrow(func(d *disk) bool { return !want.avoid[d.site.id] })
	narrow(func(d *disk) bool { return !zones[d.site.zone] })
	total := 0.0
	for _, d := range pool {
		total += float64(max(d.free, 1))
	}
	at := rng.Float64() * total
	for _, d := range pool {
		if at -= float64(max(d.free, 1)); at < 0 {
			return d
		}
	}
	return pool[len(pool)-1]
}

// choice is the outcome of a grant's planning: an idle volume, or disks for a
// new one.
type choice struct {
	reuse    *volume
	replicas []metadata.Replica
}

// placeLease decides what to lease. Idle volumes are used before new ones are
// made, so that volumes fill up. It refuses with KindNoSpace when disks are
// full and with KindUnavailable when too few storage servers answer.
func placeLease(w *world, r metadata.GrantRequest, rng *rand.Rand) (choice, error) {
	target := r.Replicas
	open, full := w.openDisks()
	width := min(target, nodesOf(open)) // replicas that a volume can have now
	if width < writeReplicasMin(target) {
		if nodesOf(append(open, full...)) >= writeReplicasMin(target) {
			return choice{}, metadata.Errorf(metadata.KindNoSpace, "too few storage servers have room for %d copies", target)
		}
		return choice{}, metadata.Errorf(metadata.KindUnavailable,
			"%d storage servers can be written to now, %d copies need at least %d", width, target, writeReplicasMin(target))
	}
	avoid := make(map[metadata.NodeID]bool, len(r.Avoid))
	for _, n := range r.Avoid {
		avoid[n] = true
	}
	fits, others, idle := w.idleVolumes(target, width, r.Near, avoid)
	if len(fits) > 0 {
		return choice{reuse: fullest(fits)}, nil
	}
	if len(others) > 0 && (idle >= w.lim.IdleVolumes || !w.betterElsewhere(open, width, r.Near, avoid)) {
		return choice{reuse: fullest(others)}, nil
	}
	var c choice
	for _, d := range choose(open, wish{n: width, near: r.Near, avoid: avoid}, rng) {
		c.replicas = append(c.replicas, metadata.Replica{Node: d.site.id, Disk: d.id})
	}
	return c, nil
}

// openDisks returns the disks that take data, and those that would but for space.
func (w *world) openDisks() (open, full []*disk) {
	for _, d := range w.disks {
		switch {
		case w.takesData(d):
			open = append(open, d)
		case d.live == metadata.LivenessUp && d.site.state == metadata.NodeActive && d.site.storage:
			full = append(full, d)
		}
	}
	return open, full
}

func nodesOf(disks []*disk) int {
	seen := make(map[metadata.NodeID]bool, len(disks))
	for _, d := range disks {
		seen[d.site.id] = true
	}
	return len(seen)
}

// idleVolumes returns the idle volumes that can be leased now, apart by whether
// they fulfil the wishes, and how many idle volumes of that target there are.
// One that is narrower than it could be is left to repair.
func (w *world) idleVolumes(target, width int, near metadata.NodeID, avoid map[metadata.NodeID]bool) (fits, others []*volume, idle int) {
	for _, v := range w.volumes {
		if v.State != metadata.VolumeIdle || v.Target != target || v.granting {
			continue
		}
		idle++
		if len(v.Replicas) < width || v.Bytes >= metadata.VolumeBytesMax || w.orders.syncing(v.ID) {
			continue
		}
		usable, nearOK, avoided := true, near == 0, false
		for _, r := range v.Replicas {
			d := w.disks[r.Disk]
			usable = usable && d != nil && w.takesData(d)
			nearOK = nearOK || r.Node == near
			avoided = avoided || avoid[r.Node]
		}
		switch {
		case !usable:
		case nearOK && !avoided:
			fits = append(fits, v)
		default:
			others = append(others, v)
		}
	}
	return fits, others, idle
}

// betterElsewhere reports whether a new volume would fulfil more of the wishes
// than any idle one does.
func (w *world) betterElsewhere(open []*disk, width int, near metadata.NodeID, avoid map[metadata.NodeID]bool) bool {
	welcome := slices.DeleteFunc(slices.Clone(open), func(d *disk) bool { return avoid[d.site.id] })
	if len(avoid) > 0 && nodesOf(welcome) < width {
		return false
	}
	return near == 0 || slices.ContainsFunc(welcome, func(d *disk) bool { return d.site.id == near })
}

// fullest returns the volume with the most bytes, of equals the oldest.
func fullest(vs []*volume) *volume {
	return slices.MaxFunc(vs, func(a, b *volume) int {
		if c := cmp.Compare(a.Bytes, b.Bytes); c != 0 {
			return c
		}
		return cmp.Compare(b.ID, a.ID)
	})
}
