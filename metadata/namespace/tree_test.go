package namespace

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// bigTree makes a tree of n files in directories of up to 2500, five deep.
func (w *world) bigTree(root string, n int) {
	w.must(mkdirCmd(root))
	var cmds []*metapb.Command
	dir := root
	for i := range n {
		if i%2500 == 0 {
			if strings.Count(dir, "/") >= 5 {
				dir = root
			}
			dir += fmt.Sprintf("/d%d", i)
			cmds = append(cmds, mkdirCmd(dir))
		}
		cmds = append(cmds, commitCmd(w.commitOp(fmt.Sprintf("%s/f%d", dir, i), i%3, 10)))
	}
	for _, res := range w.apply(cmds...) {
		if !res.Ok {
			w.t.Fatal(res)
		}
	}
}

// TestCopyTree copies a tree whose directories need more than one page, changes
// the copy and sees that the source stays.
func TestCopyTree(t *testing.T) {
	n := 6000
	if os.Getenv("KEN_SOAK") == "1" {
		n = metadata.CopyEntriesMax - 100
	}
	w := newWorld(t)
	w.unchecked = true
	w.bigTree("/src", n)
	w.must(copyCmd("/src", "/dst", false))
	w.check()
	src, dst := w.lookup("/src"), w.lookup("/dst")
	if src.Dir.Files != int64(n) || dst.Dir.Files != int64(n) || dst.Dir.Bytes != src.Dir.Bytes || dst.Dir.Dirs != src.Dir.Dirs {
		t.Errorf("copied %v of %v", dst.Dir, src.Dir)
	}
	blocks := w.rows(tableBlock)
	w.must(commitCmd(w.commitOp("/dst/d0/f1", 1, 7)))
	w.must(removeCmd("/dst/d0/f2"))
	if e := w.lookup("/src/d0/f1"); e.Row.Size != 10 {
		t.Errorf("the source changed: %v", e)
	}
	if got := w.rows(tableBlock); got != blocks+1 {
		t.Errorf("%d blocks, want %d: those of the source are still in use", got, blocks+1)
	}
	w.check()
	w.must(removeCmd("/src"))
	w.must(removeCmd("/dst"))
	w.reapAll(1000)
	w.check()
	if got := w.rows(tableBlock) + w.rows(tableContent) + w.rows(tableTrash); got != 0 || w.rows(tableEntry) != 1 {
		t.Errorf("%d rows left", got)
	}
}

// TestDeepTree: moving trees into each other nests them deeper than a path can
// say; everything still adds up and goes away.
func TestDeepTree(t *testing.T) {
	w := newWorld(t)
	w.unchecked = true
	long := strings.Repeat("/x", metadata.PathDepthMax-1)
	chain := func(top string) {
		w.must(mkdirCmd(top))
		for i := 1; i < metadata.PathDepthMax-1; i++ {
			w.must(mkdirCmd(top + long[:2*i]))
		}
	}
	chain("/a")
	for i := range 5 {
		chain("/b")
		w.must(renameCmd("/a", "/b"+long[:len(long)-2]+"/a", false))
		w.must(renameCmd("/b", "/a", false))
		if got, want := w.lookup("/").Dir.Dirs, int64((i+2)*(metadata.PathDepthMax-1)); got != want {
			t.Fatalf("%d directories, want %d", got, want)
		}
	}
	w.check()
	w.must(copyCmd("/a", "/copy", false))
	w.must(removeCmd("/a"))
	w.must(removeCmd("/copy"))
	w.reapAll(7)
	w.check()
	if n := w.rows(tableEntry) + w.rows(tableDir); n != 2 {
		t.Errorf("%d rows left of entries and directories, want those of the root", n)
	}
}

// TestReapIsBounded: however much there is to do, one Reap writes about as many
// rows as it was told.
func TestReapIsBounded(t *testing.T) {
	w := newWorld(t)
	w.unchecked = true
	w.bigTree("/t", 3000)
	w.must(commitCmd(w.commitOp("/t/large", 4000, 10)))
	for range 10 {
		w.must(stageCmd(&metapb.Stage{Session: w.session, Blocks: w.blocks(400, 10), Leases: []*metapb.LeaseProof{w.lease}}))
	}
	w.must(removeCmd("/t"))
	w.openSession()
	steps := 0
	for more := true; more; steps++ {
		if steps == 100 {
			w.now += 3600e9
		}
		calls := &counting{KV: w.kv}
		w.index++
		res, err := Apply(calls, w.index, &metapb.Batch{Version: 1, Now: w.now, Commands: []*metapb.Command{reapCmd(100)}})
		if err != nil {
			t.Fatal(err)
		}
		// A file is its row and what its block leaves behind; a chunk of 256
		// references is taken whole, three rows a block.
		if n := calls.sets + calls.deletes; n > 100*3+chunkRefs*3+10 {
			t.Errorf("step %d wrote %d rows", steps, n)
		}
		more = res[0].More != 0 || steps < 100
	}
	w.check()
	if w.rows(tableBlock) != 0 || w.rows(tableTrash) != 0 || w.rows(tableStaged) != 0 {
		t.Error("blocks, trash or staged references are left")
	}
}

