// Package wiretest makes quicwire endpoints for tests: a cluster with its own
// CA, and nodes on loopback with certificates.
//
//	c := wiretest.NewCluster(t)
//	server := c.Open(1, "nameserver")
//	server.Handle(quicwire.ServiceMeta, []string{"client"}, quicwire.Handler{…})
//	c.Start(server)
//	client := c.Open(2, "client")
//	client.Call(ctx, wiretest.Target(server, 1), quicwire.ServiceMeta, 1, nil)
//
// An endpoint is closed when its test ends. Nothing is shared between
// clusters, so tests may run in parallel. Making a cluster costs about a
// millisecond; an endpoint costs a UDP socket.
//
// Timeouts are shorter than in production (a dead peer is noticed after two
// seconds); a test that needs others changes the Config and calls OpenConfig.
package wiretest

import (
	"crypto/sha256"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"kendfs/quicwire"
)

// Cluster is a CA and the test that it is for.
type Cluster struct {
	Name string
	CA   *quicwire.CA
	t    testing.TB
}

// NewCluster makes a cluster named "test".
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	ca, err := quicwire.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{Name: "test", CA: ca, t: t}
}

// Credentials returns a fresh key and certificate for a node.
func (c *Cluster) Credentials(node uint64, roles ...string) *quicwire.Credentials {
	c.t.Helper()
	key, err := quicwire.NewKey()
	if err != nil {
		c.t.Fatal(err)
	}
	csr, err := quicwire.NewCSR(key)
	if err != nil {
		c.t.Fatal(err)
	}
	id := quicwire.Identity{Cluster: c.Name, Node: node, Roles: roles}
	cert, err := quicwire.SignCSR(c.CA, csr, id, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	creds, err := quicwire.NewCredentials(cert, key, c.CA.Cert)
	if err != nil {
		c.t.Fatal(err)
	}
	return creds
}

// Config returns the configuration of a node on a free loopback port.
func (c *Cluster) Config(node uint64, roles ...string) quicwire.Config {
	c.t.Helper()
	creds := c.Credentials(node, roles...)
	return quicwire.Config{
		Listen:           "127.0.0.1:0",
		Credentials:      func() *quicwire.Credentials { return creds },
		ResetKey:         sha256.Sum256(binary.BigEndian.AppendUint64([]byte(c.Name), node)),
		IdleTimeout:      2 * time.Second,
		KeepAlive:        500 * time.Millisecond,
		HandshakeTimeout: time.Second,
	}
}

// Open opens a node's endpoint; Handle may be called before Start.
func (c *Cluster) Open(node uint64, roles ...string) *quicwire.Endpoint {
	c.t.Helper()
	return c.OpenConfig(c.Config(node, roles...))
}

// OpenConfig opens an endpoint and closes it when the test ends.
func (c *Cluster) OpenConfig(cfg quicwire.Config) *quicwire.Endpoint {
	c.t.Helper()
	e, err := quicwire.Open(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := e.Close(); err != nil {
			c.t.Errorf("close endpoint: %v", err)
		}
	})
	return e
}

// Start starts an endpoint.
func (c *Cluster) Start(e *quicwire.Endpoint) {
	c.t.Helper()
	if err := e.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// Target returns where a node's endpoint can be called.
func Target(e *quicwire.Endpoint, node uint64) quicwire.Target {
	return quicwire.Target{Addr: e.Addr().String(), Node: node}
}

// Crash ends an endpoint as kill -9 does: peers hear nothing. cfg.Conn must
// have been set, see Socket.
func Crash(e *quicwire.Endpoint, socket net.PacketConn) {
	_ = socket.Close() // the point of it
	_ = e.Close()      // reports the closed socket
}

// Socket binds a UDP socket on loopback for Config.Conn. addr "127.0.0.1:0" is
// a free port; an earlier address binds it again, as a restarted process does.
func Socket(t testing.TB, addr string) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return pc
}
