package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// entryJSON is an entry as scripts see it.
type entryJSON struct {
	Path     string    `json:"path"`
	Type     string    `json:"type"` // file or dir
	Size     int64     `json:"size"` // bytes; of a directory: of all files below
	Modified time.Time `json:"modified"`
	Created  time.Time `json:"created"`
	Owner    string    `json:"owner,omitempty"`
	ETag     string    `json:"etag"`
	SHA1     string    `json:"sha1,omitempty"`
	Files    int64     `json:"files,omitempty"`
	Dirs     int64     `json:"dirs,omitempty"`
	Blocks   int       `json:"blocks,omitempty"`
	Copies   int       `json:"replication,omitempty"`
	Quota    int64     `json:"quota,omitempty"`
}

func toJSON(p metadata.Path, e *metadata.Entry) entryJSON {
	j := entryJSON{
		Path: string(p), Type: "file", Size: e.Size, Modified: e.Modified, Created: e.Created, Owner: e.Owner,
		ETag: e.ETag(), SHA1: hex.EncodeToString(e.SHA1), Blocks: e.BlockCount, Copies: e.EffectiveReplication,
	}
	if e.IsDir {
		j.Type, j.Size, j.Files, j.Dirs, j.Quota = "dir", e.Usage.Bytes, e.Usage.Files, e.Usage.Dirs, e.QuotaBytes
	}
	return j
}

// listing returns the entries to show for p: the members of a directory, or
// the file itself.
func listing(ctx context.Context, cl *cluster.Client, p metadata.Path, recursive bool,
	f func(metadata.Path, metadata.Entry) error) error {
	e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
	if err != nil {
		return err
	}
	if !e.IsDir {
		return f(p, e)
	}
	return transfer.Walk(ctx, oneLevel{cl.Meta, recursive, p}, p, f)
}

// oneLevel is a Tree whose directories below the first are empty, unless the
// walk is recursive.
type oneLevel struct {
	metadata.Tree
	recursive bool
	top       metadata.Path
}

func (t oneLevel) List(ctx context.Context, p metadata.Path, opt metadata.ListOptions) (metadata.Page, error) {
	if !t.recursive && p != t.top {
		return metadata.Page{}, nil
	}
	return t.Tree.List(ctx, p, opt)
}

func fsLs(g *globals) *cobra.Command {
	var long, recursive bool
	c := &cobra.Command{
		Use:   "ls [PATH]",
		Short: "List a directory",
		Example: `  ken fs ls /
  ken fs ls -l /photos
  ken fs ls -R --json / | jq -r '.[].path'`,
		Args: between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(append(args, "/")[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return listEntries(ctx, c, g, cl, p, long, recursive)
			})
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "size, time and owner too")
	c.Flags().BoolVarP(&recursive, "recursive", "R", false, "everything below")
	return c
}

func listEntries(ctx context.Context, c *cobra.Command, g *globals, cl *cluster.Client, p metadata.Path,
	long, recursive bool) error {
	l := newEntryList(c, g, long, recursive)
	err := listing(ctx, cl, p, recursive, func(path metadata.Path, e metadata.Entry) error {
		l.add(path, e)
		return nil
	})
	if err != nil {
		return err
	}
	return l.flush()
}

// entryList prints entries as names, as a table or for scripts.
type entryList struct {
	c           *cobra.Command
	json        bool
	long, whole bool // with details; with whole paths
	all         []entryJSON
	t           *table
}

func newEntryList(c *cobra.Command, g *globals, long, whole bool) *entryList {
	l := &entryList{c: c, json: g.output == "json", long: long, whole: whole, all: []entryJSON{}, t: newTable(c.OutOrStdout())}
	if long {
		l.t.right = []bool{true}
	}
	return l
}

func (l *entryList) add(path metadata.Path, e metadata.Entry) {
	name := e.Name
	if l.whole {
		name = string(path)
	}
	if e.IsDir {
		name += "/"
	}
	switch {
	case l.json:
		l.all = append(l.all, toJSON(path, &e))
	case l.long:
		j := toJSON(path, &e)
		l.t.row(bytesText(j.Size), e.Modified.Local().Format("2006-01-02 15:04"), dash(e.Owner), name)
	default:
		l.t.row(name)
	}
}

func (l *entryList) flush() error {
	if l.json {
		return printJSON(l.c, l.all)
	}
	return l.t.flush()
}

