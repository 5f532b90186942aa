package replica

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/quicwire/wiretest"
)

// BenchmarkPropose measures durable commands of one voter with various numbers
// of clients on the operating system's file system.
func BenchmarkPropose(b *testing.B) {
	for _, clients := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			n := openNode(b, oneVoter(b.TempDir()))
			benchClients(b, n, clients)
		})
	}
}

func benchClients(b *testing.B, n *Node, clients int) {
	root := fmt.Sprintf("/run%d-%d", clients, b.N)
	propose(b, n, mkdir(root))
	for c := range clients {
		propose(b, n, mkdir(fmt.Sprintf("%s/c%04d", root, c)))
	}
	ctx := context.Background()
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	b.ResetTimer()
	before := n.Stats()
	for c := range clients {
		wg.Go(func() {
			var mine []time.Duration
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					break
				}
				start := time.Now()
				res, err := n.Propose(ctx, mkdir(fmt.Sprintf("%s/c%04d/directory-%08d", root, c, i)))
				if err != nil || !res.Ok {
					b.Errorf("propose: %v %v", res, err)
					return
				}
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	b.StopTimer()
	after := n.Stats()
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "cmd/s")
	b.ReportMetric(float64(after.Entries-before.Entries)/b.Elapsed().Seconds(), "entry/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(after.Fsync.Quantile(0.5))/1000, "fsync-p50-ms")
	b.ReportMetric(residentMiB(), "RSS-MiB")
}

// residentMiB is the memory of this process, 0 where that cannot be read.
func residentMiB() float64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0
	}
	return kib / 1024
}

// BenchmarkThreeVoters measures durable commands and proved queries of three
// voters over QUIC in one process, all on one disk.
func BenchmarkThreeVoters(b *testing.B) {
	g := &quicGroup{group: group{t: b}, wires: wiretest.NewCluster(b), onDisk: true}
	b.Cleanup(g.close)
	for range 3 {
		g.join()
	}
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("propose/clients=%d", clients), func(b *testing.B) { benchClients(b, g.leader(), clients) })
	}
	b.Run("query", func(b *testing.B) {
		lead := g.leader()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := lead.Query(context.Background(), lookup("/")); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkQuery measures linearizable lookups of one voter.
func BenchmarkQuery(b *testing.B) {
	n := openNode(b, oneVoter(b.TempDir()))
	propose(b, n, mkdir("/a"))
	propose(b, n, mkdir("/a/b"))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.Query(context.Background(), lookup("/a/b")); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkOpen measures the time from Open until a lone voter serves.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		n, err := Open(oneVoter(dir))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
