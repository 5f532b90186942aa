package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func nodeCommand(g *globals) *cobra.Command {
	return group("node", "The machines of the cluster", nodeList(g), nodeShow(g),
		nodeSetState(g, "drain", "Move all replicas off a node", metadata.NodeDraining,
			"%s is draining: `ken node list` shows what is left, `ken node remove` ends it"),
		nodeSetState(g, "undrain", "Let a node hold data again", metadata.NodeActive, "%s is active"),
		nodeMaintenance(g), nodeSafe(g), nodeZone(g),
		nodeSetState(g, "remove", "Remove a node whose replicas have been moved off", metadata.NodeRemoved,
			"%s is removed; its certificate is refused"))
}

// nodeJSON is a node as scripts see it.
type nodeJSON struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Addr     string     `json:"addr"`
	Roles    []string   `json:"roles"`
	Zone     string     `json:"zone,omitempty"` // the one that counts
	Machine  string     `json:"machine_zone,omitempty"`
	ZoneSet  bool       `json:"zone_set,omitempty"` // by an operator
	State    string     `json:"state"`
	Liveness string     `json:"liveness"`
	Heard    *time.Time `json:"heard,omitempty"`
	Version  string     `json:"version,omitempty"`
	Until    *time.Time `json:"maintenance_until,omitempty"`
	Started  *time.Time `json:"started,omitempty"` // its process
	Expires  *time.Time `json:"certificate_expires,omitempty"`
	Volumes  int        `json:"volumes"`
	Disks    []diskJSON `json:"disks"`

	capacity, free int64 // bytes, each file system counted once
}

type diskJSON struct {
	ID       string `json:"id"`
	Path     string `json:"path"`
	Capacity int64  `json:"capacity"`
	Used     int64  `json:"used"`
	Free     int64  `json:"free"`
	Volumes  int    `json:"volumes"`
	Failed   string `json:"failed,omitempty"`
}

func nodeToJSON(n metadata.Node) nodeJSON {
	j := nodeJSON{
		ID: n.ID.String(), Name: n.Name, Addr: n.Addr, Roles: n.Roles, Zone: n.Zone, State: n.State.String(),
		Machine: n.MachineZone, ZoneSet: n.ZoneSet, Version: n.Version, Disks: []diskJSON{},
	}
	for _, d := range n.Disks {
		j.Disks = append(j.Disks, diskJSON{d.ID.String(), d.Path, d.Capacity, d.Used, d.Free, d.Volumes, d.Failed})
		j.Volumes += d.Volumes
	}
	j.capacity, j.free = metadata.RoomOf(n.Disks)
	if j.stores() {
		j.Liveness = n.Liveness.String()
	}
	for _, k := range []struct {
		to   **time.Time
		from time.Time
	}{{&j.Heard, n.Heard}, {&j.Until, n.Until}, {&j.Started, n.Started}, {&j.Expires, n.CertExpires}} {
		if !k.from.IsZero() {
			*k.to = &k.from
		}
	}
	return j
}

func readNodes(ctx context.Context, cl *cluster.Client) ([]nodeJSON, error) {
	ns, err := cl.Meta.Nodes(ctx)
	all := make([]nodeJSON, len(ns))
	for i, n := range ns {
		all[i] = nodeToJSON(n)
	}
	return all, err
}

func nodeList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List nodes",
		Long: `List nodes. STATE is what is known of the storage server: up, suspect (silent for
a few seconds), down, or what an operator asked for: draining, maintenance,
removed. USED is what files take of its disks. ROLES: names is a nameserver, data
a storage server, webdav a gateway.`,
		Example: "  ken node list\n  ken node list --json | jq '.[] | select(.liveness == \"down\")'",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				all, err := readNodes(c.Context(), cl)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return nodeTable(c, all, time.Now())
			})
		},
	}
}

// nodeTable keeps within 100 columns for addresses of IPv4.
func nodeTable(c *cobra.Command, all []nodeJSON, now time.Time) error {
	t := newTable(c.OutOrStdout(), "NODE", "NAME", "STATE", ">USED", ">FREE", ">VOLUMES", "ADDRESS", "ROLES")
	short := strings.NewReplacer(metadata.NodeNameserver, "names", metadata.NodeDatanode, "data")
	for _, n := range all {
		used, free, volumes := "-", "-", "-"
		if n.stores() && n.Heard != nil {
			var u int64
			for _, d := range n.Disks {
				u += d.Used
			}
			used, free, volumes = percentText(u, n.capacity), bytesText(n.free), fmt.Sprint(n.Volumes)
		}
		t.row(n.ID, cut(dash(n.Name), 15), n.stateText(now), used, free, volumes, n.Addr,
			short.Replace(strings.Join(n.Roles, ",")))
	}
	return t.flush()
}

