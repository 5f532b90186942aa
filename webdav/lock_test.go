package webdav

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

const lockBody = `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>ann</owner></lockinfo>`

// lockAs takes an exclusive lock and returns its token.
func (d *drive) lockAs(user, path string, header ...string) string {
	d.t.Helper()
	a := d.as(user, "LOCK", path, strings.NewReader(lockBody), header...)
	if a.StatusCode != 200 && a.StatusCode != 201 {
		d.t.Fatalf("LOCK %s: got %d %s", path, a.StatusCode, a.body)
	}
	return strings.Trim(a.Header.Get("Lock-Token"), "<>")
}

func TestLockTokens(t *testing.T) {
	// RFC 4918 §6.5: "Lock token URIs MUST be unique across all resources for all
	// time." http://www.webdav.org/specs/rfc4918.html#lock-tokens
	form := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		token := newLockToken()
		if !form.MatchString(token) || seen[token] || !validToken(token) {
			t.Fatalf("token %q is no random UUID, or was there before", token)
		}
		seen[token] = true
	}
}

func TestLockTimeouts(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	for _, c := range []struct{ in, want string }{
		{"Second-60", "Second-60"}, {"Infinite", "Second-3600"}, {"Second-4100000000", "Second-3600"}, {"nonsense", "Second-600"},
	} {
		a := d.want(200, "LOCK", "/f", lockBody, "Timeout: "+c.in, "Depth: 0")
		token := a.Header.Get("Lock-Token")
		if !strings.Contains(a.body, "<D:timeout>"+c.want+"</D:timeout>") {
			t.Errorf("Timeout %s: want %s in %s", c.in, c.want, a.body)
		}
		d.want(204, "UNLOCK", "/f", "", "Lock-Token: "+token)
	}
}

// RFC 4918 §9.10.4: a lock on an unmapped URL creates an empty resource, and
// §7.3: "... the resource is not in the namespace of its parent collection" is
// what RFC 2518 had. http://www.webdav.org/specs/rfc4918.html#METHOD_LOCK
func TestLockUnmapped(t *testing.T) {
	d := newDrive(t)
	a := d.want(201, "LOCK", "/new", lockBody)
	if a.Header.Get("Lock-Token") == "" {
		t.Errorf("no Lock-Token in %v", a.Header)
	}
	d.file("/new", "")
	d.want(423, "PUT", "/new", "x")
	d.want(409, "LOCK", "/no/parent", lockBody)
	d.want(409, "LOCK", "/new/below", lockBody)
}

// A lost answer must not lose the file: a lookup that fails is no "not there".
func TestLockDoesNotTruncate(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "precious")
	fail := func(*metapb.Query) error { return metadata.Errorf(metadata.KindStale, "no leader") }
	d.query.Store(&fail)
	d.req("LOCK", "/f", strings.NewReader(lockBody))
	ok := func(*metapb.Query) error { return nil }
	d.query.Store(&ok)
	d.file("/f", "precious")
}

// Deleting and replacing an entry ends its locks; a copy has none.
func TestLocksEndWithTheirEntry(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	token := d.lockAs("ann", "/f")
	d.want(201, "COPY", "/f", "", "Destination: /g")
	d.want(204, "PUT", "/g", "free")
	d.want(204, "DELETE", "/f", "", "If: (<"+token+">)")
	d.want(201, "PUT", "/f", "new")
	d.want(204, "PUT", "/f", "not locked")
}

func TestManyLocksRefresh(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	d.want(201, "PUT", "/g", "x")
	tf, tg := d.lockAs("ann", "/f"), d.lockAs("ann", "/g")
	a := d.want(200, "LOCK", "/g", "", "If: (<"+tf+">) (<"+tg+">)", "Timeout: Second-77")
	if !strings.Contains(a.body, tg) || !strings.Contains(a.body, "Second-77") {
		t.Errorf("refresh among two tokens: got %s", a.body)
	}
	d.want(412, "LOCK", "/g", "", "If: (<"+tf+">)")
	if a := d.as("bob", "LOCK", "/g", nil, "If: (<"+tg+">)"); a.StatusCode < 400 {
		t.Errorf("another user's refresh: got %d", a.StatusCode)
	}
	many := ""
	for i := range refreshTokensMax + 1 {
		many += fmt.Sprintf("(<x:%d>)", i)
	}
	d.want(400, "LOCK", "/g", "", "If: "+many)
}

// The search for what holds a lock below is bounded.
func TestBlockingLocksBounded(t *testing.T) {
	tree := &endlessTree{}
	locks, err := handlerOver(tree).blockingLocks(t.Context(), "/d")
	if err != nil || len(locks) != 0 || tree.lists > blockingPagesMax {
		t.Errorf("got %v, %v after %d pages, want none after %d", locks, err, tree.lists, blockingPagesMax)
	}
}

// endlessTree has a directory in every directory.
type endlessTree struct {
	metadata.Tree
	lists int
}

func (e *endlessTree) Lookup(context.Context, metadata.Path, metadata.LookupOptions) (metadata.Entry, error) {
	return metadata.Entry{IsDir: true}, nil
}

func (e *endlessTree) List(context.Context, metadata.Path, metadata.ListOptions) (metadata.Page, error) {
	e.lists++
	return metadata.Page{Entries: []metadata.Entry{{Name: "d", IsDir: true}}}, nil
}

func TestLockLeft(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, c := range []struct {
		l    metadata.Lock
		want time.Duration
	}{
		{metadata.Lock{Timeout: time.Minute}, time.Minute},
		{metadata.Lock{Timeout: time.Minute, Expires: now.Add(time.Second)}, time.Second},
		{metadata.Lock{Timeout: time.Minute, Expires: now.Add(-time.Second)}, 0},
	} {
		if got := lockLeft(&c.l, now); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.l, got, c.want)
		}
	}
}

func TestWriteLock(t *testing.T) {
	w := httptest.NewRecorder()
	writeLock(w, 201, &metadata.Lock{Token: "urn:uuid:1", Root: "/a & b/ü", Owner: "x", Timeout: time.Second})
	want := xmlHeader + `<D:prop xmlns:D="DAV:"><D:lockdiscovery><D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>` +
		`<D:depth>0</D:depth><D:owner>x</D:owner><D:timeout>Second-1</D:timeout><D:locktoken><D:href>urn:uuid:1</D:href></D:locktoken>` +
		`<D:lockroot><D:href>/a%20%26%20b/%C3%BC</D:href></D:lockroot></D:activelock></D:lockdiscovery></D:prop>` + "\n"
	if w.Code != 201 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
}
