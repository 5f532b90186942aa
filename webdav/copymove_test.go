package webdav

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"kendfs/metadata"
)

// tree makes /a/b/f and /a/g with their paths as content, and the empty /e.
func (d *drive) tree() {
	d.t.Helper()
	for _, p := range []string{"/a", "/a/b", "/e"} {
		d.want(201, "MKCOL", p, "")
	}
	d.want(201, "PUT", "/a/b/f", "/a/b/f")
	d.want(201, "PUT", "/a/g", "/a/g")
}

// transferCase is one COPY or MOVE on a fresh tree.
type transferCase struct {
	src, dst string
	header   string // "Name: value; Name: value"
	want     int
	then     string // "path=content path=404 …" afterwards
}

func (c transferCase) run(t *testing.T, method string) {
	t.Helper()
	d := newDrive(t)
	d.tree()
	header := []string{"Destination: " + c.dst}
	if c.header != "" {
		header = append(header, strings.Split(c.header, "; ")...)
	}
	a := d.req(method, c.src, nil, header...)
	if a.StatusCode != c.want {
		t.Errorf("%s %s -> %s %s: got %d %s, want %d", method, c.src, c.dst, c.header, a.StatusCode, a.body, c.want)
	}
	for _, f := range strings.Fields(c.then) {
		path, want, _ := strings.Cut(f, "=")
		got := d.req("GET", path, nil)
		switch {
		case want == "404" || want == "200":
			if fmt.Sprint(got.StatusCode) != want {
				t.Errorf("%s %s -> %s: then %s is %d, want %s", method, c.src, c.dst, path, got.StatusCode, want)
			}
		case got.body != want:
			t.Errorf("%s %s -> %s: then %s is %q, want %q", method, c.src, c.dst, path, got.body, want)
		}
	}
}

func TestMove(t *testing.T) {
	const unchanged = "/a/b/f=/a/b/f /a/g=/a/g /e=200"
	for _, c := range []transferCase{
		{"/a/g", "/h", "", 201, "/h=/a/g /a/g=404"},
		{"/a/g", "/a/b/f", "", 204, "/a/b/f=/a/g /a/g=404"}, // macOS sends no Overwrite
		{"/a/g", "/a/b/f", "Overwrite: T", 204, "/a/b/f=/a/g /a/g=404"},
		{"/a/g", "/a/b/f", "Overwrite: F", 412, unchanged},
		{"/a/g", "/h", "Overwrite: F", 201, "/h=/a/g"},
		{"/a/b", "/c", "", 201, "/c/f=/a/b/f /a/b=404 /a/g=/a/g"},
		{"/a/b/", "/c/", "", 201, "/c/f=/a/b/f /a/b=404"},
		{"/a/b", "/e", "", 204, "/e/f=/a/b/f /a/b=404"},
		{"/a/g", "/e", "", 204, "/e=/a/g"},         // a file over a directory
		{"/a/b", "/a/g", "", 204, "/a/g/f=/a/b/f"}, // and the reverse
		{"/a/g", "/A/g", "", 409, unchanged},
		{"/a/g", "/none/g", "", 409, unchanged},
		{"/a/g", "/a/g/x", "", 403, unchanged},
		{"/none", "/h", "", 404, unchanged},
		{"/a/g", "/a/b/f/x", "", 409, unchanged},
		// The stock handler loses the source in all of these.
		{"/a/g", "/a/g", "", 403, unchanged},
		{"/a/b", "/a/b/", "", 403, unchanged},
		{"/a/b", "//a/b", "", 400, unchanged},
		{"/a/b", "/a//b", "", 403, unchanged},
		{"/a/b", "/a/./b", "", 400, unchanged},
		{"/a/b", "/a/%62", "", 403, unchanged},
		{"/a/b", "/a", "", 403, unchanged},
		{"/a/b/f", "/a", "Overwrite: T", 403, unchanged},
		{"/a", "/a/b/c", "", 403, unchanged},
		{"/a", "/", "", 403, unchanged},
		{"/", "/x", "", 403, unchanged},
		{"/a/g", "/a/g\u0301", "", 201, "/a/%C7%B5=/a/g"}, // NFD and NFC are one name
		{"/a/g", "/h", "Depth: infinity", 201, "/h=/a/g"},
		{"/a/g", "/h", "Depth: Infinity", 201, "/h=/a/g"},
		{"/a/g", "/h", "Depth: 0", 400, unchanged},
		{"/a/g", "/../h", "", 400, unchanged},
		{"/a/g", "/a%2Fh", "", 400, unchanged},
		{"/a/g", "/h%00", "", 400, unchanged},
		{"/a/g", "ftp://x/h", "", 400, unchanged},
		{"/a/g", "", "", 400, unchanged},
		{"/a/g", "/h", `If-Match: "other"`, 412, unchanged},
		{"/a/g", "/h", "If: (<urn:uuid:none>)", 412, unchanged},
		{"/a/g", "/h", "If: (Not <DAV:no-lock>)", 201, "/h=/a/g"},
	} {
		c.run(t, "MOVE")
	}
}

