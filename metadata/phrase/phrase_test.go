package phrase

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func TestSay(t *testing.T) {
	inner := Say("inner", "no room on {0}", Text("dn3"))
	for _, tc := range []struct {
		template string
		args     []Arg
		want     string
	}{
		{"It is well.", nil, "It is well."},
		{"{0} of {1}", []Arg{Count(2), Count(3)}, "2 of 3"},
		{"{1} before {0}", []Arg{Text("a"), Text("b")}, "b before a"},
		{"{0} {0|copy|copies}", []Arg{Count(1)}, "1 copy"},
		{"{0} {0|copy|copies}", []Arg{Count(0)}, "0 copies"},
		{"{0} {0|copy|copies}", []Arg{Text("all")}, "all copies"},
		{"{^0}.", []Arg{Sub(inner)}, "No room on dn3."},
		{"{^0}.", []Arg{Text("über")}, "Über."},
		{"{^0}.", []Arg{Text("")}, "."},
		{"Why: {0}.", []Arg{List([]Phrase{inner, Free("x")})}, "Why: no room on dn3; x."},
		{"{0}", []Arg{Bytes(1536 << 20)}, "1.5 GiB"},
		{"{0}", []Arg{Bytes(1023)}, "1023 B"},
		{"{0}", []Arg{Span(660, 1140)}, "11-19 min"},
		{"{0}", []Arg{Span(1, 60)}, "about a minute"},
		{"{0}", []Arg{Span(7200, 10800)}, "2-3 h"},
		{"{0}", []Arg{Lasted(62*time.Second + time.Millisecond)}, "1m2s"},
		{"{0}", []Arg{Moment(noon())}, "2026-03-04 12:00:00 UTC"},
		{"{0}", []Arg{Clock(noon())}, "12:00 UTC"},
		{"{0}|{1}|{x}|{}", []Arg{{}}, "|||"},
		{"a {0", []Arg{Count(1)}, "a "},
	} {
		if got := Say("x", tc.template, tc.args...).String(); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.template, got, tc.want)
		}
	}
}

func TestOverTheWire(t *testing.T) {
	p := Say("outer", "{0}: {1} at {2} in {3}, {4}", Sub(Say("inner", "no room")), Bytes(0), Clock(noon()), Span(1, 2), Sub(Free("as is")))
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"outer","args":[{"text":"no room","phrase":{"id":"inner"}},{"bytes":0},{"clock":"2026-03-04T12:00:00Z"},{"span":[1,2]},{"text":"as is"}]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	var back Phrase
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again := Say("again", "> {0}", Sub(Told(&back, p.String()))); again.String() != "> "+p.String() || again.Args[0].Phrase.ID != "outer" {
		t.Errorf("told again: %q %+v", again, again.Args[0])
	}
}

func TestWhatNoDictionaryHas(t *testing.T) {
	for _, p := range []Phrase{{}, Free("disk on fire"), Told(nil, "of an older server")} {
		if p.Key() != nil || Sub(p).Phrase != nil || Sub(p).Text != p.String() {
			t.Errorf("%q has the key %v", p, p.Key())
		}
	}
	if got := Texts([]Phrase{Free("a"), Say("b", "c")}); strings.Join(got, " ") != "a c" || Texts(nil) != nil {
		t.Errorf("got %q", got)
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("ä", TextMax)
	for _, got := range []string{Free(long).String(), Text(long).Text, Told(&Phrase{ID: "x"}, long).String(), Text("a\xffb").Text} {
		if len(got) > TextMax || !utf8.ValidString(got) {
			t.Errorf("%d bytes, %v", len(got), utf8.ValidString(got))
		}
	}
}

// Whatever a template is and whatever it is given: no panic, no trace of a
// formatter, and nothing that is no text.
func FuzzSay(f *testing.F) {
	f.Add("{0} of {1|one|many}{^2}", "name", int64(1))
	f.Add("{9}{-1}{%!d}{0|}", "%s", int64(-1))
	f.Fuzz(func(t *testing.T, template, name string, n int64) {
		if !utf8.ValidString(template) || strings.Contains(template, "%!") || strings.Contains(name, "%!") {
			t.Skip()
		}
		for _, args := range [][]Arg{nil, {Text(name)}, {Count(int(n)), Bytes(n), Text(name), Span(n, n), Lasted(time.Duration(n))}} {
			p := Say("x", template, args...)
			if s := p.String(); strings.Contains(s, "%!") || !utf8.ValidString(s) {
				t.Errorf("%q says %q", template, s)
			}
			if _, err := json.Marshal(p); err != nil {
				t.Error(err)
			}
		}
	})
}
