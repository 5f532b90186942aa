package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/quicwire"
)

// identity is who a node is: its certificate and key, which renew themselves.
type identity struct {
	dir       string
	cert, key string // file names
	current   atomic.Pointer[quicwire.Credentials]
}

// loadIdentity reads a certificate and its key from the folder.
func loadIdentity(dir, certName, keyName string) (*identity, error) {
	i := &identity{dir: dir, cert: certName, key: keyName}
	if err := checkPrivate(filepath.Join(dir, keyName)); err != nil {
		return nil, err
	}
	certs, err := readCerts(filepath.Join(dir, certName))
	if err != nil {
		return nil, err
	}
	cas, err := readCerts(filepath.Join(dir, caFile))
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil {
		return nil, err
	}
	key, err := quicwire.DecodeKey(b)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "%s: %w", filepath.Join(dir, keyName), err)
	}
	c, err := quicwire.NewCredentials(certs[0], key, cas...)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "%s: %w", dir, err)
	}
	i.current.Store(c)
	return i, nil
}

func readCerts(path string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	certs, err := quicwire.DecodeCerts(b)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "%s: %w", path, err)
	}
	return certs, nil
}

func (i *identity) credentials() *quicwire.Credentials { return i.current.Load() }

func (i *identity) node() metadata.NodeID {
	return metadata.NodeID(i.credentials().Identity().Node)
}

// saveIdentity writes key, CA and certificate, the certificate last: a folder
// with a certificate is complete.
func saveIdentity(dir, certName, keyName string, key *ecdsa.PrivateKey, cert, ca *x509.Certificate) error {
	pemKey, err := quicwire.EncodeKey(key)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, keyName), pemKey, 0o600); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, caFile), quicwire.EncodeCerts(ca), 0o644); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, certName), quicwire.EncodeCerts(cert), 0o644)
}

// Pauses between renewals.
const (
	renewRetry = time.Hour   // after one that failed, when there is much time left
	renewHurry = time.Second // when there is hardly any: after a power cut all nodes, also nameservers, start together
	renewLeast = time.Minute // after one that succeeded, however short the new certificate lasts
)

// retryAfter is the pause after a renewal that failed: a twentieth of the time
// that is left, so that a nameserver that comes back late is not missed.
func retryAfter(left time.Duration) time.Duration { return min(max(left/20, renewHurry), renewRetry) }

// renewer issues certificates for a node's own identity.
type renewer interface {
	RenewCertificate(ctx context.Context, csr []byte) (metarpc.Enrolment, error)
}

// keepRenewed replaces the certificate whenever two thirds of its life have
// passed, until ctx ends. Handshakes use the new one at once.
func (i *identity) keepRenewed(ctx context.Context, r renewer, log *slog.Logger) {
	for least := time.Duration(0); ; {
		wait := max(time.Until(quicwire.RenewAt(i.credentials().Cert)), least)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		expires := i.credentials().Cert.NotAfter
		if err := i.renew(ctx, r); err != nil {
			least = retryAfter(time.Until(expires))
			log.Warn("certificate not renewed, will try again", "err", err, "expires", expires, "again", least)
			continue
		}
		least = renewLeast
		log.Info("certificate renewed", "expires", i.credentials().Cert.NotAfter)
	}
}

// renew gets a new certificate for the key that the node has.
func (i *identity) renew(ctx context.Context, r renewer) error {
	old := i.credentials()
	csr, err := quicwire.NewCSR(old.Key)
	if err != nil {
		return err
	}
	e, err := r.RenewCertificate(ctx, csr)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(e.Cert)
	if err != nil {
		return err
	}
	next, err := quicwire.NewCredentials(cert, old.Key, old.CAs...)
	if err != nil {
		return err
	}
	// Roles may be new ones; who the node is never changes.
	if was, is := old.Identity(), next.Identity(); is.Node != was.Node || is.Cluster != was.Cluster {
		return metadata.Errorf(metadata.KindCorrupt, "the new certificate is for node n%d of cluster %s, not for n%d of %s",
			is.Node, is.Cluster, was.Node, was.Cluster)
	}
	if err := writeFile(filepath.Join(i.dir, i.cert), quicwire.EncodeCerts(cert), 0o644); err != nil {
		return err
	}
	i.current.Store(next)
	return nil
}

// issuer signs certificate requests with the cluster's key, which only a
// nameserver's own process can read from the namespace.
type issuer struct{ meta *metarpc.Client }

// issue implements metarpc.Server.Issue.
func (s issuer) issue(ctx context.Context, csr []byte, id quicwire.Identity) (cert, ca []byte, err error) {
	authority, err := s.authority(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := quicwire.SignCSR(authority, csr, id, 0)
	if err != nil {
		return nil, nil, metadata.Errorf(metadata.KindInvalid, "%w", err)
	}
	return c.Raw, authority.Cert.Raw, nil
}

func (s issuer) authority(ctx context.Context) (*quicwire.CA, error) {
	certDER, keyDER, err := s.meta.CA(ctx)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "the cluster's certificate: %w", err)
	}
	key, err := quicwire.ParseKey(keyDER)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "the cluster's key: %w", err)
	}
	return &quicwire.CA{Cert: cert, Key: key}, nil
}

// RenewCertificate lets a nameserver renew its own certificate without a call.
func (s selfRenewer) RenewCertificate(ctx context.Context, csr []byte) (metarpc.Enrolment, error) {
	cert, ca, err := s.issue(ctx, csr, s.identity.credentials().Identity())
	return metarpc.Enrolment{Cert: cert, CA: ca}, err
}

type selfRenewer struct {
	issuer
	identity *identity
}
