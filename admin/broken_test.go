package admin_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"kendfs/admin"
	"kendfs/metadata"
)

// damaged is content of which one file cannot be read beyond some byte.
type damaged struct {
	admin.Content
	name string
	at   int64
	open atomic.Int64 // readers that are not closed
	fail error        // of writing
}

func (c *damaged) Open(ctx context.Context, e metadata.Entry) io.ReadSeekCloser {
	c.open.Add(1)
	r := &damagedReader{ReadSeekCloser: c.Content.Open(ctx, e), c: c}
	if e.Name == c.name {
		r.bad = true
	}
	return r
}

func (c *damaged) Create(ctx context.Context, copies int, size int64) admin.Writer {
	w := c.Content.Create(ctx, copies, size)
	if c.fail != nil {
		return failingWriter{w, c.fail}
	}
	return w
}

type failingWriter struct {
	admin.Writer
	err error
}

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

type damagedReader struct {
	io.ReadSeekCloser
	c   *damaged
	bad bool
	off int64
}

func (r *damagedReader) Read(p []byte) (int, error) {
	if r.bad {
		if r.off >= r.c.at {
			return 0, metadata.Errorf(metadata.KindUnavailable, "no storage server that has it answers")
		}
		p = p[:min(int64(len(p)), r.c.at-r.off)]
	}
	n, err := r.ReadSeekCloser.Read(p)
	r.off += int64(n)
	return n, err
}

func (r *damagedReader) Seek(off int64, whence int) (int64, error) {
	n, err := r.ReadSeekCloser.Seek(off, whence)
	r.off = n
	return n, err
}

func (r *damagedReader) Close() error {
	r.c.open.Add(-1)
	return r.ReadSeekCloser.Close()
}

func newDamaged(t *testing.T, name string, at int64) (*desk, *damaged) {
	t.Helper()
	c := &damaged{name: name, at: at}
	d := newDesk(t, func(cfg *admin.Config) {
		c.Content = cfg.Content
		cfg.Content = c
	})
	return d, c
}

