package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// connectMax bounds how long a command waits for a nameserver.
const connectMax = 15 * time.Second

// withDrive connects to the cluster of the chosen folder, runs f and ends the
// connection, so that leases are given back at once.
func withDrive(c *cobra.Command, g *globals, f func(ctx context.Context, cl *cluster.Client) error) error {
	ctx := c.Context()
	cl, err := cluster.Connect(ctx, g.dir, connectMax)
	if err != nil {
		return err
	}
	err = f(ctx, cl)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	cl.Close(end)
	return err
}

func driveOf(cl *cluster.Client) transfer.Drive {
	return transfer.Drive{Tree: cl.Meta, Change: cl.Meta, Blocks: cl.Blocks}
}

func fsCommand(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "fs",
		Short: "Work with files on the drive",
		Long: `Work with files on the drive. Names are asked from the nameserver; data moves
directly between this machine and the storage servers over QUIC.

Paths on the drive start with a slash.`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(fsLs(g), fsTree(g), fsStat(g), fsCat(g), fsMkdir(g), fsPut(g), fsGet(g), fsCp(g), fsMv(g),
		fsRm(g), fsTouch(g), fsDu(g), fsDf(g))
	for _, sub := range c.Commands() {
		if sub.ValidArgsFunction == nil {
			sub.ValidArgsFunction = completeRemote(g)
		}
	}
	return c
}

// completeRemote completes paths on the drive.
func completeRemote(g *globals) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		none := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		dir, ok := splitTyped(typed)
		if !ok {
			return []string{"/"}, none
		}
		var names []string
		err := withDrive(c, g, func(ctx context.Context, cl *cluster.Client) error {
			page, err := cl.Meta.List(ctx, dir, metadata.ListOptions{})
			for _, e := range page.Entries {
				name := string(dir.Join(e.Name))
				if e.IsDir {
					name += "/"
				}
				if len(name) >= len(typed) && name[:len(typed)] == typed {
					names = append(names, name)
				}
			}
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, none
	}
}

// splitTyped returns the directory whose entries may complete what was typed.
func splitTyped(typed string) (metadata.Path, bool) {
	for i := len(typed) - 1; i >= 0; i-- {
		if typed[i] == '/' {
			p, err := metadata.ParsePath(typed[:i+1])
			return p, err == nil
		}
	}
	return "", false
}

// remotePath parses a path on the drive, or complains about the argument.
func remotePath(arg string) (metadata.Path, error) {
	p, err := metadata.ParsePath(arg)
	if err != nil {
		return "", usagef("%v: paths on the drive start with a slash, as /photos/2026", err)
	}
	return p, nil
}

func remotePaths(args []string) ([]metadata.Path, error) {
	out := make([]metadata.Path, len(args))
	for i, a := range args {
		p, err := remotePath(a)
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// into returns dst itself, or the path of src's name in it when dst is an
// existing directory, as cp and mv do.
func into(ctx context.Context, t metadata.Tree, dst metadata.Path, name string) (metadata.Path, error) {
	e, err := t.Lookup(ctx, dst, metadata.LookupOptions{})
	switch {
	case err == nil && e.IsDir && name != "":
		return metadata.ParsePath(string(dst) + "/" + name)
	case err != nil && metadata.KindOf(err) != metadata.KindNotFound:
		return "", err
	}
	return dst, nil
}
