package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func statusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether the data is safe, and what is being done about it",
		Long: `Say whether the data is safe, and what is being done about it.

The verdict is one of: protected, repairing, at_risk, unavailable, read_only,
metadata_at_risk, unknown.`,
		Example: "  ken status\n  ken status -o json | jq -r .verdict",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			err := withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				s, err := cluster.ReadStatus(ctx, cl)
				if err != nil {
					return err
				}
				return statusReport(c, g, &s, time.Now())
			})
			if g.output == "json" && metadata.KindOf(err) == metadata.KindUnavailable {
				// That nobody answers is a state of the data too.
				s := cluster.Status{Verdict: "unknown", Sentence: err.Error(), Since: time.Now()}
				return errors.Join(statusReport(c, g, &s, s.Since), err)
			}
			return err
		},
	}
}

func statusReport(c *cobra.Command, g *globals, s *cluster.Status, now time.Time) error {
	if g.output == "json" {
		if s.Copies == nil {
			s.Copies = slices.Grow(s.Copies, 1) // an empty list, not null
		}
		return printJSON(c, s)
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s  %s\n", s.Verdict, s.Sentence)
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
	f := newTable(w)
	f.row("storage servers:", nodesText(s))
	f.row("space:", fmt.Sprintf("%s used, %s free of %s", bytesText(s.Used), bytesText(s.Free), bytesText(s.Capacity)))
	if r := s.Repair; r.Running > 0 || r.BytesLeft > 0 {
		text := fmt.Sprintf("%d running, %s left, %s/s", r.Running, bytesText(r.BytesLeft), bytesText(r.BytesPerS))
		if r.Stalled != "" {
			text += ", waits: " + string(r.Stalled)
		}
		f.row("repair:", text)
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
	return f.flush()
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
