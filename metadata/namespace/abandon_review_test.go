package namespace

import (
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// An upload that was given up must not hold its staged blocks until the
// session of its gateway ends, which may be months away.
func TestAbandonedStageIsReleased(t *testing.T) {
	w := newWorld(t)
	stage := func(content uint64, index uint32, n int) uint64 {
		return w.must(stageCmd(&metapb.Stage{Session: w.session, Content: content, Index: index,
			Blocks: w.blocks(n, 3), Leases: []*metapb.LeaseProof{w.lease}})).Id
	}
	content := stage(0, 0, chunkRefs+5)
	stage(content, chunkRefs+5, 7)
	other := stage(0, 0, 4)
	abandon := stageCmd(&metapb.Stage{Session: w.session, Content: content, Abandon: true})
	w.must(abandon)
	w.check()
	for name, cmd := range map[string]*metapb.Command{
		"again":  abandon,
		"nobody": stageCmd(&metapb.Stage{Session: w.session + 1, Content: other, Abandon: true}),
		"commit": commitCmd(&metapb.Commit{Path: "/x", Session: w.session, Staged: content, Size: 3 * (chunkRefs + 12)}),
		"more": stageCmd(&metapb.Stage{Session: w.session, Content: content, Index: chunkRefs + 12,
			Blocks: w.blocks(1, 3), Leases: []*metapb.LeaseProof{w.lease}}),
	} {
		if res := w.do(cmd); metadata.Kind(res.Kind) != metadata.KindStale {
			t.Errorf("%s: %v, %s; want KindStale", name, metadata.Kind(res.Kind), res.Message)
		}
	}
	w.now += int64(2 * graceDefault)
	w.reapAll(1)
	w.check()
	if got := w.rows(tableBlock); got != 4 {
		t.Errorf("%d committed blocks; want the 4 of the other upload", got)
	}
	if got := w.rows(tableDeadOf); got != chunkRefs+12 {
		t.Errorf("%d dead blocks, want %d", got, chunkRefs+12)
	}
	// What is committed cannot be abandoned any more, shared or not.
	w.must(commitCmd(&metapb.Commit{Path: "/y", Session: w.session, Staged: other, Size: 12}))
	w.must(copyCmd("/y", "/z", false))
	if res := w.do(stageCmd(&metapb.Stage{Session: w.session, Content: other, Abandon: true})); metadata.Kind(res.Kind) != metadata.KindStale {
		t.Errorf("committed: %v, want KindStale", metadata.Kind(res.Kind))
	}
	w.check()
}
