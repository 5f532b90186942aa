package quicwire

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Target is whom to talk to.
type Target struct {
	Addr string // host:port of the peer's endpoint
	Node uint64 // who must be there; 0: any node of the cluster with the service's role

	// Lane separates connections to one service of one peer, 0 to 3: bulk
	// transfers in several lanes use several cores.
	Lane uint8

	// Pin is the SHA-256 of the cluster's CA, from a join token. It is for
	// ServiceJoin, and needed there by an endpoint without credentials.
	Pin [sha256.Size]byte
}

// lanesMax bounds Target.Lane.
const lanesMax = 4

// dialedMax bounds the connections that are kept open by this side; the one
// that was not asked for longest makes room.
const dialedMax = 1024

// dialKey names a connection or an attempt at one. In Endpoint.dialed node is
// always 0: there is one connection for an address and service, whoever asks.
type dialKey struct {
	addr    string
	service Service
	lane    uint8
	pin     [sha256.Size]byte
	node    uint64
}

// dialing is an attempt that several callers may wait for.
type dialing struct {
	done chan struct{} // closed when c and err are final
	c    *conn
	err  error
}

// connect returns a live connection to the target, dialing it if there is none;
// fresh reports that it did not exist when it was asked for. The error says
// that nothing was executed, or is of ctx.
func (e *Endpoint) connect(ctx context.Context, t Target, s Service) (c *conn, fresh bool, err error) {
	if t.Lane >= lanesMax || (t.Pin != [sha256.Size]byte{} && s != ServiceJoin) {
		return nil, false, errorf(CodeInvalid, "target %s: lane %d, pinned for %s", t.Addr, t.Lane, s)
	}
	key := dialKey{addr: t.Addr, service: s, lane: t.Lane, pin: t.Pin}
	attempt := key
	attempt.node = t.Node
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, false, errClosed()
	}
	if c := e.dialed[key]; c != nil && c.alive() && (t.Node == 0 || t.Node == c.peer.Node) {
		e.mu.Unlock()
		c.touch(time.Now())
		return c, false, nil
	}
	d := e.dials[attempt]
	if d == nil {
		if len(e.dials) >= dialedMax {
			e.mu.Unlock()
			return nil, false, errorf(CodeBusy, "too many connections are being dialed")
		}
		d = &dialing{done: make(chan struct{})}
		e.dials[attempt] = d
		e.wg.Go(func() { e.runDial(d, t, key, attempt) })
	}
	e.mu.Unlock()
	select {
	case <-d.done:
		return d.c, true, d.err
	case <-ctx.Done():
		return nil, true, fromQUIC(ctx.Err())
	}
}

// runDial finishes an attempt. It does not depend on the caller that began it,
// because others may be waiting too.
func (e *Endpoint) runDial(d *dialing, t Target, key, attempt dialKey) {
	ctx, cancel := context.WithTimeout(e.base, 2*e.cfg.HandshakeTimeout)
	defer cancel()
	d.c, d.err = e.dial(ctx, t, key.service)
	var spare *conn
	e.mu.Lock()
	delete(e.dials, attempt)
	if d.err == nil && d.c.alive() {
		old := e.dialed[key]
		switch {
		case old != nil && old.alive() && old.peer.Node == d.c.peer.Node:
			// Another attempt, with another expectation, was faster.
			d.c, spare = old, d.c
		case old != nil:
			// The address is another node's now. The old connection may still be
			// in use; it ends by itself, as its peer is not there any more.
			e.dialed[key] = d.c
		case len(e.dialed) >= dialedMax:
			spare = oldest(e.dialed)
			e.dialed[key] = d.c
		default:
			e.dialed[key] = d.c
		}
	}
	e.mu.Unlock()
	close(d.done)
	if spare != nil {
		_ = spare.qc.CloseWithError(wireDone, "no longer used") // always nil
	}
}

// dial makes one connection.
func (e *Endpoint) dial(ctx context.Context, t Target, s Service) (*conn, error) {
	addr, err := e.resolve(ctx, t.Addr)
	if err != nil {
		return nil, errorf(CodeUnavailable, "dial %s: %w", t.Addr, err)
	}
	cfg, err := e.dialTLS(t, s)
	if err != nil {
		return nil, errorf(CodeDenied, "dial %s: %w", t.Addr, err)
	}
	qc, err := e.transport.Dial(ctx, addr, cfg, e.quicConfig(-1))
	if err != nil {
		we := fromQUIC(err)
		if we.Code == CodeTimeout || we.Code == CodeCanceled { // ours; callers look at their own contexts
			we.Code = CodeUnavailable
		}
		we.Msg = fmt.Sprintf("dial %s for %s: %s", t.Addr, s, we.Msg)
		return nil, we
	}
	leaf := qc.ConnectionState().TLS.PeerCertificates[0] // checked by VerifyConnection
	id, err := ParseIdentity(leaf)
	if err != nil {
		_ = qc.CloseWithError(wireDone, "") // always nil
		return nil, errorf(CodeDenied, "dial %s: %w", t.Addr, err)
	}
	c := &conn{e: e, qc: qc, service: s, peer: Peer{Identity: id, Addr: qc.RemoteAddr()}, used: time.Now()}
	if !e.register(c, leaf.NotAfter) {
		return nil, errClosed()
	}
	return c, nil
}

// dialTLS returns the configuration of one outgoing handshake.
func (e *Endpoint) dialTLS(t Target, s Service) (*tls.Config, error) {
	want := expect{
		usage:   x509.ExtKeyUsageServerAuth,
		node:    t.Node,
		roles:   e.cfg.ServerRoles(s),
		revoked: e.cfg.Revoked,
	}
	creds := e.cfg.Credentials()
	pinned := t.Pin != [sha256.Size]byte{}
	switch {
	case pinned:
	case creds == nil:
		return nil, errors.New("this node has no certificate yet and no token names the cluster")
	default:
		want.pool, want.cluster = creds.pool, creds.id.Cluster
	}
	cfg := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{string(s)},
		ServerName:             "ken", // not looked at; keeps addresses out of the handshake
		InsecureSkipVerify:     true,  // nodes have no DNS names: VerifyConnection checks all there is
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			w := want
			if pinned {
				pool, err := pinnedPool(t.Pin, cs.PeerCertificates)
				if err != nil {
					return err
				}
				w.pool = pool
			}
			_, err := w.check(cs.PeerCertificates)
			return err
		},
	}
	if creds != nil && s != ServiceJoin {
		chain := creds.chain()
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &chain, nil }
	}
	return cfg, nil
}

// resolve returns an address that this endpoint's socket can send to.
func (e *Endpoint) resolve(ctx context.Context, hostport string) (*net.UDPAddr, error) {
	if ap, err := netip.ParseAddrPort(hostport); err == nil {
		return net.UDPAddrFromAddrPort(ap), nil
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %.10q: %w", port, err)
	}
	network := "ip"
	if local, ok := e.Addr().(*net.UDPAddr); ok && local.IP.To4() != nil {
		network = "ip4"
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ips[0].Unmap(), uint16(p))), nil
}
