package webdav

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// hugeTree is a directory with that many files, which are made up.
type hugeTree struct {
	metadata.Tree
	entries int
	listed  func(page int)
	pages   atomic.Int64
}

func (h *hugeTree) List(ctx context.Context, _ metadata.Path, opt metadata.ListOptions) (metadata.Page, error) {
	if err := ctx.Err(); err != nil {
		return metadata.Page{}, err
	}
	if h.listed != nil {
		h.listed(int(h.pages.Add(1)))
	}
	first := 0
	if opt.After != "" {
		if _, err := fmt.Sscanf(opt.After, "file %d", &first); err != nil {
			return metadata.Page{}, err
		}
		first++
	}
	p := metadata.Page{Dir: metadata.Entry{ID: 2, IsDir: true}}
	for i := first; i < h.entries && len(p.Entries) < opt.Limit; i++ {
		p.Entries = append(p.Entries, metadata.Entry{
			ID: metadata.EntryID(i + 3), Name: fmt.Sprintf("file %08d", i), Size: int64(i), Content: 1,
		})
	}
	p.More = first+len(p.Entries) < h.entries
	return p, nil
}

func handlerOver(t metadata.Tree) *Handler {
	return &Handler{cfg: Config{Tree: t}, log: slog.New(slog.DiscardHandler)}
}

// countWriter is a response that is counted and thrown away.
type countWriter struct {
	header http.Header
	bytes  int64
	first  time.Time
}

func (c *countWriter) Header() http.Header { return c.header }
func (c *countWriter) WriteHeader(int)     { c.first = time.Now() }
func (c *countWriter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// TestPropfindHuge lists a large directory in flat memory, with the first byte
// soon. KEN_SOAK=1 makes it a million entries.
func TestPropfindHuge(t *testing.T) {
	tree := &hugeTree{entries: 100_000}
	if os.Getenv("KEN_SOAK") == "1" {
		tree.entries = 1_000_000
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	before, peak := stats.HeapAlloc, uint64(0)
	tree.listed = func(page int) {
		if page%16 == 0 {
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapAlloc)
		}
	}
	w := &countWriter{header: http.Header{}}
	r := httptest.NewRequest("PROPFIND", "/d", nil)
	r.Header.Set("Depth", "1")
	start := time.Now()
	if err := handlerOver(tree).propfind(w, &request{Request: r, path: "/d"}); err != nil {
		t.Fatal(err)
	}
	if w.bytes < int64(tree.entries)*200 {
		t.Errorf("got %d bytes for %d entries", w.bytes, tree.entries)
	}
	if grown := int64(peak) - int64(before); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB, want 64 at most", grown>>20)
	}
	if d := w.first.Sub(start); d > time.Second {
		t.Errorf("the first byte came after %v, want 1s at most", d)
	}
}

// A client that goes away ends the work for it.
func TestPropfindClientGone(t *testing.T) {
	tree := &hugeTree{entries: 1 << 30}
	h := handlerOver(tree)
	ended := make(chan any, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended <- recover() }()
		_ = h.propfind(w, &request{Request: r, path: "/d"})
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "PROPFIND", srv.URL+"/d", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Depth", "1")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 100_000); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = resp.Body.Close()
	select {
	case v := <-ended:
		if v != http.ErrAbortHandler {
			t.Errorf("the handler ended with %v, want it aborted", v)
		}
	case <-time.After(5 * time.Second):
		t.Error("the listing goes on for 5 s after the client has gone")
	}
}

func TestPropfindPages(t *testing.T) {
	d := newDrive(t)
	const n = 2*listPage + 3
	for i := range n {
		d.must(&metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: fmt.Sprintf("/dir %d", i)}}})
	}
	for _, c := range []struct {
		body  string
		pages int64
	}{
		{`<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>`, 3},
		{``, (n + listPageProps - 1) / listPageProps},
	} {
		d.want(207, "PROPFIND", "/", c.body, "Depth: 0") // signs in
		before := d.queries.Load()
		a := d.want(207, "PROPFIND", "/", c.body, "Depth: 1")
		if got := d.queries.Load() - before; got != c.pages {
			t.Errorf("%q: took %d queries, want %d", c.body, got, c.pages)
		}
		seen := map[string]bool{}
		for _, r := range parseMultistatus(t, a.body).Response {
			if seen[r.Href] {
				t.Errorf("%q: %s is there twice", c.body, r.Href)
			}
			seen[r.Href] = true
		}
		if len(seen) != n+1 || !seen["/"] || !seen[fmt.Sprintf("/dir%%20%d/", n-1)] {
			t.Errorf("%q: got %d entries, want %d", c.body, len(seen), n+1)
		}
	}
}

// RFC 4918 knows no way to say that a listing is not complete, and a document
// that ends properly is taken for complete: rclone sync would delete the rest.
func TestPropfindBreaksOff(t *testing.T) {
	d := newDrive(t)
	for i := range listPage + 1 {
		d.must(&metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: fmt.Sprintf("/%d", i)}}})
	}
	fail := func(q *metapb.Query) error {
		if q.GetList().GetAfter() != "" {
			return metadata.Errorf(metadata.KindInternal, "broken")
		}
		return nil
	}
	d.query.Store(&fail)
	a := d.req("PROPFIND", "/", strings.NewReader(`<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`), "Depth: 1")
	if a.err == nil || strings.Contains(a.body, "</D:multistatus>") {
		t.Errorf("got %v and %d bytes, want a broken connection", a.err, len(a.body))
	}
}

// What cannot be had now is not "not there", and "not there" costs one look.
func TestPropfindErrors(t *testing.T) {
	d := newDrive(t)
	d.want(207, "PROPFIND", "/", "", "Depth: 0")
	before := d.queries.Load()
	a := d.want(404, "PROPFIND", "/._Untitled.txt", "", "Depth: 1")
	if got := d.queries.Load() - before; got != 1 || len(a.body) > 200 {
		t.Errorf("404 took %d queries and %d bytes, want 1 and few", got, len(a.body))
	}
	for k, want := range map[metadata.Kind]int{
		metadata.KindStale: 503, metadata.KindTimeout: 504, metadata.KindInternal: 500, metadata.KindCorrupt: 500, metadata.KindDenied: 403,
	} {
		fail := func(q *metapb.Query) error {
			if q.GetLookup() != nil {
				return metadata.Errorf(k, "secret detail")
			}
			return nil
		}
		d.query.Store(&fail)
		a := d.want(want, "PROPFIND", "/", "", "Depth: 0")
		if (a.Header.Get("Retry-After") != "") != (want == 503) {
			t.Errorf("%v: got Retry-After %q", k, a.Header.Get("Retry-After"))
		}
		if want == 500 && strings.Contains(a.body, "secret") {
			t.Errorf("%v: the body tells what is inside: %q", k, a.body)
		}
	}
}
