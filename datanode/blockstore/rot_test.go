package blockstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// flip changes bits of a byte in a file on disk.
func flip(t testing.TB, name string, off int64, mask byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatalf("read %s at %d: %v", name, off, err)
	}
	b[0] ^= mask
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
}

// rotStore makes a closed disk with small blocks 1..n of volume 1 in packs and
// a large one, 1 of volume 2.
func rotStore(t testing.TB, n int) Config {
	t.Helper()
	cfg := small(vfs.Default, t.TempDir()+"/disk")
	s := mustFormat(t, cfg)
	for i := range n {
		mustPut(t, s, bid(1, i+1), 5000)
	}
	mustPut(t, s, bid(2, 1), 40_000)
	mustClose(t, s)
	return cfg
}

// place returns where a block's record or file is.
func place(t testing.TB, s *Store, id metadata.BlockID) (name string, off int64) {
	t.Helper()
	r, err := s.lookup(keyOf(id))
	if err != nil || !r.live() {
		t.Fatalf("lookup %v: %v, %v", id, r, err)
	}
	if r.kind == recordFile {
		return s.filePath(r.file(keyOf(id))), 0
	}
	return packPath(s.fs, s.dir, r.pack), r.off
}

// TestBitRotRead flips bits everywhere in a stored block: reads must report
// damage, the scrub must find it, other blocks must stay, and a put must heal it.
func TestBitRotRead(t *testing.T) {
	cfg := rotStore(t, 5)
	s := mustOpen(t, cfg)
	defer s.Close()
	for _, id := range []metadata.BlockID{bid(1, 3), bid(2, 1)} {
		n, err := s.Stat(id)
		if err != nil {
			t.Fatal(err)
		}
		total := recordSize(recordBlock, uint32(n))
		data := int64(recordHeaderBytes + 4*chunkCount(uint32(n)))
		if id.Volume == 2 {
			total, data = n+footerBytes(uint32(n)), 0
		}
		for off := int64(0); off < total; off += 61 * n / 5000 {
			name, base := place(t, s, id)
			if id.Volume == 1 && off >= data+n {
				break // padding
			}
			flip(t, name, base+off, 1<<(off%8))
			_, err := readAll(s, id)
			wantKind(t, fmt.Sprintf("read %v, bit flipped at %d", id, off), err, metadata.KindCorrupt)
			v, err := s.Verify(context.Background(), id.Volume, nil)
			if err != nil || len(v.Corrupt) != 1 || v.Corrupt[0] != id.Local {
				t.Fatalf("Verify, bit flipped at %d: got %+v, %v", off, v, err)
			}
			wantBlock(t, s, bid(1, 4), 5000)
			if off%488 == 0 { // heal by a put; else by flipping back
				mustPut(t, s, id, int(n))
			} else {
				flip(t, name, base+off, 1<<(off%8))
			}
			wantBlock(t, s, id, int(n))
		}
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
	if err := s.Compact(context.Background()); err != nil {
		t.Error(err)
	}
	wantBlock(t, s, bid(1, 3), 5000)
	wantBlock(t, s, bid(2, 1), 40_000)
}

// TestMidLogDamage damages acknowledged records and loses the index: the scan
// must report the damage and find everything behind it.
func TestMidLogDamage(t *testing.T) {
	for _, c := range []struct {
		name       string
		local      int   // the block whose record is damaged
		at, n      int64 // bytes of its record
		readable   bool  // the header is intact: the block is known, and corrupt
		lastSealed bool
	}{
		{"magic", 3, 0, 1, false, false},
		{"kind", 3, 5, 1, false, false},
		{"length", 3, 24, 4, false, false},
		{"checksum of the header", 3, 48, 1, false, false},
		{"checksum of a chunk", 3, 56, 1, false, false},
		{"data", 3, 100, 1, true, false},
		{"whole record", 3, 0, 5000, false, false},
		{"two records", 3, 100, 6000, true, false},
		{"last record of a sealed pack", 12, 2, 1, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := rotStore(t, 30)
			s := mustOpen(t, cfg)
			local := c.local
			if c.lastSealed {
				first, _ := place(t, s, bid(1, 1))
				for name, _ := place(t, s, bid(1, local)); name == first; name, _ = place(t, s, bid(1, local)) {
					local++
				}
				local--
			}
			name, off := place(t, s, bid(1, local))
			mustClose(t, s)
			for i := range c.n {
				flip(t, name, off+c.at+i, 0xa5)
			}
			if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, cfg)
			defer s.Close()
			lost := countLost(t, s, 30, local, c.readable)
			wantLost := 1
			if c.n > 5056 {
				wantLost = 2
			}
			if lost != wantLost {
				t.Errorf("lost %d blocks, want %d", lost, wantLost)
			}
			if got := s.Stats().Damages; got == 0 && !c.readable {
				t.Error("no damage was reported")
			}
			mustPut(t, s, bid(1, local), 5000)
			wantBlock(t, s, bid(1, local), 5000)
			if bad := fsck(s); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

// countLost reads blocks 1..n and returns how many are not there. Only the
// damaged one may be there and corrupt.
func countLost(t *testing.T, s *Store, n, damaged int, readable bool) (lost int) {
	t.Helper()
	for i := range n {
		_, err := readAll(s, bid(1, i+1))
		switch {
		case err == nil:
			wantBlock(t, s, bid(1, i+1), 5000)
			continue
		case i+1 == damaged && readable:
			// In a sealed pack only headers are read again: the read finds it.
			wantKind(t, "damaged block", err, metadata.KindCorrupt)
		default:
			wantKind(t, fmt.Sprintf("block %d", i+1), err, metadata.KindNotFound)
		}
		lost++
	}
	return lost
}

// TestTailDamageActive tells a torn tail of the active pack from damage to
// something acknowledged before the last group.
func TestTailDamageActive(t *testing.T) {
	for _, c := range []struct {
		local       int
		wantDamages int64
	}{{2, 1}, {4, 0}} { // block 4 is the last group: it looks like a torn tail
		cfg := small(vfs.Default, t.TempDir()+"/disk")
		s := mustFormat(t, cfg)
		for i := range 4 {
			mustPut(t, s, bid(1, i+1), 5000)
		}
		name, off := place(t, s, bid(1, c.local))
		mustClose(t, s)
		flip(t, name, off+300, 1)
		if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, cfg)
		if got := s.Stats().Damages; got != c.wantDamages {
			t.Errorf("block %d: %d damages, want %d", c.local, got, c.wantDamages)
		}
		_, err := readAll(s, bid(1, c.local))
		if c.wantDamages > 0 {
			wantKind(t, "damaged", err, metadata.KindCorrupt)
		} else {
			wantKind(t, "torn", err, metadata.KindNotFound)
		}
		if now, _ := place(t, s, bid(1, 1)); now != name {
			t.Errorf("block 1 is in %s, was in %s", now, name)
		}
		mustPut(t, s, bid(1, 9), 5000)
		if now, _ := place(t, s, bid(1, 9)); now == name {
			t.Error("a pack with a bad tail is appended to")
		}
		mustClose(t, s)
		checkReopen(t, cfg)
	}
}

// checkReopen opens a disk twice, the second time without its index, and
// expects the same blocks.
func checkReopen(t *testing.T, cfg Config) {
	t.Helper()
	var lists [2][]metadata.BlockRef
	for i := range lists {
		s := mustOpen(t, cfg)
		var err error
		if lists[i], err = s.List(1, 0, 0); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := fmt.Sprint(lists[0]), fmt.Sprint(lists[1]); a != b {
		t.Errorf("blocks %s, after a rebuild %s", a, b)
	}
}

// TestIndexRot flips bits in every file of the index: whatever comes of it, no
// block is lost and none is wrong.
func TestIndexRot(t *testing.T) {
	cfg := rotStore(t, 20)
	var files []string
	err := filepath.WalkDir(filepath.Join(cfg.Dir, indexName), func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("files of the index: %v, %v", files, err)
	}
	for _, name := range files {
		stat, err := os.Stat(name)
		if err != nil || stat.Size() == 0 {
			continue
		}
		for part := range 4 {
			flip(t, name, stat.Size()*int64(part)/4, 0x10)
		}
		checkAfterIndexRot(t, cfg, filepath.Base(name))
		if t.Failed() {
			return
		}
	}
}

// checkAfterIndexRot opens, and opens again if the first time found the rot
// only in the middle of something.
func checkAfterIndexRot(t *testing.T, cfg Config, name string) {
	t.Helper()
	for try := range 3 {
		s, err := Open(cfg)
		if err != nil {
			t.Fatalf("%s: Open: %v", name, err)
		}
		ok := true
		for i := range 20 {
			got, err := readAll(s, bid(1, i+1))
			if err == nil && string(got) != string(content(bid(1, i+1), 5000)) {
				t.Fatalf("%s: block %d has other data", name, i+1)
			}
			if err != nil && metadata.KindOf(err) != metadata.KindUnavailable {
				t.Fatalf("%s: block %d: %v", name, i+1, err)
			}
			ok = ok && err == nil
		}
		failed := s.Failed() != nil
		_ = s.Close() // a failed disk says so
		if ok && !failed {
			return
		}
		t.Logf("%s: try %d: index found damaged", name, try)
	}
	t.Errorf("%s: the index is not rebuilt", name)
}

// TestIdentityRot: one bad copy of the id is no harm, two are said.
func TestIdentityRot(t *testing.T) {
	cfg := rotStore(t, 2)
	name := filepath.Join(cfg.Dir, idName)
	for off := int64(0); off < idRecordBytes; off += 5 {
		flip(t, name, off, 0x40)
		s := mustOpen(t, cfg)
		wantBlock(t, s, bid(1, 1), 5000)
		mustClose(t, s)
		flip(t, name, idCopyBytes+off, 0x40)
		_, err := Open(cfg)
		wantKind(t, "both copies damaged", err, metadata.KindCorrupt)
		flip(t, name, off, 0x40)
		flip(t, name, idCopyBytes+off, 0x40)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	_, err := Open(cfg)
	wantKind(t, "no id", err, metadata.KindNotFound)
	_, err = Format(cfg.Dir, FormatOptions{})
	wantKind(t, "format over packs", err, metadata.KindConflict)
}

// TestLostPack removes a pack: its blocks are gone from the lists, so that the
// digests tell, and the others stay.
func TestLostPack(t *testing.T) {
	cfg := rotStore(t, 30)
	s := mustOpen(t, cfg)
	name, _ := place(t, s, bid(1, 1))
	mustClose(t, s)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, cfg)
	defer s.Close()
	_, err := readAll(s, bid(1, 1))
	wantKind(t, "block of a lost pack", err, metadata.KindNotFound)
	wantBlock(t, s, bid(1, 30), 5000)
	if s.Stats().Damages == 0 {
		t.Error("no damage was reported")
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
	mustPut(t, s, bid(1, 1), 5000)
}

// TestLostFile removes the file of a large block.
func TestLostFile(t *testing.T) {
	cfg := rotStore(t, 1)
	s := mustOpen(t, cfg)
	defer s.Close()
	name, _ := place(t, s, bid(2, 1))
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	_, err := readAll(s, bid(2, 1))
	wantKind(t, "block whose file is lost", err, metadata.KindCorrupt)
	v, err := s.Verify(context.Background(), 2, nil)
	if err != nil || len(v.Corrupt) != 1 {
		t.Errorf("Verify: got %+v, %v", v, err)
	}
	mustPut(t, s, bid(2, 1), 40_000)
	wantBlock(t, s, bid(2, 1), 40_000)
}

// TestForgedRecord stores a block whose data looks like records of the pack,
// then damages the record before it: the scan must not believe the data.
func TestForgedRecord(t *testing.T) {
	cfg := small(vfs.Default, t.TempDir()+"/disk")
	s := mustFormat(t, cfg)
	mustPut(t, s, bid(1, 1), 5000)
	// The best a client could do: right place and format, but not the secret.
	off := packHeaderBytes + recordSize(recordBlock, 5000)*2 + recordHeaderBytes + 4
	var forged []byte
	for len(forged) < 4000 {
		h := header{kind: recordTombstone, key: key{1, 1}, size: recordHeaderBytes, batch: off}
		forged = appendHeader(forged, recordMagic, h, nil, placeCRC(0, 1, off+int64(len(forged))))
	}
	mustPut(t, s, bid(1, 2), 5000)
	if err := s.Put(context.Background(), bid(1, 3), forged, Checksums(forged)); err != nil {
		t.Fatal(err)
	}
	name, at := place(t, s, bid(1, 3))
	mustPut(t, s, bid(1, 4), 5000)
	mustClose(t, s)
	flip(t, name, at, 1)
	if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, cfg)
	defer s.Close()
	for _, local := range []int{1, 2, 4} {
		wantBlock(t, s, bid(1, local), 5000)
	}
}

// TestAdoption: a damaged log may have lost the record of a large block whose
// file is whole; it is taken up again.
func TestAdoption(t *testing.T) {
	cfg := small(vfs.Default, t.TempDir()+"/disk")
	s := mustFormat(t, cfg)
	mustPut(t, s, bid(2, 1), 40_000)
	r, err := s.lookup(key{2, 1})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, bid(1, 1), 100)
	mustPut(t, s, bid(1, 2), 100)
	mustClose(t, s)
	flip(t, packPath(vfs.Default, cfg.Dir, r.pack), r.off+8, 1)
	if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, cfg)
	defer s.Close()
	wantBlock(t, s, bid(2, 1), 40_000)
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
}

// TestLock refuses a second opening.
func TestLock(t *testing.T) {
	for _, fs := range []vfs.FS{vfs.Default, vfs.NewMem()} {
		cfg := small(fs, t.TempDir()+"/d")
		if fs != vfs.Default {
			cfg.Dir = "/d"
		}
		s := mustFormat(t, cfg)
		_, err := Open(cfg)
		wantKind(t, "second Open", err, metadata.KindUnavailable)
		if !strings.Contains(err.Error(), "in use") {
			t.Errorf("second Open: got %v", err)
		}
		mustClose(t, s)
		mustClose(t, mustOpen(t, cfg))
		_, err = Format(cfg.Dir, FormatOptions{FS: fs})
		wantKind(t, "second Format", err, metadata.KindExists)
		if !errors.Is(err, os.ErrExist) {
			t.Errorf("second Format: %v is not ErrExist", err)
		}
	}
}

// badSector is a file system with a page that cannot be read.
type badSector struct {
	vfs.FS
	name string
	off  int64
}

type badFile struct {
	vfs.File
	off int64
}

func (b badSector) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := b.FS.Open(name, opts...)
	if err != nil || name != b.name {
		return f, err
	}
	return badFile{f, b.off}, nil
}

