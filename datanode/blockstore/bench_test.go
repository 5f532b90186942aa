package blockstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// benchStore opens a disk in a real directory: KEN_BENCH_DIR, or the default.
func benchStore(b *testing.B) *Store {
	dir := os.Getenv("KEN_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	} else {
		var err error
		if dir, err = os.MkdirTemp(dir, "blockstore"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	s := mustFormat(b, Config{Dir: dir + "/disk", FS: vfs.Default, Reserve: -1})
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkPut is durable puts: writers at the same time, block size.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct{ writers, size int }{{1, 16 << 10}, {64, 16 << 10}, {64, 1 << 10}, {16, 1 << 20}, {1, 8 << 20}, {4, 8 << 20}} {
		b.Run(fmt.Sprintf("writers=%d/size=%dK", c.writers, c.size>>10), func(b *testing.B) {
			s := benchStore(b)
			data := content(bid(1, 1), c.size)
			sums := Checksums(data)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.SetBytes(int64(c.size))
			used := cpuTime()
			b.ResetTimer()
			for w := range c.writers {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						id := metadata.BlockID{Volume: metadata.VolumeID(1 + w), Local: metadata.LocalID(i)}
						if err := s.Put(context.Background(), id, data, sums); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
		})
	}
}

// BenchmarkRead is reads of blocks that are in the page cache.
func BenchmarkRead(b *testing.B) {
	s := benchStore(b)
	const blocks, size = 2000, 16 << 10
	for i := range blocks {
		mustPut(b, s, bid(1, i+1), size)
	}
	mustPut(b, s, bid(2, 1), 8<<20)
	b.Run("small", func(b *testing.B) {
		b.SetBytes(size)
		buf := make([]byte, size)
		for range b.N {
			if _, _, err := s.Read(context.Background(), bid(1, 1+rand.IntN(blocks)), 0, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("large", func(b *testing.B) {
		b.SetBytes(8 << 20)
		buf := make([]byte, 256<<10)
		for range b.N {
			f, err := s.OpenBlock(bid(2, 1))
			if err != nil {
				b.Fatal(err)
			}
			for off := int64(0); off < f.Length(); off += int64(len(buf)) {
				if _, err := f.ReadAt(buf, off); err != nil {
					b.Fatal(err)
				}
			}
			f.Close()
		}
	})
}

// BenchmarkRebuild reads all packs again after the index was lost.
func BenchmarkRebuild(b *testing.B) {
	dir := b.TempDir()
	cfg := Config{Dir: dir, Reserve: -1, PackBytes: 32 << 20}
	s := mustFormat(b, cfg)
	const blocks, size = 8000, 16 << 10
	for i := range blocks {
		mustPut(b, s, bid(1, i+1), size)
	}
	mustClose(b, s)
	b.SetBytes(blocks * size)
	for range b.N {
		if err := os.RemoveAll(dir + "/" + indexName); err != nil {
			b.Fatal(err)
		}
		s := mustOpen(b, cfg)
		b.StopTimer()
		if got := s.Stats().Blocks; got != blocks {
			b.Fatalf("rebuilt %d blocks, want %d", got, blocks)
		}
		mustClose(b, s)
		b.StartTimer()
	}
}
