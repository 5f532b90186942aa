package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// each runs f for every path and reports all failures, not only the first.
func each(ctx context.Context, paths []metadata.Path, f func(context.Context, metadata.Path) error) error {
	var errs []error
	for _, p := range paths {
		if err := f(ctx, p); err != nil {
			if !strings.Contains(err.Error(), string(p)) {
				err = fmt.Errorf("%s: %w", p, err)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func fsMkdir(g *globals) *cobra.Command {
	var parents bool
	c := &cobra.Command{
		Use:     "mkdir PATH...",
		Short:   "Make directories",
		Example: "  ken fs mkdir -p /photos/2026/summer",
		Args:    between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := remotePaths(args)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return each(ctx, paths, func(ctx context.Context, p metadata.Path) error {
					return mkdir(ctx, cl, p, parents)
				})
			})
		},
	}
	c.Flags().BoolVarP(&parents, "parents", "p", false, "make missing parents; no error if it exists")
	return c
}

func mkdir(ctx context.Context, cl *cluster.Client, p metadata.Path, parents bool) error {
	if !parents {
		_, err := cl.Meta.Mkdir(ctx, p, metadata.Guard{})
		return err
	}
	at := metadata.Root
	for _, name := range p.Names() {
		at = at.Join(name)
		_, err := cl.Meta.Mkdir(ctx, at, metadata.Guard{})
		if err != nil && metadata.KindOf(err) != metadata.KindExists {
			return err
		}
	}
	e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
	if err == nil && !e.IsDir {
		err = metadata.Errorf(metadata.KindNotDir, "exists and is a file")
	}
	return err
}

func fsCp(g *globals) *cobra.Command {
	var recursive, noClobber bool
	c := &cobra.Command{
		Use:   "cp SRC... DST",
		Short: "Copy on the drive; data is shared, so a copy of any size takes milliseconds",
		Example: `  ken fs cp /report.pdf /archive/
  ken fs cp /a.jpg /b.jpg /album
  ken fs cp -r /photos /photos-backup`,
		Args: between(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			return ontoPaths(c, g, args, func(ctx context.Context, cl *cluster.Client, e metadata.Entry, src, dst metadata.Path) error {
				if e.IsDir && !recursive {
					return metadata.Errorf(metadata.KindIsDir, "%s is a directory: add -r to copy it with all it holds", src)
				}
				_, err := cl.Meta.Copy(ctx, src, dst, metadata.Guard{},
					metadata.CopyOptions{Overwrite: !noClobber && !e.IsDir})
				return err
			})
		},
	}
	c.Flags().BoolVarP(&recursive, "recursive", "r", false, "copy directories")
	c.Flags().BoolVarP(&noClobber, "no-clobber", "n", false, "do not replace an existing file")
	return c
}

func fsMv(g *globals) *cobra.Command {
	var noClobber bool
	c := &cobra.Command{
		Use:   "mv SRC... DST",
		Short: "Move or rename, in one step whatever the size",
		Example: `  ken fs mv /inbox/scan.pdf /2026/invoice.pdf
  ken fs mv /inbox/a /inbox/b /archive`,
		Args: between(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			return ontoPaths(c, g, args, func(ctx context.Context, cl *cluster.Client, e metadata.Entry, src, dst metadata.Path) error {
				_, err := cl.Meta.Rename(ctx, src, dst, metadata.Guard{}, !noClobber && !e.IsDir)
				return err
			})
		},
	}
	c.Flags().BoolVarP(&noClobber, "no-clobber", "n", false, "do not replace an existing file")
	return c
}

// ontoPaths calls f for every source with where it goes: the last argument
// itself or, when that is a directory, the source's name in it.
func ontoPaths(c *cobra.Command, g *globals, args []string,
	f func(ctx context.Context, cl *cluster.Client, e metadata.Entry, src, dst metadata.Path) error) error {
	paths, err := remotePaths(args)
	if err != nil {
		return err
	}
	sources := paths[:len(paths)-1]
	return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
		names := make([]string, len(sources))
		for i, p := range sources {
			_, names[i] = p.Split()
		}
		to, err := destinations(ctx, cl.Meta, paths[len(sources)], names)
		if err != nil {
			return err
		}
		next := 0
		return each(ctx, sources, func(ctx context.Context, src metadata.Path) error {
			dst := to[next]
			next++
			e, err := cl.Meta.Lookup(ctx, src, metadata.LookupOptions{})
			if err != nil {
				return err
			}
			return f(ctx, cl, e, src, dst)
		})
	})
}

func fsRm(g *globals) *cobra.Command {
	var recursive, force bool
	c := &cobra.Command{
		Use:     "rm PATH...",
		Short:   "Delete files and, with -r, directories",
		Example: "  ken fs rm -r /old",
		Args:    between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := remotePaths(args)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return each(ctx, paths, func(ctx context.Context, p metadata.Path) error {
					e, err := cl.Meta.Lookup(ctx, p, metadata.LookupOptions{})
					if err == nil && e.IsDir && !recursive {
						return metadata.Errorf(metadata.KindIsDir, "is a directory: add -r to delete it with all it holds")
					}
					switch {
					case err != nil:
					case recursive:
						err = cl.Meta.Remove(ctx, p, metadata.Guard{})
					default: // a tree may have taken the file's place meanwhile
						err = cl.Meta.RemoveEmpty(ctx, p, metadata.Guard{})
					}
					if force && err != nil && metadata.KindOf(err) == metadata.KindNotFound {
						return nil
					}
					return err
				})
			})
		},
	}
	c.Flags().BoolVarP(&recursive, "recursive", "r", false, "delete directories with all they hold")
	c.Flags().BoolVarP(&force, "force", "f", false, "no error when there is nothing")
	return c
}

func fsTouch(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "touch PATH...",
		Short: "Make empty files, or set the time of existing ones to now",
		Args:  between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := remotePaths(args)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return each(ctx, paths, func(ctx context.Context, p metadata.Path) error {
					g := metadata.Guard{IfNoneMatch: &metadata.ETagSet{Any: true}}
					_, err := transfer.Store(ctx, driveOf(cl), p, g, strings.NewReader(""))
					if err != nil && metadata.KindOf(err) == metadata.KindPrecondition {
						now := time.Now()
						_, err = cl.Meta.SetAttr(ctx, p, metadata.Guard{}, metadata.AttrChange{Modified: &now})
					}
					return err
				})
			})
		},
	}
}
