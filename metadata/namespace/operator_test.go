package namespace

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// operated is plantedWorld with everything that operators keep.
func operated(t testing.TB) *fleetWorld {
	w := plantedWorld(t)
	for _, step := range []string{
		"mute NODE_DOWN for=1h by=ann/admin", "desktop adm size=100", "record login outcome=ok by=ann/admin",
		"event NODE_DOWN severity=warning node=n1 text=gone", "event NODE_UP severity=info node=n1 text=back",
		"setnode n1 state=2 for=1h by=ann/cli", "set rate=1048576 pause=1h suspect=2s down=5s",
	} {
		w.must(fleetCommand(parseStep(step), w.now))
	}
	w.check()
	return w
}

func TestOperatorCheckFindsPlanted(t *testing.T) {
	cluster := func(change func(*metapb.ClusterRow)) func(*MemKV) {
		return edit[metapb.ClusterRow](keyCluster(), change)
	}
	for name, tc := range map[string]struct {
		plant func(*MemKV)
		want  string
	}{
		"event lost":              {del(keyEvent(1)), "want 1 in its place"},
		"last event lost":         {del(keyEvent(3)), "events: they end before"},
		"event of another id":     {edit[metapb.EventRow](keyEvent(2), func(e *metapb.EventRow) { e.Id = 9 }), "its row says 9"},
		"event without severity":  {edit[metapb.EventRow](keyEvent(2), func(e *metapb.EventRow) { e.Severity = "" }), "not a severity"},
		"event of the future":     {edit[metapb.EventRow](keyEvent(2), func(e *metapb.EventRow) { e.Time = 1 << 62 }), "order of time"},
		"event beyond the next":   {cluster(func(c *metapb.ClusterRow) { c.NextEvent-- }), "events: they end"},
		"too many events":         {cluster(func(c *metapb.ClusterRow) { c.NextEvent += metadata.EventsMax }), "events: from"},
		"event that is no row":    {set(keyEvent(2), []byte{0xff}), "row"},
		"record lost":             {del(keyAudit(2)), "want 2 in its place"},
		"record of nobody":        {edit[metapb.AuditRow](keyAudit(2), func(r *metapb.AuditRow) { r.Actor = nil }), "no action, outcome or actor"},
		"record of another id":    {edit[metapb.AuditRow](keyAudit(2), func(r *metapb.AuditRow) { r.Id = 1 }), "its row says 1"},
		"record of the future":    {edit[metapb.AuditRow](keyAudit(2), func(r *metapb.AuditRow) { r.Time = 1 << 62 }), "order of time"},
		"mute under another code": {moveRow[metapb.MuteRow](keyMute("NODE_DOWN"), keyMute("X")), "mute of"},
		"mute that never was":     {edit[metapb.MuteRow](keyMute("NODE_DOWN"), func(m *metapb.MuteRow) { m.Until = 0 }), "mute of"},
		"desktop of nobody":       {set(keyDesktop("eve"), []byte("x")), "no such user"},
		"desktop of nothing":      {set(keyDesktop("adm"), []byte{}), "0 bytes"},
		"setting out of range":    {cluster(func(c *metapb.ClusterRow) { c.SuspectAfter = 1 }), "suspect_after"},
		"down before suspect":     {cluster(func(c *metapb.ClusterRow) { c.DownAfter = int64(time.Second) }), "down_after"},
		"rate out of range":       {cluster(func(c *metapb.ClusterRow) { c.RepairBytes = -1 }), "repair_bytes"},
	} {
		w := operated(t)
		tc.plant(w.kv)
		found := false
		for _, err := range Check(w.kv) {
			found = found || strings.Contains(err.Error(), tc.want)
		}
		if !found {
			t.Errorf("%s: not found: %v", name, Check(w.kv))
		}
	}
}

// TestEventsAreBounded records more than are kept.
func TestEventsAreBounded(t *testing.T) {
	w := plantedWorld(t)
	w.unchecked = true
	for range metadata.EventsMax/eventsOfCommand + 2 {
		w.must(fleetCommand(parseStep("event A severity=info text=x times=256"), w.now))
	}
	w.unchecked = false
	w.check()
	if n := w.rows(tableEvent); n != metadata.EventsMax {
		t.Errorf("%d events are kept, want %d", n, metadata.EventsMax)
	}
	a, err := w.ask(operatorQuery(parseStep("events limit=500 text=nothing")))
	if err != nil || len(a.Events) != 0 || a.More {
		t.Errorf("a search in all of them: %v, %v", a, err)
	}
	a, err = w.ask(operatorQuery(parseStep("events limit=500")))
	if err != nil || len(a.Events) != 500 || !a.More || a.Events[0].Id != a.Events[499].Id+499 {
		t.Errorf("the newest 500: %d, %v", len(a.Events), err)
	}
}

