package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visit makes a request with a cookie through the middleware and returns the
// cookie that the answer sets.
func visit(t *testing.T, m *Manager, cookie *http.Cookie, do func(ctx context.Context)) *http.Cookie {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { do(r.Context()) })).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("got %d", w.Code)
	}
	for _, c := range w.Result().Cookies() {
		return c
	}
	return nil
}

func signIn(t *testing.T, m *Manager, user string, before *http.Cookie) *http.Cookie {
	t.Helper()
	return visit(t, m, before, func(ctx context.Context) {
		if _, err := m.Begin(ctx, Data{User: user, Role: "viewer", Stamp: "s"}); err != nil {
			t.Fatal(err)
		}
	})
}

// who returns the user of a cookie, "" for nobody.
func who(t *testing.T, m *Manager, c *http.Cookie) string {
	t.Helper()
	user := ""
	visit(t, m, c, func(ctx context.Context) {
		d, _ := m.Get(ctx)
		user = d.User
	})
	return user
}

func open(t *testing.T, cfg Config) *Manager {
	t.Helper()
	m, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, Config{})
		c := signIn(t, m, "ann", nil)
		for range 20 { // used every 29 minutes
			time.Sleep(29 * time.Minute)
			if who(t, m, c) != "ann" {
				t.Fatal("a session in use ended")
			}
		}
		time.Sleep(LifeDefault - 20*29*time.Minute - time.Minute)
		if who(t, m, c) != "" {
			t.Error("a session that nobody used for two hours lives")
		}
		c = signIn(t, m, "ann", nil)
		for range 30 {
			time.Sleep(24 * time.Minute)
			who(t, m, c)
		}
		if who(t, m, c) != "" {
			t.Error("a session lives longer than twelve hours")
		}
		idle := signIn(t, m, "bob", nil)
		time.Sleep(IdleDefault + time.Second)
		if who(t, m, idle) != "" || len(m.List()) != 0 {
			t.Errorf("an idle session lives: %+v", m.List())
		}
	})
}

func TestNewTokenAtSignIn(t *testing.T) {
	m := open(t, Config{})
	a := signIn(t, m, "ann", nil)
	b := signIn(t, m, "ann", a)
	if a.Value == b.Value || who(t, m, a) != "" || who(t, m, b) != "ann" {
		t.Error("the old token is good for the new session")
	}
	renewed := visit(t, m, b, func(ctx context.Context) {
		d, _ := m.Get(ctx)
		d.Role = "admin"
		if err := m.Renew(ctx, d); err != nil {
			t.Fatal(err)
		}
	})
	if renewed.Value == b.Value || who(t, m, b) != "" || who(t, m, renewed) != "ann" {
		t.Error("a renewed session is good under its old token")
	}
	if c := visit(t, m, &http.Cookie{Name: b.Name, Value: "chosen-by-an-attacker"}, func(context.Context) {}); c != nil {
		t.Errorf("a foreign token was taken: %v", c)
	}
}

// An ended session is not brought back by a request that was on its way.
func TestEndedStaysEnded(t *testing.T) {
	m := open(t, Config{})
	c := signIn(t, m, "ann", nil)
	visit(t, m, c, func(context.Context) {
		if n, err := m.Revoke(func(d Data) bool { return d.User == "ann" }); n != 1 || err != nil {
			t.Fatalf("Revoke: %d, %v", n, err)
		}
	})
	if who(t, m, c) != "" || len(m.List()) != 0 {
		t.Error("the session is back")
	}
	c = signIn(t, m, "ann", nil)
	visit(t, m, c, func(ctx context.Context) {
		if err := m.End(ctx); err != nil {
			t.Fatal(err)
		}
	})
	if who(t, m, c) != "" {
		t.Error("signed out, and still there")
	}
}

// Of two requests at a time, the one that changes nothing does not undo what
// the other one did.
func TestTwoRequestsAtOnce(t *testing.T) {
	m := open(t, Config{})
	c := signIn(t, m, "ann", nil)
	sudo := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	visit(t, m, c, func(context.Context) { // loaded before the other one …
		visit(t, m, c, func(ctx context.Context) {
			d, _ := m.Get(ctx)
			d.Sudo = sudo
			m.Put(ctx, d)
		})
	}) // … and kept after it
	visit(t, m, c, func(ctx context.Context) {
		if d, _ := m.Get(ctx); !d.Sudo.Equal(sudo) {
			t.Errorf("got %v, want %v", d.Sudo, sudo)
		}
	})
}

func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.json")
	m := open(t, Config{Path: path})
	ann, bob := signIn(t, m, "ann", nil), signIn(t, m, "bob", nil)
	if _, err := m.Revoke(func(d Data) bool { return d.User == "bob" }); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), ann.Value) {
		t.Errorf("the file has the token, or is not there: %v", err)
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	m = open(t, Config{Path: path}) // without Close: a crash
	if who(t, m, ann) != "ann" || who(t, m, bob) != "" {
		t.Error("not as before the restart")
	}
	if !m.Alive(m.List()[0].ID) || m.Alive("other") {
		t.Error("Alive is wrong")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{"garbage": "{", "another version": `{"version":9}`, "empty": "", "a row that is none": `{"version":1,"sessions":{"x":{"session":7,"expires":"2099-01-01T00:00:00Z"}}}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m := open(t, Config{Path: path}); len(m.List()) != 0 {
			t.Errorf("%s: got %+v", name, m.List())
		}
	}
	if _, err := Open(Config{Path: t.TempDir()}); err == nil {
		t.Error("a folder was taken for the file")
	}
}

// A session that cannot be kept is an error, not a sign-in that is forgotten.
func TestDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	m := open(t, Config{Path: filepath.Join(dir, "sessions.json")})
	var failed error
	m.OnError(func(w http.ResponseWriter, _ *http.Request, err error) {
		failed = err
		w.WriteHeader(http.StatusInternalServerError)
	})
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = m.Begin(r.Context(), Data{User: "ann"})
	})).ServeHTTP(w, r)
	if failed == nil || !errors.Is(failed, os.ErrNotExist) || len(w.Result().Cookies()) != 0 {
		t.Errorf("got %v, %v", failed, w.Result().Cookies())
	}
}

func TestBounds(t *testing.T) {
	m := open(t, Config{})
	first := signIn(t, m, "ann", nil)
	for range UserSessionsMax {
		signIn(t, m, "ann", nil)
	}
	if n := len(m.List()); n != UserSessionsMax || who(t, m, first) != "" {
		t.Errorf("%d sessions of one user, want %d and the oldest gone", n, UserSessionsMax)
	}
	for i := range SessionsMax {
		signIn(t, m, fmt.Sprint("user", i), nil)
	}
	if n := len(m.List()); n != SessionsMax {
		t.Errorf("%d sessions, want %d", n, SessionsMax)
	}
	if n := len(m.store.ended); n > endedMax {
		t.Errorf("%d ended sessions are remembered", n)
	}
}

func TestCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		m := open(t, Config{Secure: secure})
		c := signIn(t, m, "ann", nil)
		name := map[bool]string{false: "ken", true: "__Host-ken"}[secure]
		if c.Name != name || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 0 {
			t.Errorf("secure %v: got %+v", secure, c)
		}
	}
	if c := visit(t, open(t, Config{}), nil, func(context.Context) {}); c != nil {
		t.Errorf("nobody signed in, and got %+v", c)
	}
}
