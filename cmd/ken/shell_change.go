package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kendfs/cmd/ken/internal/shell"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// changeCommands are those that change the tree. None of them replaces what
// exists unless it is told to.
func (d *shellDrive) changeCommands() []shell.Command {
	force := []string{"force"}
	return []shell.Command{
		{
			Name: "mkdir", Usage: "mkdir [-parents] dir1 [dir2 …]", Short: "make directories", Flags: []string{"parents"},
			Min: 1, Max: -1, Kind: shell.Each(shell.RemoteNew), Run: d.mkdir,
		},
		{
			Name: "mkfiles", Usage: "mkfiles file1 [file2 …]", Short: "make empty files",
			Min: 1, Max: -1, Kind: shell.Each(shell.RemoteNew), Run: d.mkfiles,
		},
		{
			Name: "delete", Usage: "delete [-force] file1 [file2 …]", Short: "delete files and directories", Flags: force,
			Long: "A directory that is not empty is deleted with all it holds only with -force.",
			Min:  1, Max: -1, Kind: shell.Each(shell.Remote), Run: d.delete,
		},
		{
			Name: "copy", Usage: "copy [-force] [-recursive] file dir", Short: "copy a file into a directory",
			Flags: []string{"force", "recursive"},
			Long:  "Data is shared, so a copy of any size takes no time and no space. Several files can\nbe given. -force replaces a file that exists, -recursive copies directories too.",
			Min:   2, Max: -1, Kind: shell.Last(shell.Remote, shell.RemoteNew), Run: d.copy,
		},
		{
			Name: "move", Usage: "move [-force] src dst", Short: "move or rename a file or directory", Flags: force,
			Long: "When dst is a directory, src is moved into it; otherwise dst is the new name. Several\nsources can be moved into a directory. -force replaces a file that exists.",
			Min:  2, Max: -1, Kind: shell.Last(shell.Remote, shell.RemoteNew), Run: d.move,
		},
		{
			Name: "init", Usage: "init [-force] [-yes]", Short: "show the available size of an empty drive; -force empties it",
			Flags: []string{"force", "yes"},
			Long:  "Works at the root only. -force deletes everything on the drive, after \"" + initAnswer + "\" was\ntyped; in a script that is the next line, and -yes needs no answer.",
			Run:   d.init,
		},
	}
}

func (d *shellDrive) mkdir(ctx context.Context, c *shell.Call) error {
	return each(ctx, c.Paths(), func(ctx context.Context, p metadata.Path) error {
		return mkdir(ctx, d.client(), p, c.Has("parents"))
	})
}

func (d *shellDrive) mkfiles(ctx context.Context, c *shell.Call) error {
	return each(ctx, c.Paths(), func(ctx context.Context, p metadata.Path) error {
		g := metadata.Guard{IfNoneMatch: &metadata.ETagSet{Any: true}}
		_, err := transfer.Store(ctx, driveOf(d.client()), p, g, strings.NewReader(""))
		switch {
		case err != nil && metadata.KindOf(err) == metadata.KindPrecondition:
			return metadata.Errorf(metadata.KindExists, "%s exists", p)
		case err != nil && metadata.KindOf(err) == metadata.KindParentMissing:
			dir, _ := p.Split()
			return metadata.Errorf(metadata.KindParentMissing, "%s: there is no directory %s: make it with `mkdir -parents %s`", p, dir, dir)
		}
		return err
	})
}

func (d *shellDrive) delete(ctx context.Context, c *shell.Call) error {
	err := each(ctx, c.Paths(), func(ctx context.Context, p metadata.Path) error { return d.deleteOne(ctx, p, c.Has("force")) })
	return errors.Join(err, d.comeUp(ctx, c))
}

func (d *shellDrive) deleteOne(ctx context.Context, p metadata.Path, force bool) error {
	if p == metadata.Root {
		return metadata.Errorf(metadata.KindInvalid, "the root cannot be deleted: `init -force` deletes everything in it")
	}
	if force {
		return d.client().Meta.Remove(ctx, p, metadata.Guard{})
	}
	err := d.client().Meta.RemoveEmpty(ctx, p, metadata.Guard{})
	if err == nil || metadata.KindOf(err) != metadata.KindConflict {
		return err
	}
	if e, lerr := d.tree().Lookup(ctx, p, metadata.LookupOptions{}); lerr == nil { // what it holds, counted as elsewhere
		err = metadata.Errorf(metadata.KindConflict, "%s is not empty: it holds %s", p, heldText(e.Usage))
	}
	return metadata.Errorf(metadata.KindConflict, "%w\nusage: delete [-force] file1 [file2 …]", err)
}

// comeUp goes to the nearest directory that is still there.
func (d *shellDrive) comeUp(ctx context.Context, c *shell.Call) error {
	for at := c.Shell.Place(); ; at, _ = at.Split() {
		e, err := d.tree().Lookup(ctx, at, metadata.LookupOptions{})
		if err == nil && e.IsDir || at == metadata.Root {
			if at != c.Shell.Place() {
				fmt.Fprintf(c.Err, "%s is gone, this is %s now\n", c.Shell.Place(), at)
				c.Shell.SetPlace(at)
			}
			return err
		}
		if err != nil && metadata.KindOf(err) != metadata.KindNotFound && metadata.KindOf(err) != metadata.KindNotDir {
			return err
		}
	}
}

