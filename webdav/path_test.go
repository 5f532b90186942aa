package webdav

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kendfs/metadata"
)

// pathRow is a spelling of a path and what it means, or the status of its
// refusal.
type pathRow struct {
	raw    string
	want   metadata.Path
	status int
}

// pathRows are tried as request URL, Destination and tag of an If header.
func pathRows() []pathRow { return append(goodPaths(), badPaths()...) }

func goodPaths() []pathRow {
	long, deep := strings.Repeat("n", metadata.NameBytesMax), strings.Repeat("/d", metadata.PathDepthMax)
	return []pathRow{
		{raw: "/", want: "/"},
		{raw: "/a", want: "/a"},
		{raw: "/a/", want: "/a"},
		{raw: "/a//b", want: "/a/b"},
		{raw: "/a/b//", want: "/a/b"},
		{raw: "/a%20b", want: "/a b"},
		{raw: "/a+b", want: "/a+b"},
		{raw: "/a%2Bb", want: "/a+b"},
		{raw: "/%41", want: "/A"},
		{raw: "/100%25", want: "/100%"},
		{raw: "/%252e%252e/x", want: "/%2e%2e/x"}, // decoded once
		{raw: "/%252F", want: "/%2F"},
		{raw: "/a;b=c", want: "/a;b=c"},
		{raw: "/a%3Fb", want: "/a?b"},
		{raw: "/a%23b", want: "/a#b"},
		{raw: "/a:b", want: "/a:b"},
		{raw: "/C:/x", want: "/C:/x"},
		{raw: "/~user", want: "/~user"},
		{raw: "/...", want: "/..."},
		{raw: "/..a", want: "/..a"},
		{raw: "/a..", want: "/a.."},
		{raw: "/.hidden", want: "/.hidden"},
		{raw: "/._x", want: "/._x"},
		{raw: "/%C3%A9", want: "/é"},
		{raw: "/e%CC%81", want: "/e\u0301"}, // kept as written; lookups are NFC
		{raw: "/%E2%80%AE", want: "/\u202e"},
		{raw: "/%F0%9F%92%BE", want: "/💾"},
		{raw: "/%3Cimg%20src=x%3E", want: "/<img src=x>"},
		{raw: "/%22%27%26", want: `/"'&`},
		{raw: "/" + long, want: metadata.Path("/" + long)},
		{raw: deep, want: metadata.Path(deep)},
	}
}

func badPaths() []pathRow {
	long, wide := strings.Repeat("n", metadata.NameBytesMax), strings.Repeat("%C3%A9", metadata.NameBytesMax/2)
	deep := strings.Repeat("/d", metadata.PathDepthMax)
	return []pathRow{
		{raw: "/a/../b", status: 400},
		{raw: "/a/../../x", status: 400},
		{raw: "/..", status: 400},
		{raw: "/.", status: 400},
		{raw: "/a/.", status: 400},
		{raw: "/./a", status: 400},
		{raw: "/%2e%2e/x", status: 400},
		{raw: "/%2E", status: 400},
		{raw: "/.%2e", status: 400},
		{raw: "/%2e./x", status: 400},
		{raw: "/a%2Fb", status: 400},
		{raw: "/a%2fb", status: 400},
		{raw: "/..%2fetc", status: 400},
		{raw: "/%2F", status: 400},
		{raw: "/a%5Cb", status: 400},
		{raw: "/..%5c..", status: 400},
		{raw: "/%00", status: 400},
		{raw: "/a%00.txt", status: 400},
		{raw: "/a%0Ab", status: 400},
		{raw: "/a%0D%0ASet-Cookie:x", status: 400},
		{raw: "/a%09b", status: 400},
		{raw: "/a%7F", status: 400},
		{raw: "/a%1b[2J", status: 400},
		{raw: "/%FF", status: 400},
		{raw: "/%C3", status: 400},
		{raw: "/%C0%AE%C0%AE/", status: 400}, // overlong ".."
		{raw: "/%ED%A0%80", status: 400},     // a surrogate
		{raw: "/%EF%BF%BE", status: 400},     // U+FFFE, not a character of XML
		{raw: "/%EF%BF%BF", status: 400},
		{raw: "/" + long + "n", status: 414},
		{raw: "/" + wide + "xx", status: 414},
		{raw: deep + "/d", status: 414},
	}
}

func TestRequestPath(t *testing.T) {
	for _, row := range pathRows() {
		u, err := url.ParseRequestURI(row.raw)
		if err != nil {
			t.Fatalf("%q: %v", row.raw, err)
		}
		checkPath(t, "URL", row.raw, row.want, row.status, func() (metadata.Path, error) {
			return parsePath(&http.Request{URL: u})
		})
	}
}

func TestReferencePath(t *testing.T) {
	for _, row := range pathRows() {
		for _, prefix := range []string{"", "http://drive.example.com", "HTTPS://Drive.Example.com:8443"} {
			checkPath(t, "reference", prefix+row.raw, row.want, row.status, func() (metadata.Path, error) {
				ref, err := parseReference(prefix + row.raw)
				if err != nil {
					err = badPath(err)
				}
				return ref.path, err
			})
		}
	}
}

