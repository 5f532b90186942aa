package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// wantHot checks what the rows say about key in the state at index.
func wantHot(t *testing.T, h *hotRows, key string, index uint64, want string, found bool) {
	t.Helper()
	if got, ok := h.get([]byte(key), index); ok != found || string(got) != want {
		t.Errorf("get(%s, %d): got %q, %v, want %q, %v", key, index, got, ok, want, found)
	}
}

func TestHotRows(t *testing.T) {
	h := newHotRows(5)
	h.learn([]byte("Da"), []byte("1"), 5)
	h.learn([]byte("Db"), nil, 5)
	h.learn([]byte("Dc"), []byte("late"), 4)
	wantHot(t, h, "Da", 5, "1", true)
	wantHot(t, h, "Db", 5, "", true) // known to be absent
	wantHot(t, h, "Dc", 5, "", false)

	writes := map[string][]byte{"Da": []byte("2"), "Dd": []byte("new")}
	h.begin(writes)
	wantHot(t, h, "Da", 5, "", false)
	wantHot(t, h, "Db", 5, "", true)
	h.learn([]byte("Da"), []byte("1"), 5) // of a snapshot from before
	wantHot(t, h, "Da", 5, "", false)
	h.finish(writes, 6)
	wantHot(t, h, "Da", 5, "", false) // a reader of the state before
	wantHot(t, h, "Da", 6, "2", true)
	wantHot(t, h, "Db", 5, "", true)
	wantHot(t, h, "Db", 6, "", true)
	wantHot(t, h, "Dd", 7, "new", true)
	h.learn([]byte("Dc"), []byte("old"), 5)
	wantHot(t, h, "Dc", 6, "", false)
	if index, changing := h.at(); index != 6 || changing {
		t.Errorf("at: got %d, %v, want 6, false", index, changing)
	}
	h.reset(3)
	wantHot(t, h, "Da", 6, "", false)
	h.learn([]byte("Da"), []byte("3"), 3)
	wantHot(t, h, "Da", 3, "3", true)
}

// What is asked for stays, what is not goes, and the bounds hold.
func TestHotRowsForget(t *testing.T) {
	h := newHotRows(1)
	h.learn([]byte("Dkept"), []byte("k"), 1)
	h.learn([]byte("Dgone"), []byte("g"), 1)
	val := []byte(strings.Repeat("v", 1000))
	for i := range 20_000 {
		h.learn(fmt.Appendf(nil, "D%d", i), val, 1)
		if _, ok := h.get([]byte("Dkept"), 1); !ok {
			t.Fatalf("a row that is asked for was forgotten after %d others", i)
		}
		if n := len(h.young) + len(h.old); n*(1000+hotRowBytes) > 2*hotBytesMax+2*(1000+hotRowBytes) {
			t.Fatalf("%d rows are kept", n)
		}
	}
	wantHot(t, h, "Dgone", 1, "", false)
	for key := range h.young {
		h.begin(map[string][]byte{key: nil})
	}
	if len(h.young) != 0 || h.bytes != 0 {
		t.Errorf("%d rows and %d bytes are left when all were taken out", len(h.young), h.bytes)
	}
}

// pairMachine writes its index into some rows, hot ones and others, and answers
// what is in them, or an error if that is not the same in all.
func pairMachine() *machine {
	m := namespaceMachine()
	keys := func() [][]byte { return [][]byte{[]byte("Da"), []byte("Zb"), []byte("Uc"), []byte("Dd")} }
	apply := m.apply
	m.apply = func(kv namespace.KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error) {
		if b.Commands[0].GetInit() != nil {
			return apply(kv, index, b)
		}
		var first string
		for i, key := range keys() {
			before, err := kv.Get(key)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				first = string(before)
			}
			if string(before) != first {
				return nil, fmt.Errorf("%q is %x before a change, another row %x", key, before, first)
			}
			if err := kv.Set(key, binary.BigEndian.AppendUint64(nil, index)); err != nil {
				return nil, err
			}
			if got, err := kv.Get(key); err != nil || binary.BigEndian.Uint64(got) != index {
				return nil, fmt.Errorf("a write of %q is not read: %x, %v", key, got, err)
			}
		}
		if index%5 == 0 { // all go
			for _, key := range keys() {
				if err := kv.Delete(key); err != nil {
					return nil, err
				}
			}
		}
		return make([]*metapb.Result, len(b.Commands)), nil
	}
	m.answer = func(r namespace.Reader, q *metapb.Query) (*metapb.Answer, error) {
		if q.GetCluster() != nil {
			return namespace.Answer(r, q)
		}
		var first string
		for i, key := range keys() {
			val, err := r.Get(key)
			if err != nil {
				return nil, err
			}
			if i > 0 && string(val) != first {
				return nil, fmt.Errorf("%q is %x in a state where another row is %x", key, val, first)
			}
			first = string(val)
		}
		a := &metapb.Answer{}
		if first != "" {
			a.Used = int64(binary.BigEndian.Uint64([]byte(first)))
		}
		return a, nil
	}
	return m
}

