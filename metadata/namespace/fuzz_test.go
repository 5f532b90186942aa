package namespace

import (
	"errors"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// richWorld is a namespace with at least one row of every table of the tree.
func richWorld(t testing.TB) *world {
	w := newWorld(t)
	for _, dir := range []string{"/d", "/d/e", "/gone", "/gone/sub"} {
		w.must(mkdirCmd(dir))
	}
	w.must(commitCmd(w.commitOp("/d/small", 2, 10)))
	w.must(commitCmd(w.commitOp("/d/e/large", 300, 10)))
	w.must(commitCmd(w.commitOp("/dead", 300, 10)))
	w.must(commitCmd(w.commitOp("/gone/sub/f", 1, 10)))
	w.must(copyCmd("/d/small", "/d/twin", false))
	w.must(copyCmd("/d/e/large", "/large2", false))
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/d/small", SetProps: []*metapb.PropRow{{Space: "x", Local: "p", Value: []byte("1")}}}))
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/d", QuotaBytes: &metapb.Int64Value{Value: 1 << 30}}))
	w.must(&metapb.Command{Session: w.session, Sequence: 2, Acked: 2, Op: mkdirCmd("/seq").Op})
	w.must(stageCmd(&metapb.Stage{Session: w.session, Blocks: w.blocks(3, 10), Leases: []*metapb.LeaseProof{w.lease}}))
	for _, l := range []*metapb.Lock{
		{Path: "/d/small", Guard: &metapb.Guard{User: "ann"}, Lock: &metapb.LockRow{Token: token("T1")}},
		{Path: "/d/e", Guard: &metapb.Guard{User: "bob"}, Lock: &metapb.LockRow{Token: token("T2"), Infinite: true, Shared: true}},
	} {
		w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: l}})
	}
	w.must(removeCmd("/dead"))
	w.must(removeCmd("/gone"))
	w.check()
	return w
}

// TestRichWorld keeps richWorld honest: a table without rows tests nothing.
func TestRichWorld(t *testing.T) {
	w := richWorld(t)
	for _, table := range []byte("aCDIPKXWZTLlMeuVGNUSRY") {
		if w.rows(table) == 0 {
			t.Errorf("table %c is empty", table)
		}
	}
}

// FuzzApply: whatever is in a batch, Apply does not panic, refuses only with
// kinds, and every invariant holds afterwards.
func FuzzApply(f *testing.F) {
	seed := richWorld(f)
	for _, l := range seed.log {
		f.Add(encode(f, &metapb.Batch{Version: 1, Now: l.now, Commands: []*metapb.Command{l.cmd}}))
	}
	for _, cmd := range hostileCommands(seed) {
		f.Add(encode(f, &metapb.Batch{Version: 1, Now: math.MaxInt64, Commands: []*metapb.Command{cmd, cmd}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkApply(t, seed, data) })
}

// checkApply applies a batch to a copy of a world.
func checkApply(t *testing.T, seed *world, data []byte) {
	var batch metapb.Batch
	if proto.Unmarshal(data, &batch) != nil || len(batch.Commands) > 100 {
		return
	}
	kv := seed.kv.Clone()
	results, err := Apply(kv, seed.index+1, &batch)
	if err != nil {
		if batch.Version == batchVersion {
			t.Fatalf("Apply: %v", err)
		}
		return
	}
	for i, res := range results {
		if res.Ok == (res.Kind != 0 || res.Message != "") {
			t.Fatalf("result %d is neither an answer nor a refusal: %v", i, res)
		}
		if !res.Ok && res.Kind == uint32(metadata.KindInternal) {
			t.Fatalf("command %d failed inside: %s", i, res.Message)
		}
	}
	if errs := Check(kv); len(errs) > 0 {
		t.Fatalf("Check after %v: %v", &batch, errs)
	}
}

// FuzzAnswer: whatever is in a query, Answer does not panic and refuses with a kind.
func FuzzAnswer(f *testing.F) {
	seed := richWorld(f)
	for _, q := range []*metapb.Query{
		{},
		{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: "/d/small", User: "ann", Props: true, Locks: true}}},
		{Q: &metapb.Query_List{List: &metapb.List{Path: "/d", User: "bob", After: "e", Limit: 1, Props: true, Locks: true}}},
		{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{Content: 2, Index: 299}}},
		{Q: &metapb.Query_Quota{Quota: &metapb.QuotaOf{Path: "/d/e"}}},
		{Q: &metapb.Query_Locks{Locks: &metapb.LockList{Limit: 1}}},
		{Q: &metapb.Query_VolumeBlocks{VolumeBlocks: &metapb.VolumeBlocks{Volume: 1, After: math.MaxUint64}}},
		{Q: &metapb.Query_DeadBlocks{DeadBlocks: &metapb.DeadBlocks{Before: -1}}},
		{Q: &metapb.Query_ListVolumes{ListVolumes: &metapb.ListVolumes{After: math.MaxUint64}}},
		{Q: &metapb.Query_Events{Events: &metapb.ListEvents{Before: math.MaxUint64, After: math.MaxUint64, Text: "x"}}},
		{Q: &metapb.Query_Audit{Audit: &metapb.ListEvents{Limit: 1, Severity: "info", User: "ann", Since: math.MinInt64}}},
		{Q: &metapb.Query_Desktop{Desktop: &metapb.GetDesktop{User: "ann"}}},
		{Q: &metapb.Query_Quotas{Quotas: &metapb.ListQuotas{After: math.MaxUint64, Limit: 1, Percent: math.MaxUint32}}},
	} {
		f.Add(encode(f, q))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkAnswer(t, seed, data) })
}

