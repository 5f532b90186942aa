package webdav

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

func headerOf(fields ...string) http.Header {
	h := http.Header{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h.Add(name, value)
	}
	return h
}

func TestParseGuard(t *testing.T) {
	date := time.Date(1994, 11, 15, 12, 45, 26, 0, time.UTC)
	tags := func(tags ...string) *metadata.ETagSet { return &metadata.ETagSet{Tags: tags} }
	for _, c := range []struct {
		name   string
		header http.Header
		want   metadata.Guard
		bad    bool
	}{
		{name: "nothing", header: headerOf()},
		{name: "any", header: headerOf("If-Match: *"), want: metadata.Guard{IfMatch: &metadata.ETagSet{Any: true}}},
		{name: "tags", header: headerOf(`If-Match: "a", W/"b" ,,"c,d"`), want: metadata.Guard{IfMatch: tags(`"a"`, `W/"b"`, `"c,d"`)}},
		// RFC 9110 §5.3: "a recipient MAY combine multiple field lines within a
		// field section that have the same field name into one field line".
		// https://www.rfc-editor.org/rfc/rfc9110#section-5.3
		{name: "two lines", header: headerOf(`If-Match: "a"`, `If-Match: "b"`), want: metadata.Guard{IfMatch: tags(`"a"`, `"b"`)}},
		{name: "no quotes", header: headerOf("If-Match: abc-1"), want: metadata.Guard{IfMatch: tags(`"abc-1"`)}},
		{name: "half a quote", header: headerOf(`If-Match: "abc`), bad: true},
		{name: "two bare words", header: headerOf("If-Match: a b"), bad: true},
		{name: "empty", header: headerOf("If-Match: "), bad: true},

		{name: "none", header: headerOf("If-None-Match: *"), want: metadata.Guard{IfNoneMatch: &metadata.ETagSet{Any: true}}},
		// RFC 9110 §13.1.2: "A recipient MUST use the weak comparison function
		// when comparing entity tags for If-None-Match".
		// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
		{name: "none of", header: headerOf(`If-None-Match: W/"a", "b"`), want: metadata.Guard{IfNoneMatch: tags(`"a"`, `"b"`)}},
		{name: "Joplin", header: headerOf("If-None-Match: JoplinIgnore-1700000000")},
		{name: "none, half wrong", header: headerOf(`If-None-Match: "a", b`)},

		{name: "date", header: headerOf("If-Unmodified-Since: Tue, 15 Nov 1994 12:45:26 GMT"), want: metadata.Guard{IfUnmodifiedSince: date}},
		// RFC 9110 §13.1.4: "A recipient MUST ignore the If-Unmodified-Since
		// header field if the received field value is not a valid HTTP-date",
		// and "... if the request contains an If-Match header field".
		// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.4
		{name: "no date", header: headerOf("If-Unmodified-Since: yesterday")},
		{name: "date and tag", header: headerOf("If-Unmodified-Since: Tue, 15 Nov 1994 12:45:26 GMT", `If-Match: "a"`),
			want: metadata.Guard{IfMatch: tags(`"a"`)}},

		{name: "If", header: headerOf("If: (<x:1>)"),
			want: metadata.Guard{If: []metadata.IfList{{Conds: []metadata.IfCond{{Token: "x:1"}}}}}},
		{name: "If in two lines", header: headerOf("If: (<x:1>)", "If: (<x:2>)"),
			want: metadata.Guard{If: []metadata.IfList{{Conds: []metadata.IfCond{{Token: "x:1"}}}, {Conds: []metadata.IfCond{{Token: "x:2"}}}}}},
		{name: "If, empty", header: headerOf("If: "), bad: true},
		{name: "If of another place", header: headerOf("If: <urn:x> (<x:1>)"), want: metadata.Guard{
			If: []metadata.IfList{{Conds: []metadata.IfCond{{Token: noLock}}}}, Tokens: []string{"x:1"}}},
		{name: "Lock-Token", header: headerOf("Lock-Token: <x:1>"), want: metadata.Guard{Tokens: []string{"x:1"}}},
		{name: "Lock-Token, bad", header: headerOf("Lock-Token: <>"), bad: true},
	} {
		c.want.User = "ann"
		got, err := parseGuard(c.header, "ann")
		if c.bad {
			if metadata.KindOf(err) != metadata.KindInvalid || err == nil {
				t.Errorf("%s: got %+v, %v; want it refused as invalid", c.name, got, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestParseDepth(t *testing.T) {
	for _, c := range []struct {
		in     []string
		want   depth
		noroot bool
		bad    bool
	}{
		{in: nil, want: depthInfinity},
		{in: []string{"0"}, want: depthZero},
		{in: []string{"1"}, want: depthOne},
		{in: []string{"infinity"}, want: depthInfinity},
		{in: []string{"Infinity"}, want: depthInfinity},
		{in: []string{" 1 "}, want: depthOne},
		{in: []string{"1,noroot"}, want: depthOne, noroot: true},
		{in: []string{"1, noroot"}, want: depthOne, noroot: true},
		{in: []string{"infinity,noroot"}, want: depthInfinity, noroot: true},
		{in: []string{"0,noroot"}, bad: true},
		{in: []string{"0", "1"}, bad: true},
		{in: []string{"2"}, bad: true},
		{in: []string{"-1"}, bad: true},
		{in: []string{"01"}, bad: true},
		{in: []string{"one"}, bad: true},
		{in: []string{","}, bad: true},
		{in: []string{"1,"}, bad: true},
	} {
		got, noroot, err := parseDepth(http.Header{"Depth": c.in}, depthInfinity)
		if c.bad != (err != nil) || got != c.want || noroot != c.noroot {
			t.Errorf("Depth %q: got %v, %v, %v; want %v, %v, error %v", c.in, got, noroot, err, c.want, c.noroot, c.bad)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
	}{
		{"", metadata.LockTimeoutDefault},
		{"Second-600", 600 * time.Second},
		{"Infinite", metadata.LockTimeoutMax},
		// RFC 4918 §10.7: "Clients may include Timeout request headers in their
		// LOCK requests. However, the server is not required to honor or even
		// consider these requests."
		// http://www.webdav.org/specs/rfc4918.html#HEADER_Timeout
		{"Infinite, Second-4100000000", metadata.LockTimeoutMax},
		{"Second-4100000000", metadata.LockTimeoutMax},
		{"Second-99999999999999999999999", metadata.LockTimeoutMax},
		{"Extended-1, Second-30", 30 * time.Second},
		{"second-30", 30 * time.Second},
		{"Second-0", time.Second},
		{"Second-", metadata.LockTimeoutDefault},
		{"Second--5", metadata.LockTimeoutDefault},
		{"Second-1e9", metadata.LockTimeoutDefault},
		{"600", metadata.LockTimeoutDefault},
		{",,,", metadata.LockTimeoutDefault},
	} {
		if got := parseTimeout(headerOf("Timeout: " + c.in)); got != c.want {
			t.Errorf("Timeout %q: got %v, want %v", c.in, got, c.want)
		}
	}
}

func TestParseLockToken(t *testing.T) {
	for _, c := range []struct {
		in, want string
		bad      bool
	}{
		{in: "<urn:uuid:1>", want: "urn:uuid:1"},
		{in: " <urn:uuid:1> ", want: "urn:uuid:1"},
		{in: "opaquelocktoken:1", want: "opaquelocktoken:1"}, // Windows XP
		{in: "<>", bad: true},
		{in: "<", bad: true},
		{in: "", bad: true},
		{in: "<a b>", bad: true},
		{in: "<a><b>", bad: true},
		{in: "<" + strings.Repeat("x", tokenBytesMax+1) + ">", bad: true},
	} {
		got, err := parseLockToken(c.in)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("Lock-Token %.40q: got %q, %v; want %q, error %v", c.in, got, err, c.want, c.bad)
		}
	}
}

func TestMinimal(t *testing.T) {
	for _, c := range []struct {
		field string
		want  bool
	}{
		{"X: y", false}, {"Brief: t", true}, {"Brief: T", true}, {"Brief: f", false},
		{"Prefer: return=minimal", true}, {`Prefer: return="minimal"`, true},
		{"Prefer: respond-async, return=minimal;x=y", true}, {"Prefer: return=representation", false},
	} {
		if got := minimal(headerOf(c.field)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.field, got, c.want)
		}
	}
}

// FuzzHeaders: no value of these fields is a panic, or out of its range.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{"0", "1,noroot", "infinity", "Second-5", "Infinite, Second-1", "<urn:x>", `"a", W/"b"`, "*", "x,\"y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"Depth": {s}, "Timeout": {s}, "Prefer": {s}, "If-None-Match": {s}}
		if d, _, err := parseDepth(h, depthOne); err == nil && (d < depthZero || d > depthInfinity) {
			t.Fatalf("Depth %q: %v", s, d)
		}
		if d := parseTimeout(h); d < time.Second || d > metadata.LockTimeoutMax {
			t.Fatalf("Timeout %q: %v", s, d)
		}
		if token, err := parseLockToken(s); err == nil {
			if again, err := parseLockToken("<" + token + ">"); err != nil || again != token {
				t.Fatalf("Lock-Token %q is %q, and then %q, %v", s, token, again, err)
			}
		}
		minimal(h)
		if set, err := parseIfMatch(s); err == nil && set == nil {
			t.Fatalf("If-Match %q: neither a set nor an error", s)
		}
		if tags, ok := parseETags(s); ok {
			again, ok := parseETags(strings.Join(tags, ", "))
			if !ok || !reflect.DeepEqual(again, tags) {
				t.Fatalf("tags %q are %q, and then %q, %v", s, tags, again, ok)
			}
		}
		if g, err := parseGuard(h, "u"); err != nil {
			t.Fatalf("If-None-Match %q: %+v, %v; nothing in it is an error", s, g, err)
		}
	})
}
