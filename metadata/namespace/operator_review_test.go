package namespace

import (
	"math"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// TestPercentOf: a small quota is not "nearly used" while it is empty, and a
// large one does not overflow.
func TestPercentOf(t *testing.T) {
	for _, tc := range []struct {
		n       int64
		percent uint32
		want    int64
	}{
		{1, 90, 1}, {10, 90, 9}, {50, 90, 45}, {99, 90, 90}, {100, 90, 90}, {101, 90, 91}, {1999, 50, 1000},
		{1000, 0, 0}, {7, 100, 7}, {7, 200, 7}, {math.MaxInt64, 100, math.MaxInt64}, {math.MaxInt64, 50, math.MaxInt64/2 + 1},
	} {
		if got := percentOf(tc.n, tc.percent); got != tc.want {
			t.Errorf("%d percent of %d: got %d, want %d", tc.percent, tc.n, got, tc.want)
		}
	}
}

func TestEmptyFolderWithSmallQuotaIsNotNearIt(t *testing.T) {
	w := newWorld(t)
	w.must(mkdirCmd("/q"))
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/q", QuotaBytes: &metapb.Int64Value{Value: 50}}))
	quotas := func() []*metapb.QuotaUse {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Quotas{Quotas: &metapb.ListQuotas{Percent: 90}}})
		if err != nil {
			t.Fatal(err)
		}
		return a.Quotas
	}
	if q := quotas(); len(q) != 0 {
		t.Errorf("nothing is in it: %v", q)
	}
	w.must(commitCmd(w.commitOp("/q/f", 1, 44)))
	if q := quotas(); len(q) != 0 {
		t.Errorf("44 of 50 bytes: %v", q)
	}
	w.must(commitCmd(w.commitOp("/q/g", 1, 1)))
	if q := quotas(); len(q) != 1 {
		t.Errorf("45 of 50 bytes: %v", q)
	}
}

// TestNobodyClaimsAChange: what commands note of themselves cannot be recorded
// without the command. Every action that a command can have is tried.
func TestNobodyClaimsAChange(t *testing.T) {
	w := plantedWorld(t)
	w.unchecked = true
	record := func(action string) *metapb.Result {
		cmd := fleetCommand(parseStep("record "+action+" outcome=ok target=n1"), w.now)
		cmd.Actor = &metapb.Actor{User: "mallory", Origin: "gateway", Node: 1}
		return w.do(cmd)
	}
	actions := map[string]bool{"node.add": true, "node.join": true, "check.unmute": true}
	for state := range metadata.NodeRemoved + 1 {
		actions[nodeAction(&metapb.SetNode{State: &metapb.Int64Value{Value: int64(state)}})] = true
	}
	for _, cmd := range []*metapb.Command{
		{Op: &metapb.Command_PutNode{}}, {Op: &metapb.Command_SetNode{}}, {Op: &metapb.Command_PutUser{}},
		{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{Create: true}}}, {Op: &metapb.Command_DeleteUser{}},
		{Op: &metapb.Command_PutToken{}}, {Op: &metapb.Command_DeleteToken{}}, {Op: &metapb.Command_SetCluster{}},
		{Op: &metapb.Command_SetMute{}}, setAttrCmd(&metapb.SetAttr{Path: "/", Replication: &metapb.Int64Value{}}),
	} {
		action, _ := attempt(cmd)
		if action == "" {
			t.Errorf("%T has no action", cmd.Op)
		}
		actions[action] = true
	}
	for action := range actions {
		if res := record(action); res.Ok || metadata.Kind(res.Kind) != metadata.KindDenied {
			t.Errorf("%s was recorded by somebody else: %v", action, res)
		}
	}
	for _, action := range []string{"login", "logout", "login.failed", "download", "file.get", "nodes"} {
		if res := record(action); !res.Ok {
			t.Errorf("%s: %v", action, res)
		}
		if r := w.newestAudit(); r.Action != action || r.Actor.User != "mallory" {
			t.Errorf("recorded: %v, want %s", r, action)
		}
	}
	for _, action := range []string{"", "Login", "a b", "a-b", "é", strings.Repeat("a", metadata.CodeBytesMax+1)} {
		cmd := &metapb.Command{Op: &metapb.Command_RecordAudit{RecordAudit: &metapb.RecordAudit{Record: &metapb.AuditRow{Action: action, Outcome: "ok"}}}}
		if res := w.do(cmd); res.Ok || metadata.Kind(res.Kind) != metadata.KindInvalid {
			t.Errorf("%q is an action: %v", action, res)
		}
	}
}

// TestRolesOfANodeAreRecorded: who may be what is not changed in silence.
func TestRolesOfANodeAreRecorded(t *testing.T) {
	w := newWorld(t)
	nodes, err := w.ask(&metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}})
	if err != nil {
		t.Fatal(err)
	}
	row := nodes.Nodes[0]
	was := strings.Join(row.Roles, " ")
	row.Roles = append(row.Roles, metadata.NodeAdmin)
	w.must(&metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: row}}})
	if r := w.newestAudit(); r.Detail != "roles: "+was+" → "+was+" admin" {
		t.Errorf("recorded: %v", r)
	}
}

