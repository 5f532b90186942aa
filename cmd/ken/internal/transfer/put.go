package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Put copies the local file or folder onto the drive as dst. A folder needs
// Options.Recursive; directories that are missing above dst are an error.
func Put(ctx context.Context, d Drive, local string, dst metadata.Path, opt Options) (Summary, error) {
	opt = opt.withDefaults()
	st, err := os.Stat(local)
	if err != nil {
		return Summary{}, localErr(err)
	}
	if st.IsDir() && !opt.Recursive {
		return Summary{}, metadata.Errorf(metadata.KindIsDir, "%s is a folder: add -r to copy it with all it holds", local)
	}
	p := newPool(ctx, opt.Parallel)
	if st.IsDir() {
		p.fail(putTree(ctx, d, p, local, dst, opt))
	} else {
		p.fail(d.putFile(ctx, p, local, dst, st, opt))
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
			if to, err = metadata.ParsePath(string(dst) + "/" + filepath.ToSlash(rel)); err != nil {
				p.fail(err)
				return nil
			}
		}
		switch {
		case de.IsDir():
			return d.putDir(ctx, p, to)
		case !de.Type().IsRegular():
			p.fail(metadata.Errorf(metadata.KindUnsupported, "%s is no regular file and was left out", path))
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
	t := opt.Progress.Begin(local, st.Size())
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
	n, err := d.store(ctx, to, g, io.TeeReader(f, taskWriter{t}), metadata.Commit{Modified: st.ModTime()})
	if opt.NoClobber && isKind(err, metadata.KindPrecondition) {
		p.count(func(s *Summary) { s.Skipped++ })
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", local, err)
	}
	p.count(func(s *Summary) { s.Files, s.Bytes = s.Files+1, s.Bytes+n })
	return nil
}

// Store writes r as the file p, as Put does with a local file.
func Store(ctx context.Context, d Drive, p metadata.Path, g metadata.Guard, r io.Reader) (int64, error) {
	return d.store(ctx, p, g, r, metadata.Commit{})
}

// store writes the data of r as blocks and commits them under the name.
func (d Drive) store(ctx context.Context, p metadata.Path, g metadata.Guard, r io.Reader,
	attrs metadata.Commit) (int64, error) {
	dir, _ := p.Split()
	parent, err := d.Tree.Lookup(ctx, dir, metadata.LookupOptions{})
	if err != nil {
		if isKind(err, metadata.KindNotFound) {
			return 0, metadata.Errorf(metadata.KindParentMissing, "%s does not exist on the drive: make it with `ken fs mkdir -p %s`", dir, dir)
		}
		return 0, err
	}
	w := d.Blocks.Create(ctx, blockio.CreateOptions{Replicas: parent.EffectiveReplication})
	defer w.Abort()
	n, err := w.ReadFrom(r)
	if err != nil {
		return n, err
	}
	return n, w.Commit(ctx, func(ctx context.Context, c metadata.Commit) error {
		c.Modified = attrs.Modified
		_, err := d.Change.Commit(ctx, p, g, c)
		return err
	})
}

// taskWriter counts bytes for a Task.
type taskWriter struct{ t Task }

func (w taskWriter) Write(b []byte) (int, error) {
	w.t.Add(int64(len(b)))
	return len(b), nil
}
