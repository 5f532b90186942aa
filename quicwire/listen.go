package quicwire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// Bounds of connections without a certificate.
const (
	joinStreamsMax  = 4
	joinLifetimeMax = time.Minute
)

// admit counts an incoming connection before its handshake, or refuses it.
func (e *Endpoint) admit(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	if e.incoming.Add(1) > int64(e.cfg.MaxConns) {
		e.incoming.Add(-1)
		return nil, errors.New("too many connections")
	}
	context.AfterFunc(ctx, func() { e.incoming.Add(-1) })
	return ctx, nil
}

// serverTLS returns the listener's configuration. The one that counts is made
// for every handshake: the service decides who may come.
func (e *Endpoint) serverTLS() *tls.Config {
	protos := make([]string, 0, len(e.services))
	for s := range e.services {
		protos = append(protos, string(s))
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protos,
		SessionTicketsDisabled: true,
		GetConfigForClient:     e.tlsForClient,
	}
}

// tlsForClient returns the configuration of one incoming handshake.
func (e *Endpoint) tlsForClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if len(hello.SupportedProtos) != 1 {
		return nil, errors.New("want one service")
	}
	sv := e.services[Service(hello.SupportedProtos[0])]
	if sv == nil {
		return nil, nil // the listener's own protocols do not match either: the alert says so
	}
	creds := e.cfg.Credentials()
	if creds == nil {
		return nil, errors.New("no certificate yet")
	}
	cfg := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{string(sv.name)},
		Certificates:           []tls.Certificate{creds.chain()},
		SessionTicketsDisabled: true,
	}
	if sv.name == ServiceJoin {
		return cfg, nil
	}
	want := expect{
		pool:    creds.pool,
		usage:   x509.ExtKeyUsageClientAuth,
		cluster: creds.id.Cluster,
		roles:   sv.allow,
		revoked: e.cfg.Revoked,
	}
	cfg.ClientAuth = tls.RequireAnyClientCert // VerifyConnection checks it
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		_, err := want.check(cs.PeerCertificates)
		if err != nil && !e.refusals.over(time.Now()) {
			e.cfg.Logger.Warn("peer refused", "service", sv.name, "addr", hello.Conn.RemoteAddr(), "err", err)
		}
		return err
	}
	return cfg, nil
}

// acceptLoop serves incoming connections until the listener is closed.
func (e *Endpoint) acceptLoop(l *quic.Listener) {
	for {
		qc, err := l.Accept(e.base)
		if err != nil {
			return
		}
		e.mu.Lock()
		if !e.closed {
			e.wg.Go(func() { e.serveConn(qc) })
		}
		e.mu.Unlock()
	}
}

// serveConn serves one incoming connection and returns when all its streams
// are done.
func (e *Endpoint) serveConn(qc *quic.Conn) {
	c, expires, err := e.accepted(qc)
	if err != nil {
		_ = qc.CloseWithError(quic.ApplicationErrorCode(wireCode(CodeDenied)), err.Error()) // always nil
		return
	}
	connsMax, streamsMax := e.cfg.MaxConnsPerPeer, e.cfg.MaxStreamsPerPeer
	if c.peer.Node == 0 {
		connsMax, streamsMax = e.cfg.MaxJoins, joinStreamsMax*e.cfg.MaxJoins
	}
	if !e.loads.addConn(c.peer.Node, connsMax) {
		c.close(CodeBusy, "too many connections of this node")
		return
	}
	defer e.loads.doneConn(c.peer.Node)
	if !e.register(c, expires) {
		return
	}
	sv := e.services[c.service]
	var streams sync.WaitGroup
	defer streams.Wait()
	for {
		qs, err := qc.AcceptStream(e.base)
		if err != nil {
			return
		}
		if !e.loads.addStream(c.peer.Node, streamsMax) {
			qs.CancelRead(wireRefused)
			qs.CancelWrite(wireRefused)
			continue
		}
		streams.Go(func() {
			defer e.loads.doneStream(c.peer.Node)
			c.serveStream(sv, qs)
		})
	}
}

// accepted makes a conn of an accepted connection, and says until when it may
// live.
func (e *Endpoint) accepted(qc *quic.Conn) (*conn, time.Time, error) {
	state := qc.ConnectionState().TLS
	c := &conn{e: e, qc: qc, service: Service(state.NegotiatedProtocol), peer: Peer{Addr: qc.RemoteAddr()}}
	if c.service == ServiceJoin {
		return c, time.Now().Add(joinLifetimeMax), nil
	}
	if len(state.PeerCertificates) == 0 {
		return nil, time.Time{}, errors.New("no certificate")
	}
	id, err := ParseIdentity(state.PeerCertificates[0])
	if err != nil {
		return nil, time.Time{}, err
	}
	c.peer.Identity = id
	return c, state.PeerCertificates[0].NotAfter, nil
}
