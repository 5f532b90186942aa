package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

// historyFlags select events or audit records.
type historyFlags struct {
	limit             int
	since, node, text string
	severity, user    string
}

func (f *historyFlags) register(c *cobra.Command, g *globals) {
	c.Flags().IntVarP(&f.limit, "limit", "n", 50, "how many, the newest")
	c.Flags().StringVar(&f.since, "since", "", "only later than that: a span (2h, 7d) or a time (2026-05-17, 2026-05-17T12:00:00Z)")
	c.Flags().StringVar(&f.node, "node", "", "only of this node, by id or name")
	c.Flags().StringVar(&f.text, "text", "", "only with this in the text")
	_ = c.RegisterFlagCompletionFunc("node", completeNodes(g)) // fails only for an unknown flag
}

// historyMax bounds --limit.
const historyMax = 10_000

// query returns what to ask for.
func (f *historyFlags) query(ctx context.Context, cl *cluster.Client, now time.Time) (metadata.EventQuery, error) {
	q := metadata.EventQuery{Severity: f.severity, User: f.user, Text: f.text}
	if f.limit < 1 || f.limit > historyMax {
		return q, usagef("--limit %d: want 1 to %d", f.limit, historyMax)
	}
	if f.severity != "" && !slices.Contains(severities(), f.severity) {
		return q, usagef("--severity %q: want %s", f.severity, strings.Join(severities(), ", "))
	}
	var err error
	if q.Since, err = parseSince(f.since, now); err != nil {
		return q, err
	}
	if f.node != "" {
		q.Node, err = cluster.FindNode(ctx, cl, f.node)
	}
	return q, err
}

func severities() []string { return []string{"info", "warning", "critical"} }

// parseSince reads a span before now or a moment.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := parseSpan(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--since %q: want a span as 90m, 2h or 7d, or a time as 2026-05-17 or 2026-05-17T12:00:00Z", s)
}

// parseSpan reads a span of time: 90s, 15m, 2h30m, 7d.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days+" ", "%d ", &n); err == nil && n >= 0 && n <= 36500 && fmt.Sprint(n) == days {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, usagef("%q is no span of time: want 90s, 15m, 2h or 7d", s)
	}
	return d, nil
}

// pages reads up to limit rows, newest first, page by page, and returns them
// oldest first.
func pages[T any](q metadata.EventQuery, limit int, id func(T) uint64,
	read func(metadata.EventQuery) ([]T, bool, error)) ([]T, error) {
	all := []T{}
	for more := true; more && len(all) < limit; {
		q.Limit = min(limit-len(all), metadata.EventPageMax)
		page, m, err := read(q)
		if err != nil {
			return nil, err
		}
		if len(page) > 0 {
			q.Before = id(page[len(page)-1])
		}
		all, more = append(all, page...), m && len(page) > 0
	}
	slices.Reverse(all)
	return all, nil
}

func eventsCommand(g *globals) *cobra.Command {
	f := &historyFlags{}
	var follow bool
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what happened to the cluster",
		Long: `Show what happened to the cluster: nodes that came and went, verdicts, repairs,
failed disks. The newest are last. --follow shows what happens from now on too.`,
		Example: `  ken events
  ken events --since 2h --severity warning
  ken events --node n3 --follow
  ken events -o json | jq -r '.[] | select(.code == "NODE_DOWN") | .time'`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if follow {
				return followEvents(c, g, f)
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				all, err := readEvents(ctx, cl, f)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return eventTable(c.OutOrStdout(), all)
			})
		},
	}
	f.register(c, g)
	c.Flags().StringVar(&f.severity, "severity", "", "this one and worse: info, warning or critical")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens, until Ctrl-C")
	_ = c.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions(severities(), cobra.ShellCompDirectiveNoFileComp)) // as above
	return c
}

func readEvents(ctx context.Context, cl *cluster.Client, f *historyFlags) ([]metadata.Event, error) {
	q, err := f.query(ctx, cl, time.Now())
	if err != nil {
		return nil, err
	}
	return pages(q, f.limit, func(e metadata.Event) uint64 { return e.ID },
		func(q metadata.EventQuery) ([]metadata.Event, bool, error) { return cl.Meta.Events(ctx, q) })
}

