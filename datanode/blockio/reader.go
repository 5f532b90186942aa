package blockio

import (
	"context"
	"io"

	"kendfs/metadata"
)

// Reader reads one version of a file. Read, Seek, WriteTo and Close are called
// by one goroutine; ReadAt and CopyRange by any number at the same time.
//
// Every byte it returns has been compared with the checksum written with it. A
// replica that fails, stalls or sends wrong bytes is left for another one at
// the same offset; an error comes only when no replica has the data:
// KindCorrupt, KindUnavailable, KindTimeout, KindNotFound (the content was
// deleted longer ago than the grace time).
type Reader struct {
	c    *Client
	ctx  context.Context // of Open; governs all transfers, as an http.Request's does
	size int64
	refs *refs
	err  error // why it cannot be read at all

	off     int64   // of the next Read
	cur     *cursor // at off+len(pending), or nil
	pending []byte  // verified, of cur's buffer
}

// Open returns a Reader of the version that e describes; it does no I/O. e must
// be a file, as Lookup or List return it.
func (c *Client) Open(ctx context.Context, e metadata.Entry) *Reader {
	r := &Reader{c: c, ctx: ctx, size: e.Size, refs: newRefs(c.refs, e)}
	if e.IsDir {
		r.err = metadata.Errorf(metadata.KindIsDir, "%q is a directory", e.Name)
	}
	return r
}

// Size is the file's length in bytes.
func (r *Reader) Size() int64 { return r.size }

// Read reads the next bytes, at most one segment.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, r.err
	}
	if len(r.pending) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	r.off += int64(n)
	return n, nil
}

// fill gets the next verified bytes.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	if r.off >= r.size {
		return io.EOF
	}
	if r.cur == nil || r.cur.pos != r.off {
		r.rewind()
		r.cur = newCursor(r, r.off, r.size)
	}
	b, err := r.cur.next(r.ctx)
	r.pending = b
	return err
}

// Seek sets the offset of the next Read (io.Seeker). It does no I/O.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return r.off, metadata.Errorf(metadata.KindInvalid, "seek to %d (whence %d)", offset, whence)
	}
	if skip := offset - r.off; skip >= 0 && skip < int64(len(r.pending)) {
		r.pending = r.pending[skip:]
	} else {
		r.pending = nil
	}
	r.off = offset
	return offset, nil
}

// WriteTo writes the rest of the file to w in pieces of a segment (io.WriterTo).
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var done int64
	if len(r.pending) > 0 {
		n, err := w.Write(r.pending)
		r.pending = r.pending[n:]
		r.off += int64(n)
		done = int64(n)
		if err != nil {
			return done, err
		}
	}
	r.rewind()
	n, err := r.CopyRange(w, r.off, r.size-r.off)
	r.off += n
	return done + n, err
}

// CopyRange writes length bytes from offset on to w, fewer if the file ends
// before. It does not touch the offset of Read.
func (r *Reader) CopyRange(w io.Writer, offset, length int64) (int64, error) {
	if r.err != nil {
		return 0, r.err
	}
	if offset < 0 {
		return 0, metadata.Errorf(metadata.KindInvalid, "range at %d", offset)
	}
	if offset >= r.size || length <= 0 {
		return 0, nil
	}
	cur := newCursor(r, offset, offset+min(length, r.size-offset))
	defer cur.close()
	var done int64
	for {
		b, err := cur.next(r.ctx)
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		n, err := w.Write(b)
		done += int64(n)
		if err != nil {
			return done, err
		}
		if n < len(b) {
			return done, io.ErrShortWrite
		}
	}
}

// ReadAt reads len(p) bytes from offset on (io.ReaderAt).
func (r *Reader) ReadAt(p []byte, offset int64) (int, error) {
	into := &sliceWriter{p}
	n, err := r.CopyRange(into, offset, int64(len(p)))
	if err == nil && int(n) < len(p) {
		err = io.EOF
	}
	return int(n), err
}

// Close ends the transfers. Reading on afterwards is possible; nothing is lost
// but what was read ahead.
func (r *Reader) Close() error {
	r.rewind()
	return nil
}

// rewind gives up the cursor.
func (r *Reader) rewind() {
	r.pending = nil
	if r.cur != nil {
		r.cur.close()
		r.cur = nil
	}
}

// sliceWriter fills a slice.
type sliceWriter struct{ rest []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	n := copy(s.rest, p)
	s.rest = s.rest[n:]
	if n < len(p) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}