// checkAnswer asks a world.
func checkAnswer(t *testing.T, seed *world, data []byte) {
	var q metapb.Query
	if proto.Unmarshal(data, &q) != nil {
		return
	}
	_, err := Answer(seed.kv, &q)
	var refused *metadata.Error
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("Answer(%v): %v", &q, err)
	}
}

func encode(t testing.TB, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hostileCommands are at the edges: empty, huge, negative.
func hostileCommands(w *world) []*metapb.Command {
	long := string(make([]byte, 300))
	return []*metapb.Command{
		{},
		{Op: &metapb.Command_Commit{}},
		{Op: &metapb.Command_Commit{Commit: &metapb.Commit{Path: "/x", Size: -1, Modified: math.MinInt64}}},
		{Op: &metapb.Command_Commit{Commit: &metapb.Commit{Path: "/x", Session: w.session, Size: 10,
			Blocks: []*metapb.BlockRef{{Volume: 1, Local: 1 << 20, Length: 10}, nil}, Leases: []*metapb.LeaseProof{w.lease, nil}}}},
		{Op: &metapb.Command_Stage{Stage: &metapb.Stage{Session: w.session, Content: math.MaxUint64, Index: math.MaxUint32}}},
		{Op: &metapb.Command_Rename{Rename: &metapb.Rename{Src: "/", Dst: "/"}}},
		{Op: &metapb.Command_Copy{Copy: &metapb.Copy{Src: "/d", Dst: "/d2", Modified: math.MinInt64}}},
		{Op: &metapb.Command_SetAttr{SetAttr: &metapb.SetAttr{Path: "/d", Modified: &metapb.Int64Value{Value: math.MinInt64},
			QuotaBytes: &metapb.Int64Value{Value: math.MaxInt64}, SetProps: []*metapb.PropRow{nil, {Local: long}}, DelProps: []*metapb.PropRow{nil}}}},
		{Op: &metapb.Command_SetAttr{SetAttr: &metapb.SetAttr{Path: "/d", SetProps: []*metapb.PropRow{{Local: "a"}, {Local: "a"}}, DelProps: []*metapb.PropRow{{Local: "a"}}}}},
		{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/", Lock: &metapb.LockRow{Token: "a:b", Timeout: math.MaxInt64, Infinite: true}}}},
		{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/n", Create: true}}},
		{Op: &metapb.Command_Refresh{Refresh: &metapb.Refresh{Path: "/d/small", Token: token("T1"), Timeout: math.MaxInt64}}},
		{Op: &metapb.Command_Reap{Reap: &metapb.Reap{Limit: math.MaxUint32}}},
		{Session: w.session, Sequence: math.MaxUint64, Acked: math.MaxUint64, Op: mkdirCmd("/m").Op},
		{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: "/d", Guard: &metapb.Guard{Tokens: []string{token("T1"), token("T2")},
			Ifs: []*metapb.IfList{nil, {Path: "/d/../x"}, {Conds: []*metapb.IfCond{nil, {Not: true}}}}}}}},
		{Op: &metapb.Command_CloseSession{CloseSession: &metapb.CloseSession{Session: w.session}}},
		{Op: &metapb.Command_SetNode{SetNode: &metapb.SetNode{Node: 1, State: &metapb.Int64Value{Value: -1}, Until: &metapb.Int64Value{Value: math.MinInt64}}}},
		{Op: &metapb.Command_SetMute{SetMute: &metapb.SetMute{Code: "A", Until: math.MaxInt64}}, Actor: &metapb.Actor{User: long}},
		{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{RepairPausedUntil: &metapb.Int64Value{Value: math.MaxInt64}}}},
		{Op: &metapb.Command_RecordEvents{RecordEvents: &metapb.RecordEvents{Events: []*metapb.EventRow{nil, {Code: "A", Severity: "info", Text: "\x00"}}}}},
		{Op: &metapb.Command_RecordAudit{RecordAudit: &metapb.RecordAudit{Record: &metapb.AuditRow{Action: "a", Outcome: long, Text: "\x00"}}}},
		{Op: &metapb.Command_PutDesktop{PutDesktop: &metapb.PutDesktop{User: "adm"}}},
	}
}