func eventTable(w io.Writer, all []metadata.Event) error {
	t := newTable(w, "TIME", "SEVERITY", "NODE", "CODE", "TEXT")
	for _, e := range all {
		t.row(eventRow(e)...)
	}
	return t.flush()
}

func eventRow(e metadata.Event) []string {
	node := "-"
	if e.Node != 0 {
		node = e.Node.String()
	}
	return []string{e.Time.Local().Format("2006-01-02 15:04:05"), e.Severity, node, e.Code, e.Text}
}

// followEvents prints events as they happen. None is left out or printed twice,
// whatever becomes of the nameserver meanwhile.
func followEvents(c *cobra.Command, g *globals, f *historyFlags) error {
	ctx := c.Context()
	w := &watching{dir: g.dir}
	defer func() { w.close(ctx) }()
	var q metadata.EventQuery
	limit, told := f.limit, false
	for first := true; ctx.Err() == nil; {
		var all []metadata.Event
		err := w.ask(ctx, func(ctx context.Context, cl *cluster.Client) (err error) {
			if first {
				if q, err = f.query(ctx, cl, time.Now()); err != nil {
					return err
				}
			}
			all, err = pages(q, limit, func(e metadata.Event) uint64 { return e.ID },
				func(q metadata.EventQuery) ([]metadata.Event, bool, error) { return cl.Meta.Events(ctx, q) })
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && (first || !away(err)):
			return err
		case err != nil && !told:
			told = true
			fmt.Fprintln(c.ErrOrStderr(), "ken: no nameserver answers, waiting for it")
		case err == nil:
			first, told, limit = false, false, metadata.EventsMax
			for _, e := range all {
				q.After = e.ID
				if err := printEvent(c.OutOrStdout(), g, e); err != nil {
					return err
				}
			}
		}
		w.wait(ctx, lookEvery)
	}
	return nil
}

func printEvent(w io.Writer, g *globals, e metadata.Event) error {
	if g.output == "json" {
		return json.NewEncoder(w).Encode(e)
	}
	r := eventRow(e)
	for i, cell := range r {
		r[i] = shell.Printable(cell)
	}
	_, err := fmt.Fprintf(w, "%s  %-8s  %-4s  %-19s  %s\n", r[0], r[1], r[2], r[3], r[4])
	return err
}

func auditCommand(g *globals) *cobra.Command {
	f := &historyFlags{}
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what",
		Long: `Show who changed what: nodes, users, tokens, settings, and who signed in to the
admin desktop. The newest are last. WHO is the user, and the node whose
certificate made the call.`,
		Example: `  ken audit --since 7d
  ken audit --user ann
  ken audit -o json | jq -r '.[] | select(.outcome != "ok")'`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				q, err := f.query(ctx, cl, time.Now())
				if err != nil {
					return err
				}
				all, err := pages(q, f.limit, func(r metadata.AuditRecord) uint64 { return r.ID },
					func(q metadata.EventQuery) ([]metadata.AuditRecord, bool, error) { return cl.Meta.Audit(ctx, q) })
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return auditTable(c.OutOrStdout(), all)
			})
		},
	}
	f.register(c, g)
	c.Flags().StringVar(&f.user, "user", "", "only of this user")
	return c
}

func auditTable(w io.Writer, all []metadata.AuditRecord) error {
	t := newTable(w, "TIME", "WHO", "BY", "ACTION", "TARGET", "OUTCOME", "DETAIL")
	for _, r := range all {
		who := r.Actor.User
		if who == "" {
			who = "owner"
		}
		if r.Actor.Node != 0 {
			who += "@" + r.Actor.Node.String()
		}
		detail := r.Detail
		if r.Text != "" {
			detail = strings.TrimPrefix(detail+": "+r.Text, ": ")
		}
		t.row(r.Time.Local().Format("2006-01-02 15:04:05"), who, r.Actor.Origin, r.Action, dash(r.Target), r.Outcome, dash(detail))
	}
	return t.flush()
}
