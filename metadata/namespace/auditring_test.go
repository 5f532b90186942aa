package namespace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func keyAudit(number uint64) []byte { return key1(tableAudit, number) }

// reportBy is a record that somebody asks for; changeBy one of a change.
func reportBy(origin, action string) *metapb.Command {
	return &metapb.Command{Actor: &metapb.Actor{User: "ann", Origin: origin, Node: 2}, Op: &metapb.Command_RecordAudit{
		RecordAudit: &metapb.RecordAudit{Record: &metapb.AuditRow{Action: action, Outcome: "ok"}}}}
}

func changeBy(origin string, copies uint32) *metapb.Command {
	c := settings(nil, copies)
	c.Actor.Origin = origin
	return c
}

// flood applies a command many times in one step.
func flood(t *testing.T, w *fleetWorld, cmd *metapb.Command, times int) {
	t.Helper()
	batch := &metapb.Batch{Version: 1, Now: w.now}
	for range times {
		batch.Commands = append(batch.Commands, cmd)
	}
	w.index++
	if _, err := Apply(w.kv, w.index, batch); err != nil {
		t.Fatal(err)
	}
}

// actions lists what a query finds, oldest first.
func actions(t *testing.T, w *fleetWorld, q *metapb.ListEvents) (out []string) {
	t.Helper()
	a, err := w.ask(&metapb.Query{Q: &metapb.Query_Audit{Audit: q}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Backward(a.Audit) {
		out = append(out, fmt.Sprintf("%s/%s", r.Action, r.Actor.GetOrigin()))
	}
	return out
}

// TestGatewayCannotPushOutTheAudit: whatever a gateway reports or tries, what
// operators have changed and what desks have reported stays.
func TestGatewayCannotPushOutTheAudit(t *testing.T) {
	w := plantedWorld(t)
	before := w.newestAudit().Id
	w.must(changeBy("admin", 3))
	w.must(changeBy("cli", 2))
	w.must(reportBy("admin", "login"))
	flood(t, w, reportBy("gateway", "fs.upload"), metadata.AuditMax+50)
	quota := &metapb.Command{Actor: &metapb.Actor{User: "adm", Origin: "gateway"}, Op: &metapb.Command_SetAttr{SetAttr: &metapb.SetAttr{
		Path: "/none", QuotaBytes: &metapb.Int64Value{Value: 1}}}}
	flood(t, w, quota, 300) // refused, and recorded
	w.must(reportBy("admin", "logout"))
	w.check()
	if n := w.rows(tableGateway); n != metadata.ReportsMax {
		t.Errorf("%d records of gateways, want %d", n, metadata.ReportsMax)
	}
	want := []string{"settings.set/admin", "settings.set/cli", "login/admin", "logout/admin"}
	var got []string
	for _, text := range []string{"settings.set", "login", "logout"} {
		got = append(got, actions(t, w, &metapb.ListEvents{Text: text, After: before})...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Neither can what desks report push out changes.
	flood(t, w, reportBy("admin", "fs.download"), metadata.ReportsMax+50)
	w.check()
	if got := actions(t, w, &metapb.ListEvents{Text: "settings.set", After: before}); !slices.Equal(got, want[:2]) {
		t.Errorf("got %v, want %v", got, want[:2])
	}
	if got := actions(t, w, &metapb.ListEvents{Text: "dir.set", Limit: 500}); len(got) != 300 || got[0] != "dir.set/gateway" {
		t.Errorf("%d attempts of a gateway, want 300 in its own ring", len(got))
	}
}

// TestAuditIsMerged: whatever the rings, the records come in the order in which
// they were made, page by page and from any point.
func TestAuditIsMerged(t *testing.T) {
	w := plantedWorld(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 900 {
		switch rng.IntN(40) {
		case 0:
			w.must(changeBy("admin", uint32(1+i%3)))
		case 1, 2, 3:
			w.must(reportBy("admin", "login"))
		default:
			w.must(reportBy("gateway", "fs.upload"))
		}
	}
	newest := w.newestAudit().Id
	ids := func(q *metapb.ListEvents) (out []uint64, more bool) {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Audit{Audit: q}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Audit {
			out = append(out, r.Id)
		}
		return out, a.More
	}
	want := newest
	for before := uint64(0); ; {
		page, more := ids(&metapb.ListEvents{Before: before, Limit: 37})
		for _, id := range page {
			if id != want {
				t.Fatalf("got %d, want %d", id, want)
			}
			want--
		}
		if !more {
			break
		}
		before = page[len(page)-1]
	}
	if want != 0 {
		t.Errorf("the oldest %d are missing", want)
	}
	for range 200 {
		after, before := rng.Uint64N(newest+2), rng.Uint64N(newest+3)
		page, more := ids(&metapb.ListEvents{After: after, Before: before, Limit: 500})
		end := newest + 1
		if before != 0 {
			end = min(end, before)
		}
		n := 0
		if end > after+1 {
			n = int(end - after - 1)
		}
		if len(page) != min(n, 500) || more != (n > 500) || n > 0 && page[0] != end-1 {
			t.Fatalf("after %d before %d: %d from %v, more %v; want %d from %d", after, before, len(page), page[:min(1, len(page))], more, n, end-1)
		}
	}
	w.check()
}

// TestAuditOfBefore: a folder whose records lie in one ring, changes and reports
// mixed, is read as it is, and goes on.
func TestAuditOfBefore(t *testing.T) {
	w := plantedWorld(t)
	const old = 600
	for i := range uint64(old) {
		row := &metapb.AuditRow{Id: i + 1, Time: start(), Actor: &metapb.Actor{Origin: "gateway"}, Action: "fs.upload", Outcome: "ok"}
		if i%100 == 0 {
			row.Action, row.Actor.Origin = "settings.set", "admin"
		}
		if err := putRow(w.kv, keyAudit(i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) {
		c.FirstAudit, c.NextAudit, c.LastAudit = 1, old+1, 0
		c.FirstReport, c.NextReport, c.FirstGateway, c.NextGateway = 0, 0, 0, 0
	})(w.kv)
	w.check()
	if got := actions(t, w, &metapb.ListEvents{Text: "settings.set"}); len(got) != 6 {
		t.Errorf("%d changes of before, want 6", len(got))
	}
	w.must(reportBy("gateway", "fs.upload"))
	w.must(changeBy("admin", 3))
	if r := w.newestAudit(); r.Id != old+2 || r.Action != "settings.set" {
		t.Errorf("the newest: %v", r)
	}
	w.check()
	if got := actions(t, w, &metapb.ListEvents{After: old - 1, Limit: 9}); !slices.Equal(got, []string{"fs.upload/gateway", "fs.upload/gateway", "settings.set/admin"}) {
		t.Errorf("got %v", got)
	}
	if n := w.rows(tableAudit); n != old+1 {
		t.Errorf("%d rows where all lay, want %d", n, old+1)
	}
}

// TestChangesAreBounded: changes push out changes, in a folder of before, too.
func TestChangesAreBounded(t *testing.T) {
	w := plantedWorld(t)
	flood(t, w, changeBy("admin", 3), metadata.AuditMax+20)
	if n := w.rows(tableAudit); n != metadata.AuditMax {
		t.Errorf("%d changes are kept, want %d", n, metadata.AuditMax)
	}
	w.check()
}