// TestStagedCommit commits files through any division of their references and
// reads them back.
func TestStagedCommit(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i, n := range []int{0, 1, 7, 8, 9, 255, 256, 257, 511, 512, 513, 1000, 3000} {
		path := fmt.Sprintf("/f%d", i)
		all := w.blocks(n, 10)
		var content uint64
		at := 0
		for at < n && rng.IntN(4) > 0 {
			k := rng.IntN(n-at) + 1
			content = w.must(stageCmd(&metapb.Stage{Session: w.session, Content: content, Index: uint32(at),
				Blocks: all[at : at+k], Leases: []*metapb.LeaseProof{w.lease}})).Id
			at += k
			w.check()
		}
		e := w.must(commitCmd(&metapb.Commit{Path: path, Session: w.session, Size: int64(n) * 10, Staged: content,
			Blocks: all[at:], Leases: []*metapb.LeaseProof{w.lease}})).Entry
		w.check()
		got := e.Row.Blocks
		if n > metadata.InlineRefsMax {
			a, err := w.ask(&metapb.Query{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{Content: e.Row.Content}}})
			if err != nil {
				t.Fatal(err)
			}
			got = a.Blocks
		}
		if len(got) != n {
			t.Errorf("%d blocks staged up to %d: read %d", n, at, len(got))
			continue
		}
		for j := range got {
			if !proto.Equal(got[j], all[j]) {
				t.Errorf("%d blocks: block %d is %v, want %v", n, j, got[j], all[j])
			}
		}
	}
	if w.rows(tableStaged) != 0 || w.rows(tableContent) != 0 {
		t.Error("something is still staged")
	}
}

// TestCommitNeedsLease: nothing of a refused commit stays, and a session that
// is over can neither stage nor commit.
func TestCommitNeedsLease(t *testing.T) {
	w := newWorld(t)
	good := w.commitOp("/f", 3, 10)
	content := w.must(stageCmd(&metapb.Stage{Session: w.session, Blocks: w.blocks(10, 10), Leases: []*metapb.LeaseProof{w.lease}})).Id
	change := func(f func(c *metapb.Commit)) *metapb.Command {
		c := proto.CloneOf(good)
		f(c)
		return commitCmd(c)
	}
	for _, c := range []struct {
		name string
		cmd  *metapb.Command
		want metadata.Kind
	}{
		{"another epoch", change(func(c *metapb.Commit) { c.Leases[0].Epoch++ }), metadata.KindStale},
		{"no proof", change(func(c *metapb.Commit) { c.Leases = nil }), metadata.KindInvalid},
		{"another session", change(func(c *metapb.Commit) { c.Session = 99 }), metadata.KindStale},
		{"another's stage", change(func(c *metapb.Commit) { c.Session, c.Staged, c.Size = 99, content, 130 }), metadata.KindStale},
		{"wrong size", change(func(c *metapb.Commit) { c.Size++ }), metadata.KindInvalid},
		{"negative size", change(func(c *metapb.Commit) { c.Size = -30 }), metadata.KindInvalid},
		{"a block twice", change(func(c *metapb.Commit) { c.Blocks[1] = c.Blocks[0] }), metadata.KindInvalid},
	} {
		if res := w.do(c.cmd); metadata.Kind(res.Kind) != c.want || res.Ok {
			t.Errorf("%s: %s %q, want %s", c.name, metadata.Kind(res.Kind), res.Message, c.want)
		}
	}
	w.must(commitCmd(good))
	again := proto.CloneOf(good)
	again.Path = "/g"
	if res := w.do(commitCmd(again)); res.Ok {
		t.Error("the blocks of one file were committed as another's")
	}
	old := w.session
	w.openSession()
	late := w.do(commitCmd(&metapb.Commit{Path: "/late", Session: old, Staged: content, Size: 100}))
	if metadata.Kind(late.Kind) != metadata.KindStale {
		t.Errorf("a commit of an ended session: %v", late)
	}
	if res := w.do(stageCmd(&metapb.Stage{Session: old, Content: content, Index: 10})); metadata.Kind(res.Kind) != metadata.KindStale {
		t.Errorf("a stage of an ended session: %v", res)
	}
	w.check()
}

// TestCommitKeeps: what a commit over a file keeps and what it changes.
func TestCommitKeeps(t *testing.T) {
	w := newWorld(t)
	w.must(commitCmd(w.commitOp("/f", 1, 10)))
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/f", Created: &metapb.Int64Value{Value: 5},
		SetProps: []*metapb.PropRow{{Space: "DAV:", Local: "x", Lang: "de", Value: []byte("<v/>")}}}))
	w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/f", Lock: &metapb.LockRow{Token: "a:b"}}}})
	before := w.lookup("/f")
	op := w.commitOp("/f", 2, 20)
	op.Guard = &metapb.Guard{Tokens: []string{"a:b"}}
	op.Sha1 = []byte("12345678901234567890")
	op.Modified = 77
	w.must(commitCmd(op))
	after := w.lookup("/f")
	want := proto.CloneOf(before)
	want.Row.Size, want.Row.Modified, want.Row.Sha1 = 40, 77, op.Sha1
	want.Row.Content, want.Row.BlockCount, want.Row.Blocks = after.Row.Content, 2, op.Blocks
	if !proto.Equal(after, want) || after.Row.Content == before.Row.Content {
		t.Errorf("after a commit:\n got %v\nwant %v", after, want)
	}
	w.check()
}