// TestAuditIsBounded drops the oldest, and keeps guesses at passwords from
// pushing out everything else.
func TestAuditIsBounded(t *testing.T) {
	w := plantedWorld(t)
	record := fleetCommand(parseStep("record download outcome=ok"), w.now)
	batch := &metapb.Batch{Version: 1, Now: w.now}
	for range metadata.ReportsMax + 10 {
		batch.Commands = append(batch.Commands, record)
	}
	w.index++
	if _, err := Apply(w.kv, w.index, batch); err != nil {
		t.Fatal(err)
	}
	w.check()
	if n := w.rows(tableReport); n != metadata.ReportsMax {
		t.Errorf("%d records are kept, want %d", n, metadata.ReportsMax)
	}
	before := w.newestAudit().Id
	failed := fleetCommand(parseStep("record login.failed outcome=denied detail=mallory by=eve/gateway"), w.now)
	w.now = w.now/int64(time.Minute)*int64(time.Minute) + int64(time.Minute)
	for range 10 * failedLoginsMax {
		w.must(failed)
	}
	if n := w.newestAudit().Id - before; n != failedLoginsMax {
		t.Errorf("%d of many failed logins in a minute are recorded, want %d", n, failedLoginsMax)
	}
	w.now += int64(time.Minute)
	w.must(failed)
	if r := w.newestAudit(); r.Id != before+failedLoginsMax+1 || !strings.HasPrefix(r.Detail, "90 more were not recorded") {
		t.Errorf("a minute later: %v", r)
	}
	w.check()
}

// TestAuditCutsWhatIsTooLong keeps rows small whatever a caller says.
func TestAuditCutsWhatIsTooLong(t *testing.T) {
	w := plantedWorld(t)
	cmd := fleetCommand(parseStep("setnode n1 state=1"), w.now)
	long := strings.Repeat("é", metadata.AuditFieldMax)
	cmd.Actor = &metapb.Actor{User: long, Reason: "two\nlines\x00", Remote: "a\xffb"}
	w.must(cmd)
	r := w.newestAudit()
	if n := len(r.Actor.User); n != metadata.AuditFieldMax || r.Actor.Reason != "two lines " || r.Actor.Remote != "a�b" {
		t.Errorf("%d bytes of a user, %q, %q", n, r.Actor.Reason, r.Actor.Remote)
	}
	if cmd.Actor.User != long {
		t.Error("the command was changed")
	}
	w.check()
}

// TestFolderOfBefore opens rows that were written before there were events.
func TestFolderOfBefore(t *testing.T) {
	w := plantedWorld(t)
	for _, table := range []byte{tableEvent, tableAudit, tableReport, tableGateway, tableMute, tableDesktop} {
		keys, err := scanKeys(w.kv, []byte{table}, []byte{table + 1}, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			del(k)(w.kv)
		}
	}
	edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) {
		c.FirstEvent, c.NextEvent, c.FirstAudit, c.NextAudit, c.LastAudit = 0, 0, 0, 0, 0
		c.FirstReport, c.NextReport, c.FirstGateway, c.NextGateway = 0, 0, 0, 0
	})(w.kv)
	w.check()
	for _, step := range []string{"events", "audit", "desktopof adm"} {
		if a, err := w.ask(operatorQuery(parseStep(step))); err != nil || len(a.Events)+len(a.Audit) != 0 {
			t.Errorf("%s: %v, %v", step, a, err)
		}
	}
	cmd := fleetCommand(parseStep("setnode n1 state=1"), w.now)
	cmd.Actor = &metapb.Actor{User: "ann"}
	w.must(cmd)
	if r := w.newestAudit(); r.Id != 1 || r.Actor.User != "ann" {
		t.Errorf("the first record: %v", r)
	}
	w.check()
}

// TestOperatorFailingStore lets every call to the store fail once.
func TestOperatorFailingStore(t *testing.T) {
	seed := operated(t)
	for _, step := range []string{
		"mute DISK_FULL for=1h", "mute NODE_DOWN", "desktop adm size=5", "desktop adm", "record login outcome=ok",
		"event NODE_DOWN severity=info text=x", "setnode n1 state=1 name=x", "set rate=0 pause=0s", "setnode n9 state=1 by=ann/cli",
		"user bob role=2 hash=h create", "deltoken t",
	} {
		cmd := fleetCommand(parseStep(step), seed.now)
		if strings.Contains(step, "by=") {
			cmd.Actor = &metapb.Actor{User: "ann"}
		}
		for n := 0; ; n++ {
			kv := &failing{seed.kv.Clone(), n}
			results, err := Apply(kv, seed.index+1, &metapb.Batch{Version: 1, Now: seed.now, Commands: []*metapb.Command{cmd}})
			if kv.left >= 0 {
				if err != nil || !results[0].Ok && cmd.Actor == nil {
					t.Errorf("%s: %v, %v", step, results, err)
				}
				break
			}
			if !isFault(err) {
				t.Fatalf("%s: call %d failed, got %v, %v", step, n, results, err)
			}
		}
	}
	for _, step := range []string{"events", "audit", "desktopof adm", "quotas percent=0"} {
		for n := 0; ; n++ {
			kv := &failing{seed.kv, n}
			_, err := Answer(kv, operatorQuery(parseStep(step)))
			if kv.left >= 0 {
				break
			}
			if !isFault(err) {
				t.Fatalf("%s: call %d failed, got %v", step, n, err)
			}
		}
	}
}

