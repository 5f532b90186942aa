package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

func fsCommand(g *globals) *cobra.Command {
	c := group("fs", "Work with files on the drive", fsLs(g), fsTree(g), fsStat(g), fsCat(g), fsMkdir(g), fsPut(g),
		fsGet(g), fsCp(g), fsMv(g), fsRm(g), fsTouch(g), fsDu(g), fsDf(g), fsQuota(g), fsReplication(g))
	c.Long = `Work with files on the drive. Names are asked from the nameserver; data moves
directly between this machine and the storage servers over QUIC.

Paths on the drive start with a slash.`
	for _, sub := range c.Commands() {
		if sub.ValidArgsFunction == nil {
			sub.ValidArgsFunction = completeRemote(g)
		}
	}
	return c
}

// completeMax bounds how long the shell waits for names.
const completeMax = 2 * time.Second

// completeRemote completes paths on the drive.
func completeRemote(g *globals) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		none := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		dir, ok := splitTyped(typed)
		if !ok {
			if typed != "" {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"/"}, none
		}
		var names []string
		err := withContact(c.Context(), g, io.Discard, completeMax, func(ctx context.Context, cl *cluster.Client) error {
			page, err := cl.Meta.List(ctx, dir, metadata.ListOptions{})
			for _, e := range page.Entries {
				name := string(dir.Join(e.Name))
				if e.IsDir {
					name += "/"
				}
				if strings.HasPrefix(name, typed) {
					names = append(names, name)
				}
			}
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		if len(names) == 1 && !strings.HasSuffix(names[0], "/") {
			return names, cobra.ShellCompDirectiveNoFileComp // a file: the argument is complete
		}
		return names, none
	}
}

// completeIDs completes the first argument with what list returns: names, each
// with a tab and a description.
func completeIDs(g *globals, list func(context.Context, *cluster.Client) ([]string, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		var out []string
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		err := withContact(c.Context(), g, io.Discard, completeMax, func(ctx context.Context, cl *cluster.Client) error {
			all, err := list(ctx, cl)
			for _, id := range all {
				if strings.HasPrefix(id, typed) {
					out = append(out, id)
				}
			}
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return out, cobra.ShellCompDirectiveNoFileComp
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

// destinations returns where each of several sources goes: to dst itself when
// there is one and dst is no directory, else to their names in dst.
func destinations(ctx context.Context, t metadata.Tree, dst metadata.Path, names []string) ([]metadata.Path, error) {
	if len(names) > 1 {
		e, err := t.Lookup(ctx, dst, metadata.LookupOptions{})
		switch {
		case err != nil && metadata.KindOf(err) != metadata.KindNotFound:
			return nil, err
		case err != nil:
			return nil, metadata.Errorf(metadata.KindNotFound,
				"there is no directory %s for several sources: make it with `ken fs mkdir -p %s`", dst, dst)
		case !e.IsDir:
			return nil, metadata.Errorf(metadata.KindNotDir, "%s is a file: several sources need a directory", dst)
		}
	}
	out := make([]metadata.Path, len(names))
	for i, name := range names {
		p, err := into(ctx, t, dst, name)
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
