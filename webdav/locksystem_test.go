package webdav

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dav "golang.org/x/net/webdav"

	"kendfs/metadata"
)

// stock serves a drive with the handler of golang.org/x/net/webdav.
func stock(t *testing.T, d *drive, user string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(&dav.Handler{FileSystem: d.handler.FileSystem(user), LockSystem: d.handler.LockSystem(user)})
	t.Cleanup(srv.Close)
	return srv
}

func TestLitmusStockLocks(t *testing.T) {
	for _, suite := range []string{"basic", "copymove", "http"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			litmus(t, stock(t, newDriveUnserved(t), "ann").URL+"/", suite)
		})
	}
}

// The stock handler and the served one see the same locks.
func TestStockHandlerLocks(t *testing.T) {
	d := newDrive(t)
	srv := stock(t, d, "ann")
	do := func(want int, method, path, body string, header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("%s %s %v: got %d, want %d", method, path, header, resp.StatusCode, want)
		}
		return resp
	}
	do(201, "PUT", "/f", "1")
	token := strings.Trim(do(200, "LOCK", "/f", lockBody, "Timeout: Second-100").Header.Get("Lock-Token"), "<>")
	d.want(423, "PUT", "/f", "2")
	do(423, "PUT", "/f", "3")
	do(412, "PUT", "/f", "4", "If: (<urn:uuid:other>)")
	do(201, "PUT", "/f", "5", "If: (<"+token+">)")
	d.file("/f", "5")
	do(200, "LOCK", "/f", "", "If: (<"+token+">)", "Timeout: Second-50")
	do(201, "MOVE", "/f", "", "If: (<"+token+">)", "Destination: "+srv.URL+"/g", "Overwrite: T")
	d.file("/g", "5")
	do(409, "UNLOCK", "/f", "", "Lock-Token: <"+token+">")

	own := d.lockAs("bob", "/g")
	do(423, "PUT", "/g", "6")
	do(423, "DELETE", "/g", "")
	do(409, "UNLOCK", "/g", "", "Lock-Token: <"+own+">") // never seen by that process's LockSystem
	if n := len(d.handler.seen.held); n != 0 {
		t.Errorf("%d tokens are held after all requests", n)
	}
}

func TestLockSystem(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	ann, bob := d.handler.LockSystem("ann"), d.handler.LockSystem("bob")
	now := time.Now()
	create := func(ls dav.LockSystem, ld dav.LockDetails, want error) string {
		t.Helper()
		token, err := ls.Create(now, ld)
		if !errors.Is(err, want) || err != nil && want == nil {
			t.Fatalf("Create %+v: got %v, want %v", ld, err, want)
		}
		return token
	}
	passing := dav.LockDetails{Root: "/f", Duration: -1, ZeroDepth: true}
	before := d.commands.Load()
	p := create(bob, passing, nil)
	if err := bob.Unlock(now, p); err != nil || d.commands.Load() != before {
		t.Errorf("a passing lock: got %v and %d commands, want none", err, d.commands.Load()-before)
	}
	token := create(ann, dav.LockDetails{Root: "/f", Duration: time.Minute, OwnerXML: "o"}, nil)
	create(bob, passing, dav.ErrLocked)
	create(bob, dav.LockDetails{Root: "/f", Duration: time.Minute, OwnerXML: "o"}, dav.ErrLocked)
	if _, err := ann.Create(now, dav.LockDetails{Root: "/../f", Duration: time.Minute}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("Create above the root: got %v, want it refused as invalid", err)
	}

	ld, err := ann.Refresh(now, token, 2*time.Minute)
	if want := (dav.LockDetails{Root: "/f", Duration: 2 * time.Minute, OwnerXML: "o"}); err != nil || ld != want {
		t.Errorf("Refresh: got %+v, %v; want %+v", ld, err, want)
	}
	checkConfirm(t, d, token)
	if err := bob.Unlock(now, token); !errors.Is(err, dav.ErrForbidden) {
		t.Errorf("Unlock of another's: got %v, want %v", err, dav.ErrForbidden)
	}
	if err := ann.Unlock(now, token); err != nil {
		t.Errorf("Unlock: %v", err)
	}
	if err := ann.Unlock(now, token); !errors.Is(err, dav.ErrNoSuchLock) {
		t.Errorf("Unlock again: got %v, want %v", err, dav.ErrNoSuchLock)
	}
	if _, err := ann.Refresh(now, token, 0); !errors.Is(err, dav.ErrNoSuchLock) {
		t.Errorf("Refresh after Unlock: got %v, want %v", err, dav.ErrNoSuchLock)
	}
}

