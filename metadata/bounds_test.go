package metadata

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestNamesAtTheBound: 255 bytes are taken and 256 are not, whether the bytes
// are many characters or few, and in the form that is looked up as well.
func TestNamesAtTheBound(t *testing.T) {
	for _, c := range []struct {
		what, name string
		kind       Kind // KindInternal: taken
	}{
		{"255 letters", strings.Repeat("a", 255), KindInternal},
		{"256 letters", strings.Repeat("a", 256), KindTooLarge},
		{"85 signs of three bytes", strings.Repeat("日", 85), KindInternal},
		{"and a letter", strings.Repeat("日", 85) + "a", KindTooLarge},
		{"63 signs of four bytes and three", strings.Repeat("😀", 63) + "abc", KindInternal},
		{"64 signs of four bytes", strings.Repeat("😀", 64), KindTooLarge},
		// Decomposed they take three bytes each, and two when they are looked up.
		{"85 decomposed letters", strings.Repeat("e\u0301", 85), KindInternal},
		{"86 decomposed letters, short when composed", strings.Repeat("e\u0301", 86), KindTooLarge},
		// U+1D15E is four bytes and eight in NFC.
		{"31 that grow to 248", strings.Repeat("\U0001D15E", 31), KindInternal},
		{"32 that grow to 256", strings.Repeat("\U0001D15E", 32), KindTooLarge},
	} {
		err := CheckName(c.name)
		if c.kind == KindInternal && err != nil || c.kind != KindInternal && (err == nil || KindOf(err) != c.kind) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.kind)
		}
		if err != nil && (len(err.Error()) > 400 || !utf8.ValidString(err.Error())) {
			t.Errorf("%s: the message is %d bytes long", c.what, len(err.Error()))
		}
	}
}

// TestEveryControlCharacter: of all characters below U+0100 exactly the control
// characters of ASCII and both slashes cannot be in a name.
func TestEveryControlCharacter(t *testing.T) {
	for r := rune(0); r < 0x100; r++ {
		name := "a" + string(r) + "b"
		refused := r < 0x20 || r == 0x7f || r == '/' || r == '\\'
		if err := CheckName(name); (err != nil) != refused || err != nil && KindOf(err) != KindInvalid {
			t.Errorf("%U in a name: got %v, want refused %v", r, err, refused)
		}
		// As an element of a path the slash divides, the rest stays.
		_, err := ParsePath("/" + name)
		if (err != nil) != (refused && r != '/') {
			t.Errorf("%U in a path: got %v", r, err)
		}
	}
	for r, refused := range map[rune]bool{0xfffd: false, 0xfffe: true, 0xffff: true, 0x10000: false, 0x10ffff: false, 0x202e: false} {
		if err := CheckName(string(r)); (err != nil) != refused {
			t.Errorf("%U: got %v, want refused %v", r, err, refused)
		}
	}
	for _, raw := range []string{"\x80", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"} {
		if err := CheckName(raw); KindOf(err) != KindInvalid {
			t.Errorf("%q is not UTF-8: got %v", raw, err)
		}
	}
}

// TestDots: what begins with dots is a name, what is nothing but one or two is
// none, also where a path ends in it.
func TestDots(t *testing.T) {
	for name, ok := range map[string]bool{
		"": false, ".": false, "..": false, "...": true, ".a": true, "..a": true, "a.": true, "a..": true, ". ": true, " ": true, "․․": true,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("name %q: got %v", name, err)
		}
		if name == "" {
			continue
		}
		for _, form := range []string{"/%s", "/a/%s", "/%s/a", "/a/%s/", "//%s//"} {
			path := fmt.Sprintf(form, name)
			if p, err := ParsePath(path); (err == nil) != ok || err != nil && p != "" {
				t.Errorf("path %q: got %q, %v", path, p, err)
			}
		}
	}
}

// TestDepthCountsNames: slashes that are dropped count nothing.
func TestDepthCountsNames(t *testing.T) {
	for _, c := range []struct {
		path  string
		names int // -1: too deep
	}{
		{strings.Repeat("/", 10_000), 0},
		{strings.Repeat("//d", PathDepthMax) + "///", PathDepthMax},
		{strings.Repeat("//d", PathDepthMax+1), -1},
		{strings.Repeat("/"+strings.Repeat("x", NameBytesMax), PathDepthMax), PathDepthMax},
	} {
		p, err := ParsePath(c.path)
		if c.names < 0 {
			if KindOf(err) != KindTooLarge {
				t.Errorf("%.20q…: got %v, want too large", c.path, err)
			}
			continue
		}
		if err != nil || len(p.Names()) != c.names {
			t.Errorf("%.20q…: %d names, %v, want %d", c.path, len(p.Names()), err, c.names)
		}
		for q := p; q != Root; { // all the way up and down
			dir, name := q.Split()
			if dir.Join(name) != q || !dir.Contains(q) || q.Contains(dir) || !Root.Contains(q) {
				t.Fatalf("%.40q is not in %.40q", q, dir)
			}
			q = dir
		}
	}
}

