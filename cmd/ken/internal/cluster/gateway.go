package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/webdav"
)

// gatewayInstance tells a node's gateway from other clients of the node.
const gatewayInstance = "webdav"

// startGateway serves the drive.
func (n *Node) startGateway(context.Context) error {
	w := n.cfg.WebDAV
	traffic := newTraffic()
	meta := n.meta.Introduce(func() metadata.Presence { return n.presence(traffic.sum(n.started)) })
	blocks := blockio.New(blockio.Config{
		Node: n.ID(), Instance: gatewayInstance, Leaser: meta, Stager: n.meta, Referrer: n.meta,
		Local: n.local.target, Wire: blockio.Quic(n.endpoint),
		BlockBytes: w.BlockMiB << 20, BufferBytes: int64(w.BufferMiB) << 20, Logger: n.log,
	})
	n.blocks, n.traffic = blocks, traffic
	n.drains = append(n.drains, blocks.Close)
	n.wg.Go(func() { keepPresent(n.ctx, meta) })
	l, err := listenTCP(w.Listen, "--webdav")
	if err != nil {
		return err
	}
	conf, err := tlsConfig(httpsFiles{cert: w.TLSCert, key: w.TLSKey, selfSigned: w.SelfSigned, base: filepath.Join(n.cfg.dir, "webdav")}, l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := webdav.NewServer(webdav.ServerConfig{
		Handler: n.traffic.counted(webdav.New(webdav.Config{
			Tree: n.meta, Changer: n.meta, Locker: n.meta, Directory: n.meta, Blocks: blocks,
			Verifier:     credential.NewVerifier(credential.Config{Directory: n.meta, Failed: n.recordFailures()}),
			InsecureHTTP: w.InsecureHTTP, Uploads: w.UploadsMax, Logger: n.log,
		})),
		TLS: conf, Logger: n.log,
	})
	n.wg.Go(func() {
		if err := server.Serve(l); err != nil {
			n.fail(err)
		}
	})
	n.drains = append(n.drains, server.Shutdown)
	n.running.WebDAV = driveURL(l.Addr(), conf != nil)
	return nil
}

// driveURL is the address to mount. A listener on all addresses is reached
// here by loopback.
func driveURL(a net.Addr, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		_, port, _ := net.SplitHostPort(host) // of an address that is bound
		host = net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + host + "/"
}

// httpsFiles say with which certificate HTTPS is served.
type httpsFiles struct {
	cert, key  string
	selfSigned bool
	base       string // of the names of a certificate that is made here
}

// tlsConfig returns how to serve HTTPS, or nil for plain HTTP. A certificate
// from a file is read again when it changes, so that its renewal needs no restart.
func tlsConfig(f httpsFiles, a net.Addr) (*tls.Config, error) {
	certPath, keyPath := f.cert, f.key
	if certPath == "" && !f.selfSigned {
		return nil, nil
	}
	if certPath == "" {
		certPath, keyPath = f.base+".pem", f.base+".key"
		if !exists(certPath) {
			if err := selfSign(certPath, keyPath, a); err != nil {
				return nil, err
			}
		}
	}
	if _, err := tls.LoadX509KeyPair(certPath, keyPath); err != nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "certificate for HTTPS: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, err := tls.LoadX509KeyPair(certPath, keyPath)
			return &c, err
		},
	}, nil
}

// selfSignedLife is long: whoever accepts the certificate by hand should not
// have to do so again every few months.
const selfSignedLife = 5 * 365 * 24 * time.Hour

func selfSign(certPath, keyPath string, a net.Addr) error {
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
		DNSNames: []string{"localhost", hostName()}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if tcp, ok := a.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		t.IPAddresses = append(t.IPAddresses, tcp.IP)
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
