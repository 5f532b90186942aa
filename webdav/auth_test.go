package webdav

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func TestAuthenticate(t *testing.T) {
	d := newDrive(t)
	disabled := userRow("dora", metadata.RoleWriter)
	disabled.Disabled = true
	for _, u := range []*metapb.UserRow{disabled, userRow("vic", metadata.RoleViewer)} {
		d.must(&metapb.Command{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{User: u, Create: true}}})
	}
	tests := []struct {
		user, password string
		want           int
	}{
		{"ann", "pw-ann", 200},
		{"ann", "pw-ann", 200}, // remembered
		{"root", "pw-root", 200},
		{"rita", "pw-rita", 200},
		{"ann", "pw-bob", 401},
		{"ann", "", 401},
		{"", "pw-ann", 401},
		{"nobody", "pw-nobody", 401},
		{"dora", "pw-dora", 401},
		{"ANN", "pw-ann", 401},
		{"vic", "pw-vic", 403}, // a viewer reads no file
		{"ann\x00", "pw-ann", 401},
		{strings.Repeat("a", 1000), "x", 401},
		{"bob", strings.Repeat("p", 5000), 401},
	}
	for _, tt := range tests {
		r, _ := http.NewRequest("GET", d.url+"/", nil)
		r.SetBasicAuth(tt.user, tt.password)
		resp, err := d.anon.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%.20q %.20q: got %d, want %d", tt.user, tt.password, resp.StatusCode, tt.want)
		}
		got := resp.Header.Get("WWW-Authenticate")
		if want := `Basic realm="KenDFS", charset="UTF-8"`; tt.want == 401 && got != want {
			t.Errorf("%.20q: got challenge %q, want %q", tt.user, got, want)
		}
	}
	for _, header := range []string{"Authorization: Bearer x", "Authorization: Basic !!!", "Accept: */*"} {
		if a := d.as("", "PROPFIND", "/", nil, header, "Depth: 0"); a.StatusCode != 401 {
			t.Errorf("%s: got %d, want 401", header, a.StatusCode)
		}
	}
}

// An attacker waits longer and longer; the victim signs in from elsewhere, and
// a good password is not forgotten because of bad ones.
func TestAuthenticateBacksOff(t *testing.T) {
	d := newDriveUnserved(t)
	from := func(addr, password string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = addr
		r.SetBasicAuth("bob", password)
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		if w.Code == 503 && w.Header().Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return w.Code
	}
	last := 0
	for range 40 {
		if last = from("127.0.0.1:1000", "guess"); last != 401 {
			break
		}
	}
	if last != 503 {
		t.Errorf("after 40 guesses: got %d, want 503", last)
	}
	if got := from("[::1]:2000", "pw-bob"); got != 200 {
		t.Errorf("victim from elsewhere: got %d, want 200", got)
	}
}

func TestAuthenticatePlainHTTP(t *testing.T) {
	for _, tt := range []struct {
		remote   string
		tls      bool
		insecure bool
		want     int
	}{
		{"127.0.0.1:5", false, false, 200},
		{"[::1]:5", false, false, 200},
		{"192.0.2.7:5", false, false, 403},
		{"[2001:db8::1]:5", false, false, 403},
		{"not an address", false, false, 403},
		{"192.0.2.7:5", true, false, 200},
		{"192.0.2.7:5", false, true, 200},
	} {
		d := newDriveUnserved(t, func(c *Config) { c.InsecureHTTP = tt.insecure })
		target := "http://drive.example/"
		if tt.tls {
			target = "https://drive.example/"
		}
		r := httptest.NewRequest("GET", target, nil)
		r.RemoteAddr = tt.remote
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		r.SetBasicAuth("ann", "pw-ann")
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s tls=%v insecure=%v: got %d, want %d", tt.remote, tt.tls, tt.insecure, w.Code, tt.want)
		}
		if w.Code == 403 && w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: a challenge asks for the password in the clear", tt.remote)
		}
	}
}

// A page of another origin must not use the password that the browser knows.
func TestCrossOrigin(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "old")
	for _, method := range []string{"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK"} {
		for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
			a := d.req(method, "/f", strings.NewReader("new"), header, "Destination: /g")
			if a.StatusCode != 403 {
				t.Errorf("%s with %s: got %d, want 403", method, header, a.StatusCode)
			}
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: answer has %s", method, name)
				}
			}
		}
	}
	d.file("/f", "old")
	d.want(204, "PUT", "/f", "new", "Sec-Fetch-Site: same-origin")
	d.want(204, "PUT", "/f", "new", "Origin: "+d.url)
}

func TestOptionsAsksNobody(t *testing.T) {
	d := newDriveUnserved(t)
	before := d.queries.Load()
	for _, target := range []string{"/", "*", "/no/such", "/a/../b", "/%00"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("OPTIONS", "/", nil)
		r.RequestURI, r.URL.Path, r.RemoteAddr = target, target, "192.0.2.1:9"
		d.handler.ServeHTTP(w, r)
		if w.Code != 200 || w.Header().Get("DAV") != "1, 2, 3" || w.Header().Get("MS-Author-Via") != "DAV" {
			t.Errorf("OPTIONS %s: got %d %v", target, w.Code, w.Header())
		}
	}
	if got := d.queries.Load() - before; got != 0 {
		t.Errorf("got %d queries, want none", got)
	}
}

// RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a
// 405 response containing a list of the target resource's currently supported
// methods."
func TestUnknownMethods(t *testing.T) {
	d := newDrive(t)
	for _, method := range []string{"POST", "PATCH", "REPORT", "SEARCH", "TRACE", "BREW", "ACL", "get"} {
		a := d.as("", method, "/", nil)
		if a.StatusCode != 405 || !strings.Contains(a.Header.Get("Allow"), "PROPFIND") {
			t.Errorf("%s: got %d, Allow %q", method, a.StatusCode, a.Header.Get("Allow"))
		}
	}
}

// Every method for every sort of user: who may not write changes nothing.
func TestRights(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "old")
	for _, user := range []string{"rita", ""} {
		read, refused := 401, 401
		if user == "rita" {
			read, refused = 0, 403 // 0: succeeds
		}
		for _, tt := range []struct {
			method, path, body string
			header             []string
			write              bool
		}{
			{"GET", "/f", "", nil, false},
			{"HEAD", "/f", "", nil, false},
			{"GET", "/", "", nil, false},
			{"PROPFIND", "/", "", []string{"Depth: 1"}, false},
			{"PUT", "/f", "new", nil, true},
			{"PUT", "/f", noise(2 << 20), nil, true},
			{"PUT", "/n", "new", nil, true},
			{"DELETE", "/f", "", nil, true},
			{"MKCOL", "/d", "", nil, true},
			{"COPY", "/f", "", []string{"Destination: /g"}, true},
			{"MOVE", "/f", "", []string{"Destination: /g"}, true},
			{"LOCK", "/f", `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`, nil, true},
			{"PROPPATCH", "/f", `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>`, nil, true},
		} {
			a := d.as(user, tt.method, tt.path, strings.NewReader(tt.body), tt.header...)
			want := read
			if tt.write {
				want = refused
			}
			if want == 0 && a.StatusCode >= 300 || want != 0 && a.StatusCode != want {
				t.Errorf("%q %s %s: got %d %s, want %d", user, tt.method, tt.path, a.StatusCode, a.body, want)
			}
			d.file("/f", "old")
		}
	}
	page, err := d.client.List(t.Context(), "/", listAll())
	if err != nil || len(page.Entries) != 1 {
		t.Errorf("got %v, %v; want /f only", page.Entries, err)
	}
}
