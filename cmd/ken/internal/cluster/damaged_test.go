package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/quicwire"
)

// TestDamagedIdentity: each file of an identity that is damaged, another's or
// not there is refused, and the message names it.
func TestDamagedIdentity(t *testing.T) {
	other, _ := newIdentity(t, time.Hour)
	from := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(other.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		what, file string
		content    []byte // nil: not there
	}{
		{"no key", keyFile, nil}, {"no certificate", certFile, nil}, {"no authority", caFile, nil},
		{"an empty key", keyFile, []byte{}}, {"an empty certificate", certFile, []byte{}}, {"an empty authority", caFile, []byte{}},
		{"half a key", keyFile, from(keyFile)[:100]}, {"half a certificate", certFile, from(certFile)[:100]},
		{"a certificate for a key", keyFile, from(certFile)}, {"a key for a certificate", certFile, from(keyFile)},
		{"another's key", keyFile, from(keyFile)}, {"another's certificate", certFile, from(certFile)},
		{"another's authority", caFile, from(caFile)}, {"an authority as node", certFile, from(caFile)},
		{"a flood", certFile, make([]byte, 1<<21)},
	} {
		i, _ := newIdentity(t, time.Hour)
		path := filepath.Join(i.dir, c.file)
		err := os.Remove(path)
		if err == nil && c.content != nil {
			err = os.WriteFile(path, c.content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = loadIdentity(i.dir, certFile, keyFile)
		switch {
		case err == nil || !strings.Contains(err.Error(), i.dir):
			t.Errorf("%s: got %v, want an error that names the folder", c.what, err)
		case c.content == nil && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: got %v, want that it is not there", c.what, err)
		case c.content != nil && metadata.KindOf(err) != metadata.KindCorrupt:
			t.Errorf("%s: got %v of kind %v, want corrupt", c.what, err, metadata.KindOf(err))
		}
	}
}

// odd issues what a nameserver never should.
type odd struct {
	answer func(csr []byte) metarpc.Enrolment
}

func (o odd) RenewCertificate(_ context.Context, csr []byte) (metarpc.Enrolment, error) {
	return o.answer(csr), nil
}

// TestOddRenewals: a renewal that is not a certificate of the node's own key,
// authority and name leaves the one before, in memory and in the folder.
func TestOddRenewals(t *testing.T) {
	i, f := newIdentity(t, time.Hour)
	foreign, err := quicwire.NewCA("ktest")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := quicwire.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	strange, err := quicwire.NewCSR(stranger)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(ca *quicwire.CA, id quicwire.Identity) func([]byte) metarpc.Enrolment {
		return func(csr []byte) metarpc.Enrolment {
			cert, err := quicwire.SignCSR(ca, csr, id, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return metarpc.Enrolment{Cert: cert.Raw, CA: ca.Cert.Raw}
		}
	}
	node := func(cluster string, n uint64) quicwire.Identity {
		return quicwire.Identity{Cluster: cluster, Node: n, Roles: f.id.Roles}
	}
	before, file := i.credentials(), parseCert(t, i.dir)
	for what, answer := range map[string]func([]byte) metarpc.Enrolment{
		"nothing":           func([]byte) metarpc.Enrolment { return metarpc.Enrolment{} },
		"no certificate":    func([]byte) metarpc.Enrolment { return metarpc.Enrolment{Cert: []byte("nonsense")} },
		"another authority": sign(foreign, f.id),
		"another node":      sign(f.ca, node(f.id.Cluster, f.id.Node+1)),
		"another cluster":   sign(f.ca, node("kother", f.id.Node)),
		"another key":       func([]byte) metarpc.Enrolment { return sign(f.ca, f.id)(strange) },
	} {
		if err := i.renew(t.Context(), odd{answer}); err == nil {
			t.Errorf("%s was taken", what)
		}
		if i.credentials() != before || !parseCert(t, i.dir).Equal(file) {
			t.Fatalf("%s: the certificate before is gone", what)
		}
	}
	// New roles of the same node are what an operator may have given it.
	more := f.id
	more.Roles = []string{metadata.NodeDatanode, metadata.NodeWebDAV}
	if err := i.renew(t.Context(), odd{sign(f.ca, more)}); err != nil || len(i.credentials().Identity().Roles) != 2 {
		t.Errorf("new roles: %v, %v", err, i.credentials().Identity())
	}
	if again, err := loadIdentity(i.dir, certFile, keyFile); err != nil || !again.credentials().Cert.Equal(i.credentials().Cert) {
		t.Errorf("after a start: %v", err)
	}
}

// TestRetryAfter: pauses shrink with the time that is left, within their bounds,
// also when it is over.
func TestRetryAfter(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		90 * 24 * time.Hour: renewRetry, 20 * time.Hour: time.Hour, 10 * time.Hour: 30 * time.Minute, time.Minute: 3 * time.Second,
		20 * time.Second: time.Second, time.Second: renewHurry, 0: renewHurry, -time.Hour: renewHurry,
	} {
		if got := retryAfter(left); got != want {
			t.Errorf("%v left: got %v, want %v", left, got, want)
		}
	}
}

// TestDamagedRunFile: what a node wrote of where it listens is a hint; when it
// is damaged, commands go by the settings.
func TestDamagedRunFile(t *testing.T) {
	dir := t.TempDir()
	c := sampleConfig(dir)
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", "[]", "null", "{}", `{"pid":"x"}`, `{"quic":7}`, `{"pid":1}`} {
		if err := os.WriteFile(filepath.Join(dir, runFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := nameservers(dir, &c); !reflect.DeepEqual(got, c.Nameservers) {
			t.Errorf("%q: got nameservers %q, want %q", text, got, c.Nameservers)
		}
		if NotRunning(dir) {
			t.Errorf("%q: proves nothing of a process", text)
		}
	}
	want := Running{PID: os.Getpid(), QUIC: "127.0.0.1:1", WebDAV: "http://127.0.0.1:2/", Admin: "http://127.0.0.1:3/", Metrics: "http://127.0.0.1:4/"}
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadRunning(dir); err != nil || got != want {
		t.Errorf("there and back: got %+v, %v, want %+v", got, err, want)
	}
}

// TestDamagedSettings: a folder whose ken.toml is damaged or of another version
// is refused by everything that reads it, and is left as it is.
func TestDamagedSettings(t *testing.T) {
	for text, want := range map[string]metadata.Kind{
		"":                               metadata.KindUnsupported,
		"version = 0":                    metadata.KindUnsupported,
		"version = 2":                    metadata.KindUnsupported,
		"version = -1":                   metadata.KindUnsupported,
		"version = 99999999999999999999": metadata.KindInvalid,
		"version = \"1\"":                metadata.KindInvalid,
		"version = 1\nversion = 1":       metadata.KindInvalid,
		"\x00\x01\x02":                   metadata.KindInvalid,
		"version = 1\nname = \"\xff\"":   metadata.KindInvalid,
		"version = 1\n[webdav":           metadata.KindInvalid,
		"version = 1":                    metadata.KindInvalid, // no roles
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, configFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadConfig(dir)
		wantKind(t, fmt.Sprintf("load %q", text), err, want)
		_, err = Connect(t.Context(), dir, time.Second)
		wantKind(t, fmt.Sprintf("connect with %q", text), err, want)
		_, err = Init(t.Context(), dir, InitOptions{Config: sampleConfig(dir)})
		wantKind(t, fmt.Sprintf("init over %q", text), err, metadata.KindExists)
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q became %q, %v", text, b, err)
		}
	}
}
