package blockstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// Nothing is acknowledged that a power cut in that moment would lose: writers
// cut it themselves, right after an answer, while others are in the middle of
// the groups that they share.
func TestAcknowledgedIsDurable(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := mustFormat(t, small(mem, "/d"))
	defer s.Close()
	type cut struct {
		fs   *vfs.MemFS
		here map[metadata.BlockID]int
		gone []metadata.BlockID
		low  metadata.LocalID // of volume 9's fence
	}
	var mu sync.Mutex
	here, gone := map[metadata.BlockID]int{}, map[metadata.BlockID]bool{}
	fence := metadata.LocalID(0)
	var cuts []cut
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		c := cut{here: map[metadata.BlockID]int{}, low: fence}
		for id, n := range here {
			c.here[id] = n
		}
		for id := range gone {
			c.gone = append(c.gone, id)
		}
		c.fs = mem.CrashClone(vfs.CrashCloneCfg{})
		cuts = append(cuts, c)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 5))
			for i := range 25 {
				id, n := bid(1+w, 1+i), 1+r.IntN(30_000)
				if err := put(s, id, n); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				here[id] = n
				mu.Unlock()
				switch i % 5 {
				case 2:
					old := bid(1+w, i) // of this writer alone
					mu.Lock()
					delete(here, old) // from here on it may be gone
					mu.Unlock()
					if err := s.Delete(context.Background(), old.Volume, []metadata.LocalID{old.Local}); err != nil {
						t.Error(err)
					}
					mu.Lock()
					gone[old] = true
					mu.Unlock()
				case 4:
					f := metadata.LocalID(100*w + i)
					if err := s.SetFence(context.Background(), 9, f); err != nil {
						t.Error(err)
					}
					mu.Lock()
					fence = max(fence, f)
					mu.Unlock()
				}
				if r.IntN(8) == 0 {
					look()
				}
			}
		})
	}
	wg.Wait()
	look()
	for i, c := range cuts {
		again := mustOpen(t, small(c.fs, "/d"))
		for id, n := range c.here {
			got, err := readAll(again, id)
			if err != nil || !bytes.Equal(got, content(id, n)) {
				t.Fatalf("cut %d: block %v of %d bytes was acknowledged: %d bytes, %v", i, id, n, len(got), err)
			}
		}
		for _, id := range c.gone {
			if _, err := again.Stat(id); metadata.KindOf(err) != metadata.KindNotFound || err == nil {
				t.Fatalf("cut %d: block %v, whose delete was acknowledged, is back (%v)", i, id, err)
			}
		}
		if got := again.Fence(9); got < c.low {
			t.Fatalf("cut %d: fence %d, acknowledged %d", i, got, c.low)
		}
		if bad := fsck(again); len(bad) > 0 {
			t.Fatalf("cut %d: %v", i, bad)
		}
		mustClose(t, again)
	}
	t.Logf("%d power cuts", len(cuts))
}

