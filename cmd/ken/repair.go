package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func repairCommand(g *globals) *cobra.Command {
	return group("repair", "The making of missing copies", repairList(g), repairPause(g), repairResume(g), repairFirst(g))
}

func repairList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the volumes that want work, the most urgent first, and drains",
		Args:  exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				r, err := cl.Meta.Repairs(ctx)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, r)
				}
				return repairsText(c, &r)
			})
		},
	}
}

func repairsText(c *cobra.Command, r *health.Repairs) error {
	w := c.OutOrStdout()
	t := newTable(w, "VOLUME", "WHY", "STATE", "COPIES", ">SIZE", ">DONE", "FROM", "TO", "WAITS FOR")
	for _, v := range r.Queue {
		why := v.WaitReason
		if v.LastError != "" {
			why = strings.TrimPrefix(why+": "+v.LastError, ": ")
		}
		t.row(v.Volume, v.Class, v.State, fmt.Sprintf("%d of %d", v.Live, v.Target), bytesText(v.Bytes),
			percentText(v.BytesDone, v.Bytes), dash(v.From), dash(v.To), dash(why))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if more := r.Total - len(r.Queue); more > 0 {
		fmt.Fprintf(w, "and %s more\n", countText(int64(more), "volume"))
	}
	if len(r.Drains) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	d := newTable(w, "DRAINING", "NAME", ">VOLUMES", ">SIZE", "STATE")
	for _, n := range r.Drains {
		state := "moving"
		switch {
		case n.Ready:
			state = "empty: `ken node remove " + n.Node + "` ends it"
		case len(n.Blockers) > 0:
			state = strings.Join(n.Blockers, "; ")
		}
		d.row(n.Node, dash(n.Name), fmt.Sprint(n.Volumes), bytesText(n.Bytes), state)
	}
	return d.flush()
}

func repairPause(g *globals) *cobra.Command {
	span := "1h"
	c := &cobra.Command{
		Use:     "pause",
		Short:   "Make no copies for a while",
		Example: "  ken repair pause --for 2h",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := parseSpan(span)
			if err == nil && (d <= 0 || d > metadata.RepairPauseMax) {
				err = usagef("--for %s: want at most %s", span, "7d")
			}
			if err != nil {
				return err
			}
			until := time.Now().Add(d).Truncate(time.Second)
			return setOne(c, g, metadata.SettingRepairPaused, until.Unix(),
				"repair is paused until %s, lost copies stay lost meanwhile; `ken repair resume` ends it", until.Local().Format("2006-01-02 15:04:05"))
		},
	}
	c.Flags().StringVar(&span, "for", span, "how long: 30m, 2h, at most 7d")
	return c
}

func repairResume(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "End a pause", Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return setOne(c, g, metadata.SettingRepairPaused, 0, "repair goes on")
		},
	}
}

func repairFirst(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "first VOLUME", Short: "Repair a volume before the others, at once if its last attempts failed",
		Example: "  ken repair first v12", Args: exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := metadata.ParseVolumeID(args[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				if err := cl.Meta.Prioritise(ctx, id); err != nil {
					return err
				}
				return report(c, g, map[string]string{"volume": id.String()}, "%s comes first now", id)
			})
		},
	}
}

func settingCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "set [NAME [VALUE]]",
		Short: "Show or change the cluster's settings",
		Long: `Show or change the cluster's settings, which are kept by the nameserver and count
for all nodes. (What one node does by itself stands in its ken.toml.)`,
		Example: `  ken set
  ken set replication 3
  ken set repair_bytes_per_second 50M
  ken set read_only 1`,
		Args: between(0, 2), ValidArgsFunction: completeIDs(g, func(ctx context.Context, cl *cluster.Client) ([]string, error) {
			all, err := cl.Meta.Settings(ctx)
			var names []string
			for _, s := range all {
				names = append(names, s.Name+"\t"+s.Description)
			}
			return names, err
		}),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 2 {
				return change(c, g, args[0], args[1])
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				all, err := cl.Meta.Settings(ctx)
				if err != nil {
					return err
				}
				if len(args) == 1 {
					if all, err = pick(all, args[0]); err != nil {
						return err
					}
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return settingTable(c, all)
			})
		},
	}
}

func pick(all []metadata.Setting, name string) ([]metadata.Setting, error) {
	for _, s := range all {
		if s.Name == name {
			return []metadata.Setting{s}, nil
		}
	}
	return nil, metadata.Errorf(metadata.KindNotFound, "there is no setting %q: `ken set` lists them", name)
}

func change(c *cobra.Command, g *globals, name, text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil && name == metadata.SettingRepairRate {
		v, err = parseSize(text)
	}
	if err != nil {
		return usagef("%s: %q is no number", name, text)
	}
	return setOne(c, g, name, v, "%s is %s", name, text)
}

func setOne(c *cobra.Command, g *globals, name string, v int64, done string, args ...any) error {
	return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
		if err := cl.Meta.Set(ctx, map[string]int64{name: v}); err != nil {
			return err
		}
		return report(c, g, map[string]any{"name": name, "value": v}, done, args...)
	})
}

func settingTable(c *cobra.Command, all []metadata.Setting) error {
	w := c.OutOrStdout()
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		unit := s.Unit
		if s.Unit == "bool" {
			unit = "0 no, 1 yes"
		}
		fmt.Fprintf(w, "%s = %d  (%s; %d to %d", s.Name, s.Value, unit, s.Min, s.Max)
		if s.Zero != "" {
			fmt.Fprintf(w, ", 0: %s", s.Zero)
		}
		if s.Default != 0 {
			fmt.Fprintf(w, ", default %d", s.Default)
		}
		fmt.Fprintln(w, ")")
		paragraph(w, "", s.Description)
	}
	return nil
}