// intoDir returns where sources go in the directory that the last argument
// names, which has to be there.
func (d *shellDrive) intoDir(ctx context.Context, dst metadata.Path, usage string) error {
	e, err := d.tree().Lookup(ctx, dst, metadata.LookupOptions{})
	switch {
	case err != nil && metadata.KindOf(err) == metadata.KindNotFound:
		return metadata.Errorf(metadata.KindNotFound, "there is no directory %s: make it with `mkdir %s`\nusage: %s", dst, dst, usage)
	case err == nil && !e.IsDir:
		return metadata.Errorf(metadata.KindNotDir, "%s is a file, not a directory\nusage: %s", dst, usage)
	}
	return err
}

func (d *shellDrive) copy(ctx context.Context, c *shell.Call) error {
	paths := c.Paths()
	dst := paths[len(paths)-1]
	if err := d.intoDir(ctx, dst, "copy [-force] [-recursive] file dir"); err != nil {
		return err
	}
	return each(ctx, paths[:len(paths)-1], func(ctx context.Context, src metadata.Path) error {
		e, err := d.tree().Lookup(ctx, src, metadata.LookupOptions{})
		if err != nil {
			return err
		}
		if e.IsDir && !c.Has("recursive") {
			return metadata.Errorf(metadata.KindIsDir, "%s is a directory: add -recursive to copy it with all it holds", src)
		}
		_, name := src.Split()
		_, err = d.client().Meta.Copy(ctx, src, dst.Join(name), metadata.Guard{},
			metadata.CopyOptions{Overwrite: c.Has("force") && !e.IsDir})
		return taken(err, dst.Join(name))
	})
}

// taken adds what can be done about a name that is taken.
func taken(err error, p metadata.Path) error {
	if err != nil && metadata.KindOf(err) == metadata.KindExists {
		return metadata.Errorf(metadata.KindExists, "%s exists: -force replaces a file, a directory has to be deleted first", p)
	}
	return err
}

func (d *shellDrive) move(ctx context.Context, c *shell.Call) error {
	paths := c.Paths()
	sources, dst := paths[:len(paths)-1], paths[len(paths)-1]
	if len(sources) > 1 {
		if err := d.intoDir(ctx, dst, "move [-force] src dst"); err != nil {
			return err
		}
	}
	err := each(ctx, sources, func(ctx context.Context, src metadata.Path) error {
		e, err := d.tree().Lookup(ctx, src, metadata.LookupOptions{})
		if err != nil {
			return err
		}
		_, name := src.Split()
		to, err := into(ctx, d.tree(), dst, name)
		if err != nil {
			return err
		}
		_, err = d.client().Meta.Rename(ctx, src, to, metadata.Guard{}, c.Has("force") && !e.IsDir)
		return taken(err, to)
	})
	return errors.Join(err, d.comeUp(ctx, c))
}

// initAnswer is what has to be typed before everything is deleted.
const initAnswer = "delete everything"

func (d *shellDrive) init(ctx context.Context, c *shell.Call) error {
	if c.Shell.Place() != metadata.Root {
		return metadata.Errorf(metadata.KindInvalid, "init is for the whole drive: go to its root with `cd /` first\nusage: init [-force] [-yes]")
	}
	e, err := d.tree().Lookup(ctx, metadata.Root, metadata.LookupOptions{})
	if err != nil {
		return err
	}
	if held := e.Usage.Files + e.Usage.Dirs; held > 0 {
		if !c.Has("force") {
			return metadata.Errorf(metadata.KindConflict, "the drive is not empty: it holds %s; -force deletes all of it\nusage: init [-force] [-yes]", heldText(e.Usage))
		}
		if err := d.confirm(c, e.Usage); err != nil {
			return err
		}
		if err := d.empty(ctx); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "Deleted %s.\n", heldText(e.Usage))
	}
	free, err := d.available(ctx, metadata.Root)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "The drive is empty and ready: %s available, %s of every file.\n",
		free, countText(int64(e.EffectiveReplication), "copy"))
	return err
}

// confirm asks whether everything shall be deleted.
func (d *shellDrive) confirm(c *shell.Call, u metadata.Usage) error {
	if d.yes || c.Has("yes") {
		return nil
	}
	fmt.Fprintf(c.Err, "This deletes everything on the drive: %s. It cannot be undone.\n", heldText(u))
	answer, err := c.Shell.Ask("Type " + initAnswer + " to go on: ")
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, shell.ErrInterrupted):
		err = nil
	case err != nil:
		return err
	}
	if answer != initAnswer {
		return metadata.Errorf(metadata.KindPrecondition, "nothing was deleted: the answer was not %q", initAnswer)
	}
	return err
}

// empty deletes everything in the root, whatever happens to single entries.
func (d *shellDrive) empty(ctx context.Context) error {
	var failed []error
	opt := metadata.ListOptions{}
	for {
		page, err := d.tree().List(ctx, metadata.Root, opt)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			opt.After = e.Name
			err := d.client().Meta.Remove(ctx, metadata.Root.Join(e.Name), metadata.Guard{})
			if err != nil && metadata.KindOf(err) != metadata.KindNotFound {
				failed = append(failed, err)
			}
		}
		if !page.More || len(failed) > 0 {
			return errors.Join(failed...)
		}
	}
}