// checkConfirm: ann holds the lock with that token on /f.
func checkConfirm(t *testing.T, d *drive, token string) {
	t.Helper()
	ann, now := d.handler.LockSystem("ann"), time.Now()
	for _, c := range []struct {
		name0, name1 string
		conds        []dav.Condition
		ok           bool
	}{
		{"/f", "", []dav.Condition{{Token: token}}, true},
		{"/f", "/new", []dav.Condition{{Token: token}}, true}, // the destination is not locked
		{"", "/f", []dav.Condition{{Token: token}}, true},
		{"/f", "", []dav.Condition{{Token: "x:1"}}, false},
		{"/f", "", []dav.Condition{{Token: token}, {Token: "x:1"}}, false}, // all of a list
		{"/f", "", []dav.Condition{{Token: token}, {Token: "x:1", Not: true}}, true},
		{"/f", "", []dav.Condition{{Not: true, Token: noLock}}, false}, // true, but opens nothing
		{"/f", "", []dav.Condition{{Token: token}, {ETag: `"x"`}}, false},
		{"/new", "", []dav.Condition{{Token: token}}, false},
		{"/new", "/f", []dav.Condition{{Not: true, Token: noLock}}, false},
		{"/f/below", "", []dav.Condition{{Not: true, Token: noLock}}, true},
	} {
		release, err := ann.Confirm(now, c.name0, c.name1, c.conds...)
		if (err == nil) != c.ok || !c.ok && !errors.Is(err, dav.ErrConfirmationFailed) {
			t.Errorf("Confirm %q %q %v: got %v, want ok %v", c.name0, c.name1, c.conds, err, c.ok)
		}
		if release == nil {
			continue
		}
		for _, cond := range c.conds {
			if got := strings.Join(d.handler.seen.tokens("ann"), " "); !strings.Contains(got, cond.Token) {
				t.Errorf("Confirm %q: token %q is not held", c.name0, cond.Token)
			}
		}
		release()
		release()
	}
	if got := d.handler.seen.tokens("ann"); len(got) != 0 {
		t.Errorf("held after release: %q", got)
	}
}

func TestStandalone(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"ann", "ann"},
		{"<D:href>x</D:href>", `<D:href xmlns:D="DAV:">x</D:href>`},
		{`<a xmlns="urn:a"/>`, `<a xmlns="urn:a"/>`},
		{"<p:a/>", "&lt;p:a/&gt;"},
		{"</D:owner><D:owner>", "&lt;/D:owner&gt;&lt;D:owner&gt;"},
		{strings.Repeat("<", 10_000), strings.Repeat("&lt;", metadata.LockOwnerBytesMax/8)},
	} {
		got := standalone(c.in)
		if got != c.want || len(got) > metadata.LockOwnerBytesMax {
			t.Errorf("%.40q: got %.80q, want %.80q", c.in, got, c.want)
		}
		if err := wellFormed("<r>" + got + "</r>"); err != nil {
			t.Errorf("%.40q: %v", c.in, err)
		}
	}
}

func TestSeenLocksBounded(t *testing.T) {
	var s seenLocks
	for i := range seenLocksMax + 100 {
		s.learn(&metadata.Lock{Token: fmt.Sprint("x:", i), Root: "/f"})
	}
	if len(s.roots) != seenLocksMax {
		t.Errorf("got %d locks remembered, want %d", len(s.roots), seenLocksMax)
	}
	if p, ok := s.root(fmt.Sprint("x:", seenLocksMax+99)); !ok || p != "/f" {
		t.Errorf("the last one: got %q, %v", p, ok)
	}
}
