package blockstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// TestTornGroup damages the first record of the last group, which an index that
// is lost cannot tell from a group that was cut off: the rest of the group must
// survive, for it may have been acknowledged.
func TestTornGroup(t *testing.T) {
	cfg := small(vfs.Default, t.TempDir()+"/disk")
	s := mustFormat(t, cfg)
	mustPut(t, s, bid(1, 1), 5000)
	err := s.submit(context.Background(), &op{bytes: 20_000, stage: func(_ *txn, g *group) error {
		for i := range 3 {
			id := bid(1, 2+i)
			data := content(id, 3000)
			h := header{kind: recordBlock, key: keyOf(id), length: 3000}
			if err := g.add(h, Checksums(data), [][]byte{data}); err != nil {
				return err
			}
		}
		return g.add(header{kind: recordFence, key: key{1, 0}, aux: 9}, nil, nil)
	}})
	if err != nil {
		t.Fatal(err)
	}
	name, off := place(t, s, bid(1, 2))
	mustClose(t, s)
	flip(t, name, off+1000, 1)
	for range 3 { // every rebuild comes to the same end
		if err := os.RemoveAll(filepath.Join(cfg.Dir, indexName)); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, cfg)
		if got := s.Stats().Damages; got != 0 {
			t.Errorf("a torn tail is reported as %d damages", got)
		}
		_, err = readAll(s, bid(1, 2))
		wantKind(t, "torn block", err, metadata.KindNotFound)
		wantBlock(t, s, bid(1, 1), 5000)
		for _, local := range []int{3, 4} {
			wantBlock(t, s, bid(1, local), 3000)
			if now, _ := place(t, s, bid(1, local)); now == name {
				t.Errorf("block %d is still behind the torn place", local)
			}
		}
		if got := s.Fence(1); got != 9 {
			t.Errorf("fence: got %d, want 9", got)
		}
		if bad := fsck(s); len(bad) > 0 {
			t.Error(bad)
		}
		mustClose(t, s)
	}
}

// TestCutPack shortens a pack below what is indexed.
func TestCutPack(t *testing.T) {
	cfg := small(vfs.Default, t.TempDir()+"/disk")
	s := mustFormat(t, cfg)
	for i := range 4 {
		mustPut(t, s, bid(1, i+1), 5000)
	}
	name, off := place(t, s, bid(1, 4))
	mustClose(t, s)
	if err := os.Truncate(name, off+100); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, cfg)
	defer s.Close()
	if s.Stats().Damages == 0 {
		t.Error("no damage was reported")
	}
	_, err := readAll(s, bid(1, 4))
	wantKind(t, "block that was cut off", err, metadata.KindCorrupt)
	mustPut(t, s, bid(1, 4), 5000)
	mustPut(t, s, bid(1, 5), 5000)
	for i := range 5 {
		wantBlock(t, s, bid(1, i+1), 5000)
	}
}

// TestClosed: nothing panics, nothing is lost, after Close.
func TestClosed(t *testing.T) {
	ctx := context.Background()
	cfg := small(vfs.NewMem(), "/d")
	s := mustFormat(t, cfg)
	mustPut(t, s, bid(1, 1), 5000)
	b, err := s.OpenBlock(bid(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	mustClose(t, s)
	buf := make([]byte, 5000)
	if n, err := b.ReadAt(buf, 0); n != 5000 || err != nil {
		t.Errorf("an open block after Close: got %d, %v", n, err)
	}
	b.Close()
	b.Close()
	_, err = s.List(1, 0, 0)
	wantKind(t, "List", err, metadata.KindUnavailable)
	_, err = s.Digests(0, 0)
	wantKind(t, "Digests", err, metadata.KindUnavailable)
	_, err = s.Stat(bid(1, 1))
	wantKind(t, "Stat", err, metadata.KindUnavailable)
	_, _, err = s.Read(ctx, bid(1, 1), 0, buf)
	wantKind(t, "Read", err, metadata.KindUnavailable)
	_, err = s.Verify(ctx, 1, nil)
	wantKind(t, "Verify", err, metadata.KindUnavailable)
	wantKind(t, "Put", put(s, bid(1, 2), 10), metadata.KindUnavailable)
	wantKind(t, "Delete", s.Delete(ctx, 1, []metadata.LocalID{1}), metadata.KindUnavailable)
	wantKind(t, "SetFence", s.SetFence(ctx, 1, 1), metadata.KindUnavailable)
	wantKind(t, "DropVolume", s.DropVolume(ctx, 1), metadata.KindUnavailable)
	wantKind(t, "Compact", s.Compact(ctx), metadata.KindUnavailable)
}

// TestCloseWaits closes under load: every put is either refused or there.
func TestCloseWaits(t *testing.T) {
	cfg := small(vfs.NewMem(), "/d")
	s := mustFormat(t, cfg)
	var mu sync.Mutex
	var done []metadata.BlockID
	var wg sync.WaitGroup
	first := make(chan struct{}, 1)
	for w := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				id := bid(1+w, 1+i)
				err := put(s, id, 100+i*200)
				if err != nil {
					if metadata.KindOf(err) != metadata.KindUnavailable {
						t.Errorf("Put while closing: %v", err)
					}
					return
				}
				mu.Lock()
				done = append(done, id)
				mu.Unlock()
				select {
				case first <- struct{}{}:
				default:
				}
			}
		})
	}
	<-first
	mustClose(t, s)
	wg.Wait()
	s = mustOpen(t, cfg)
	defer s.Close()
	for _, id := range done {
		wantBlock(t, s, id, 100+(int(id.Local)-1)*200)
	}
}

