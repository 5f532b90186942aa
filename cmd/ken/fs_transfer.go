package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/transfer"
)

// transferFlags are shared by put and get.
type transferFlags struct {
	opt   transfer.Options
	quiet bool
}

func (f *transferFlags) register(c *cobra.Command) {
	c.Flags().BoolVarP(&f.opt.Recursive, "recursive", "r", false, "copy folders with all they hold")
	c.Flags().IntVarP(&f.opt.Parallel, "parallel", "p", 4, "files at the same time, 1 to 64")
	c.Flags().BoolVarP(&f.opt.NoClobber, "no-clobber", "n", false, "leave files that exist")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no progress bars")
}

// run shows progress on a terminal and prints what was done.
func (f *transferFlags) run(c *cobra.Command, g *globals,
	do func(transfer.Options) (transfer.Summary, error)) error {
	bars := newBars(c.ErrOrStderr(), f.quiet || g.output == "json")
	f.opt.Progress = bars
	sum, err := do(f.opt)
	bars.wait()
	if g.output == "json" {
		if perr := printJSON(c, map[string]int64{
			"files": sum.Files, "dirs": sum.Dirs, "skipped": sum.Skipped, "bytes": sum.Bytes,
		}); perr != nil {
			return perr
		}
		return err
	}
	if !f.quiet {
		skipped := ""
		if sum.Skipped > 0 {
			skipped = fmt.Sprintf(", %d existed and were left", sum.Skipped)
		}
		fmt.Fprintf(c.OutOrStdout(), "%d files, %s%s\n", sum.Files, bytesText(sum.Bytes), skipped)
	}
	return err
}

func fsPut(g *globals) *cobra.Command {
	f := &transferFlags{}
	c := &cobra.Command{
		Use:   "put LOCAL PATH",
		Short: "Copy files from this machine to the drive",
		Example: `  ken fs put report.pdf /
  ken fs put -r -p 8 ~/photos /photos`,
		Args:              exact(2),
		ValidArgsFunction: completeLocalThenRemote(g),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(args[1])
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				dst, err := into(ctx, cl.Meta, p, filepath.Base(filepath.Clean(args[0])))
				if err != nil {
					return err
				}
				return f.run(c, g, func(o transfer.Options) (transfer.Summary, error) {
					return transfer.Put(ctx, driveOf(cl), args[0], dst, o)
				})
			})
		},
	}
	f.register(c)
	return c
}

func fsGet(g *globals) *cobra.Command {
	f := &transferFlags{}
	c := &cobra.Command{
		Use:   "get PATH [LOCAL]",
		Short: "Copy files from the drive to this machine",
		Example: `  ken fs get /report.pdf
  ken fs get -r /photos ~/photos`,
		Args: between(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := remotePath(args[0])
			if err != nil {
				return err
			}
			to := append(args, ".")[1]
			if st, err := filepath.Glob(filepath.Join(to, ".")); err == nil && len(st) > 0 && path.Base(string(p)) != "/" {
				to = filepath.Join(to, path.Base(string(p)))
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return f.run(c, g, func(o transfer.Options) (transfer.Summary, error) {
					return transfer.Get(ctx, driveOf(cl), p, to, o)
				})
			})
		},
	}
	f.register(c)
	return c
}

func fsCat(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "cat PATH...",
		Short: "Print files",
		Args:  between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := remotePaths(args)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				for _, p := range paths {
					if err := transfer.Cat(ctx, driveOf(cl), p, c.OutOrStdout()); err != nil {
						return fmt.Errorf("%s: %w", p, err)
					}
				}
				return nil
			})
		},
	}
}

// completeLocalThenRemote completes a local name first, a path on the drive second.
func completeLocalThenRemote(g *globals) cobra.CompletionFunc {
	remote := completeRemote(g)
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return remote(c, args, typed)
	}
}