func TestCopy(t *testing.T) {
	const unchanged = "/a/b/f=/a/b/f /a/g=/a/g /e=200"
	for _, c := range []transferCase{
		{"/a/g", "/h", "", 201, "/h=/a/g " + unchanged},
		{"/a/g", "/a/b/f", "", 204, "/a/b/f=/a/g /a/g=/a/g"},
		{"/a/g", "/a/b/f", "Overwrite: F", 412, unchanged},
		{"/a", "/c", "", 201, "/c/b/f=/a/b/f /c/g=/a/g " + unchanged},
		{"/a", "/c", "Depth: infinity", 201, "/c/b/f=/a/b/f " + unchanged},
		{"/a", "/c", "Depth: 0", 201, "/c=200 /c/b=404 " + unchanged},
		{"/a", "/c", "Depth: 1", 400, "/c=404 " + unchanged},
		{"/a", "/e", "", 204, "/e/g=/a/g " + unchanged},
		{"/a", "/a/b", "", 403, unchanged},
		{"/a", "/a/b/c", "", 403, unchanged},
		{"/a/b", "/a", "", 403, unchanged},
		{"/a/g", "/a/g", "", 403, unchanged},
		{"/a/g", "/none/g", "", 409, unchanged},
		{"/none", "/h", "", 404, unchanged},
		{"/a/g", "http://drive.example/h", "Host: drive.example", 201, "/h=/a/g"},
		{"/a/g", "https://drive.example:8443/h", "Host: drive.example", 201, "/h=/a/g"},
		{"/a/g", "http://other.example/h", "Host: drive.example", 502, unchanged},
		{"/a/g", "http://user@drive.example/h", "Host: drive.example", 400, unchanged},
	} {
		c.run(t, "COPY")
	}
}

// A copy shares the data: it costs the same whatever the size, and stays when
// the original goes.
func TestCopySharesData(t *testing.T) {
	d := newDrive(t)
	data := noise(20 << 20)
	d.want(201, "PUT", "/f", data)
	before := d.disks.count()
	d.want(201, "COPY", "/f", "", "Destination: /g")
	if got := d.disks.count(); got != before {
		t.Errorf("COPY wrote %d blocks", got-before)
	}
	d.want(204, "PUT", "/f", "new")
	d.file("/g", data)
	d.want(204, "DELETE", "/f", "")
	d.file("/g", data)
}

// Readers of a name that is being replaced by MOVE always find something.
func TestMoveIsAtomic(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "0")
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if a := d.req("GET", "/f", nil); a.StatusCode != 200 || a.body == "" {
					t.Errorf("got %d %q", a.StatusCode, a.body)
					return
				}
			}
		})
	}
	for i := range 100 {
		d.want(201, "PUT", "/tmp", fmt.Sprint(i))
		d.want(204, "MOVE", "/tmp", "", "Destination: /f")
	}
	close(done)
	wg.Wait()
}

func TestDelete(t *testing.T) {
	d := newDrive(t)
	d.tree()
	for _, tt := range []struct {
		path, header string
		want         int
	}{
		{"/none", "", 404},
		{"/a/g/x", "", 404},
		{"/none/x", "", 404},
		{"/", "", 403},
		{"/a", "Depth: 0", 400},
		{"/a", "Depth: 1", 400},
		{"/a/g", "Depth: 0", 204},
		{"/a", "Depth: infinity", 204},
		{"/a", "", 404},
		{"/e/", "", 204},
	} {
		var header []string
		if tt.header != "" {
			header = []string{tt.header}
		}
		if a := d.req("DELETE", tt.path, nil, header...); a.StatusCode != tt.want {
			t.Errorf("DELETE %s %s: got %d, want %d", tt.path, tt.header, a.StatusCode, tt.want)
		}
	}
}

