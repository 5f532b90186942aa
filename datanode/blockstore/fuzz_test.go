package blockstore

import (
	"bytes"
	"context"
	"testing"

	"kendfs/metadata"
)

// fuzzPack makes the body of a good pack 1.
func fuzzPack(secret uint32) []byte {
	b := appendPackHeader(nil, 1, 1)
	add := func(h header, sums []uint32, data []byte) {
		h.batch = int64(len(b))
		h.size = uint32(recordSize(h.kind, h.length))
		start := len(b)
		b = appendHeader(b, recordMagic, h, sums, placeCRC(secret, 1, int64(start)))
		b = append(b, data...)
		b = append(b, make([]byte, start+int(h.size)-len(b))...)
	}
	for i := range 3 {
		data := content(bid(1, i+1), 30+i)
		add(header{kind: recordBlock, key: key{1, metadata.LocalID(i + 1)}, length: uint32(len(data))}, Checksums(data), data)
	}
	add(header{kind: recordTombstone, key: key{1, 1}}, nil, nil)
	add(header{kind: recordFence, key: key{1, 0}, aux: 4}, nil, nil)
	return b
}

// FuzzScan: whatever is in a pack, the scanner ends, reports records in order
// and without overlap inside the file, and vouches only for data that matches.
func FuzzScan(f *testing.F) {
	const secret = 77
	good := fuzzPack(secret)
	f.Add(good, false)
	f.Add(good, true)
	f.Add(good[:len(good)-20], false)
	for _, at := range []int{packHeaderBytes, packHeaderBytes + 30, packHeaderBytes + 70, packHeaderBytes + 100} {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		f.Add(bad, at%2 == 0)
	}
	f.Add(append(bytes.Clone(good), make([]byte, 5000)...), false)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		sc := &scanner{f: bytes.NewReader(b), pack: 1, secret: secret, size: int64(len(b)), sealed: sealed, verify: true}
		last := int64(packHeaderBytes)
		res, err := sc.walk(context.Background(), packHeaderBytes, func(rec scanned) error {
			if rec.off < last || rec.off%8 != 0 || rec.off+int64(rec.size) > int64(len(b)) && !rec.corrupt {
				t.Fatalf("record at %d of %d bytes, %d in all; last ended at %d", rec.off, rec.size, len(b), last)
			}
			last = rec.off + int64(rec.size)
			if rec.kind == recordBlock && !rec.corrupt {
				n := int64(recordHeaderBytes + 4*chunkCount(rec.length))
				sums := decodeSums(b[rec.off+recordHeaderBytes : rec.off+n])
				if !equalSums(Checksums(b[rec.off+n:][:rec.length]), sums) {
					t.Fatalf("record at %d: data does not match", rec.off)
				}
			}
			return nil
		})
		if err != nil {
			if metadata.KindOf(err) != metadata.KindUnsupported {
				t.Fatal(err)
			}
			return
		}
		if size := max(int64(len(b)), packHeaderBytes); res.end > size || res.end < packHeaderBytes {
			t.Fatalf("end %d of %d", res.end, len(b))
		}
	})
}

// FuzzIdentity: what is accepted encodes to the same bytes.
func FuzzIdentity(f *testing.F) {
	b := appendIdentity(nil, testIdentity())
	f.Add(b)
	page := append(bytes.Clone(b), make([]byte, idCopyBytes-len(b))...)
	f.Add(append(page, page...))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := decodeIdentity(b)
		if err != nil {
			return
		}
		again, err := decodeIdentity(appendIdentity(nil, i))
		if err != nil || again != i {
			t.Fatalf("got %+v, %v, want %+v", again, err, i)
		}
	})
}

// FuzzFooter: what is accepted is of this file, and has a checksum per chunk.
func FuzzFooter(f *testing.F) {
	file := blockFile{key{1, 3}, 5}
	f.Add(appendFooter(nil, header{kind: recordFile, key: file.key, length: 20_000, aux: 5}, []uint32{1, 2}, 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, sums, err := parseFooter(b, file, 7)
		if err == nil && (h.key != file.key || len(sums) != chunkCount(h.length) || int64(len(b)) != footerBytes(h.length)) {
			t.Fatalf("got %+v with %d sums from %d bytes", h, len(sums), len(b))
		}
	})
}

// FuzzRows: rows decode to what encodes to them, or not at all.
func FuzzRows(f *testing.F) {
	f.Add(appendRow(nil, row{recordBlock, 7, 8192, 20_000, 0}))
	f.Add(appendCounters(nil, counters{3, 60_000, 1 << 63, 12, true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRow(b); err == nil {
			if again, err := decodeRow(appendRow(nil, r)); err != nil || again != r {
				t.Fatalf("row: got %+v, %v, want %+v", again, err, r)
			}
		}
		if c, err := decodeCounters(b); err == nil {
			if again, err := decodeCounters(appendCounters(nil, c)); err != nil || again != c {
				t.Fatalf("counters: got %+v, %v, want %+v", again, err, c)
			}
		}
		_, _ = decodePackInfo(b)
	})
}

// TestTruncations opens a disk whose pack was cut at every place: what is whole
// is there, nothing is wrong, and the disk can be used.
func TestTruncations(t *testing.T) {
	whole := loadGolden(t)
	f, err := whole.Open("/d/packs/000001")
	if err != nil {
		t.Fatal(err)
	}
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, stat.Size())
	if _, err := f.ReadAt(body, 0); err != nil {
		t.Fatal(err)
	}
	step := 97
	if soak() {
		step = 1
	}
	for n := 0; n < len(body); n += step {
		mem := loadGolden(t)
		if err := writeFile(mem, "/d/packs/000001", bytes.Clone(body[:n])); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, goldenConfig(mem))
		refs, err := s.List(1, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range refs {
			wantBlock(t, s, r.ID, 300)
		}
		mustPut(t, s, bid(7, 7), 300)
		wantBlock(t, s, bid(7, 7), 300)
		if bad := fsck(s); len(bad) > 0 {
			t.Fatalf("cut at %d: %v", n, bad)
		}
		mustClose(t, s)
	}
}
