package webdav

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// innerOf returns what inner makes of the content of doc's root.
func innerOf(doc string, most int) (string, error) {
	x := newXMLReader([]byte(doc))
	if _, err := x.next(); err != nil {
		return "", err
	}
	b, err := x.inner(most)
	if err == nil {
		err = x.finish()
	}
	return string(b), err
}

func TestInner(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", `<a>x</a>`, `x`},
		{"nothing", `<a/>`, ``},
		{"entities", `<a>&lt;&amp;&gt;&#65;&quot;</a>`, `&lt;&amp;&gt;A"`},
		{"CDATA", `<a><![CDATA[<b>&]]></a>`, `&lt;b&gt;&amp;`},
		{"comments and instructions", `<a>x<!-- y --><?z?>w</a>`, `xw`},
		{"blanks", "<a> \n\t</a>", " \n\t"},
		{"carriage return", "<a>&#xD;</a>", "&#xD;"},
		{"beyond the first plane", `<a>&#65536;</a>`, "\U00010000"},
		{"elements", `<a><b><c/>t</b></a>`, `<b><c/>t</b>`},
		{"attributes", `<a><b c="1" d='"&lt;&#10;'/></a>`, `<b c="1" d="&quot;&lt;&#xA;"/>`},

		// RFC 4918 §4.3: "For the property value: [namespace name], [local name],
		// ... SHOULD preserve ... [prefix]".
		// http://www.webdav.org/specs/rfc4918.html#property_values
		{"prefix from outside", `<a xmlns:p="urn:p"><p:b/></a>`, `<p:b xmlns:p="urn:p"/>`},
		{"default from outside", `<a xmlns="urn:d"><b><c/></b></a>`, `<b xmlns="urn:d"><c/></b>`},
		{"declared once", `<a xmlns:p="urn:p"><p:b><p:c p:d="1"/></p:b></a>`, `<p:b xmlns:p="urn:p"><p:c p:d="1"/></p:b>`},
		{"siblings", `<a xmlns:p="urn:p"><p:b/><p:c/></a>`, `<p:b xmlns:p="urn:p"/><p:c xmlns:p="urn:p"/>`},
		{"only where it is used", `<a xmlns:p="urn:p"><b><p:c/></b></a>`, `<b><p:c xmlns:p="urn:p"/></b>`},
		{"declared inside", `<a><p:b xmlns:p="urn:p"/></a>`, `<p:b xmlns:p="urn:p"/>`},
		{"declared inside, not used", `<a><b xmlns:p="urn:p"/></a>`, `<b/>`},
		{"redeclared", `<a xmlns:p="urn:1"><p:b><p:c xmlns:p="urn:2"/><p:d/></p:b></a>`,
			`<p:b xmlns:p="urn:1"><p:c xmlns:p="urn:2"/><p:d/></p:b>`},
		{"default taken back", `<a xmlns="urn:d"><b><c xmlns=""><d/></c></b></a>`, `<b xmlns="urn:d"><c xmlns=""><d/></c></b>`},
		{"a prefix on an attribute", `<a xmlns:p="urn:p"><b p:c="1"/></a>`, `<b xmlns:p="urn:p" p:c="1"/>`},
		{"no default for attributes", `<a xmlns="urn:d"><b c="1"/></a>`, `<b xmlns="urn:d" c="1"/>`},
		{"a prefix in a value", `<a xmlns:s="urn:s" xmlns:i="urn:i"><b i:type="s:string"/></a>`,
			`<b xmlns:i="urn:i" xmlns:s="urn:s" i:type="s:string"/>`},
		{"xml:lang", `<a><b xml:lang="de">x</b></a>`, `<b xml:lang="de">x</b>`},
		{"a namespace with odd letters", `<a xmlns:p='urn:"&lt;&amp;'><p:b/></a>`, `<p:b xmlns:p="urn:&quot;&lt;&amp;"/>`},
		{"D is not special", `<a xmlns:D="urn:other"><D:b/></a>`, `<D:b xmlns:D="urn:other"/>`},
	} {
		got, err := innerOf(c.in, 1<<16)
		if err != nil || got != c.want {
			t.Errorf("%s: %s: got %q, %v; want %q", c.name, c.in, got, err, c.want)
			continue
		}
		// It means the same inside of any other document.
		again, err := innerOf(`<D:r xmlns:D="DAV:" xmlns:x="urn:x">`+got+`</D:r>`, 1<<17)
		if err != nil || again != got {
			t.Errorf("%s: put elsewhere: got %q, %v; want %q", c.name, again, err, got)
		}
	}
	if _, err := innerOf("<a>"+strings.Repeat("x", 101)+"</a>", 100); metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("101 bytes into 100: got %v, want %v", err, metadata.KindTooLarge)
	}
}