// Of many who put one block at once, with the same data or other, exactly one
// version is stored, and everybody is told the truth about it.
func TestOneBlockManyWriters(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	for round := range 30 {
		id := bid(1, round+1)
		n := []int{700, 30_000}[round%2]
		versions := [][]byte{content(bid(50, 1), n), content(bid(50, 2), n), content(bid(50, 3), n-1)}
		var wrote [3]atomic.Int64
		var wg sync.WaitGroup
		for w := range 9 {
			wg.Go(func() {
				b := versions[w%3]
				switch err := s.Put(context.Background(), id, b, Checksums(b)); {
				case err == nil:
					wrote[w%3].Add(1)
				case metadata.KindOf(err) != metadata.KindConflict:
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		got, err := readAll(s, id)
		if err != nil {
			t.Fatal(err)
		}
		for v := range versions {
			if same := bytes.Equal(got, versions[v]); same && wrote[v].Load() != 3 || !same && wrote[v].Load() != 0 {
				t.Errorf("round %d: version %d is stored: %v, and was acknowledged %d times", round, v, same, wrote[v].Load())
			}
		}
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
}

// A volume that is dropped while blocks are put into it is empty, or says that
// it is not: nothing that was put before is left.
func TestDropBesidePuts(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	for i := range 50 {
		mustPut(t, s, bid(1, i+1), 300)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := put(s, bid(1, 1000*(w+1)+i), 300); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		err := s.DropVolume(t.Context(), 1)
		if err != nil && metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("DropVolume: %v", err)
		}
		for i := range 50 {
			if _, err := s.Stat(bid(1, i+1)); metadata.KindOf(err) != metadata.KindNotFound || err == nil {
				t.Fatalf("block %d is left: %v", i+1, err)
			}
		}
	}
	close(stop)
	wg.Wait()
	if err := s.DropVolume(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Digests(0, 0); err != nil || len(d) != 0 || s.Volumes() != 0 {
		t.Errorf("afterwards: %v, %v, %d volumes", d, err, s.Volumes())
	}
}

// Arguments that name nothing are refused, or do nothing.
func TestArguments(t *testing.T) {
	ctx := t.Context()
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	mustPut(t, s, bid(1, 5), 100)
	wantKind(t, "fence of volume 0", s.SetFence(ctx, 0, 5), metadata.KindInvalid)
	wantKind(t, "drop of volume 0", s.DropVolume(ctx, 0), metadata.KindInvalid)
	many := make([]metadata.LocalID, metadata.OrderBlocksMax+1)
	wantKind(t, "delete of too many", s.Delete(ctx, 1, many), metadata.KindTooLarge)
	for name, err := range map[string]error{
		"nothing": s.Delete(ctx, 1, nil), "volume 0": s.Delete(ctx, 0, []metadata.LocalID{5}),
		"local 0": s.Delete(ctx, 1, []metadata.LocalID{0}), "what is not here": s.Delete(ctx, 1, []metadata.LocalID{6, 6, 7}),
		"an unknown volume": s.DropVolume(ctx, 77), "fence 0": s.SetFence(ctx, 1, 0),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []metadata.BlockID{bid(0, 1), bid(1, 0), {}} {
		_, err := s.OpenBlock(id)
		wantKind(t, "open of "+id.String(), err, metadata.KindNotFound)
	}
	for _, after := range []metadata.LocalID{5, math.MaxUint64} {
		if refs, err := s.List(1, after, 0); err != nil || len(refs) != 0 {
			t.Errorf("list after %d: %v, %v", after, refs, err)
		}
	}
	if d, err := s.Digests(math.MaxUint64, 0); err != nil || d != nil {
		t.Errorf("digests after the last: %v, %v", d, err)
	}
	if refs, err := s.List(0, 0, 0); err != nil || refs != nil {
		t.Errorf("list of volume 0: %v, %v", refs, err)
	}
	if got := s.Stats(); got.Blocks != 1 || got.Deletes != 0 || got.Volumes != 1 {
		t.Errorf("after all that: %+v, want one block", got)
	}
	last := metadata.BlockID{Volume: math.MaxUint64, Local: math.MaxUint64} // the last there can be
	data := content(bid(1, 1), 50)
	if err := s.Put(ctx, last, data, Checksums(data)); err != nil {
		t.Fatal(err)
	}
	if refs, err := s.List(math.MaxUint64, math.MaxUint64-1, 0); err != nil || len(refs) != 1 || refs[0].ID != last {
		t.Errorf("the last block of the last volume: %v, %v", refs, err)
	}
	if d, err := s.Digests(1, 0); err != nil || len(d) != 1 || d[0].Volume != math.MaxUint64 {
		t.Errorf("the last volume: %v, %v", d, err)
	}
	if err := s.DropVolume(ctx, math.MaxUint64); err != nil {
		t.Error(err)
	}
}

// An open block reads as io.ReaderAt promises, and stays readable when it is
// deleted, moved or replaced.
func TestOpenBlockOutlives(t *testing.T) {
	s := mustFormat(t, small(vfs.NewMem(), "/d"))
	defer s.Close()
	for _, id := range []metadata.BlockID{bid(1, 1), bid(2, 1)} {
		n := map[metadata.VolumeID]int{1: 19_000, 2: 90_000}[id.Volume]
		mustPut(t, s, id, n)
		b, err := s.OpenBlock(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), id.Volume, []metadata.LocalID{id.Local}); err != nil {
			t.Fatal(err)
		}
		for i := range 15 { // so that its pack is closed and worth rewriting
			mustPut(t, s, bid(3, i+1), 6000)
		}
		if err := errors.Join(s.DropVolume(t.Context(), 3), s.Compact(t.Context())); err != nil {
			t.Fatal(err)
		}
		want := content(id, n)
		if err := iotest.TestReader(io.NewSectionReader(b, 0, b.Length()), want); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		if !slices.Equal(b.Sums(), Checksums(want)) {
			t.Errorf("%v: other checksums than it was put with", id)
		}
		if k, err := b.ReadAt(make([]byte, 10), -1); k != 0 || metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("%v: read at -1: %d, %v", id, k, err)
		}
		if k, err := b.ReadAt(make([]byte, 10), int64(n)); k != 0 || err != io.EOF {
			t.Errorf("%v: read at the end: %d, %v", id, k, err)
		}
		b.Close()
		_, err = s.OpenBlock(id)
		wantKind(t, "open after delete", err, metadata.KindNotFound)
	}
}

// The meter lets through what there is room for, asks again when the figures
// are old, and does with what it had when the file system says nothing.
func TestSpaceMeter(t *testing.T) {
	mem := vfs.NewMem()
	usage := func(total, avail uint64) {
		mem.TestingSetDiskUsage(vfs.DiskUsage{TotalBytes: total, AvailBytes: avail})
	}
	usage(1000, 600)
	s := mustFormat(t, Config{Dir: "/d", FS: mem, Reserve: 100, CompactionInterval: -1})
	defer s.Close()
	m := &s.space
	take := func(n int64, want metadata.Kind) {
		t.Helper()
		err := m.take(n)
		if want == 0 && err != nil || want != 0 && metadata.KindOf(err) != want {
			t.Errorf("take(%d): %v, want %v", n, err, want)
		}
	}
	old := func(d time.Duration) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked = time.Now().Add(-d)
	}
	take(500, 0)
	take(1, metadata.KindNoSpace) // the reserve
	usage(1000, 700)
	take(1, metadata.KindNoSpace) // asked just now
	old(spaceRefresh / 2)
	take(1, 0) // there may be room again
	old(2 * spaceRefresh)
	usage(1000, 150)
	if got := s.Space(); got.Free != 50 || got.Capacity != 1000 || got.Used != 0 || got.FileSystem != 0 {
		t.Errorf("Space: %+v, want 50 of 1000 free", got)
	}
	old(2 * spaceRefresh)
	usage(1000, 20)
	if got := s.Space().Free; got != 0 {
		t.Errorf("below the reserve: %d free", got)
	}
	usage(0, 0) // it does not say any more
	old(2 * spaceRefresh)
	take(1, metadata.KindNoSpace)
	if got := m.capacity(); got != 1000 {
		t.Errorf("capacity %d, want the last figure", got)
	}
}

// The pacer spreads what a pass copies, and ends it when that is enough.
func TestPacer(t *testing.T) {
	var none *pacer
	if more, err := none.wait(t.Context(), 1<<40); !more || err != nil {
		t.Errorf("without bounds: %v, %v", more, err)
	}
	p := &pacer{rate: 10 << 20, begun: time.Now()}
	if more, err := p.wait(t.Context(), 1<<20); !more || err != nil || time.Since(p.begun) < 100*time.Millisecond {
		t.Errorf("1 MiB at 10 MiB/s: %v, %v after %v", more, err, time.Since(p.begun))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.wait(gone, 1<<40); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	p = &pacer{rate: -1, begun: time.Now()}
	if more, err := p.wait(t.Context(), bytesPerRun-1); !more || err != nil {
		t.Errorf("all but a byte of a pass: %v, %v", more, err)
	}
	if more, err := p.wait(t.Context(), 1); more || err != nil {
		t.Errorf("a whole pass: %v, %v, want the end", more, err)
	}
}

// Files are opened once for all their readers, stay open while anybody reads,
// and are closed when nobody does and they are not wanted any more.
func TestFileCacheIsShared(t *testing.T) {
	mem := vfs.NewMem()
	for i := range 3 * fileCacheMax {
		if err := writeFile(mem, packName(uint32(i+1)), fmt.Appendf(nil, "%06d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	c := newFileCache(mem)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 2))
			for range 600 {
				n := uint32(1 + r.IntN(3*fileCacheMax))
				o, err := c.get(fileKey{pack: n}, func() string { return packName(n) })
				if err != nil {
					t.Error(err)
					return
				}
				b := make([]byte, 6)
				if _, err := o.f.ReadAt(b, 0); err != nil || string(b) != packName(n) {
					t.Errorf("file %d: %q, %v", n, b, err)
				}
				if r.IntN(10) == 0 {
					c.drop(fileKey{pack: n})
				}
				c.put(o)
			}
		})
	}
	wg.Wait()
	if len(c.open) > fileCacheMax {
		t.Errorf("%d files are open, at most %d should be", len(c.open), fileCacheMax)
	}
	for k, o := range c.open {
		if o.refs != 0 || o.dropped {
			t.Errorf("%v: %d readers, dropped %v, when nobody reads", k, o.refs, o.dropped)
		}
	}
	_, err := c.get(fileKey{pack: 1 << 30}, func() string { return "no such file" })
	if err == nil || c.open[fileKey{pack: 1 << 30}] != nil {
		t.Errorf("a file that is not there: %v", err)
	}
	c.close()
}
