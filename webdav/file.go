package webdav

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"os"

	dav "golang.org/x/net/webdav"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// openFile is a file or directory opened for reading. It keeps the context it
// was opened with, because the methods of dav.File take none.
type openFile struct {
	fs     *fileSystem
	ctx    context.Context
	path   metadata.Path
	entry  metadata.Entry
	reader *blockio.Reader // nil before the first Read
	offset int64

	after string // Readdir: the last name that was returned
	ended bool
}

func (f *openFile) Stat() (os.FileInfo, error) { return &fileInfo{&f.entry}, nil }

func (f *openFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.entry.Size
	}
	if offset < 0 {
		return 0, os.ErrInvalid
	}
	f.offset = offset
	return offset, nil
}

func (f *openFile) Read(p []byte) (int, error) {
	if f.entry.IsDir {
		return 0, metadata.Errorf(metadata.KindIsDir, "%s is a directory", f.path)
	}
	if f.offset >= f.entry.Size {
		return 0, io.EOF
	}
	if f.reader == nil {
		f.reader = f.fs.h.cfg.Blocks.Open(f.ctx, f.entry)
	}
	n, err := f.reader.ReadAt(p[:min(int64(len(p)), f.entry.Size-f.offset)], f.offset)
	f.offset += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *openFile) Write([]byte) (int, error) { return 0, os.ErrPermission }

func (f *openFile) Close() error {
	if f.reader == nil {
		return nil
	}
	return f.reader.Close()
}

// Readdir returns the next count entries, or all if count ≤ 0.
func (f *openFile) Readdir(count int) ([]os.FileInfo, error) {
	if !f.entry.IsDir {
		return nil, metadata.Errorf(metadata.KindNotDir, "%s is a file", f.path)
	}
	var infos []os.FileInfo
	for !f.ended && (count <= 0 || len(infos) < count) {
		opt := metadata.ListOptions{User: f.fs.user, After: f.after}
		if count > 0 {
			opt.Limit = min(count-len(infos), metadata.ListLimitMax)
		}
		page, err := f.fs.h.cfg.Tree.List(f.ctx, f.path, opt)
		if err != nil {
			return infos, pathError("readdir", string(f.path), err)
		}
		for i := range page.Entries {
			infos = append(infos, &fileInfo{&page.Entries[i]})
			f.after = page.Entries[i].Name
		}
		f.ended = !page.More || len(page.Entries) == 0
	}
	if count > 0 && len(infos) == 0 {
		return nil, io.EOF
	}
	return infos, nil
}

// DeadProps returns the dead properties.
func (f *openFile) DeadProps() (map[xml.Name]dav.Property, error) {
	props := make(map[xml.Name]dav.Property, len(f.entry.Props))
	for _, p := range f.entry.Props {
		name := xml.Name{Space: p.Space, Local: p.Local}
		props[name] = dav.Property{XMLName: name, Lang: p.Lang, InnerXML: p.Value}
	}
	return props, nil
}

// Patch changes dead properties, all of them or none.
func (f *openFile) Patch(patches []dav.Proppatch) ([]dav.Propstat, error) {
	var change metadata.AttrChange
	stat := dav.Propstat{Status: http.StatusOK}
	for _, patch := range patches {
		for _, p := range patch.Props {
			stat.Props = append(stat.Props, dav.Property{XMLName: p.XMLName})
			own := metadata.Property{Space: p.XMLName.Space, Local: p.XMLName.Local, Lang: p.Lang, Value: p.InnerXML}
			if patch.Remove {
				change.DelProps = append(change.DelProps, own)
			} else {
				change.SetProps = append(change.SetProps, own)
			}
		}
	}
	e, err := f.fs.h.cfg.Changer.SetAttr(f.ctx, f.path, f.fs.guard(), change)
	if err != nil {
		return nil, err
	}
	f.entry = e
	return []dav.Propstat{stat}, nil
}

// newFile is a file being written. Its content becomes visible when it is
// closed, unless a Write or ReadFrom has failed.
type newFile struct {
	fs        *fileSystem
	ctx       context.Context
	path      metadata.Path
	entry     *metadata.Entry // that is replaced; after Close the committed one. FileInfos point to it
	exclusive bool
	w         *blockio.Writer
	err       error // the first
}

func (f *newFile) Stat() (os.FileInfo, error) { return &fileInfo{f.entry}, nil }

func (f *newFile) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n, err
}

// ReadFrom reads the content from src. It is how the stock Handler's io.Copy
// lets the file know that the request's body failed: Close does not.
func (f *newFile) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(f.w, src)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n, err
}

// Close commits the file, or drops what was written after an error.
func (f *newFile) Close() error {
	defer f.w.Abort()
	if f.err != nil {
		return f.err
	}
	f.err = os.ErrClosed
	g := f.fs.guard()
	if f.exclusive {
		g.IfNoneMatch = &metadata.ETagSet{Any: true}
	}
	return f.w.Commit(f.ctx, func(ctx context.Context, m metadata.Commit) error {
		done, err := f.fs.h.cfg.Changer.Commit(ctx, f.path, g, m)
		if err == nil {
			*f.entry = done.Entry
		}
		return err
	})
}

func (f *newFile) Read([]byte) (int, error)           { return 0, os.ErrPermission }
func (f *newFile) Seek(int64, int) (int64, error)     { return 0, os.ErrPermission }
func (f *newFile) Readdir(int) ([]os.FileInfo, error) { return nil, os.ErrInvalid }
