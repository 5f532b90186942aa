package cluster

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/metadata"
)

// devHere starts a drive in this process.
func devHere(t *testing.T, opt DevOptions) *DevCluster {
	t.Helper()
	opt.Dir, opt.WebDAV = t.TempDir(), "127.0.0.1:0"
	if opt.StorageServers == 0 {
		opt.StorageServers = 1
	}
	d, err := Dev(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := d.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// TestDevDesktop: the desktop is served beside the drive, knows the cluster, and
// makes tokens that a node joins with.
func TestDevDesktop(t *testing.T) {
	d := devHere(t, DevOptions{Admin: "127.0.0.1:0", Metrics: "127.0.0.1:0"})
	if code, body := fetch(t, d.AdminURL()+"api/v1/openapi.yaml"); code != http.StatusOK || !strings.Contains(body, "openapi: 3") {
		t.Errorf("the API's document: %d, %.80s", code, body)
	}
	if code, _ := fetch(t, d.AdminURL()+"api/v1/nodes"); code != http.StatusUnauthorized {
		t.Errorf("nodes without signing in: %d", code)
	}
	n := d.nodes[0]
	c := adminCluster{n.meta, n}
	tok, text, err := c.CreateToken(t.Context(), []string{metadata.NodeDatanode}, time.Minute, 2)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Tokens(t.Context())
	if err != nil || !slices.ContainsFunc(all, func(k admin.Token) bool { return k.ID == tok.ID && k.UsesLeft == 2 }) {
		t.Errorf("tokens: %+v, %v, want %s", all, err, tok.ID)
	}
	if _, err := Join(t.Context(), filepath.Join(t.TempDir(), "more"), Config{
		Name: "more", Roles: []string{metadata.NodeDatanode}, Listen: "127.0.0.1:0"}, text); err != nil {
		t.Errorf("join with the desktop's token: %v", err)
	}
	if _, _, err := c.CreateToken(t.Context(), nil, time.Minute, 1); err == nil {
		t.Error("a token for no role")
	}
	ctx := c.WithActor(t.Context(), metadata.Actor{User: "ann", Origin: "admin"})
	if err := n.meta.Set(ctx, map[string]int64{metadata.SettingReadOnly: 0}); err != nil {
		t.Error(err)
	}
}

// TestAdminContent moves a file's data as the desktop does.
func TestAdminContent(t *testing.T) {
	d := devHere(t, DevOptions{Admin: "127.0.0.1:0"})
	n := d.nodes[0]
	c := adminContent{n.blocks}
	const text = "a file of the desktop"
	w := c.Create(t.Context(), 1, int64(len(text)))
	defer w.Abort()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	var entry metadata.Entry
	err := w.Commit(t.Context(), func(ctx context.Context, k metadata.Commit) error {
		done, err := n.meta.Commit(ctx, "/f", metadata.Guard{}, k)
		entry = done.Entry
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Open(t.Context(), entry)
	got, err := io.ReadAll(r)
	if string(got) != text || err != nil || r.Close() != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestDesktopAlone: a node that is nothing but a desktop is known to be there,
// and goes on answering when the nameserver has gone.
func TestDesktopAlone(t *testing.T) {
	root := t.TempDir()
	ns := startAt(t, filepath.Join(root, "n1"), func(dir string) { initOne(t, dir) })
	n := startAt(t, filepath.Join(root, "n2"), func(dir string) {
		joinOne(t, filepath.Join(root, "n1"), dir, metadata.NodeAdmin)
		c, err := readConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		c.Admin.Listen = "127.0.0.1:0"
		if err := c.save(); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the desktop is heard of", func() bool {
		ns, err := ns.meta.Nodes(t.Context())
		return err == nil && slices.ContainsFunc(ns, func(k metadata.Node) bool {
			return k.ID == n.ID() && !k.Started.IsZero() && k.CertExpires.Equal(n.certExpires())
		})
	})
	if got := n.reachableNameservers(); len(got) == 0 || got[0] != ns.Running().QUIC {
		t.Errorf("nameservers: %v, want %s", got, ns.Running().QUIC)
	}
	if code, _ := fetch(t, n.Running().Admin+"api/v1/openapi.yaml"); code != http.StatusOK {
		t.Errorf("the desktop answers %d", code)
	}
}

func TestJoinCommand(t *testing.T) {
	n := &Node{}
	for want, roles := range map[string][]string{
		"ken join --roles datanode --listen THIS-MACHINE:7800 KEN1-x && ken run": {metadata.NodeDatanode},
		"ken join --roles webdav,admin --listen THIS-MACHINE:7800 --webdav 0.0.0.0:8080 --tls-self-signed " +
			"--admin 0.0.0.0:8090 --tls-self-signed KEN1-x && ken run": {metadata.NodeWebDAV, metadata.NodeAdmin},
	} {
		if got := n.joinCommand("KEN1-x", roles); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSetupLink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	_, _, err := SetupLink(dir)
	wantKind(t, "no node", err, metadata.KindNotFound)
	initOne(t, dir)
	_, _, err = SetupLink(dir)
	wantKind(t, "no desktop", err, metadata.KindInvalid)
	c := mustLoad(t, dir)
	c.Roles = append(c.Roles, metadata.NodeAdmin)
	c.Admin = AdminConfig{Listen: "127.0.0.1:8090", SelfSigned: true}
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, base := range []string{"https://127.0.0.1:8090/", "https://127.0.0.1:4711/"} {
		url, expires, err := SetupLink(dir)
		code, ok := strings.CutPrefix(url, base+"setup#code=")
		if err != nil || !ok || len(code) < 16 || seen[code] || time.Until(expires) <= 0 {
			t.Errorf("got %s until %v, %v, want a code at %s", url, expires, err, base)
		}
		seen[code] = true
		if err := (Running{Admin: "https://127.0.0.1:4711/"}).save(dir); err != nil { // where it listens now
			t.Fatal(err)
		}
	}
}

// TestNotRunning: whether the nameserver of a folder runs is known by its process.
func TestNotRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	if NotRunning(dir) {
		t.Error("no folder: its nameserver is elsewhere, if anywhere")
	}
	initOne(t, dir)
	if !NotRunning(dir) {
		t.Error("it has never run")
	}
	for pid, want := range map[int]bool{os.Getpid(): false, 1 << 22: true} { // more than pid_max
		if err := (Running{PID: pid}).save(dir); err != nil {
			t.Fatal(err)
		}
		if got := NotRunning(dir); got != want {
			t.Errorf("process %d: got %v", pid, got)
		}
	}
	c := mustLoad(t, dir)
	c.Roles = []string{metadata.NodeDatanode}
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	if NotRunning(dir) {
		t.Error("its nameserver is another node")
	}
	if got := StartCommand(dir); got != "ken run --dir "+dir {
		t.Errorf("got %s", got)
	}
	whole := filepath.Join(t.TempDir(), "drive")
	initOne(t, filepath.Join(whole, devNode))
	if got := StartCommand(whole); got != "ken dev --dir "+whole {
		t.Errorf("got %s", got)
	}
}

// TestFailedNode: the first thing that a node cannot go on after ends the drive.
func TestFailedNode(t *testing.T) {
	d := devHere(t, DevOptions{})
	d.nodes[1].fail(net.ErrClosed)
	d.nodes[1].fail(io.EOF) // too late
	select {
	case err := <-d.Failed():
		if !strings.Contains(err.Error(), "n2: ") {
			t.Errorf("got %v, want the node named", err)
		}
	case <-time.After(time.Minute):
		t.Error("nobody was told")
	}
	if d.AdminURL() != "" {
		t.Errorf("a desktop that was not asked for: %s", d.AdminURL())
	}
}

func TestDemo(t *testing.T) {
	d, err := StartDemo(DemoOptions{Listen: "127.0.0.1:0", Nodes: 24, Version: "v"})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := fetch(t, d.URL+"api/v1/openapi.yaml"); code != http.StatusOK || d.Password == "" {
		t.Errorf("got %d, password %q", code, d.Password)
	}
	taken := strings.TrimSuffix(strings.TrimPrefix(d.URL, "http://"), "/")
	_, err = StartDemo(DemoOptions{Listen: taken, Nodes: 24})
	wantKind(t, "an address that is taken", err, metadata.KindUnavailable)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		t.Error(err)
	}
	select {
	case err := <-d.Failed():
		t.Errorf("an orderly end is no failure: %v", err)
	default:
	}
	if _, err := http.Get(d.URL); err == nil {
		t.Error("it still answers")
	}
}
