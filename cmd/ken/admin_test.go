package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// browser is somebody at the desktop.
type browser struct {
	t      testing.TB
	url    string
	client *http.Client
}

func newBrowser(t testing.TB, url string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, strings.TrimSuffix(url, "/"), &http.Client{Jar: jar, Timeout: time.Minute}}
}

// signIn signs in as the first administrator.
func signIn(t testing.TB, url string) *browser {
	t.Helper()
	b := newBrowser(t, url)
	b.must("POST", "/api/v1/session", map[string]string{"user": "admin", "password": testPassword}, 200)
	return b
}

func (b *browser) do(method, path string, body any, header ...string) (int, []byte) {
	b.t.Helper()
	var r io.Reader
	if raw, ok := body.([]byte); ok {
		r = bytes.NewReader(raw)
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, b.url+path, r)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, text
}

func (b *browser) must(method, path string, body any, status int, header ...string) []byte {
	b.t.Helper()
	got, text := b.do(method, path, body, header...)
	if got != status {
		b.t.Fatalf("%s %s: got %d, want %d: %.400s", method, path, got, status, text)
	}
	return text
}

// get reads JSON.
func (b *browser) get(path string) map[string]any {
	b.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b.must("GET", path, nil, 200), &v); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// upload sends a file in pieces.
func (b *browser) upload(path string, data []byte, piece int) {
	b.t.Helper()
	var u struct{ ID string }
	begun := b.must("POST", "/api/v1/fs/uploads", map[string]any{"path": path, "size": len(data), "parents": true}, 201)
	if err := json.Unmarshal(begun, &u); err != nil {
		b.t.Fatal(err)
	}
	for at := 0; at < len(data); at += piece {
		b.must("PATCH", "/api/v1/fs/uploads/"+u.ID, data[at:min(at+piece, len(data))], 200, "Upload-Offset", fmt.Sprint(at))
	}
}

// devDesktop starts `ken dev` and returns the addresses of drive and desktop.
func devDesktop(t testing.TB, dir, listen string) (p *process, drive, desktop string) {
	t.Helper()
	p, out := start(t, "dev", "--dir", dir, "--webdav", "127.0.0.1:0", "--admin", listen)
	return p, field(t, out, "drive:"), field(t, out, "desktop:")
}

// TestDesktop: what is put at the desktop is at the drive and the other way
// round; a session outlives the process; a lost password is set by a link.
func TestDesktop(t *testing.T) {
	dir, listen := t.TempDir(), freePort(t, "tcp")
	p, url, desk := devDesktop(t, dir, listen)
	b := signIn(t, desk)
	data := randomBytes(21<<20 + 17)
	b.upload("/in/deep/large", data, 5<<20)
	d := newDrive(url)
	if got := d.must(t, "GET", "/in/deep/large", nil, 200); !bytes.Equal(got, data) {
		t.Error("over WebDAV the upload differs")
	}
	d.must(t, "PUT", "/small", data[:4096], http.StatusCreated)
	if got := b.must("GET", "/api/v1/fs/content?path=/small", nil, 200); !bytes.Equal(got, data[:4096]) {
		t.Error("at the desktop the file differs")
	}
	if got := b.must("GET", "/api/v1/fs/content?path=/in/deep/large", nil, 206, "Range", "bytes=9000000-9000099"); !bytes.Equal(got, data[9000000:9000100]) {
		t.Error("a range differs")
	}
	if st := b.get("/api/v1/fs/stat?path=/in/deep/large"); st["min_live"] != 2.0 || st["blocks"].(float64) < 6 {
		t.Errorf("stat: got %v", st)
	}
	b.must("POST", "/api/v1/fs/move", map[string]any{"from": "/in", "to": "/out", "overwrite": false}, 200)
	d.must(t, "GET", "/in/deep/large", nil, 404)
	b.must("POST", "/api/v1/fs/delete", map[string]any{"paths": []string{"/small"}}, 200)
	d.must(t, "GET", "/small", nil, 404)

	p.stop() // how fast, TestDev says
	p, _, _ = devDesktop(t, dir, listen)
	await(t, "the session goes on after a restart", 20*time.Second, func() bool {
		code, _ := b.do("GET", "/api/v1/health", nil)
		return code == 200 && b.get("/api/v1/health")["stale"] == false
	})
	link := mustKen(t, "admin", "setup-link", "--dir", dir)
	_, code, ok := strings.Cut(strings.Fields(link)[0], "#code=")
	if !ok || !strings.HasPrefix(link, "http://"+listen+"/") {
		t.Fatalf("link: %q", link)
	}
	owner := newBrowser(t, desk)
	owner.must("POST", "/api/v1/setup", map[string]string{"code": code, "password": "quite a new one"}, 200)
	if s := owner.get("/api/v1/session"); s["role"] != "admin" {
		t.Errorf("got %v", s)
	}
	p.stop()
}

