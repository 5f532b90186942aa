package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func nodeCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "node", Short: "The machines of the cluster", Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(nodeList(g),
		nodeSetState(g, "drain", "Move all replicas off a node", metadata.NodeDraining,
			"%s is draining: `ken node list` shows what is left, `ken node remove` ends it"),
		nodeSetState(g, "undrain", "Let a node hold data again", metadata.NodeActive, "%s is active"),
		nodeSetState(g, "maintenance", "A node will be away for a while: start no repair for it",
			metadata.NodeMaintenance, "%s is in maintenance: `ken node undrain` ends it"),
		nodeSetState(g, "remove", "Remove a node whose replicas have been moved off", metadata.NodeRemoved,
			"%s is removed; its certificate is refused"))
	return c
}

// nodeJSON is a node as scripts see it.
type nodeJSON struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Addr     string     `json:"addr"`
	Roles    []string   `json:"roles"`
	Zone     string     `json:"zone,omitempty"`
	State    string     `json:"state"`
	Liveness string     `json:"liveness"`
	Heard    *time.Time `json:"heard,omitempty"`
	Version  string     `json:"version,omitempty"`
	Volumes  int        `json:"volumes"`
	Disks    []diskJSON `json:"disks"`
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
		Version: n.Version, Disks: []diskJSON{},
	}
	for _, d := range n.Disks {
		j.Disks = append(j.Disks, diskJSON{d.ID.String(), d.Path, d.Capacity, d.Used, d.Free, d.Volumes, d.Failed})
		j.Volumes += d.Volumes
	}
	if stores := strings.Contains(strings.Join(n.Roles, ","), metadata.NodeDatanode); stores {
		j.Liveness = n.Liveness.String()
	}
	if !n.Heard.IsZero() {
		j.Heard = &n.Heard
	}
	return j
}

func nodeList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List nodes with their disks",
		Example: "  ken node list\n  ken node list -o json | jq '.[] | select(.liveness == \"down\")'",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				ns, err := cl.Meta.Nodes(c.Context())
				if err != nil {
					return err
				}
				all := make([]nodeJSON, len(ns))
				for i, n := range ns {
					all[i] = nodeToJSON(n)
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return nodeTable(c, all)
			})
		},
	}
}

func nodeTable(c *cobra.Command, all []nodeJSON) error {
	t := newTable(c.OutOrStdout(), "NODE", "NAME", "STATE", "LIVENESS", "HEARD", "USED", "FREE", "VOLUMES", "ADDRESS", "ROLES")
	now := time.Now()
	for _, n := range all {
		var used, free int64
		failed := ""
		for _, d := range n.Disks {
			used, free = used+d.Used, free+d.Free
			if d.Failed != "" {
				failed = " (disk failed)"
			}
		}
		heard, usedText, freeText := "-", "-", "-"
		if n.Heard != nil {
			heard = ageText(*n.Heard, now) + " ago"
			usedText, freeText = bytesText(used), bytesText(free)
		}
		t.row(n.ID, dash(n.Name), n.State+failed, dash(n.Liveness), heard, usedText, freeText,
			fmt.Sprint(n.Volumes), n.Addr, strings.Join(n.Roles, ","))
	}
	return t.flush()
}
