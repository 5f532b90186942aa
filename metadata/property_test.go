package metadata

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// drawName makes a name that is mostly allowed.
func drawName(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z.]{1,3}`), rapid.StringOfN(rapid.Rune(), 1, 20, 300), rapid.SampledFrom([]string{"é", "e\u0301", "…", "..."}),
	).Draw(t, label)
}

func drawPath(t *rapid.T, label string) Path {
	p := Root
	for range rapid.IntRange(0, 4).Draw(t, label+" depth") {
		if name := drawName(t, label); CheckName(name) == nil {
			p = p.Join(name)
		}
	}
	return p
}

// TestCheckNameOfAnything compares it with what a name may not have, one by one.
func TestCheckNameOfAnything(t *testing.T) {
	allowed := func(s string) bool {
		if s == "" || s == "." || s == ".." || len(s) > NameBytesMax || len(norm.NFC.String(s)) > NameBytesMax || !utf8.ValidString(s) {
			return false
		}
		for c := range rune(0x20) {
			if strings.ContainsRune(s, c) {
				return false
			}
		}
		return !strings.ContainsAny(s, "/\\\x7f\ufffe\uffff")
	}
	rapid.Check(t, func(t *rapid.T) {
		s := drawName(t, "name")
		if rapid.IntRange(0, 9).Draw(t, "raw") == 0 {
			s = string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
		}
		err := CheckName(s)
		if (err == nil) != allowed(s) {
			t.Fatalf("CheckName(%q) = %v", s, err)
		}
		if k := KindOf(err); err != nil && k != KindInvalid && k != KindTooLarge {
			t.Fatalf("CheckName(%q): kind %v", s, k)
		}
		if p, perr := ParsePath("/" + s); err == nil && (perr != nil || p != Root.Join(s)) {
			t.Fatalf("the name %q as a path: %q, %v", s, p, perr)
		}
	})
}

// TestPathsOfAnything: what is joined is a path, parses to itself, and comes
// apart into what it was joined of.
func TestPathsOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPath(t, "p")
		if again, err := ParsePath(string(p)); err != nil || again != p {
			t.Fatalf("ParsePath(%q) = %q, %v", p, again, err)
		}
		if messy, err := ParsePath(strings.ReplaceAll(string(p), "/", "//") + "/"); err != nil || messy != p {
			t.Fatalf("with more slashes %q is %q, %v", p, messy, err)
		}
		q := Root
		for _, name := range p.Names() {
			q = q.Join(name)
		}
		if q != p {
			t.Fatalf("%q is made of %q", p, p.Names())
		}
		dir, name := p.Split()
		switch {
		case p == Root && (dir != Root || name != ""):
			t.Fatalf("the root comes apart into %q and %q", dir, name)
		case p != Root && (dir.Join(name) != p || len(dir.Names()) != len(p.Names())-1 || !dir.Contains(p) || p.Contains(dir)):
			t.Fatalf("%q comes apart into %q and %q", p, dir, name)
		}
	})
}

// TestContainsOfAnything: a path contains what has its names at the beginning,
// in any normal form.
func TestContainsOfAnything(t *testing.T) {
	keys := func(p Path) (out []string) {
		for _, n := range p.Names() {
			out = append(out, norm.NFC.String(n))
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPath(t, "p"), drawPath(t, "q")
		if rapid.Bool().Draw(t, "below") {
			for _, name := range p.Names() {
				q = Path(norm.NFD.String(string(Root.Join(name)))) + q
			}
			q = Path(strings.TrimSuffix(string(q), "/"))
			if q == "" {
				q = Root
			}
		}
		a, b := keys(p), keys(q)
		want := len(a) <= len(b) && slices.Equal(a, b[:min(len(a), len(b))])
		if got := p.Contains(q); got != want {
			t.Fatalf("%q contains %q: got %v, want %v", p, q, got, want)
		}
	})
}

// TestIDsOfAnything: every id but zero comes back from its text, and no text of
// one sort is taken for another.
func TestIDsOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, math.MaxUint64).Draw(t, "id")
		if got, err := ParseNodeID(NodeID(n).String()); err != nil || uint64(got) != n {
			t.Fatalf("node %d: %v, %v", n, got, err)
		}
		if got, err := ParseVolumeID(VolumeID(n).String()); err != nil || uint64(got) != n {
			t.Fatalf("volume %d: %v, %v", n, got, err)
		}
		if got, err := ParseDiskID(DiskID(n).String()); err != nil || uint64(got) != n {
			t.Fatalf("disk %d: %v, %v", n, got, err)
		}
		if _, err := ParseNodeID(VolumeID(n).String()); KindOf(err) != KindInvalid {
			t.Fatalf("volume %d is a node: %v", n, err)
		}
		if _, err := ParseVolumeID(NodeID(n).String()); KindOf(err) != KindInvalid {
			t.Fatalf("node %d is a volume: %v", n, err)
		}
		s := rapid.String().Draw(t, "text")
		if got, err := ParseNodeID(s); err == nil && (got == 0 || !strings.HasPrefix(s, "n")) {
			t.Fatalf("ParseNodeID(%q) = %v", s, got)
		}
		if got, err := ParseDiskID(s); err == nil && (got == 0 || len(s) != 16) {
			t.Fatalf("ParseDiskID(%q) = %v", s, got)
		}
	})
}

// TestRoomOfAnything: each file system counts once, by the most that one of its
// disks says; a disk more never takes room away.
func TestRoomOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Disk {
			return Disk{
				FileSystem: rapid.Uint64Range(0, 3).Draw(t, "fs"), Capacity: rapid.Int64Range(0, 1<<50).Draw(t, "capacity"),
				Free: rapid.Int64Range(-5, 1<<50).Draw(t, "free"),
			}
		}), 0, 12).Draw(t, "disks")
		before := slices.Clone(disks)
		var wantCapacity, wantFree int64
		for i, d := range disks {
			if d.FileSystem == 0 {
				wantCapacity, wantFree = wantCapacity+d.Capacity, wantFree+max(d.Free, 0)
				continue
			}
			if slices.ContainsFunc(disks[:i], func(o Disk) bool { return o.FileSystem == d.FileSystem }) {
				continue // counted with the first of its file system
			}
			var capacity, free int64
			for _, o := range disks {
				if o.FileSystem == d.FileSystem {
					capacity, free = max(capacity, o.Capacity), max(free, o.Free)
				}
			}
			wantCapacity, wantFree = wantCapacity+capacity, wantFree+free
		}
		capacity, free := RoomOf(disks)
		if capacity != wantCapacity || free != wantFree {
			t.Fatalf("got %d and %d, want %d and %d", capacity, free, wantCapacity, wantFree)
		}
		if !slices.Equal(disks, before) {
			t.Fatal("the disks were changed")
		}
		if len(disks) > 0 {
			if c, f := RoomOf(disks[1:]); c > capacity || f > free {
				t.Fatalf("without the first disk there is more room: %d and %d of %d and %d", c, f, capacity, free)
			}
		}
	})
}

// TestDigestIsASet: a volume's digest does not depend on the order in which
// blocks came, and what came and went leaves no trace.
func TestDigestIsASet(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) BlockID {
		return BlockID{VolumeID(rapid.Uint64Range(1, 1<<40).Draw(t, "volume")), LocalID(rapid.Uint64Range(1, 1<<40).Draw(t, "local"))} // no id is 0
	})
	sum := func(ids []BlockID) (d uint64) {
		for _, id := range ids {
			d ^= id.Digest()
		}
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(draw, 1, 20, func(b BlockID) BlockID { return b }).Draw(t, "blocks")
		want := sum(ids)
		mixed := rapid.Permutation(ids).Draw(t, "order")
		gone := draw.Draw(t, "gone")
		if got := sum(append(mixed, gone, gone)); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
		if len(ids) > 1 && sum(ids[1:]) == want {
			t.Fatalf("a block less is not seen: %v", ids[0])
		}
	})
}

// TestETagsTellApart: equal only for the same content of the same entry, and
// always a strong one in quotes.
func TestETagsTellApart(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) Entry {
		return Entry{
			ID: EntryID(rapid.Uint64Range(0, 300).Draw(t, "id")), Content: ContentID(rapid.Uint64Range(0, 300).Draw(t, "content")),
			IsDir: rapid.Bool().Draw(t, "dir"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		same := a.ID == b.ID && a.IsDir == b.IsDir && (a.IsDir || a.Content == b.Content)
		if got := a.ETag() == b.ETag(); got != same {
			t.Fatalf("%s of %+v and %s of %+v", a.ETag(), a, b.ETag(), b)
		}
		if tag := a.ETag(); len(tag) < 4 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Count(tag, `"`) != 2 {
			t.Fatalf("not an entity tag: %s", tag)
		}
	})
}
