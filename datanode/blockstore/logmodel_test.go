package blockstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kendfs/metadata"
)

// drawnRecord is a record as it may come in a log.
func drawnRecord(t *rapid.T) header {
	h := header{kind: rapid.SampledFrom([]recordKind{recordBlock, recordFile, recordFence, recordTombstone}).Draw(t, "kind")}
	h.key = key{metadata.VolumeID(rapid.IntRange(1, 2).Draw(t, "volume")), metadata.LocalID(rapid.IntRange(1, 5).Draw(t, "local"))}
	switch h.kind {
	case recordBlock:
		h.length = uint32(rapid.IntRange(1, 3000).Draw(t, "length"))
	case recordFile:
		h.length, h.aux = uint32(rapid.IntRange(1, 3000).Draw(t, "length")), uint64(rapid.IntRange(1, 3).Draw(t, "generation"))
	case recordFence:
		h.key.local, h.aux = 0, uint64(rapid.IntRange(1, 9).Draw(t, "fence"))
	case recordTombstone:
		if rapid.Bool().Draw(t, "of a fence") {
			h.key.local = 0
		}
	}
	return h
}

// emptyStore is a store with an empty index and no packs.
func emptyStore(t *rapid.T) *Store {
	mem := vfs.NewMem()
	if _, err := Format("/d", FormatOptions{FS: mem, Disk: 7}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(small(mem, "/d"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counted is what the records of a log come to, by the dumbest way.
type counted struct {
	newest map[key]row
	live   map[uint32]int64
}

func countLog(log []header, pack func(i int) (uint32, int64)) counted {
	c := counted{map[key]row{}, map[uint32]int64{}}
	for i, h := range log {
		old, known := c.newest[h.key]
		if h.kind == recordTombstone && !known {
			continue
		}
		p, off := pack(i)
		if known {
			c.live[old.pack] -= old.size()
		}
		r := row{h.kind, p, off, h.length, h.aux}
		c.newest[h.key] = r
		c.live[p] += r.size()
	}
	return c
}

// However a log is cut into groups, the index comes out the same, and as
// counting by hand has it: so what recovery makes of a log is what the running
// store had made of it.
func TestGroupsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := rapid.SliceOfN(rapid.Custom(drawnRecord), 1, 60).Draw(t, "log")
		packOf := func(i int) (uint32, int64) { return uint32(100 + i/15), int64(4096 + 64*(i%15)) }
		var dumps [][]string
		var last *Store
		for _, most := range []int{1, rapid.IntRange(2, 9).Draw(t, "group"), len(log)} {
			s := emptyStore(t)
			defer s.Close()
			for part := range slices.Chunk(slices.Collect(indices(log)), most) {
				err := s.submit(context.Background(), &op{stage: func(tx *txn, _ *group) error {
					for _, i := range part {
						p, off := packOf(i)
						if err := tx.apply(log[i], p, off); err != nil {
							return err
						}
					}
					return nil
				}})
				if err != nil {
					t.Fatal(err)
				}
			}
			dumps = append(dumps, dumpRows(t, s))
			last = s
		}
		for i := range dumps[1:] {
			if a, b := fmt.Sprint(dumps[0]), fmt.Sprint(dumps[i+1]); a != b {
				t.Fatalf("one record at a time:\n%s\nin groups:\n%s", a, b)
			}
		}
		want := countLog(log, packOf)
		for k, r := range want.newest {
			got, err := last.index.lookup(k)
			if err != nil || got != r {
				t.Fatalf("%v: %+v, %v, want %+v", k, got, err, r)
			}
		}
		for p, n := range want.live {
			if got, _ := last.state.pack(p); got.live != n {
				t.Fatalf("pack %d: %d live bytes, want %d", p, got.live, n)
			}
		}
	})
}

func indices[T any](s []T) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range s {
			if !yield(i) {
				return
			}
		}
	}
}

