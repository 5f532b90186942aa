package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func volumeCommand(g *globals) *cobra.Command {
	return group("volume", "The units in which data is placed and repaired", volumeList(g), volumeShow(g))
}

// volumeJSON is a volume as scripts see it.
type volumeJSON struct {
	ID       string        `json:"id"`
	State    string        `json:"state"`
	Epoch    uint64        `json:"epoch"`
	Target   int           `json:"target"`
	Copies   int           `json:"copies"`
	Blocks   int64         `json:"blocks"`
	Bytes    int64         `json:"bytes"`
	Replicas []replicaJSON `json:"replicas"`
}

func volumeToJSON(v metadata.Volume) volumeJSON {
	j := volumeJSON{
		ID: v.ID.String(), State: v.State.String(), Epoch: uint64(v.Epoch), Target: v.Target,
		Copies: len(v.Replicas), Blocks: v.Blocks, Bytes: v.Bytes, Replicas: []replicaJSON{},
	}
	for _, r := range v.Replicas {
		j.Replicas = append(j.Replicas, replicaJSON{Node: r.Node.String(), Disk: r.Disk.String()})
	}
	return j
}

func volumeList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List volumes and where their replicas are",
		Long: `List volumes and where their replicas are. STATE: leased (a gateway or a client
may write to it), idle, fencing (its replicas are being compared after a writer
has gone), full.`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				all := []volumeJSON{}
				for after, more := metadata.VolumeID(0), true; more; {
					vs, m, err := cl.Meta.ListVolumes(c.Context(), after, 1000)
					if err != nil {
						return err
					}
					for _, v := range vs {
						all, after = append(all, volumeToJSON(v)), v.ID
					}
					more = m && len(vs) > 0
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return volumeTable(c, all)
			})
		},
	}
}

func volumeTable(c *cobra.Command, all []volumeJSON) error {
	t := newTable(c.OutOrStdout(), "VOLUME", "STATE", "COPIES", ">BLOCKS", ">SIZE", "NODES")
	for _, v := range all {
		var nodes []string
		for _, r := range v.Replicas {
			nodes = append(nodes, r.Node)
		}
		t.row(v.ID, v.State, fmt.Sprintf("%d of %d", v.Copies, v.Target), fmt.Sprint(v.Blocks),
			bytesText(v.Bytes), strings.Join(nodes, ","))
	}
	return t.flush()
}

func volumeShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show VOLUME",
		Short: "Show one volume",
		Args:  exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := metadata.ParseVolumeID(args[0])
			if err != nil {
				return err
			}
			return withClient(c, g, func(cl *cluster.Client) error {
				vs, err := cl.Meta.Volumes(c.Context(), []metadata.VolumeID{id})
				if err != nil {
					return err
				}
				if len(vs) == 0 {
					return metadata.Errorf(metadata.KindNotFound, "there is no volume %s", id)
				}
				j := volumeToJSON(vs[0].Volume)
				for i, l := range vs[0].Located {
					j.Replicas[i].Addr, j.Replicas[i].Live = l.Addr, l.Live
				}
				if g.output == "json" {
					return printJSON(c, j)
				}
				return volumeText(c, j)
			})
		},
	}
}

func volumeText(c *cobra.Command, j volumeJSON) error {
	t := newTable(c.OutOrStdout())
	t.row("volume:", j.ID)
	t.row("state:", j.State)
	t.row("epoch:", fmt.Sprint(j.Epoch))
	t.row("copies:", fmt.Sprintf("%d of %d", j.Copies, j.Target))
	t.row("blocks:", fmt.Sprint(j.Blocks))
	t.row("size:", bytesText(j.Bytes))
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout())
	r := newTable(c.OutOrStdout(), "NODE", "DISK", "ADDRESS", "LIVE")
	for _, k := range j.Replicas {
		live := "yes"
		if !k.Live {
			live = "no"
		}
		r.row(k.Node, k.Disk, k.Addr, live)
	}
	return r.flush()
}
