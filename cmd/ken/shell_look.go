package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

// lookCommands are those that change nothing on the drive.
func (d *shellDrive) lookCommands() []shell.Command {
	return []shell.Command{
		{
			Name: "ls", Usage: "ls [-long] [dir]", Short: "list a directory", Flags: []string{"long"}, Reads: true,
			Long: "On a terminal with sizes and times; in a script only names, unless -long is given.\nA directory's size is that of all files below it.",
			Max:  -1, Kind: shell.Each(shell.Remote), Run: d.ls,
		},
		{
			Name: "cd", Usage: "cd dir|..|/", Short: "go to a directory", Reads: true,
			Min: 1, Max: 1, Kind: shell.Each(shell.Remote), Run: d.cd,
		},
		{
			Name: "info", Usage: "info [path]", Short: "show everything about a file or directory", Reads: true,
			Long: "Of a file: its size, its blocks and where the replicas of each are. Of a directory:\nhow many files and directories are in it and how much they hold.",
			Max:  -1, Kind: shell.Each(shell.Remote), Run: d.info,
		},
		{
			Name: "refresh", Usage: "refresh", Short: "ask the nameserver again, and draw the tree", Reads: true,
			Long: "Nothing is kept here that could be out of date, so this shows that the nameserver\nanswers and what it has.",
			Run:  d.refresh,
		},
		{
			Name: "show", Usage: "show [command …]", Short: "run a command, then draw the tree", Max: -1, Whole: true,
			Run: func(ctx context.Context, c *shell.Call) error {
				if err := c.Shell.Rest(ctx, c); err != nil {
					return err
				}
				return d.attend(ctx, true, func(ctx context.Context) error { return d.draw(ctx, c.Out, c.Shell.Place()) })
			},
		},
	}
}

// printTo is a cobra command that prints there, for what is shared with `ken fs`.
func printTo(w io.Writer) *cobra.Command {
	c := &cobra.Command{}
	c.SetOut(w)
	return c
}

// ls shows files first, then the members of each directory.
func (d *shellDrive) ls(ctx context.Context, c *shell.Call) error {
	paths := c.Paths()
	if len(paths) == 0 {
		paths = []metadata.Path{c.Shell.Place()}
	}
	long := c.Has("long") || d.interactive
	g := &globals{output: "text"}
	files := newEntryList(printTo(c.Out), g, long, false)
	var dirs []metadata.Path
	for _, p := range paths {
		e, err := d.tree().Lookup(ctx, p, metadata.LookupOptions{})
		switch {
		case err != nil:
			return err
		case e.IsDir:
			dirs = append(dirs, p)
		default:
			e.Name = c.Shell.Short(p)
			files.add(p, e)
		}
	}
	if err := files.flush(); err != nil {
		return err
	}
	for i, p := range dirs {
		if len(paths) > 1 {
			if i > 0 || len(paths) > len(dirs) {
				fmt.Fprintln(c.Out)
			}
			fmt.Fprintf(c.Out, "%s:\n", c.Shell.Short(p))
		}
		if err := listEntries(ctx, printTo(c.Out), g, d.client(), p, long, false); err != nil {
			return err
		}
	}
	return nil
}

func (d *shellDrive) cd(ctx context.Context, c *shell.Call) error {
	if len(c.Args) != 1 {
		return metadata.Errorf(metadata.KindInvalid, "cd: the pattern stands for %d names, go to one\nusage: cd dir|..|/", len(c.Args))
	}
	e, err := d.tree().Lookup(ctx, c.Path(0), metadata.LookupOptions{})
	if err != nil {
		return err
	}
	if !e.IsDir {
		return metadata.Errorf(metadata.KindNotDir, "%s is a file\nusage: cd dir|..|/", c.Path(0))
	}
	c.Shell.SetPlace(c.Path(0))
	return nil
}

// infoBlocksMax bounds the blocks that info shows.
const infoBlocksMax = 100

func (d *shellDrive) info(ctx context.Context, c *shell.Call) error {
	paths := c.Paths()
	if len(paths) == 0 {
		paths = []metadata.Path{c.Shell.Place()}
	}
	for i, p := range paths {
		if i > 0 {
			fmt.Fprintln(c.Out)
		}
		e, err := d.tree().Lookup(ctx, p, metadata.LookupOptions{})
		if err == nil {
			err = statText(c.Out, p, &e)
		}
		if err == nil && e.BlockCount > 0 {
			err = d.infoBlocks(ctx, c.Out, p, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *shellDrive) infoBlocks(ctx context.Context, w io.Writer, p metadata.Path, e metadata.Entry) error {
	all := e.BlockCount
	e.BlockCount = min(all, infoBlocksMax)
	bs, err := locate(ctx, d.client(), &e)
	if err != nil {
		return err
	}
	bs = bs[:min(len(bs), infoBlocksMax)]
	if err := blockTable(printTo(w), bs); err != nil || all <= len(bs) {
		return err
	}
	_, err = fmt.Fprintf(w, "and %s more: `ken fs stat --blocks %s` shows all\n", countText(int64(all-len(bs)), "block"), p)
	return err
}

func (d *shellDrive) refresh(ctx context.Context, c *shell.Call) error {
	text, err := d.spaceText(ctx, c.Shell.Place())
	if err != nil {
		return err
	}
	if err := d.draw(ctx, c.Out, c.Shell.Place()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Out, text)
	return err
}

// spaceText says what is in a directory and what can still be put there.
func (d *shellDrive) spaceText(ctx context.Context, p metadata.Path) (string, error) {
	e, err := d.tree().Lookup(ctx, p, metadata.LookupOptions{})
	if err != nil {
		return "", err
	}
	free, err := d.available(ctx, p)
	return fmt.Sprintf("%s: %s, %s available.", p, heldText(e.Usage), free), err
}

// available says how much more fits into a directory, all copies counted.
func (d *shellDrive) available(ctx context.Context, p metadata.Path) (string, error) {
	q, err := d.tree().Quota(ctx, p)
	if err != nil || q.AvailableBytes < 0 {
		return "an unknown size", err
	}
	return bytesText(q.AvailableBytes), nil
}

// heldText says what a directory holds: "3 files and 2 directories, 1.2 MiB".
func heldText(u metadata.Usage) string {
	switch {
	case u.Files+u.Dirs == 0:
		return "nothing"
	case u.Dirs == 0:
		return countText(u.Files, "file") + ", " + bytesText(u.Bytes)
	case u.Files == 0:
		return countText(u.Dirs, "directory") + " without files"
	}
	return countText(u.Files, "file") + " and " + countText(u.Dirs, "directory") + ", " + bytesText(u.Bytes)
}

// drawLinesMax bounds a drawn tree.
const drawLinesMax = 1000

var errDrawn = errors.New("enough is drawn")

// lines lets so many lines through.
type lines struct {
	w    io.Writer
	left int
}

func (l *lines) Write(b []byte) (int, error) {
	if l.left--; l.left < 0 {
		return 0, errDrawn
	}
	return l.w.Write(b)
}

// draw draws the tree below a directory, as far as anybody would read it.
func (d *shellDrive) draw(ctx context.Context, w io.Writer, p metadata.Path) error {
	e, err := d.tree().Lookup(ctx, p, metadata.LookupOptions{})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, p)
	err = drawTree(ctx, &lines{w, drawLinesMax}, d.tree(), p, "", 0)
	if errors.Is(err, errDrawn) {
		fmt.Fprintf(w, "… (%d lines are shown; go into a directory to see more)\n", drawLinesMax)
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s\n", heldText(e.Usage))
	return err
}