// TestCanceled: a context that is done stops what has not begun.
func TestCanceled(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	mustPut(t, s, bid(1, 1), 100)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	data := content(bid(1, 2), 100)
	if err := s.Put(ctx, bid(1, 2), data, Checksums(data)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: got %v", err)
	}
	if _, _, err := s.Read(ctx, bid(1, 1), 0, data); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: got %v", err)
	}
	if _, err := s.Verify(ctx, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: got %v", err)
	}
}

// TestVerifyPace: the caller bounds the load and may stop it.
func TestVerifyPace(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	for i := range 5 {
		mustPut(t, s, bid(1, i+1), 1000)
	}
	stop := errors.New("enough")
	calls := 0
	v, err := s.Verify(context.Background(), 1, func(_ context.Context, n int64) error {
		if calls++; n != 1000 || calls == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || v.Blocks != 3 || v.Bytes != 3000 {
		t.Errorf("Verify: got %+v, %v", v, err)
	}
}

// TestListPages walks pages of any size over many volumes.
func TestListPages(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	for v := 1; v <= 3; v++ {
		for i := range 20 {
			mustPut(t, s, bid(v, 1+i*3), 10+i)
		}
	}
	for limit := 1; limit < 25; limit += 4 {
		var got []metadata.BlockRef
		for after := metadata.LocalID(0); ; {
			page, err := s.List(2, after, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("List: %d of at most %d, %v", len(page), limit, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1].ID.Local
		}
		if len(got) != 20 || got[7].ID != bid(2, 22) || got[7].Length != 17 {
			t.Errorf("limit %d: got %d blocks: %v", limit, len(got), got)
		}
	}
	var seen []metadata.VolumeID
	for after := metadata.VolumeID(0); ; {
		page, err := s.Digests(after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			seen = append(seen, d.Volume)
		}
		after = page[len(page)-1].Volume
	}
	if len(seen) != 3 || s.Volumes() != 3 {
		t.Errorf("Digests: got volumes %v, Volumes %d", seen, s.Volumes())
	}
}

// TestBackgroundCompaction: the pass runs by itself and keeps readers whole.
func TestBackgroundCompaction(t *testing.T) {
	cfg := small(vfs.NewMem(), "/d")
	cfg.CompactionInterval = time.Millisecond
	cfg.CompactionBytesPerSecond = -1
	s := mustFormat(t, cfg)
	defer s.Close()
	held, stop := bid(2, 1), make(chan struct{})
	mustPut(t, s, held, 9000)
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				wantBlock(t, s, held, 9000)
			}
		}
	})
	deadline := time.Now().Add(20 * time.Second)
	for i := 1; s.Stats().CompactedPacks < 3; i++ {
		if time.Now().After(deadline) {
			t.Fatalf("no compaction: %+v", s.Stats())
		}
		mustPut(t, s, bid(1, i), 9000)
		if i%3 != 0 {
			if err := s.Delete(context.Background(), 1, []metadata.LocalID{metadata.LocalID(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	reader.Wait()
	if bad := fsck(s); len(bad) > 0 {
		// The pass may be at work: look again when it rests.
		s.compacting.Lock()
		defer s.compacting.Unlock()
		if bad := fsck(s); len(bad) > 0 {
			t.Error(bad)
		}
	}
}

// TestIndexFull: puts are refused while the index finds no room, and only then.
func TestIndexFull(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	mustPut(t, s, bid(1, 1), 100)
	s.indexEvents().trouble(syscall.ENOSPC)
	wantKind(t, "put while the index has no room", put(s, bid(1, 2), 100), metadata.KindNoSpace)
	if err := s.Delete(context.Background(), 1, []metadata.LocalID{1}); err != nil {
		t.Errorf("delete while the index has no room: %v", err)
	}
	s.indexFull.Store(&failure{s.full(), time.Now().Add(-fullMoment)})
	mustPut(t, s, bid(1, 2), 100)
	if s.Failed() != nil {
		t.Errorf("a full disk has failed: %v", s.Failed())
	}
}

// TestFileCache closes what was not used for the longest time, and nothing that
// is in use.
func TestFileCache(t *testing.T) {
	mem := vfs.NewMem()
	c := newFileCache(mem)
	open := func(n int) *openFile {
		name := packName(uint32(n))
		if err := writeFile(mem, name, []byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
		o, err := c.get(fileKey{pack: uint32(n)}, func() string { return name })
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	held := open(1)
	for i := range 2 * fileCacheMax {
		c.put(open(2 + i))
	}
	if len(c.open) > fileCacheMax || c.open[fileKey{pack: 1}] != held || c.open[fileKey{pack: 2}] != nil {
		t.Errorf("%d files are open", len(c.open))
	}
	c.drop(fileKey{pack: 1})
	var b [1]byte
	if _, err := held.f.ReadAt(b[:], 0); err != nil || b[0] != 1 {
		t.Errorf("a dropped file in use: %v", err)
	}
	c.put(held)
	c.close()
	if len(c.open) != 0 {
		t.Errorf("%d files are open after close", len(c.open))
	}
}

// TestConfig checks defaults and bounds.
func TestConfig(t *testing.T) {
	if _, err := (Config{}).withDefaults(); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("no directory: got %v", err)
	}
	for _, bad := range []Config{{PackBytes: -1}, {PackBytes: 1 << 40}, {LargeBytes: 17 << 20}, {CompactionThreshold: 2}} {
		bad.Dir = "/d"
		if _, err := bad.withDefaults(); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
	c, err := Config{Dir: "/d"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct{ capacity, want int64 }{{0, 256 << 20}, {1 << 40, 256 << 20}, {1 << 30, 32 << 20}, {64 << 20, 8 << 20}} {
		if got := c.packLimit(l.capacity); got != l.want {
			t.Errorf("packLimit(%d): got %d, want %d", l.capacity, got, l.want)
		}
	}
	c.LargeBytes = 16 << 20
	if got := c.packLimit(64 << 20); got < 16<<20 {
		t.Errorf("packLimit does not hold the largest record: %d", got)
	}
}

// TestRealDisk fills a small file system that KEN_SMALL_DISK names, deletes,
// compacts and fills it again.
func TestRealDisk(t *testing.T) {
	root := os.Getenv("KEN_SMALL_DISK")
	if root == "" {
		t.Skip("KEN_SMALL_DISK names no small file system")
	}
	cfg := Config{Dir: root + "/disk", Reserve: -1, CompactionInterval: -1}
	s := mustFormat(t, cfg)
	ctx := context.Background()
	for round := range 3 {
		n, large := 0, 0
		var err error
		for ; err == nil; n++ {
			size := 100_000
			if n%40 == 0 {
				size, large = 5<<20, large+1
			}
			err = put(s, bid(1+round, n+1), size)
		}
		wantKind(t, "filling the disk", err, metadata.KindNoSpace)
		if s.Failed() != nil || n < 50 {
			t.Fatalf("round %d: %d blocks, failed: %v", round, n, s.Failed())
		}
		t.Logf("round %d: %d blocks, %d of them large, %+v", round, n-1, large, s.Space())
		for i := range n - 1 {
			if _, err := readAll(s, bid(1+round, i+1)); err != nil {
				t.Fatalf("read on a full disk: %v", err)
			}
		}
		if err := s.DropVolume(ctx, metadata.VolumeID(1+round)); err != nil {
			t.Fatalf("DropVolume on a full disk: %v", err)
		}
		if err := s.Compact(ctx); err != nil {
			t.Fatalf("Compact on a full disk: %v", err)
		}
		if round == 1 {
			mustClose(t, s)
			s = mustOpen(t, cfg)
		}
	}
	mustClose(t, s)
}