// TestContainsIsNoPrefix: a neighbour whose name begins alike is not inside.
func TestContainsIsNoPrefix(t *testing.T) {
	for _, c := range []struct {
		p, q Path
		want bool
	}{
		{"/a", "/a.b", false}, {"/a", "/a b/c", false}, {"/a/b", "/a/bc", false}, {"/a/b", "/a/b/c", true},
		{"/A", "/a/b", false},            // names are told apart by case
		{"/e", "/e\u0301", false},        // an accent makes another name
		{"/e\u0301", "/é/x/y", true},     // two spellings of one
		{"/\u212b", "/\u00c5/x", true},   // the sign Ångström is the letter
		{"/ﬁ", "/fi/x", false},           // a ligature is not its letters
		{"/a/\u1e9b\u0323", "/a", false}, // longer than what should be in it
	} {
		if got := c.p.Contains(c.q); got != c.want {
			t.Errorf("%q contains %q: got %v, want %v", c.p, c.q, got, c.want)
		}
	}
}

// TestIDsAtTheirEnds: the largest ids come back, and one more is none.
func TestIDsAtTheirEnds(t *testing.T) {
	const most, over = "18446744073709551615", "18446744073709551616"
	if n, err := ParseNodeID("n" + most); err != nil || n != math.MaxUint64 || n.String() != "n"+most {
		t.Errorf("node: got %v, %v", n, err)
	}
	if v, err := ParseVolumeID("v" + most); err != nil || v != math.MaxUint64 || v.String() != "v"+most {
		t.Errorf("volume: got %v, %v", v, err)
	}
	if d, err := ParseDiskID("ffffffffffffffff"); err != nil || d != math.MaxUint64 || d.String() != "ffffffffffffffff" {
		t.Errorf("disk: got %v, %v", d, err)
	}
	if got := DiskID(1).String(); got != "0000000000000001" {
		t.Errorf("disk 1: got %q", got)
	}
	for _, number := range []string{over, "+1", " 1", "1 ", "0x1", "1_0", "1.0", "1e3", "-0", "00", "", "１", "1\x00", "1/2", strings.Repeat("9", 1000)} {
		if n, err := ParseNodeID("n" + number); KindOf(err) != KindInvalid || n != 0 {
			t.Errorf("node n%.30q: got %v, %v", number, n, err)
		}
		if v, err := ParseVolumeID("v" + number); KindOf(err) != KindInvalid || v != 0 {
			t.Errorf("volume v%.30q: got %v, %v", number, v, err)
		}
	}
	for _, s := range []string{"N1", "V1", "v1", "d1", "1n"} {
		if n, err := ParseNodeID(s); KindOf(err) != KindInvalid || n != 0 {
			t.Errorf("node %q: got %v, %v", s, n, err)
		}
	}
	for _, s := range []string{"n1", "V1", "1v", "vv1"} {
		if v, err := ParseVolumeID(s); KindOf(err) != KindInvalid || v != 0 {
			t.Errorf("volume %q: got %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"00000000000000001", "000000000000001", "+000000000000001", "-000000000000001",
		"0x00000000000001", "000000000000_001", "00000000000000g1", " 000000000000001", "1fffffffffffffffff"} {
		if d, err := ParseDiskID(s); KindOf(err) != KindInvalid || d != 0 {
			t.Errorf("disk %q: got %v, %v", s, d, err)
		}
	}
}

// TestDigestsAreForEver: they are stored with volumes and compared with what
// disks say that run another version.
func TestDigestsAreForEver(t *testing.T) {
	reference := func(b BlockID) uint64 { // written out once more, as in MurmurHash3
		h := uint64(b.Local)*0x9e3779b97f4a7c15 ^ uint64(b.Volume)
		for _, m := range []uint64{0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53, 1} {
			h = (h ^ h>>33) * m
		}
		return h
	}
	for _, b := range []BlockID{{1, 1}, {1, 2}, {2, 1}, {17, 4711}, {math.MaxUint64, math.MaxUint64}, {1, 1 << 63}} {
		if got, want := b.Digest(), reference(b); got != want || got == 0 {
			t.Errorf("%s: got %#x, want %#x", b, got, want)
		}
	}
	if a, b := (BlockID{1, 2}).Digest(), (BlockID{2, 1}).Digest(); a == b {
		t.Error("volume and local id may be exchanged")
	}
}

// TestETagsAreQuoted: a validator is one quoted string of RFC 9110 §8.8.3, never
// a weak one, and of an entry it names the entry.
func TestETagsAreQuoted(t *testing.T) {
	for _, c := range []struct {
		e    Entry
		want string
	}{
		{Entry{ID: 1, Content: 2}, `"1-2"`},
		{Entry{ID: 0x1f, Content: 0xabc}, `"1f-abc"`},
		{Entry{ID: math.MaxUint64, Content: math.MaxUint64}, `"ffffffffffffffff-ffffffffffffffff"`},
		{Entry{ID: RootID, IsDir: true}, fmt.Sprintf(`"d%x"`, uint64(RootID))},
		{Entry{ID: 0x1f, IsDir: true, Content: 9, Modified: time.Unix(1, 0)}, `"d1f"`},
	} {
		if got := c.e.ETag(); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.e, got, c.want)
		}
	}
}
