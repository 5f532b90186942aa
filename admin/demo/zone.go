package demo

import (
	"cmp"
	"context"
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// ZoneFacts implements admin.Cluster.
func (d *Cluster) ZoneFacts(_ context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	defer d.look()()
	n := d.at(id)
	if n == nil || n.State == metadata.NodeRemoved {
		return health.ZoneFacts{}, errNoNode(id)
	}
	to := cmp.Or(zone, n.MachineZone)
	f := health.ZoneFacts{
		Node: id.String(), Name: n.Name, Was: n.Zone, WasSet: n.ZoneSet, Zone: to, Set: zone != "", Machine: n.MachineZone,
	}
	open := make(map[string]bool)
	for _, m := range d.storage() {
		z := m.Zone
		if m == n {
			z = to
		}
		if m.State != metadata.NodeRemoved && z == to {
			f.Servers++
		}
		if m.State == metadata.NodeActive && m.Liveness == metadata.LivenessUp && len(m.Disks) > 0 {
			open[z] = true
		}
	}
	f.Zones = len(open)
	for _, v := range d.volumes {
		was, is := d.zonesOf(v, n, n.Zone), d.zonesOf(v, n, to)
		switch {
		case is == was || len(v.Replicas) < 2:
			continue
		case is > was:
			add(&f.Mended, v.Bytes)
			continue
		case is == 1:
			add(&f.OneZone, v.Bytes)
		}
		if len(open) > is {
			add(&f.Crowded, v.Bytes)
			f.MoveBytes += v.Bytes
		}
	}
	return health.JudgeZone(f), nil
}

// zonesOf counts the zones that have a copy of v, with n in the zone z.
func (d *Cluster) zonesOf(v *volume, n *node, z string) int {
	var zones []string
	for _, r := range v.Replicas {
		at := d.at(r.Node)
		zone := at.Zone
		if at == n {
			zone = z
		}
		if !slices.Contains(zones, zone) {
			zones = append(zones, zone)
		}
	}
	return len(zones)
}