// TestDesktopAddress: an address that is taken is named, with what to do.
func TestDesktopAddress(t *testing.T) {
	dir := t.TempDir()
	_, _, desk := devDesktop(t, dir, "127.0.0.1:0")
	addr := strings.TrimSuffix(strings.TrimPrefix(desk, "http://"), "/")
	_, stderr, code := ken(t, "dev", "--dir", t.TempDir(), "--webdav", "127.0.0.1:0", "--admin", addr)
	if code != 6 || !strings.Contains(stderr, "--admin") || !strings.Contains(stderr, addr) {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
	_, stderr, code = ken(t, "admin", "--dir", t.TempDir())
	if code != 3 || !strings.Contains(stderr, "holds no node") {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
}

// TestTruth: the desktop and the command line say the same of one moment.
func TestTruth(t *testing.T) {
	dir := t.TempDir()
	_, url, desk := devDesktop(t, dir, "127.0.0.1:0")
	b := signIn(t, desk)
	d := newDrive(url)
	for i := range 5 {
		d.must(t, "PUT", fmt.Sprintf("/f%d", i), randomBytes(300_000), http.StatusCreated)
	}
	// The leader counts about once a second. Of two readings of one counting
	// everything must be equal, to the last check.
	same := map[any]bool{}
	await(t, "three countings that both have seen", time.Minute, func() bool {
		cli := status(t, dir)
		report := b.get("/api/v1/health")["report"].(map[string]any)
		if cli["as_of"] != report["as_of"] {
			return false
		}
		if !reflect.DeepEqual(cli, report) {
			t.Errorf("of one moment the command line says\n%v\nand the desktop\n%v", cli, report)
		}
		same[cli["as_of"]] = true
		return len(same) == 3 || t.Failed()
	})
	var nodes []map[string]any
	if err := json.Unmarshal([]byte(mustKen(t, "node", "list", "--dir", dir, "-o", "json")), &nodes); err != nil {
		t.Fatal(err)
	}
	listed := b.get("/api/v1/nodes?limit=100")["items"].([]any)
	if len(nodes) != len(listed) || len(nodes) != 4 {
		t.Fatalf("the command line lists %d nodes, the desktop %d, want 4", len(nodes), len(listed))
	}
	for _, n := range nodes {
		found := false
		for _, l := range listed {
			m := l.(map[string]any)
			if m["id"] != n["id"] {
				continue
			}
			found = true
			for _, field := range []string{"name", "state", "liveness", "version"} {
				// The command line says of storage servers only whether they are up.
				if m[field] != n[field] && n[field] != "" {
					t.Errorf("%v: %s is %v at the command line and %v at the desktop", n["id"], field, n[field], m[field])
				}
			}
		}
		if !found {
			t.Errorf("the desktop does not know %v", n["id"])
		}
	}
	var users []map[string]any
	if err := json.Unmarshal([]byte(mustKen(t, "user", "list", "--dir", dir, "-o", "json")), &users); err != nil {
		t.Fatal(err)
	}
	if got := b.get("/api/v1/users")["items"].([]any); len(got) != len(users) || got[0].(map[string]any)["name"] != users[0]["name"] {
		t.Errorf("users: got %v, want %v", got, users)
	}
	// What was done here is in the audit, with who did it.
	b.must("PATCH", "/api/v1/nodes/n2", map[string]string{"zone": "cellar"}, 200)
	audit := b.get("/api/v1/audit?user=admin&limit=5")["items"].([]any)
	a := audit[0].(map[string]any)
	if a["target"] != "n2" || a["origin"] != "admin" || a["node"] != "n1" || a["outcome"] != "ok" {
		t.Errorf("audit: got %v", a)
	}
}

// TestDesktopApart: a desktop on a machine of its own, which answers while the
// nameserver is gone, sees again when it is back, and can do its work there.
func TestDesktopApart(t *testing.T) {
	c := newTestCluster(t, t.TempDir(), 2, quickRepair)
	c.awaitAllUp(30 * time.Second)
	node, addr := filepath.Join(c.dir, "desk"), freePort(t, "tcp")
	token := strings.TrimSpace(mustKen(t, "token", "create", "--dir", c.node(0), "--roles", "admin"))
	mustKen(t, "join", "--dir", node, "--roles", "admin", "--listen", freePort(t, "udp"), "--admin", addr, "--name", "desk", token)
	p, _ := start(t, "admin", "--dir", node)
	b := signIn(t, "http://"+addr)
	health := func() map[string]any { return b.get("/api/v1/health") }
	await(t, "the desktop sees", 20*time.Second, func() bool { return health()["stale"] == false })
	before := health()["report"].(map[string]any)

	c.nodes[0].kill()
	await(t, "the desktop says that it is blind", 20*time.Second, func() bool { return health()["stale"] == true })
	blind := health()["report"].(map[string]any)
	if blind["verdict"] != "unknown" || blind["used_bytes"] != before["used_bytes"] || health()["last_verdict"] != before["verdict"] {
		t.Errorf("blind: got %v", blind)
	}
	p.kill()
	p, _ = start(t, "admin", "--dir", node)
	if h := health(); h["stale"] != true || h["report"].(map[string]any)["cluster"] != before["cluster"] {
		t.Errorf("after a restart without a nameserver: got %v", h)
	}
	c.start(0)
	await(t, "the desktop sees again", 30*time.Second, func() bool { return health()["stale"] == false })
	c.awaitAllUp(30 * time.Second)

	data := randomBytes(3 << 20)
	b.upload("/from-the-desk", data, 1<<20)
	if got := newDrive(c.url()).must(t, "GET", "/from-the-desk", nil, 200); !bytes.Equal(got, data) {
		t.Error("the upload differs")
	}
	b.must("POST", "/api/v1/nodes/n2/drain?dry_run=true", map[string]string{}, 200)
	b.must("POST", "/api/v1/users", map[string]string{"name": "ann", "role": "writer", "password": "a good password"}, 201)
	p.stop()
}

// TestDemo: a thousand nodes that are not there.
func TestDemo(t *testing.T) {
	p, out := start(t, "admin", "--demo", "--listen", "127.0.0.1:0")
	b := newBrowser(t, field(t, out, "desktop:"))
	b.must("POST", "/api/v1/session", map[string]string{"user": "admin", "password": field(t, out, "password:")}, 200)
	await(t, "figures", 20*time.Second, func() bool { return b.get("/api/v1/health")["stale"] == false })
	began := time.Now()
	text := b.must("GET", "/api/v1/nodes?limit=1000", nil, 200)
	t.Logf("1,000 nodes: %d bytes in %v", len(text), time.Since(began).Round(time.Millisecond))
	if n := b.get("/api/v1/nodes")["total"]; n != 1000.0 {
		t.Errorf("%v nodes", n)
	}
	began = time.Now()
	page := b.get("/api/v1/fs/entries?path=/Scans&limit=1000")
	t.Logf("a page of a folder of 100,000: %v", time.Since(began).Round(time.Millisecond))
	if n := len(page["items"].([]any)); n != 1000 || page["next_cursor"] == nil {
		t.Errorf("%d entries", n)
	}
	p.stop()
}
