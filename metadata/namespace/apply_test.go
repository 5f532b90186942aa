package namespace

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func TestApplyRefusesBatches(t *testing.T) {
	w := newWorld(t)
	before := w.hash(w.kv)
	for _, c := range []struct {
		name  string
		index uint64
		batch *metapb.Batch
	}{
		{"version 0", w.index + 1, &metapb.Batch{}},
		{"newer version", w.index + 1, &metapb.Batch{Version: 2}},
		{"nil batch", w.index + 1, nil},
		{"index applied before", w.index, &metapb.Batch{Version: 1}},
	} {
		if _, err := Apply(w.kv, c.index, c.batch); err == nil {
			t.Errorf("%s: applied", c.name)
		}
		if got := w.hash(w.kv); got != before {
			t.Errorf("%s: left a trace", c.name)
		}
	}
}

func TestApplied(t *testing.T) {
	w := newWorld(t)
	if got, err := Applied(w.kv); got != w.index || err != nil {
		t.Errorf("Applied = %d, %v, want %d", got, err, w.index)
	}
	if _, err := Apply(w.kv, w.index+7, &metapb.Batch{Version: 1, Commands: []*metapb.Command{nil}}); err != nil {
		t.Fatal(err)
	}
	a, err := w.ask(&metapb.Query{Q: &metapb.Query_Quota{Quota: &metapb.QuotaOf{Path: "/"}}})
	if err != nil || a.Applied != w.index+7 {
		t.Errorf("Answer.applied = %d, %v, want %d", a.GetApplied(), err, w.index+7)
	}
}

// TestTimeNeverGoesBack: a leader whose clock is behind does not turn back what
// was decided by the clock of the one before, and none can break arithmetic.
func TestTimeNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	w.tick = 0
	times := func(path string) (int64, int64) {
		e := w.must(mkdirCmd(path)).Entry
		return e.Row.Created, e.Row.Modified
	}
	first, _ := times("/a")
	w.now -= 1e12
	if second, modified := times("/b"); second != first || modified != first {
		t.Errorf("created %d, modified %d by a clock that is behind, want %d", second, modified, first)
	}
	w.now = math.MaxInt64
	times("/c")
	for _, timeout := range []int64{math.MinInt64, math.MaxInt64} {
		tok := fmt.Sprintf("a:%d", timeout)
		w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/a",
			Lock: &metapb.LockRow{Token: tok, Shared: true, Timeout: timeout}}}})
	}
	w.check()
}

func TestInitOnce(t *testing.T) {
	w := newWorld(t)
	res := w.do(&metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{}, Admin: &metapb.UserRow{Name: "x", Hash: "x"}}}})
	if metadata.Kind(res.Kind) != metadata.KindExists || res.Ok {
		t.Errorf("second Init: %v", res)
	}
}

// TestRenameIsCheap: what a rename writes does not depend on what is below.
func TestRenameIsCheap(t *testing.T) {
	w := newWorld(t)
	w.unchecked = true
	for _, dir := range []string{"/few", "/many", "/to", "/to/deep"} {
		w.must(mkdirCmd(dir))
	}
	var cmds []*metapb.Command
	for i := range 10_000 {
		cmds = append(cmds, commitCmd(w.commitOp(fmt.Sprintf("/many/%d", i), 0, 0)))
	}
	w.apply(cmds...)
	cost := map[string]string{}
	for _, src := range []string{"/few", "/many"} {
		calls := &counting{KV: w.kv}
		w.index++
		if _, err := Apply(calls, w.index, &metapb.Batch{Version: 1, Commands: []*metapb.Command{renameCmd(src, "/to/deep"+src, false)}}); err != nil {
			t.Fatal(err)
		}
		cost[src] = fmt.Sprintf("%d writes, %d deletes, %d scans", calls.sets, calls.deletes, calls.scans)
	}
	// The entry, its row, those of the directories on both ways, cluster, index.
	if want := "7 writes, 1 deletes, 0 scans"; cost["/many"] != want {
		t.Errorf("renaming 10,000 files: %s, want %s", cost["/many"], want)
	}
	calls := &counting{KV: w.kv}
	w.index++
	if _, err := Apply(calls, w.index, &metapb.Batch{Version: 1, Commands: []*metapb.Command{removeCmd("/to/deep/many")}}); err != nil {
		t.Fatal(err)
	}
	if calls.sets+calls.deletes > 8 {
		t.Errorf("removing 10,000 files: %d writes, %d deletes", calls.sets, calls.deletes)
	}
	w.check()
	if steps := w.reapAll(1000); steps != 11 {
		t.Errorf("reaped in %d steps, want 11", steps)
	}
	w.check()
}

