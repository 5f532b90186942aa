package quicwire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"net/url"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// wantCode checks the code of an error.
func wantCode(t *testing.T, what string, err error, code uint32) *quicwire.Error {
	t.Helper()
	var e *quicwire.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: got %v (%#v), want code %d", what, err, e, code)
		return &quicwire.Error{}
	}
	return e
}

// The numbers are metadata's, which quicwire does not import.
func TestCodesAreKinds(t *testing.T) {
	for code, kind := range map[uint32]metadata.Kind{
		quicwire.CodeInternal: metadata.KindInternal, quicwire.CodeInvalid: metadata.KindInvalid,
		quicwire.CodeDenied: metadata.KindDenied, quicwire.CodeTooLarge: metadata.KindTooLarge,
		quicwire.CodeUnavailable: metadata.KindUnavailable, quicwire.CodeTimeout: metadata.KindTimeout,
		quicwire.CodeBusy: metadata.KindBusy, quicwire.CodeCanceled: metadata.KindCanceled,
		quicwire.CodeUnsupported: metadata.KindUnsupported,
	} {
		if code != uint32(kind) {
			t.Errorf("code %d is kind %d (%v)", code, kind, kind)
		}
	}
}

// forged makes certificates for one key that belong together or not.
type forged struct {
	t     *testing.T
	c     *wiretest.Cluster
	other *wiretest.Cluster
	key   *ecdsa.PrivateKey
}

// credentials wraps a certificate of any content; Cert and Key are not checked.
func (f *forged) credentials(ca *quicwire.CA, id quicwire.Identity, change func(*x509.Certificate)) *quicwire.Credentials {
	f.t.Helper()
	cert, err := quicwire.SignTemplate(ca, f.key.Public(), id, change)
	if err != nil {
		f.t.Fatal(err)
	}
	good := *f.c.Credentials(id.Node, "client")
	good.Cert, good.Key = cert, f.key
	return &good
}

// credentialMatrix is every certificate that must be refused.
func (f *forged) credentialMatrix(role string) map[string]*quicwire.Credentials {
	id := quicwire.Identity{Cluster: "test", Node: 5, Roles: []string{role}}
	same := func(*x509.Certificate) {}
	with := func(change func(*quicwire.Identity)) quicwire.Identity {
		v := id
		change(&v)
		return v
	}
	return map[string]*quicwire.Credentials{
		"other CA":      f.credentials(f.other.CA, id, same),
		"self-signed":   f.credentials(&quicwire.CA{Cert: f.selfSigned(), Key: f.key}, id, same),
		"expired":       f.credentials(f.c.CA, id, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"not yet valid": f.credentials(f.c.CA, id, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
		"wrong role":    f.credentials(f.c.CA, with(func(v *quicwire.Identity) { v.Roles = []string{"admin"} }), same),
		"wrong cluster": f.credentials(f.c.CA, with(func(v *quicwire.Identity) { v.Cluster = "prod" }), same),
		"revoked":       f.credentials(f.c.CA, with(func(v *quicwire.Identity) { v.Node = 66 }), same),
		"no URI":        f.credentials(f.c.CA, id, func(c *x509.Certificate) { c.URIs = nil }),
		"two URIs":      f.credentials(f.c.CA, id, func(c *x509.Certificate) { c.URIs = append(c.URIs, c.URIs[0]) }),
		"web server": f.credentials(f.c.CA, id, func(c *x509.Certificate) {
			c.URIs = []*url.URL{{Scheme: "https", Host: "test"}}
			c.DNSNames = []string{"test"}
		}),
		"no usage": f.credentials(f.c.CA, id, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}),
	}
}

// selfSigned returns a certificate that the node made itself.
func (f *forged) selfSigned() *x509.Certificate {
	t := *f.c.CA.Cert
	t.PublicKey = f.key.Public()
	return &t
}

// newForged returns a forger.
func newForged(t *testing.T) *forged {
	key, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &forged{t: t, c: wiretest.NewCluster(t), other: wiretest.NewCluster(t), key: key}
}

func TestServerRefusesClients(t *testing.T) {
	f := newForged(t)
	called := make(chan string, 100)
	cfg := f.c.Config(1, "nameserver")
	cfg.Revoked = func(node uint64) bool { return node == 66 }
	server := f.c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"webdav", "client"}, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(_ context.Context, p quicwire.Peer, _ []byte) ([]byte, error) {
			called <- p.String()
			return nil, nil
		},
	}})
	f.c.Start(server)
	matrix := f.credentialMatrix("webdav")
	id := quicwire.Identity{Cluster: "test", Node: 5, Roles: []string{"webdav"}}
	matrix["server only"] = f.credentials(f.c.CA, id, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	for name, creds := range matrix {
		t.Run(name, func(t *testing.T) {
			cfg := f.c.Config(5, "webdav")
			cfg.Credentials = func() *quicwire.Credentials { return creds }
			_, err := f.c.OpenConfig(cfg).Call(testContext(t), wiretest.Target(server, 1), quicwire.ServiceMeta, 1, nil)
			wantCode(t, name, err, quicwire.CodeDenied)
		})
	}
	select {
	case who := <-called:
		t.Errorf("the handler was called by %s", who)
	default:
	}
	if _, err := f.c.Open(5, "webdav").Call(testContext(t), wiretest.Target(server, 1), quicwire.ServiceMeta, 1, nil); err != nil {
		t.Errorf("a good certificate: %v", err)
	}
	if who := <-called; who != "ken://test/node/5?roles=webdav" {
		t.Errorf("the handler was called by %s", who)
	}
}

