package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A token that was rotated away is dead at once, everywhere: in memory, in the
// file, and for a request that still carries it.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sessions.json")
		m := open(t, Config{Path: path})
		c := signIn(t, m, "ann", nil)
		id := m.List()[0].ID
		var old []*http.Cookie
		for i := range 5 {
			old = append(old, c)
			c = visit(t, m, c, func(ctx context.Context) {
				d, ok := m.Get(ctx)
				if !ok {
					t.Fatal("the session is lost")
				}
				d.Role = fmt.Sprint("role", i)
				if err := m.Renew(ctx, d); err != nil {
					t.Fatal(err)
				}
			})
			if c == nil {
				t.Fatal("no new token")
			}
		}
		for i, o := range old {
			if who(t, m, o) != "" {
				t.Errorf("token %d is good", i)
			}
		}
		if list := m.List(); len(list) != 1 || list[0].ID != id || list[0].Role != "role4" || !m.Alive(id) {
			t.Errorf("got %+v: the session keeps its id", list)
		}
		again := open(t, Config{Path: path})
		if who(t, again, c) != "ann" || who(t, again, old[4]) != "" {
			t.Error("after a restart another token counts")
		}
	})
}

// Renewing does not lengthen the life of a session: twelve hours are twelve hours.
func TestRenewalDoesNotLengthen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, Config{Life: time.Hour, Idle: 10 * time.Minute})
		c := signIn(t, m, "ann", nil)
		for range 20 {
			time.Sleep(5 * time.Minute)
			next := visit(t, m, c, func(ctx context.Context) {
				d, ok := m.Get(ctx)
				if !ok {
					return
				}
				if err := m.Renew(ctx, d); err != nil {
					t.Fatal(err)
				}
			})
			if next == nil || next.Value == "" {
				break
			}
			c = next
		}
		if who(t, m, c) != "" {
			t.Error("a session that was renewed every five minutes lives for ever")
		}
	})
}

// Who is dropped for a new session is the one that was not used for longest, of
// the same user first.
func TestWhoIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, Config{})
		var cookies []*http.Cookie
		for range UserSessionsMax {
			cookies = append(cookies, signIn(t, m, "ann", nil))
			time.Sleep(time.Second)
		}
		bob := signIn(t, m, "bob", nil)
		time.Sleep(time.Minute)
		if who(t, m, cookies[0]) != "ann" { // the oldest is used again
			t.Fatal("lost")
		}
		signIn(t, m, "ann", nil)
		if who(t, m, cookies[0]) != "ann" || who(t, m, cookies[1]) != "" || who(t, m, bob) != "bob" {
			t.Error("dropped: not the one that was not used for longest")
		}
		time.Sleep(IdleDefault + time.Second) // all are over: there is room, and nobody is dropped for it
		signIn(t, m, "ann", nil)
		if n := len(m.List()); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// Many requests at a time, some of which change something and some end sessions:
// what was ended stays ended, and the file is whole at every moment.
func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.json")
	m := open(t, Config{Path: path})
	const n = 8
	var cookies [n]*http.Cookie
	for i := range n {
		cookies[i] = signIn(t, m, fmt.Sprint("user", i), nil)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for k := range 20 {
				r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
				r.AddCookie(cookies[i])
				m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if d, ok := m.Get(r.Context()); ok {
						d.Agent = fmt.Sprint(k)
						m.Put(r.Context(), d)
					}
				})).ServeHTTP(w, r)
			}
		})
		if i%2 == 0 {
			wg.Go(func() {
				if _, err := m.Revoke(func(d Data) bool { return d.User == fmt.Sprint("user", i) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			b, err := os.ReadFile(path)
			var f file
			if err != nil || json.Unmarshal(b, &f) != nil || f.Version != fileVersion {
				t.Errorf("the file is not whole: %v", err)
			}
			m.List()
			m.Alive("x")
		})
	}
	wg.Wait()
	for i := range n {
		want := map[bool]string{true: "", false: fmt.Sprint("user", i)}[i%2 == 0]
		if got := who(t, m, cookies[i]); got != want {
			t.Errorf("user %d: got %q, want %q", i, got, want)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(open(t, Config{Path: path}).List()); got != n/2 {
		t.Errorf("%d sessions in the file, want %d", got, n/2)
	}
}

// What could not be written is written later: a failed disk does not make a
// session last that was ended.
func TestWrittenLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sessions.json")
	m := open(t, Config{Path: path})
	c := signIn(t, m, "ann", nil)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if n, err := m.Revoke(func(Data) bool { return true }); n != 1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %d, %v", n, err)
	}
	if who(t, m, c) != "" {
		t.Error("it goes on, because the disk failed")
	}
	if err := m.Close(); err == nil {
		t.Error("closed, and nothing was written")
	}
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if who(t, open(t, Config{Path: path}), c) != "" {
		t.Error("after a restart it is back")
	}
}

// FuzzOpen: no file makes a session that nobody began, or a panic.
func FuzzOpen(f *testing.F) {
	good := `{"version":1,"sessions":{"abc":{"session":{"deadline":"2999-01-01T00:00:00Z","data":{"id":"1","user":"ann"}},"expires":"2999-01-01T00:00:00Z"}}}`
	for _, seed := range []string{good, "", "{}", "null", `{"version":1,"sessions":null}`, strings.Replace(good, "2999", "1999", 2),
		strings.Replace(good, `"data":`, `"date":`, 1), strings.Replace(good, `{"deadline"`, `["deadline"`, 1), good[:len(good)-5]} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.List()); n > SessionsMax {
			t.Fatalf("%d sessions", n)
		}
		for _, d := range m.List() {
			if !m.Alive(d.ID) {
				t.Fatalf("listed and not alive: %+v", d)
			}
		}
		w := httptest.NewRecorder()
		m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := m.Begin(r.Context(), Data{User: "zoe"}); err != nil {
				t.Fatal(err)
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 200 || len(w.Result().Cookies()) != 1 {
			t.Fatalf("nobody can sign in: %d", w.Code)
		}
	})
}
