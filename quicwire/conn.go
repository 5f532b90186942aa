package quicwire

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// conn is a live connection, dialed or accepted.
type conn struct {
	e       *Endpoint
	qc      *quic.Conn
	service Service
	peer    Peer
	gone    atomic.Bool // a stream has found it lost

	mu      sync.Mutex
	used    time.Time // dialed only: when it was last asked for
	streams streamPool
}

// register makes a connection known, so that Close, Disconnect and the end of
// its certificate reach it. It reports false when the endpoint is closed or the
// peer was removed meanwhile; then the connection is closed.
func (e *Endpoint) register(c *conn, expires time.Time) bool {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		_ = c.qc.CloseWithError(wireDone, "endpoint closed") // always nil
		return false
	}
	e.conns[c] = struct{}{}
	e.windows.track(c.qc)
	e.mu.Unlock()
	// A connection must not outlive the proof of who is at its other end.
	timer := time.AfterFunc(time.Until(expires), func() {
		c.close(CodeUnavailable, "the certificate of the connection has expired")
	})
	context.AfterFunc(c.qc.Context(), func() {
		timer.Stop()
		e.windows.done(c.qc)
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.conns, c)
		for k, d := range e.dialed {
			if d == c {
				delete(e.dialed, k)
			}
		}
	})
	if c.peer.Node != 0 && e.cfg.Revoked(c.peer.Node) {
		c.close(CodeDenied, "the node was removed from the cluster")
		return false
	}
	return true
}

// close ends a connection and tells the peer why.
func (c *conn) close(code uint32, why string) {
	_ = c.qc.CloseWithError(quic.ApplicationErrorCode(wireCode(code)), why) // always nil
}

// alive reports whether the connection can be used, as far as is known.
func (c *conn) alive() bool { return !c.gone.Load() && c.qc.Context().Err() == nil }

// lost reports whether err means that the connection is lost and that a new one
// may serve. That it has come to an end, for whatever reason, is remembered:
// streams hear of it before the connection's context does, and whoever tries
// again at once must not get the same connection.
func (c *conn) lost(err error) bool {
	if ended(err) {
		c.gone.Store(true)
	}
	return lost(err)
}

// touch notes that a dialed connection is in demand.
func (c *conn) touch(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = now
}

// oldest returns the dialed connection that was asked for longest ago.
func oldest(dialed map[dialKey]*conn) *conn {
	all := make([]*conn, 0, len(dialed))
	for _, c := range dialed {
		all = append(all, c)
	}
	return slices.MinFunc(all, func(a, b *conn) int { return a.lastUsed().Compare(b.lastUsed()) })
}

// lastUsed returns when the connection was last asked for.
func (c *conn) lastUsed() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
