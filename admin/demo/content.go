package demo

import (
	"context"
	"encoding/binary"
	"io"

	"kendfs/admin"
	"kendfs/metadata"
)

// UploadBytesMax bounds the bytes of written files that are kept.
const UploadBytesMax = 256 << 20

// stream makes the bytes of a content that nobody wrote: the same ones at every
// offset, each time.
type stream struct{ seed uint64 }

func newStream(c metadata.ContentID) stream { return stream{uint64(c) * 0x9e3779b97f4a7c15} }

// readAt fills p with the bytes from off on.
func (s stream) readAt(p []byte, off int64) {
	var word [8]byte
	for i := 0; i < len(p); {
		at := off + int64(i)
		binary.LittleEndian.PutUint64(word[:], mix(s.seed+uint64(at/8)))
		i += copy(p[i:], word[at%8:])
	}
}

// mix is the finaliser of MurmurHash3.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// reader reads a file of the demo.
type reader struct {
	ctx  context.Context
	size int64
	off  int64
	data []byte
	made stream
}

// Open implements admin.Content.
func (d *Cluster) Open(ctx context.Context, e metadata.Entry) io.ReadSeekCloser {
	defer d.look()()
	r := &reader{ctx: ctx, size: e.Size, made: newStream(e.Content)}
	if f := d.tree.root.byContent(e.Content); f != nil {
		r.data = f.data
	}
	return r
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n := int(min(int64(len(p)), r.size-r.off))
	if n <= 0 {
		return 0, io.EOF
	}
	if r.data != nil {
		copy(p[:n], r.data[r.off:])
	} else {
		r.made.readAt(p[:n], r.off)
	}
	r.off += int64(n)
	return n, nil
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return r.off, metadata.Errorf(metadata.KindInvalid, "seek to %d", offset)
	}
	r.off = offset
	return offset, nil
}

func (r *reader) Close() error { return nil }

// writer keeps what is written until it is committed.
type writer struct {
	d    *Cluster
	ctx  context.Context
	data []byte
}

type contentKey struct{}

// Create implements admin.Content.
func (d *Cluster) Create(ctx context.Context, _ int, size int64) admin.Writer {
	return &writer{d: d, ctx: ctx, data: make([]byte, 0, min(max(size, 0), 1<<20))}
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	w.d.mu.Lock()
	full := w.d.tree.held+int64(len(w.data)+len(p)) > UploadBytesMax
	w.d.mu.Unlock()
	if full {
		return 0, metadata.Errorf(metadata.KindNoSpace, "the demo keeps at most %d MiB of files", UploadBytesMax>>20)
	}
	w.data = append(w.data, p...)
	return len(p), nil
}

func (w *writer) Commit(ctx context.Context, commit func(context.Context, metadata.Commit) error) error {
	return commit(context.WithValue(ctx, contentKey{}, w.data), metadata.Commit{Size: int64(len(w.data))})
}

func (w *writer) Abort() { w.data = nil }

// Commit implements admin.Cluster. The data comes with the context of writer.Commit.
func (d *Cluster) Commit(ctx context.Context, p metadata.Path, g metadata.Guard, c metadata.Commit) (metadata.Committed, error) {
	defer d.look()()
	up, name, err := d.target(p, g)
	if err != nil {
		return metadata.Committed{}, err
	}
	data, _ := ctx.Value(contentKey{}).([]byte)
	if d.tree.held+int64(len(data)) > UploadBytesMax {
		return metadata.Committed{}, metadata.Errorf(metadata.KindNoSpace, "the demo keeps at most %d MiB of files", UploadBytesMax>>20)
	}
	i, there := up.find(name)
	switch {
	case there && up.kids[i].dir:
		return metadata.Committed{}, metadata.Errorf(metadata.KindIsDir, "%s is a folder", p)
	case there && g.IfNoneMatch != nil && g.IfNoneMatch.Any:
		return metadata.Committed{}, metadata.Errorf(metadata.KindPrecondition, "%s is there already", p)
	}
	if err := up.room(name, c.Size, nil); err != nil {
		return metadata.Committed{}, err
	}
	if there {
		d.tree.drop(up.kids[i])
	}
	at := c.Modified
	if at.IsZero() {
		at = d.now
	}
	f := d.tree.leaf(up, name, c.Size, at, g.User)
	f.data = append([]byte{}, data...)
	d.tree.held += int64(len(data))
	return metadata.Committed{Entry: d.entry(f), Created: !there}, nil
}
