package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func statusCommand(g *globals) *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say whether the data is safe, and what is being done about it",
		Long: `Say whether the data is safe, since when, with the facts behind it, and for each
fault that is there: what it means, what the system is doing, what you can do.

The verdict is one of: protected, repairing, at_risk, unavailable, read_only,
metadata_at_risk, unknown. --watch keeps looking until Ctrl-C: on a terminal the
page is drawn anew, otherwise each change is a line (with -o json, an object).`,
		Example: "  ken status\n  ken status --watch\n  ken status -o json | jq -r .verdict\n  ken status --watch -o json | jq -r .sentence",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if watch {
				return watchStatus(c, g)
			}
			err := withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				s, err := cluster.ReadStatus(ctx, cl)
				if err != nil {
					return err
				}
				return statusReport(c, g, &s, time.Now())
			})
			if g.output == "json" && metadata.KindOf(err) == metadata.KindUnavailable {
				// That nobody answers is a state of the data too.
				s := health.Blind(health.Report{}, time.Now().UTC(), err.Error())
				return errors.Join(statusReport(c, g, &s, s.Since), err)
			}
			return err
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "keep looking, until Ctrl-C")
	return c
}

func statusReport(c *cobra.Command, g *globals, s *cluster.Status, now time.Time) error {
	if g.output == "json" {
		fillStatus(s)
		return printJSON(c, s)
	}
	return statusText(c.OutOrStdout(), s, now)
}

// fillStatus makes lists that are empty so in JSON, not null.
func fillStatus(s *cluster.Status) {
	if s.Copies == nil {
		s.Copies = []health.Copies{}
	}
	if s.Checks == nil {
		s.Checks = []health.Check{}
	}
}

