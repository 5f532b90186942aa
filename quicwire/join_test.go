package quicwire_test

import (
	"context"
	"testing"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// joinServer starts a node that enrols; every request goes to seen.
func joinServer(c *wiretest.Cluster, seen chan string, roles ...string) *quicwire.Endpoint {
	e := c.Open(1, roles...)
	e.Handle(quicwire.ServiceJoin, nil, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(_ context.Context, p quicwire.Peer, req []byte) ([]byte, error) {
			if p.Node != 0 || p.Cluster != "" || p.Roles != nil {
				return nil, &quicwire.Error{Code: quicwire.CodeInternal, Msg: "who vouched for " + p.String()}
			}
			seen <- string(req)
			return []byte("welcome"), nil
		},
	}})
	e.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(e)
	return e
}

// token returns one for a cluster.
func token(c *wiretest.Cluster, addrs ...string) quicwire.Token {
	return quicwire.Token{Addrs: addrs, CA: quicwire.Hash(c.CA.Cert), ID: "t", Secret: make([]byte, 16)}
}

func TestJoin(t *testing.T) {
	c := wiretest.NewCluster(t)
	seen := make(chan string, 10)
	server := joinServer(c, seen, "nameserver")
	joiner := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	resp, err := joiner.Join(testContext(t), token(c, server.Addr().String()), 1, []byte("secret"))
	if err != nil || string(resp) != "welcome" {
		t.Fatalf("Join = %q, %v", resp, err)
	}
	if got := <-seen; got != "secret" {
		t.Errorf("the server saw %q", got)
	}
	// A node that has credentials joins like one that has none.
	if _, err := c.Open(9, "client").Join(testContext(t), token(c, server.Addr().String()), 1, nil); err != nil {
		t.Errorf("Join of a member: %v", err)
	}
	_, err = joiner.Join(testContext(t), token(c, server.Addr().String()), 1, make([]byte, 64<<10))
	wantCode(t, "a large request of a stranger", err, quicwire.CodeTooLarge)
}

// Nobody but a nameserver of the token's cluster hears the secret.
func TestJoinImpostors(t *testing.T) {
	c, evil := wiretest.NewCluster(t), wiretest.NewCluster(t)
	seen := make(chan string, 10)
	otherCA := joinServer(evil, seen, "nameserver")
	wrongRole := joinServer(c, seen, "datanode")
	// Its own certificate, and the true CA beside it.
	cfg := evil.Config(1, "nameserver")
	both := *cfg.Credentials()
	both.CAs = append(both.CAs[:0:0], c.CA.Cert)
	cfg.Credentials = func() *quicwire.Credentials { return &both }
	shows := evil.OpenConfig(cfg)
	shows.Handle(quicwire.ServiceJoin, nil, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(_ context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
			seen <- string(req)
			return nil, nil
		},
	}})
	evil.Start(shows)
	joiner := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	for name, e := range map[string]*quicwire.Endpoint{"other CA": otherCA, "wrong role": wrongRole, "borrowed CA": shows} {
		_, err := joiner.Join(testContext(t), token(c, e.Addr().String()), 1, []byte("secret"))
		wantCode(t, name, err, quicwire.CodeDenied)
	}
	select {
	case got := <-seen:
		t.Errorf("an impostor saw %q", got)
	default:
	}
	// The honest one is found behind them.
	honest := joinServer(c, seen, "nameserver")
	addrs := []string{otherCA.Addr().String(), wrongRole.Addr().String(), honest.Addr().String()}
	if _, err := joiner.Join(testContext(t), token(c, addrs...), 1, []byte("secret")); err != nil {
		t.Errorf("Join: %v", err)
	}
	_, err := joiner.Join(testContext(t), quicwire.Token{}, 1, nil)
	wantCode(t, "an empty token", err, quicwire.CodeInvalid)
}

// A joiner gets a certificate and uses it on the same endpoint.
func TestJoinThenCall(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := joinServer(c, make(chan string, 10), "nameserver")
	current := make(chan *quicwire.Credentials, 1)
	current <- nil
	joiner := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0", Credentials: func() *quicwire.Credentials {
		v := <-current
		current <- v
		return v
	}})
	ctx, to := testContext(t), wiretest.Target(server, 1)
	_, err := joiner.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "before", err, quicwire.CodeDenied)
	if _, err := joiner.Join(ctx, token(c, to.Addr), 1, nil); err != nil {
		t.Fatal(err)
	}
	<-current
	current <- c.Credentials(7, "client")
	if _, err := joiner.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("after: %v", err)
	}
}
