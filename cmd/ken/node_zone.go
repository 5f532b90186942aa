package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func nodeZone(g *globals) *cobra.Command {
	var back, dry bool
	c := &cobra.Command{
		Use:   "zone NODE [ZONE]",
		Short: "Put a node into a zone, whatever its own label says",
		Long: `Put a node into a zone: a room, a rack, whatever fails together. Copies are spread
over zones; those that are in one zone afterwards and need not be are moved by
themselves, after all repairs. What an operator sets counts more than the
machine's own label (` + "`--zone`, `zone` in ken.toml" + `) until --clear, or an empty
zone, takes it back. --dry-run says what it would mean and changes nothing.`,
		Example: "  ken node zone n3 rack-b --dry-run\n  ken node zone n3 rack-b\n  ken node zone n3 --clear",
		Args:    between(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			zone, err := zoneWanted(args[1:], back)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				id, err := cluster.FindNode(ctx, cl, args[0])
				if err != nil {
					return err
				}
				if dry {
					facts, err := cl.Meta.ZoneFacts(ctx, id, zone)
					if err != nil {
						return err
					}
					if g.output == "json" {
						return printJSON(c, facts)
					}
					return zoneText(c, &facts)
				}
				n, err := cl.Meta.SetNode(ctx, id, metadata.NodeChange{Zone: &zone})
				if err != nil {
					return err
				}
				j := map[string]any{"node": id.String(), "zone": n.Zone, "zone_set": n.ZoneSet, "machine_zone": n.MachineZone}
				return report(c, g, j, "%s: %s", id, zoneOf(n.Zone, n.MachineZone, n.ZoneSet))
			})
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return completeZones(g)(c, nil, to)
		}
		return completeNodes(g)(c, args, to)
	}
	c.Flags().BoolVar(&back, "clear", false, "back to what the machine itself says")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what it would mean")
	return c
}

// zoneWanted is the zone that the words ask for, "" for the machine's own.
func zoneWanted(args []string, back bool) (string, error) {
	switch {
	case len(args) == 0 && !back:
		return "", usagef("name a zone, or say --clear")
	case len(args) > 0 && args[0] != "" && back:
		return "", usagef("either a zone or --clear, not both")
	case len(args) == 0:
		return "", nil
	}
	return args[0], nil
}

// zoneOf says which zone a node is in, and whose word that is.
func zoneOf(zone, machine string, set bool) string {
	if !set {
		return "zone " + dash(zone)
	}
	said := "the machine says " + machine
	if machine == "" {
		said = "the machine says nothing"
	}
	return fmt.Sprintf("zone %s, set by an operator; %s", zone, said)
}

func zoneText(c *cobra.Command, f *health.ZoneFacts) error {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s\n\n", f.Sentence)
	t := newTable(w)
	count := func(n health.Count) string {
		return fmt.Sprintf("%s, %s", countText(int64(n.Volumes), "volume"), bytesText(n.Bytes))
	}
	t.row("zone now:", strings.TrimPrefix(zoneOf(f.Was, f.Machine, f.WasSet), "zone "))
	t.row("all copies in one zone:", count(f.OneZone))
	t.row("to move to other zones:", fmt.Sprintf("%s of %s", bytesText(f.MoveBytes), countText(int64(f.Crowded.Volumes), "volume")))
	t.row("spread better:", count(f.Mended))
	t.row("storage servers in the zone:", fmt.Sprint(f.Servers))
	t.row("zones that take data:", fmt.Sprint(f.Zones))
	return t.flush()
}

// completeZones completes the zones that there are.
func completeZones(g *globals) cobra.CompletionFunc {
	return completeIDs(g, func(ctx context.Context, cl *cluster.Client) ([]string, error) {
		ns, err := cl.Meta.Nodes(ctx)
		seen := make(map[string]bool)
		var zones []string
		for _, n := range ns {
			if n.Zone != "" && !seen[n.Zone] && n.State != metadata.NodeRemoved {
				zones = append(zones, n.Zone)
				seen[n.Zone] = true
			}
		}
		return zones, err
	})
}
