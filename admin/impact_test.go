package admin_test

import (
	"context"
	"strings"
	"testing"

	"kendfs/metadata"
)

// Several nodes are judged together: each alone may go, all of them may not.
func TestImpactOfNodesTogether(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("olga")
	danger := func(im impact) (labels []string) {
		for _, f := range im.Facts {
			if f.Danger {
				labels = append(labels, f.Label)
			}
		}
		return labels
	}
	ask := func(act string, nodes ...string) impact {
		return get[impact](b, "/api/v1/impact?act="+act+"&node="+strings.Join(nodes, ","))
	}
	one := ask("maintenance", "n12")
	if !one.DryRun || one.Sentence == "" || len(one.Blockers) != 0 {
		t.Errorf("maintenance of one: got %+v", one)
	}
	all, err := d.cluster.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var storage []string
	for _, n := range all {
		if n.Roles[0] == metadata.NodeDatanode {
			storage = append(storage, n.ID.String())
		}
	}
	if im := ask("maintenance", storage...); len(danger(im)) == 0 || !strings.Contains(im.Sentence, "could not be read") {
		t.Errorf("maintenance of all storage servers: got %+v", im)
	}
	if im := ask("drain", "n12", "n12", "n13"); len(im.Blockers) != 0 || !strings.Contains(im.Sentence, "these 2 nodes") {
		t.Errorf("drain of two: got %+v", im)
	}
	im := ask("drain", storage...)
	if len(im.Blockers) < 2 || len(danger(im)) != 2 {
		t.Errorf("drain of all storage servers: got %+v", im)
	}
	if im := ask("drain", "n1", "n12"); len(im.Blockers) != 1 || !strings.Contains(im.Blockers[0], "keeps no data") {
		t.Errorf("drain of a nameserver: got %+v", im)
	}
	b.refused("GET", "/api/v1/impact?act=drain&node=n12,nowhere", nil, 404, "not_found")
	b.refused("GET", "/api/v1/impact?act=format&node=n12", nil, 400, "invalid")
	b.refused("GET", "/api/v1/impact?act=drain", nil, 400, "invalid")
	b.refused("GET", "/api/v1/impact?act=drain&node="+strings.Repeat("n12,", 64)+"n13", nil, 400, "invalid")
}
