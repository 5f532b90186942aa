package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func fsQuota(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "quota PATH [SIZE]",
		Short: "Limit what a directory may hold, or show the limit",
		Long: `Limit what a directory may hold, everything below included, or show the limit.
SIZE is a number of bytes with an optional unit: K, M, G or T, powers of 1024.
0 or none removes the limit. Copies are not counted.`,
		Example: "  ken fs quota /home/ann 50G\n  ken fs quota /home/ann none\n  ken fs quota /home/ann",
		Args:    between(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			var change metadata.AttrChange
			if len(args) > 1 {
				n, err := parseSize(args[1])
				if err != nil {
					return err
				}
				change.QuotaBytes = &n
			}
			return changeDir(c, g, args, change, func(p metadata.Path, e metadata.Entry) error {
				q := quotaJSON{string(p), e.QuotaBytes, e.Usage.Bytes}
				if q.Quota == 0 {
					return report(c, g, q, "%s: %s used, no limit", q.Path, bytesText(q.Used))
				}
				return report(c, g, q, "%s: %s used of %s", q.Path, bytesText(q.Used), bytesText(q.Quota))
			})
		},
	}
}

// quotaJSON is what `ken fs quota` prints for scripts. Sizes are bytes.
type quotaJSON struct {
	Path  string `json:"path"`
	Quota int64  `json:"quota"` // 0: no limit
	Used  int64  `json:"used"`
}

func fsReplication(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "replication PATH [N]",
		Short: "Say how many copies new files of a directory get, or show it",
		Long: `Say how many copies new files of a directory get, everything below included, or
show it. 0 or inherit takes the number of the directory above. Files that are
there keep what they have.`,
		Example: "  ken fs replication /photos 3\n  ken fs replication /photos inherit\n  ken fs replication /photos",
		Args:    between(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			var change metadata.AttrChange
			if len(args) > 1 {
				n, err := strconv.Atoi(args[1])
				if args[1] == "inherit" {
					n, err = 0, nil
				}
				if err != nil || n < 0 || n > replicationMax {
					return usagef("%q: want 1 to %d copies, or inherit", args[1], replicationMax)
				}
				change.Replication = &n
			}
			return changeDir(c, g, args, change, func(p metadata.Path, e metadata.Entry) error {
				j := replicationJSON{string(p), e.EffectiveReplication, e.Replication == 0}
				from := ""
				switch {
				case p == metadata.Root && j.Inherited:
					from = ", the cluster's number"
				case j.Inherited:
					from = ", as the directory above"
				}
				return report(c, g, j, "%s: %s%s", j.Path, countText(int64(j.Copies), "copy"), from)
			})
		},
	}
}

// replicationJSON is what `ken fs replication` prints for scripts.
type replicationJSON struct {
	Path      string `json:"path"`
	Copies    int    `json:"replication"`
	Inherited bool   `json:"inherited"`
}

// changeDir changes the directory that the first argument names, when there is
// a second argument, and shows how it is then.
func changeDir(c *cobra.Command, g *globals, args []string, change metadata.AttrChange,
	show func(metadata.Path, metadata.Entry) error) error {
	p, err := remotePath(args[0])
	if err != nil {
		return err
	}
	return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
		e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
		if err == nil && !e.IsDir {
			err = metadata.Errorf(metadata.KindNotDir, "%s is a file: this is a property of directories", p)
		}
		if err == nil && len(args) > 1 {
			if _, err = cl.Meta.SetAttr(ctx, p, metadata.Guard{}, change); err == nil {
				e, err = cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
			}
		}
		if err != nil {
			return err
		}
		return show(p, e)
	})
}

// parseSize reads a number of bytes: 4096, 50G, 1.5TiB, none.
func parseSize(text string) (int64, error) {
	if text == "none" {
		return 0, nil
	}
	number, unit := text, int64(1)
	trimmed := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	for i, u := range "KMGTPE" {
		if n, ok := strings.CutSuffix(trimmed, string(u)); ok {
			number, unit = strings.TrimSpace(n), 1<<(10*(i+1))
			break
		}
	}
	if unit == 1 {
		number = strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(text), "B"))
	}
	f, err := strconv.ParseFloat(number, 64)
	if n := f * float64(unit); err == nil && n >= 0 && n < 1<<62 {
		return int64(n), nil
	}
	return 0, usagef("size %q: want a number of bytes, as 4096, 500M or 1.5T, or none", text)
}
