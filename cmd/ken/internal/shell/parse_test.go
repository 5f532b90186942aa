package shell

import (
	"reflect"
	"strings"
	"testing"

	"kendfs/metadata"
)

func TestSplit(t *testing.T) {
	for _, k := range []struct {
		line string
		want []string // text, or text≈pattern where it is one
	}{
		{"", nil},
		{"   \t ", nil},
		{"ls", []string{"ls"}},
		{"  ls   a  b ", []string{"ls", "a", "b"}},
		{`'a b' "c d" e\ f`, []string{"a b", "c d", "e f"}},
		{`a'b'"c"d`, []string{"abcd"}},
		{`'' ""`, []string{"", ""}},
		{`'a\b' "a\b\"\\" a\\b`, []string{`a\b`, `a\b"\`, `a\b`}},
		{"ls # all of it", []string{"ls"}},
		{"# nothing", nil},
		{"a#b 'c'#d", []string{"a#b", "c#d"}},
		{`\#a`, []string{"#a"}},
		{"é ü", []string{"é", "ü"}},
		{"*.jpg", []string{"*.jpg≈*.jpg"}},
		{`'*'.j\?pg`, []string{"*.j?pg"}},
		{`'*'?`, []string{`*?≈\*?`}},
		{`a\\*`, []string{`a\*≈a\\*`}},
		{"[a-c]x", []string{"[a-c]x≈[a-c]x"}},
		{"a b", []string{"a", "b"}}, // a no-break space is a blank too
	} {
		words, err := split(k.line)
		if err != nil {
			t.Errorf("%q: %v", k.line, err)
			continue
		}
		var got []string
		for _, w := range words {
			s := w.text
			if w.glob {
				s += "≈" + w.pattern
			}
			got = append(got, s)
		}
		if !reflect.DeepEqual(got, k.want) {
			t.Errorf("%q: got %q, want %q", k.line, got, k.want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for line, want := range map[string]string{
		`ls "a`:                             `the quote " is not closed`,
		`ls 'a`:                             `the quote ' is not closed`,
		`ls a\`:                             "ends in a backslash",
		strings.Repeat("a", LineBytesMax+1): "longer than",
	} {
		if _, err := split(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", line, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	for _, k := range []struct{ place, text, want string }{
		{"/", "a", "/a"},
		{"/a/b", "c", "/a/b/c"},
		{"/a/b", "..", "/a"},
		{"/a/b", "../../..", "/"},
		{"/a/b", "../x/./y/", "/a/x/y"},
		{"/a/b", "/", "/"},
		{"/a/b", "/x//y", "/x/y"},
		{"/a/b", ".", "/a/b"},
		{"/", "..", "/"},
		{"/a", "", "error"},
		{"/a", "b\x01c", "error"},
		{"/a", strings.Repeat("x", 256), "error"},
		{"/a", strings.Repeat("x/", 200), "error"},
	} {
		got, err := resolve(metadata.Path(k.place), k.text)
		if err != nil {
			got = "error"
		}
		if string(got) != k.want {
			t.Errorf("%s at %s: got %s (%v), want %s", k.text, k.place, got, err, k.want)
		}
	}
}

// FuzzLine: no line upsets the scanner, and what completion writes is read back
// as it was.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"ls", `a "b c" 'd`, `\`, "# x", "*?[]", "~/x", "é\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err == nil && len(words) > len(line) {
			t.Errorf("%q: %d words", line, len(words))
		}
		if !strings.Contains(line, "\x00") && len(line) < LineBytesMax/8 && strings.ToValidUTF8(line, "") == line && line != "" {
			for _, quote := range []string{"", `"`, `'`} {
				var q rune
				if quote != "" {
					q = rune(quote[0])
				}
				back, err := split("x" + quote + escape(line, q) + quote)
				if err != nil || len(back) != 1 || back[0].text != "x"+line || back[0].glob {
					t.Errorf("%q in %q: read back as %+v, %v", line, quote, back, err)
				}
			}
		}
	})
}
