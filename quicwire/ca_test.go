package quicwire

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"
)

// newTestCA returns a CA and a request for a fresh key.
func newTestCA(t *testing.T) (*CA, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	ca, err := NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	return ca, key, csr
}

func TestSignCSR(t *testing.T) {
	ca, key, csr := newTestCA(t)
	id := Identity{Cluster: "test", Node: 3, Roles: []string{"webdav", "datanode", "webdav"}}
	cert, err := SignCSR(ca, csr, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseIdentity(cert)
	if err != nil || got.String() != "ken://test/node/3?roles=datanode,webdav" {
		t.Fatalf("identity %v, %v", got, err)
	}
	if life := time.Until(cert.NotAfter); life > CertLifetime || life < CertLifetime-time.Minute {
		t.Errorf("life %v, want %v", life, CertLifetime)
	}
	if cert.IsCA || cert.KeyUsage != x509.KeyUsageDigitalSignature || len(cert.DNSNames) > 0 {
		t.Errorf("certificate can do more than it should: %+v", cert.KeyUsage)
	}
	if cert.SerialNumber.BitLen() != 127 {
		t.Errorf("serial of %d bits, want 127", cert.SerialNumber.BitLen())
	}
	if _, err := NewCredentials(cert, key, ca.Cert); err != nil {
		t.Errorf("NewCredentials: %v", err)
	}
	if !slices.Equal(id.Roles, []string{"webdav", "datanode", "webdav"}) {
		t.Errorf("SignCSR changed its argument: %v", id.Roles)
	}
}

func TestSignCSRClientCannotServe(t *testing.T) {
	ca, _, csr := newTestCA(t)
	for _, tt := range []struct {
		roles  []string
		serves bool
	}{
		{[]string{"client"}, false},
		{[]string{"client", "webdav"}, true},
		{[]string{"webdav"}, true},
	} {
		cert, err := SignCSR(ca, csr, Identity{Cluster: "test", Node: 1, Roles: tt.roles}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth); got != tt.serves {
			t.Errorf("roles %v: serves = %v, want %v", tt.roles, got, tt.serves)
		}
	}
}

func TestSignCSRRefuses(t *testing.T) {
	ca, _, csr := newTestCA(t)
	id := Identity{Cluster: "test", Node: 1, Roles: []string{"datanode"}}
	flipped := bytes.Clone(csr)
	flipped[len(flipped)-1] ^= 1
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for _, tt := range []struct {
		name string
		csr  []byte
		id   Identity
		life time.Duration
	}{
		{"empty", nil, id, 0},
		{"long", make([]byte, csrBytesMax+1), id, 0},
		{"signature", flipped, id, 0},
		{"ed25519", mustCSR(t, ed), id, 0},
		{"p384", mustCSR(t, p384), id, 0},
		{"node 0", csr, Identity{Cluster: "test", Roles: []string{"a"}}, 0},
		{"no roles", csr, Identity{Cluster: "test", Node: 1}, 0},
		{"bad role", csr, Identity{Cluster: "test", Node: 1, Roles: []string{"a,b"}}, 0},
		{"bad cluster", csr, Identity{Cluster: "a/b", Node: 1, Roles: []string{"a"}}, 0},
		{"negative", csr, id, -time.Hour},
	} {
		if cert, err := SignCSR(ca, tt.csr, tt.id, tt.life); err == nil {
			t.Errorf("%s: signed %v", tt.name, cert.URIs)
		}
	}
	if cert, err := SignCSR(ca, csr, id, 2*CALifetime); err != nil || cert.NotAfter.After(ca.Cert.NotAfter) {
		t.Errorf("certificate outlives its CA: %v", err)
	}
}

// mustCSR returns a request of any key.
func mustCSR(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	csr, err := NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func TestNewCA(t *testing.T) {
	ca, _, _ := newTestCA(t)
	if !ca.Cert.IsCA || !ca.Cert.MaxPathLenZero || ca.Cert.KeyUsage != x509.KeyUsageCertSign {
		t.Errorf("CA certificate: IsCA %v, path length %d", ca.Cert.IsCA, ca.Cert.MaxPathLen)
	}
	for _, name := range []string{"", "UPPER", "a b", "ü", strings.Repeat("a", 64)} {
		if _, err := NewCA(name); err == nil {
			t.Errorf("NewCA(%q) succeeds", name)
		}
	}
}

func TestNewCredentialsRefuses(t *testing.T) {
	ca, key, csr := newTestCA(t)
	other, otherKey, _ := newTestCA(t)
	cert, err := SignCSR(ca, csr, Identity{Cluster: "test", Node: 1, Roles: []string{"a"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() (*Credentials, error){
		"other key":      func() (*Credentials, error) { return NewCredentials(cert, otherKey, ca.Cert) },
		"other CA":       func() (*Credentials, error) { return NewCredentials(cert, key, other.Cert) },
		"no CA":          func() (*Credentials, error) { return NewCredentials(cert, key) },
		"not of a node":  func() (*Credentials, error) { return NewCredentials(ca.Cert, ca.Key, ca.Cert) },
		"other CA first": func() (*Credentials, error) { return NewCredentials(cert, key, other.Cert, ca.Cert) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewCredentials(cert, key, ca.Cert, other.Cert); err != nil {
		t.Errorf("two CAs: %v", err)
	}
}

func TestRenewAt(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	cert := &x509.Certificate{NotBefore: from, NotAfter: from.Add(90 * 24 * time.Hour)}
	if got, want := RenewAt(cert), from.Add(60*24*time.Hour); !got.Equal(want) {
		t.Errorf("RenewAt = %v, want %v", got, want)
	}
}

func TestPEM(t *testing.T) {
	ca, key, _ := newTestCA(t)
	other, _, _ := newTestCA(t)
	certs, err := DecodeCerts(EncodeCerts(ca.Cert, other.Cert))
	if err != nil || len(certs) != 2 || !certs[0].Equal(ca.Cert) || !certs[1].Equal(other.Cert) {
		t.Fatalf("DecodeCerts = %d certificates, %v", len(certs), err)
	}
	text, err := EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeKey(text); err != nil || !got.Equal(key) {
		t.Fatalf("DecodeKey: %v", err)
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKCS8PrivateKey(ed)
	for name, text := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "cut": text[:len(text)/2], "certificate": EncodeCerts(ca.Cert),
		"long": make([]byte, pemBytesMax+1), "ed25519": pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}),
	} {
		if _, err := DecodeKey(text); err == nil {
			t.Errorf("DecodeKey of %s succeeds", name)
		}
	}
	for name, text := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "key": text, "long": make([]byte, pemBytesMax+1),
		"mixed": append(EncodeCerts(ca.Cert), text...),
		"bad":   pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: []byte("x")}),
	} {
		if _, err := DecodeCerts(text); err == nil {
			t.Errorf("DecodeCerts of %s succeeds", name)
		}
	}
}

func FuzzSignCSR(f *testing.F) {
	ca, err := NewCA("test")
	if err != nil {
		f.Fatal(err)
	}
	csr, err := NewCSR(ca.Key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Add([]byte{0x30, 0})
	id := Identity{Cluster: "test", Node: 9, Roles: []string{"datanode"}}
	f.Fuzz(func(t *testing.T, csr []byte) {
		cert, err := SignCSR(ca, csr, id, time.Hour)
		if err != nil {
			return
		}
		if got, err := ParseIdentity(cert); err != nil || got.String() != id.String() {
			t.Fatalf("the request decided who it is: %v, %v", got, err)
		}
	})
}
