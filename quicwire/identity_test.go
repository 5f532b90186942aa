package quicwire

import (
	"crypto/x509"
	"net/url"
	"strings"
	"testing"
)

func TestIdentityURI(t *testing.T) {
	id := Identity{Cluster: "c-1", Node: 7, Roles: []string{"datanode", "webdav"}}
	const want = "ken://c-1/node/7?roles=datanode,webdav"
	if got := id.String(); got != want {
		t.Fatalf("String = %s, want %s", got, want)
	}
	got, err := parseIdentityURI(want)
	if err != nil || got.String() != want || got.Node != 7 || got.Cluster != "c-1" || len(got.Roles) != 2 {
		t.Fatalf("parse %s = %v, %v", want, got, err)
	}
	if !got.Has("webdav") || !got.Has("nameserver", "datanode") || got.Has("nameserver") || got.Has() {
		t.Errorf("Has is wrong for %v", got.Roles)
	}
}

func TestIdentityURIRefused(t *testing.T) {
	for _, s := range []string{
		"",
		"ken://",
		"http://c/node/1?roles=a",
		"ken://c/node/1",
		"ken://c/node/1?roles=",
		"ken://c/node/0?roles=a",
		"ken://c/node/01?roles=a",
		"ken://c/node/+1?roles=a",
		"ken://c/node/-1?roles=a",
		"ken://c/node/18446744073709551616?roles=a",
		"ken:///node/1?roles=a",
		"ken://C/node/1?roles=a",
		"ken://-c/node/1?roles=a",
		"ken://u@c/node/1?roles=a",
		"ken://c:80/node/1?roles=a",
		"ken://c/node/1/?roles=a",
		"ken://c/node/1?roles=a#f",
		"ken://c/node/1?roles=a&roles=b",
		"ken://c/node/1?roles=b,a",
		"ken://c/node/1?roles=a,a",
		"ken://c/node/1?roles=a,,b",
		"ken://c/node/1?roles=a%2Cb",
		"ken://c/node/1?roles=A",
		"ken://c/node/1?roles=a,b,c,d,e,f,g,h,i",
		"ken://" + strings.Repeat("c", 64) + "/node/1?roles=a",
		"ken://c/node/1?roles=" + strings.Repeat("r", 33),
	} {
		if id, err := parseIdentityURI(s); err == nil {
			t.Errorf("parse %q = %v, want an error", s, id)
		}
	}
}

func TestParseIdentityWantsOneURI(t *testing.T) {
	u := Identity{Cluster: "c", Node: 1, Roles: []string{"a"}}.uri()
	for n, want := range map[int]bool{0: false, 1: true, 2: false} {
		cert := &x509.Certificate{}
		for range n {
			cert.URIs = append(cert.URIs, u)
		}
		if _, err := ParseIdentity(cert); (err == nil) != want {
			t.Errorf("%d URIs: err = %v", n, err)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add("ken://c/node/1?roles=a,b")
	f.Add("ken://c%20/node/1?roles=a")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseIdentityURI(s)
		if err != nil {
			return
		}
		if err := id.validate(); err != nil || id.String() != s {
			t.Fatalf("parse %q = %v (%v), which is another spelling", s, id, err)
		}
		// What a certificate carries is parsed and printed by net/url on the way.
		u, err := url.Parse(s)
		if err != nil || u.String() != s {
			t.Fatalf("net/url disagrees on %q: %v, %v", s, u, err)
		}
	})
}
