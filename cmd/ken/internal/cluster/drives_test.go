package cluster

import (
	"net"
	"testing"

	"kendfs/admin"
	"kendfs/metadata"
)

func TestGatewayOf(t *testing.T) {
	for _, c := range []struct {
		url                string
		shown, tls, loopes bool
	}{
		{"https://drive.example:8443/", true, true, false},
		{"http://127.0.0.1:8080/", true, false, true},
		{"http://[::1]:8080/", true, false, true},
		{"http://localhost:8080/", true, false, true},
		{"http://192.0.2.7:8080/", true, false, false},
		{"", false, false, false},
		{"javascript:alert(1)", false, false, false},
		{"javascript://host/%0aalert(1)", false, false, false},
		{"file:///etc/passwd", false, false, false},
		{"https://", false, false, false},
		{"https://user:secret@drive.example/", false, false, false},
		{"https://drive.example/?x=1", false, false, false},
		{"https://drive.example/#x", false, false, false},
		{"http://a b/", false, false, false},
		{"drive.example:8443", false, false, false},
	} {
		g, ok := gatewayOf(3, "gw", metadata.Drive{URL: c.url, SelfSigned: true})
		if ok != c.shown || g.TLS != c.tls || g.Loopback != c.loopes || ok && (g.URL != c.url || g.Node != 3 || g.Name != "gw" || !g.SelfSigned) {
			t.Errorf("%q: got %+v, %v", c.url, g, ok)
		}
	}
}

// The desktop lists every gateway of the cluster, whoever serves the desktop.
func TestGateways(t *testing.T) {
	self := metadata.Node{ID: 1, Name: "mine"}
	nodes := []metadata.Node{
		{ID: 1, Name: "ns"},
		{ID: 2, Name: "gw-a", Drive: metadata.Drive{URL: "https://192.0.2.2:8443/", SelfSigned: true}, Liveness: metadata.LivenessUp},
		{ID: 3, Name: "gw-b", Drive: metadata.Drive{URL: "http://192.0.2.3:8080/"}, Liveness: metadata.LivenessSuspect},
		{ID: 4, Name: "gone", Drive: metadata.Drive{URL: "http://192.0.2.4:8080/"}, State: metadata.NodeRemoved},
		{ID: 5, Name: "down", Drive: metadata.Drive{URL: "http://192.0.2.5:8080/"}, Liveness: metadata.LivenessDown},
		{ID: 6, Name: "evil", Drive: metadata.Drive{URL: "javascript:alert(1)"}, Liveness: metadata.LivenessUp},
	}
	names := func(gs []admin.Gateway) (out []string) {
		for _, g := range gs {
			out = append(out, g.Name)
		}
		return out
	}
	if got := names(gatewaysOf(self, nodes)); len(got) != 2 || got[0] != "gw-a" || got[1] != "gw-b" {
		t.Errorf("got %v", got)
	}
	if got := gatewaysOf(self, nil); got != nil {
		t.Errorf("no gateways: got %v", got)
	}
	// Its own is known without anybody having said it.
	self.Drive = metadata.Drive{URL: "http://127.0.0.1:8080/"}
	if got := names(gatewaysOf(self, nodes)); len(got) != 3 || got[0] != "mine" {
		t.Errorf("with its own: got %v", got)
	}
}

func TestOwnDrive(t *testing.T) {
	n := &Node{running: Running{QUIC: "192.0.2.9:7800"}}
	for _, c := range []struct {
		listen string
		secure bool
		cert   string
		want   metadata.Drive
	}{
		{"127.0.0.1:8080", false, "", metadata.Drive{URL: "http://127.0.0.1:8080/"}},
		{"0.0.0.0:8080", false, "", metadata.Drive{URL: "http://192.0.2.9:8080/"}},
		{"[::]:8443", true, "", metadata.Drive{URL: "https://192.0.2.9:8443/", SelfSigned: true}},
		{"192.0.2.1:8443", true, "cert.pem", metadata.Drive{URL: "https://192.0.2.1:8443/"}},
	} {
		a, err := net.ResolveTCPAddr("tcp", c.listen)
		if err != nil {
			t.Fatal(err)
		}
		n.cfg.WebDAV.TLSCert = c.cert
		if got := n.ownDrive(a, c.secure); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.listen, got, c.want)
		}
	}
}