// dumpRows returns all rows but those of the active pack.
func dumpRows(t *rapid.T, s *Store) []string {
	var out []string
	err := s.index.scan(nil, []byte{0xff}, func(k, v []byte) (bool, error) {
		if !bytes.Equal(k, packKey(1)) && k[0] != rowsMeta {
			out = append(out, fmt.Sprintf("%c %x %x", k[0], k[1:], v))
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// written is a record of a pack that was made for the scanner.
type written struct {
	off, size int64
	batch     int64
	key       key
	bad       bool
}

// drawPack makes pack 1: groups of blocks, tombstones and fences.
func drawPack(t *rapid.T, secret uint32) (b []byte, log []written) {
	b = appendPackHeader(nil, 1, 1)
	local := 0
	for range rapid.IntRange(1, 6).Draw(t, "groups") {
		batch := int64(len(b))
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			local++
			h := header{kind: recordTombstone, key: key{1, metadata.LocalID(local)}, batch: batch}
			var data []byte
			if rapid.IntRange(0, 3).Draw(t, "what") > 0 {
				data = content(bid(1, local), rapid.SampledFrom([]int{1, 60, 700, metadata.ChunkBytes + 5}).Draw(t, "length"))
				h.kind, h.length = recordBlock, uint32(len(data))
			}
			h.size = uint32(recordSize(h.kind, h.length))
			off := int64(len(b))
			var sums []uint32
			if h.kind == recordBlock {
				sums = Checksums(data)
			}
			b = appendHeader(b, recordMagic, h, sums, placeCRC(secret, 1, off))
			b = append(b, data...)
			b = append(b, make([]byte, off+int64(h.size)-int64(len(b)))...)
			log = append(log, written{off, int64(h.size), batch, h.key, false})
		}
	}
	return b, log
}

// The scanner finds every sound record of a sealed pack and vouches for no
// other, whatever parts of it are overwritten.
func TestScanFindsWhatIsSound(t *testing.T) {
	const secret = 99
	rapid.Check(t, func(t *rapid.T) {
		b, log := drawPack(t, secret)
		for range rapid.IntRange(0, 4).Draw(t, "damages") {
			at := int64(rapid.IntRange(packHeaderBytes, len(b)-1).Draw(t, "at"))
			n := int64(rapid.SampledFrom([]int{1, 8, 300, 5000}).Draw(t, "bytes"))
			fill := byte(rapid.SampledFrom([]int{0, 0xff, 'K'}).Draw(t, "fill"))
			for i := at; i < min(at+n, int64(len(b))); i++ {
				b[i] ^= fill | 1
			}
			for i := range log {
				w := &log[i]
				w.bad = w.bad || at < w.off+w.size && at+n > w.off
			}
		}
		found := map[int64]scanned{}
		sc := &scanner{f: bytes.NewReader(b), pack: 1, secret: secret, size: int64(len(b)), sealed: true, verify: true}
		res, err := sc.walk(context.Background(), packHeaderBytes, func(rec scanned) error {
			found[rec.off] = rec
			return nil
		})
		if err != nil && metadata.KindOf(err) != metadata.KindUnsupported {
			t.Fatal(err)
		}
		anyBad := false
		for _, w := range log {
			rec, ok := found[w.off]
			if anyBad = anyBad || w.bad; !w.bad && (!ok || rec.corrupt || rec.key != w.key) {
				t.Fatalf("the sound record at %d was not found: %+v, %v", w.off, rec, ok)
			}
			delete(found, w.off)
		}
		if len(found) != 0 {
			t.Fatalf("records where none were written: %+v", found)
		}
		if !anyBad && (len(res.damages) != 0 || res.dirty || res.end != int64(len(b))) {
			t.Fatalf("a sound pack: %+v", res)
		}
	})
}

// In a pack that is not sealed, what lies behind a bad place counts if a later
// group shows that the bad place had been synced; otherwise the log ends there,
// and what is good of the torn group is rescued.
func TestScanTellsTornFromDamaged(t *testing.T) {
	const secret = 99
	rapid.Check(t, func(t *rapid.T) {
		b, log := drawPack(t, secret)
		i := rapid.IntRange(0, len(log)-1).Draw(t, "bad record")
		log[i].bad = true
		b[log[i].off+int64(rapid.IntRange(0, 47).Draw(t, "byte"))] ^= 0x21
		b = append(b, make([]byte, rapid.SampledFrom([]int{0, 4096}).Draw(t, "zeros"))...)
		var got []key
		sc := &scanner{f: bytes.NewReader(b), pack: 1, secret: secret, size: int64(len(b)), verify: true}
		res, err := sc.walk(context.Background(), packHeaderBytes, func(rec scanned) error {
			if !rec.corrupt {
				got = append(got, rec.key)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		torn := true // no record of a later group than the bad one's place
		for _, w := range log[i+1:] {
			torn = torn && w.batch <= log[i].off
		}
		var want, rescued []key
		for j, w := range log {
			switch {
			case j == i:
			case j < i || !torn:
				want = append(want, w.key)
			default:
				rescued = append(rescued, w.key)
			}
		}
		var saved []key
		for _, rec := range res.rescued {
			saved = append(saved, rec.key)
		}
		if !slices.Equal(got, want) || !slices.Equal(saved, rescued) {
			t.Fatalf("torn %v: found %v, rescued %v; want %v and %v", torn, got, saved, want, rescued)
		}
		if torn && (!res.dirty || len(res.damages) != 0 || res.end != log[i].off) || !torn && len(res.damages) == 0 {
			t.Fatalf("torn %v: %+v", torn, res)
		}
	})
}
