package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// blockJSON is one block of a file and where its replicas are.
type blockJSON struct {
	Index    int           `json:"index"`
	Block    string        `json:"block"`
	Offset   int64         `json:"offset"`
	Length   uint32        `json:"length"`
	Replicas []replicaJSON `json:"replicas"`
}

type replicaJSON struct {
	Node string `json:"node"`
	Disk string `json:"disk"`
	Addr string `json:"addr"`
	Live bool   `json:"live"`
}

func fsStat(g *globals) *cobra.Command {
	var blocks bool
	c := &cobra.Command{
		Use:   "stat PATH",
		Short: "Show everything about a file or directory",
		Example: `  ken fs stat /report.pdf
  ken fs stat --blocks /video.mkv   # where each block lives`,
		Args: exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(args[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
				if err != nil {
					return err
				}
				var bs []blockJSON
				if blocks && !e.IsDir {
					if bs, err = locate(ctx, cl, &e); err != nil {
						return err
					}
				}
				if g.output == "json" {
					return printJSON(c, struct {
						entryJSON
						Blocks []blockJSON `json:"blocks_at,omitempty"`
					}{toJSON(p, &e), bs})
				}
				if err := statText(c.OutOrStdout(), p, &e); err != nil || !blocks {
					return err
				}
				return blockTable(c, bs)
			})
		},
	}
	c.Flags().BoolVarP(&blocks, "blocks", "b", false, "where each block lives")
	return c
}

func blockTable(c *cobra.Command, bs []blockJSON) error {
	fmt.Fprintln(c.OutOrStdout())
	t := newTable(c.OutOrStdout(), ">BLOCK", "ID", ">OFFSET", ">LENGTH", "REPLICAS")
	for _, b := range bs {
		where := ""
		for i, r := range b.Replicas {
			if i > 0 {
				where += ", "
			}
			where += r.Node + " (" + r.Disk + ")"
			if !r.Live {
				where += " not answering"
			}
		}
		t.row(fmt.Sprint(b.Index), b.Block, fmt.Sprint(b.Offset), bytesText(int64(b.Length)), where)
	}
	return t.flush()
}

// locate returns all blocks of a file with the replicas of each.
func locate(ctx context.Context, cl *cluster.Client, e *metadata.Entry) ([]blockJSON, error) {
	var out []blockJSON
	views := map[metadata.VolumeID]metadata.VolumeView{}
	var offset int64
	for len(out) < e.BlockCount {
		refs := e.Blocks
		if e.BlockCount > len(e.Blocks) {
			var err error
			if refs, err = cl.Meta.Blocks(ctx, e.Content, len(out)); err != nil {
				return nil, err
			}
		}
		if len(refs) == 0 {
			return nil, metadata.Errorf(metadata.KindCorrupt, "file has %d blocks, found %d", e.BlockCount, len(out))
		}
		if err := learnVolumes(ctx, cl, refs, views); err != nil {
			return nil, err
		}
		for _, r := range refs {
			b := blockJSON{Index: len(out), Block: r.ID.String(), Offset: offset, Length: r.Length}
			for _, l := range views[r.ID.Volume].Located {
				b.Replicas = append(b.Replicas, replicaJSON{l.Node.String(), l.Disk.String(), l.Addr, l.Live})
			}
			offset += int64(r.Length)
			out = append(out, b)
		}
	}
	return out, nil
}

func learnVolumes(ctx context.Context, cl *cluster.Client, refs []metadata.BlockRef,
	views map[metadata.VolumeID]metadata.VolumeView) error {
	var ids []metadata.VolumeID
	for _, r := range refs {
		if _, known := views[r.ID.Volume]; !known {
			views[r.ID.Volume] = metadata.VolumeView{}
			ids = append(ids, r.ID.Volume)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	vs, err := cl.Meta.Volumes(ctx, ids)
	for _, v := range vs {
		views[v.ID] = v
	}
	return err
}