func TestIfTagPath(t *testing.T) {
	for _, row := range pathRows() {
		lists, elsewhere, err := parseIf("<" + row.raw + "> (<x:1>)")
		switch {
		case row.status == 400:
			if err == nil || statusOf("PUT", err) != 400 {
				t.Errorf("tag %.80q: got %v, %v; want status 400", row.raw, lists, err)
			}
		case err != nil || len(lists) != 1:
			t.Errorf("tag %.80q: got %v, %v; want one list", row.raw, lists, err)
		case row.status == 414: // a name that nothing can have: false, but the token counts
			if lists[0].Path != "" || lists[0].Conds[0].Token != noLock || len(elsewhere) != 1 {
				t.Errorf("tag %.80q: got %v, %v; want it judged false", row.raw, lists, elsewhere)
			}
		case lists[0].Path != row.want:
			t.Errorf("tag %.80q: got %q, want %q", row.raw, lists[0].Path, row.want)
		}
	}
}

// TestPathsOverSockets sends every spelling as it is, as request URL and as
// Destination, which no client library would.
func TestPathsOverSockets(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/source", "x")
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	send := func(method, target, header string) int {
		t.Helper()
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nDepth: 0\r\n%s\r\n",
			method, target, base64.StdEncoding.EncodeToString([]byte("ann:pw-ann")), header)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s %.80q %.80q: %v", method, target, header, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, row := range pathRows() {
		want := row.status
		if want == 0 {
			want = 404
		}
		if got := send("PROPFIND", row.raw, ""); got != want && row.want != "/" {
			t.Errorf("PROPFIND %.80q: got %d, want %d", row.raw, got, want)
		}
		got := send("COPY", "/source", "Destination: "+row.raw+"\r\n")
		if row.status != 0 && got != row.status || row.status == 0 && got != 201 && got != 403 && got != 409 && got != 204 {
			t.Errorf("COPY to %.80q: got %d, want %d", row.raw, got, row.status)
		}
		if row.want != "" && row.want != "/" {
			d.req("DELETE", string(appendHref(nil, row.want, false)), nil)
		}
	}
}

func checkPath(t *testing.T, what, raw string, want metadata.Path, status int, parse func() (metadata.Path, error)) {
	t.Helper()
	p, err := parse()
	switch {
	case status == 0 && (err != nil || p != want):
		t.Errorf("%s %.80q: got %q, %v; want %q", what, raw, p, err, want)
	case status != 0 && (err == nil || statusOf("GET", err) != status):
		t.Errorf("%s %.80q: got %q, %v; want status %d", what, raw, p, err, status)
	}
}

// A hand-made request, as http.StripPrefix makes one, may have no RawPath.
func TestRequestPathWithoutRaw(t *testing.T) {
	p, err := parsePath(&http.Request{URL: &url.URL{Path: "/100%41"}})
	if err != nil || p != "/100%41" {
		t.Errorf("got %q, %v; a decoded path must not be decoded again", p, err)
	}
}

func TestHref(t *testing.T) {
	for _, c := range []struct {
		p    metadata.Path
		dir  bool
		want string
	}{
		{"/", true, "/"},
		{"/", false, "/"},
		{"/a", true, "/a/"},
		{"/a b&c", false, "/a%20b%26c"},
		{"/<x>\"'", false, "/%3Cx%3E%22'"},
		{"/é", false, "/%C3%A9"},
		{"/a+b;c?d#e%f", false, "/a%2Bb%3Bc%3Fd%23e%25f"},
		{"/a-._~!$()*,:=@", false, "/a-._~!$()*,:=@"},
	} {
		got := string(appendHref(nil, c.p, c.dir))
		if got != c.want {
			t.Errorf("href of %q: got %q, want %q", c.p, got, c.want)
		}
		dir, name := c.p.Split()
		if child := string(appendHrefName(appendHref(nil, dir, true), name, c.dir)); name != "" && child != c.want {
			t.Errorf("href of %q in %q: got %q, want %q", name, dir, child, c.want)
		}
	}
}

// FuzzPath: what is taken is a clean path, comes out of its own href, and does
// not change when it goes through once more.
func FuzzPath(f *testing.F) {
	for _, row := range pathRows() {
		f.Add(row.raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		p, err := parsePath(&http.Request{URL: u})
		if err != nil {
			return
		}
		checkClean(t, p)
		href := string(appendHref(nil, p, false))
		back, err := url.ParseRequestURI(href)
		if err != nil {
			t.Fatalf("href %q of %q: %v", href, p, err)
		}
		if q, err := parsePath(&http.Request{URL: back}); err != nil || q != p {
			t.Fatalf("path %q has the href %q, which is %q, %v", p, href, q, err)
		}
		if ref, err := parseReference(href); err != nil || ref.path != p {
			t.Fatalf("path %q has the href %q, which as a reference is %q, %v", p, href, ref.path, err)
		}
	})
}

func checkClean(t *testing.T, p metadata.Path) {
	t.Helper()
	if q, err := metadata.ParsePath(string(p)); err != nil || q != p {
		t.Fatalf("path %q: parsed again it is %q, %v", p, q, err)
	}
	for _, name := range p.Names() {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00\r\n") {
			t.Fatalf("path %q has the name %q", p, name)
		}
	}
}