// badDocuments are refused by whatever reads them.
func badDocuments() map[string]string {
	attrs, spaces := "", ""
	for i := range xmlAttrsMax + 1 {
		attrs += fmt.Sprintf(" a%d='1'", i)
	}
	for i := range xmlBindingsMax + 1 {
		spaces += fmt.Sprintf("<e xmlns:n%d='urn:x'>", i)
	}
	return map[string]string{
		"not well-formed":          `<foo>`,
		"crossed tags":             `<a><b></a></b>`,
		"crossed prefixes":         `<p:a xmlns:p="urn:x" xmlns:q="urn:x"></q:a>`,
		"two roots":                `<a/><a/>`,
		"text before":              `x<a/>`,
		"text after":               `<a/>x`,
		"end only":                 `</a>`,
		"no root":                  `<?xml version="1.0"?>`,
		"only a comment":           `<!-- x -->`,
		"XML 1.1":                  `<?xml version="1.1"?><a/>`,
		"a control character":      "<a>\x01</a>",
		"an encoded NUL":           "<a>&#0;</a>",
		"an unknown entity":        `<a>&nbsp;</a>`,
		"a DTD":                    `<!DOCTYPE a><a/>`,
		"an external entity":       `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`,
		"an external DTD":          `<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>`,
		"an undeclared prefix":     `<p:a/>`,
		"an undeclared attribute":  `<a p:b="1"/>`,
		"an empty namespace":       `<a xmlns:p=""/>`,
		"xmlns as a prefix":        `<a xmlns:xmlns="urn:x"/>`,
		"xml bound elsewhere":      `<a xmlns:xml="urn:x"/>`,
		"xml's namespace stolen":   `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`,
		"a prefix twice":           `<a xmlns:p="urn:1" xmlns:p="urn:2"/>`,
		"an attribute twice":       `<a b="1" b="2"/>`,
		"the same attribute":       `<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>`,
		"two colons":               `<p:a:b xmlns:p="urn:x"/>`,
		"a colon first":            `<:a/>`,
		"a digit after the prefix": `<p:1 xmlns:p="urn:x"/>`,
		"a long name":              `<` + strings.Repeat("n", xmlNameBytesMax+1) + `/>`,
		"a long namespace":         `<a xmlns="` + strings.Repeat("n", xmlSpaceBytesMax+1) + `"/>`,
		"many attributes":          `<a` + attrs + `/>`,
		"deep nesting":             strings.Repeat("<a>", xmlDepthMax+1) + strings.Repeat("</a>", xmlDepthMax+1),
		"many namespaces":          spaces,
	}
}

func TestBadDocuments(t *testing.T) {
	for name, doc := range badDocuments() {
		x := newXMLReader([]byte(doc))
		var err error
		for err == nil {
			_, err = x.next()
		}
		if err == io.EOF || statusOf("PROPFIND", err) != http.StatusBadRequest {
			t.Errorf("%s: %.80s: got %v, want it refused with 400", name, doc, err)
		}
	}
	if doc := strings.Repeat("<a>", xmlDepthMax) + strings.Repeat("</a>", xmlDepthMax); true {
		if _, err := innerOf(doc, 1<<20); err != nil {
			t.Errorf("%d levels: %v; want them taken", xmlDepthMax, err)
		}
	}
}

