package quicwire

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"kendfs/quicwire/wirepb"
)

// Stream is a bulk stream or a raw stream. It is a net.Conn; Read, Write and
// their deadlines go straight to the QUIC stream. One goroutine may read while
// another writes.
//
// A bulk stream begins with the request frame. After it both sides send raw
// bytes and reply frames as their service says; a server that sends raw bytes
// sends a Reply with their length first, so that an error can come instead.
// When the handler returns an error before it has written raw bytes, the caller
// finds it in ReadReply; afterwards the stream is reset and the error is in
// Read, without its text. When the handler returns nil without having called
// Reply, an empty reply is sent. A caller that is done calls CloseWrite,
// ReadReply and Close; Close without CloseWrite resets the stream, so that an
// upload that was given up does not look complete.
//
// A raw stream has no frames; Close ends it as net.Conn says.
type Stream struct {
	qs      *quic.Stream
	c       *conn
	raw     bool
	server  bool
	frames  frameReader
	request uint64
	stop    func() bool // of the caller's context; nil on servers and raw streams

	wrote   atomic.Bool // raw bytes were written
	replied atomic.Bool
	ended   atomic.Bool // CloseWrite was called
}

var _ net.Conn = (*Stream)(nil)

// newStream wraps a QUIC stream.
func newStream(c *conn, qs *quic.Stream) *Stream {
	return &Stream{qs: qs, c: c, frames: frameReader{r: qs, bodyMax: c.e.cfg.BodyMax}}
}

// Peer returns who is at the other end.
func (s *Stream) Peer() Peer { return s.c.peer }

// LocalAddr returns the endpoint's address.
func (s *Stream) LocalAddr() net.Addr { return s.c.qc.LocalAddr() }

// RemoteAddr returns the peer's address.
func (s *Stream) RemoteAddr() net.Addr { return s.c.qc.RemoteAddr() }

// Read reads raw bytes. io.EOF is the orderly end of the other side's bytes; a
// reset or a lost connection is an *Error.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.qs.Read(p)
	if err != nil {
		err = streamErr(err)
	}
	return n, err
}

// Write writes raw bytes. It returns when all but a packet's worth is sent, not
// when it has arrived; pieces of 256 KiB to 1 MiB are cheapest. An *Error with
// Remote set says that the other side does not want more: its reason in words
// may be in ReadReply.
func (s *Stream) Write(p []byte) (int, error) {
	if !s.wrote.Load() {
		s.wrote.Store(true)
	}
	n, err := s.qs.Write(p)
	if err != nil {
		err = streamErr(err)
	}
	return n, err
}

// streamErr maps an error but leaves io.EOF and expired deadlines as net.Conn
// has them.
func streamErr(err error) error {
	if err == io.EOF {
		return err
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() && !lost(err) {
		return err
	}
	return fromQUIC(err)
}

// SetDeadline sets the deadlines of reads and writes.
func (s *Stream) SetDeadline(t time.Time) error { return s.qs.SetDeadline(t) }

// SetReadDeadline sets the deadline of reads.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.qs.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of writes.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.qs.SetWriteDeadline(t) }

// CloseWrite ends this side's bytes; the other side reads io.EOF after them.
// That the other side wants no more of them is no error here: a server that
// counts what it gets is done before it reads the end, and what it thinks of
// them is in ReadReply.
func (s *Stream) CloseWrite() error {
	s.ended.Store(true)
	err := s.qs.Close()
	if err == nil {
		return nil
	}
	if stopped, ok := errors.AsType[*quic.StreamError](context.Cause(s.qs.Context())); ok && stopped.Remote {
		return nil
	}
	return streamErr(err)
}

// Close ends the stream. On a bulk stream whose CloseWrite was not called this
// is Cancel(CodeCanceled). It may be called more than once.
func (s *Stream) Close() error {
	if s.stop != nil {
		s.stop()
	}
	if !s.raw && !s.ended.Load() {
		s.Cancel(CodeCanceled)
		return nil
	}
	s.qs.CancelRead(wireDone)
	s.ended.Store(true)
	_ = s.qs.Close() // an error says that it was reset before: it is closed
	return nil
}

// Cancel resets both directions; the other side's reads and writes fail with
// the code, and its handler's context ends.
func (s *Stream) Cancel(code uint32) {
	s.qs.CancelRead(wireCode(code))
	s.qs.CancelWrite(wireCode(code))
}

// Reply sends a frame to the caller of a bulk stream. A handler may send
// several, between raw bytes.
func (s *Stream) Reply(resp []byte) error {
	if s.raw || !s.server {
		return errorf(CodeInvalid, "only the server of a bulk stream replies")
	}
	return s.reply(&wirepb.Envelope{Body: resp})
}

// reply sends a reply frame.
func (s *Stream) reply(env *wirepb.Envelope) error {
	env.Version, env.Kind, env.Request = envelopeVersion, kindReply, s.request
	frame, err := appendFrame(nil, env, s.frames.bodyMax)
	if err != nil {
		return err
	}
	s.replied.Store(true)
	if _, err := s.qs.Write(frame); err != nil {
		return streamErr(err)
	}
	return nil
}

// ReadReply reads a frame of the server of a bulk stream. An *Error with Remote
// set is the handler's.
func (s *Stream) ReadReply() ([]byte, error) {
	if s.raw || s.server {
		return nil, errorf(CodeInvalid, "only the caller of a bulk stream reads replies")
	}
	var env wirepb.Envelope
	if err := s.frames.next(&env); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errorf(CodeTimeout, "stream ended without a reply: %w", err)
		}
		return nil, streamErr(err)
	}
	if env.Kind != kindReply || env.Request != s.request {
		s.Cancel(CodeInvalid)
		return nil, errorf(CodeInvalid, "frame of kind %d in place of a reply", env.Kind)
	}
	if err := failure(&env); err != nil {
		return nil, err
	}
	return env.Body, nil
}

// finish ends a bulk stream after its handler.
func (s *Stream) finish(err error) {
	if err == nil {
		if !s.replied.Load() && !s.ended.Load() {
			_ = s.reply(&wirepb.Envelope{}) // an error says that it was reset already
		}
		_ = s.qs.Close() // as above
		s.qs.CancelRead(wireDone)
		return
	}
	code, msg := s.c.e.cfg.ErrorCode(err)
	if s.wrote.Load() || s.ended.Load() {
		s.Cancel(code)
		return
	}
	env := &wirepb.Envelope{Status: min(code, codeMax) + 1, Message: wireMessage(msg)}
	if s.reply(env) == nil {
		_ = s.qs.Close() // an error says that it was reset already
	}
	s.qs.CancelRead(wireCode(code))
}

// follow resets the stream when ctx ends.
func (s *Stream) follow(ctx context.Context) {
	s.stop = context.AfterFunc(ctx, func() { s.Cancel(fromQUIC(ctx.Err()).Code) })
}