// TestBatchWritesRowsOnce: directories, floors and the cluster row are written
// once, however many commands touch them.
func TestBatchWritesRowsOnce(t *testing.T) {
	w := newWorld(t)
	w.must(mkdirCmd("/d"))
	var cmds []*metapb.Command
	for i := range 100 {
		cmd := commitCmd(w.commitOp(fmt.Sprintf("/d/%d", i), 0, 0))
		cmd.Session, cmd.Sequence, cmd.Acked = w.session, uint64(i+1), uint64(i)
		cmds = append(cmds, cmd)
	}
	calls := &counting{KV: w.kv}
	w.index++
	if _, err := Apply(calls, w.index, &metapb.Batch{Version: 1, Now: w.now, Commands: cmds}); err != nil {
		t.Fatal(err)
	}
	// An entry and a result each; /, /d, floor, cluster, index.
	if want := 100 + 100 + 5; calls.sets != want {
		t.Errorf("%d writes for 100 empty files, want %d", calls.sets, want)
	}
	w.check()
}

// TestResultsAreRepeated: the repetition of a command gets the same answer and
// changes nothing, whatever happened since; refusals included.
func TestResultsAreRepeated(t *testing.T) {
	w := newWorld(t)
	first := []*metapb.Command{mkdirCmd("/d"), mkdirCmd("/d"), removeCmd("/d"), commitCmd(w.commitOp("/f", 1, 10)), {}}
	var results []*metapb.Result
	for i, cmd := range first {
		cmd.Session, cmd.Sequence = w.session, uint64(i+1)
		results = append(results, w.apply(cmd)[0])
	}
	dump := strings.Join(w.dump(), "\n")
	for i, cmd := range first {
		if got := w.apply(proto.CloneOf(cmd))[0]; !proto.Equal(got, results[i]) {
			t.Errorf("repetition of %v:\n got %v\nwant %v", cmd, got, results[i])
		}
	}
	if got := strings.Join(w.dump(), "\n"); got != dump {
		t.Errorf("repetitions changed the tree from\n%s\nto\n%s", dump, got)
	}
	w.check()
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	w.must(commitCmd(w.commitOp("/f", 0, 0)))
	many := func(n int, size int) (props []*metapb.PropRow) {
		for i := range n {
			props = append(props, &metapb.PropRow{Local: fmt.Sprint("p", i), Value: make([]byte, size)})
		}
		return props
	}
	guard := func(g *metapb.Guard) *metapb.Command {
		return &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: "/x", Guard: g}}}
	}
	set := func(props []*metapb.PropRow) *metapb.Command {
		return setAttrCmd(&metapb.SetAttr{Path: "/f", SetProps: props})
	}
	var conds []*metapb.IfCond
	for range guardCondsMax + 1 {
		conds = append(conds, &metapb.IfCond{Not: true, Token: "DAV:no-lock"})
	}
	for _, c := range []struct {
		name string
		cmd  *metapb.Command
		want metadata.Kind
	}{
		{"tokens", guard(&metapb.Guard{Tokens: make([]string, guardTokensMax+1)}), metadata.KindTooLarge},
		{"lists", guard(&metapb.Guard{Ifs: make([]*metapb.IfList, guardListsMax+1)}), metadata.KindTooLarge},
		{"conditions", guard(&metapb.Guard{Ifs: []*metapb.IfList{{Conds: conds}}}), metadata.KindTooLarge},
		{"etags", guard(&metapb.Guard{IfMatch: &metapb.ETagSet{Tags: make([]string, guardTagsMax+1)}}), metadata.KindTooLarge},
		{"blocks", commitCmd(w.commitOp("/g", metadata.StageRefsMax+1, 1)), metadata.KindTooLarge},
		{"block of nothing", commitCmd(w.commitOp("/g", 1, 0)), metadata.KindInvalid},
		{"huge block", commitCmd(w.commitOp("/g", 1, metadata.BlockBytesMax+1)), metadata.KindInvalid},
		{"short hash", commitCmd(&metapb.Commit{Path: "/g", Sha1: []byte{1}}), metadata.KindInvalid},
		{"long name", mkdirCmd("/" + strings.Repeat("x", 256)), metadata.KindTooLarge},
		{"deep path", mkdirCmd(strings.Repeat("/x", 129)), metadata.KindTooLarge},
		{"many properties", set(many(metadata.PropsPerEntryMax+1, 1)), metadata.KindTooLarge},
		{"large property", set(many(1, metadata.PropValueBytesMax+1)), metadata.KindTooLarge},
		{"large properties", set(many(17, metadata.PropValueBytesMax)), metadata.KindTooLarge},
		{"name of a property", set([]*metapb.PropRow{{Local: "a\x00b"}}), metadata.KindInvalid},
		{"no name of a property", set([]*metapb.PropRow{{Space: "a"}}), metadata.KindInvalid},
		{"long name of a property", set([]*metapb.PropRow{{Local: strings.Repeat("x", propNameBytesMax+1)}}), metadata.KindTooLarge},
		{"lock owner", &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/f", Lock: &metapb.LockRow{
			Token: "a:b", Owner: strings.Repeat("x", metadata.LockOwnerBytesMax+1)}}}}, metadata.KindTooLarge},
		{"lock token", &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/f", Lock: &metapb.LockRow{
			Token: "a:" + strings.Repeat("x", lockTokenBytesMax)}}}}, metadata.KindInvalid},
		{"bytes as a language", set([]*metapb.PropRow{{Local: "a", Lang: "\xff"}}), metadata.KindInvalid},
		{"bytes as a lock's owner", &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/f", Lock: &metapb.LockRow{
			Token: "a:b", Owner: "\xff"}}}}, metadata.KindInvalid},
	} {
		if res := w.do(c.cmd); metadata.Kind(res.Kind) != c.want || res.Ok {
			t.Errorf("%s: %s %q, want %s", c.name, metadata.Kind(res.Kind), res.Message, c.want)
		}
	}
	w.must(set(many(metadata.PropsPerEntryMax, 1)))
	w.must(set(many(metadata.PropsPerEntryMax, 2)))
	if res := w.do(set([]*metapb.PropRow{{Local: "more"}})); res.Ok {
		t.Error("one property more than the bound")
	}
	w.check()
}