// Queries beside changes see all rows of one state, and never an older one
// than a query before them or than a change that was answered.
func TestQueriesSeeOneState(t *testing.T) {
	cfg := memNode()
	cfg.machine = pairMachine()
	n := openNode(t, cfg)
	ctx := testContext(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var seen uint64
			for {
				a, err := n.Query(ctx, &metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: "/"}}})
				if err != nil {
					t.Error(err)
					return
				}
				if a.Applied < seen { // what it sees may be newer
					t.Errorf("a query of the state at %d sees %d, one before it %d", a.Applied, a.Used, seen)
					return
				}
				seen = a.Applied
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 400 {
		if _, err := n.Propose(ctx, mkdir("/x")); err != nil {
			t.Error(err)
			break
		}
		a, err := n.Query(ctx, &metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: "/"}}})
		if err != nil || a.Used != 0 && uint64(a.Used) != a.Applied || a.Used == 0 && a.Applied%5 != 0 {
			t.Errorf("after an answered change: %v, %v", a, err)
			break
		}
	}
	close(done)
	wg.Wait()
}

// A reader that needs a snapshot when its state has been replaced says so, and
// one in time keeps to its state.
func TestHotReaderMoves(t *testing.T) {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem()})
	must(t, err)
	defer db.Close()
	rows := newHotRows(1)
	change := func(index uint64, val string) {
		w := newRowWriter(db, rows, index-1)
		must(t, w.Set([]byte("Da"), []byte(val)))
		must(t, w.Set([]byte("Vb"), []byte(val)))
		must(t, w.commit(index))
		must(t, w.b.Close())
	}
	change(2, "two")
	late := &hotReader{db: db, rows: rows, index: 2}
	if got, err := late.Get([]byte("Da")); string(got) != "two" || err != nil || late.snap != nil {
		t.Errorf("a hot row: got %q, %v, snapshot %v", got, err, late.snap)
	}
	early := &hotReader{db: db, rows: rows, index: 2}
	must(t, early.need())
	change(3, "three")
	for _, key := range []string{"Da", "Vb"} {
		if got, err := early.Get([]byte(key)); string(got) != "two" || err != nil {
			t.Errorf("%s in the state before: got %q, %v", key, got, err)
		}
	}
	if _, err := late.Get([]byte("Vb")); !errors.Is(err, errMoved) || !late.moved {
		t.Errorf("too late for a snapshot: got %v, %v", err, late.moved)
	}
	if err := late.Scan(nil, nil, nil); !errors.Is(err, errMoved) {
		t.Errorf("scan: got %v, want that the state has moved", err)
	}
	must(t, errors.Join(early.close(), late.close()))
}

// A lookup that was made before needs no snapshot of Pebble.
func TestLookupStaysInMemory(t *testing.T) {
	n := openNode(t, memNode())
	propose(t, n, mkdir("/a"))
	propose(t, n, mkdir("/a/b"))
	for range 2 {
		index, _ := n.state.hot.at()
		r := &hotReader{db: n.state.db, rows: n.state.hot, index: index}
		a, err := namespace.Answer(r, &metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: "/a/b"}}})
		if err != nil || a.GetEntry().GetRow().GetName() != "b" || a.Applied != index {
			t.Fatalf("lookup: got %v, %v", a, err)
		}
		needed := r.snap != nil
		must(t, r.close())
		if !needed {
			return
		}
	}
	t.Error("a lookup that was made before needs a snapshot")
}
