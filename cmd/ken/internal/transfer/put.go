package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Put copies the local file or folder onto the drive as dst. A folder needs
// Options.Recursive; directories that are missing above dst are an error.
func Put(ctx context.Context, d Drive, local string, dst metadata.Path, opt Options) (Summary, error) {
	return PutAll(ctx, d, []Pair{{local, dst}}, opt)
}

// PutAll is Put for several files and folders at once.
func PutAll(ctx context.Context, d Drive, all []Pair, opt Options) (Summary, error) {
	opt = opt.withDefaults()
	p := newPool(ctx, opt.Parallel)
	for _, a := range all {
		st, err := os.Stat(a.Local)
		switch {
		case err != nil:
			err = localErr(err)
		case st.IsDir() && !opt.Recursive:
			err = metadata.Errorf(metadata.KindIsDir, "%s is a folder: add -r to copy it with all it holds", a.Local)
		case st.IsDir():
			err = putTree(ctx, d, p, a.Local, a.Remote, opt)
		default:
			err = p.add(ctx, func(ctx context.Context) error { return d.putFile(ctx, p, a.Local, a.Remote, st, opt) })
		}
		p.fail(err)
	}
	return p.wait()
}

// localErr gives errors of this machine's files their kind.
func localErr(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return metadata.Errorf(metadata.KindNotFound, "%w", err)
	case errors.Is(err, fs.ErrPermission):
		return metadata.Errorf(metadata.KindDenied, "%w", err)
	}
	return err
}

func putTree(ctx context.Context, d Drive, p *pool, local string, dst metadata.Path, opt Options) error {
	return filepath.WalkDir(local, func(path string, de fs.DirEntry, err error) error {
		if err != nil {
			p.fail(localErr(err))
			return nil
		}
		rel, err := filepath.Rel(local, path)
		if err != nil {
			return err
		}
		to := dst
		if rel != "." {
			if to, err = metadata.ParsePath(string(dst) + "/" + filepath.ToSlash(rel)); err == nil {
				err = checkTwin(path)
			}
			if err != nil {
				p.fail(leftOut(path, err))
				if de.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
		}
		switch {
		case de.IsDir():
			return d.putDir(ctx, p, to)
		case !de.Type().IsRegular():
			p.fail(leftOut(path, metadata.Errorf(metadata.KindUnsupported, "no regular file")))
			return nil
		}
		st, err := de.Info()
		if err != nil {
			p.fail(localErr(err))
			return nil
		}
		return p.add(ctx, func(ctx context.Context) error { return d.putFile(ctx, p, path, to, st, opt) })
	})
}

// leftOut is the error for something in a tree that the drive cannot have.
func leftOut(path string, err error) error {
	return metadata.Errorf(metadata.KindUnsupported, "%s was left out: %w", shown(path), err)
}

// shown is a local name for messages: quoted when it would upset a terminal.
func shown(path string) string {
	if q := strconv.QuoteToGraphic(path); q != `"`+path+`"` {
		return q
	}
	return path
}

// checkTwin refuses a local name that is another spelling (as Unicode NFD) of a
// name beside it. To the drive both are one name, so the later file would
// replace the earlier.
func checkTwin(local string) error {
	name := filepath.Base(local)
	key := metadata.NameKey(name)
	if key == name {
		return nil // the usual spelling: this one is kept
	}
	twin, err := os.Lstat(filepath.Join(filepath.Dir(local), key))
	if err != nil {
		return nil // none: this is the only spelling
	}
	own, err := os.Lstat(local)
	if err != nil || os.SameFile(own, twin) {
		return localErr(err) // a file system that takes both spellings for one
	}
	return metadata.Errorf(metadata.KindConflict, "another file beside it has the same name, spelled in other code points")
}

// putDir makes a directory unless it is there.
func (d Drive) putDir(ctx context.Context, p *pool, to metadata.Path) error {
	if to == metadata.Root {
		return nil
	}
	_, err := d.Change.Mkdir(ctx, to, metadata.Guard{})
	if isKind(err, metadata.KindExists) {
		e, err := d.Tree.Lookup(ctx, to, metadata.LookupOptions{})
		if err == nil && !e.IsDir {
			err = metadata.Errorf(metadata.KindNotDir, "%s exists on the drive and is a file", to)
		}
		return err
	}
	if err == nil {
		p.count(func(s *Summary) { s.Dirs++ })
	}
	return err
}

func (d Drive) putFile(ctx context.Context, p *pool, local string, to metadata.Path, st fs.FileInfo,
	opt Options) (err error) {
	t := opt.Progress.Begin(File{local, st.Size(), blockio.BlockBytesDefault})
	defer func() { t.End(err) }()
	f, err := os.Open(local)
	if err != nil {
		return localErr(err)
	}
	defer func() { _ = f.Close() }() // read only
	g := metadata.Guard{}
	if opt.NoClobber {
		g.IfNoneMatch = &metadata.ETagSet{Any: true}
	}
	n, blocks, err := d.store(ctx, to, g, io.TeeReader(f, taskWriter{t}), metadata.Commit{Modified: st.ModTime()})
	if opt.NoClobber && isKind(err, metadata.KindPrecondition) {
		p.count(func(s *Summary) { s.Skipped++ })
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", shown(local), err)
	}
	p.count(func(s *Summary) { s.Files, s.Bytes, s.Blocks = s.Files+1, s.Bytes+n, s.Blocks+int64(blocks) })
	return nil
}

// Store writes r as the file p, as Put does with a local file.
func Store(ctx context.Context, d Drive, p metadata.Path, g metadata.Guard, r io.Reader) (int64, error) {
	n, _, err := d.store(ctx, p, g, r, metadata.Commit{})
	return n, err
}

// store writes the data of r as blocks and commits them under the name.
func (d Drive) store(ctx context.Context, p metadata.Path, g metadata.Guard, r io.Reader,
	attrs metadata.Commit) (n int64, blocks int, err error) {
	dir, _ := p.Split()
	parent, err := d.Tree.Lookup(ctx, dir, metadata.LookupOptions{})
	if err != nil {
		if isKind(err, metadata.KindNotFound) {
			return 0, 0, metadata.Errorf(metadata.KindParentMissing, "%s does not exist on the drive: make it with `ken fs mkdir -p %s`", dir, dir)
		}
		return 0, 0, err
	}
	w := d.Blocks.Create(ctx, blockio.CreateOptions{Replicas: parent.EffectiveReplication})
	defer w.Abort()
	if n, err = w.ReadFrom(r); err != nil {
		return n, 0, err
	}
	err = w.Commit(ctx, func(ctx context.Context, c metadata.Commit) error {
		c.Modified = attrs.Modified
		done, err := d.Change.Commit(ctx, p, g, c)
		blocks = done.Entry.BlockCount
		return err
	})
	return n, blocks, err
}

// taskWriter counts bytes for a Task.
type taskWriter struct{ t Task }

func (w taskWriter) Write(b []byte) (int, error) {
	w.t.Add(int64(len(b)))
	return len(b), nil
}
