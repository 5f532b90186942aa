package admin

import (
	"slices"
	"strings"
	"testing"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// A storage server on which nothing is has nothing to wait for.
func TestDrainOfAnEmptyServer(t *testing.T) {
	n := &snapshot{Nodes: []metadata.Node{server(1, 0, 100, 0), server(2, 10, 200, 0), server(3, 10, 400, 0)}}
	n.Nodes[1].Disks[0].Volumes = 4
	n.Report.Repair = health.Progress{BytesPerS: 1}
	foretold := func(im api.Impact) bool {
		return slices.ContainsFunc(im.Facts, func(f api.Fact) bool { return f.Label == labelPresentRate().String() })
	}
	empty := drainTogether(n, []*metadata.Node{&n.Nodes[0]})
	if want := "There is nothing to move: no data is on n1."; !strings.HasPrefix(empty.Sentence, want) || foretold(empty) || len(empty.Blockers) != 0 {
		t.Errorf("got %q, %v, %q; want %q and no time for it", empty.Sentence, empty.Facts, empty.Blockers, want)
	}
	full := drainTogether(n, []*metadata.Node{&n.Nodes[1]})
	if want := "10 B in 4 copies of volumes move from n2"; !strings.HasPrefix(full.Sentence, want) || !foretold(full) {
		t.Errorf("got %q, %v, want %q and the time for it", full.Sentence, full.Facts, want)
	}
}
