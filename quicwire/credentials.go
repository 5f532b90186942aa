package quicwire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Credentials is what a node shows and whom it believes, at one moment. It is
// never changed: to renew, Config.Credentials returns another one.
type Credentials struct {
	Cert *x509.Certificate   // the node's own
	Key  crypto.Signer       // of Cert
	CAs  []*x509.Certificate // who may sign peers; the first one signed Cert. Several during a change of CA
	id   Identity
	pool *x509.CertPool
}

// NewCredentials checks that certificate, key and authority belong together.
func NewCredentials(cert *x509.Certificate, key crypto.Signer, cas ...*x509.Certificate) (*Credentials, error) {
	id, err := ParseIdentity(cert)
	if err != nil {
		return nil, err
	}
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !pub.Equal(key.Public()) {
		return nil, errors.New("credentials: the key is not the certificate's")
	}
	if len(cas) == 0 {
		return nil, errors.New("credentials: no CA")
	}
	if err := cert.CheckSignatureFrom(cas[0]); err != nil {
		return nil, fmt.Errorf("credentials: certificate is not of this CA: %w", err)
	}
	pool := x509.NewCertPool()
	for _, ca := range cas {
		pool.AddCert(ca)
	}
	return &Credentials{Cert: cert, Key: key, CAs: slices.Clone(cas), id: id, pool: pool}, nil
}

// Identity returns who the credentials speak for.
func (c *Credentials) Identity() Identity { return c.id }

// chain returns what the node shows in a handshake. The CA goes along so that
// a joiner, who has only its hash, can check the leaf against it.
func (c *Credentials) chain() tls.Certificate {
	return tls.Certificate{
		Certificate: [][]byte{c.Cert.Raw, c.CAs[0].Raw},
		PrivateKey:  c.Key,
		Leaf:        c.Cert,
	}
}

// expect is what one side demands of the other in a handshake.
type expect struct {
	pool    *x509.CertPool
	usage   x509.ExtKeyUsage
	cluster string   // "": any, for a joiner, who trusts the pinned CA instead
	node    uint64   // 0: any
	roles   []string // one of these
	revoked func(node uint64) bool
}

// check returns who the peer is if its certificates satisfy x. It runs in
// tls.Config.VerifyConnection on both sides: a node has no DNS name, so
// crypto/tls cannot check it by itself.
func (x expect) check(certs []*x509.Certificate) (Identity, error) {
	if len(certs) == 0 {
		return Identity{}, errors.New("peer has no certificate")
	}
	leaf := certs[0]
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots:     x.pool,
		KeyUsages: []x509.ExtKeyUsage{x.usage},
	}); err != nil {
		return Identity{}, fmt.Errorf("peer certificate: %w", err)
	}
	id, err := ParseIdentity(leaf)
	if err != nil {
		return Identity{}, fmt.Errorf("peer certificate: %w", err)
	}
	switch {
	case x.cluster != "" && id.Cluster != x.cluster:
		return Identity{}, fmt.Errorf("peer %v is of another cluster than %s", id, x.cluster)
	case x.node != 0 && id.Node != x.node:
		return Identity{}, fmt.Errorf("peer %v is not node %d", id, x.node)
	case !id.Has(x.roles...):
		return Identity{}, fmt.Errorf("peer %v has none of the roles %v", id, x.roles)
	case x.revoked != nil && x.revoked(id.Node):
		return Identity{}, fmt.Errorf("peer %v was removed from the cluster", id)
	}
	return id, nil
}

// pinnedPool returns a pool of the one certificate that has the hash: among
// those the peer sent (a joiner has no other source).
func pinnedPool(pin [sha256.Size]byte, sent []*x509.Certificate) (*x509.CertPool, error) {
	for _, c := range sent {
		if c.IsCA && Hash(c) == pin {
			pool := x509.NewCertPool()
			pool.AddCert(c)
			return pool, nil
		}
	}
	return nil, errors.New("peer is not of the cluster that the join token names")
}