// TestRepetitionIsRecordedOnce: a command with a sequence is one act.
func TestRepetitionIsRecordedOnce(t *testing.T) {
	w := plantedWorld(t)
	cmd := fleetCommand(parseStep("setnode n1 state=1"), w.now)
	cmd.Session, cmd.Sequence, cmd.Actor = 1, 9, &metapb.Actor{User: "ann"}
	w.must(cmd)
	first := w.newestAudit().Id
	w.must(cmd)
	if again := w.newestAudit().Id; again != first {
		t.Errorf("recorded as %d and as %d", first, again)
	}
}

func TestQuotasAreFound(t *testing.T) {
	w := operated(t)
	for _, path := range []string{"/q", "/q/in", "/free"} {
		w.must(mkdirCmd(path))
	}
	quota := func(path string, bytes int64) {
		w.must(setAttrCmd(&metapb.SetAttr{Path: path, QuotaBytes: &metapb.Int64Value{Value: bytes}}))
	}
	quota("/q", 10)
	if r := w.newestAudit(); r.Action != "dir.set" || r.Target != "/q" || r.Detail != "quota_bytes: 0 → 10" {
		t.Errorf("recorded: %v", r)
	}
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/q", Guard: &metapb.Guard{User: "adm"}, Replication: &metapb.Int64Value{Value: 3}}))
	if r := w.newestAudit(); r.Actor.User != "adm" || r.Detail != "replication: 0 → 3" {
		t.Errorf("recorded: %v", r)
	}
	w.must(fleetCommand(parseStep("user joe role=2 hash=h create"), w.now))
	if res := w.do(&metapb.Command{Actor: &metapb.Actor{Origin: "gateway"}, Op: setAttrCmd(&metapb.SetAttr{
		Path: "/q", Guard: &metapb.Guard{User: "joe"}, QuotaBytes: &metapb.Int64Value{},
	}).Op}); res.Ok {
		t.Error("a writer sets a quota")
	}
	if r := w.newestAudit(); r.Actor.User != "joe" || r.Outcome != "denied" || r.Actor.Origin != "gateway" {
		t.Errorf("recorded: %v", r)
	}
	quota("/q/in", 1000)
	quota("/free", 1000)
	w.must(fleetCommand(parseStep("commit s1 /q/in/f v1 e=1 locals=5 len=9"), w.now))
	a, err := w.ask(operatorQuery(parseStep("quotas percent=90")))
	if err != nil || len(a.Quotas) != 1 || a.Quotas[0].Path != "/q" || a.Quotas[0].Used != 9 || a.Quotas[0].Quota != 10 || a.Next != 0 {
		t.Fatalf("got %v, %v", a, err)
	}
	// In steps, as the leader looks.
	found, after := 0, uint64(0)
	for range 20 {
		q := operatorQuery(parseStep("quotas percent=0 limit=1"))
		q.GetQuotas().After = after
		a, err := w.ask(q)
		if err != nil {
			t.Fatal(err)
		}
		found += len(a.Quotas)
		if after = a.Next; after == 0 {
			break
		}
	}
	if found != 3 || after != 0 {
		t.Errorf("%d quotas in steps of one directory, next %d", found, after)
	}
	w.must(removeCmd("/q"))
	if a, err := w.ask(operatorQuery(parseStep("quotas percent=0"))); err != nil || len(a.Quotas) != 1 {
		t.Errorf("after the removal: %v, %v", a, err)
	}
}

// TestReplayIsTheSame applies the same batches to two stores.
func TestOperatorReplayIsTheSame(t *testing.T) {
	a, b := operated(t), operated(t)
	if a.hash(a.kv) != b.hash(b.kv) {
		t.Error("the same batches gave different rows")
	}
}

// TestRecordRowsAreStable holds the bytes that DESIGN.md shows.
func TestRecordRowsAreStable(t *testing.T) {
	row := &metapb.AuditRow{
		Id: 3, Time: 1, Actor: &metapb.Actor{User: "ann", Origin: "admin", Node: 7}, Action: "node.drain", Target: "n2",
		Detail: "state: active → draining", Outcome: "ok",
	}
	want := "410000000000000003" + "0803" + "1001" + "1a0e0a03616e6e120561646d696e1807" + "220a6e6f64652e647261696e" + "2a026e32" +
		"321a" + hex.EncodeToString([]byte(row.Detail)) + "3a026f6b"
	if got := hex.EncodeToString(append(keyAudit(3), marshal(row)...)); got != want {
		t.Errorf("a record:\n got %s\nwant %s", got, want)
	}
	event := &metapb.EventRow{Id: 1, Time: 2, Severity: "info", Code: "X", Node: 3, Subject: "n3", Text: "t"}
	want = "450000000000000001" + "0801" + "1002" + "1a04696e666f" + "220158" + "2803" + "32026e33" + "3a0174"
	if got := hex.EncodeToString(append(keyEvent(1), marshal(event)...)); got != want {
		t.Errorf("an event:\n got %s\nwant %s", got, want)
	}
}
