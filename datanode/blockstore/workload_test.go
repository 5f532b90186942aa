package blockstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"kendfs/metadata"
)

// ledger is what a client of the disk knows: what was acknowledged, and what
// was begun and not answered, or answered with an error.
type ledger struct {
	mu     sync.Mutex
	sizes  map[metadata.BlockID]int // of every block ever put
	here   map[metadata.BlockID]bool
	doubt  map[metadata.BlockID]bool // may be here or not
	fence  map[metadata.VolumeID]metadata.LocalID
	fenceQ map[metadata.VolumeID]metadata.LocalID // begun
	drop   map[metadata.VolumeID]bool             // dropping: the fence may be gone
}

func newLedger() *ledger {
	return &ledger{sizes: map[metadata.BlockID]int{}, here: map[metadata.BlockID]bool{}, doubt: map[metadata.BlockID]bool{},
		fence: map[metadata.VolumeID]metadata.LocalID{}, fenceQ: map[metadata.VolumeID]metadata.LocalID{}, drop: map[metadata.VolumeID]bool{}}
}

// clone returns the ledger at this moment.
func (l *ledger) clone() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{sizes: maps.Clone(l.sizes), here: maps.Clone(l.here), doubt: maps.Clone(l.doubt),
		fence: maps.Clone(l.fence), fenceQ: maps.Clone(l.fenceQ), drop: maps.Clone(l.drop)}
}

func (l *ledger) locked(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

// put, delete, setFence, dropVolume do an operation and write down its outcome.
func (l *ledger) put(s *Store, id metadata.BlockID, n int) error {
	l.locked(func() { l.sizes[id] = n; l.doubt[id] = true })
	err := put(s, id, n)
	l.locked(func() {
		if err == nil {
			l.here[id] = true
			delete(l.doubt, id)
		}
	})
	return err
}

func (l *ledger) delete(s *Store, v metadata.VolumeID, locals ...metadata.LocalID) error {
	l.locked(func() {
		for _, n := range locals {
			l.doubt[metadata.BlockID{Volume: v, Local: n}] = true
		}
	})
	err := s.Delete(context.Background(), v, locals)
	l.locked(func() {
		for _, n := range locals {
			if id := (metadata.BlockID{Volume: v, Local: n}); err == nil {
				delete(l.here, id)
				delete(l.doubt, id)
			}
		}
	})
	return err
}

func (l *ledger) setFence(s *Store, v metadata.VolumeID, f metadata.LocalID) error {
	l.locked(func() { l.fenceQ[v] = f })
	err := s.SetFence(context.Background(), v, f)
	l.locked(func() {
		if err == nil {
			l.fence[v] = f
			delete(l.drop, v)
		}
	})
	return err
}

func (l *ledger) dropVolume(s *Store, v metadata.VolumeID) error {
	l.locked(func() {
		for id := range l.here {
			if id.Volume == v {
				l.doubt[id] = true
			}
		}
		l.drop[v] = true
	})
	err := s.DropVolume(context.Background(), v)
	l.locked(func() {
		if err != nil {
			return
		}
		for id := range l.doubt {
			if id.Volume == v {
				delete(l.doubt, id)
				delete(l.here, id)
			}
		}
		delete(l.fence, v)
		delete(l.fenceQ, v)
	})
	return err
}

// check compares a store with the ledger; the store may know more than was
// acknowledged, but only what was begun.
func (l *ledger) check(s *Store) []string {
	var bad []string
	found := map[metadata.BlockID]bool{}
	volumes := map[metadata.VolumeID]bool{}
	for id := range l.sizes {
		volumes[id.Volume] = true
	}
	for v := range volumes {
		refs, err := s.List(v, 0, 0)
		if err != nil {
			return append(bad, err.Error())
		}
		for _, r := range refs {
			found[r.ID] = true
			if !l.here[r.ID] && !l.doubt[r.ID] {
				bad = append(bad, fmt.Sprintf("block %v came back", r.ID))
			}
			got, err := readAll(s, r.ID)
			if err != nil {
				bad = append(bad, fmt.Sprintf("block %v: %v", r.ID, err))
			} else if !bytes.Equal(got, content(r.ID, l.sizes[r.ID])) {
				bad = append(bad, fmt.Sprintf("block %v: %d bytes of something else", r.ID, len(got)))
			}
		}
		if f := s.Fence(v); f < l.fence[v] && !l.drop[v] || f > max(l.fence[v], l.fenceQ[v]) {
			bad = append(bad, fmt.Sprintf("volume %v: fence %d, acknowledged %d, begun %d", v, f, l.fence[v], l.fenceQ[v]))
		}
	}
	for id := range l.here {
		if !found[id] && !l.doubt[id] {
			bad = append(bad, fmt.Sprintf("block %v, acknowledged, is gone", id))
		}
	}
	return bad
}

// workload does a bit of everything. It stops at an error that says the disk
// takes no more, and goes on after others.
func workload(s *Store, l *ledger, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range steps {
		v := metadata.VolumeID(1 + r.IntN(3))
		id := metadata.BlockID{Volume: v, Local: metadata.LocalID(1 + r.IntN(30))}
		switch what := r.IntN(100); {
		case what < 52:
			n, known := l.sizes[id]
			if !known {
				n = []int{1, 900, 4096, 9000, 16384, 19000, 30_000}[r.IntN(7)]
			}
			_ = l.put(s, id, n)
		case what < 60: // at the same time: group commit
			var wg sync.WaitGroup
			for i := range 8 {
				n := 1 + i + 8*r.IntN(3)
				wg.Go(func() { _ = l.put(s, bid(4, n), 500+1300*(n%7)) })
			}
			wg.Wait()
		case what < 80:
			_ = l.delete(s, v, id.Local, id.Local+1, id.Local+2)
		case what < 86:
			_ = l.setFence(s, 5, l.fence[5]+1)
		case what < 89:
			_ = l.dropVolume(s, metadata.VolumeID(3+2*r.IntN(2)))
		case what < 95:
			_ = s.Compact(context.Background())
		default:
			_ = s.flushIndex(context.Background()) // as happens when the table is full
		}
	}
}

// sorted makes messages independent of map order.
func sorted(msgs []string) []string {
	slices.Sort(msgs)
	return msgs
}
