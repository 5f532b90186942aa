package namespace

import (
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// A content that is being released is taken apart from its first chunk on. Who
// still reads it must not be given the references of a later place in the file.
func TestBlocksOfAContentBeingReleased(t *testing.T) {
	w := newWorld(t)
	op := w.commitOp("/large", 2*chunkRefs+10, 7)
	content := w.must(commitCmd(op)).Entry.Row.Content
	w.must(removeCmd("/large"))
	w.now += int64(2 * graceDefault)
	if w.must(reapCmd(1)).More == 0 {
		t.Fatal("nothing is left to release: the test says nothing")
	}
	ask := func(index uint32) (*metapb.Answer, error) {
		return w.ask(&metapb.Query{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{Content: content, Index: index}}})
	}
	for _, index := range []uint32{0, 1, chunkRefs - 1} {
		if a, err := ask(index); metadata.KindOf(err) != metadata.KindNotFound || err == nil {
			t.Errorf("Blocks from %d on: %d references, first local %d, error %v; want KindNotFound",
				index, len(a.GetBlocks()), a.GetBlocks()[0].GetLocal(), err)
		}
	}
	a, err := ask(chunkRefs + 3)
	if err != nil || a.Blocks[0].Local != op.Blocks[chunkRefs+3].Local {
		t.Errorf("Blocks from %d on: %v, error %v; want the block of that place", chunkRefs+3, a.GetBlocks(), err)
	}
}
