package metadata

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestParsePath(t *testing.T) {
	long := strings.Repeat("x", NameBytesMax)
	for _, c := range []struct {
		in, want string
		kind     Kind // of the error, if want is ""
	}{
		{"/", "/", 0},
		{"//", "/", 0},
		{"/a", "/a", 0},
		{"/a/", "/a", 0},
		{"//a///b//", "/a/b", 0},
		{"/größe/日本", "/größe/日本", 0},
		{"/.hidden/..x/...", "/.hidden/..x/...", 0},
		{"/" + long, "/" + long, 0},
		{"", "", KindInvalid},
		{"a", "", KindInvalid},
		{"/a/./b", "", KindInvalid},
		{"/a/../b", "", KindInvalid},
		{"/..", "", KindInvalid},
		{"/a\\b", "", KindInvalid},
		{"/a\x00b", "", KindInvalid},
		{"/a\nb", "", KindInvalid},
		{"/a\x7fb", "", KindInvalid},
		{"/a\xffb", "", KindInvalid},
		{"/a\ufffeb", "", KindInvalid},
		{"/" + long + "x", "", KindTooLarge},
		{strings.Repeat("/d", PathDepthMax), strings.Repeat("/d", PathDepthMax), 0},
		{strings.Repeat("/d", PathDepthMax+1), "", KindTooLarge},
		// 85 times U+1D160 is 340 bytes as it is and 1020 in NFC, which decomposes it.
		{"/" + strings.Repeat("\U0001D160", 60), "", KindTooLarge},
	} {
		got, err := ParsePath(c.in)
		if string(got) != c.want || (c.want == "") != (err != nil) || err != nil && KindOf(err) != c.kind {
			t.Errorf("ParsePath(%.60q): got %.60q, %v, want %.60q, kind %v", c.in, got, err, c.want, c.kind)
		}
	}
}

func TestPathParts(t *testing.T) {
	for _, c := range []struct {
		path, dir Path
		name      string
		names     int
	}{
		{"/", "/", "", 0}, {"/a", "/", "a", 1}, {"/a/b", "/a", "b", 2}, {"/a/b/c", "/a/b", "c", 3},
	} {
		dir, name := c.path.Split()
		if dir != c.dir || name != c.name || len(c.path.Names()) != c.names {
			t.Errorf("%s: got %s, %q, %v", c.path, dir, name, c.path.Names())
		}
		if c.name != "" && dir.Join(name) != c.path {
			t.Errorf("%s: Join(Split) is %s", c.path, dir.Join(name))
		}
	}
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		p, q Path
		want bool
	}{
		{"/", "/", true}, {"/", "/a", true}, {"/a", "/a", true}, {"/a", "/a/b", true}, {"/a", "/ab", false},
		{"/a/b", "/a", false}, {"/a", "/", false}, {"/é", "/e\u0301/x", true}, {"/e\u0301", "/é", true},
	} {
		if got := c.p.Contains(c.q); got != c.want {
			t.Errorf("%q contains %q: got %v, want %v", c.p, c.q, got, c.want)
		}
	}
}

// FuzzParsePath: parsing is idempotent and never yields an element that could
// mean something else to somebody.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "//a//", "/../x", "/a%2fb", "/e\u0301", "/\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		again, err := ParsePath(string(p))
		if err != nil || again != p {
			t.Fatalf("ParsePath(%q): got %q, %v, want itself", p, again, err)
		}
		for _, n := range p.Names() {
			if n == "" || n == "." || n == ".." || strings.ContainsAny(n, "/\\\x00") || len(n) > NameBytesMax {
				t.Fatalf("ParsePath(%q) has the element %q", s, n)
			}
			if k := NameKey(n); NameKey(k) != k || !norm.NFC.IsNormalString(k) {
				t.Fatalf("NameKey(%q) is not stable", n)
			}
		}
	})
}

func TestIDs(t *testing.T) {
	if n, err := ParseNodeID(NodeID(17).String()); err != nil || n != 17 {
		t.Errorf("node: got %v, %v", n, err)
	}
	if v, err := ParseVolumeID(VolumeID(17).String()); err != nil || v != 17 {
		t.Errorf("volume: got %v, %v", v, err)
	}
	if d, err := ParseDiskID(DiskID(0xabc).String()); err != nil || d != 0xabc {
		t.Errorf("disk: got %v, %v", d, err)
	}
	for _, s := range []string{"", "n", "n0", "17", "nn1", "n-1", "v1 "} {
		if _, err := ParseNodeID(s); KindOf(err) != KindInvalid {
			t.Errorf("ParseNodeID(%q): got %v, want invalid", s, err)
		}
		if _, err := ParseVolumeID(s); KindOf(err) != KindInvalid {
			t.Errorf("ParseVolumeID(%q): got %v, want invalid", s, err)
		}
	}
	for _, s := range []string{"", "0000000000000000", "abc", "xxxxxxxxxxxxxxxx"} {
		if _, err := ParseDiskID(s); KindOf(err) != KindInvalid {
			t.Errorf("ParseDiskID(%q): got %v, want invalid", s, err)
		}
	}
	if got := (BlockID{17, 4711}).String(); got != "v17/4711" {
		t.Errorf("block: got %q", got)
	}
}

