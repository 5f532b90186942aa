package webdav

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// noise returns n bytes that do not repeat.
func noise(n int) string {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = rng.Read(b) // never fails
	return string(b)
}

func TestGetHeaders(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/a.html", "<script>alert(1)</script>")
	for _, method := range []string{"GET", "HEAD"} {
		a := d.want(200, method, "/a.html", "")
		for name, want := range map[string]string{
			"Content-Type":                 "text/html; charset=utf-8",
			"Content-Length":               "25",
			"Accept-Ranges":                "bytes",
			"X-Content-Type-Options":       "nosniff",
			"Content-Security-Policy":      "sandbox; default-src 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Content-Disposition":          "attachment",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: got %s %q, want %q", method, name, got, want)
			}
		}
		if !strings.HasPrefix(a.Header.Get("ETag"), `"`) || a.Header.Get("Last-Modified") == "" {
			t.Errorf("%s: got ETag %q, Last-Modified %q", method, a.Header.Get("ETag"), a.Header.Get("Last-Modified"))
		}
	}
}

// The bytes of a file do not decide its type, and what is not passive is saved.
func TestGetSandbox(t *testing.T) {
	d := newDrive(t)
	for name, want := range map[string]struct {
		mediatype string
		attached  bool
	}{
		"a.svg": {"image/svg+xml", true}, "a.xhtml": {"application/xhtml+xml", true}, "a.js": {"text/javascript; charset=utf-8", true},
		"a.pdf": {"application/pdf", true}, "a.xml": {"application/xml", true}, "noext": {"application/octet-stream", true},
		"a.weird": {"application/octet-stream", true}, "a.PNG": {"image/png", false}, "a.txt": {"text/plain; charset=utf-8", false},
		"a.mp4": {"video/mp4", false},
	} {
		d.want(201, "PUT", "/"+name, "<html><script>1</script>")
		a := d.want(200, "GET", "/"+name, "")
		attached := a.Header.Get("Content-Disposition") == "attachment"
		if a.Header.Get("Content-Type") != want.mediatype || attached != want.attached {
			t.Errorf("%s: got %s, attached %v; want %v", name, a.Header.Get("Content-Type"), attached, want)
		}
	}
}

func TestGetRanges(t *testing.T) {
	d := newDrive(t)
	data := noise(300_000)
	etag := d.want(201, "PUT", "/f", data).Header.Get("ETag")
	n := len(data)
	for _, tt := range []struct {
		header []string
		status int
		want   string
		crange string
	}{
		{[]string{"Range: bytes=0-9"}, 206, data[:10], "bytes 0-9/300000"},
		{[]string{"Range: bytes=16383-16384"}, 206, data[16383:16385], "bytes 16383-16384/300000"},
		{[]string{"Range: bytes=299999-"}, 206, data[n-1:], "bytes 299999-299999/300000"},
		{[]string{"Range: bytes=-5"}, 206, data[n-5:], "bytes 299995-299999/300000"},
		{[]string{"Range: bytes=100000-999999999"}, 206, data[100000:], "bytes 100000-299999/300000"},
		{[]string{"Range: bytes=0-"}, 206, data, "bytes 0-299999/300000"},
		{[]string{"Range: bytes=300000-"}, 416, "", "bytes */300000"},
		{[]string{"Range: bytes=5-4"}, 416, "", ""},
		{[]string{"Range: lines=1-2"}, 416, "", ""},
		{[]string{"Range: bytes=0-9", "If-Range: " + etag}, 206, data[:10], ""},
		{[]string{"Range: bytes=0-9", `If-Range: "other"`}, 200, data, ""},
		{[]string{"If-None-Match: " + etag}, 304, "", ""},
		{[]string{"If-None-Match: JoplinIgnore-1"}, 200, data, ""},
		{[]string{"If-Match: " + etag}, 200, data, ""},
		{[]string{`If-Match: "other"`}, 412, "", ""},
		{[]string{"If-Modified-Since: " + time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 304, "", ""},
		{[]string{"If-Unmodified-Since: " + time.Unix(0, 0).UTC().Format(http.TimeFormat)}, 412, "", ""},
		{[]string{"Range: bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", 200), ",")}, 200, data, ""},
	} {
		a := d.req("GET", "/f", nil, tt.header...)
		if a.StatusCode != tt.status || tt.status < 300 && a.body != tt.want {
			t.Errorf("%v: got %d and %d bytes, want %d and %d", tt.header, a.StatusCode, len(a.body), tt.status, len(tt.want))
		}
		if got := a.Header.Get("Content-Range"); tt.crange != "" && got != tt.crange {
			t.Errorf("%v: got Content-Range %q, want %q", tt.header, got, tt.crange)
		}
	}
}

