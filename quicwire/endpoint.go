package quicwire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// CallFunc answers a call. req is the handler's own; ctx ends when the caller
// gives up, its deadline passes or the connection is lost. An error goes back
// through Config.ErrorCode.
type CallFunc func(ctx context.Context, p Peer, req []byte) (resp []byte, err error)

// StreamFunc serves a bulk stream: req is the request frame, then s carries raw
// bytes both ways. s is valid until the function returns. See Stream for how a
// bulk stream ends. After s.CloseWrite a reset by the caller ends reads but no
// longer ctx.
type StreamFunc func(ctx context.Context, p Peer, req []byte, s *Stream) error

// RawFunc serves a raw stream. It owns s: the stream stays open after it
// returns, until s.Close. ctx ends with the stream or connection.
type RawFunc func(ctx context.Context, p Peer, s *Stream)

// Handler is what a service does with each kind of stream. A nil Raw refuses
// raw streams.
type Handler struct {
	Calls   map[uint32]CallFunc
	Streams map[uint32]StreamFunc
	Raw     RawFunc
}

// service is a registered Handler.
type service struct {
	name  Service
	allow []string
	Handler
}

// Endpoint is one UDP socket with everything that this process says and hears
// on it. All methods but Handle may be called concurrently.
type Endpoint struct {
	cfg       Config
	transport quic.Transport
	socket    net.PacketConn
	base      context.Context // ends in Close
	stop      context.CancelFunc
	services  map[Service]*service // fixed after Start

	handshakes *rate
	refusals   *rate // log lines about them
	windows    *windows
	loads      loads
	incoming   atomic.Int64 // connections and handshakes

	mu       sync.Mutex
	started  bool
	closed   bool
	listener *quic.Listener
	conns    map[*conn]struct{} // live, both directions
	dialed   map[dialKey]*conn  // live, to be used for further calls
	dials    map[dialKey]*dialing
	wg       sync.WaitGroup // every goroutine; Add only under mu and !closed
}

// refusalLinesMax bounds the log lines a second about refused peers.
const refusalLinesMax = 5

// Open binds the socket. Calls can be made at once; Start begins to serve.
func Open(cfg Config) (*Endpoint, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	socket := cfg.Conn
	if socket == nil {
		addr, err := net.ResolveUDPAddr("udp", cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("quicwire: listen address: %w", err)
		}
		if socket, err = net.ListenUDP("udp", addr); err != nil {
			return nil, fmt.Errorf("quicwire: listen: %w", err)
		}
	}
	socket = tuneSocket(socket, !cfg.DisableGRO, cfg.Logger)
	e := &Endpoint{
		cfg:        cfg,
		socket:     socket,
		services:   map[Service]*service{},
		handshakes: newRate(cfg.HandshakeRate),
		refusals:   newRate(refusalLinesMax),
		windows:    newWindows(cfg.WindowBudget),
		loads:      loads{m: map[uint64]*load{}},
		conns:      map[*conn]struct{}{},
		dialed:     map[dialKey]*conn{},
		dials:      map[dialKey]*dialing{},
	}
	e.base, e.stop = context.WithCancel(context.Background())
	e.transport.Conn = socket
	e.transport.ConnectionIDLength = 8
	e.transport.VerifySourceAddress = func(net.Addr) bool { return e.handshakes.over(time.Now()) }
	e.transport.ConnContext = e.admit
	if cfg.ResetKey != [32]byte{} {
		key := quic.StatelessResetKey(cfg.ResetKey)
		e.transport.StatelessResetKey = &key
	}
	return e, nil
}

// Addr returns the bound address.
func (e *Endpoint) Addr() net.Addr { return e.socket.LocalAddr() }

// Handle registers a service before Start. Peers need one of the roles in
// allow, except those of ServiceJoin, which show no certificate at all. It
// panics when called after Start or twice for a service: both are defects of
// the program, seen in its first run.
func (e *Endpoint) Handle(s Service, allow []string, h Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || e.services[s] != nil {
		panic(fmt.Sprintf("quicwire: Handle(%s) after Start or twice", s))
	}
	e.services[s] = &service{name: s, allow: allow, Handler: h}
}

// Start begins to accept connections, if there are services. It may be called
// once.
func (e *Endpoint) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || e.closed {
		return errors.New("quicwire: started or closed already")
	}
	e.started = true
	if len(e.services) == 0 {
		return nil
	}
	l, err := e.transport.Listen(e.serverTLS(), e.quicConfig(int64(e.cfg.MaxStreams)))
	if err != nil {
		return fmt.Errorf("quicwire: listen: %w", err)
	}
	e.listener = l
	e.wg.Go(func() { e.acceptLoop(l) })
	return nil
}

// Disconnect closes all live connections with a node, in both directions.
// Call it when the node was removed, after Config.Revoked knows; requests in
// flight fail with CodeTimeout, new ones with CodeDenied.
func (e *Endpoint) Disconnect(node uint64) {
	e.mu.Lock()
	var gone []*conn
	for c := range e.conns {
		if c.peer.Node == node && node != 0 {
			gone = append(gone, c)
		}
	}
	e.mu.Unlock()
	for _, c := range gone {
		c.close(CodeDenied, "the node was removed from the cluster")
	}
}

// Close ends all connections, waits for all handlers and closes the socket.
// Peers are told, so they need not wait for a timeout.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	l := e.listener
	live := make([]*conn, 0, len(e.conns))
	for c := range e.conns {
		live = append(live, c)
	}
	e.mu.Unlock()
	e.stop()
	if l != nil {
		_ = l.Close() // always nil
	}
	var wg sync.WaitGroup
	for _, c := range live {
		wg.Go(func() { _ = c.qc.CloseWithError(wireDone, "endpoint closed") }) // always nil
	}
	wg.Wait()
	err := e.transport.Close()
	e.wg.Wait()
	return errors.Join(err, ignoreClosed(e.socket.Close()))
}

// ignoreClosed hides that somebody closed the socket before.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// errClosed is the answer to everything after Close.
func errClosed() *Error {
	return &Error{Code: CodeUnavailable, Msg: "endpoint closed", err: net.ErrClosed}
}
