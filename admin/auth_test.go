package admin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/admin/demo"
	"kendfs/metadata"
)

type session struct {
	SignedIn bool `json:"signed_in"`
	User     string
	Role     string
	Setup    bool
	Demo     bool
	Version  string
	Sudo     time.Time `json:"sudo_until"`
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.anon()
	if s := get[session](b, "/api/v1/session"); s.SignedIn || s.Role != "none" || s.Version != "" || s.User != "" {
		t.Errorf("before: got %+v", s)
	}
	a := b.must("POST", "/api/v1/session", map[string]string{"user": "olga", "password": demo.Password}, 200)
	c := a.Cookies()[0]
	if c.Name != "ken" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || len(c.Value) < 43 || c.Path != "/" {
		t.Errorf("cookie: got %+v", c)
	}
	if s := get[session](b, "/api/v1/session"); !s.SignedIn || s.Role != "operator" || s.User != "olga" || s.Version != "test" || s.Sudo.IsZero() {
		t.Errorf("after: got %+v", s)
	}
	b.must("DELETE", "/api/v1/session", nil, 204)
	b.refused("GET", "/api/v1/health", nil, 401, "signed_out")
}

// Whoever guesses learns nothing, is slowed down, and is recorded.
func TestSignInFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.anon()
	var first string
	for _, who := range []string{"admin", "nobody", "dora"} { // wrong, unknown, disabled
		password := "not the password"
		if who == "dora" {
			password = demo.Password
		}
		p := b.refused("POST", "/api/v1/session", map[string]string{"user": who, "password": password}, 401, "wrong_password")
		if first == "" {
			first = p.Title + p.Detail
		}
		if p.Title+p.Detail != first {
			t.Errorf("%s: %q differs from %q", who, p.Title, first)
		}
	}
	for range 2 {
		b.refused("POST", "/api/v1/session", map[string]string{"user": "admin", "password": "x"}, 401, "wrong_password")
	}
	a := b.do("POST", "/api/v1/session", map[string]string{"user": "admin", "password": demo.Password})
	if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth attempt: got %d, %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	es, _, err := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: "login.failed", Limit: 5})
	if err != nil || len(es) != 5 {
		t.Fatalf("audit: %d records, %v", len(es), err)
	}
	if a := es[0]; a.Actor.User != "admin" || a.Actor.Origin != "admin" || a.Actor.Remote == "" || a.Actor.Request == "" || a.Outcome != "not authenticated" {
		t.Errorf("audit: got %+v", a)
	}
}

// A right password is not counted: somebody who works with scripts signs in often.
func TestSignInOften(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 12 {
		d.as("vera")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	root, vera, phone := d.as("admin"), d.as("vera"), d.as("vera")
	type info struct {
		ID, User string
		Current  bool
	}
	type list struct{ Items []info }
	if got := get[list](root, "/api/v1/sessions"); len(got.Items) != 3 {
		t.Errorf("an administrator sees %d sessions, want 3", len(got.Items))
	}
	mine := get[list](vera, "/api/v1/sessions")
	if len(mine.Items) != 2 {
		t.Fatalf("vera sees %+v", mine)
	}
	var others string
	for _, s := range get[list](root, "/api/v1/sessions").Items {
		if s.User == "admin" {
			others = s.ID
		}
	}
	vera.refused("DELETE", "/api/v1/sessions/"+others, nil, 404, "not_found")
	for _, s := range mine.Items {
		if !s.Current {
			vera.must("DELETE", "/api/v1/sessions/"+s.ID, nil, 204)
		}
	}
	phone.refused("GET", "/api/v1/health", nil, 401, "signed_out")
	vera.must("GET", "/api/v1/health", nil, 200)

	// A password that another administrator sets ends the rest.
	root.must("PUT", "/api/v1/users/vera/password", map[string]string{"password": "quite another one"}, 204)
	vera.refused("GET", "/api/v1/health", nil, 401, "signed_out")
	again := d.anon()
	again.refused("POST", "/api/v1/session", map[string]string{"user": "vera", "password": demo.Password}, 401, "wrong_password")
	again.must("POST", "/api/v1/session", map[string]string{"user": "vera", "password": "quite another one"}, 200)

	// One's own password: the other sessions end, this one goes on.
	second := d.anon()
	second.must("POST", "/api/v1/session", map[string]string{"user": "vera", "password": "quite another one"}, 200)
	again.must("PUT", "/api/v1/me/password", map[string]string{"old": "quite another one", "new": "a third password"}, 204)
	again.must("GET", "/api/v1/health", nil, 200)
	second.refused("GET", "/api/v1/health", nil, 401, "signed_out")
	again.refused("PUT", "/api/v1/me/password", map[string]string{"old": "quite another one", "new": "whatever it is"}, 403, "wrong_password")

	root.must("PATCH", "/api/v1/users/vera", map[string]bool{"disabled": true}, 200)
	again.refused("GET", "/api/v1/health", nil, 401, "signed_out")
}

// Somebody disables a user elsewhere: it is noticed here within seconds.
func TestDisabledElsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	u, err := d.cluster.User(context.Background(), "wim")
	if err != nil {
		t.Fatal(err)
	}
	u.Disabled = true
	if err := d.cluster.PutUser(context.Background(), u, false); err != nil {
		t.Fatal(err)
	}
	d.until("the session ends", func() bool { return b.status("GET", "/api/v1/health", nil) == 401 })
}