// stores reports whether the node is a storage server.
func (n *nodeJSON) stores() bool { return slices.Contains(n.Roles, metadata.NodeDatanode) }

// stateText joins what an operator asked of a node and how it is doing.
func (n *nodeJSON) stateText(now time.Time) string {
	live := n.Liveness
	switch {
	case live == metadata.LivenessDown.String() && n.Heard != nil:
		live = "down " + spanText(*n.Heard, now)
	case live == metadata.LivenessUp.String() && n.failedDisks() > 0:
		live = "disk failed"
	}
	switch active := n.State == metadata.NodeActive.String(); {
	case active && live != "":
		return live
	case active || live == "" || n.Liveness == metadata.LivenessUp.String() || n.State == metadata.NodeRemoved.String():
		return n.State
	}
	return n.State + ", " + live
}

func (n *nodeJSON) failedDisks() int {
	k := 0
	for _, d := range n.Disks {
		if d.Failed != "" {
			k++
		}
	}
	return k
}

func nodeShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "show NODE",
		Short:   "Show one node with its disks",
		Example: "  ken node show n2",
		Args:    exact(1), ValidArgsFunction: completeNodes(g),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				all, err := readNodes(c.Context(), cl)
				if err != nil {
					return err
				}
				for _, n := range all {
					if n.ID != args[0] && n.Name != args[0] {
						continue
					}
					if g.output == "json" {
						return printJSON(c, n)
					}
					return nodeText(c, n, time.Now())
				}
				return metadata.Errorf(metadata.KindNotFound, "no node is called %q: see `ken node list`", args[0])
			})
		},
	}
}

func nodeText(c *cobra.Command, n nodeJSON, now time.Time) error {
	t := newTable(c.OutOrStdout())
	t.row("node:", n.ID)
	t.row("name:", dash(n.Name))
	t.row("state:", n.stateText(now))
	if n.Heard != nil {
		t.row("heard:", spanText(*n.Heard, now)+" ago")
	}
	if n.Until != nil {
		t.row("maintenance:", "until "+n.Until.Local().Format("2006-01-02 15:04"))
	}
	if n.Started != nil {
		t.row("runs:", "for "+spanText(*n.Started, now))
	}
	if n.Expires != nil {
		t.row("certificate:", "until "+n.Expires.Local().Format("2006-01-02 15:04")+", renewed before")
	}
	t.row("address:", n.Addr)
	t.row("roles:", strings.Join(n.Roles, ", "))
	t.row("zone:", strings.TrimPrefix(zoneOf(n.Zone, n.Machine, n.ZoneSet), "zone "))
	t.row("version:", dash(n.Version))
	if err := t.flush(); err != nil || len(n.Disks) == 0 {
		return err
	}
	fmt.Fprintln(c.OutOrStdout())
	d := newTable(c.OutOrStdout(), "DISK", "STATE", ">USED", ">FREE", ">SIZE", ">VOLUMES", "FOLDER")
	for _, k := range n.Disks {
		state := "ok"
		if k.Failed != "" {
			state = "failed: " + k.Failed
		}
		d.row(k.ID, state, bytesText(k.Used), bytesText(k.Free), bytesText(k.Capacity), fmt.Sprint(k.Volumes), k.Path)
	}
	return d.flush()
}

func nodeSetState(g *globals, use, short string, state metadata.NodeState, done string) *cobra.Command {
	return &cobra.Command{
		Use:   use + " NODE",
		Short: short,
		Args:  exact(1), ValidArgsFunction: completeNodes(g),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				n, err := cluster.SetNodeState(c.Context(), cl, args[0], state)
				if err != nil {
					return err
				}
				return report(c, g, map[string]string{"node": n.String(), "state": state.String()}, done, n)
			})
		},
	}
}

// completeNodes completes ids of nodes.
func completeNodes(g *globals) cobra.CompletionFunc {
	return completeIDs(g, func(ctx context.Context, cl *cluster.Client) ([]string, error) {
		ns, err := cl.Meta.Nodes(ctx)
		var ids []string
		for _, n := range ns {
			ids = append(ids, n.ID.String()+"\t"+n.Name)
		}
		return ids, err
	})
}
