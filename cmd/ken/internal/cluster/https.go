package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"kendfs/metadata"
)

// httpsFiles say with which certificate HTTPS is served.
type httpsFiles struct {
	cert, key  string
	selfSigned bool
	base       string   // of the names of a certificate that is made here
	hosts      []string // besides the listener's address, what one made here has to be for
	log        *slog.Logger
}

// https are the files of one of the node's listeners.
func (n *Node) https(cert, key string, selfSigned bool, name string) httpsFiles {
	f := httpsFiles{cert: cert, key: key, selfSigned: selfSigned, base: filepath.Join(n.cfg.dir, name), log: n.log}
	if host, _, err := net.SplitHostPort(n.running.QUIC); err == nil {
		f.hosts = append(f.hosts, host) // where other machines reach this one
	}
	return f
}

// tlsConfig returns how to serve HTTPS, or nil for plain HTTP.
func tlsConfig(f httpsFiles, a net.Addr) (*tls.Config, error) {
	certPath, keyPath := f.cert, f.key
	if certPath == "" && !f.selfSigned {
		return nil, nil
	}
	if certPath == "" {
		certPath, keyPath = f.base+".pem", f.base+".key"
		if tcp, ok := a.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
			f.hosts = append(f.hosts, tcp.IP.String())
		}
		if made := loadLeaf(certPath, keyPath); made == nil || !serves(made, f.hosts, time.Now()) {
			if err := selfSign(certPath, keyPath, signedFor(f.hosts)); err != nil {
				return nil, err
			}
		}
	}
	c := &certificate{cert: certPath, key: keyPath, log: f.log}
	if _, err := c.get(nil); err != nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "certificate for HTTPS: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// certificate is read from its files again when they change, so that a renewal
// needs no restart. What cannot be read leaves the one before in service: who
// renews writes two files, one after the other.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	stamp  [2]os.FileInfo
	loaded *tls.Certificate
}

// get implements tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var now [2]os.FileInfo
	for i, path := range []string{c.cert, c.key} {
		st, err := os.Stat(path)
		if err != nil {
			return c.keep(err)
		}
		now[i] = st
	}
	if c.loaded != nil && sameFile(c.stamp[0], now[0]) && sameFile(c.stamp[1], now[1]) {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return c.keep(err)
	}
	c.loaded, c.stamp = &pair, now
	return c.loaded, nil
}

// keep goes on with the certificate that there is.
func (c *certificate) keep(err error) (*tls.Certificate, error) {
	if c.loaded == nil {
		return nil, err
	}
	c.log.Warn("certificate for HTTPS not read again, the one before stays", "err", err)
	return c.loaded, nil
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// selfSignedLife is long: whoever accepts the certificate by hand should not
// have to do so again every few months. A start makes a new one when less than
// selfSignedLeft is left.
const (
	selfSignedLife = 5 * 365 * 24 * time.Hour
	selfSignedLeft = 60 * 24 * time.Hour
	hostsMax       = 64 // that a certificate made here is for
)

// signedFor are the names and addresses that a certificate made here is for:
// those that it has to be for, and every other by which this machine may be
// reached. Those come and go, so a certificate without them stays.
func signedFor(hosts []string) []string {
	out := append(slices.Clone(hosts), "localhost", hostName(), "127.0.0.1", "::1")
	if all, err := net.InterfaceAddrs(); err == nil { // without them it is good for the others
		for _, i := range all {
			if ip, ok := i.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && !slices.Contains(out, ip.IP.String()) {
				out = append(out, ip.IP.String())
			}
		}
	}
	return out[:min(len(out), hostsMax)]
}

// loadLeaf reads a certificate that was made here, or returns nil.
func loadLeaf(certPath, keyPath string) *x509.Certificate {
	pair, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err != nil {
		return nil
	}
	return pair.Leaf
}

// serves reports whether a certificate is good for all hosts, for a while yet.
func serves(c *x509.Certificate, hosts []string, now time.Time) bool {
	return now.Add(selfSignedLeft).Before(c.NotAfter) &&
		!slices.ContainsFunc(hosts, func(h string) bool { return c.VerifyHostname(h) != nil })
}

func selfSign(certPath, keyPath string, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "KenDFS drive"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(selfSignedLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return writeFile(certPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644)
}
