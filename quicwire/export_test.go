package quicwire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"time"
)

// SignLeaf makes a certificate for any span of time.
func SignLeaf(ca *CA, pub *ecdsa.PublicKey, id Identity, from, to time.Time) (*x509.Certificate, error) {
	return signLeaf(ca, pub, id, from, to)
}

// SignTemplate makes a certificate that SignCSR would not.
func SignTemplate(ca *CA, pub crypto.PublicKey, id Identity, change func(*x509.Certificate)) (*x509.Certificate, error) {
	t := &x509.Certificate{
		SerialNumber: serial(),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	t.URIs = append(t.URIs, id.uri())
	change(t)
	der, err := x509.CreateCertificate(rand.Reader, t, ca.Cert, pub, ca.Key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Dialed returns how many connections the endpoint keeps for calls, and how
// many it has in all.
func (e *Endpoint) Dialed() (dialed, all int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.dialed), len(e.conns)
}

// Lose makes every dialed connection look as it does in the moment in which its
// streams have heard of its end, which is err, and its context has not.
func (e *Endpoint) Lose(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.dialed {
		c.lost(err)
	}
}

// IdleStreams returns how many call streams wait for the next call.
func (e *Endpoint) IdleStreams() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, c := range e.dialed {
		c.streams.mu.Lock()
		n += len(c.streams.idle)
		c.streams.mu.Unlock()
	}
	return n
}

// Incoming returns how many connections and handshakes are counted.
func (e *Endpoint) Incoming() int64 { return e.incoming.Load() }
