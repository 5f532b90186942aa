package webdav

import (
	"reflect"
	"strings"
	"testing"

	"kendfs/metadata"
)

func tok(s string) metadata.IfCond { return metadata.IfCond{Token: s} }
func etg(s string) metadata.IfCond { return metadata.IfCond{ETag: s} }
func not(c metadata.IfCond) metadata.IfCond {
	c.Not = true
	return c
}

type ifRow struct {
	name, in  string
	want      []metadata.IfList
	elsewhere []string
	bad       bool
}

func goodIfs() []ifRow {
	const t1, t2 = "urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2", "urn:uuid:58f202ac-22cf-11d1-b12d-002035b29092"
	list := func(p metadata.Path, conds ...metadata.IfCond) metadata.IfList {
		return metadata.IfList{Path: p, Conds: conds}
	}
	return []ifRow{
		// The examples of http://www.webdav.org/specs/rfc4918.html#HEADER_If
		{name: "§10.4.6 no-tag production", in: "(<" + t1 + "> [\"I am an ETag\"]) ([\"I am another ETag\"])",
			bad: true}, // as printed: an entity tag has no blanks (RFC 9110 §8.8.3)
		{name: "§10.4.6 with proper tags", in: "(<" + t1 + "> [\"I-am-an-ETag\"]) ([\"I-am-another-ETag\"])",
			want: []metadata.IfList{list("", tok(t1), etg(`"I-am-an-ETag"`)), list("", etg(`"I-am-another-ETag"`))}},
		{name: "§10.4.7 Not", in: "(Not <" + t1 + "> <" + t2 + ">)",
			want: []metadata.IfList{list("", not(tok(t1)), tok(t2))}},
		{name: "§10.4.8 always true", in: "(<" + t1 + ">) (Not <DAV:no-lock>)",
			want: []metadata.IfList{list("", tok(t1)), list("", not(tok(noLock)))}},
		{name: "§10.4.9 tagged", in: "</resource1> (<" + t1 + "> [W/\"A\"]) ([\"strong\"])",
			want: []metadata.IfList{list("/resource1", tok(t1), etg(`W/"A"`)), list("/resource1", etg(`"strong"`))}},
		{name: "§10.4.10 tagged URI", in: "<http://www.example.com/users/f/fielding/index.html> (<" + t1 + ">)",
			want: []metadata.IfList{list("/users/f/fielding/index.html", tok(t1))}},
		{name: "§10.4.11 unmapped", in: "</specs/rfc2518.doc> ([\"4217\"])",
			want: []metadata.IfList{list("/specs/rfc2518.doc", etg(`"4217"`))}},
		{name: "§10.4.11 Not", in: "</specs/rfc2518.doc> (Not [\"4217\"])",
			want: []metadata.IfList{list("/specs/rfc2518.doc", not(etg(`"4217"`)))}},

		{name: "two tags", in: "</a> (<x:1>) </b/> (<x:2>)",
			want: []metadata.IfList{list("/a", tok("x:1")), list("/b", tok("x:2"))}},
		{name: "no blanks", in: "(<x:1>Not<x:2>[\"e\"])(not<x:3>)",
			want: []metadata.IfList{list("", tok("x:1"), not(tok("x:2")), etg(`"e"`)), list("", not(tok("x:3")))}},
		{name: "many blanks", in: " \t( <x:1>\t[ \"e\" ] ) ", want: []metadata.IfList{list("", tok("x:1"), etg(`"e"`))}},
		{name: "brackets in a tag", in: `(["a]b)c<d>"])`, want: []metadata.IfList{list("", etg(`"a]b)c<d>"`))}},
		{name: "a bare token", in: "(<12345>)", want: []metadata.IfList{list("", tok("12345"))}},
		{name: "encoded", in: "</a%20b/%C3%A9> (<x:1>)", want: []metadata.IfList{list("/a b/é", tok("x:1"))}},
		{name: "another scheme", in: "<urn:isbn:1> (<x:1> Not <x:2>)",
			want: []metadata.IfList{list("", tok(noLock))}, elsewhere: []string{"x:1", "x:2"}},
		{name: "another scheme, negated", in: "<urn:isbn:1> (Not <x:1>)",
			want: []metadata.IfList{list("", not(tok(noLock)))}, elsewhere: []string{"x:1"}},
		{name: "a name nothing can have", in: "</" + strings.Repeat("n", 256) + "> ([\"e\"])",
			want: []metadata.IfList{list("", tok(noLock))}},
	}
}

