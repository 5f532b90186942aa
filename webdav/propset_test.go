package webdav

import (
	"encoding/xml"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

func TestParseTime(t *testing.T) {
	want := time.Date(1994, 11, 15, 12, 45, 26, 0, time.UTC)
	for _, c := range []struct {
		in   string
		want time.Time
	}{
		{"Tue, 15 Nov 1994 12:45:26 GMT", want},
		{" Tue, 15 Nov 1994 12:45:26 GMT\n", want},
		{"Tuesday, 15-Nov-94 12:45:26 GMT", want},
		{"1994-11-15T12:45:26Z", want},
		{"1994-11-15T13:45:26+01:00", want},
		{"1994-11-15T12:45:26.5Z", want.Add(time.Second / 2)},
		{"784903526", want},
		{"784903526.5", want.Add(time.Second / 2)},
		{"0", time.Unix(0, 0).UTC()},
		{"-1", time.Unix(-1, 0).UTC()},
		{in: ""}, {in: "someday"}, {in: "1e300"}, {in: "NaN"}, {in: "Inf"}, {in: "99999999999"},
		{in: "9999-12-31T23:59:59Z"}, {in: "0001-01-01T00:00:00Z"},
	} {
		got, err := parseTime(c.in)
		if !got.Equal(c.want) || (err != nil) != c.want.IsZero() {
			t.Errorf("%q: got %v, %v; want %v", c.in, got, err, c.want)
		}
		if err != nil && metadata.KindOf(err) != metadata.KindConflict {
			t.Errorf("%q: %v is of kind %v", c.in, err, metadata.KindOf(err))
		}
	}
}

func TestPlan(t *testing.T) {
	at := func(sec int64) *time.Time {
		t := time.Unix(sec, 0).UTC()
		return &t
	}
	prop := func(local, value string) metadata.Property {
		return metadata.Property{Space: "urn:x", Local: local, Value: []byte(value)}
	}
	result := func(n xml.Name, status int) patchResult { return patchResult{name: n, status: status} }
	x := func(local string) xml.Name { return xml.Name{Space: "urn:x", Local: local} }
	large := strings.Repeat("x", metadata.PropValueBytesMax+1)
	for _, c := range []struct {
		name, in string
		change   metadata.AttrChange
		results  []patchResult
		ok       bool
	}{
		// RFC 4918 §9.2: "Servers MUST process PROPPATCH instructions in document
		// order". http://www.webdav.org/specs/rfc4918.html#METHOD_PROPPATCH
		{name: "set, then remove", in: `<set><prop><x:a>1</x:a></prop></set><remove><prop><x:a/></prop></remove>`,
			change: metadata.AttrChange{DelProps: []metadata.Property{{Space: "urn:x", Local: "a"}}}, results: []patchResult{result(x("a"), 200)}, ok: true},
		{name: "remove, then set twice", in: `<remove><prop><x:a/></prop></remove><set><prop><x:a>1</x:a><x:b/></prop></set><set><prop><x:a>2</x:a></prop></set>`,
			change:  metadata.AttrChange{SetProps: []metadata.Property{prop("a", "2"), prop("b", "")}},
			results: []patchResult{result(x("a"), 200), result(x("b"), 200)}, ok: true},
		{name: "times by all names", in: `<set><prop><getlastmodified>1</getlastmodified><lastmodified>2</lastmodified><creationdate>3</creationdate></prop></set>`,
			change:  metadata.AttrChange{Modified: at(2), Created: at(3)},
			results: []patchResult{result(davName("getlastmodified"), 200), result(davName("lastmodified"), 200), result(davName("creationdate"), 200)}, ok: true},
		{name: "Windows", in: `<set><prop><w:Win32CreationTime>1</w:Win32CreationTime><w:Win32LastModifiedTime>2</w:Win32LastModifiedTime></prop></set>`,
			change:  metadata.AttrChange{Modified: at(2), Created: at(1)},
			results: []patchResult{result(windowsName("Win32CreationTime"), 200), result(windowsName("Win32LastModifiedTime"), 200)}, ok: true},
		{name: "protected", in: `<set><prop><getetag>x</getetag></prop></set><remove><prop><resourcetype/></prop></remove>`,
			results: []patchResult{{name: davName("getetag"), status: 403, cond: condProtectedProperty}, {name: davName("resourcetype"), status: 403, cond: condProtectedProperty}}},
		{name: "no time", in: `<set><prop><creationdate>x</creationdate></prop></set>`,
			change:  metadata.AttrChange{Created: &time.Time{}},
			results: []patchResult{{name: davName("creationdate"), status: 409, text: `"x" is no time that can be kept`}}},
		{name: "markup for a time", in: `<set><prop><creationdate><x:y/></creationdate></prop></set>`,
			results: []patchResult{{name: davName("creationdate"), status: 409, text: "the value must be text"}}},
		{name: "too large", in: `<set><prop><x:a>` + large + `</x:a></prop></set>`,
			change:  metadata.AttrChange{SetProps: []metadata.Property{{Space: "urn:x", Local: "a"}}},
			results: []patchResult{{name: x("a"), status: 507, text: "an XML value may have 65536 bytes at most"}}},
		{name: "bad, then good", in: `<set><prop><creationdate>x</creationdate><creationdate>1</creationdate></prop></set>`,
			change:  metadata.AttrChange{Created: at(1)},
			results: []patchResult{{name: davName("creationdate"), status: 409, text: `"x" is no time that can be kept`}}},
	} {
		ops, err := parseProppatch([]byte(`<propertyupdate xmlns="DAV:" xmlns:x="urn:x" xmlns:w="urn:schemas-microsoft-com:">` + c.in + `</propertyupdate>`))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		change, results, ok := plan(ops)
		for i := range change.SetProps {
			if change.SetProps[i].Value == nil && len(c.change.SetProps) > i && c.change.SetProps[i].Value != nil {
				change.SetProps[i].Value = []byte{}
			}
		}
		if ok != c.ok || !reflect.DeepEqual(results, c.results) || ok && !reflect.DeepEqual(change, c.change) {
			t.Errorf("%s: got %+v, %+v, %v; want %+v, %+v, %v", c.name, change, results, ok, c.change, c.results, c.ok)
		}
	}
}

// The bound of properties on one entry is the namespace's to find; its answer
// is about the properties.
func TestProppatchTooMany(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	patch := func(from, to int) *answer {
		var b strings.Builder
		for i := from; i < to; i++ {
			b.WriteString("<p" + strings.Repeat("x", i%200) + strings.Repeat("y", i/200) + " xmlns='urn:x'/>")
		}
		return d.want(207, "PROPPATCH", "/f", `<propertyupdate xmlns="DAV:"><set><prop>`+b.String()+`</prop></set></propertyupdate>`)
	}
	if a := patch(0, 200); !strings.Contains(a.body, "200 OK") {
		t.Errorf("200 properties: got %s", a.body)
	}
	if a := patch(200, metadata.PropsPerEntryMax+1); !strings.Contains(a.body, "507 Insufficient Storage") || strings.Contains(a.body, "200 OK") {
		t.Errorf("more than fit: got %s", a.body)
	}
}