// read gets a body and how it ended.
func (b *browser) read(path string, header ...string) (*http.Response, []byte, error) {
	b.d.t.Helper()
	r, err := http.NewRequest("GET", b.d.http.URL+path, nil)
	if err != nil {
		b.d.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// A file of which bytes are missing is never taken for a whole one.
func TestDownloadThatBreaksOff(t *testing.T) {
	t.Parallel()
	const name, at = "holiday-01.mp4", 5 << 20
	d, c := newDamaged(t, name, at)
	b := d.as("rita")
	path := "/api/v1/fs/content?path=" + q("/Videos/"+name)
	resp, body, err := b.read(path)
	if err == nil || int64(len(body)) > at {
		t.Errorf("got %d bytes, %v, want an error after at most %d", len(body), err, at)
	}
	if resp != nil && resp.ContentLength != 300<<20 {
		t.Errorf("length %d", resp.ContentLength)
	}
	// What is in front of the damage can be read, and behind it not.
	if resp, body, err := b.read(path, "Range", "bytes=1000-1999"); err != nil || resp.StatusCode != 206 || len(body) != 1000 {
		t.Errorf("a good range: got %d bytes, %v", len(body), err)
	}
	if _, body, err := b.read(path, "Range", fmt.Sprintf("bytes=%d-%d", at-10, at+10)); err == nil {
		t.Errorf("a range over the damage: got %d bytes and no error", len(body))
	}
	d.until("all readers are closed", func() bool { return c.open.Load() == 0 })
	b.must("GET", "/api/v1/health", nil, 200) // and the server goes on
}

// An archive that meets such a file has no end, so that no tool unpacks it
// without complaint; what was in front of it is whole.
func TestArchiveThatBreaksOff(t *testing.T) {
	t.Parallel()
	d, c := newDamaged(t, "minutes.md", 10)
	b := d.as("rita")
	_, body, err := b.read("/api/v1/fs/archive?path=/Documents")
	if err == nil {
		t.Errorf("an archive without %s ended well, with %d bytes", c.name, len(body))
	}
	if _, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("what has come is a zip: %v", err)
	}
	if !bytes.Contains(body, []byte("budget 2026.ods")) {
		t.Error("nothing came of what is in front of it")
	}
	d.until("all readers are closed", func() bool { return c.open.Load() == 0 })
	// Without the damaged one it is whole, byte for byte.
	_, body, err = b.read("/api/v1/fs/archive?path=/Documents&name=hostile&name=" + q("read me.txt"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil || len(z.File) != 5 {
		t.Fatalf("got %v, %d entries", err, len(z.File))
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := io.ReadAll(r)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		plain := b.must("GET", "/api/v1/fs/content?path="+q("/Documents/"+f.Name), nil, 200)
		if !bytes.Equal(packed, plain.body) || f.CRC32 != crc32.ChecksumIEEE(packed) || f.Method != zip.Store {
			t.Errorf("%s is another file in the archive", f.Name)
		}
		if got, want := f.Modified.UTC().Format(http.TimeFormat), plain.Header.Get("Last-Modified"); got != want {
			t.Errorf("%s: modified %s, want %s", f.Name, got, want)
		}
	}
}

// A storage server that takes no more ends the upload, with its reason.
func TestUploadThatFails(t *testing.T) {
	t.Parallel()
	d, c := newDamaged(t, "", 0)
	b := d.as("wim")
	begin := func() string {
		t.Helper()
		u := b.must("POST", "/api/v1/fs/uploads", map[string]any{"path": "/x", "size": 3}, 201)
		return "/api/v1/fs/uploads/" + decode[uploadState](t, u.body).ID
	}
	b.header.Set("Upload-Offset", "0")
	for err, want := range map[error]int{
		metadata.Errorf(metadata.KindNoSpace, "full"): 507, metadata.Errorf(metadata.KindUnavailable, "nobody"): 503,
		errors.New("a secret of the disk"): 500,
	} {
		c.fail = err
		at := begin()
		a := b.do("PATCH", at, strings.NewReader("abc"))
		if a.StatusCode != want || strings.Contains(string(a.body), "secret") {
			t.Errorf("%v: got %d %s, want %d", err, a.StatusCode, a.body, want)
		}
		b.refused("GET", at, nil, 404, "not_found")
	}
	c.fail = nil
	// The commit is refused: the file went read-only meanwhile, or its folder is gone.
	at := begin()
	if err := d.cluster.Set(context.Background(), map[string]int64{metadata.SettingReadOnly: 1}); err != nil {
		t.Fatal(err)
	}
	b.refused("PATCH", at, strings.NewReader("abc"), 409, "read_only")
	b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/y"}, 409, "read_only")
	b.refused("GET", "/api/v1/fs/stat?path=/x", nil, 404, "not_found")
}

// Names that are attacks on headers stay names.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	for _, name := range []string{`quote".txt`, `semi;filename=evil.exe.txt`, "ümläut 日本.txt", `100%25.txt`, "\u202egpj.txt", `"><script>.txt`, "a'b.txt", strings.Repeat("n", 200)} {
		u := b.must("POST", "/api/v1/fs/uploads", map[string]any{"path": "/" + name, "size": 1}, 201)
		b.header.Set("Upload-Offset", "0")
		b.must("PATCH", "/api/v1/fs/uploads/"+decode[uploadState](t, u.body).ID, strings.NewReader("x"), 200)
		a := b.must("GET", "/api/v1/fs/content?path="+q("/"+name), nil, 200)
		got := a.Header.Get("Content-Disposition")
		_, rest, _ := strings.Cut(got, `filename="`)
		plain, star, ok := strings.Cut(rest, `"; filename*=UTF-8''`)
		if !ok || strings.ContainsAny(plain, "\"\\%\r\n") || strings.ContainsAny(star, "\"; '\r\n") || !strings.HasPrefix(got, "attachment;") {
			t.Errorf("%q: got %q", name, got)
		}
		if len(a.Header.Values("Content-Disposition")) != 1 || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: got %v", name, a.Header)
		}
	}
	for _, bad := range []string{"/a\nb", "/a\x00b", "/a\\b", "/..", "/./..//x/../../etc", "relative", "", "/" + strings.Repeat("n", 300)} {
		if got := b.do("POST", "/api/v1/fs/mkdir", map[string]string{"path": bad}); got.StatusCode/100 != 4 {
			t.Errorf("%q: got %d %s", bad, got.StatusCode, got.body)
		}
	}
}
