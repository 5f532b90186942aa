package admin_test

import (
	"context"
	"strings"
	"testing"

	"kendfs/metadata"
)

// A node is put into another zone: told before, done, shown as an operator's,
// recorded, and taken back.
func TestZoneOfNode(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op := d.as("olga")
	ns, err := d.cluster.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var n metadata.Node
	for _, m := range ns {
		if m.ID == 15 {
			n = m
		}
	}
	do := func(query, zone string) impact {
		t.Helper()
		return decode[impact](t, op.must("POST", "/api/v1/nodes/n15/zone"+query, map[string]string{"zone": zone, "reason": "moved"}, 200).body)
	}
	value := func(im impact, label string) string {
		for _, f := range im.Facts {
			if f.Label == label {
				return f.Value
			}
		}
		return "no such fact"
	}
	type node struct {
		Zone        string
		MachineZone string `json:"machine_zone"`
		ZoneSet     bool   `json:"zone_set"`
	}
	is := func(zone string, set bool) func() bool {
		return func() bool { return get[node](op, "/api/v1/nodes/n15") == node{zone, n.Zone, set} }
	}
	dry := do("?dry_run=true", "row-99/rack-1")
	if !dry.DryRun || len(dry.Blockers) != 0 || value(dry, "Zone now") != n.Zone || value(dry, "The machine itself says") != n.Zone ||
		value(dry, "Storage servers in the zone then") != "1" || !strings.Contains(dry.Sentence, "row-99/rack-1") {
		t.Errorf("what would be: %+v", dry)
	}
	d.until("nothing is changed by asking", is(n.Zone, false))
	if im := do("", "row-99/rack-1"); im.DryRun {
		t.Errorf("done: %+v", im)
	}
	d.until("the zone is the operator's", is("row-99/rack-1", true))
	if im := do("?dry_run=true", ""); value(im, "Zone now") != "row-99/rack-1, set by an operator" || !strings.Contains(im.Sentence, n.Zone) {
		t.Errorf("what taking it back would be: %+v", im)
	}
	op.refused("POST", "/api/v1/nodes/n15/zone", map[string]string{"zone": "row-99/rack-1"}, 409, "conflict")
	do("", "")
	d.until("the machine's own counts again", is(n.Zone, false))
	type audit struct {
		Items []struct{ Action, Target, User string }
	}
	records := get[audit](d.as("admin"), "/api/v1/audit?text=node.zone")
	if len(records.Items) != 2 || records.Items[0].Target != "n15" || records.Items[0].User != "olga" {
		t.Errorf("audit: %+v", records)
	}
	op.refused("POST", "/api/v1/nodes/n999/zone", map[string]string{"zone": "x"}, 404, "not_found")
	op.refused("POST", "/api/v1/nodes/n15/zone", map[string]string{"zone": strings.Repeat("x", 256)}, 400, "invalid")
	op.refused("POST", "/api/v1/nodes/n15/zone", nil, 400, "invalid")
	d.as("vera").refused("POST", "/api/v1/nodes/n15/zone", map[string]string{"zone": "x"}, 403, "denied")
}
