package quicwire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"time"
)

// Lifetimes of certificates.
const (
	CertLifetime = 90 * 24 * time.Hour       // of a node's, unless SignCSR is told otherwise
	CALifetime   = 20 * 365 * 24 * time.Hour // of the cluster's CA
	clockSkewMax = 10 * time.Minute          // certificates begin this much in the past
)

// CA is a cluster's certificate authority. It signs leaves only.
type CA struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// NewCA makes the authority of a new cluster: an ECDSA P-256 key and a
// self-signed certificate that may sign leaves but no further authority.
func NewCA(cluster string) (*CA, error) {
	if !isLabel(cluster, clusterBytesMax) {
		return nil, fmt.Errorf("ca: cluster %.80q is not a name of letters, digits and hyphens", cluster)
	}
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "KenDFS cluster " + cluster},
		NotBefore:             now.Add(-clockSkewMax),
		NotAfter:              now.Add(CALifetime),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("ca: sign itself: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("ca: read back: %w", err)
	}
	return &CA{Cert: cert, Key: key}, nil
}

// Hash returns the SHA-256 of a certificate's DER: what a join token pins.
func Hash(cert *x509.Certificate) [sha256.Size]byte { return sha256.Sum256(cert.Raw) }

// NewKey makes an ECDSA P-256 key.
func NewKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return key, nil
}

// NewCSR returns a certificate request (PKCS #10, RFC 2986) for the key, as
// DER. It names nobody: the signer decides who the key's owner is.
func NewCSR(key crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("csr: %w", err)
	}
	return der, nil
}

// csrBytesMax is far above a P-256 request, about 200 bytes.
const csrBytesMax = 4096

// SignCSR makes a node's certificate. Of the request only the public key is
// used, which must be ECDSA P-256 and must have signed the request; id says who
// it is. A lifetime of 0 is CertLifetime; no certificate outlives its CA. A
// certificate whose only role is "client" cannot serve.
func SignCSR(ca *CA, csr []byte, id Identity, lifetime time.Duration) (*x509.Certificate, error) {
	if len(csr) > csrBytesMax {
		return nil, fmt.Errorf("csr: %d bytes, at most %d", len(csr), csrBytesMax)
	}
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("csr: %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("csr: %w", err)
	}
	pub, ok := req.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, errors.New("csr: the key is not ECDSA P-256")
	}
	if lifetime == 0 {
		lifetime = CertLifetime
	}
	if lifetime < 0 {
		return nil, fmt.Errorf("csr: lifetime %v", lifetime)
	}
	now := time.Now()
	return signLeaf(ca, pub, id, now.Add(-clockSkewMax), now.Add(lifetime))
}

// signLeaf makes a node's certificate for a span of time.
func signLeaf(ca *CA, pub *ecdsa.PublicKey, id Identity, from, to time.Time) (*x509.Certificate, error) {
	id.Roles = slices.Compact(slices.Sorted(slices.Values(id.Roles)))
	if err := id.validate(); err != nil {
		return nil, err
	}
	if to.After(ca.Cert.NotAfter) {
		to = ca.Cert.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("node %d", id.Node)},
		URIs:                  []*url.URL{id.uri()},
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if !slices.Equal(id.Roles, []string{roleClient}) {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.Cert, pub, ca.Key)
	if err != nil {
		return nil, fmt.Errorf("sign %v: %w", id, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign %v: read back: %w", id, err)
	}
	return cert, nil
}

// serial returns a random serial number of 127 bits (RFC 5280, 4.1.2.2).
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand says
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}

// RenewAt returns when a certificate should be replaced: after two thirds of
// its life, so that a third is left for a nameserver that is away.
func RenewAt(cert *x509.Certificate) time.Time {
	return cert.NotBefore.Add(cert.NotAfter.Sub(cert.NotBefore) * 2 / 3)
}