func (b badFile) ReadAt(p []byte, off int64) (int, error) {
	if off < b.off+4096 && off+int64(len(p)) > b.off {
		return 0, syscall.EIO
	}
	return b.File.ReadAt(p, off)
}

// TestBadSector: a page of a pack that cannot be read costs the blocks in it,
// also when the index is lost and the pack must be read.
func TestBadSector(t *testing.T) {
	cfg := rotStore(t, 10)
	s := mustOpen(t, cfg)
	name, off := place(t, s, bid(1, 4))
	mustClose(t, s)
	cfg.FS = badSector{vfs.Default, name, (off + 4096) &^ 4095}
	for _, lose := range []bool{false, true} {
		if lose {
			if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
				t.Fatal(err)
			}
		}
		s = mustOpen(t, cfg)
		lost := 0
		for i := range 10 {
			if _, err := readAll(s, bid(1, i+1)); err != nil {
				lost++
			}
		}
		if lost < 1 || lost > 2 {
			t.Errorf("index lost %v: %d blocks lost, want 1 or 2", lose, lost)
		}
		if lose && s.Stats().Damages == 0 {
			t.Error("no damage was reported")
		}
		mustPut(t, s, bid(1, 4), 5000)
		wantBlock(t, s, bid(1, 4), 5000)
		mustClose(t, s)
	}
}
