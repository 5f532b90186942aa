package blockstore

import (
	"runtime"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Goroutines that are ready to put come before the loop writes, although the
// first of them has woken it: they share groups. One processor makes the order
// certain; without the yield every put has a group of its own.
func TestReadyPutsShareGroups(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := mustFormat(t, Config{Dir: "/disk", FS: vfs.NewMem(), CompactionInterval: -1, Reserve: -1})
	defer mustClose(t, s)
	const writers, each = 16, 8
	before := s.stats.groups.Load()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := put(s, bid(w+1, i+1), 4096); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.stats.groups.Load() - before; got > writers*each/2 {
		t.Errorf("%d puts of %d writers took %d groups, want at most half as many", writers*each, writers, got)
	}
	for w := range writers {
		for i := range each {
			wantBlock(t, s, bid(w+1, i+1), 4096)
		}
	}
}
