package namespace

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func (w *world) list(q *metapb.List) *metapb.Answer {
	w.t.Helper()
	a, err := w.ask(&metapb.Query{Q: &metapb.Query_List{List: q}})
	if err != nil {
		w.t.Fatalf("list %v: %v", q, err)
	}
	return a
}

func namesOf(entries []*metapb.Entry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Row.Name)
	}
	return names
}

// TestPages: whatever the limit, the pages of a directory hold every member
// once and in order, and a member that stays is seen although others come and go.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapidTB{t: t})
		w.must(mkdirCmd("/d"))
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zé0 .]{1,3}[a-z]`), 0, 30, rapid.ID).Draw(t, "names")
		for _, name := range names {
			w.must(commitCmd(w.commitOp("/d/"+name, 0, 0)))
		}
		slices.Sort(names)
		limit := uint32(rapid.IntRange(1, 7).Draw(t, "limit"))
		var got []string
		for page, after := 0, ""; ; page++ {
			a := w.list(&metapb.List{Path: "/d", After: after, Limit: limit})
			got = append(got, namesOf(a.Entries)...)
			if !a.More {
				break
			}
			if len(a.Entries) != int(limit) {
				t.Fatalf("a page of %d with more to come, limit %d", len(a.Entries), limit)
			}
			after = a.Entries[limit-1].Row.Name
			// What comes and goes in between.
			if page < 5 {
				w.must(commitCmd(w.commitOp(fmt.Sprintf("/d/%d+", page), 0, 0)))
				w.must(removeCmd("/d/" + after))
			}
		}
		got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "+") })
		if !slices.Equal(got, names) {
			t.Fatalf("pages of %d: got %q, want %q", limit, got, names)
		}
	})
}

// TestPageBytes: large properties make pages shorter, never an answer too large.
func TestPageBytes(t *testing.T) {
	w := newWorld(t)
	var props []*metapb.PropRow
	for i := range 15 {
		props = append(props, &metapb.PropRow{Local: fmt.Sprint(i), Value: make([]byte, metadata.PropValueBytesMax)})
	}
	for i := range 12 {
		path := fmt.Sprintf("/f%02d", i)
		w.must(commitCmd(w.commitOp(path, 0, 0)))
		w.must(setAttrCmd(&metapb.SetAttr{Path: path, SetProps: props}))
	}
	var got []string
	for after := ""; ; {
		a := w.list(&metapb.List{Path: "/", After: after, Props: true})
		bytes := 0
		for _, e := range a.Entries {
			got = append(got, e.Row.Name)
			for _, p := range e.Props {
				bytes += len(p.Value)
			}
		}
		if bytes > propsPageBytesMax+propsBytesMax {
			t.Errorf("%d bytes of properties in a page", bytes)
		}
		if !a.More {
			break
		}
		after = got[len(got)-1]
	}
	if len(got) != 12 || !slices.IsSorted(got) {
		t.Errorf("pages hold %v", got)
	}
	if a := w.list(&metapb.List{Path: "/"}); len(a.Entries) != 12 || a.More || a.Entries[0].Props != nil {
		t.Errorf("without properties: %d entries, more %t", len(a.Entries), a.More)
	}
}

// TestListedLocks: a listing shows own and inherited locks to everybody, and
// their tokens to those who may use them.
func TestListedLocks(t *testing.T) {
	w := newWorld(t)
	for _, dir := range []string{"/d", "/d/e", "/d/e/sub"} {
		w.must(mkdirCmd(dir))
	}
	w.must(commitCmd(w.commitOp("/d/e/f", 0, 0)))
	lock := func(path, tok, user string, shared, infinite bool) {
		w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: path, Guard: &metapb.Guard{User: user},
			Lock: &metapb.LockRow{Token: token(tok), Shared: shared, Infinite: infinite, Owner: "<o/>"}}}})
	}
	lock("/d", "A", "ann", true, true)
	lock("/d/e", "B", "bob", true, false)
	lock("/d/e/f", "C", "ann", true, false)
	for _, c := range []struct{ user, want string }{
		{"ann", "/d/e: A ; f: A C; sub: A"},
		{"bob", "/d/e:  B; f:  ; sub: "},
		{"adm", "/d/e: A B; f: A C; sub: A"},
		{"", "/d/e: A B; f: A C; sub: A"},
		{"rae", "/d/e:  ; f:  ; sub: "},
	} {
		a := w.list(&metapb.List{Path: "/d/e", User: c.user, Locks: true})
		show := func(name string, e *metapb.Entry) string {
			var tokens []string
			for _, l := range e.Locks {
				if l.Owner != "<o/>" || l.User == "" || l.Timeout == 0 {
					t.Errorf("lock %v lacks what everybody may see", l)
				}
				tokens = append(tokens, strings.TrimPrefix(l.Token, "urn:uuid:"))
			}
			return name + ": " + strings.Join(tokens, " ")
		}
		lines := []string{show("/d/e", a.Entry)}
		for _, e := range a.Entries {
			lines = append(lines, show(e.Row.Name, e))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s sees %q, want %q", c.user, got, c.want)
		}
	}
}

func TestLockList(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 7 {
		path, tok := fmt.Sprintf("/%d", i), fmt.Sprintf("urn:uuid:%d", i)
		w.must(commitCmd(w.commitOp(path, 0, 0)))
		w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: path, Lock: &metapb.LockRow{
			Token: tok, Timeout: int64(1+i) * 60e9}}}})
		if i >= 2 {
			want = append(want, tok)
		}
	}
	w.now += 125e9 // two are over
	w.apply()
	var got []string
	for after := ""; ; {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Locks{Locks: &metapb.LockList{After: after, Limit: 3}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range a.Locks {
			got = append(got, l.Token)
		}
		if !a.More {
			break
		}
		after = fmt.Sprintf("urn:uuid:%d", len(got)+1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("locks %v, want %v", got, want)
	}
}

// TestBlocks: references of a large content can be read in parts, and for the
// grace time after the file is gone.
func TestBlocks(t *testing.T) {
	w := newWorld(t)
	op := w.commitOp("/f", 1000, 10)
	e := w.must(commitCmd(op)).Entry
	if len(e.Row.Blocks) != 0 || e.Row.BlockCount != 1000 {
		t.Fatalf("entry %v", e)
	}
	read := func(content uint64, index uint32) ([]*metapb.BlockRef, error) {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{Content: content, Index: index}}})
		return a.GetBlocks(), err
	}
	check := func(when string) {
		for _, index := range []uint32{0, 1, 255, 256, 257, 999, 1000, 1001, 1 << 30} {
			got, err := read(e.Row.Content, index)
			want := op.Blocks[min(int(index), 1000):]
			if err != nil || len(got) != len(want) || len(got) > 0 && got[0].Local != want[0].Local {
				t.Errorf("%s, from %d: %d references, %v, want %d", when, index, len(got), err, len(want))
			}
		}
	}
	check("committed")
	w.must(removeCmd("/f"))
	w.reapAll(10)
	w.now += 9 * 60e9
	w.reapAll(10)
	check("removed 9 minutes ago")
	w.now += 2 * 60e9
	w.reapAll(10)
	if _, err := read(e.Row.Content, 0); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("removed 11 minutes ago: %v", err)
	}
	w.check()
}

// TestLookupIsPlain: what a lookup answers about the root, a file and a
// directory, and that a file inherits its directory's replication.
func TestLookupIsPlain(t *testing.T) {
	w := newWorld(t)
	w.must(mkdirCmd("/d"))
	w.must(setAttrCmd(&metapb.SetAttr{Path: "/d", Replication: &metapb.Int64Value{Value: 3}}))
	w.must(commitCmd(w.commitOp("/d/f", 2, 5)))
	root, dir, file := w.lookup("/"), w.lookup("/d/"), w.lookup("/d//f")
	if root.Row.Id != rootID || root.Row.Name != "" || root.Dir.Bytes != 10 || root.EffectiveReplication != 1 {
		t.Errorf("root: %v", root)
	}
	if dir.Row.Name != "d" || dir.Dir.Files != 1 || dir.EffectiveReplication != 3 {
		t.Errorf("directory: %v", dir)
	}
	if file.Dir != nil || len(file.Row.Blocks) != 2 || file.Row.Size != 10 || file.EffectiveReplication != 3 {
		t.Errorf("file: %v", file)
	}
	for path, want := range map[string]metadata.Kind{
		"/x": metadata.KindNotFound, "/x/y": metadata.KindNotFound, "/d/f/x": metadata.KindNotDir,
		"d": metadata.KindInvalid, "/a\x00": metadata.KindInvalid, "": metadata.KindInvalid,
	} {
		_, err := w.ask(&metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: path}}})
		if err == nil || metadata.KindOf(err) != want {
			t.Errorf("lookup %q: %v, want %s", path, err, want)
		}
	}
	if _, err := w.ask(nil); metadata.KindOf(err) != metadata.KindUnsupported {
		t.Errorf("no query: %v", err)
	}
	if _, err := Answer(&MemKV{}, &metapb.Query{}); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("before Init: %v", err)
	}
}

// TestAnswerFailingStore: a store that fails is never a refusal.
func TestAnswerFailingStore(t *testing.T) {
	w := richWorld(t)
	for _, q := range []*metapb.Query{
		{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: "/d/small", User: "ann", Props: true, Locks: true}}},
		{Q: &metapb.Query_List{List: &metapb.List{Path: "/d/e", User: "ann", Props: true, Locks: true}}},
		{Q: &metapb.Query_Quota{Quota: &metapb.QuotaOf{Path: "/d/e"}}},
		{Q: &metapb.Query_Locks{Locks: &metapb.LockList{}}},
		{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{Content: w.lookup("/large2").Row.Content, Index: 299}}},
	} {
		for n := 0; ; n++ {
			kv := &failing{w.kv, n}
			_, err := Answer(kv, q)
			if kv.left >= 0 {
				if err != nil {
					t.Errorf("%v: %v", q, err)
				}
				break
			}
			if err == nil || !isFault(err) {
				t.Fatalf("%v: call %d failed, got %v", q, n, err)
			}
		}
	}
}

// A viewer sees what is there and changes nothing; a role that a newer binary
// stored allows nothing.
func TestViewerLooksOnly(t *testing.T) {
	w := newWorld(t)
	w.must(&metapb.Command{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{
		User: &metapb.UserRow{Name: "vic", Hash: "x", Role: uint32(metadata.RoleViewer)}, Create: true,
	}}})
	look := &metapb.Query{Q: &metapb.Query_List{List: &metapb.List{Path: "/", User: "vic"}}}
	if _, err := w.ask(look); err != nil {
		t.Errorf("a viewer lists: %v", err)
	}
	r := w.do(&metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: "/x", Guard: &metapb.Guard{User: "vic"}}}})
	if r.Ok || metadata.Kind(r.Kind) != metadata.KindDenied {
		t.Errorf("a viewer makes a directory: %v", r)
	}
	if err := w.kv.Set(keyUser("vic"), marshal(&metapb.UserRow{Name: "vic", Hash: "x", Role: 6})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ask(look); err == nil || metadata.KindOf(err) != metadata.KindDenied {
		t.Errorf("an unknown role lists: %v, want denied", err)
	}
}