func TestGetMultipart(t *testing.T) {
	d := newDrive(t)
	data := noise(100_000)
	d.want(201, "PUT", "/f.txt", data)
	a := d.want(206, "GET", "/f.txt", "", "Range: bytes=0-9,50000-50099,-1")
	_, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	mr := multipart.NewReader(strings.NewReader(a.body), params["boundary"])
	for _, want := range []string{data[:10], data[50000:50100], data[len(data)-1:]} {
		p, err := mr.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(p)
		if string(got) != want {
			t.Errorf("%v: got %d bytes, want %d", p.Header, len(got), len(want))
		}
	}
}

// A large file of several blocks, whole and across their borders.
func TestGetLarge(t *testing.T) {
	d := newDrive(t)
	data := noise(20 << 20)
	d.want(201, "PUT", "/big", data)
	d.file("/big", data)
	for _, r := range [][2]int{{8<<20 - 1, 8 << 20}, {1, 16<<20 + 5}, {16<<20 - 3, 20<<20 - 1}} {
		a := d.want(206, "GET", "/big", "", fmt.Sprintf("Range: bytes=%d-%d", r[0], r[1]))
		if want := data[r[0] : r[1]+1]; a.body != want {
			t.Errorf("range %v: got %d bytes, want %d", r, len(a.body), len(want))
		}
	}
}

func TestGetEmpty(t *testing.T) {
	d := newDrive(t)
	a := d.want(201, "PUT", "/e", "")
	if a.Header.Get("ETag") == "" {
		t.Error("no ETag")
	}
	a = d.want(200, "GET", "/e", "")
	if a.body != "" || a.Header.Get("Content-Length") != "0" {
		t.Errorf("got %q, Content-Length %q", a.body, a.Header.Get("Content-Length"))
	}
	d.want(206, "GET", "/e", "", "Range: bytes=-5")
}

// HEAD and answers without a body touch no storage server, and no GET needs
// more than one query of the namespace.
func TestGetCost(t *testing.T) {
	d := newDrive(t)
	etag := d.want(201, "PUT", "/f", "hello").Header.Get("ETag")
	d.file("/f", "hello")
	d.disks.fail(func(blockio.GetRequest) error { return metadata.Errorf(metadata.KindCorrupt, "touched") })
	before := d.queries.Load()
	d.want(200, "HEAD", "/f", "")
	d.want(304, "GET", "/f", "", "If-None-Match: "+etag)
	d.want(412, "GET", "/f", "", `If-Match: "x"`)
	d.want(416, "GET", "/f", "", "Range: bytes=9-")
	if got := d.queries.Load() - before; got != 4 {
		t.Errorf("got %d queries for 4 requests", got)
	}
}

// A body that cannot be completed must not look complete.
func TestGetBreaksOff(t *testing.T) {
	d := newDrive(t)
	data := noise(12 << 20)
	d.want(201, "PUT", "/f", data)
	d.disks.fail(func(r blockio.GetRequest) error {
		if r.Offset >= 1<<20 {
			return metadata.Errorf(metadata.KindNotFound, "gone")
		}
		return nil
	})
	for _, header := range [][]string{nil, {"Range: bytes=100-"}, {"Range: bytes=0-5,10000000-11000000"}} {
		a := d.req("GET", "/f", nil, header...)
		if a.err == nil && a.StatusCode < 500 {
			t.Errorf("%v: got a complete answer of %d bytes, status %d", header, len(a.body), a.StatusCode)
		}
	}
}

// A file that cannot be read at all gets an error, not a broken connection.
func TestGetUnreadable(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f.html", noise(100_000))
	d.disks.fail(func(blockio.GetRequest) error { return metadata.Errorf(metadata.KindCorrupt, "bad sector") })
	for _, header := range [][]string{nil, {"Range: bytes=5-10"}} {
		a := d.want(500, "GET", "/f.html", "", header...)
		if a.Header.Get("ETag") != "" || a.Header.Get("Content-Disposition") != "" || strings.Contains(a.body, "sector") {
			t.Errorf("%v: got %v %q", header, a.Header, a.body)
		}
	}
}

func TestGetErrors(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	for path, want := range map[string]int{"/none": 404, "/f/below": 404, "/no/where": 404, "/a/../f": 400, "/%2e%2e/f": 400, "/a%2Fb": 400, "/x%00": 400} {
		d.want(want, "GET", path, "")
	}
}

