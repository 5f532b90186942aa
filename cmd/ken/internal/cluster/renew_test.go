package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/quicwire"
)

// fakeIssuer signs for a node as the nameserver does, when it is there.
type fakeIssuer struct {
	ca     *quicwire.CA
	id     quicwire.Identity
	life   time.Duration
	away   bool
	asked  []time.Time
	issued int
}

func (f *fakeIssuer) RenewCertificate(_ context.Context, csr []byte) (metarpc.Enrolment, error) {
	f.asked = append(f.asked, time.Now())
	if f.away {
		return metarpc.Enrolment{}, metadata.Errorf(metadata.KindUnavailable, "no nameserver answers")
	}
	cert, err := quicwire.SignCSR(f.ca, csr, f.id, f.life)
	if err != nil {
		return metarpc.Enrolment{}, err
	}
	f.issued++
	return metarpc.Enrolment{Cert: cert.Raw, CA: f.ca.Cert.Raw}, nil
}

// newIdentity makes an identity in a folder with a certificate of that life.
func newIdentity(t *testing.T, life time.Duration) (*identity, *fakeIssuer) {
	t.Helper()
	dir := t.TempDir()
	ca, err := quicwire.NewCA("ktest")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeIssuer{ca: ca, id: quicwire.Identity{Cluster: "ktest", Node: 2, Roles: []string{metadata.NodeDatanode}}, life: life}
	saveShort(t, dir, ca, f.id, life)
	i, err := loadIdentity(dir, certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return i, f
}

// saveShort gives the folder a new key and a certificate of that life.
func saveShort(t *testing.T, dir string, ca *quicwire.CA, id quicwire.Identity, life time.Duration) {
	t.Helper()
	key, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := quicwire.NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := quicwire.SignCSR(ca, csr, id, life)
	if err != nil {
		t.Fatal(err)
	}
	if err := saveIdentity(dir, certFile, keyFile, key, cert, ca.Cert); err != nil {
		t.Fatal(err)
	}
}

// keep runs keepRenewed for a while.
func keep(t *testing.T, i *identity, f *fakeIssuer, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.keepRenewed(ctx, f, slog.New(slog.DiscardHandler))
	}()
	time.Sleep(d)
	cancel()
	<-done
}

func TestRenewedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 90 * 24 * time.Hour
		i, f := newIdentity(t, life)
		keep(t, i, f, 365*24*time.Hour)
		if f.issued < 5 || f.issued > 7 {
			t.Errorf("%d renewals in a year of certificates of 90 days, want one every 60 days", f.issued)
		}
		if left := time.Until(i.credentials().Cert.NotAfter); left < life/4 {
			t.Errorf("%v left", left)
		}
	})
}

// A nameserver that is away until just before the end is not missed, and not
// asked without a pause.
func TestRenewalWhileTheNameserverIsAway(t *testing.T) {
	for _, life := range []time.Duration{90 * 24 * time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			i, f := newIdentity(t, life)
			f.away = true
			end := i.credentials().Cert.NotAfter
			keep(t, i, f, time.Until(end)-30*time.Second)
			if n := len(f.asked); n == 0 || n > 1500 {
				t.Errorf("life %v: asked %d times", life, n)
			}
			f.away = false
			keep(t, i, f, 25*time.Second)
			if f.issued != 1 || !i.credentials().Cert.NotAfter.After(end) {
				t.Errorf("life %v: %d renewals, expires %v", life, f.issued, i.credentials().Cert.NotAfter)
			}
		})
	}
}

// A certificate that is old when it is issued, because the authority's time is
// nearly over, does not make its node ask on and on.
func TestShortCertificatesAreNoLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, f := newIdentity(t, time.Second)
		keep(t, i, f, 10*time.Minute)
		if n := len(f.asked); n < 2 || n > 12 {
			t.Errorf("asked %d times in 10 minutes, want about one a minute", n)
		}
	})
}

