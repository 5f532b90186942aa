package namespace

import (
	"bytes"
	"maps"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"kendfs/metadata/metapb"
)

// TestMemKV compares MemKV with a map.
func TestMemKV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kv, twin := &MemKV{}, map[string]string{}
		key := rapid.StringMatching(`[a-c]{1,4}`)
		for range rapid.IntRange(0, 2000).Draw(t, "steps") {
			k := key.Draw(t, "key")
			if rapid.IntRange(0, 3).Draw(t, "op") == 0 {
				_ = kv.Delete([]byte(k)) // cannot fail
				delete(twin, k)
				continue
			}
			v := key.Draw(t, "val")
			_ = kv.Set([]byte(k), []byte(v)) // cannot fail
			twin[k] = v
		}
		compareKV(t, kv, twin)
		clone := kv.Clone()
		for k := range twin {
			_ = kv.Set([]byte(k), []byte("other"))
			_ = kv.Delete([]byte(k + "x"))
		}
		compareKV(t, clone, twin)
	})
}

func compareKV(t *rapid.T, kv *MemKV, twin map[string]string) {
	lower, upper := "b", "cab"
	var want, got []string
	for _, k := range slices.Sorted(maps.Keys(twin)) {
		if val, _ := kv.Get([]byte(k)); string(val) != twin[k] || val == nil {
			t.Fatalf("Get(%s) = %q, want %q", k, val, twin[k])
		}
		if k >= lower && k < upper {
			want = append(want, k+"="+twin[k])
		}
	}
	_ = kv.Scan([]byte(lower), []byte(upper), func(k, v []byte) (bool, error) {
		got = append(got, string(k)+"="+string(v))
		return true, nil
	})
	if !slices.Equal(got, want) {
		t.Fatalf("Scan got %v, want %v", got, want)
	}
	if val, err := kv.Get([]byte("nothing")); val != nil || err != nil {
		t.Fatalf("Get(nothing) = %q, %v", val, err)
	}
}

func TestMemKVEmptyValue(t *testing.T) {
	kv := &MemKV{}
	if err := kv.Set([]byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	if val, err := kv.Get([]byte("k")); val == nil || len(val) != 0 || err != nil {
		t.Errorf("an empty value reads as %v, %v", val, err)
	}
}

// TestKeysSort: rows of one id lie together, in the order of what follows.
func TestKeysSort(t *testing.T) {
	keys := [][]byte{
		keyEntry(1, ""), keyEntry(1, "a"), keyEntry(1, "a\x01"), keyEntry(1, "b"), keyEntry(2, "a"), keyEntry(256, "a"),
		keyLockPath("/a", "t"), keyLockPath("/a/b", "t"), keyLockPath("/a0", "t"),
		keyDead(-5, 9, 9), keyDead(1, 1, 2), keyDead(1, 2, 1), keyDead(2, 0, 0),
		keyRefs(1, 0), keyRefs(1, 1), keyRefs(1, 256), keyRefs(2, 0),
	}
	groups := [][2]int{{0, 6}, {6, 9}, {9, 13}, {13, 17}}
	for _, g := range groups {
		if !sort.SliceIsSorted(keys[g[0]:g[1]], func(i, j int) bool {
			return bytes.Compare(keys[g[0]+i], keys[g[0]+j]) < 0
		}) {
			t.Errorf("keys %d to %d are not in order", g[0], g[1])
		}
	}
	end := prefixEnd(key1(tableEntry, 1))
	if bytes.Compare(keyEntry(1, "\xff\xff"), end) >= 0 || bytes.Compare(keyEntry(2, ""), end) < 0 {
		t.Errorf("prefixEnd of directory 1 is %x", end)
	}
	if got, want := prefixEnd([]byte{'D', 0xff, 0xff}), []byte{'E'}; !bytes.Equal(got, want) {
		t.Errorf("prefixEnd = %x, want %x", got, want)
	}
	if got := prefixEnd([]byte{0xff}); got != nil {
		t.Errorf("prefixEnd of the last prefix = %x, want none", got)
	}
	if keyID([]byte("D"), 0) != 0 || keyID(keyDead(3, 4, 5), 2) != 5 {
		t.Error("keyID reads wrong")
	}
	if a, l := pairOf(pairRow(7, 8)); a != 7 || l != 8 {
		t.Errorf("pairOf = %d, %d", a, l)
	}
	if a, l := pairOf([]byte{1}); a != 0 || l != 0 || u64Of([]byte{1}) != 0 {
		t.Error("short values read as something")
	}
}

// TestRowsAreStable: the bytes of rows, as they are on disks. A change here
// needs a new ClusterRow.format.
func TestRowsAreStable(t *testing.T) {
	w := newWorld(t)
	w.must(mkdirCmd("/d"))
	w.must(commitCmd(w.commitOp("/d/e\u0301", 1, 10)))
	for _, c := range []struct{ key, val []byte }{
		{[]byte("D\x00\x00\x00\x00\x00\x00\x00\x02\u00e9"), encode(t, w.stored("/d/\u00e9"))},
		{[]byte("I\x00\x00\x00\x00\x00\x00\x00\x02"), []byte("\x08\x01\x12\x01d\x18\x0a\x20\x01\x40" + varint(w.now))},
		{[]byte("V\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0a")},
		{[]byte("a"), u64Row(w.index)},
	} {
		if got, err := w.kv.Get(c.key); err != nil || !bytes.Equal(got, c.val) {
			t.Errorf("row %q = %x, %v, want %x", c.key, got, err, c.val)
		}
	}
}

func varint(v int64) string {
	var b []byte
	for u := uint64(v); ; u >>= 7 {
		if u < 0x80 {
			return string(append(b, byte(u)))
		}
		b = append(b, byte(u)|0x80)
	}
}

// stored returns the row of a file as it is kept: without a name that is the key.
func (w *world) stored(path string) *metapb.EntryRow {
	v, err := newView(w.kv)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := v.walk(path)
	if err != nil || p.row == nil {
		w.t.Fatalf("walk %s: %v", path, err)
	}
	return p.row
}

func TestHot(t *testing.T) {
	for key, want := range map[string]bool{
		string(keyCluster()): true, string(keyEntry(1, "a")): true, string(keyDir(1)): true, string(keyUser("u")): true,
		string(keySession(1)): true, string(keyVolume(1)): true, string(keyApplied()): true,
		"": false, string(keyBlock(1, 1)): false, string(keyResult(1, 1)): false,
	} {
		if got := Hot([]byte(key)); got != want {
			t.Errorf("Hot(%q): got %v, want %v", key, got, want)
		}
	}
}
