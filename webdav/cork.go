package webdav

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// corkBytes is how much of a response is held back at most: the header and a
// small body. What is larger takes the held bytes along in one system call.
const corkBytes = 8 << 10

// corkable is a connection that can hold back what is written to it, so that
// the header of a response, which net/http writes from a buffer of its own,
// and the body behind it leave together: one system call, one packet, one
// wake-up of the client. Only the goroutine that serves the connection's
// request may cork it; so it is for HTTP/1 without TLS.
type corkable struct {
	net.Conn
	buffers *sync.Pool // of *[corkBytes]byte

	buf *[corkBytes]byte // not nil: corked
	n   int              // held back in buf
}

// cork holds back what follows.
func (c *corkable) cork() {
	if c.buf == nil {
		c.buf = c.buffers.Get().(*[corkBytes]byte)
	}
}

// uncork sends what was held back. A connection on which that fails is closed,
// for net/http believes that it was sent.
func (c *corkable) uncork() error {
	if c.buf == nil {
		return nil
	}
	held := c.buf[:c.n]
	var err error
	if len(held) > 0 {
		_, err = c.Conn.Write(held)
	}
	c.buffers.Put(c.buf)
	c.buf, c.n = nil, 0
	if err != nil {
		_ = c.Conn.Close() // it is of no use any more
	}
	return err
}

// Write writes p, now or when the connection is uncorked.
func (c *corkable) Write(p []byte) (int, error) {
	if c.buf == nil {
		return c.Conn.Write(p)
	}
	if c.n+len(p) <= corkBytes {
		c.n += copy(c.buf[c.n:], p)
		return len(p), nil
	}
	if c.n == 0 {
		return c.Conn.Write(p)
	}
	held := c.n
	c.n = 0
	both := net.Buffers{c.buf[:held], p}
	n, err := both.WriteTo(c.Conn) // writev(2)
	return max(int(n)-held, 0), err
}

// corkKey is the context key of a request's *corkable.
type corkKey struct{}

// connContext is http.Server.ConnContext: it makes the connection known to its
// requests. A TLS connection is not: what it writes are records, whole already.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if l, ok := c.(*limitedConn); ok {
		return context.WithValue(ctx, corkKey{}, &l.corkable)
	}
	return ctx
}

// corked runs respond, which writes the whole of a response whose length is in
// its header, so that as much of it as possible leaves in one piece. An error
// of respond is returned; nothing is sent then that it has not sent.
func corked(w http.ResponseWriter, r *http.Request, respond func() error) error {
	c, ok := r.Context().Value(corkKey{}).(*corkable)
	if !ok || r.ProtoMajor != 1 {
		return respond()
	}
	c.cork()
	defer func() { _ = c.uncork() }() // closes a connection that fails
	err := respond()
	if err == nil {
		_ = http.NewResponseController(w).Flush() // what net/http holds; into the cork
	}
	return err
}
