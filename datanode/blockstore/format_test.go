package blockstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

func updateGolden() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	flag.Parse()
	os.Exit(m.Run())
}

func testIdentity() identity {
	return identity{disk: 0x1122334455667788, secret: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, cluster: "home"}
}

// TestGoldenBytes pins every format, byte by byte.
func TestGoldenBytes(t *testing.T) {
	id := testIdentity()
	secret := id.secretCRC()
	var b strings.Builder
	line := func(name string, p []byte) { fmt.Fprintf(&b, "%s\n%s", name, hex.Dump(p)) }
	line("identity", appendIdentity(nil, id))
	line("pack header", appendPackHeader(nil, id.disk, 7)[:64])
	for _, h := range []header{
		{kind: recordBlock, key: key{1, 2}, length: 20_000},
		{kind: recordFile, key: key{1, 3}, length: 5 << 20, aux: 0xabcdef},
		{kind: recordFence, key: key{1, 0}, aux: 99},
		{kind: recordTombstone, key: key{1, 2}},
		{kind: recordSeal, key: key{0, 6}, aux: 12345},
	} {
		h.size, h.batch = uint32(recordSize(h.kind, h.length)), 4096
		var sums []uint32
		if h.kind == recordBlock {
			sums = []uint32{0xdeadbeef, 0x01020304}
		}
		line(fmt.Sprintf("record of kind %d in pack 7 at 8192", h.kind), appendHeader(nil, recordMagic, h, sums, placeCRC(secret, 7, 8192)))
	}
	line("footer", appendFooter(nil, header{kind: recordFile, key: key{1, 3}, length: 20_000, aux: 5}, []uint32{1, 2}, secret))
	line("row", appendRow(nil, row{recordBlock, 7, 8192, 20_000, 0}))
	line("counters", appendCounters(nil, counters{3, 60_000, 0xffffffffffffffff, 12, true}))
	line("pack row", appendPackInfo(nil, packInfo{70_000, 60_000, true}))
	name := filepath.Join("testdata", "formats.golden")
	if updateGolden() {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("formats changed; old disks would not be read. got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// goldenConfig opens the disk kept in testdata/v1.
func goldenConfig(fs vfs.FS) Config {
	return Config{Dir: "/d", FS: fs, LargeBytes: 1000, CompactionInterval: -1}
}

// goldenFiles are what is kept of a disk: everything but the derived index.
func goldenFiles(t *testing.T, fs vfs.FS) (names []string) {
	t.Helper()
	names = append(names, idName)
	for _, dir := range []string{packsName, blocksName} {
		list, err := fs.List("/d/" + dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if dir == packsName {
				names = append(names, dir+"/"+n)
				continue
			}
			files, err := fs.List("/d/" + dir + "/" + n)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				names = append(names, dir+"/"+n+"/"+f)
			}
		}
	}
	return names
}

// makeGolden writes a disk of the present version into testdata.
func makeGolden(t *testing.T, root string) {
	t.Helper()
	mem := vfs.NewMem()
	if err := writeFormat(mem, "/d", testIdentity()); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, goldenConfig(mem))
	for i := range 4 {
		mustPut(t, s, bid(1, i+1), 300)
	}
	mustPut(t, s, bid(2, 1), 20_000)
	mustPut(t, s, bid(2, 2), 2000)
	if err := s.Delete(context.Background(), 1, []metadata.LocalID{2}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(context.Background(), 2, []metadata.LocalID{2}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFence(context.Background(), 1, 4); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	for _, name := range goldenFiles(t, mem) {
		f, err := mem.Open("/d/" + name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// loadGolden copies the kept disk into memory.
func loadGolden(t *testing.T) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewMem()
	if err := makeDirs(mem, "/d"); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("testdata", "v1")
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		return writeFile(mem, "/d/"+filepath.ToSlash(rel), b)
	})
	if err != nil {
		t.Fatal(err)
	}
	return mem
}

// TestGoldenDisk opens a disk that version 1 wrote.
func TestGoldenDisk(t *testing.T) {
	if updateGolden() {
		makeGolden(t, filepath.Join("testdata", "v1"))
	}
	s := mustOpen(t, goldenConfig(loadGolden(t)))
	defer s.Close()
	if s.Disk() != testIdentity().disk || s.Cluster() != "home" {
		t.Errorf("disk %v of cluster %q", s.Disk(), s.Cluster())
	}
	for _, local := range []int{1, 3, 4} {
		wantBlock(t, s, bid(1, local), 300)
	}
	wantBlock(t, s, bid(2, 1), 20_000)
	for _, id := range []metadata.BlockID{bid(1, 2), bid(2, 2)} {
		_, err := s.Stat(id)
		wantKind(t, "deleted block", err, metadata.KindNotFound)
	}
	if got := s.Fence(1); got != 4 {
		t.Errorf("fence: got %d, want 4", got)
	}
	d, err := s.Digests(0, 0)
	want := bid(1, 1).Digest() ^ bid(1, 3).Digest() ^ bid(1, 4).Digest()
	if err != nil || len(d) != 2 || d[0].Digest != want || d[0].Bytes != 900 {
		t.Errorf("Digests: got %+v, %v", d, err)
	}
	if bad := fsck(s); len(bad) > 0 || s.Stats().Damages != 0 {
		t.Errorf("%v, %+v", bad, s.Stats())
	}
}

// edit changes bytes of a file of a disk in memory.
func edit(t *testing.T, fs vfs.FS, name string, fn func([]byte)) {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fn(b)
	if err := writeFile(fs, name, b); err != nil {
		t.Fatal(err)
	}
}

// TestUnknownVersions: a later version is refused and named, not taken for rot.
func TestUnknownVersions(t *testing.T) {
	le := binary.LittleEndian
	secret := testIdentity().secretCRC()
	resum := func(b []byte, place uint32, n int) {
		le.PutUint32(b[48:], headerCRC(b[:recordHeaderBytes], b[recordHeaderBytes:n], place))
	}
	pack := "/d/packs/000001"
	n := recordHeaderBytes + 4*chunkCount(300)
	for _, c := range []struct {
		name, file string
		edit       func([]byte)
	}{
		{"id file", "/d/id", func(b []byte) {
			for _, c := range [][]byte{b, b[idCopyBytes:]} {
				le.PutUint32(c[8:], 2)
				le.PutUint32(c[104:], crc32.Checksum(c[:104], crcTable()))
			}
		}},
		{"pack", pack, func(b []byte) {
			le.PutUint32(b[8:], 2)
			le.PutUint32(b[32:], crc32.Checksum(b[:32], crcTable()))
		}},
		{"record", pack, func(b []byte) {
			b[packHeaderBytes+4] = 2
			resum(b[packHeaderBytes:], placeCRC(secret, 1, packHeaderBytes), n)
		}},
		{"kind of record", pack, func(b []byte) {
			b[packHeaderBytes+5] = 77
			resum(b[packHeaderBytes:], placeCRC(secret, 1, packHeaderBytes), recordHeaderBytes)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := loadGolden(t)
			edit(t, mem, c.file, c.edit)
			_, err := Open(goldenConfig(mem))
			wantKind(t, "Open", err, metadata.KindUnsupported)
			if !strings.Contains(err.Error(), "version") || !strings.Contains(err.Error(), "newer") {
				t.Errorf("Open: %v does not say what to do", err)
			}
		})
	}
	f := blockFile{key{2, 2}, 5}
	b := appendFooter(nil, header{kind: recordFile, key: f.key, length: 300, aux: 5}, []uint32{1}, secret)
	head := b[4:]
	head[4] = 2
	le.PutUint32(head[48:], headerCRC(head, b[:4], footerPlace(secret, 5)))
	_, _, err := parseFooter(b, f, secret)
	wantKind(t, "footer", err, metadata.KindUnsupported)
}

// TestFormatInterrupted: a format that did not end leaves no disk, and can be
// repeated.
func TestFormatInterrupted(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := makeDirs(mem, "/d"); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(mem, "/d/id.new", []byte("half")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(small(mem, "/d"))
	wantKind(t, "Open of half a disk", err, metadata.KindNotFound)
	s := mustFormat(t, small(mem, "/d"))
	mustClose(t, s)
	first := s.Disk()
	s = mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	if s.Disk() == first || s.Disk() == 0 {
		t.Errorf("a wiped disk got the id %v again", first)
	}
	_, err = Format("/x", FormatOptions{FS: mem, Cluster: strings.Repeat("x", 64)})
	wantKind(t, "long cluster name", err, metadata.KindTooLarge)
}

// TestNames round-trips the names of files.
func TestNames(t *testing.T) {
	for _, n := range []uint32{1, 42, 999_999, 1_000_000, 1<<32 - 1} {
		if got, ok := parsePackName(packName(n)); !ok || got != n {
			t.Errorf("pack %d: got %d, %v", n, got, ok)
		}
	}
	for _, s := range []string{"", "1", "000000", "0000001", "00000x", "-00001", "99999999999"} {
		if n, ok := parsePackName(s); ok {
			t.Errorf("parsePackName(%q): got %d", s, n)
		}
	}
	b := blockFile{key{1, 1 << 63}, 0xfedc}
	if got, ok := parseBlockFile(b.name()); !ok || got != b {
		t.Errorf("parseBlockFile(%q): got %v, %v", b.name(), got, ok)
	}
	for _, s := range []string{"", b.name() + "0", strings.ToUpper(b.name()), strings.Replace(b.name(), "-", "_", 1)} {
		if got, ok := parseBlockFile(s); ok {
			t.Errorf("parseBlockFile(%q): got %v", s, got)
		}
	}
}

// TestChecksums compares pieces with the whole.
func TestChecksums(t *testing.T) {
	data := content(bid(1, 1), 3*metadata.ChunkBytes+77)
	want := Checksums(data)
	if len(want) != 4 || want[3] != crc32.Checksum(data[3*metadata.ChunkBytes:], crcTable()) {
		t.Fatalf("Checksums: got %v", want)
	}
	for _, cut := range []int{0, 1, 16383, 16384, 16385, 40_000, len(data)} {
		if got := Checksums(data[:cut], nil, data[cut:]); !equalSums(got, want) {
			t.Errorf("cut at %d: got %v, want %v", cut, got, want)
		}
	}
	if !checkChunks(data, want) || checkChunks(append(bytes.Clone(data[:5]), data[4:]...)[:len(data)], want) {
		t.Error("checkChunks")
	}
}

func equalSums(a, b []uint32) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
