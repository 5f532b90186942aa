package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// logMax bounds events and audit; the oldest go first.
const logMax = 5000

// event records something. The lock is held.
func (d *Cluster) event(severity, code string, n *node, said phrase.Phrase) {
	d.eventAt(d.now, severity, code, n, said)
	d.bump()
}

func (d *Cluster) eventAt(at time.Time, severity, code string, n *node, said phrase.Phrase) {
	d.info.LastEvent++
	e := metadata.Event{ID: d.info.LastEvent, Time: at, Severity: severity, Code: code, Text: said.String(), TextPhrase: said.Key()}
	if n != nil {
		e.Node, e.Subject = n.ID, n.ID.String()
	}
	if d.events = append(d.events, e); len(d.events) > logMax {
		d.events = slices.Delete(d.events, 0, len(d.events)-logMax)
	}
}

// did records in the audit what the context's actor has done. The lock is held.
func (d *Cluster) did(ctx context.Context, action, target, detail string) {
	a, _ := ctx.Value(actorKey{}).(metadata.Actor)
	d.record(metadata.AuditRecord{Time: d.now, Actor: a, Action: action, Target: target, Detail: detail, Outcome: "ok"})
	d.bump()
}

func (d *Cluster) record(r metadata.AuditRecord) {
	d.info.LastAudit++
	r.ID = d.info.LastAudit
	if d.audit = append(d.audit, r); len(d.audit) > logMax {
		d.audit = slices.Delete(d.audit, 0, len(d.audit)-logMax)
	}
}

// RecordAudit implements admin.Cluster.
func (d *Cluster) RecordAudit(ctx context.Context, r metadata.AuditRecord) error {
	defer d.look()()
	if a, ok := ctx.Value(actorKey{}).(metadata.Actor); ok {
		r.Actor = a
	}
	r.Time = d.now
	d.record(r)
	if r.Action == "login.failed" {
		d.count()
	}
	return nil
}

// loginFailures counts failed sign-ins in the window of the check.
func (d *Cluster) loginFailures() int {
	n := 0
	for i := len(d.audit) - 1; i >= 0 && d.now.Sub(d.audit[i].Time) < health.LoginWindow; i-- {
		if d.audit[i].Action == "login.failed" {
			n++
		}
	}
	return n
}

// makeHistory makes the events and the audit of the days before.
func (d *Cluster) makeHistory() {
	storage := d.storage()
	for i := range 1200 {
		at := d.began.Add(-time.Duration(1200-i) * 7 * time.Minute)
		n := storage[d.rng.IntN(len(storage))]
		switch k := d.rng.IntN(20); {
		case k == 0:
			d.eventAt(at, "critical", health.DataSingleCopy, n, sayOneCopy(1+d.rng.IntN(40), time.Duration(20+d.rng.IntN(200))*time.Second))
		case k < 4:
			d.eventAt(at, "warning", health.NodeDown, n, sayDown(n.Name, downAfter))
		case k < 7:
			d.eventAt(at, "info", "NODE_UP", n, sayUp(n.Name))
		case k < 9:
			d.eventAt(at, "info", "VERDICT", nil, sayWell())
		case k < 14:
			d.eventAt(at, "info", "SCRUB_DONE", n, sayScrubbed(n.Name))
		default:
			d.eventAt(at, "info", "REPAIR_DONE", n, sayRepaired(n.Name))
		}
	}
	actions := []struct{ action, target, detail string }{
		{"login", "", ""}, {"login", "", ""}, {"login.failed", "", ""}, {"node.draining", "n17", "state active to draining"},
		{"node.active", "n17", "state draining to active"}, {"user.put", "wim", "role reader to writer"},
		{"settings.set", "", "grace: 10m0s → 20m0s"}, {"fs.download", "/Documents/report.txt", ""}, {"token.put", "t81c2", "roles datanode"},
	}
	users := []string{"admin", "olga", "admin", "vera", "wim"}
	for i := range 600 {
		a := actions[d.rng.IntN(len(actions))]
		r := metadata.AuditRecord{
			Time:   d.began.Add(-time.Duration(600-i) * 16 * time.Minute),
			Actor:  metadata.Actor{User: users[d.rng.IntN(len(users))], Origin: "admin", Node: 6, Remote: fmt.Sprintf("192.0.2.%d", 1+d.rng.IntN(40))},
			Action: a.action, Target: a.target, Detail: a.detail, Outcome: "ok",
		}
		if a.action == "login.failed" {
			r.Outcome, r.Text = "not authenticated", "unknown user or wrong password"
		}
		d.record(r)
	}
}

// bounds of a page of a log
func limitOf(q metadata.EventQuery) int {
	if q.Limit <= 0 {
		return 100
	}
	return min(q.Limit, metadata.EventPageMax)
}

func inWindow(q metadata.EventQuery, id uint64, at time.Time) bool {
	return (q.Before == 0 || id < q.Before) && id > q.After &&
		(q.Since.IsZero() || !at.Before(q.Since)) && (q.Until.IsZero() || at.Before(q.Until))
}

func contains(text string, in ...string) bool {
	text = strings.ToLower(text)
	return text == "" || slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

func severityRank(s string) int { return slices.Index([]string{"info", "warning", "critical"}, s) }

// Events implements admin.Cluster.
func (d *Cluster) Events(_ context.Context, q metadata.EventQuery) ([]metadata.Event, bool, error) {
	defer d.look()()
	if q.Severity != "" && severityRank(q.Severity) < 0 {
		return nil, false, metadata.Errorf(metadata.KindInvalid, "%q is not a severity: want critical, warning or info", q.Severity)
	}
	out := []metadata.Event{}
	for _, e := range slices.Backward(d.events) {
		if len(out) == limitOf(q) {
			return out, true, nil
		}
		if inWindow(q, e.ID, e.Time) && (q.Node == 0 || e.Node == q.Node) && contains(q.Text, e.Text, e.Code, e.Subject) &&
			cmp.Compare(severityRank(e.Severity), severityRank(q.Severity)) >= 0 {
			out = append(out, e)
		}
	}
	return out, false, nil
}

// Audit implements admin.Cluster.
func (d *Cluster) Audit(_ context.Context, q metadata.EventQuery) ([]metadata.AuditRecord, bool, error) {
	defer d.look()()
	out := []metadata.AuditRecord{}
	for _, r := range slices.Backward(d.audit) {
		if len(out) == limitOf(q) {
			return out, true, nil
		}
		if inWindow(q, r.ID, r.Time) && (q.User == "" || r.Actor.User == q.User) &&
			contains(q.Text, r.Action, r.Target, r.Detail, r.Actor.User, r.Text, r.Actor.Remote) {
			out = append(out, r)
		}
	}
	return out, false, nil
}
