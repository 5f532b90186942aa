package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"kendfs/metadata/health"
)

func TestZoneWanted(t *testing.T) {
	for _, tc := range []struct {
		args  []string
		clear bool
		want  string
		bad   bool
	}{
		{[]string{"rack-b"}, false, "rack-b", false}, {nil, true, "", false}, {[]string{""}, false, "", false}, {[]string{""}, true, "", false},
		{nil, false, "", true}, {[]string{"rack-b"}, true, "", true},
	} {
		got, err := zoneWanted(tc.args, tc.clear)
		if got != tc.want || (err != nil) != tc.bad || err != nil && exitCode(err) != 2 {
			t.Errorf("%q, clear %v: got %q, %v", tc.args, tc.clear, got, err)
		}
	}
}

func TestZoneText(t *testing.T) {
	f := health.JudgeZone(health.ZoneFacts{
		Node: "n3", Name: "attic", Was: "house", WasSet: true, Zone: "shed", Set: true, Servers: 2, Zones: 3,
		OneZone: health.Count{Volumes: 1, Bytes: 1 << 30}, Crowded: health.Count{Volumes: 2, Bytes: 3 << 30}, MoveBytes: 3 << 30,
	})
	got := printed(t, func(c *cobra.Command) error { return zoneText(c, &f) })
	golden(t, "node zone --dry-run", got, `
attic is in the zone shed then. 3.0 GiB are copied to other zones, after all repairs.

zone now:                     house, set by an operator; the machine says nothing
all copies in one zone:       1 volume, 1.0 GiB
to move to other zones:       3.0 GiB of 2 volumes
spread better:                0 volumes, 0 B
storage servers in the zone:  2
zones that take data:         3
`)
}

// A machine is put into another zone while it goes on saying what its ken.toml
// says: the copies follow the operator, through restarts, until it is cleared.
func TestZoneOfANode(t *testing.T) {
	c := newNameserver(t, t.TempDir(), "", "--zone", "hall")
	for _, zone := range []string{"attic", "attic", "cellar"} {
		c.joined("datanode", "", "--zone", zone)
	}
	ken := func(args ...string) string { return mustKen(t, append(args, "--dir", c.node(0))...) }
	show := func() (n nodeJSON) {
		t.Helper()
		if err := json.Unmarshal([]byte(ken("node", "show", "n2", "-o", "json")), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	await := func(what, zone string, set bool) {
		t.Helper()
		c.awaitNone(what, 15*time.Second, func() string {
			if n := show(); n.Zone != zone || n.ZoneSet != set || n.Machine != "attic" {
				return fmt.Sprintf("zone %q, set %v, the machine says %q", n.Zone, n.ZoneSet, n.Machine)
			}
			return ""
		})
	}
	await("the machine's own label counts", "attic", false)
	if got := ken("node", "zone", "n2", "cellar", "--dry-run"); !strings.Contains(got, "zone now:") {
		t.Errorf("dry run: %s", got)
	}
	await("asking changes nothing", "attic", false)
	if got := ken("node", "zone", "n2", "cellar"); got != "n2: zone cellar, set by an operator; the machine says attic\n" {
		t.Errorf("got %q", got)
	}
	c.nodes[1].stop()
	c.start(1)
	await("after a restart of the machine", "cellar", true)
	if got := ken("node", "zone", "n2", "--clear", "-o", "json"); !strings.Contains(got, `"zone": "attic"`) {
		t.Errorf("got %q", got)
	}
	await("cleared", "attic", false)
	if got := ken("events", "-o", "json"); strings.Count(got, "ZONE_CHANGED") != 2 {
		t.Errorf("events: %s", got)
	}
	if got := ken("audit", "-o", "json"); strings.Count(got, "node.zone") != 2 {
		t.Errorf("audit: %s", got)
	}
	if got := mustKen(t, "__complete", "node", "zone", "--dir", c.node(0), "n2", "c"); !strings.HasPrefix(got, "cellar\n") {
		t.Errorf("completion: %q", got)
	}
}
