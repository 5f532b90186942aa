package metarpc

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// token stores a token for the role and returns what a machine is given.
func (w *wired) token(t *testing.T, uses int, roles ...string) quicwire.Token {
	t.Helper()
	tok := quicwire.Token{
		Addrs: []string{w.server.Addr().String()}, CA: quicwire.Hash(w.certs.CA.Cert), ID: "t1",
		Secret: []byte("0123456789abcdef"),
	}
	owner := w.client(metadata.NodeClient)
	err := owner.PutToken(t.Context(), Token{
		ID: tok.ID, Roles: roles, UsesLeft: uses, Expires: w.backend.clock().Add(time.Hour),
	}, sha256.Sum256(tok.Secret))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func (w *wired) join(t *testing.T, tok quicwire.Token, r JoinRequest) (Enrolment, error) {
	t.Helper()
	key, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if r.CSR, err = quicwire.NewCSR(key); err != nil {
		t.Fatal(err)
	}
	e := w.certs.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	w.certs.Start(e)
	return Join(t.Context(), e, tok, r)
}

func TestJoin(t *testing.T) {
	w := newWired(t)
	tok := w.token(t, 2, metadata.NodeDatanode)
	req := JoinRequest{Name: "attic", Addr: "h:1", Zone: "z", Roles: []string{metadata.NodeDatanode}}
	e, err := w.join(t, tok, req)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(e.Cert)
	if err != nil {
		t.Fatal(err)
	}
	id, err := quicwire.ParseIdentity(cert)
	if err != nil || id.Node != uint64(e.Node) || !slices.Equal(id.Roles, req.Roles) {
		t.Errorf("certificate speaks for %v, %v; node is %v", id, err, e.Node)
	}
	if len(e.Nameservers) != 1 || e.Nameservers[0] != w.server.Addr().String() {
		t.Errorf("nameservers: got %v", e.Nameservers)
	}

	bad := req
	bad.Roles = []string{metadata.NodeNameserver}
	_, err = w.join(t, tok, bad)
	wantKind(t, err, metadata.KindDenied)
	bad.Roles = []string{"king"}
	_, err = w.join(t, tok, bad)
	wantKind(t, err, metadata.KindInvalid)

	wrong := tok
	wrong.Secret = []byte("fedcba9876543210")
	if _, err = w.join(t, wrong, req); err == nil {
		t.Error("joined with a wrong secret")
	}
	if _, err := w.join(t, tok, req); err != nil {
		t.Errorf("second use of two: %v", err)
	}
	if _, err = w.join(t, tok, req); err == nil {
		t.Error("joined a third time with a token for two")
	}
}

func TestJoinChecksTheAuthorityFirst(t *testing.T) {
	w := newWired(t)
	tok := w.token(t, 1, metadata.NodeDatanode)
	tok.CA[0]++
	if _, err := w.join(t, tok, JoinRequest{Name: "x", Addr: "h:1", Roles: []string{metadata.NodeDatanode}}); err == nil {
		t.Fatal("joined a cluster whose authority is not the token's")
	}
	ts, err := w.client(metadata.NodeClient).Tokens(t.Context())
	if err != nil || len(ts) != 1 || ts[0].UsesLeft != 1 {
		t.Errorf("the token must not have been sent: got %+v, %v", ts, err)
	}
}

func TestCertificateKeepsTheIdentity(t *testing.T) {
	w := newWired(t)
	r := w.remote(metadata.NodeDatanode)
	key, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := quicwire.NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.RenewCertificate(t.Context(), csr)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(e.Cert)
	if err != nil {
		t.Fatal(err)
	}
	id, err := quicwire.ParseIdentity(cert)
	if err != nil || id.Node != w.next-1 || !slices.Equal(id.Roles, []string{metadata.NodeDatanode}) {
		t.Errorf("got %v, %v", id, err)
	}
}

func TestOperatorCalls(t *testing.T) {
	both(t, func(t *testing.T, c *Client, _ *records) {
		ctx := t.Context()
		if err := c.PutUser(ctx, metadata.User{Name: "ann", Hash: "h", Role: metadata.RoleWriter}, true); err != nil {
			t.Fatal(err)
		}
		wantKind(t, c.PutUser(ctx, metadata.User{Name: "ann", Hash: "h", Role: metadata.RoleWriter}, true), metadata.KindExists)
		u, err := c.User(ctx, "ann")
		if err != nil || u.Role != metadata.RoleWriter || u.Created.IsZero() {
			t.Errorf("user: got %+v, %v", u, err)
		}
		// A new password changes nothing else, whatever the caller believed.
		if err := c.SetPassword(ctx, metadata.User{Name: "ann", Hash: "h2", Role: metadata.RoleAdmin, Disabled: true}); err != nil {
			t.Fatal(err)
		}
		if u, err := c.User(ctx, "ann"); err != nil || u.Hash != "h2" || u.Role != metadata.RoleWriter || u.Disabled {
			t.Errorf("after SetPassword: got %+v, %v", u, err)
		}
		wantKind(t, c.SetPassword(ctx, metadata.User{Name: "zoe", Hash: "h", Role: metadata.RoleWriter}), metadata.KindNotFound)
		us, more, err := c.Users(ctx, "", 10)
		if err != nil || more || len(us) != 2 {
			t.Errorf("users: got %v, %v, %v", us, more, err)
		}
		if err := c.DeleteUser(ctx, "ann"); err != nil {
			t.Error(err)
		}
		_, err = c.User(ctx, "ann")
		wantKind(t, err, metadata.KindNotFound)

		yes := true
		if err := c.SetCluster(ctx, Settings{Replication: 3, Grace: time.Hour, ReadOnly: &yes}); err != nil {
			t.Fatal(err)
		}
		cl, err := c.Cluster(ctx)
		if err != nil || cl.Replication != 3 || cl.Grace != time.Hour || !cl.ReadOnly || cl.ID != "test" {
			t.Errorf("cluster: got %+v, %v", cl, err)
		}
		if err := c.PutNode(ctx, metadata.Node{ID: 1, Name: "renamed", Addr: "a:1", Roles: []string{metadata.NodeNameserver}}); err != nil {
			t.Error(err)
		}
		if _, _, err := c.ListVolumes(ctx, 0, 10); err != nil {
			t.Error(err)
		}
		if _, err := c.Sessions(ctx); err != nil {
			t.Error(err)
		}
		if err := c.PutToken(ctx, Token{ID: "t", Roles: []string{metadata.NodeDatanode}, UsesLeft: 1, Expires: cl.Now.Add(time.Hour)}, [32]byte{1}); err != nil {
			t.Error(err)
		}
		if err := c.DeleteToken(ctx, "t"); err != nil {
			t.Error(err)
		}
	})
}

func FuzzServer(f *testing.F) {
	for _, m := range []proto.Message{heartbeatToPB(sampleHeartbeat()), leaseToPB(sampleLease()), &metapb.Command{}} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint32(methodHeartbeat), b)
		f.Add(uint32(methodPropose), b)
	}
	backend := newMemory(f)
	s := &Server{
		Backend: backend, Leader: &records{}, Nameservers: func() []string { return nil },
		Issue: func(context.Context, []byte, quicwire.Identity) ([]byte, []byte, error) { return nil, nil, nil },
	}
	calls := s.calls()
	peer := quicwire.Peer{Identity: quicwire.Identity{Cluster: "test", Node: 2, Roles: []string{metadata.NodeClient}}}
	f.Fuzz(func(t *testing.T, method uint32, b []byte) {
		call := calls[1+method%uint32(len(calls))]
		if call == nil {
			t.Fatalf("the numbers of the %d methods have a gap", len(calls))
		}
		_, _ = call(t.Context(), peer, b) // any outcome but a panic
	})
}