// TestRenewalUnderLoad starts nodes whose certificates run out within seconds:
// they renew them, connections made with the old ones are cut when these run
// out, and no upload or download fails.
func TestRenewalUnderLoad(t *testing.T) {
	const (
		life  = 8 * time.Second // longer than a busy machine takes to start a node
		least = 10              // files that are to be written and read meanwhile
		most  = 2 * time.Minute // for all that, however slow the machine is
	)
	root := t.TempDir()
	var owner InitResult
	ns := startAt(t, filepath.Join(root, "n1"), func(dir string) { owner = initOne(t, dir) })
	ca, err := issuer{ns.meta}.authority(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*Node
	for k, role := range []string{metadata.NodeDatanode, metadata.NodeDatanode, metadata.NodeWebDAV} {
		nodes = append(nodes, startAt(t, filepath.Join(root, fmt.Sprint("n", k+2)), func(dir string) {
			joinOne(t, filepath.Join(root, "n1"), dir, role)
			id, err := quicwire.ParseIdentity(parseCert(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			saveShort(t, dir, ca, id, life)
		}))
	}
	gateway := nodes[2]
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	began := time.Now()
	var wg sync.WaitGroup
	var done atomic.Int32
	enough := func() bool {
		took := time.Since(began) // long enough for all certificates of the beginning to run out
		return took > most || took > life+3*time.Second && done.Load() >= least
	}
	for w := range 3 {
		wg.Go(func() {
			for k := 0; !enough(); k++ {
				url := fmt.Sprintf("%sw%d-%d", gateway.Running().WebDAV, w, k%5)
				if err := putGet(t.Context(), url, owner.Password, data[:1+len(data)*(w+1)/3-1]); err != nil {
					t.Errorf("while certificates run out: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		if left := time.Until(n.identity.credentials().Cert.NotAfter); left < 24*time.Hour {
			t.Errorf("%s: the certificate lasts %v more: it was not renewed", n.ID(), left)
		}
	}
	if done.Load() < least {
		t.Errorf("only %d files were written and read in %v", done.Load(), most)
	}
	t.Logf("%d files written and read while all certificates ran out, 0 errors", done.Load())
}

// putGet writes a file through the gateway and reads it back.
func putGet(ctx context.Context, url, password string, data []byte) error {
	for _, method := range []string{"PUT", "GET"} {
		var body io.Reader
		if method == "PUT" {
			body = bytes.NewReader(data)
		}
		req, err := http.NewRequestWithContext(ctx, method, url, body)
		if err != nil {
			return err
		}
		req.SetBasicAuth(AdminName, password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode >= 300 {
			return fmt.Errorf("%s %s: %s, %v %s", method, url, resp.Status, err, got)
		}
		if method == "GET" && !bytes.Equal(got, data) {
			return fmt.Errorf("GET %s: other bytes", url)
		}
	}
	return nil
}

// joinOne enrols a node of that role in dir with a token of the node in ns.
func joinOne(t *testing.T, ns, dir, role string) metadata.NodeID {
	t.Helper()
	c, err := Connect(t.Context(), ns, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	token, _, err := CreateToken(t.Context(), c, TokenOptions{Roles: []string{role}, TTL: time.Minute, Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	id, err := Join(t.Context(), dir, Config{
		Name: filepath.Base(dir), Roles: []string{role}, Listen: "127.0.0.1:0", WebDAV: WebDAVConfig{Listen: "127.0.0.1:0"},
	}, token)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// startAt makes a folder and starts its node, by itself in its Local: it
// reaches the others over the network.
func startAt(t *testing.T, dir string, enrol func(dir string)) *Node {
	t.Helper()
	enrol(dir)
	n, err := Start(t.Context(), mustLoad(t, dir), &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil && !strings.Contains(err.Error(), "certificate") {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

// parseCert reads the certificate in a folder.
func parseCert(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	certs, err := readCerts(filepath.Join(dir, certFile))
	if err != nil {
		t.Fatal(err)
	}
	return certs[0]
}
