package fleet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// ZoneFacts says what would be if a node were in another zone; with "" for the
// zone, in the one that the machine itself says. It changes nothing.
// KindNotFound: there is no such node.
func (f *Fleet) ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	if err := f.lookAtWritten(ctx); err != nil {
		return health.ZoneFacts{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return health.ZoneFacts{}, err
	}
	n := t.nodes[id]
	if n == nil || n.State == metadata.NodeRemoved {
		return health.ZoneFacts{}, metadata.Errorf(metadata.KindNotFound, "there is no node %s", id)
	}
	now := time.Now()
	before, after := t.world(now, f.limits(t)), t.world(now, f.limits(t))
	to := cmp.Or(zone, n.MachineZone)
	after.sites[id].zone = to
	out := zoneFacts(before, after)
	out.Node, out.Name, out.Was, out.Zone, out.Machine = id.String(), t.label(id), n.Zone, to, n.MachineZone
	out.WasSet, out.Set = n.ZoneSet, zone != ""
	for _, s := range after.sites {
		if s.storage && s.state != metadata.NodeRemoved && s.zone == to {
			out.Servers++
		}
	}
	return health.JudgeZone(out), nil
}

// zoneFacts compares how the copies are spread over zones in two worlds.
func zoneFacts(before, after *world) (f health.ZoneFacts) {
	was, is := before.openZones(), after.openZones()
	f.Zones = len(is)
	for _, v := range before.volumes {
		if v.Blocks == 0 || len(v.Replicas) < 2 {
			continue
		}
		x, y := before.crowded(v, was), after.crowded(v, is)
		if len(after.zonesOf(v)) == 1 && len(before.zonesOf(v)) > 1 {
			add(&f.OneZone, v)
		}
		switch {
		case y > x:
			add(&f.Crowded, v)
			f.MoveBytes += int64(y-x) * v.Bytes
		case y < x:
			add(&f.Mended, v)
		}
	}
	return f
}

// openZones returns the zones in which a disk takes new data.
func (w *world) openZones() map[string]bool {
	zones := make(map[string]bool)
	for _, d := range w.disks {
		if !zones[d.site.zone] && w.takesData(d) {
			zones[d.site.zone] = true
		}
	}
	return zones
}

// zonesOf returns the zones that have a copy of v.
func (w *world) zonesOf(v *volume) []string {
	var zones []string
	for _, r := range v.Replicas {
		if s := w.sites[r.Node]; s != nil && !slices.Contains(zones, s.zone) {
			zones = append(zones, s.zone)
		}
	}
	return zones
}

// crowded is how many copies of v share a zone with another one although there
// are zones without any that take data.
func (w *world) crowded(v *volume, open map[string]bool) int {
	if len(v.Replicas) < 2 {
		return 0
	}
	taken := w.zonesOf(v)
	empty := len(open)
	for _, z := range taken {
		if open[z] {
			empty--
		}
	}
	return min(len(v.Replicas)-len(taken), empty)
}

// planSpread moves copies that share a zone to zones that have none: one more
// copy is made there, and what is surplus then is one of those that share. Only
// volumes that have all their copies are touched. It ends, since each move adds a
// zone to a volume and takes none away.
func (w *world) planSpread(p *plan, work *workload, crowded []*volume) {
	if w.braked || w.paused {
		return
	}
	slices.SortFunc(crowded, func(a, b *volume) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range crowded {
		if w.orders.syncing(v.ID) {
			continue
		}
		c := w.census(v)
		if len(c.settled) < len(v.Replicas) || w.undoubted(v.ID, v.Replicas) < len(v.Replicas) {
			continue // of copies that do not answer or are in doubt one does not give one up
		}
		taken := w.zonesOf(v)
		targets, _ := w.targets(v)
		targets = slices.DeleteFunc(targets, func(d *disk) bool { return slices.Contains(taken, d.site.zone) })
		if len(targets) > 0 {
			w.copyTo(p, work, v, c, targets)
		}
	}
}

// mayCrowd reports whether a volume that has all its copies could be spread over
// more zones and may be touched now.
func (w *world) mayCrowd(v *volume, open map[string]bool) bool {
	return len(open) > 1 && (v.State == metadata.VolumeIdle || v.State == metadata.VolumeFull) && w.crowded(v, open) > 0
}
