package webdav

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kendfs/metadata"
)

func manyProps(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<p%d/>", i)
	}
	return b.String()
}

func propfindRows() []struct {
	name, in string
	want     propfindBody
	status   int
} {
	name := func(space, local string) xml.Name { return xml.Name{Space: space, Local: local} }
	return []struct {
		name, in string
		want     propfindBody
		status   int
	}{
		// RFC 4918 §9.1: "A client may choose not to submit a request body. An
		// empty PROPFIND request body MUST be treated as if it were an 'allprop'
		// request." http://www.webdav.org/specs/rfc4918.html#METHOD_PROPFIND
		{name: "empty", in: "", want: propfindBody{kind: findAllprop}},
		{name: "prop", in: `<D:propfind xmlns:D="DAV:"><D:prop xmlns:R="http://ns.example.com/boxschema/"><R:bigbox/>` +
			`<D:getetag/></D:prop></D:propfind>`,
			want: propfindBody{kind: findProp, names: []xml.Name{name("http://ns.example.com/boxschema/", "bigbox"), davName("getetag")}}},
		{name: "propname", in: `<propfind xmlns="DAV:"><propname/></propfind>`, want: propfindBody{kind: findPropname}},
		{name: "allprop", in: `<propfind xmlns="DAV:"><allprop/></propfind>`, want: propfindBody{kind: findAllprop}},
		{name: "include", in: `<propfind xmlns="DAV:"><allprop/><include><supported-live-property-set/><owner/></include></propfind>`,
			want: propfindBody{kind: findAllprop, names: []xml.Name{davName("supported-live-property-set"), davName("owner")}}},
		{name: "include first", in: `<propfind xmlns="DAV:"><include><owner/></include><allprop/></propfind>`,
			want: propfindBody{kind: findAllprop, names: []xml.Name{davName("owner")}}},
		{name: "no namespace", in: `<D:propfind xmlns:D="DAV:"><D:prop><foo/></D:prop></D:propfind>`,
			want: propfindBody{kind: findProp, names: []xml.Name{name("", "foo")}}},
		{name: "the same twice", in: `<propfind xmlns="DAV:"><prop><owner/><owner/></prop></propfind>`,
			want: propfindBody{kind: findProp, names: []xml.Name{davName("owner")}}},
		{name: "NetDrive", in: `<propfind xmlns="DAV:"><prop/></propfind>`, want: propfindBody{kind: findProp}},
		{name: "content in a name", in: `<propfind xmlns="DAV:"><prop>x<owner> y<z/></owner> </prop></propfind>`,
			want: propfindBody{kind: findProp, names: []xml.Name{davName("owner")}}},
		// RFC 4918 §17: "All the XML elements ... unknown ... MUST be ignored".
		// http://www.webdav.org/specs/rfc4918.html#xml-extensibility
		{name: "extended", in: `<propfind xmlns="DAV:"><foobar/><allprop/></propfind>`, want: propfindBody{kind: findAllprop}},
		{name: "extended deeply", in: `<D:propfind xmlns:D="DAV:" xmlns:E="urn:e"><E:x><D:prop/></E:x><D:propname/><E:leave-out>*</E:leave-out></D:propfind>`,
			want: propfindBody{kind: findPropname}},
		{name: "other attributes", in: `<propfind xmlns="DAV:" a="b"><allprop c="d"/></propfind>`, want: propfindBody{kind: findAllprop}},
		{name: "most", in: `<propfind xmlns="DAV:"><prop>` + manyProps(3) + `</prop></propfind>`,
			want: propfindBody{kind: findProp, names: []xml.Name{davName("p0"), davName("p1"), davName("p2")}}},

		{name: "litmus propfind_invalid", in: `<foo>`, status: 400},
		{name: "litmus propfind_invalid2", in: `<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`, status: 400},
		// RFC 4918 §17.1: the server sees "<D:propfind xmlns:D="DAV:"
		// xmlns:E="http://www.example.com/standards/props/"/>" and answers 400.
		// http://www.webdav.org/specs/rfc4918.html#rfc.section.17
		{name: "only unknown", in: `<D:propfind xmlns:D="DAV:" xmlns:E="urn:e"><E:expired-props/></D:propfind>`, status: 400},
		{name: "nothing", in: `<propfind xmlns="DAV:"/>`, status: 400},
		{name: "two kinds", in: `<propfind xmlns="DAV:"><allprop/><propname/></propfind>`, status: 400},
		{name: "two kinds more", in: `<propfind xmlns="DAV:"><prop><a/></prop><allprop/></propfind>`, status: 400},
		{name: "prop twice", in: `<propfind xmlns="DAV:"><prop><a/></prop><prop><b/></prop></propfind>`, status: 400},
		{name: "include alone", in: `<propfind xmlns="DAV:"><include><a/></include></propfind>`, status: 400},
		{name: "include with prop", in: `<propfind xmlns="DAV:"><prop><a/></prop><include><b/></include></propfind>`, status: 400},
		{name: "another root", in: `<propertyupdate xmlns="DAV:"/>`, status: 400},
		{name: "another namespace", in: `<propfind xmlns="DAV"><allprop/></propfind>`, status: 400},
		{name: "no namespace at the root", in: `<propfind><allprop/></propfind>`, status: 400},
		{name: "rubbish after", in: `<propfind xmlns="DAV:"><allprop/></propfind><a/>`, status: 400},
		{name: "too many", in: `<propfind xmlns="DAV:"><prop>` + manyProps(xmlPropsMax+1) + `</prop></propfind>`, status: 413},
	}
}