// Another role elsewhere: the session has it within seconds, under a new token.
func TestRoleChangesElsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	u, _ := d.cluster.User(context.Background(), "wim")
	u.Role = metadata.RoleViewer
	if err := d.cluster.PutUser(context.Background(), u, false); err != nil {
		t.Fatal(err)
	}
	d.until("the role is another one", func() bool { return get[session](b, "/api/v1/session").Role == "viewer" })
	b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/x"}, 403, "denied")
}

func TestUsers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	b.must("POST", "/api/v1/users", map[string]string{"name": "zoe", "role": "reader", "password": "a good password"}, 201)
	b.refused("POST", "/api/v1/users", map[string]string{"name": "zoe", "role": "reader", "password": "a good password"}, 409, "exists")
	b.refused("POST", "/api/v1/users", map[string]string{"name": "yan", "role": "reader", "password": "short"}, 400, "invalid")
	b.refused("POST", "/api/v1/users", map[string]string{"name": "yan", "role": "god", "password": "a good password"}, 400, "invalid")
	b.refused("PATCH", "/api/v1/users/admin", map[string]string{"role": "viewer"}, 409, "conflict")
	b.must("PATCH", "/api/v1/users/anna", map[string]string{"role": "viewer"}, 200)
	// Now nobody else is an administrator.
	type impact struct {
		DryRun   bool `json:"dry_run"`
		Sentence string
		Blockers []string
	}
	im := decode[impact](t, b.must("POST", "/api/v1/users/admin/delete?dry_run=true", nil, 200).body)
	if !im.DryRun || len(im.Blockers) != 2 {
		t.Errorf("deleting oneself: got %+v", im)
	}
	b.refused("POST", "/api/v1/users/admin/delete", map[string]string{"confirm": "admin"}, 409, "conflict")
	b.refused("POST", "/api/v1/users/zoe/delete", map[string]string{"confirm": "zo"}, 400, "invalid")
	b.must("POST", "/api/v1/users/zoe/delete", map[string]string{"confirm": "zoe", "reason": "left"}, 200)
	b.refused("PATCH", "/api/v1/users/zoe", map[string]string{"role": "viewer"}, 404, "not_found")
	es, _, _ := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: "user.delete", Limit: 1})
	if len(es) != 1 || es[0].Actor.User != "admin" || es[0].Actor.Reason != "left" || es[0].Target != "zoe" || es[0].Actor.Node != 6 {
		t.Errorf("audit: got %+v", es)
	}
}

// Sessions outlive the process that gave them; what was ended stays ended.
func TestSessionsSurviveRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(c *admin.Config) { c.Dir = dir }
	d := newDesk(t, in)
	b, gone := d.as("vera"), d.as("rita")
	gone.must("DELETE", "/api/v1/session", nil, 204)
	d.restart(in)
	b.must("GET", "/api/v1/health", nil, 200)
	gone.refused("GET", "/api/v1/health", nil, 401, "signed_out")
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newDesk(t, func(c *admin.Config) { c.Dir = dir })
	b := d.anon()
	if get[session](b, "/api/v1/session").Setup {
		t.Error("a set-up is offered that nobody asked for")
	}
	b.refused("POST", "/api/v1/setup", map[string]string{"code": "x", "password": "a new password"}, 404, "not_found")
	old := d.as("admin")
	code, err := admin.NewSetupCode(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !get[session](b, "/api/v1/session").Setup {
		t.Error("no set-up is offered")
	}
	b.refused("POST", "/api/v1/setup", map[string]string{"code": code + "x", "password": "a new password"}, 403, "denied")
	b.refused("POST", "/api/v1/setup", map[string]string{"code": code, "password": "short"}, 400, "invalid")
	b.must("POST", "/api/v1/setup", map[string]string{"code": code, "password": "a new password"}, 200)
	if s := get[session](b, "/api/v1/session"); s.User != "admin" || s.Role != "admin" || s.Setup {
		t.Errorf("got %+v", s)
	}
	old.refused("GET", "/api/v1/health", nil, 401, "signed_out")
	d.anon().refused("POST", "/api/v1/setup", map[string]string{"code": code, "password": "again and again"}, 404, "not_found")
}

// A page of another origin, even on this machine, changes nothing.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	for _, h := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"http://127.0.0.1:8080"}},
	} {
		b.header = h
		b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/evil"}, 403, "origin")
		b.refused("DELETE", "/api/v1/session", nil, 403, "origin")
	}
	b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	b.must("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/good"}, 201)
}

// Plain HTTP is for this machine only; TLS gets the stronger cookie.
func TestPlainHTTPAndTLS(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *admin.Config) { c.Secure = true })
	r := httptest.NewRequest("GET", "/api/v1/session", nil)
	r.RemoteAddr = "192.0.2.9:1000"
	r.Header.Set("X-Forwarded-For", "127.0.0.1")
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	if w.Code != 403 || !strings.Contains(w.Body.String(), "plain HTTP") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	r = httptest.NewRequest("POST", "https://desk.example/api/v1/session", strings.NewReader(`{"user":"vera","password":"`+demo.Password+`"}`))
	r.RemoteAddr = "192.0.2.9:1000"
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	c := w.Result().Cookies()
	if w.Code != 200 || len(c) != 1 || c[0].Name != "__Host-ken" || !c[0].Secure || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("got %d %+v", w.Code, c)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
}