// TestPagesOfEvents: every page is what the filter and the ids say, also at the
// ends of their range, and all pages together are everything, once.
func TestPagesOfEvents(t *testing.T) {
	w := plantedWorld(t)
	w.must(fleetCommand(parseStep("event A severity=info text=x times=200"), w.now))
	w.must(fleetCommand(parseStep("event B severity=critical text=y times=3"), w.now))
	w.must(fleetCommand(parseStep("event A severity=warning text=x times=150"), w.now))
	page := func(q *metapb.ListEvents) *metapb.Answer {
		t.Helper()
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Events{Events: q}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	last := page(&metapb.ListEvents{Limit: 1}).Events[0].Id
	for _, tc := range []struct {
		name string
		q    *metapb.ListEvents
		want int
		more bool
	}{
		{"after the last", &metapb.ListEvents{After: last}, 0, false},
		{"after what cannot be", &metapb.ListEvents{After: math.MaxUint64}, 0, false},
		{"after one that has a successor only", &metapb.ListEvents{After: last - 1}, 1, false},
		{"before the first", &metapb.ListEvents{Before: 1}, 0, false},
		{"before and after the same", &metapb.ListEvents{Before: 5, After: 5}, 0, false},
		{"between", &metapb.ListEvents{Before: 9, After: 4}, 4, false},
		{"critical", &metapb.ListEvents{Severity: "critical"}, 3, false},
		{"warnings and worse", &metapb.ListEvents{Severity: "warning", Limit: 500}, 153, false},
		{"a full page", &metapb.ListEvents{Severity: "warning", Limit: 152}, 152, true},
		{"exactly all", &metapb.ListEvents{Severity: "warning", Limit: 153}, 153, false},
		{"text of any case", &metapb.ListEvents{Text: "Y"}, 3, false},
		{"nothing before its time", &metapb.ListEvents{Until: start()}, 0, false},
		{"nothing after its time", &metapb.ListEvents{Since: math.MaxInt64}, 0, false},
	} {
		a := page(tc.q)
		if len(a.Events) != tc.want || a.More != tc.more {
			t.Errorf("%s: got %d, more %v, want %d, %v", tc.name, len(a.Events), a.More, tc.want, tc.more)
		}
	}
	for _, limit := range []uint32{1, 7, 256, 500} {
		seen, before := uint64(0), uint64(0)
		for want := last; ; {
			a := page(&metapb.ListEvents{Before: before, Limit: limit})
			for _, e := range a.Events {
				if e.Id != want {
					t.Fatalf("limit %d: got %d, want %d", limit, e.Id, want)
				}
				want, before = want-1, e.Id
				seen++
			}
			if !a.More {
				break
			}
		}
		if seen != last {
			t.Errorf("limit %d: %d events in all pages, want %d", limit, seen, last)
		}
	}
	for _, q := range []*metapb.ListEvents{{Severity: "loud"}, {Limit: metadata.EventPageMax + 1}} {
		if _, err := w.ask(&metapb.Query{Q: &metapb.Query_Events{Events: q}}); err == nil {
			t.Errorf("%v was answered", q)
		}
	}
}

// TestGrantOnAFailingStore lets every call of a grant fail once: the node has to
// stop with an error, not with a panic.
func TestGrantOnAFailingStore(t *testing.T) {
	w := newWorld(t)
	op := &metapb.GrantLease{Session: w.session, Replicas: []*metapb.Replica{{Node: 1, Disk: 7}}, Target: 1, Count: 10, Nonce: 5}
	first := w.must(&metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}})
	cmd := &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}}
	for n := 0; ; n++ {
		kv := &failing{w.kv.Clone(), n}
		res, err := Apply(kv, w.index+1, &metapb.Batch{Version: 1, Now: w.now, Commands: []*metapb.Command{cmd}})
		if kv.left >= 0 {
			if err != nil || !res[0].Ok || res[0].Id != first.Id {
				t.Errorf("the repetition: %v, %v, want volume %d", res, err, first.Id)
			}
			return
		}
		if !isFault(err) {
			t.Fatalf("call %d failed, got %v, %v", n, res, err)
		}
	}
}

// TestCut: what is kept is text, of one line, within its bound, and a prefix of
// what was said.
func TestCut(t *testing.T) {
	for _, tc := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 5, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"éé", 3, "é"}, {"é", 1, ""}, {"a\nb\tc\x7f", 9, "a b c "},
		{"\xff\xfe", 9, "�"}, {"日本", 5, "日"}, {"日本", 0, ""},
	} {
		if got := cut(tc.in, tc.n); got != tc.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tc.in, tc.n, got, tc.want)
		}
	}
}

// TestPauseHasAnEnd: repair can be paused for a week at most, from now on.
func TestPauseHasAnEnd(t *testing.T) {
	w := newWorld(t)
	week := int64(metadata.RepairPauseMax)
	for _, tc := range []struct {
		until int64
		ok    bool
	}{
		{w.now + int64(time.Hour), true}, {w.now + week, true}, {w.now + week + int64(time.Minute), false},
		{w.now - 1, false}, {-1, false}, {math.MaxInt64, false}, {math.MinInt64, false}, {0, true},
	} {
		res := w.do(&metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{
			RepairPausedUntil: &metapb.Int64Value{Value: tc.until},
		}}})
		if res.Ok != tc.ok {
			t.Errorf("until %d: got %v, want %v (%s)", tc.until-w.now, res.Ok, tc.ok, res.Message)
		}
	}
}
