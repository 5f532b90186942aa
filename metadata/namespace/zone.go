package namespace

import (
	"kendfs/metadata/metapb"
)

// operatorZone gives a node the zone that an operator decides; with none, what
// its machine says counts again.
func operatorZone(row *metapb.NodeRow, zone string) {
	if !row.ZoneSet && row.MachineZone == "" {
		// A row of before: what counted until now is what there is to go back to.
		row.MachineZone = row.Zone
	}
	row.Zone, row.ZoneSet = zone, zone != ""
	if !row.ZoneSet {
		row.Zone = row.MachineZone
	}
}

// machineZone takes what a machine says of itself, and reports whether the row
// has changed. A machine without a label says nothing: the zone stays.
func machineZone(row *metapb.NodeRow, zone string) bool {
	if zone == "" || zone == row.MachineZone && (row.ZoneSet || zone == row.Zone) {
		return false
	}
	row.MachineZone = zone
	if !row.ZoneSet {
		row.Zone = zone
	}
	return true
}

// zoneSetBy says for the audit whose word the zone is.
func zoneSetBy(row *metapb.NodeRow) string {
	if row.ZoneSet {
		return "operator"
	}
	return "machine"
}

// zoneEvent tells of a node's new zone: copies are spread anew by it.
func zoneEvent(row *metapb.NodeRow) *metapb.EventRow {
	e := &metapb.EventRow{Severity: "info", Code: "ZONE_CHANGED", Node: row.Id, Subject: nodeName(row.Id)}
	say(e, sayZoned(row))
	return e
}