func badIfs() []ifRow {
	return []ifRow{
		{name: "empty", in: "", bad: true},
		{name: "blank", in: "  ", bad: true},
		{name: "an empty list", in: "()", bad: true},
		{name: "no closing", in: "(<x:1>", bad: true},
		{name: "no closing of the token", in: "(<x:1)", bad: true},
		{name: "no closing of the tag", in: `(["e")`, bad: true},
		{name: "an unquoted tag", in: "([e])", bad: true},
		{name: "a token without brackets", in: "(x:1)", bad: true},
		{name: "an empty token", in: "(<>)", bad: true},
		{name: "a blank in a token", in: "(<x: 1>)", bad: true},
		{name: "Not without a condition", in: "(Not)", bad: true},
		{name: "Not twice", in: "(Not Not <x:1>)", bad: true},
		{name: "a tag without a list", in: "</a>", bad: true},
		{name: "the second tag without a list", in: "</a> (<x:1>) </b>", bad: true},
		{name: "two tags in a row", in: "</a> </b> (<x:1>)", bad: true},
		{name: "a tag after lists without one", in: "(<x:1>) </b> (<x:2>)", bad: true},
		{name: "a tag with dots", in: "</a/../b> (<x:1>)", bad: true},
		{name: "a tag with an encoded slash", in: "</a%2Fb> (<x:1>)", bad: true},
		{name: "text", in: "hello", bad: true},
		{name: "text after", in: "(<x:1>) x", bad: true},
		{name: "too many lists", in: strings.Repeat("(<x:1>)", ifListsMax+1), bad: true},
		{name: "too many conditions", in: "(" + strings.Repeat("<x:1>", ifCondsMax+1) + ")", bad: true},
		{name: "too long", in: "(<x:" + strings.Repeat("1", ifBytesMax) + ">)", bad: true},
	}
}

func TestParseIf(t *testing.T) {
	for _, c := range append(goodIfs(), badIfs()...) {
		got, elsewhere, err := parseIf(c.in)
		switch {
		case c.bad && (err == nil || metadata.KindOf(err) != metadata.KindInvalid):
			t.Errorf("%s: %.80q: got %v, %v; want it refused as invalid", c.name, c.in, got, err)
		case !c.bad && (err != nil || !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(elsewhere, c.elsewhere)):
			t.Errorf("%s: %.80q: got %v, %v, %v; want %v, %v", c.name, c.in, got, elsewhere, err, c.want, c.elsewhere)
		}
	}
}

// printIf writes lists as a header.
func printIf(lists []metadata.IfList) string {
	var b strings.Builder
	for _, l := range lists {
		if l.Path != "" {
			b.WriteString("<" + string(appendHref(nil, l.Path, false)) + ">")
		}
		b.WriteString("(")
		for _, c := range l.Conds {
			if c.Not {
				b.WriteString("Not ")
			}
			if c.Token != "" {
				b.WriteString("<" + c.Token + ">")
			} else {
				b.WriteString("[" + c.ETag + "]")
			}
		}
		b.WriteString(")")
	}
	return b.String()
}

// FuzzIf: a header that is taken means the same when it is written anew.
func FuzzIf(f *testing.F) {
	for _, s := range []string{
		"(<x:1>)", "(Not <x:1> [\"e\"])", "</a> (<x:1>) ([W/\"e\"]) <http://h/b%20c> (Not [\"f\"])", "<urn:x> (<y:z>)", "()", "(((",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lists, _, err := parseIf(s)
		if err != nil {
			return
		}
		if len(lists) == 0 {
			t.Fatalf("%q: no list and no error", s)
		}
		mixed := false
		for _, l := range lists {
			if l.Path != "" {
				checkClean(t, l.Path)
			}
			mixed = mixed || (l.Path == "") != (lists[0].Path == "")
			for _, c := range l.Conds {
				if (c.Token == "") == (c.ETag == "") {
					t.Fatalf("%q: condition %+v is not one of token and tag", s, c)
				}
			}
		}
		if mixed || len(printIf(lists)) > ifBytesMax {
			return // lists about nothing of this drive were judged, and lost their tag
		}
		again, _, err := parseIf(printIf(lists))
		if err != nil || !reflect.DeepEqual(again, lists) {
			t.Fatalf("%q is %v; printed as %q it is %v, %v", s, lists, printIf(lists), again, err)
		}
	})
}
