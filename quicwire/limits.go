package quicwire

import (
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// rate is a token bucket: limit a second, and a second's worth at once.
type rate struct {
	mu    sync.Mutex
	limit float64
	have  float64
	last  time.Time
}

// newRate returns a full bucket.
func newRate(limit int) *rate {
	return &rate{limit: float64(limit), have: float64(limit)}
}

// over takes a token and reports whether there was none.
func (r *rate) over(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() {
		r.have = min(r.limit, r.have+r.limit*now.Sub(r.last).Seconds())
	}
	r.last = now
	if r.have < 1 {
		return true
	}
	r.have--
	return false
}

// windows keeps the growth of all receive windows within a budget. Every
// connection has its initial window; a peer that wants more than that gets it
// while there is budget, so many peers that send and are not read cannot take
// all memory.
type windows struct {
	mu    sync.Mutex
	left  int64
	grown map[*quic.Conn]int64 // of live connections; done removes
}

// newWindows returns an unused budget.
func newWindows(budget int64) *windows {
	return &windows{left: budget, grown: map[*quic.Conn]int64{}}
}

// allow is quic.Config.AllowConnectionWindowIncrease.
func (w *windows) allow(c *quic.Conn, delta uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delta > connWindowMax || int64(delta) > w.left {
		return false
	}
	have, live := w.grown[c]
	if !live {
		return false
	}
	w.left -= int64(delta)
	w.grown[c] = have + int64(delta)
	return true
}

// track makes a connection eligible.
func (w *windows) track(c *quic.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grown[c] = 0
}

// done gives back what a connection had.
func (w *windows) done(c *quic.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left += w.grown[c]
	delete(w.grown, c)
}

// load counts what one node has open here.
type load struct {
	conns   int
	streams int
}

// loads counts per node; the zero node is everybody without a certificate.
type loads struct {
	mu sync.Mutex
	m  map[uint64]*load
}

// addConn counts a connection unless the node has limit already.
func (l *loads) addConn(node uint64, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.m[node]
	if p == nil {
		p = &load{}
		l.m[node] = p
	}
	if p.conns >= limit {
		return false
	}
	p.conns++
	return true
}

// addStream counts a stream of a node that has a connection, unless it has
// limit already.
func (l *loads) addStream(node uint64, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.m[node]
	if p == nil || p.streams >= limit {
		return false
	}
	p.streams++
	return true
}

// doneStream uncounts a stream.
func (l *loads) doneStream(node uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m[node].streams--
}

// doneConn uncounts a connection. Its streams are done before it.
func (l *loads) doneConn(node uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.m[node]
	p.conns--
	if p.conns == 0 && p.streams == 0 {
		delete(l.m, node)
	}
}
