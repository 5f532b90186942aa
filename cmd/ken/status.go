package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
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
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				s, err := cluster.ReadStatus(ctx, cl)
				if err != nil {
					if g.output == "json" {
						if perr := printJSON(c, s); perr != nil {
							return perr
						}
					}
					return err
				}
				if g.output == "json" {
					return printJSON(c, s)
				}
				return statusReport(c, &s)
			})
		},
	}
}

func statusReport(c *cobra.Command, s *cluster.Status) error {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s  %s\n", s.Verdict, s.Sentence)
	fmt.Fprintf(w, "since %s ago\n\n", ageText(s.Since, time.Now()))
	t := newTable(w, "COPIES", "VOLUMES", "SIZE")
	for _, k := range s.Copies {
		t.row(fmt.Sprintf("%d of %d", k.Live, k.Target), fmt.Sprint(k.Volumes), bytesText(k.Bytes))
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
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
	if s.Dead > 0 || s.Trash > 0 {
		f.row("deleted:", fmt.Sprintf("%d blocks wait to be cleared, %d trees are being cleared", s.Dead, s.Trash))
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
