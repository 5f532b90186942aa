package webdav

import (
	"net/http"
	"testing"

	"kendfs/metadata"
)

func destinationOf(host, value string, header ...string) (metadata.Path, error) {
	r := &http.Request{Method: "MOVE", Host: host, Header: http.Header{}}
	if value != "-" {
		r.Header.Set("Destination", value)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return (&Handler{}).destination(&request{Request: r})
}

func TestDestination(t *testing.T) {
	const own = "drive.example.com"
	for _, c := range []struct {
		host, value string
		header      []string
		want        metadata.Path
		status      int
	}{
		// RFC 4918 §10.3: "The Destination request header specifies the URI that
		// identifies a destination resource for methods such as COPY and MOVE".
		// http://www.webdav.org/specs/rfc4918.html#HEADER_Destination
		{host: own, value: "http://drive.example.com/a", want: "/a"},
		{host: own, value: "/a", want: "/a"},
		{host: own, value: " /a/ ", want: "/a"},
		{host: own, value: "http://drive.example.com", want: "/"},
		{host: own, value: "http://DRIVE.example.com:80/a", want: "/a"},
		{host: own + ":8080", value: "https://drive.example.com/a", want: "/a"},
		{host: own, value: "http://drive.example.com./a", want: "/a"},
		{host: own, value: "/a b/ü", want: "/a b/ü"}, // not encoded at all
		{host: own, value: "/a b%25", want: "/a b%"},

		// Behind a proxy.
		{host: "127.0.0.1:8080", value: "https://files.example.org/a", want: "/a"},
		{host: "[::1]:8080", value: "https://files.example.org/a", want: "/a"},
		{host: "gateway:8080", value: "https://files.example.org/a", want: "/a"},
		{host: own, value: "https://files.example.org/a", header: []string{"X-Forwarded-Host", "x"}, want: "/a"},
		{host: own, value: "https://files.example.org/a", header: []string{"Via", "1.1 x"}, want: "/a"},

		// RFC 4918 §9.8.5: "502 (Bad Gateway) - This may occur when the
		// destination is on another server, repository, or URL namespace."
		// http://www.webdav.org/specs/rfc4918.html#rfc.section.9.8.5
		{host: own, value: "http://other.example.com/a", status: 502},
		{host: own, value: "http://drive.example.com.evil.org/a", status: 502},
		{host: own, value: "http://192.0.2.1/a", status: 502},

		{host: own, value: "-", status: 400},
		{host: own, value: "", status: 400},
		{host: own, value: "a", status: 400},
		{host: own, value: "../a", status: 400},
		{host: own, value: "//evil.example.com/a", status: 400},
		{host: own, value: "http:///a", status: 400},
		{host: own, value: "http:/a", status: 400},
		{host: own, value: "ftp://drive.example.com/a", status: 400},
		{host: own, value: "javascript:alert(1)", status: 400},
		{host: own, value: "http://ann:pw@drive.example.com/a", status: 400},
		{host: own, value: "http://drive.example.com@evil.org/a", status: 400},
		{host: own, value: "http://drive.example.com\\@evil.org/a", status: 400},
		{host: own, value: "http://drive.example.com:port/a", status: 400},
		{host: own, value: "http://drive.example.com/a?b", status: 400},
		{host: own, value: "/a?b", status: 400},
		{host: own, value: "/a#b", status: 400},
		{host: own, value: "/a%", status: 400},
		{host: own, value: "/a%zz", status: 400},
		{host: own, value: "/a\x00", status: 400},
		{host: own, value: "/a\r\nX: y", status: 400},
		{host: own, value: "/a\\b", status: 400},
		{host: own, value: "/a b%2Fc", status: 400}, // also when the rest is not encoded
	} {
		checkPath(t, "Destination", c.value, c.want, c.status, func() (metadata.Path, error) {
			return destinationOf(c.host, c.value, c.header...)
		})
	}
	r := &http.Request{Method: "COPY", Header: http.Header{"Destination": {"/a", "/b"}}}
	if p, err := (&Handler{}).destination(&request{Request: r}); err == nil {
		t.Errorf("two Destination headers: got %q, want an error", p)
	}
}

func FuzzDestination(f *testing.F) {
	for _, row := range pathRows() {
		f.Add(row.raw)
		f.Add("http://drive.example.com" + row.raw)
	}
	for _, s := range []string{"//x/y", "http://a@b/c", "http://[::1]:80/x", "HTTP://X", "/a?b", "http://x:y:z/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := parseReference(s)
		if err != nil {
			if k := metadata.KindOf(err); k != metadata.KindInvalid && k != metadata.KindTooLarge {
				t.Fatalf("%q: error %v is of kind %v", s, err, k)
			}
			return
		}
		checkClean(t, ref.path)
		again, err := parseReference(string(appendHref(nil, ref.path, true)))
		if err != nil || again.path != ref.path {
			t.Fatalf("%q is %q, whose href is %q, %v", s, ref.path, again.path, err)
		}
	})
}