func TestListing(t *testing.T) {
	d := newDrive(t)
	d.want(201, "MKCOL", "/dir", "")
	d.want(201, "MKCOL", "/dir/sub dir", "")
	evil := `<img src=x onerror=alert(1)>"'&.txt`
	d.want(201, "PUT", "/dir/"+pathEscape(evil), "12345")
	d.want(201, "PUT", "/dir/"+pathEscape("javascript:alert(1)"), "")
	a := d.want(200, "GET", "/dir", "")
	for _, bad := range []string{"<img", `href="javascript`, "<script"} {
		if strings.Contains(a.body, bad) {
			t.Errorf("listing has %q:\n%s", bad, a.body)
		}
	}
	for _, want := range []string{"&lt;img src=x", `href="/dir/sub%20dir/"`, "5 B", `href="/dir/javascript:alert(1)"`, "<th>Modified (UTC)</th>"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("listing lacks %q:\n%s", want, a.body)
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("got policy %q", csp)
	}
	for _, p := range []string{"/", "/dir", "/dir/"} {
		if a := d.want(200, "HEAD", p, ""); a.body != "" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("HEAD %s: got %q, %v", p, a.body, a.Header)
		}
	}
}

// pathEscape encodes a name for a request line.
func pathEscape(name string) string { return string(appendHrefName(nil, name, false)) }

func TestListingPages(t *testing.T) {
	d := newDrive(t)
	const n = metadata.ListLimitMax + 10
	for i := range n {
		d.mkdir(fmt.Sprintf("/%04d&x", i))
	}
	first := d.want(200, "GET", "/", "")
	_, rest, ok := strings.Cut(first.body, `<a rel="next" href="`)
	next, _, _ := strings.Cut(rest, `"`)
	if !ok || strings.Count(first.body, "<tr>") != metadata.ListLimitMax {
		t.Fatalf("first page has %d rows, next %q", strings.Count(first.body, "<tr>"), next)
	}
	if len(first.body) > 1<<20 {
		t.Errorf("a page has %d bytes", len(first.body))
	}
	second := d.want(200, "GET", next, "")
	if got := strings.Count(second.body, "<tr>"); got != 10 || strings.Contains(second.body, "next page") {
		t.Errorf("second page %s has %d rows, want 10", next, got)
	}
}

func TestAppendSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 10 << 10: "10 KiB", 1<<20 - 1: "1.0 MiB", 1536 << 20: "1.5 GiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := string(appendSize(nil, n)); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func BenchmarkGetLarge(b *testing.B) {
	d := newDrive(b)
	data := noise(256 << 20)
	d.want(201, "PUT", "/big", data)
	b.SetBytes(int64(len(data)))
	b.ResetTimer()
	for b.Loop() {
		r, _ := http.NewRequest("GET", d.url+"/big", nil)
		r.SetBasicAuth("ann", "pw-ann")
		resp, err := d.anon.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(discard{}, resp.Body)
		resp.Body.Close()
		if n != int64(len(data)) || err != nil {
			b.Fatal(n, err)
		}
	}
}

// discard reads in larger pieces than io.Discard.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, 1<<20)
	for {
		m, err := r.Read(buf)
		n += int64(m)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func benchmarkRequest(b *testing.B, method, path, body string, header ...string) {
	d := newDriveUnserved(b)
	do := func(method, path, body string, header ...string) {
		r, _ := http.NewRequest(method, path, bytes.NewReader([]byte(body)))
		r.RemoteAddr = "127.0.0.1:1"
		r.SetBasicAuth("ann", "pw-ann")
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		w := &nullWriter{head: make(http.Header)}
		d.handler.ServeHTTP(w, r)
		if w.status >= 400 {
			b.Fatal(method, w.status)
		}
	}
	do("MKCOL", "/d", "")
	do("PUT", "/d/f", strings.Repeat("x", 4096))
	b.ReportAllocs()
	for b.Loop() {
		do(method, path, body, header...)
	}
}

type nullWriter struct {
	head   http.Header
	status int
}

func (w *nullWriter) Header() http.Header         { return w.head }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkGetSmall(b *testing.B) { benchmarkRequest(b, "GET", "/d/f", "") }
func BenchmarkPutSmall(b *testing.B) {
	benchmarkRequest(b, "PUT", "/d/f", strings.Repeat("x", 4096))
}
func BenchmarkPropfind0(b *testing.B) { benchmarkRequest(b, "PROPFIND", "/d/f", "", "Depth: 0") }
