package webdav

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// rangesMax is how many ranges one request may ask for; with more it gets the
// whole file, as RFC 9110 §14.2 allows. Every range costs a read somewhere.
const rangesMax = 32

// get serves GET and HEAD (RFC 9110 §9.3.1). Ranges and conditions are
// http.ServeContent's, which never touches the data for HEAD, 304, 412 or 416;
// the bytes themselves go from the blocks to the connection in large pieces.
func (h *Handler) get(w http.ResponseWriter, r *request) error {
	e, err := h.cfg.Tree.Lookup(r.Context(), r.path, metadata.LookupOptions{User: r.user.Name})
	if err != nil {
		return err
	}
	if e.IsDir {
		return h.listing(w, r)
	}
	head := w.Header()
	mediatype := contentType(e.Name)
	head["Content-Type"] = []string{mediatype}
	head["Etag"] = []string{e.ETag()}
	head["Cache-Control"] = []string{"private, no-cache"} // ask again: the drive is shared
	sandbox(head, mediatype)
	if strings.Count(r.Header.Get("Range"), ",") >= rangesMax {
		r.Header.Del("Range")
	}
	c := &content{reader: h.cfg.Blocks.Open(r.Context(), e), size: e.Size}
	defer c.close()
	cw := &contentWriter{ResponseWriter: w}
	err = corked(w, r.Request, func() error {
		http.ServeContent(cw, r.Request, "", e.Modified, c)
		if err := c.failure(); err != nil {
			return err
		}
		cw.sendHeader()
		return nil
	})
	if err == nil {
		return nil
	}
	if !cw.sent {
		head.Del("Content-Disposition")
		return err
	}
	if r.Context().Err() == nil {
		h.log.Error("reading a file failed", "path", string(r.path), "err", err)
	}
	// Only a broken connection tells the client that the body is short.
	panic(http.ErrAbortHandler)
}

// content is a file's data for http.ServeContent. For several ranges
// ServeContent reads it from a goroutine that may outlive the request by a
// moment, so its methods exclude each other.
type content struct {
	size int64

	mu     sync.Mutex
	reader *blockio.Reader
	offset int64
	err    error
}

// Seek sets the offset; it reads nothing.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, metadata.Errorf(metadata.KindInvalid, "seek to %d", offset)
	}
	c.offset = offset
	return offset, nil
}

// Read reads for multipart ranges.
func (c *content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if c.offset >= c.size {
		return 0, io.EOF
	}
	n, err := c.reader.ReadAt(p[:min(int64(len(p)), c.size-c.offset)], c.offset)
	c.offset += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// copyTo writes the next n bytes to w in pieces as large as they come.
func (c *content) copyTo(w io.Writer, n int64) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done, err := c.reader.CopyRange(w, c.offset, n)
	c.offset += done
	if err == nil && done < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		c.err = err
	}
	return done, err
}

// failure is the error that cut the body short, of reading or of writing.
func (c *content) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *content) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.reader.Close() // nothing was written
	if c.err == nil {
		c.err = io.ErrClosedPipe
	}
}

// contentWriter hands the copying of one range to the content itself.
// ServeContent copies with io.CopyN, which asks the destination for ReadFrom
// and gives it an io.LimitedReader; its own way would be 32 KiB at a time.
//
// It holds the header back until there is a byte to send, so that a file that
// cannot be read at all gets a proper error.
type contentWriter struct {
	http.ResponseWriter
	status int // as ServeContent decided; zero is 200
	sent   bool
}

// WriteHeader notes the status.
func (w *contentWriter) WriteHeader(status int) { w.status = status }

// Write sends the header, if that was not done, and p.
func (w *contentWriter) Write(p []byte) (int, error) {
	w.sendHeader()
	return w.ResponseWriter.Write(p)
}

func (w *contentWriter) sendHeader() {
	if w.sent {
		return
	}
	w.sent = true
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// ReadFrom copies src to the response.
func (w *contentWriter) ReadFrom(src io.Reader) (int64, error) {
	if l, ok := src.(*io.LimitedReader); ok {
		if c, ok := l.R.(*content); ok {
			n, err := c.copyTo(w, l.N)
			l.N -= n
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}
