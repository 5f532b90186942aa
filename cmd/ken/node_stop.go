package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func nodeMaintenance(g *globals) *cobra.Command {
	var span string
	c := &cobra.Command{
		Use:   "maintenance NODE",
		Short: "A node will be away for a while: start no repair for it",
		Long: `A node will be away for a while: no copies are made in place of those on it. With
--for it is only reminded of afterwards; ` + "`ken node undrain`" + ` ends it. What would be
missing meanwhile is said by ` + "`ken node safe-to-stop`" + `.`,
		Example: "  ken node safe-to-stop n3 && ken node maintenance n3 --for 2h",
		Args:    exact(1), ValidArgsFunction: completeNodes(g),
		RunE: func(c *cobra.Command, args []string) error {
			state := metadata.NodeMaintenance
			change := metadata.NodeChange{State: &state}
			if span != "" {
				d, err := parseSpan(span)
				if err != nil {
					return err
				}
				until := time.Now().Add(d).UTC().Truncate(time.Second)
				change.Until = &until
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				id, err := cluster.FindNode(ctx, cl, args[0])
				if err != nil {
					return err
				}
				if facts, err := cl.Meta.SafeToStop(ctx, id); err == nil && !facts.Safe {
					fmt.Fprintln(c.ErrOrStderr(), "ken: do not stop it yet.", facts.Sentence)
				}
				n, err := cl.Meta.SetNode(ctx, id, change)
				if err != nil {
					return err
				}
				j := map[string]string{"node": id.String(), "state": state.String()}
				text := ""
				if !n.Until.IsZero() {
					j["until"] = n.Until.Format(time.RFC3339)
					text = " until " + n.Until.Local().Format("2006-01-02 15:04")
				}
				return report(c, g, j, "%s is in maintenance%s: `ken node undrain %s` ends it", id, text, id)
			})
		},
	}
	c.Flags().StringVar(&span, "for", "", "how long: 30m, 2h, 3d; until further notice without it")
	return c
}

func nodeSafe(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "safe-to-stop NODE...",
		Short: "Say what would be if nodes were stopped now, all together",
		Long: `Say what would be if nodes were stopped now, all together: whether all data stays
readable and new data could be written. The exit code is 0 when it is safe and 4
when it is not.`,
		Example: "  ken node safe-to-stop n3\n  ken node safe-to-stop n3 n4 && echo both",
		Args:    between(1, -1), ValidArgsFunction: completeNodes(g),
		RunE: func(c *cobra.Command, args []string) error {
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				var ids []metadata.NodeID
				for _, a := range args {
					id, err := cluster.FindNode(ctx, cl, a)
					if err != nil {
						return err
					}
					ids = append(ids, id)
				}
				facts, err := cl.Meta.SafeToStop(ctx, ids...)
				if err != nil {
					return err
				}
				if g.output == "json" {
					err = printJSON(c, facts)
				} else {
					err = stopText(c, &facts)
				}
				if err == nil && !facts.Safe {
					err = metadata.Errorf(metadata.KindConflict, "%s is not safe to stop", facts.Node)
				}
				return err
			})
		},
	}
}

func stopText(c *cobra.Command, f *health.StopFacts) error {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s\n\n", f.Sentence)
	t := newTable(w)
	for _, k := range []struct {
		what string
		n    health.Count
	}{
		{"could not be read:", f.Unavailable}, {"would have one copy:", f.AtRisk}, {"would lack a copy:", f.Below},
	} {
		t.row(k.what, fmt.Sprintf("%s, %s", countText(int64(k.n.Volumes), "volume"), bytesText(k.n.Bytes)))
	}
	writable := "yes"
	if !f.Writable {
		writable = "no"
	}
	t.row("new data is taken:", writable)
	t.row("to copy if it stays away:", bytesText(f.RepairBytes))
	return t.flush()
}
