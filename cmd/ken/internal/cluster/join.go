package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"os"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/quicwire"
)

// TokenOptions describe a join token.
type TokenOptions struct {
	Roles []string
	TTL   time.Duration
	Uses  int
}

// Token is a join token as the nameserver knows it: without its secret.
type Token = metarpc.Token

// Bounds of tokens.
const (
	tokenTTLMax  = 30 * 24 * time.Hour
	tokenUsesMax = 1000

	tokenSecretBytes = 20 // 160 bits
)

// CreateToken makes a join token of the cluster that the client is connected
// to. Only a hash of its secret is stored.
func CreateToken(ctx context.Context, c *Client, opt TokenOptions) (string, metarpc.Token, error) {
	if opt.TTL <= 0 || opt.TTL > tokenTTLMax {
		return "", metarpc.Token{}, metadata.Errorf(metadata.KindInvalid, "ttl %v: want up to %v", opt.TTL, tokenTTLMax)
	}
	if opt.Uses < 1 || opt.Uses > tokenUsesMax {
		return "", metarpc.Token{}, metadata.Errorf(metadata.KindInvalid, "uses %d: want 1 to %d", opt.Uses, tokenUsesMax)
	}
	check := Config{Roles: opt.Roles, Listen: "127.0.0.1:0", WebDAV: WebDAVConfig{Listen: "127.0.0.1:0"}}
	if err := check.Validate(); err != nil {
		return "", metarpc.Token{}, err
	}
	tok := quicwire.Token{
		Addrs: c.nameservers, CA: quicwire.Hash(c.identity.credentials().CAs[0]), ID: newID("t"),
		Secret: make([]byte, tokenSecretBytes),
	}
	_, _ = rand.Read(tok.Secret) // never fails, see crypto/rand
	text, err := tok.Encode()
	if err != nil {
		return "", metarpc.Token{}, err
	}
	t := metarpc.Token{
		ID: tok.ID, Roles: opt.Roles, Expires: time.Now().Add(opt.TTL), UsesLeft: opt.Uses,
		CreatedBy: c.identity.node().String(),
	}
	return text, t, c.Meta.PutToken(ctx, t, sha256.Sum256(tok.Secret))
}

// Join enrols a new node in dir with a token. The nameserver that the token
// names must show a certificate of the authority that the token names, before
// the secret is sent.
func Join(ctx context.Context, dir string, cfg Config, token string) (metadata.NodeID, error) {
	cfg.dir, cfg.Version = dir, configVersion
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	tok, err := quicwire.ParseToken(token)
	if err != nil {
		return 0, metadata.Errorf(metadata.KindInvalid, "%w", err)
	}
	lock, err := newFolder(dir)
	if err != nil {
		return 0, err
	}
	defer lock.release()
	key, err := quicwire.NewKey()
	if err != nil {
		return 0, err
	}
	csr, err := quicwire.NewCSR(key)
	if err != nil {
		return 0, err
	}
	e, err := enrol(ctx, tok, metarpc.JoinRequest{
		Name: cfg.Name, Addr: cfg.advertisedConfigured(), Zone: cfg.Zone, Roles: cfg.Roles, CSR: csr,
	})
	if err != nil {
		return 0, err
	}
	cert, err := x509.ParseCertificate(e.Cert)
	if err != nil {
		return 0, metadata.Errorf(metadata.KindCorrupt, "certificate from the nameserver: %w", err)
	}
	ca, err := x509.ParseCertificate(e.CA)
	if err != nil {
		return 0, metadata.Errorf(metadata.KindCorrupt, "authority from the nameserver: %w", err)
	}
	if _, err := quicwire.NewCredentials(cert, key, ca); err != nil {
		return 0, metadata.Errorf(metadata.KindCorrupt, "certificate from the nameserver: %w", err)
	}
	if err := saveIdentity(dir, certFile, keyFile, key, cert, ca); err != nil {
		return 0, err
	}
	cfg.Nameservers = e.Nameservers
	return e.Node, cfg.save()
}

// enrol talks to the nameserver once, without a certificate.
func enrol(ctx context.Context, tok quicwire.Token, r metarpc.JoinRequest) (metarpc.Enrolment, error) {
	ep, err := quicwire.Open(quicwire.Config{Listen: ":0", ErrorCode: errorCode})
	if err != nil {
		return metarpc.Enrolment{}, err
	}
	defer func() { _ = ep.Close() }() // nothing is in flight
	if err := ep.Start(); err != nil {
		return metarpc.Enrolment{}, err
	}
	return metarpc.Join(ctx, ep, tok, r)
}

// errorCode puts errors of this program on the wire.
func errorCode(err error) (uint32, string) {
	return uint32(metadata.KindOf(err)), err.Error()
}

// hostName is the default name of a node.
func hostName() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "node"
	}
	return h
}
