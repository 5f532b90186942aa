package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print no progress and no summary")
}

// check refuses numbers out of range.
func (f *transferFlags) check() error {
	if f.opt.Parallel < 1 || f.opt.Parallel > transfer.ParallelMax {
		return usagef("--parallel %d: want 1 to %d", f.opt.Parallel, transfer.ParallelMax)
	}
	return nil
}

// sumJSON is what a transfer prints for scripts.
type sumJSON struct {
	Files   int64 `json:"files"`
	Dirs    int64 `json:"dirs"`
	Skipped int64 `json:"skipped"`
	Bytes   int64 `json:"bytes"`
	Blocks  int64 `json:"blocks"`
}

// run shows progress on a terminal and prints what was done.
func (f *transferFlags) run(c *cobra.Command, g *globals, many bool,
	do func(transfer.Options) (transfer.Summary, error)) error {
	bars := newBars(c.ErrOrStderr(), f.quiet || g.output == "json", many || f.opt.Recursive)
	f.opt.Progress = bars
	sum, err := do(f.opt)
	bars.wait()
	if g.output == "json" || !f.quiet && (err == nil || sum != transfer.Summary{}) {
		if perr := report(c, g, sumJSON(sum), "%s", sumText(sum)); perr != nil {
			return perr
		}
	}
	return err
}

// sumText says what a transfer did: "3 files, 1.2 MiB, 2 existed and were left".
func sumText(s transfer.Summary) string {
	text := countText(s.Files, "file") + ", " + bytesText(s.Bytes)
	if s.Skipped > 0 {
		text += fmt.Sprintf(", %d existed and were left", s.Skipped)
	}
	return text
}

func fsPut(g *globals) *cobra.Command {
	f := &transferFlags{}
	c := &cobra.Command{
		Use:   "put LOCAL... PATH",
		Short: "Copy files from this machine to the drive",
		Long: `Copy files from this machine to the drive. PATH is the new name or, when it is a
directory, what the files are put in. A file appears whole or not at all; one
that exists is replaced unless -n is given. Symbolic links within folders are
left out and reported.`,
		Example: `  ken fs put report.pdf /
  ken fs put *.jpg /photos
  ken fs put -r -p 8 ~/photos /photos
  ken fs put -- -odd-name /         # after --, nothing is a flag`,
		Args:              between(2, -1),
		ValidArgsFunction: completeLocalThenRemote(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			local := args[:len(args)-1]
			p, err := remotePath(args[len(local)])
			if err != nil {
				return err
			}
			names := make([]string, len(local))
			for i, l := range local {
				if names[i], err = localName(l); err != nil {
					return err
				}
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				to, err := destinations(ctx, cl.Meta, p, names)
				if err != nil {
					return err
				}
				pairs := make([]transfer.Pair, len(local))
				for i := range local {
					pairs[i] = transfer.Pair{Local: local[i], Remote: to[i]}
				}
				return f.run(c, g, len(pairs) > 1, func(o transfer.Options) (transfer.Summary, error) {
					return transfer.PutAll(ctx, driveOf(cl), pairs, o)
				})
			})
		},
	}
	f.register(c)
	return c
}

// localName is the last name of a local path, also of "." and "..".
func localName(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.Base(abs), nil
}

func fsGet(g *globals) *cobra.Command {
	f := &transferFlags{}
	c := &cobra.Command{
		Use:   "get PATH... [LOCAL]",
		Short: "Copy files from the drive to this machine",
		Long: `Copy files from the drive to this machine. With several arguments the last is the
new local name or, when it is a folder, what the files are put in; with one, they
are put in the current folder.`,
		Example: `  ken fs get /report.pdf
  ken fs get /a.jpg /b.jpg ~/photos
  ken fs get -r /photos ~/photos`,
		Args: between(1, -1), ValidArgsFunction: completeRemoteThenLocal(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			to := "."
			if len(args) > 1 {
				to, args = args[len(args)-1], args[:len(args)-1]
			}
			pairs, err := getPairs(args, to)
			if err != nil {
				return err
			}
			return withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
				return f.run(c, g, len(pairs) > 1, func(o transfer.Options) (transfer.Summary, error) {
					return transfer.GetAll(ctx, driveOf(cl), pairs, o)
				})
			})
		},
	}
	f.register(c)
	return c
}

// getPairs says where each path of the drive goes: to the local name itself or,
// when that is a folder, to its own name in it.
func getPairs(args []string, to string) ([]transfer.Pair, error) {
	paths, err := remotePaths(args)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(to)
	folder := err == nil && st.IsDir()
	if !folder && len(paths) > 1 {
		return nil, usagef("%s is no folder: several files need one to be put in", to)
	}
	pairs := make([]transfer.Pair, len(paths))
	for i, p := range paths {
		pairs[i] = transfer.Pair{Local: to, Remote: p}
		if _, name := p.Split(); folder && name != "" {
			pairs[i].Local = filepath.Join(to, name)
		}
	}
	return pairs, nil
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

// completeLocalThenRemote completes a local name first, then paths on the drive;
// more local names can follow, but not absolute ones.
func completeLocalThenRemote(g *globals) cobra.CompletionFunc {
	remote := completeRemote(g)
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 || typed != "" && !strings.HasPrefix(typed, "/") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return remote(c, args, typed)
	}
}

// completeRemoteThenLocal completes a path on the drive first, local names after it.
func completeRemoteThenLocal(g *globals) cobra.CompletionFunc {
	remote := completeRemote(g)
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return remote(c, args, typed)
	}
}
