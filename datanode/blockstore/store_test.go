package blockstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// small returns a configuration in which everything happens soon: packs of
// 64 KiB, files from 20 KB on, no background pass.
func small(fs vfs.FS, dir string) Config {
	return Config{Dir: dir, FS: fs, PackBytes: 64 << 10, LargeBytes: 20_000, CompactionInterval: -1}
}

// mustFormat formats dir and opens it.
func mustFormat(t testing.TB, cfg Config) *Store {
	t.Helper()
	if _, err := Format(cfg.Dir, FormatOptions{FS: cfg.FS}); err != nil {
		t.Fatalf("Format(%s): %v", cfg.Dir, err)
	}
	return mustOpen(t, cfg)
}

func mustOpen(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatalf("Open(%s): %v", cfg.Dir, err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func bid(v, l int) metadata.BlockID {
	return metadata.BlockID{Volume: metadata.VolumeID(v), Local: metadata.LocalID(l)}
}

// content makes the bytes of a block out of its id and length.
func content(id metadata.BlockID, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(id.Volume), byte(id.Local), byte(id.Local >> 8), byte(id.Local >> 16)}).Read(b) // never fails
	return b
}

func put(s *Store, id metadata.BlockID, n int) error {
	data := content(id, n)
	return s.Put(context.Background(), id, data, Checksums(data))
}

func mustPut(t testing.TB, s *Store, id metadata.BlockID, n int) {
	t.Helper()
	if err := put(s, id, n); err != nil {
		t.Fatalf("Put(%v, %d bytes): %v", id, n, err)
	}
}

// readAll reads a block as a far reader would: checking the sums itself.
func readAll(s *Store, id metadata.BlockID) ([]byte, error) {
	n, err := s.Stat(id)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, _, err := s.ReadVerified(context.Background(), id, 0, b); err != nil {
		return nil, err
	}
	return b, nil
}

func wantBlock(t testing.TB, s *Store, id metadata.BlockID, n int) {
	t.Helper()
	got, err := readAll(s, id)
	if err != nil {
		t.Fatalf("read %v: %v", id, err)
	}
	if !bytes.Equal(got, content(id, n)) {
		t.Fatalf("read %v: got %d bytes that differ from the %d put", id, len(got), n)
	}
}

func wantKind(t testing.TB, doing string, err error, want metadata.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: got no error, want kind %v", doing, want)
	}
	if got := metadata.KindOf(err); got != want {
		t.Fatalf("%s: got kind %v (%v), want %v", doing, got, err, want)
	}
}

func TestPutReadDelete(t *testing.T) {
	for _, fs := range []struct {
		name string
		fs   vfs.FS
		dir  string
	}{{"memory", vfs.NewMem(), "/disk"}, {"disk", vfs.Default, t.TempDir() + "/disk"}} {
		t.Run(fs.name, func(t *testing.T) {
			cfg := small(fs.fs, fs.dir)
			s := mustFormat(t, cfg)
			sizes := []int{1, 7, 16 << 10, 16<<10 + 1, 20_000, 20_001, 70_000, 1 << 20}
			for round := range 3 {
				for i, n := range sizes {
					id := bid(1, i+1)
					mustPut(t, s, id, n)
					wantBlock(t, s, id, n)
				}
				d, err := s.Digests(0, 0)
				if err != nil || len(d) != 1 || d[0].Blocks != int64(len(sizes)) {
					t.Fatalf("round %d: Digests: got %v, %v", round, d, err)
				}
				mustClose(t, s)
				s = mustOpen(t, cfg)
			}
			for i, n := range sizes {
				wantBlock(t, s, bid(1, i+1), n)
			}
			if err := s.Delete(context.Background(), 1, []metadata.LocalID{1, 7, 99}); err != nil {
				t.Fatalf("Delete: %v", err)
			}
			_, err := s.Stat(bid(1, 1))
			wantKind(t, "Stat of deleted", err, metadata.KindNotFound)
			_, err = s.OpenBlock(bid(1, 7))
			wantKind(t, "open of deleted", err, metadata.KindNotFound)
			mustClose(t, s)
			s = mustOpen(t, cfg)
			refs, err := s.List(1, 0, 0)
			if err != nil || len(refs) != len(sizes)-2 || refs[0].ID.Local != 2 {
				t.Fatalf("List: got %v, %v", refs, err)
			}
			mustClose(t, s)
		})
	}
}

