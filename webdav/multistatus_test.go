package webdav

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
)

// parsedMultistatus is a multistatus as another implementation reads it.
type parsedMultistatus struct {
	XMLName  xml.Name `xml:"DAV: multistatus"`
	Response []struct {
		Href     string `xml:"DAV: href"`
		Status   string `xml:"DAV: status"`
		Propstat []struct {
			Prop struct {
				Any []struct {
					XMLName xml.Name
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"DAV: prop"`
			Status string `xml:"DAV: status"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

func parseMultistatus(t *testing.T, doc string) parsedMultistatus {
	t.Helper()
	if err := wellFormed(doc); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	var ms parsedMultistatus
	if err := xml.Unmarshal([]byte(doc), &ms); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return ms
}

func goldenEntries(when time.Time) (file, dir *metadata.Entry) {
	file = &metadata.Entry{
		ID: 0x2a, Name: "a & b.txt", Size: 5, Modified: when, Created: when.Add(-time.Hour), Owner: "bob x",
		Content: 7, SHA1: []byte("0123456789abcdefghij"),
		Props: []metadata.Property{
			{Space: "urn:z", Local: "p", Lang: "de", Value: []byte(`<q xmlns="urn:q"/>`)},
			{Space: "", Local: "bare"},
			{Space: "DAV:", Local: "getetag", Value: []byte("a lie")},
		},
		Locks: []metadata.Lock{{
			Token: "urn:uuid:1", Root: "/d x", Owner: "me", User: "ann", Shared: true, Infinite: true,
			Expires: when.Add(90*time.Second + 1), Timeout: time.Hour,
		}},
	}
	dir = &metadata.Entry{ID: 3, Name: "sub", IsDir: true, Modified: when, Created: when, QuotaBytes: 100, Usage: metadata.Usage{Bytes: 30}}
	return file, dir
}

// Line breaks and blanks are as they are on purpose: Windows takes listings up
// to 1,000,000 bytes only.
func TestMultistatusGolden(t *testing.T) {
	when := time.Date(2026, 11, 22, 15, 4, 5, 6, time.UTC)
	user := metadata.User{Name: "ann", Role: metadata.RoleWriter}
	file, dir := goldenEntries(when)
	q := func(doc string, brief bool) *propQuery {
		f, err := parsePropfind([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		return newPropQuery(f, brief)
	}
	const some = `<propfind xmlns="DAV:" xmlns:o="http://owncloud.org/ns" xmlns:z="urn:z"><prop><resourcetype/><getetag/>` +
		`<o:checksums/><z:p/><z:none/><quota-available-bytes/><owner/></prop></propfind>`
	const head = xmlHeader + `<D:multistatus xmlns:D="DAV:">`
	for _, c := range []struct {
		name  string
		q     *propQuery
		e     *metadata.Entry
		quota *metadata.Quota
		want  string
	}{
		{name: "prop of a file", q: q(some, false), e: file, want: `<D:response><D:href>/e</D:href><D:propstat><D:prop><D:resourcetype/><D:getetag>"2a-7"</D:getetag>` +
			`<x:checksums xmlns:x="http://owncloud.org/ns"><x:checksum>SHA1:303132333435363738396162636465666768696a</x:checksum></x:checksums>` +
			`<x:p xmlns:x="urn:z" xml:lang="de"><q xmlns="urn:q"/></x:p><D:owner><D:href>urn:kendfs:user:bob%20x</D:href></D:owner></D:prop>` +
			`<D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><x:none xmlns:x="urn:z"/><D:quota-available-bytes/></D:prop>` +
			`<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>`},
		{name: "prop of a directory, brief", q: q(some, true), e: dir, quota: &metadata.Quota{AvailableBytes: 1000},
			want: `<D:response><D:href>/e</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype><D:getetag>"d3"</D:getetag>` +
				`<D:quota-available-bytes>70</D:quota-available-bytes></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`},
		{name: "allprop", q: q("", false), e: file, want: `<D:response><D:href>/e</D:href><D:propstat><D:prop><D:resourcetype/>` +
			`<D:getlastmodified>Sun, 22 Nov 2026 15:04:05 GMT</D:getlastmodified><D:getcontentlength>5</D:getcontentlength><D:getetag>"2a-7"</D:getetag>` +
			`<D:getcontenttype>text/plain; charset=utf-8</D:getcontenttype><D:creationdate>2026-11-22T14:04:05Z</D:creationdate>` +
			`<D:displayname>a &amp; b.txt</D:displayname><D:lockdiscovery><D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:shared/></D:lockscope>` +
			`<D:depth>infinity</D:depth><D:owner>me</D:owner><D:timeout>Second-91</D:timeout><D:locktoken><D:href>urn:uuid:1</D:href></D:locktoken>` +
			`<D:lockroot><D:href>/d%20x</D:href></D:lockroot></D:activelock></D:lockdiscovery><D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope>` +
			`<D:locktype><D:write/></D:locktype></D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry></D:supportedlock>` +
			`<x:p xmlns:x="urn:z" xml:lang="de"><q xmlns="urn:q"/></x:p><bare/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`},
		{name: "propname", q: q(`<propfind xmlns="DAV:"><propname/></propfind>`, false), e: dir,
			want: `<D:response><D:href>/e</D:href><D:propstat><D:prop><D:resourcetype/><D:getlastmodified/><D:getetag/><D:getcontenttype/><D:creationdate/>` +
				`<D:displayname/><D:lockdiscovery/><D:supportedlock/><D:quota-used-bytes/><D:current-user-privilege-set/><D:lastmodified/>` +
				`<x:lastmodified xmlns:x="SAR:"/><x:Win32LastModifiedTime xmlns:x="urn:schemas-microsoft-com:"/><x:Win32CreationTime xmlns:x="urn:schemas-microsoft-com:"/></D:prop>` +
				`<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`},
		{name: "nothing asked", q: q(`<propfind xmlns="DAV:"><prop/></propfind>`, false), e: dir,
			want: `<D:response><D:href>/e</D:href><D:propstat><D:prop></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`},
		// RFC 8144 §2.1: a response without any property still has one propstat.
		{name: "nothing found, brief", q: q(`<propfind xmlns="DAV:"><prop><none/></prop></propfind>`, true), e: dir,
			want: `<D:response><D:href>/e</D:href><D:propstat><D:prop></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`},
		{name: "nothing found", q: q(`<propfind xmlns="DAV:"><prop><none/></prop></propfind>`, false), e: dir,
			want: `<D:response><D:href>/e</D:href><D:propstat><D:prop><D:none/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>`},
	} {
		rec := httptest.NewRecorder()
		m := newMultistatus(rec)
		m.entry([]byte("/e"), &subject{Entry: c.e, user: user, now: when, quota: c.quota}, c.q)
		if err := m.end(); err != nil {
			t.Fatal(err)
		}
		if got, want := rec.Body.String(), head+c.want+"\n</D:multistatus>\n"; got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, want)
		}
		parseMultistatus(t, rec.Body.String())
	}
}

func TestMultistatusStatus(t *testing.T) {
	rec := httptest.NewRecorder()
	m := newMultistatus(rec)
	m.status("/a b", http.StatusLocked, condNoConflictingLock)
	m.status("/c", http.StatusFailedDependency, "")
	if err := m.end(); err != nil || rec.Code != http.StatusMultiStatus || rec.Header().Get("Content-Type") != xmlContentType {
		t.Errorf("got %d, %v, %v", rec.Code, rec.Header(), err)
	}
	ms := parseMultistatus(t, rec.Body.String())
	if len(ms.Response) != 2 || ms.Response[0].Href != "/a%20b" || ms.Response[0].Status != "HTTP/1.1 423 Locked" {
		t.Errorf("got %+v", ms)
	}
}

// Nothing is held back beyond a bound, and nothing is sent before it.
func TestMultistatusStreams(t *testing.T) {
	rec := httptest.NewRecorder()
	m := newMultistatus(rec)
	e := &metadata.Entry{Name: "x"}
	q := newPropQuery(propfindBody{}, false)
	for i := range 10_000 {
		m.entry([]byte("/x"), &subject{Entry: e}, q)
		if len(m.b) > multistatusFlushBytes || cap(m.b) > 2*multistatusFlushBytes {
			t.Fatalf("entry %d: %d bytes are held back in %d", i, len(m.b), cap(m.b))
		}
	}
	if err := m.end(); err != nil || rec.Header().Get("Content-Length") != "" {
		t.Errorf("got %v and the length %q of what was not known", err, rec.Header().Get("Content-Length"))
	}
	if ms := parseMultistatus(t, rec.Body.String()); len(ms.Response) != 10_000 {
		t.Errorf("got %d responses, want 10000", len(ms.Response))
	}
}

func BenchmarkMultistatus(b *testing.B) {
	file, _ := goldenEntries(time.Unix(1, 0))
	file.Props, file.Locks = nil, nil
	for name, body := range map[string]propfindBody{
		"allprop": {},
		"few":     {kind: findProp, names: []xml.Name{davName("resourcetype"), davName("getetag"), davName("getcontentlength"), davName("getlastmodified")}},
	} {
		b.Run(name, func(b *testing.B) {
			w := &countWriter{header: http.Header{}}
			m, q := newMultistatus(w), newPropQuery(body, false)
			s := subject{Entry: file}
			for b.Loop() {
				m.entry([]byte("/e"), &s, q)
			}
			b.ReportMetric(float64(w.bytes)/float64(b.N), "bytes/entry")
		})
	}
}

// FuzzMultistatus: whatever an entry is called and holds, the document can be
// read, and says what the entry is.
func FuzzMultistatus(f *testing.F) {
	f.Add("a.txt", "urn:x", "p", "v", "en", "ann")
	f.Add("]]><&\"'", "]]>\"&'", "local", "<b/>", "\"'\r\n\t", "a<b")
	f.Add("\xff\x00\x1b\ufffe\u202e", "DAV:", "getetag", "&amp;", "", "\xc3")
	f.Add("x", "http://www.w3.org/XML/1998/namespace", "lang", "", "", "")
	f.Fuzz(func(t *testing.T, name, space, local, text, lang, owner string) {
		if _, err := innerOf(`<r xmlns:p="x"><p:`+local+`/></r>`, 1<<16); err != nil || strings.ContainsAny(local, " /\t\r\n=\"'") {
			return // PROPPATCH takes no such name
		}
		if space == "http://www.w3.org/2000/xmlns/" || len(space) > xmlSpaceBytesMax {
			return
		}
		e := &metadata.Entry{
			Name: name, Owner: owner, Props: []metadata.Property{{
				Space: space, Local: local, Lang: lang, Value: appendText(nil, text),
			}},
			Locks: []metadata.Lock{{Token: text, Root: metadata.Path("/" + name), Owner: string(appendText(nil, owner))}},
		}
		for _, fb := range []propfindBody{
			{kind: findAllprop, names: []xml.Name{davName("owner"), {Space: space, Local: local}}},
			{kind: findPropname},
			{kind: findProp, names: []xml.Name{davName("displayname"), {Space: space, Local: local}, {Space: space, Local: local + "x"}}},
		} {
			rec := httptest.NewRecorder()
			m := newMultistatus(rec)
			m.entry(appendHref(nil, metadata.Path("/"+name), false), &subject{Entry: e, user: metadata.User{Name: owner}}, newPropQuery(fb, false))
			m.open([]byte("/x"))
			m.patched([]patchResult{{name: xml.Name{Space: space, Local: local}, status: 409, text: text}})
			m.close()
			if err := m.end(); err != nil {
				t.Fatal(err)
			}
			ms := parseMultistatus(t, rec.Body.String())
			if len(ms.Response) != 2 {
				t.Fatalf("got %d responses, want 2: %s", len(ms.Response), rec.Body)
			}
			for _, ps := range ms.Response[0].Propstat {
				for _, p := range ps.Prop.Any {
					if p.XMLName == davName("displayname") && utf8.ValidString(name) && isXMLText(name) &&
						fb.kind != findPropname && p.Text != name {
						t.Fatalf("displayname: got %q, want %q", p.Text, name)
					}
				}
			}
		}
		if err := wellFormed(string(appendErrorBody(nil, condLockTokenSubmitted, []metadata.Path{metadata.Path("/" + name)}, text))); err != nil {
			t.Fatal(err)
		}
	})
}

func isXMLText(s string) bool {
	for _, r := range s {
		if !isXMLChar(r) {
			return false
		}
	}
	return true
}