// hostileDocuments are small to send and dear to a reader that falls for them.
func hostileDocuments() map[string]string {
	laughs := `<!DOCTYPE l [<!ENTITY l0 "lol">`
	for i := 1; i < 20; i++ {
		laughs += fmt.Sprintf(`<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	const body = xmlBodyBytesMax - 100
	return map[string]string{
		"billion laughs":     laughs + `]><l>&l19;</l>`,
		"a million deep":     strings.Repeat("<a>", 1_000_000),
		"as deep as fits":    strings.Repeat("<a>", body/3),
		"one huge name":      "<" + strings.Repeat("a", body),
		"one huge attribute": `<a b="` + strings.Repeat("x", body) + `"/>`,
		"one huge comment":   "<!--" + strings.Repeat("x", body) + "--><a/>",
		"attributes":         "<a " + strings.Repeat("b='' ", body/5) + "/>",
		"hidden attributes":  "<?x it's?><!-- ' --><a " + strings.Repeat("b='' ", body/5-10) + "/>",
		"empty elements":     `<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a/>", body/4-20) + "</prop></propfind>",
		"namespaces": `<propertyupdate xmlns="DAV:"><set><prop>` +
			strings.Repeat("<a xmlns:p='urn:x'/>", body/20-10) + "</prop></set></propertyupdate>",
	}
}

// TestHostileBodies sends them through the whole way and bounds time and memory.
func TestHostileBodies(t *testing.T) {
	for name, doc := range hostileDocuments() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		r := httptest.NewRequest("PROPFIND", "/", strings.NewReader(doc))
		r.ContentLength = -1
		body, err := readXML(r)
		if err == nil {
			_, err = parsePropfind(body)
			if _, err2 := parseProppatch(body); err2 != nil && err == nil {
				err = err2
			}
			_, _ = parseLockInfo(body)
		}
		runtime.ReadMemStats(&after)
		if s := statusOf("PROPFIND", err); err == nil || s != 400 && s != 413 {
			t.Errorf("%s: got %v, want it refused with 400 or 413", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 32<<20 { // in all, nearly none of it at once
			t.Errorf("%s: %d MiB were allocated, want 32 at most", name, spent>>20)
		}
		if d := time.Since(start); d > 10*time.Second { // a busy machine, and the race detector
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func TestReadXML(t *testing.T) {
	doc := `<?xml version="1.0" encoding="utf-8"?><a/>`
	var utf16 []byte
	for _, c := range []byte("\ufeff" + doc)[3:] {
		utf16 = append(utf16, 0, c)
	}
	for _, c := range []struct {
		name, body, encoding string
		want                 string
		status               int
	}{
		{name: "plain", body: doc, want: doc},
		{name: "empty"},
		{name: "blank", body: " \r\n\t"},
		{name: "byte order mark", body: "\xef\xbb\xbf" + doc, want: doc},
		{name: "as long as may be", body: "<a>" + strings.Repeat("x", xmlBodyBytesMax-7) + "</a>",
			want: "<a>" + strings.Repeat("x", xmlBodyBytesMax-7) + "</a>"},
		{name: "one byte more", body: "<a>" + strings.Repeat("x", xmlBodyBytesMax-6) + "</a>", status: 413},
		{name: "UTF-16", body: "\xfe\xff" + string(utf16), status: 415},
		{name: "Latin-1", body: "<a>\xe9</a>", status: 415},
		{name: "gzip", body: doc, encoding: "gzip", status: 415},
		{name: "identity", body: doc, encoding: "identity", want: doc},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequest("PROPFIND", "/", strings.NewReader(c.body))
			if chunked {
				r.ContentLength = -1
			}
			r.Header.Set("Content-Encoding", c.encoding)
			got, err := readXML(r)
			if c.status != 0 {
				if err == nil || statusOf("PROPFIND", err) != c.status {
					t.Errorf("%s (chunked %v): got %v, want status %d", c.name, chunked, err, c.status)
				}
			} else if err != nil || string(got) != c.want {
				t.Errorf("%s (chunked %v): got %d bytes, %v; want %d", c.name, chunked, len(got), err, len(c.want))
			}
		}
	}
	for enc, status := range map[string]int{"iso-8859-1": 415, "UTF-16": 415, "utf-7": 415, "US-ASCII": 0, "utf-8": 0, "UTF-8": 0} {
		x := newXMLReader([]byte(`<?xml version="1.0" encoding="` + enc + `"?><a/>`))
		if _, err := x.next(); (err != nil) != (status != 0) || err != nil && statusOf("LOCK", err) != status {
			t.Errorf("encoding %s: got %v, want status %d", enc, err, status)
		}
	}
}

// flat lists the elements and texts of XML with expanded names, as
// encoding/xml sees them, so that two documents can be compared by meaning.
func flat(t *testing.T, doc string) []string {
	t.Helper()
	var out []string
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			out = append(out, "<"+tok.Name.Space+" "+tok.Name.Local)
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					out = append(out, "@"+a.Name.Space+" "+a.Name.Local+"="+a.Value)
				}
			}
		case xml.EndElement:
			out = append(out, ">")
		case xml.CharData:
			if n := len(out); n > 0 && strings.HasPrefix(out[n-1], "'") {
				out[n-1] += string(tok)
			} else if len(tok) > 0 {
				out = append(out, "'"+string(tok))
			}
		}
	}
}