// TestLimitsOfRows plants counters at their bounds, which no test could reach in time.
func TestLimitsOfRows(t *testing.T) {
	lockCmd := func(user string) *metapb.Command {
		return &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/d", Guard: &metapb.Guard{User: user},
			Lock: &metapb.LockRow{Token: "a:b"}}}}
	}
	w := newWorld(t)
	w.must(mkdirCmd("/d"))
	p := planter{w, map[string]uint64{"/d": w.lookup("/d").Row.Id}}
	p.set(keyLockUser("ann"), u64Row(metadata.LocksPerUserMax))
	if res := w.do(lockCmd("ann")); metadata.Kind(res.Kind) != metadata.KindBusy {
		t.Errorf("a lock too many for a user: %v", res)
	}
	c, err := getRow[metapb.ClusterRow](w.kv, keyCluster())
	p.fail(err)
	c.Locks = metadata.LocksMax
	p.put(keyCluster(), c)
	if res := w.do(lockCmd("")); metadata.Kind(res.Kind) != metadata.KindBusy {
		t.Errorf("a lock too many: %v", res)
	}
	c.Locks = 0
	p.put(keyCluster(), c)
	p.dir("/d", func(r *metapb.DirRow) { r.Files = metadata.CopyEntriesMax })
	if res := w.do(copyCmd("/d", "/e", false)); metadata.Kind(res.Kind) != metadata.KindTooLarge {
		t.Errorf("a copy of too many entries: %v", res)
	}
	p.dir("/", func(r *metapb.DirRow) { r.Bytes = math.MaxInt64 - 5 })
	if res := w.do(commitCmd(w.commitOp("/x", 1, 6))); metadata.Kind(res.Kind) != metadata.KindTooLarge {
		t.Errorf("more bytes than can be counted: %v", res)
	}
}
