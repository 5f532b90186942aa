package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kendfs/admin"
	"kendfs/admin/demo"
	"kendfs/metadata"
)

// send makes a request with a body of that type.
func (b *browser) send(method, path, mediaType string, body io.Reader) *answer {
	b.d.t.Helper()
	r, err := http.NewRequest(method, b.d.http.URL+path, body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return &answer{resp, text}
}

// Bodies have a bound, a type and one value, and say so when they do not.
func TestBodies(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	long := `{"path":"/` + strings.Repeat("x", 2<<20) + `"}`
	for name, c := range map[string]struct {
		mediaType, body string
		want            int
	}{
		"good":                 {"application/json", `{"path":"/good"}`, 201},
		"with a charset":       {"application/json; charset=utf-8", `{"path":"/good2"}`, 201},
		"another type":         {"text/plain", `{"path":"/x"}`, 415},
		"a form":               {"application/x-www-form-urlencoded", "path=/x", 400},
		"no type":              {"", `{"path":"/x"}`, 415},
		"two values":           {"application/json", `{"path":"/x"}{"path":"/y"}`, 400},
		"something behind":     {"application/json", `{"path":"/x"} x`, 400},
		"a field nobody knows": {"application/json", `{"path":"/x","mode":7}`, 400},
		"another spelling":     {"application/json", `{"Path":"/x"}`, 400},
		"cut off":              {"application/json", `{"path":"/x`, 400},
		"too long":             {"application/json", long, 413},
		"deep":                 {"application/json", strings.Repeat("[", 20_000), 400},
	} {
		a := b.send("POST", "/api/v1/fs/mkdir", c.mediaType, strings.NewReader(c.body))
		if a.StatusCode != c.want {
			t.Errorf("%s: got %d %.200s, want %d", name, a.StatusCode, a.body, c.want)
		}
	}
	// Without a length, too.
	a := b.send("POST", "/api/v1/fs/mkdir", "application/json", io.MultiReader(strings.NewReader(long[:1<<20]), strings.NewReader(long[1<<20:])))
	if a.StatusCode != 413 {
		t.Errorf("in chunks: got %d", a.StatusCode)
	}
	for _, path := range []string{"/good", "/good2"} {
		b.must("GET", "/api/v1/fs/stat?path="+q(path), nil, 200)
	}
	b.refused("GET", "/api/v1/fs/stat?path=/x", nil, 404, "not_found")
}

// Addresses and methods that nobody has are refused as problems, never with the
// page of the desktop.
func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/api", 404}, {"GET", "/api/", 404}, {"GET", "/api/v1", 404}, {"GET", "/api/v1/none", 404}, {"GET", "/api/v2/nodes", 404},
		{"POST", "/api/v1/none", 404}, {"DELETE", "/api/v1/nodes", 405}, {"PUT", "/api/v1/nodes/n1", 405}, {"GET", "/api/v1/nodes/n1/remove", 405},
		{"GET", "/api/v1/nodes/", 404}, {"GET", "/api/v1//nodes", 404}, {"GET", "/api/v1/fs/../nodes", 404},
	} {
		r, err := http.NewRequest(c.method, d.http.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = "//" + r.URL.Host + c.path // as it is
		resp, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want && resp.StatusCode != 404 || !json.Valid(text) {
			t.Errorf("%s %s: got %d %.100s", c.method, c.path, resp.StatusCode, text)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE"} {
		if got := b.status(method, "/d/nodes", nil); got < 400 {
			t.Errorf("%s of the page: got %d", method, got)
		}
	}
	if a := b.must("HEAD", "/d/nodes", nil, 200); len(a.body) != 0 {
		t.Errorf("HEAD: got %d bytes", len(a.body))
	}
}

// A session that calls too often waits, and is told how long; others do not.
func TestCallsAreLimited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b, other := d.as("vera"), d.as("rita")
	limited := 0
	for range 600 {
		a := b.do("GET", "/api/v1/connect", nil)
		if a.StatusCode == 200 {
			continue
		}
		if p := decode[problem](t, a.body); a.StatusCode != 429 || p.Code != "busy" || a.Header.Get("Retry-After") == "" {
			t.Fatalf("got %d %s", a.StatusCode, a.body)
		}
		limited++
	}
	if limited == 0 {
		t.Error("600 calls in a moment, and none was refused")
	}
	other.must("GET", "/api/v1/connect", nil, 200)
	d.until("it may again", func() bool { return b.status("GET", "/api/v1/connect", nil) == 200 })
}