func fsTree(g *globals) *cobra.Command {
	var depth int
	c := &cobra.Command{
		Use:     "tree [PATH]",
		Short:   "Draw a directory and everything below it",
		Example: "  ken fs tree -d 2 /",
		Args:    between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if depth < 0 {
				return usagef("--depth %d: want 1 or more, or 0 for all", depth)
			}
			p, err := remotePath(append(args, "/")[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
				if err != nil {
					return err
				}
				if g.output == "json" {
					return listEntries(ctx, c, g, cl, p, true, true)
				}
				fmt.Fprintln(c.OutOrStdout(), p)
				if err := drawTree(ctx, c.OutOrStdout(), cl.Meta, p, "", depth); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "\n%s, %s, %s\n", countText(e.Usage.Dirs, "directory"),
					countText(e.Usage.Files, "file"), bytesText(e.Usage.Bytes))
				return err
			})
		},
	}
	c.Flags().IntVarP(&depth, "depth", "d", 0, "levels to show (0: all)")
	return c
}

// drawTree prints the members of p with the branches to their left. It looks
// one page ahead, so that the last member gets its corner.
func drawTree(ctx context.Context, w io.Writer, t metadata.Tree, p metadata.Path, left string, depth int) error {
	opt := metadata.ListOptions{}
	for {
		page, err := t.List(ctx, p, opt)
		if err != nil {
			return err
		}
		for i, e := range page.Entries {
			branch, below := "├── ", "│   "
			if !page.More && i == len(page.Entries)-1 {
				branch, below = "└── ", "    "
			}
			name := shell.Printable(e.Name)
			if e.IsDir {
				name += "/"
			}
			if _, err := fmt.Fprintf(w, "%s%s%s\n", left, branch, name); err != nil {
				return err
			}
			if e.IsDir && depth != 1 {
				if err := drawTree(ctx, w, t, p.Join(e.Name), left+below, max(depth-1, 0)); err != nil {
					return err
				}
			}
			opt.After = e.Name
		}
		if !page.More {
			return nil
		}
	}
}

func fsDu(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "du [PATH]",
		Short:   "Sizes of a directory's members",
		Long:    "Sizes of a directory's members, from counters that the nameserver keeps: it answers at once for a tree of any size.",
		Example: "  ken fs du /photos",
		Args:    between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(append(args, "/")[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				if g.output == "json" {
					return listEntries(ctx, c, g, cl, p, true, false)
				}
				e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
				if err != nil {
					return err
				}
				t := newTable(c.OutOrStdout(), ">SIZE", ">FILES", "PATH")
				row := func(path metadata.Path, e metadata.Entry) error {
					j := toJSON(path, &e)
					files := max(j.Files, 1)
					if e.IsDir {
						files = j.Files
					}
					t.row(bytesText(j.Size), fmt.Sprint(files), string(path))
					return nil
				}
				if e.IsDir {
					if err := listing(ctx, cl, p, false, row); err != nil {
						return err
					}
				}
				_ = row(p, e) // never fails
				return t.flush()
			})
		},
	}
}

// spaceJSON is what `ken fs df` prints for scripts.
type spaceJSON struct {
	Path      string `json:"path"`
	Used      int64  `json:"used"`
	Available int64  `json:"available"` // -1: unknown
}

func fsDf(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "df [PATH]",
		Short: "Space used and free",
		Long: `Space used and free in a directory, as far as its quota and those above it allow.
AVAILABLE counts every copy: with two copies it is half of the free space.`,
		Args: between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(append(args, "/")[0])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				q, err := cl.Meta.Quota(ctx, p)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, spaceJSON{string(p), q.UsedBytes, q.AvailableBytes})
				}
				available := "unknown"
				if q.AvailableBytes >= 0 {
					available = bytesText(q.AvailableBytes)
				}
				t := newTable(c.OutOrStdout(), ">USED", ">AVAILABLE", "PATH")
				t.row(bytesText(q.UsedBytes), available, string(p))
				return t.flush()
			})
		},
	}
}

// statText prints everything about one entry.
func statText(w io.Writer, p metadata.Path, e *metadata.Entry) error {
	t := newTable(w)
	row := func(k string, v any) { t.row(k+":", fmt.Sprint(v)) }
	j := toJSON(p, e)
	row("path", p)
	row("type", j.Type)
	if j.Size < 1024 {
		row("size", bytesText(j.Size))
	} else {
		row("size", fmt.Sprintf("%s (%d bytes)", bytesText(j.Size), j.Size))
	}
	if e.IsDir {
		row("holds", countText(j.Files, "file")+", "+countText(j.Dirs, "directory"))
		if j.Quota > 0 {
			row("quota", bytesText(j.Quota))
		}
	} else {
		row("blocks", j.Blocks)
		row("sha1", dash(j.SHA1))
	}
	row("modified", e.Modified.Local().Format(time.RFC3339))
	row("created", e.Created.Local().Format(time.RFC3339))
	row("owner", dash(e.Owner))
	row("replication", j.Copies)
	row("etag", strings.Trim(j.ETag, `"`))
	return t.flush()
}
