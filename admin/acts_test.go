package admin_test

import (
	"context"
	"strings"
	"testing"

	"kendfs/metadata"
)

// A drain that cannot end, because too few storage servers would be left, is
// refused for one node as it is for several.
func TestDrainThatCannotEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("olga")
	ns, err := d.cluster.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, n := range ns {
		if len(n.Disks) == 0 || n.State != metadata.NodeActive {
			continue
		}
		if left++; left > 3 {
			state := metadata.NodeMaintenance
			if _, err := d.cluster.SetNode(context.Background(), n.ID, metadata.NodeChange{State: &state}); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.until("it is refused", func() bool {
		im := decode[impact](t, b.must("POST", "/api/v1/nodes/n7/drain?dry_run=true", nil, 200).body)
		return strings.Contains(strings.Join(im.Blockers, "; "), "the drain would not end")
	})
	b.refused("POST", "/api/v1/nodes/n7/drain", nil, 409, "conflict")
}

// Activating a node that is removed does not bring it back; each act on a node
// says what it would do, and does it for whoever may.
func TestNodeActs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b, op := d.as("admin"), d.as("olga")
	state := func(id metadata.NodeID) metadata.Node {
		t.Helper()
		ns, err := d.cluster.Nodes(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range ns {
			if n.ID == id {
				return n
			}
		}
		t.Fatalf("no node %s", id)
		return metadata.Node{}
	}
	op.refused("POST", "/api/v1/nodes/n5/remove", map[string]string{"confirm": "gw-2"}, 403, "denied")
	op.must("PATCH", "/api/v1/nodes/n15", map[string]string{"zone": "row-99/rack-1", "name": "fresh"}, 200)
	if n := state(15); n.Zone != "row-99/rack-1" || n.Name != "fresh" {
		t.Errorf("got %+v", n)
	}
	op.refused("PATCH", "/api/v1/nodes/n15", map[string]any{"state": "removed"}, 400, "invalid")
	op.refused("PATCH", "/api/v1/nodes/n999", map[string]string{"zone": "x"}, 404, "not_found")
	for _, act := range []string{"drain", "activate", "maintenance"} {
		body := map[string]any{"reason": "because"}
		if act == "maintenance" {
			body["seconds"] = 600
		}
		op.refused("POST", "/api/v1/nodes/n999/"+act, body, 404, "not_found")
		op.must("POST", "/api/v1/nodes/n16/"+act+"?dry_run=true", body, 200)
	}
	op.must("POST", "/api/v1/nodes/n16/maintenance", map[string]any{"seconds": 600}, 200)
	if n := state(16); n.State != metadata.NodeMaintenance || n.Until.IsZero() {
		t.Errorf("got %+v", n)
	}
	d.until("the snapshot has it", func() bool {
		im := decode[impact](t, op.must("POST", "/api/v1/nodes/n16/activate?dry_run=true", nil, 200).body)
		return len(im.Blockers) == 0
	})
	op.must("POST", "/api/v1/nodes/n16/activate", nil, 200)
	d.until("it is active in the snapshot", func() bool {
		return op.status("POST", "/api/v1/nodes/n16/activate", nil) == 409
	})
	b.must("POST", "/api/v1/nodes/n5/remove", map[string]string{"confirm": "gw-2"}, 200)
	if n := state(5); n.State != metadata.NodeRemoved {
		t.Fatalf("got %+v", n)
	}
	for _, act := range []string{"drain", "activate"} {
		if got := op.status("POST", "/api/v1/nodes/n5/"+act, nil); got != 409 && got != 404 {
			t.Errorf("%s of a removed node: got %d", act, got)
		}
	}
	if n := state(5); n.State != metadata.NodeRemoved {
		t.Errorf("a removed node came back: %+v", n)
	}
}
