package quicwire

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/quic-go/quic-go"
)

// idleStreamsMax bounds the streams kept for later calls on one connection.
const idleStreamsMax = 128

// callStream is the caller's end of a persistent stream for calls; one call at
// a time uses it.
type callStream struct {
	qs     *quic.Stream
	frames frameReader
	out    []byte // the frame being written
	last   uint64 // number of the last request
}

// streamPool lends the call streams of a dialed connection. The peer bounds
// how many streams there are, so whoever finds none waits for what comes first:
// permission to open one more, or a stream that another call is done with.
type streamPool struct {
	mu      sync.Mutex
	idle    []*callStream // the last one was used last
	waiting []*waiter     // calls, first come first
	others  int           // bulk and raw streams that wait for permission
}

// waiter is a call without a stream.
type waiter struct {
	got    *callStream
	cancel context.CancelFunc // ends its wait for permission
}

// takeStream returns a stream for a call.
func (c *conn) takeStream(ctx context.Context) (*callStream, error) {
	p := &c.streams
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	qs, err := c.qc.OpenStream()
	if err == nil {
		return c.newCallStream(qs), nil
	}
	if _, full := errors.AsType[*quic.StreamLimitReachedError](err); !full {
		return nil, err
	}
	return c.awaitStream(ctx)
}

// awaitStream is takeStream when the peer allows no more streams for now.
func (c *conn) awaitStream(ctx context.Context) (*callStream, error) {
	p := &c.streams
	open, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &waiter{cancel: cancel}
	p.mu.Lock()
	if n := len(p.idle); n > 0 { // came back since takeStream looked
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.waiting = append(p.waiting, w)
	p.mu.Unlock()
	qs, err := c.qc.OpenStreamSync(open)
	p.mu.Lock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	got := w.got
	p.mu.Unlock()
	switch {
	case got == nil && err != nil:
		return nil, err
	case got == nil:
		return c.newCallStream(qs), nil
	case err == nil:
		c.putStream(c.newCallStream(qs)) // both came
	}
	return got, nil
}

// newCallStream wraps a stream that was opened for calls.
func (c *conn) newCallStream(qs *quic.Stream) *callStream {
	in := bufio.NewReaderSize(qs, 4096)
	return &callStream{qs: qs, frames: frameReader{r: in, bodyMax: c.e.cfg.BodyMax}}
}

// putStream hands a call stream on, keeps it for later, or ends it.
func (c *conn) putStream(s *callStream) {
	if cap(s.out) > bufferKeptMax {
		s.out = nil
	}
	p := &c.streams
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting) > 0:
		w := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		w.got = s
		w.cancel()
	case p.others == 0 && len(p.idle) < idleStreamsMax:
		p.idle = append(p.idle, s)
	default:
		s.end()
	}
}

// end closes a stream that no call is using.
func (s *callStream) end() {
	s.qs.CancelRead(wireDone)
	_ = s.qs.Close() // nothing is left to be sent
}

// openOther opens a stream for something else than calls. Idle call streams
// make room for it.
func (c *conn) openOther(ctx context.Context) (*quic.Stream, error) {
	qs, err := c.qc.OpenStream()
	if err == nil {
		return qs, nil
	}
	if _, full := errors.AsType[*quic.StreamLimitReachedError](err); !full {
		return nil, err
	}
	p := &c.streams
	p.mu.Lock()
	p.others++
	if n := len(p.idle); n > 0 {
		p.idle[n-1].end()
		p.idle = p.idle[:n-1]
	}
	p.mu.Unlock()
	qs, err = c.qc.OpenStreamSync(ctx)
	p.mu.Lock()
	p.others--
	p.mu.Unlock()
	return qs, err
}