// TestDigestSpreads: neighbouring blocks must not cancel out in a volume's digest.
func TestDigestSpreads(t *testing.T) {
	seen := map[uint64]BlockID{}
	for v := range VolumeID(30) {
		for l := range LocalID(3000) {
			b := BlockID{v, l}
			if other, dup := seen[b.Digest()]; dup {
				t.Fatalf("%v and %v have the same digest", b, other)
			}
			seen[b.Digest()] = b
		}
	}
	if a, b := (BlockID{1, 2}).Digest()^(BlockID{1, 3}).Digest(), (BlockID{1, 4}).Digest()^(BlockID{1, 5}).Digest(); a == b {
		t.Error("pairs of neighbours have the same xor")
	}
}

func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for k := KindInternal; k < kindEnd; k++ {
		if k.String() == "" || names[k.String()] {
			t.Errorf("kind %d has the name %q, empty or not its own", k, k)
		}
		names[k.String()] = true
	}
	if got := Kind(200).String(); got != "kind(200)" {
		t.Errorf("unknown kind: got %q", got)
	}
	// The numbers are on the wire and on disk: they may be added to, never changed.
	for k, want := range map[Kind]uint8{KindInvalid: 1, KindDenied: 9, KindUnavailable: 14, KindTimeout: 15, KindStale: 16, KindBusy: 18, KindCanceled: 19, KindConflict: 22} {
		if uint8(k) != want {
			t.Errorf("%v is number %d, want %d", k, uint8(k), want)
		}
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", Errorf(KindNotFound, "no %s: %w", "x", cause))
	if KindOf(err) != KindNotFound || !errors.Is(err, cause) || err.Error() != "outer: no x: cause" {
		t.Errorf("got %v of kind %v", err, KindOf(err))
	}
	for _, c := range []struct {
		kind   Kind
		target error
	}{
		{KindNotFound, fs.ErrNotExist}, {KindParentMissing, fs.ErrNotExist}, {KindExists, fs.ErrExist},
		{KindDenied, fs.ErrPermission}, {KindTimeout, context.DeadlineExceeded}, {KindCanceled, context.Canceled},
	} {
		if !errors.Is(&Error{Kind: c.kind}, c.target) || errors.Is(&Error{Kind: KindInternal}, c.target) {
			t.Errorf("%v is not %v, or everything is", c.kind, c.target)
		}
	}
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{context.Canceled, KindCanceled}, {context.DeadlineExceeded, KindTimeout}, {os.ErrClosed, KindInternal},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v): got %v, want %v", c.err, got, c.want)
		}
	}
	if got := (&Error{Kind: KindLocked}).Error(); got != "locked" {
		t.Errorf("error without text: got %q", got)
	}
}

func TestETags(t *testing.T) {
	a := Entry{ID: 1, Content: 2}
	b := Entry{ID: 1, Content: 3}
	d := Entry{ID: 1, IsDir: true}
	if a.ETag() == b.ETag() || a.ETag() == d.ETag() || a.ETag() != ContentETag(1, 2) {
		t.Errorf("got %s, %s, %s", a.ETag(), b.ETag(), d.ETag())
	}
}

func TestRoles(t *testing.T) {
	order := append([]Role{RoleNone}, Roles()...)
	for i, r := range order {
		for j, least := range order {
			if got, want := r.Allows(least), i >= j; got != want {
				t.Errorf("%v.Allows(%v) = %v, want %v", r, least, got, want)
			}
		}
		if got, err := ParseRole(r.String()); r != RoleNone && (got != r || err != nil) {
			t.Errorf("ParseRole(%q) = %v, %v", r.String(), got, err)
		}
	}
	for _, r := range []Role{6, 77, 255} {
		if r.Allows(RoleViewer) || RoleAdmin.Allows(r) || r.Allows(r) {
			t.Errorf("role %d allows or is allowed something", r)
		}
	}
	for _, s := range []string{"", "none", "Admin", "root"} {
		if r, err := ParseRole(s); err == nil || KindOf(err) != KindInvalid {
			t.Errorf("ParseRole(%q) = %v, %v, want KindInvalid", s, r, err)
		}
	}
	// What is stored.
	if RoleReader != 1 || RoleWriter != 2 || RoleOperator != 3 || RoleAdmin != 4 || RoleViewer != 5 {
		t.Error("a stored number of a role changed")
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		VolumeFencing.String(): "fencing", VolumeState(9).String(): "unknown", NodeDraining.String(): "draining",
		NodeState(9).String(): "unknown", LivenessDown.String(): "down", RoleAdmin.String(): "admin", Role(77).String(): "none",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
