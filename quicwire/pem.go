package quicwire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Types of PEM blocks (RFC 7468).
const (
	pemCert = "CERTIFICATE"
	pemKey  = "PRIVATE KEY"
)

// pemBytesMax bounds what the decoders look at.
const pemBytesMax = 64 << 10

// EncodeCerts returns certificates as PEM, in order.
func EncodeCerts(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: c.Raw})...)
	}
	return out
}

// DecodeCerts is the inverse of EncodeCerts; it wants at least one certificate
// and nothing else.
func DecodeCerts(text []byte) ([]*x509.Certificate, error) {
	if len(text) > pemBytesMax {
		return nil, fmt.Errorf("certificates: %d bytes, at most %d", len(text), pemBytesMax)
	}
	var certs []*x509.Certificate
	for len(text) > 0 {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != pemCert {
			return nil, fmt.Errorf("certificates: unexpected PEM block %.40q", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		certs, text = append(certs, c), rest
	}
	if len(certs) == 0 {
		return nil, errors.New("certificates: no PEM certificate found")
	}
	return certs, nil
}

// EncodeKey returns a key as PEM (PKCS #8). Whoever stores it sets mode 0600.
func EncodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := MarshalKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), nil
}

// DecodeKey is the inverse of EncodeKey.
func DecodeKey(text []byte) (*ecdsa.PrivateKey, error) {
	if len(text) > pemBytesMax {
		return nil, fmt.Errorf("key: %d bytes, at most %d", len(text), pemBytesMax)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemKey {
		return nil, errors.New("key: no PEM private key found")
	}
	return ParseKey(block.Bytes)
}

// MarshalKey returns a key as PKCS #8 DER (RFC 5958).
func MarshalKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return der, nil
}

// ParseKey is the inverse of MarshalKey. It takes ECDSA P-256 only.
func ParseKey(der []byte) (*ecdsa.PrivateKey, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	key, ok := k.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("key: not ECDSA P-256")
	}
	return key, nil
}