func TestParsePropfind(t *testing.T) {
	for _, c := range propfindRows() {
		got, err := parsePropfind([]byte(c.in))
		if c.status != 0 {
			if err == nil || statusOf("PROPFIND", err) != c.status {
				t.Errorf("%s: got %v, %v; want status %d", c.name, got, err, c.status)
			}
		} else if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	// Every way to be wrong is also wrong inside of a proper body.
	for name, doc := range badDocuments() {
		in := `<propfind xmlns="DAV:"><allprop/>` + doc + `</propfind>`
		switch name {
		case "two roots", "text before", "text after", "only a comment", "no root":
			continue // fine there
		}
		if _, err := parsePropfind([]byte(in)); err == nil {
			t.Errorf("%s, inside of propfind: got no error", name)
		}
	}
}

const proppatchSeed = `<?xml version="1.0" encoding="utf-8" ?>
<D:propertyupdate xmlns:D="DAV:" xmlns:Z="http://ns.example.com/standards/z39.50/">
  <D:set xml:lang="en">
    <D:prop>
      <Z:Authors>
        <Z:Author>Jim Whitehead</Z:Author>
      </Z:Authors>
    </D:prop>
  </D:set>
  <D:remove>
    <D:prop><Z:Copyright-Owner/></D:prop>
  </D:remove>
</D:propertyupdate>`

func TestParseProppatch(t *testing.T) {
	const z = "http://ns.example.com/standards/z39.50/"
	set := func(space, local, value string) propOp {
		return propOp{prop: metadata.Property{Space: space, Local: local, Value: []byte(value)}}
	}
	remove := func(space, local string) propOp {
		return propOp{remove: true, prop: metadata.Property{Space: space, Local: local}}
	}
	authors := set(z, "Authors", "\n        <Z:Author xmlns:Z=\""+z+"\">Jim Whitehead</Z:Author>\n      ")
	authors.prop.Lang = "en"
	for _, c := range []struct {
		name, in string
		want     []propOp
		status   int
	}{
		{name: "RFC 4918 §9.2.2, with a language", in: proppatchSeed, want: []propOp{authors, remove(z, "Copyright-Owner")}},
		{name: "order", in: `<propertyupdate xmlns="DAV:"><remove><prop><a/></prop></remove><set><prop><a>1</a></prop></set>` +
			`<set><prop><a>2</a><b/></prop></set></propertyupdate>`,
			want: []propOp{remove("DAV:", "a"), set("DAV:", "a", "1"), set("DAV:", "a", "2"), set("DAV:", "b", "")}},
		{name: "litmus propnullns", in: `<propertyupdate xmlns="DAV:"><set><prop><nonamespace xmlns="">randomvalue</nonamespace></prop></set></propertyupdate>`,
			want: []propOp{set("", "nonamespace", "randomvalue")}},
		{name: "litmus prophighunicode", in: `<propertyupdate xmlns='DAV:'><set><prop><high-unicode xmlns='http://example.com/neon/litmus/'>&#65536;</high-unicode></prop></set></propertyupdate>`,
			want: []propOp{set("http://example.com/neon/litmus/", "high-unicode", "\U00010000")}},
		{name: "litmus propvalnspace", in: `<propertyupdate xmlns='DAV:'><set><prop><t:valnspace xmlns:t='http://example.com/neon/litmus/'><foo xmlns='http://bar'/></t:valnspace></prop></set></propertyupdate>`,
			want: []propOp{set("http://example.com/neon/litmus/", "valnspace", `<foo xmlns="http://bar"/>`)}},
		{name: "a value to remove", in: `<propertyupdate xmlns="DAV:"><remove><prop><a>x<b/></a></prop></remove></propertyupdate>`,
			want: []propOp{remove("DAV:", "a")}},
		{name: "unknown elements", in: `<propertyupdate xmlns="DAV:"><x/><set><y/><prop><a/></prop></set></propertyupdate>`,
			want: []propOp{set("DAV:", "a", "")}},
		{name: "nothing", in: `<propertyupdate xmlns="DAV:"/>`, status: 400},
		{name: "nothing to set", in: `<propertyupdate xmlns="DAV:"><set><prop/></set></propertyupdate>`, status: 400},
		{name: "another root", in: `<propfind xmlns="DAV:"><allprop/></propfind>`, status: 400},
		{name: "too many", in: `<propertyupdate xmlns="DAV:"><set><prop>` + manyProps(xmlPropsMax+1) + `</prop></set></propertyupdate>`, status: 413},
	} {
		got, err := parseProppatch([]byte(c.in))
		if c.status != 0 {
			if err == nil || statusOf("PROPPATCH", err) != c.status {
				t.Errorf("%s: got %v, %v; want status %d", c.name, got, err, c.status)
			}
			continue
		}
		for i := range got {
			if len(got[i].prop.Value) == 0 { // nil or not does not matter
				got[i].prop.Value = nil
			}
		}
		for i := range c.want {
			if len(c.want[i].prop.Value) == 0 {
				c.want[i].prop.Value = nil
			}
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	big := `<propertyupdate xmlns="DAV:"><set><prop><a><b>` + strings.Repeat("x", metadata.PropValueBytesMax+1) +
		`</b><c/></a><d>1</d></prop></set></propertyupdate>`
	got, err := parseProppatch([]byte(big))
	if err != nil || len(got) != 2 || metadata.KindOf(got[0].err) != metadata.KindTooLarge || got[1].err != nil || string(got[1].prop.Value) != "1" {
		t.Errorf("a large value before a small one: got %.200v, %v; want an error of the first alone", got, err)
	}
}

const lockSeed = `<?xml version="1.0" encoding="utf-8" ?>
<D:lockinfo xmlns:D='DAV:'>
  <D:lockscope><D:exclusive/></D:lockscope>
  <D:locktype><D:write/></D:locktype>
  <D:owner><D:href>http://example.org/~ejw/contact.html</D:href></D:owner>
</D:lockinfo>`

func TestParseLockInfo(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     lockInfo
		status   int
	}{
		{name: "RFC 4918 §9.10.7", in: lockSeed,
			want: lockInfo{owner: `<D:href xmlns:D="DAV:">http://example.org/~ejw/contact.html</D:href>`}},
		{name: "shared", in: `<lockinfo xmlns="DAV:"><locktype><write/></locktype><lockscope><shared/></lockscope></lockinfo>`,
			want: lockInfo{shared: true}},
		{name: "owner in text", in: `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>ann &amp; bob</owner></lockinfo>`,
			want: lockInfo{owner: `ann &amp; bob`}},
		{name: "no scope", in: `<lockinfo xmlns="DAV:"><locktype><write/></locktype></lockinfo>`, status: 400},
		{name: "no type", in: `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope></lockinfo>`, status: 400},
		{name: "both scopes", in: `<lockinfo xmlns="DAV:"><lockscope><exclusive/><shared/></lockscope><locktype><write/></locktype></lockinfo>`, status: 422},
		{name: "another type", in: `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><read/></locktype></lockinfo>`, status: 422},
		{name: "another root", in: `<propfind xmlns="DAV:"/>`, status: 400},
		{name: "a long owner", in: `<lockinfo xmlns="DAV:"><owner>` + strings.Repeat("x", metadata.LockOwnerBytesMax+1) + `</owner></lockinfo>`, status: 413},
	} {
		got, err := parseLockInfo([]byte(c.in))
		if c.status != 0 {
			if err == nil || statusOf("LOCK", err) != c.status {
				t.Errorf("%s: got %v, %v; want status %d", c.name, got, err, c.status)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}
