package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Get copies the file or directory src of the drive to the local path. A
// directory needs Options.Recursive.
func Get(ctx context.Context, d Drive, src metadata.Path, local string, opt Options) (Summary, error) {
	return GetAll(ctx, d, []Pair{{local, src}}, opt)
}

// GetAll is Get for several files and directories at once.
func GetAll(ctx context.Context, d Drive, all []Pair, opt Options) (Summary, error) {
	opt = opt.withDefaults()
	p := newPool(ctx, opt.Parallel)
	for _, a := range all {
		e, err := d.Tree.Lookup(ctx, a.Remote, metadata.LookupOptions{})
		switch {
		case err != nil:
		case e.IsDir && !opt.Recursive:
			err = metadata.Errorf(metadata.KindIsDir, "%s is a directory: add -r to copy it with all it holds", a.Remote)
		case e.IsDir:
			err = d.getTree(ctx, p, a.Remote, a.Local, opt)
		default:
			err = p.add(ctx, func(ctx context.Context) error { return d.getFile(ctx, p, e, a.Remote, a.Local, opt) })
		}
		p.fail(err)
	}
	return p.wait()
}

func (d Drive) getTree(ctx context.Context, p *pool, src metadata.Path, local string, opt Options) error {
	if err := os.MkdirAll(local, 0o755); err != nil {
		return localErr(err)
	}
	return Walk(ctx, d.Tree, src, func(path metadata.Path, e metadata.Entry) error {
		rel := string(path)[len(src):]
		to := filepath.Join(local, filepath.FromSlash(rel))
		if e.IsDir {
			p.count(func(s *Summary) { s.Dirs++ })
			return localErr(os.MkdirAll(to, 0o755))
		}
		return p.add(ctx, func(ctx context.Context) error { return d.getFile(ctx, p, e, path, to, opt) })
	})
}

// getFile writes a file beside its target and renames it when it is whole.
func (d Drive) getFile(ctx context.Context, p *pool, e metadata.Entry, src metadata.Path, to string,
	opt Options) (err error) {
	if opt.NoClobber {
		if _, err := os.Lstat(to); err == nil {
			p.count(func(s *Summary) { s.Skipped++ })
			return nil
		}
	}
	t := opt.Progress.Begin(File{string(src), e.Size, blockBytes(&e)})
	defer func() { t.End(err) }()
	f, err := createPart(filepath.Dir(to))
	if err != nil {
		return localErr(err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	r := d.Blocks.Open(ctx, e)
	n, err := io.Copy(io.MultiWriter(f, taskWriter{t}), r)
	if err == nil && n != e.Size {
		err = metadata.Errorf(metadata.KindCorrupt, "%s has %d bytes, got %d", src, e.Size, n)
	}
	err = errors.Join(err, r.Close(), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", src, err)
	}
	if err := os.Chtimes(f.Name(), e.Modified, e.Modified); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return localErr(err)
	}
	p.count(func(s *Summary) { s.Files, s.Bytes, s.Blocks = s.Files+1, s.Bytes+n, s.Blocks+int64(e.BlockCount) })
	return nil
}

// createPart makes the file that a download is written to. Its name says nothing
// of the target's, which may be as long as names can be; its mode is that of any
// new file of this process, as the umask has it.
func createPart(dir string) (*os.File, error) {
	name := filepath.Join(dir, fmt.Sprintf(".ken-%016x.part", rand.Uint64()))
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

// blockBytes is how large a file's blocks are, all but the last. Of a file with
// many, whose references are not in the entry, it is inferred.
func blockBytes(e *metadata.Entry) int64 {
	n := int64(e.BlockCount)
	switch {
	case len(e.Blocks) > 0:
		return int64(e.Blocks[0].Length)
	case n == 0 || (e.Size+blockio.BlockBytesDefault-1)/blockio.BlockBytesDefault == n:
		return blockio.BlockBytesDefault
	}
	return (e.Size + n - 1) / n
}

// Cat writes the file's data to w.
func Cat(ctx context.Context, d Drive, src metadata.Path, w io.Writer) error {
	e, err := d.Tree.Lookup(ctx, src, metadata.LookupOptions{})
	if err != nil {
		return err
	}
	if e.IsDir {
		return metadata.Errorf(metadata.KindIsDir, "%s is a directory", src)
	}
	r := d.Blocks.Open(ctx, e)
	_, err = io.Copy(w, r)
	return errors.Join(err, r.Close())
}

// Walk calls f for everything below dir, parents first, in the order of names.
// An error of f ends the walk.
func Walk(ctx context.Context, t metadata.Tree, dir metadata.Path,
	f func(p metadata.Path, e metadata.Entry) error) error {
	opt := metadata.ListOptions{}
	for {
		page, err := t.List(ctx, dir, opt)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			path := dir.Join(e.Name)
			if err := f(path, e); err != nil {
				return err
			}
			if e.IsDir {
				if err := Walk(ctx, t, path, f); err != nil && !isKind(err, metadata.KindNotFound) {
					return err // a directory that was removed meanwhile is no error
				}
			}
			opt.After = e.Name
		}
		if !page.More {
			return nil
		}
	}
}