func TestReadRanges(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	const chunk = metadata.ChunkBytes
	for local, n := range []int{1: 3*chunk + 5, 2: chunk, 3: 100} {
		if n == 0 {
			continue
		}
		id := bid(1, local)
		mustPut(t, s, id, n)
		want := content(id, n)
		sums := Checksums(want)
		for off := 0; off < n; off += chunk {
			for _, l := range []int{chunk, 2 * chunk, n - off, n} {
				buf := make([]byte, l)
				got, gotSums, err := s.Read(context.Background(), id, int64(off), buf)
				if off+l < n && l%chunk != 0 {
					wantKind(t, "unaligned", err, metadata.KindInvalid)
					continue
				}
				end := min(off+l, n)
				if err != nil || got != end-off || !bytes.Equal(buf[:got], want[off:end]) {
					t.Fatalf("Read(%d, %d) of %d: got %d, %v", off, l, n, got, err)
				}
				if k := (got + chunk - 1) / chunk; len(gotSums) != k || gotSums[0] != sums[off/chunk] {
					t.Fatalf("Read(%d, %d) of %d: got %d sums, want %d", off, l, n, len(gotSums), k)
				}
			}
		}
		if _, _, err := s.Read(context.Background(), id, int64((n/chunk+1)*chunk), nil); !errors.Is(err, io.EOF) {
			t.Fatalf("Read behind the end: got %v, want EOF", err)
		}
		_, _, err := s.Read(context.Background(), id, 1, make([]byte, chunk))
		wantKind(t, "odd offset", err, metadata.KindInvalid)
	}
}

func TestPutRefusals(t *testing.T) {
	ctx := context.Background()
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	data := content(bid(1, 1), 100)
	sums := Checksums(data)
	wantKind(t, "wrong sum", s.Put(ctx, bid(1, 1), data, []uint32{1}), metadata.KindCorrupt)
	wantKind(t, "too many sums", s.Put(ctx, bid(1, 1), data, append(sums, 1)), metadata.KindCorrupt)
	wantKind(t, "empty", s.Put(ctx, bid(1, 1), nil, nil), metadata.KindInvalid)
	wantKind(t, "local 0", s.Put(ctx, bid(1, 0), data, sums), metadata.KindInvalid)
	wantKind(t, "volume 0", s.Put(ctx, bid(0, 1), data, sums), metadata.KindInvalid)
	for _, n := range []int{100, 30_000} {
		id := bid(2, n)
		mustPut(t, s, id, n)
		mustPut(t, s, id, n)
		other := content(bid(3, 3), n)
		wantKind(t, "other data", s.Put(ctx, id, other, Checksums(other)), metadata.KindConflict)
		other = other[:n-1]
		wantKind(t, "other length", s.Put(ctx, id, other, Checksums(other)), metadata.KindConflict)
		wantBlock(t, s, id, n)
	}
	if err := s.SetFence(ctx, 2, 50_000); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFence(ctx, 2, 10); err != nil || s.Fence(2) != 50_000 {
		t.Fatalf("SetFence(10): got %v, fence %d, want 50000", err, s.Fence(2))
	}
	wantKind(t, "below the fence", put(s, bid(2, 49_999), 10), metadata.KindStale)
	wantKind(t, "below the fence, large", put(s, bid(2, 49_998), 40_000), metadata.KindStale)
	mustPut(t, s, bid(2, 50_000), 10)
	pieces := [][]byte{content(bid(2, 5), 33)[:3], nil, content(bid(2, 5), 33)[3:]}
	if err := s.Restore(ctx, bid(2, 5), pieces, Checksums(pieces...)); err != nil {
		t.Fatalf("Restore below the fence: %v", err)
	}
	wantBlock(t, s, bid(2, 5), 33)
	if err := s.DropVolume(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Digests(0, 0); err != nil || len(d) != 0 || s.Fence(2) != 0 {
		t.Fatalf("after DropVolume: got %v, %v, fence %d", d, err, s.Fence(2))
	}
	mustPut(t, s, bid(2, 1), 10)
}

func TestConcurrentPuts(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	const writers, each = 16, 20
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := range each {
				// Two writers put every block.
				if err = put(s, bid(1+w/2, 1+i), 100+i*1500); err != nil {
					err = fmt.Errorf("writer %d, block %d: %w", w, i, err)
					break
				}
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for v := range writers / 2 {
		for i := range each {
			wantBlock(t, s, bid(1+v, 1+i), 100+i*1500)
		}
	}
	if got := s.Stats(); got.Blocks != writers/2*each || got.Groups > got.Puts+int64(got.Packs) {
		t.Errorf("Stats: got %+v", got)
	}
}
