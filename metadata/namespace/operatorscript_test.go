package namespace

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"kendfs/metadata/metapb"
)

// operatorCommand reads the steps of what people want and did:
//
//	mute NODE_DOWN for=1h by=ann/admin
//	event NODE_DOWN severity=warning node=n1 subject=n1 text=gone
//	record login.failed outcome=denied by=eve/admin
//	desktop ann size=100
func operatorCommand(a args, now int64) *metapb.Command {
	at := func() int64 {
		d, _ := time.ParseDuration(a.named["for"])
		if d == 0 {
			return 0
		}
		return now + int64(d)
	}
	switch a.word(0) {
	case "mute":
		return &metapb.Command{Op: &metapb.Command_SetMute{SetMute: &metapb.SetMute{Code: a.word(1), Until: at()}}}
	case "desktop":
		return &metapb.Command{Op: &metapb.Command_PutDesktop{PutDesktop: &metapb.PutDesktop{
			User: a.word(1), Document: bytes.Repeat([]byte("x"), int(a.int("size"))),
		}}}
	case "event":
		op := &metapb.RecordEvents{}
		for range max(a.int("times"), 1) {
			op.Events = append(op.Events, &metapb.EventRow{
				Code: a.word(1), Severity: a.named["severity"], Node: num(a.named["node"]), Subject: a.named["subject"], Text: a.named["text"],
			})
		}
		return &metapb.Command{Op: &metapb.Command_RecordEvents{RecordEvents: op}}
	case "record":
		return &metapb.Command{Op: &metapb.Command_RecordAudit{RecordAudit: &metapb.RecordAudit{Record: &metapb.AuditRow{
			Action: a.word(1), Target: a.named["target"], Outcome: a.named["outcome"], Detail: a.named["detail"],
		}}}}
	}
	return nil
}

// addSettings reads rate=, pause=, suspect= and down=.
func addSettings(op *metapb.SetCluster, a args, now int64) {
	span := func(name string) *metapb.Int64Value {
		v, ok := a.named[name]
		if !ok {
			return nil
		}
		d, _ := time.ParseDuration(v)
		return &metapb.Int64Value{Value: int64(d)}
	}
	op.SuspectAfter, op.DownAfter = span("suspect"), span("down")
	if op.RepairPausedUntil = span("pause"); op.RepairPausedUntil.GetValue() != 0 {
		op.RepairPausedUntil.Value += now
	}
	if _, ok := a.named["rate"]; ok {
		op.RepairBytes = &metapb.Int64Value{Value: a.int("rate")}
	}
}

func operatorQuery(a args) *metapb.Query {
	l := &metapb.ListEvents{
		Before: uint64(a.int("before")), After: uint64(a.int("after")), Limit: uint32(a.int("limit")),
		Severity: a.named["severity"], Node: num(a.named["node"]), User: a.named["user"], Text: a.named["text"],
	}
	if ms, ok := a.named["since"]; ok {
		d, _ := time.ParseDuration(ms)
		l.Since = start() + int64(d)
	}
	switch a.word(0) {
	case "events":
		return &metapb.Query{Q: &metapb.Query_Events{Events: l}}
	case "audit":
		return &metapb.Query{Q: &metapb.Query_Audit{Audit: l}}
	case "desktopof":
		return &metapb.Query{Q: &metapb.Query_Desktop{Desktop: &metapb.GetDesktop{User: a.word(1)}}}
	case "quotas":
		return &metapb.Query{Q: &metapb.Query_Quotas{Quotas: &metapb.ListQuotas{
			After: uint64(a.int("after")), Limit: uint32(a.int("limit")), Percent: uint32(a.int("percent")),
		}}}
	}
	return nil
}

func showOperator(a *metapb.Answer) (lines []string) {
	add := func(format string, args ...any) {
		lines = append(lines, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
	for _, e := range a.Events {
		add("%d %s %s n%d %q %s", e.Id, e.Severity, e.Code, e.Node, e.Subject, e.Text)
	}
	for _, r := range a.Audit {
		add("%d %q %s n%d: %s %q %s %s %s", r.Id, r.Actor.GetUser(), r.Actor.GetOrigin(), r.Actor.GetNode(), r.Action, r.Target, r.Outcome, r.Detail, r.Text)
	}
	if c := a.Cluster; c != nil && (c.RepairBytes != 0 || c.RepairPausedUntil != 0 || c.SuspectAfter != 0 || c.DownAfter != 0) {
		add("repair %d B/s, paused until +%s; suspect %s, down %s", c.RepairBytes,
			time.Duration(max(c.RepairPausedUntil-start(), 0)).Round(time.Minute), time.Duration(c.SuspectAfter), time.Duration(c.DownAfter))
	}
	for _, m := range a.Mutes {
		add("muted %s for %s by %q", m.Code, time.Duration(m.Until-m.Since), m.User)
	}
	if len(a.Desktop) > 0 {
		add("a desktop of %d bytes", len(a.Desktop))
	}
	for _, q := range a.Quotas {
		add("%s %d of %d", q.Path, q.Used, q.Quota)
	}
	if a.Next != 0 {
		add("next %d", a.Next)
	}
	return lines
}

// detail is the newest audit record's.
func (w *world) newestAudit() *metapb.AuditRow {
	a, err := w.ask(&metapb.Query{Q: &metapb.Query_Audit{Audit: &metapb.ListEvents{Limit: 1}}})
	if err != nil || len(a.Audit) == 0 {
		w.t.Fatalf("no audit: %v", err)
	}
	return a.Audit[0]
}