// Guessing is slowed down by address, and what one tries does not lock another out.
func TestGuessing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ask := func(remote, user, password string) int {
		t.Helper()
		body, err := json.Marshal(map[string]string{"user": user, "password": password})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "https://desk.example/api/v1/session", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", fmt.Sprint("198.51.100.", len(password))) // anybody can write that
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		d.server.ServeHTTP(w, r)
		return w.Code
	}
	codes := map[int]int{}
	for i := range 12 {
		codes[ask("[2001:db8:1:2::"+fmt.Sprint(i+1)+"]:1000", "vera", strings.Repeat("x", 8+i))]++
	}
	if codes[401] == 0 || codes[401] > 6 || codes[429] < 6 {
		t.Errorf("twelve guesses from one network: %v", codes)
	}
	if got := ask("192.0.2.77:1000", "vera", demo.Password); got != 200 {
		t.Errorf("vera, from elsewhere: got %d", got)
	}
	if got := ask("[2001:db8:1:3::1]:1000", "rita", demo.Password); got != 200 {
		t.Errorf("the network beside it: got %d", got)
	}
	failed := d.failedSignIns()
	if len(failed) == 0 || failed[0].Actor.User != "vera" || !strings.HasPrefix(failed[0].Actor.Remote, "2001:db8:1:2:") || failed[0].Outcome == "ok" {
		t.Errorf("audit: got %+v", failed)
	}
}

func (d *desk) failedSignIns() []metadata.AuditRecord {
	d.t.Helper()
	rs, _, err := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: "login.failed", User: "vera", Limit: 20})
	if err != nil {
		d.t.Fatal(err)
	}
	return rs
}

// The set-up link brings back an administrator who was made something less, or
// was deleted.
func TestSetUpBringsBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, lose := range map[string]func(d *desk) error{
		"made a viewer": func(d *desk) error {
			return d.cluster.PutUser(ctx, metadata.User{Name: "admin", Role: metadata.RoleViewer}, false)
		},
		"disabled": func(d *desk) error {
			return d.cluster.PutUser(ctx, metadata.User{Name: "admin", Role: metadata.RoleAdmin, Disabled: true}, false)
		},
		"deleted": func(d *desk) error { return d.cluster.DeleteUser(ctx, "admin") },
	} {
		dir := t.TempDir()
		d := newDesk(t, func(c *admin.Config) { c.Dir = dir })
		if err := lose(d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		code, err := admin.NewSetupCode(dir)
		if err != nil {
			t.Fatal(err)
		}
		b := d.anon()
		b.must("POST", "/api/v1/setup", map[string]string{"code": code, "password": "a new password"}, 200)
		if s := get[session](b, "/api/v1/session"); s.User != "admin" || s.Role != "admin" {
			t.Errorf("%s: got %+v", name, s)
		}
		b.must("GET", "/api/v1/users", nil, 200)
		d.anon().must("POST", "/api/v1/session", map[string]string{"user": "admin", "password": "a new password"}, 200)
	}
}

// A change of role keeps the password that the user has set meanwhile, and the
// other way round.
func TestRoleAndPasswordTogether(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newDesk(t)
	root := d.as("admin")
	before, err := d.cluster.User(ctx, "rita")
	if err != nil {
		t.Fatal(err)
	}
	root.must("PUT", "/api/v1/users/rita/password", map[string]string{"password": "a second password"}, 204)
	root.must("PATCH", "/api/v1/users/rita", map[string]string{"role": "writer"}, 200)
	after, _ := d.cluster.User(ctx, "rita")
	if after.Hash == before.Hash || after.Hash == "" || after.Role != metadata.RoleWriter {
		t.Errorf("got %+v", after)
	}
	// Whoever read the user before does not undo the role with the password.
	stale := before
	stale.Hash = after.Hash
	if err := d.cluster.SetPassword(ctx, stale); err != nil {
		t.Fatal(err)
	}
	if got, _ := d.cluster.User(ctx, "rita"); got.Role != metadata.RoleWriter {
		t.Errorf("the role went back: %+v", got)
	}
	root.refused("PUT", "/api/v1/users/nobody/password", map[string]string{"password": "a second password"}, 404, "not_found")
	root.refused("PUT", "/api/v1/users/rita/password", map[string]string{"password": "short"}, 400, "invalid")
	root.refused("PATCH", "/api/v1/users/rita", map[string]any{"role": "none"}, 400, "invalid")
}
