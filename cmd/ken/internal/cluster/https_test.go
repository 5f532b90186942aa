package cluster

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// served returns the certificate that a handshake gets.
func served(t *testing.T, conf *tls.Config) *x509.Certificate {
	t.Helper()
	c, err := conf.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func mustServe(t *testing.T, f httpsFiles, a net.Addr) *tls.Config {
	t.Helper()
	conf, err := tlsConfig(f, a)
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

func TestSelfSigned(t *testing.T) {
	dir := t.TempDir()
	addr := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 1}
	files := httpsFiles{selfSigned: true, base: filepath.Join(dir, "webdav"), hosts: []string{"192.0.2.7", "drive.example"}}
	leaf := served(t, mustServe(t, files, addr))
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "10.1.2.3", "192.0.2.7", "drive.example"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "webdav.key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key: got %v, %v", st, err)
	}
	if again := served(t, mustServe(t, files, addr)); !again.Equal(leaf) {
		t.Error("the certificate changed at the second start")
	}
	files.hosts = []string{"192.0.2.8"} // the machine has moved
	moved := served(t, mustServe(t, files, addr))
	if err := moved.VerifyHostname("192.0.2.8"); err != nil {
		t.Error(err)
	}
	if served(t, mustServe(t, files, addr)).Equal(leaf) {
		t.Error("the old certificate came back")
	}
	if conf, err := tlsConfig(httpsFiles{}, addr); conf != nil || err != nil {
		t.Errorf("plain HTTP: got %v, %v", conf, err)
	}
}

// TestSelfSignedEverywhere: a listener on all addresses, as the README has it,
// is reached at the machine's own.
func TestSelfSignedEverywhere(t *testing.T) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	leaf := served(t, mustServe(t, httpsFiles{selfSigned: true, base: filepath.Join(t.TempDir(), "webdav")}, &net.TCPAddr{IP: net.IPv4zero, Port: 1}))
	for _, a := range all {
		if ip := a.(*net.IPNet).IP; ip.IsGlobalUnicast() || ip.IsLoopback() {
			if err := leaf.VerifyHostname(ip.String()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestServes: a certificate that is about to end is made anew.
func TestServes(t *testing.T) {
	dir := t.TempDir()
	leaf := served(t, mustServe(t, httpsFiles{selfSigned: true, base: filepath.Join(dir, "x")}, &net.TCPAddr{IP: net.IPv4zero}))
	for when, want := range map[time.Time]bool{
		time.Now(): true, leaf.NotAfter.Add(-selfSignedLeft - time.Hour): true,
		leaf.NotAfter.Add(-selfSignedLeft + time.Hour): false, leaf.NotAfter.Add(time.Hour): false,
	} {
		if got := serves(leaf, nil, when); got != want {
			t.Errorf("at %v: got %v, want %v", when, got, want)
		}
	}
}

// TestRenewedCertificate: a certificate that is replaced is served without a
// restart, and while it is half replaced the one before is.
func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"old", "new"} {
		if err := selfSign(path(name+".pem"), path(name+".key"), []string{name + ".example"}); err != nil {
			t.Fatal(err)
		}
	}
	install := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(path(from))
		if err == nil {
			err = writeFile(path(to), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install("old.pem", "site.pem")
	install("old.key", "site.key")
	var log bytes.Buffer
	conf := mustServe(t, httpsFiles{cert: path("site.pem"), key: path("site.key"), log: slog.New(slog.NewTextHandler(&log, nil))}, addr)
	name := func() string { return served(t, conf).DNSNames[0] }
	if got := name(); got != "old.example" {
		t.Errorf("got %s", got)
	}
	install("new.pem", "site.pem") // the key comes later
	if got := name(); got != "old.example" || !strings.Contains(log.String(), "the one before stays") {
		t.Errorf("half renewed: got %s, log %q", got, log.String())
	}
	install("new.key", "site.key")
	if got := name(); got != "new.example" {
		t.Errorf("renewed: got %s", got)
	}
	if err := os.Remove(path("site.key")); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "new.example" {
		t.Errorf("without the key: got %s", got)
	}
	_, err := tlsConfig(httpsFiles{cert: path("site.pem"), key: path("site.key")}, addr)
	wantKind(t, "no key at the start", err, metadata.KindInvalid)
}