// statusText is the page for people: the verdict, its facts, the checks.
func statusText(w io.Writer, s *cluster.Status, now time.Time) error {
	fmt.Fprintf(w, "%s: %s\n", s.Verdict.Words(), s.Sentence)
	fmt.Fprintf(w, "for %s\n\n", spanText(s.Since, now))
	if len(s.Copies) > 0 {
		t := newTable(w, "COPIES", ">VOLUMES", ">SIZE")
		for _, k := range s.Copies {
			t.row(fmt.Sprintf("%d of %d", k.Live, k.Target), fmt.Sprint(k.Volumes), bytesText(k.Bytes))
		}
		if err := t.flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if err := statusFacts(w, s, now); err != nil {
		return err
	}
	for i := range s.Checks {
		checkText(w, &s.Checks[i], now)
	}
	return nil
}

func statusFacts(w io.Writer, s *cluster.Status, now time.Time) error {
	f := newTable(w)
	f.row("can lose:", canLoseText(s))
	f.row("storage servers:", nodesText(s))
	f.row("repair:", repairText(&s.Repair))
	f.row("space:", spaceText(s))
	if s.Voters > 0 {
		f.row("nameserver:", nameserverText(s))
	}
	var deleted []string
	if s.Dead > 0 {
		deleted = append(deleted, countText(s.Dead, "block")+" to be cleared")
	}
	if s.Trash > 0 {
		deleted = append(deleted, countText(s.Trash, "tree")+" being cleared")
	}
	if len(deleted) > 0 {
		f.row("deleted:", strings.Join(deleted, ", "))
	}
	if !s.LastChange.IsZero() {
		f.row("last change:", spanText(s.LastChange, now)+" ago")
	}
	return f.flush()
}

func canLoseText(s *cluster.Status) string {
	switch {
	case s.CanLose < 0:
		return "not known"
	case s.Volumes.Bytes == 0:
		return "nothing: there is no data yet"
	case s.CanLose == 0:
		return "no storage server, or some data could not be read"
	}
	return "any " + countText(int64(s.CanLose), "storage server") + " more, and all data stays readable"
}

// repairText says what repair does, and when it is done or why it is not.
func repairText(r *health.Progress) string {
	var parts []string
	switch {
	case r.Running > 0:
		parts = append(parts, fmt.Sprintf("%d running", r.Running))
	case r.BytesLeft == 0 && r.Failing == 0 && !r.Paused:
		return "nothing to do"
	}
	if r.BytesLeft > 0 {
		parts = append(parts, bytesText(r.BytesLeft)+" left")
	}
	if r.BytesPerS > 0 {
		parts = append(parts, bytesText(r.BytesPerS)+"/s")
	}
	if r.ETAMax > 0 {
		parts = append(parts, "done in "+health.Span(r.ETAMin, r.ETAMax))
	}
	if r.Failing > 0 {
		parts = append(parts, fmt.Sprintf("%d failing", r.Failing))
	}
	switch {
	case r.Paused && r.PausedBy == health.PausedByOperator:
		parts = append(parts, "paused until "+r.PausedTill.Local().Format("2006-01-02 15:04")+", `ken repair resume` ends it")
	case r.Paused:
		parts = append(parts, "paused: many storage servers went down at once")
	case r.Stalled != "":
		parts = append(parts, "waits: "+r.Stalled)
	}
	return strings.Join(parts, ", ")
}

func spaceText(s *cluster.Status) string {
	text := fmt.Sprintf("%s used, %s free of %s", bytesText(s.Used), bytesText(s.Free), bytesText(s.Capacity))
	if s.DaysToFull != nil {
		text += fmt.Sprintf(", full in about %s", countText(int64(math.Ceil(*s.DaysToFull)), "day"))
	}
	return text
}

func nameserverText(s *cluster.Status) string {
	answer := fmt.Sprintf("%d of %d answer", s.VotersHealthy, s.Voters)
	switch n := s.Nameserver; {
	case n.Leader == "":
		return answer
	case n.Name != "":
		return fmt.Sprintf("%s (%s) leads, %s", n.Leader, n.Name, answer)
	default:
		return n.Leader + " leads, " + answer
	}
}

func nodesText(s *cluster.Status) string {
	text := fmt.Sprintf("%d up", s.Nodes.Up)
	for _, k := range []struct {
		n    int
		what string
	}{
		{s.Nodes.Suspect, "suspect"}, {s.Nodes.Down, "down"}, {s.Nodes.Unknown, "not heard of yet"},
		{s.Nodes.Draining, "draining"}, {s.Nodes.Maintenance, "in maintenance"},
	} {
		if k.n > 0 {
			text += fmt.Sprintf(", %d %s", k.n, k.what)
		}
	}
	return text
}

// checkText prints a check with what can be done.
func checkText(w io.Writer, k *health.Check, now time.Time) {
	about := []string{k.Code, "for " + spanText(k.Since, now)}
	if k.Bytes > 0 {
		about = append(about, bytesText(k.Bytes))
	}
	if !k.Muted.IsZero() {
		about = append(about, "muted")
	}
	fmt.Fprintf(w, "\n%s  %s (%s)\n", strings.ToUpper(string(k.Severity)), k.Title, strings.Join(about, ", "))
	if len(k.Affected) > 0 {
		names := strings.Join(k.Affected, ", ")
		if more := k.Count - len(k.Affected); more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		paragraph(w, "affected: ", names)
	}
	paragraph(w, "means:    ", k.Meaning)
	paragraph(w, "happens:  ", k.Doing)
	paragraph(w, "you can:  ", k.Remedy)
	for _, a := range k.Actions {
		if a.Command != "" {
			fmt.Fprintf(w, "            %s\n", a.Command)
		}
	}
}

// How wide text is set: no wider than is easily read, and within the terminal
// unless that is too narrow for any.
const (
	paragraphColumns    = 90
	paragraphColumnsMin = 40
)

// paragraph prints text behind a label, broken between words and indented.
func paragraph(w io.Writer, label, text string) {
	line, indent := "  "+label, strings.Repeat(" ", 2+len(label))
	empty, most := true, paragraphColumns
	if wide, _ := terminalSize(w); wide > 0 {
		most = max(min(most, wide), paragraphColumnsMin)
	}
	for word := range strings.FieldsSeq(shell.Printable(text)) {
		switch {
		case empty:
			line += word
		case columns(line)+1+columns(word) > most:
			fmt.Fprintln(w, line)
			line = indent + word
		default:
			line += " " + word
		}
		empty = false
	}
	if !empty {
		fmt.Fprintln(w, line)
	}
}