// FuzzInner: a value that is taken means the same in another document.
func FuzzInner(f *testing.F) {
	for _, s := range []string{
		`x`, `<b/>`, `<p:b xmlns:p="urn:p"><p:c p:d="1">t</p:c></p:b>`, `<p:b q:c="p:v"/>`, `<b xmlns=""><c/></b>`,
		`<![CDATA[x]]>`, `&#13;`, `<xml:b xml:lang="x"/>`, `<b xmlns:q="urn:z"><q:c/></b>`,
	} {
		f.Add(s)
	}
	for _, doc := range badDocuments() {
		if len(doc) < 100 {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		root := `<r xmlns="urn:d" xmlns:p="urn:1" xmlns:q="urn:2">`
		got, err := innerOf(root+value+"</r>", metadata.PropValueBytesMax)
		if err != nil {
			return
		}
		want := flat(t, root+value+"</r>")
		have := flat(t, `<r>`+got+"</r>")
		if !reflect.DeepEqual(have[1:], want[1:]) {
			t.Fatalf("%q became %q:\ngot  %q\nwant %q", value, got, have[1:], want[1:])
		}
		again, err := innerOf(`<D:r xmlns:D="DAV:">`+got+"</D:r>", 2*metadata.PropValueBytesMax)
		if err != nil || again != got {
			t.Fatalf("%q became %q, and that %q, %v", value, got, again, err)
		}
	})
}

// FuzzBodies: no body is a panic, and an error of any is the client's.
func FuzzBodies(f *testing.F) {
	for _, doc := range badDocuments() {
		f.Add([]byte(doc))
	}
	for _, doc := range []string{propfindRows()[1].in, proppatchSeed, lockSeed} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return
		}
		_, err1 := parsePropfind(body)
		ops, err2 := parseProppatch(body)
		li, err3 := parseLockInfo(body)
		for _, err := range []error{err1, err2, err3} {
			if s := statusOf("PROPFIND", err); err != nil && (s < 400 || s > 499) {
				t.Fatalf("%q: %v has status %d", body, err, s)
			}
		}
		if len(ops) > xmlPropsMax || len(li.owner) > metadata.LockOwnerBytesMax {
			t.Fatalf("%q: over the bounds", body)
		}
		for i := range ops {
			flat(t, "<r>"+string(ops[i].prop.Value)+"</r>")
		}
		if err3 == nil {
			flat(t, "<r>"+li.owner+"</r>")
		}
	})
}