func TestClientRefusesServers(t *testing.T) {
	f := newForged(t)
	matrix := f.credentialMatrix("nameserver")
	id := quicwire.Identity{Cluster: "test", Node: 5, Roles: []string{"nameserver"}}
	matrix["client only"] = f.credentials(f.c.CA, id, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	matrix["wrong node"] = f.credentials(f.c.CA, quicwire.Identity{Cluster: "test", Node: 6, Roles: id.Roles}, func(*x509.Certificate) {})
	for name, creds := range matrix {
		t.Run(name, func(t *testing.T) {
			cfg := f.c.Config(5, "nameserver")
			cfg.Credentials = func() *quicwire.Credentials { return creds }
			server := f.c.OpenConfig(cfg)
			server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
			f.c.Start(server)
			ccfg := f.c.Config(2, "client")
			ccfg.Revoked = func(node uint64) bool { return node == 66 }
			to := wiretest.Target(server, 5)
			if name == "revoked" {
				to.Node = 66
			}
			_, err := f.c.OpenConfig(ccfg).Call(testContext(t), to, quicwire.ServiceMeta, methodEcho, []byte("secret"))
			wantCode(t, name, err, quicwire.CodeDenied)
		})
	}
}

func TestNoCertificate(t *testing.T) {
	server, _, to := pair(t)
	c := wiretest.NewCluster(t)
	joiner := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	_, err := joiner.Call(testContext(t), to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "call without credentials", err, quicwire.CodeDenied)
	_, err = joiner.Call(testContext(t), quicwire.Target{Addr: to.Addr, Pin: quicwire.Hash(c.CA.Cert)}, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "pinned call of another service", err, quicwire.CodeInvalid)
	_, err = joiner.Call(testContext(t), quicwire.Target{Addr: to.Addr, Pin: quicwire.Hash(c.CA.Cert)}, quicwire.ServiceJoin, methodEcho, nil)
	wantCode(t, "a service that the server does not have", err, quicwire.CodeUnsupported)
	// A server that has no certificate yet is not there yet.
	early := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	early.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(early)
	_, err = c.Open(2, "client").Call(testContext(t), wiretest.Target(early, 1), quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "a server without credentials", err, quicwire.CodeUnavailable)
	if got := server.Addr().String(); got != to.Addr {
		t.Errorf("Addr = %s, want %s", got, to.Addr)
	}
}

func TestRenewedCredentials(t *testing.T) {
	c := wiretest.NewCluster(t)
	next := wiretest.NewCluster(t) // the same cluster name under a new CA
	cfg := c.Config(1, "nameserver")
	current := make(chan *quicwire.Credentials, 1)
	current <- c.Credentials(1, "nameserver")
	cfg.Credentials = func() *quicwire.Credentials {
		v := <-current
		current <- v
		return v
	}
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	ctx, to := testContext(t), wiretest.Target(server, 1)
	old, fresh := c.Open(2, "client"), next.Open(3, "client")
	if _, err := old.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Fatal(err)
	}
	_, err := fresh.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "before the renewal", err, quicwire.CodeDenied)
	<-current
	current <- next.Credentials(1, "nameserver")
	if _, err := fresh.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("after the renewal: %v", err)
	}
	if _, err := old.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("a live connection during the renewal: %v", err)
	}
}

func TestConnectionEndsWithCertificate(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	key, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	id := quicwire.Identity{Cluster: "test", Node: 2, Roles: []string{"client"}}
	// Certificates count whole seconds.
	cert, err := quicwire.SignLeaf(c.CA, &key.PublicKey, id, time.Now().Add(-time.Minute), time.Now().Add(1500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	creds, err := quicwire.NewCredentials(cert, key, c.CA.Cert)
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.Config(2, "client")
	cfg.Credentials = func() *quicwire.Credentials { return creds }
	client := c.OpenConfig(cfg)
	ctx, to := testContext(t), wiretest.Target(server, 1)
	_, err = client.Call(ctx, to, quicwire.ServiceMeta, methodHang, nil)
	if e := wantCode(t, "call beyond the certificate", err, quicwire.CodeUnavailable); !e.Remote {
		t.Errorf("error is not the server's: %v", err)
	}
	_, err = client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "call after the certificate", err, quicwire.CodeDenied)
}

func TestDisconnect(t *testing.T) {
	c := wiretest.NewCluster(t)
	revoked := make(chan struct{})
	isRevoked := func(node uint64) bool {
		select {
		case <-revoked:
			return node == 2
		default:
			return false
		}
	}
	cfg := c.Config(1, "nameserver")
	cfg.Revoked = isRevoked
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	client, other := c.Open(2, "client"), c.Open(3, "client")
	ctx, to := testContext(t), wiretest.Target(server, 1)
	s, err := client.OpenStream(ctx, to, quicwire.ServiceMeta, methodUpload, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, e := range []*quicwire.Endpoint{client, other} {
		if _, err := e.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
			t.Fatal(err)
		}
	}
	close(revoked)
	server.Disconnect(2)
	_, err = s.ReadReply()
	wantCode(t, "live stream of a removed node", err, quicwire.CodeDenied)
	_, err = client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "call of a removed node", err, quicwire.CodeDenied)
	if _, err := other.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("call of another node: %v", err)
	}
}
