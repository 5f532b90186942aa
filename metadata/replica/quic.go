package replica

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/quicwire"
)

// acceptQueue bounds streams that peers opened and raft has not taken yet.
const acceptQueue = 64

// quicLayer is the StreamLayer over an endpoint: each of raft's connections is
// one raw stream of ServiceRaft.
type quicLayer struct {
	endpoint *quicwire.Endpoint
	accept   chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

var _ StreamLayer = (*quicLayer)(nil)

// listenQUIC registers ServiceRaft on an endpoint that has not been started.
// Only nameservers are let in.
func listenQUIC(e *quicwire.Endpoint) *quicLayer {
	l := &quicLayer{endpoint: e, accept: make(chan net.Conn, acceptQueue), closed: make(chan struct{})}
	e.Handle(quicwire.ServiceRaft, []string{metadata.NodeNameserver}, quicwire.Handler{Raw: l.serve})
	return l
}

// serve passes a stream to raft, which owns it from then on.
func (l *quicLayer) serve(_ context.Context, _ quicwire.Peer, s *quicwire.Stream) {
	select {
	case <-l.closed:
		_ = s.Close() // a stream that nobody used
		return
	default:
	}
	select {
	case l.accept <- s:
	default:
		_ = s.Close() // as above; the peer tries again
	}
}

// Accept implements net.Listener.
func (l *quicLayer) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The endpoint stays open.
func (l *quicLayer) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *quicLayer) Addr() net.Addr { return l.endpoint.Addr() }

// Dial connects to the nameserver in addr and insists on its certificate.
func (l *quicLayer) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, hostport, err := parsePeerAddress(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := timeoutContext(timeout)
	defer cancel()
	return l.endpoint.OpenRaw(ctx, quicwire.Target{Addr: hostport, Node: uint64(id)}, quicwire.ServiceRaft)
}
