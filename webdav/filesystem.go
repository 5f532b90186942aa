package webdav

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	dav "golang.org/x/net/webdav"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// FileSystem returns the drive as the FileSystem of golang.org/x/net/webdav,
// with the rights of that user ("" is the system itself). The stock Handler
// works over it. The served one does without, because that interface has no
// place for conditions, atomic replacement and answers in pages (WD-1).
func (h *Handler) FileSystem(user string) dav.FileSystem { return &fileSystem{h: h, user: user} }

type fileSystem struct {
	h    *Handler
	user string
}

// guard submits the tokens that LockSystem has confirmed for running requests.
func (s *fileSystem) guard() metadata.Guard {
	return metadata.Guard{User: s.user, Tokens: s.h.seen.tokens(s.user)}
}

func (s *fileSystem) look(ctx context.Context, p metadata.Path) (metadata.Entry, error) {
	return s.h.cfg.Tree.Lookup(ctx, p, metadata.LookupOptions{User: s.user, Props: true})
}

// Mkdir makes a directory.
func (s *fileSystem) Mkdir(ctx context.Context, name string, _ os.FileMode) error {
	p, err := metadata.ParsePath(name)
	if err == nil {
		_, err = s.h.cfg.Changer.Mkdir(ctx, p, s.guard())
	}
	return pathError("mkdir", name, err)
}

// OpenFile opens a file or a directory. A file that is opened for writing is
// written anew as a whole, whether or not flag has O_TRUNC, and becomes visible
// when it is closed without an error before.
func (s *fileSystem) OpenFile(ctx context.Context, name string, flag int, _ os.FileMode) (dav.File, error) {
	f, err := s.open(ctx, name, flag)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return f, nil
}

func (s *fileSystem) open(ctx context.Context, name string, flag int) (dav.File, error) {
	p, err := metadata.ParsePath(name)
	if err != nil {
		return nil, err
	}
	e, err := s.look(ctx, p)
	exists := err == nil
	switch {
	case err != nil && (metadata.KindOf(err) != metadata.KindNotFound || flag&os.O_CREATE == 0):
		return nil, err
	case exists && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, os.ErrExist
	case exists && flag&os.O_TRUNC == 0:
		return &openFile{fs: s, ctx: ctx, path: p, entry: e}, nil
	case exists && e.IsDir:
		return nil, metadata.Errorf(metadata.KindIsDir, "%s is a directory", p)
	}
	dir, base := p.Split()
	if !exists {
		parent, err := s.look(ctx, dir)
		if err != nil {
			return nil, err
		}
		if !parent.IsDir {
			return nil, metadata.Errorf(metadata.KindParentMissing, "%s is not a directory", dir)
		}
		e = metadata.Entry{Name: base, EffectiveReplication: parent.EffectiveReplication}
	}
	return &newFile{
		fs: s, ctx: ctx, path: p, entry: &e, exclusive: flag&os.O_EXCL != 0,
		w: s.h.cfg.Blocks.Create(ctx, blockio.CreateOptions{Replicas: e.EffectiveReplication, Size: -1}),
	}, nil
}

// RemoveAll removes an entry and what is below it. That nothing is there is no
// error.
func (s *fileSystem) RemoveAll(ctx context.Context, name string) error {
	p, err := metadata.ParsePath(name)
	if err == nil {
		err = s.h.cfg.Changer.Remove(ctx, p, s.guard())
	}
	if err != nil && metadata.KindOf(err) == metadata.KindNotFound {
		return nil
	}
	return pathError("removeall", name, err)
}

// Rename moves an entry, replacing what is in the way.
func (s *fileSystem) Rename(ctx context.Context, oldName, newName string) error {
	src, err := metadata.ParsePath(oldName)
	if err != nil {
		return pathError("rename", oldName, err)
	}
	dst, err := metadata.ParsePath(newName)
	if err == nil {
		_, err = s.h.cfg.Changer.Rename(ctx, src, dst, s.guard(), true)
	}
	return pathError("rename", newName, err)
}

// Stat describes an entry.
func (s *fileSystem) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	p, err := metadata.ParsePath(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	e, err := s.look(ctx, p)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return &fileInfo{&e}, nil
}

// pathError gives err the form that os.IsNotExist and its like understand:
// they do not call Is.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	switch metadata.KindOf(err) {
	case metadata.KindNotFound, metadata.KindParentMissing, metadata.KindNotDir:
		err = os.ErrNotExist
	case metadata.KindExists:
		err = os.ErrExist
	case metadata.KindDenied, metadata.KindReadOnly:
		err = os.ErrPermission
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// fileInfo is an entry as an os.FileInfo. It also implements the ETager and
// ContentTyper of golang.org/x/net/webdav.
type fileInfo struct{ e *metadata.Entry }

func (i *fileInfo) Name() string       { return i.e.Name }
func (i *fileInfo) Size() int64        { return i.e.Size }
func (i *fileInfo) ModTime() time.Time { return i.e.Modified }
func (i *fileInfo) IsDir() bool        { return i.e.IsDir }
func (i *fileInfo) Sys() any           { return nil }

func (i *fileInfo) Mode() os.FileMode {
	if i.e.IsDir {
		return os.ModeDir | 0o755
	}
	return 0o644
}

// ETag returns the entry's ETag, of a file being written that of its commit.
func (i *fileInfo) ETag(context.Context) (string, error) {
	if i.e.ID == 0 {
		return "", dav.ErrNotImplemented
	}
	return i.e.ETag(), nil
}

func (i *fileInfo) ContentType(context.Context) (string, error) { return entryType(i.e), nil }

var (
	_ dav.ETager       = (*fileInfo)(nil)
	_ dav.ContentTyper = (*fileInfo)(nil)
	_ io.ReaderFrom    = (*newFile)(nil)
)
