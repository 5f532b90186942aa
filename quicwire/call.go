package quicwire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kendfs/quicwire/wirepb"
)

// attemptsMax bounds how often a call is sent when connections are lost.
const attemptsMax = 3

// Call sends a request and waits for its answer. The answer is the caller's
// own. An error is an *Error; CodeUnavailable without Remote says that the
// request was not executed, CodeTimeout without Remote that nobody knows.
//
// A connection that was lost is dialed again, and the request sent again, only
// if it cannot have been executed; use CallIdempotent for requests that may be.
// When ctx ends, so does the context of the handler.
func (e *Endpoint) Call(ctx context.Context, t Target, s Service, method uint32, req []byte) ([]byte, error) {
	return e.call(ctx, t, s, method, req, false)
}

// CallIdempotent is Call for a request that may be executed twice: it is sent
// again, too, when a connection is lost while the answer is awaited.
func (e *Endpoint) CallIdempotent(ctx context.Context, t Target, s Service, method uint32, req []byte) ([]byte, error) {
	return e.call(ctx, t, s, method, req, true)
}

// call makes attempts until one of them is the last.
func (e *Endpoint) call(ctx context.Context, t Target, s Service, method uint32, req []byte, twice bool) ([]byte, error) {
	for n := 1; ; n++ {
		resp, again, err := e.attempt(ctx, t, s, method, req, twice)
		if err == nil {
			return resp, nil
		}
		if !again || n == attemptsMax || ctx.Err() != nil {
			return nil, err
		}
	}
}

// attempt sends a request once. again reports that the connection was lost and
// that the request may be sent over a new one.
func (e *Endpoint) attempt(ctx context.Context, t Target, s Service, method uint32, req []byte, twice bool) (_ []byte, again bool, _ error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fromQUIC(err)
	}
	c, fresh, err := e.connect(ctx, t, s)
	if err != nil {
		return nil, false, err
	}
	cs, err := c.takeStream(ctx)
	if err != nil {
		return nil, c.lost(err) && !fresh, notSent(ctx, t, err)
	}
	cs.last++
	env := wirepb.Envelope{
		Version: envelopeVersion, Kind: kindCall, Method: method,
		TimeoutUs: timeout(ctx), Request: cs.last, Body: req,
	}
	if cs.out, err = appendFrame(cs.out[:0], &env, e.cfg.BodyMax); err != nil {
		c.putStream(cs)
		return nil, false, err
	}
	stop := context.AfterFunc(ctx, func() {
		code := wireCode(fromQUIC(ctx.Err()).Code)
		cs.qs.CancelRead(code)
		cs.qs.CancelWrite(code)
	})
	sent, err := cs.exchange(&env)
	if !stop() {
		// The stream was or is being reset; what matters is what ctx says, unless
		// the answer was faster.
		if err != nil {
			return nil, false, fromQUIC(ctx.Err())
		}
	} else if err == nil {
		c.putStream(cs)
	}
	if err != nil {
		cs.abandon()
		gone := c.lost(err)
		if !sent {
			return nil, gone, notSent(ctx, t, err)
		}
		return nil, twice && gone, unknown(t, err)
	}
	if err := failure(&env); err != nil {
		return nil, false, err
	}
	return env.Body, false, nil
}

// timeout returns what is left of a context in microseconds, 0 for no limit.
func timeout(ctx context.Context) uint64 {
	d, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return uint64(max(1, time.Until(d).Microseconds()))
}

// exchange writes the frame in cs.out and reads the reply into env. sent
// reports whether the other side can have the whole frame.
func (cs *callStream) exchange(env *wirepb.Envelope) (sent bool, _ error) {
	request := env.Request
	if n, err := cs.qs.Write(cs.out); err != nil {
		return n == len(cs.out), err
	}
	if err := cs.frames.next(env); err != nil {
		return true, err
	}
	if env.Kind != kindReply || (env.Request != request && env.Status == 0) {
		return true, errorf(CodeInvalid, "frame of kind %d for request %d in place of the reply to %d",
			env.Kind, env.Request, request)
	}
	return true, nil
}

// abandon resets a stream that cannot be used again.
func (cs *callStream) abandon() {
	cs.qs.CancelRead(wireCode(CodeCanceled))
	cs.qs.CancelWrite(wireCode(CodeCanceled))
}

// notSent is the error of a request that nobody has executed.
func notSent(ctx context.Context, t Target, err error) *Error {
	if ctx.Err() != nil {
		return fromQUIC(ctx.Err())
	}
	e := *fromQUIC(err)
	if e.Code == CodeTimeout || e.Code == CodeCanceled {
		e.Code = CodeUnavailable
	}
	e.Msg = fmt.Sprintf("%s: %s", t.Addr, e.Msg)
	return &e
}

// unknown is the error of a request that was sent and not answered.
func unknown(t Target, err error) *Error {
	e := *fromQUIC(err)
	if e.Code == CodeUnavailable && !e.Remote {
		e.Code = CodeTimeout
		e.Msg = "outcome unknown: " + e.Msg
	}
	e.Msg = fmt.Sprintf("%s: %s", t.Addr, e.Msg)
	return &e
}

// OpenStream opens a bulk stream and sends its request. When ctx ends the
// stream is reset; keep ctx until Close. The caller must call Close.
func (e *Endpoint) OpenStream(ctx context.Context, t Target, s Service, method uint32, req []byte) (*Stream, error) {
	env := &wirepb.Envelope{
		Version: envelopeVersion, Kind: kindBulk, Method: method,
		TimeoutUs: timeout(ctx), Request: 1, Body: req,
	}
	st, err := e.open(ctx, t, s, env)
	if err != nil {
		return nil, err
	}
	st.request = 1
	st.follow(ctx)
	return st, nil
}

// OpenRaw opens a raw stream, whose bytes are all the service's. As with
// net.Dialer, ctx counts for opening only.
func (e *Endpoint) OpenRaw(ctx context.Context, t Target, s Service) (*Stream, error) {
	st, err := e.open(ctx, t, s, &wirepb.Envelope{Version: envelopeVersion, Kind: kindRaw})
	if err != nil {
		return nil, err
	}
	st.raw = true
	return st, nil
}

// open opens a stream and sends its first frame. Nothing was executed when it
// fails: a handler needs the whole frame.
func (e *Endpoint) open(ctx context.Context, t Target, s Service, env *wirepb.Envelope) (*Stream, error) {
	frame, err := appendFrame(nil, env, e.cfg.BodyMax)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, fromQUIC(err)
		}
		c, _, err := e.connect(ctx, t, s)
		if err != nil {
			return nil, err
		}
		st, err := c.openStream(ctx, frame)
		if err == nil {
			return st, nil
		}
		if !c.lost(err) || n == attemptsMax {
			return nil, notSent(ctx, t, err)
		}
	}
}

// openStream opens a stream and writes the frame.
func (c *conn) openStream(ctx context.Context, frame []byte) (*Stream, error) {
	qs, err := c.openOther(ctx)
	if err != nil {
		return nil, err
	}
	s := newStream(c, qs)
	stop := context.AfterFunc(ctx, func() { s.Cancel(CodeCanceled) })
	n, err := qs.Write(frame)
	if !stop() {
		return nil, errors.Join(ctx.Err(), err)
	}
	if err == nil && n == len(frame) {
		return s, nil
	}
	s.Cancel(CodeCanceled)
	return nil, err
}