// RFC 4918 §9.6.1: a lock on a member protects it from the deletion of the
// directory; nothing is deleted then.
func TestDeleteOverLock(t *testing.T) {
	d := newDrive(t)
	d.tree()
	lockAs(d, "bob", "/a/b/f")
	d.want(423, "DELETE", "/a", "")
	d.file("/a/g", "/a/g")
	d.want(423, "MOVE", "/a", "", "Destination: /z")
	d.want(423, "MOVE", "/a/g", "", "Destination: /a/b")
}

func TestMkcol(t *testing.T) {
	d := newDrive(t)
	d.tree()
	for _, tt := range []struct {
		path, body string
		want       int
	}{
		{"/n", "", 201}, {"/n", "", 405}, {"/a/g", "", 405}, {"/", "", 405},
		{"/none/x", "", 409}, {"/a/g/x", "", 409}, {"/m/", "", 201},
		{"/o", "<D:mkcol xmlns:D='DAV:'/>", 415}, {"/o", "", 201},
	} {
		d.want(tt.want, "MKCOL", tt.path, tt.body)
	}
	a := d.req("MKCOL", "/chunked", struct{ *strings.Reader }{strings.NewReader("x")})
	if a.StatusCode != 415 {
		t.Errorf("chunked body: got %d", a.StatusCode)
	}
	if a := d.as("rita", "MKCOL", "/r", nil); a.StatusCode != 403 {
		t.Errorf("reader: got %d", a.StatusCode)
	}
}

// Names that other programs would trip over are kept as they are, or refused.
func TestHostileNames(t *testing.T) {
	d := newDrive(t)
	for _, name := range []string{
		"a b", "ä", "日本語", "%", "%2F-literal", "?", "#", "a;b", "a&b", "<x>", `"q"`, "'", "a+b", "~", ":", "*", "|",
		"con", "..a", "a..", "...", ".hidden", " lead", "trail ", "emoji😀", "e\u0301", "\u202egnp.exe", "\ufeffbom", "]]>",
		"-rf", "$(x)", "`x`", strings.Repeat("n", metadata.NameBytesMax),
	} {
		path := "/" + pathEscape(name)
		d.want(201, "PUT", path, name)
		d.file(path, name)
		a := d.want(207, "PROPFIND", path, "", "Depth: 0")
		if !strings.Contains(a.body, path) {
			t.Errorf("%q: PROPFIND has no href %s:\n%s", name, path, a.body)
		}
		d.want(204, "DELETE", path, "")
	}
	for _, raw := range []string{
		"/..", "/a/../b", "/./a", "/%2e%2e/a", "/a%2fb", "/a%5Cb", "/a\\b", "/%00", "/a%0Ab", "/%7f", "/%ff", "/%c0%af", "/%ed%a0%80",
		"/" + strings.Repeat("a/", metadata.PathDepthMax+1), "/" + strings.Repeat("n", metadata.NameBytesMax+1),
	} {
		for _, method := range []string{"PUT", "GET", "MKCOL", "DELETE", "PROPFIND"} {
			if got := raw4xx(t, d, method, raw); got != 400 && got != 414 {
				t.Errorf("%s %.40q: got %d, want 400 or 414", method, raw, got)
			}
		}
	}
	if a := d.want(207, "PROPFIND", "/", "", "Depth: 1"); strings.Count(a.body, "<D:response>") != 1 {
		t.Errorf("something was created:\n%s", a.body)
	}
}

// raw4xx sends a request line as it stands and returns the status.
func raw4xx(t *testing.T, d *drive, method, target string) (status int) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5uOnB3LWFubg==\r\nDepth: 0\r\n\r\n", method, target)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("%s %.40q: %v", method, target, err)
	}
	_, _ = fmt.Sscanf(line, "HTTP/1.1 %d", &status)
	return status
}
