package quicwire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/quic-go/quic-go"

	"kendfs/quicwire/wirepb"
)

// serveStream serves one incoming stream. Its first frame says what it is for;
// it is read without a buffer, because raw bytes may follow it.
func (c *conn) serveStream(sv *service, qs *quic.Stream) {
	s := newStream(c, qs)
	s.server = true
	if c.peer.Node == 0 {
		s.frames.bodyMax = min(joinBytesMax, s.frames.bodyMax)
	}
	_ = qs.SetReadDeadline(time.Now().Add(c.e.cfg.FrameTimeout)) // always nil
	var env wirepb.Envelope
	if err := s.frames.next(&env); err != nil {
		s.refuse(err)
		return
	}
	_ = qs.SetReadDeadline(time.Time{}) // always nil
	s.request = env.Request
	switch env.Kind {
	case kindCall:
		s.serveCalls(sv, &env)
	case kindBulk:
		s.serveBulk(sv, &env)
	case kindRaw:
		if sv.Raw == nil {
			s.refuse(errorf(CodeUnsupported, "%s has no raw streams", sv.name))
			return
		}
		s.raw = true
		ctx, cancel := s.context()
		defer cancel()
		sv.Raw(ctx, c.peer, s)
		<-qs.Context().Done() // until then it counts as the peer's
	default:
		s.refuse(errorf(CodeUnsupported, "frame of kind %d", env.Kind))
	}
}

// refuse answers a frame that cannot be served, and ends the stream.
func (s *Stream) refuse(err error) {
	if e, ok := errors.AsType[*Error](err); ok && !e.Remote {
		env := &wirepb.Envelope{Status: e.Code + 1, Message: wireMessage(e.Msg)}
		_ = s.qs.SetWriteDeadline(time.Now().Add(s.c.e.cfg.FrameTimeout)) // always nil
		if s.reply(env) == nil {
			_ = s.qs.Close() // an error says that it was reset already
			s.qs.CancelRead(wireCode(e.Code))
			return
		}
	}
	s.Cancel(fromQUIC(err).Code)
}

// deadline returns the context of a request.
func deadline(ctx context.Context, env *wirepb.Envelope) (context.Context, context.CancelFunc) {
	const limit = uint64(365*24*time.Hour) / uint64(time.Microsecond)
	if env.TimeoutUs == 0 || env.TimeoutUs > limit {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(env.TimeoutUs)*time.Microsecond)
}

// context returns one that ends when the caller resets the stream or the
// connection is lost. The stream's own context ends in CloseWrite, too, after
// which a handler may have work to do; from then on a reset is seen in Read
// only.
func (s *Stream) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.c.qc.Context())
	own := s.qs.Context()
	stop := context.AfterFunc(own, func() {
		if context.Cause(own) != quic.ErrStreamClosed {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// serveBulk runs the handler of a bulk stream.
func (s *Stream) serveBulk(sv *service, env *wirepb.Envelope) {
	h := sv.Streams[env.Method]
	if h == nil {
		s.refuse(errorf(CodeUnsupported, "%s has no stream %d", sv.name, env.Method))
		return
	}
	base, end := s.context()
	defer end()
	ctx, cancel := deadline(base, env)
	defer cancel()
	if env.TimeoutUs != 0 {
		// The handler may be in Read or Write, which know no context.
		s.follow(ctx)
	}
	err := h(ctx, s.c.peer, env.Body, s)
	if s.stop != nil {
		s.stop()
	}
	s.finish(err)
}

// serveCalls runs the calls of a stream, one after the other. env is the first.
func (s *Stream) serveCalls(sv *service, env *wirepb.Envelope) {
	in := bufio.NewReaderSize(s.qs, 4096)
	s.frames.r = in
	var out []byte
	for {
		reply := s.answer(sv, env)
		var err error
		if out, err = appendFrame(out[:0], reply, s.frames.bodyMax); err != nil {
			reply.Status, reply.Message, reply.Body = CodeTooLarge+1, wireMessage(err.Error()), nil
			if out, err = appendFrame(out[:0], reply, s.frames.bodyMax); err != nil {
				s.Cancel(CodeInternal)
				return
			}
		}
		_ = s.qs.SetWriteDeadline(time.Now().Add(s.c.e.cfg.FrameTimeout)) // always nil
		if _, err := s.qs.Write(out); err != nil {
			s.Cancel(CodeCanceled)
			return
		}
		if cap(out) > bufferKeptMax {
			out = nil
		}
		if !s.nextCall(in, env) {
			return
		}
	}
}

// nextCall waits for the next call, for as long as it takes; once it has begun,
// the rest must come soon. It reports false when the stream is over.
func (s *Stream) nextCall(in *bufio.Reader, env *wirepb.Envelope) bool {
	if _, err := in.Peek(1); err != nil {
		if err == io.EOF {
			_ = s.qs.Close() // an error says that it was reset already
			return false
		}
		s.Cancel(CodeCanceled)
		return false
	}
	_ = s.qs.SetReadDeadline(time.Now().Add(s.c.e.cfg.FrameTimeout)) // always nil
	err := s.frames.next(env)
	if err == nil && env.Kind != kindCall {
		err = errorf(CodeInvalid, "frame of kind %d on a call stream", env.Kind)
	}
	if err != nil {
		s.refuse(err)
		return false
	}
	_ = s.qs.SetReadDeadline(time.Time{}) // always nil
	s.request = env.Request
	return true
}

// answer runs one call.
func (s *Stream) answer(sv *service, env *wirepb.Envelope) *wirepb.Envelope {
	reply := &wirepb.Envelope{Version: envelopeVersion, Kind: kindReply, Request: env.Request}
	h := sv.Calls[env.Method]
	if h == nil {
		e := errorf(CodeUnsupported, "%s has no call %d", sv.name, env.Method)
		reply.Status, reply.Message = e.Code+1, e.Msg
		return reply
	}
	ctx, cancel := deadline(s.qs.Context(), env)
	defer cancel()
	body, err := h(ctx, s.c.peer, env.Body)
	if err != nil {
		code, msg := s.c.e.cfg.ErrorCode(err)
		reply.Status, reply.Message = min(code, codeMax)+1, wireMessage(msg)
		return reply
	}
	reply.Body = body
	return reply
}
