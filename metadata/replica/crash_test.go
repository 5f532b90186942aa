package replica

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// The fault model of these tests: a power cut. What was fsynced stays; of the
// rest any 4 KiB block and any directory entry may or may not be there.

// crashed returns what a power cut leaves of fs.
func crashed(fs *vfs.MemFS, unsynced int, rng *rand.Rand) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng})
}

// TestLogStoreCrash cuts the power while entries are appended and compares
// with what StoreLogs had returned for.
func TestLogStoreCrash(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		s := openLog(t, fs)
		var mu sync.Mutex
		stored := uint64(0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := uint64(1); i <= 300; i++ {
				_ = s.StoreLog(entry(i, 1))
				mu.Lock()
				stored = i
				mu.Unlock()
			}
		}()
		var clones []*vfs.MemFS
		var atLeast []uint64
		for range 3 {
			mu.Lock()
			n := stored
			mu.Unlock()
			clones = append(clones, crashed(fs, rng.IntN(101), rng))
			atLeast = append(atLeast, n)
		}
		<-done
		must(t, s.close())
		for i, clone := range clones {
			checkStored(t, seed, clone, atLeast[i])
		}
	}
}

func checkStored(t *testing.T, seed uint64, fs vfs.FS, atLeast uint64) {
	t.Helper()
	s := openLog(t, fs)
	last, err := s.LastIndex()
	must(t, err)
	if last < atLeast {
		t.Fatalf("seed %d: the log ends at %d, StoreLogs had returned for %d", seed, last, atLeast)
	}
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil || !sameEntry(&l, entry(i, 1)) {
			t.Fatalf("seed %d: entry %d of %d: %v, %v", seed, i, last, l, err)
		}
	}
	must(t, s.close())
}

// TestNodeCrash cuts the power under load, again and again on what the cut
// before has left, and checks each time that every acknowledged directory is
// there and that the rows are those of a replay of the log.
func TestNodeCrash(t *testing.T) {
	rounds := 15
	if soak() {
		rounds = 300
	}
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 2))
		fs := vfs.NewCrashableMem()
		rp := newReplay(t)
		led := &ledger{}
		for round := range rounds {
			n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: fs})
			if err != nil {
				t.Fatalf("seed %d round %d: %v", seed, round, err)
			}
			led.check(t, n)
			rp.check(t, n)
			led.first, _ = n.logs.FirstIndex()
			keepEntries(t, n, 10)
			fs = crashUnderLoad(t, n, fs, led, rp, rng)
		}
		t.Logf("seed %d: %d entries, %d commands acknowledged, log shortened to entry %d",
			seed, rp.applied, len(led.acked), led.first)
		if led.first < 2 {
			t.Errorf("seed %d: the log was never shortened", seed)
		}
	}
}

// crashUnderLoad runs writers, cuts the power in the middle and returns what
// is left. Only what was acknowledged before the cut counts.
func crashUnderLoad(t *testing.T, n *Node, fs *vfs.MemFS, led *ledger, rp *replay, rng *rand.Rand) *vfs.MemFS {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				path := led.path()
				led.writing.RLock()
				if res, err := n.Propose(ctx, mkdir(path)); err == nil && res.Ok {
					led.add(path)
				}
				led.writing.RUnlock()
			}
		})
	}
	target := led.len() + 5 + rng.IntN(60)
	for led.len() < target {
		if rng.IntN(10) == 0 {
			led.writing.Lock() // so that the replay has seen all that is truncated
			rp.feed(t, n.logs, n.state.applied())
			_ = n.raft.Snapshot().Error() // nothing new, or done
			led.writing.Unlock()
		}
	}
	led.freeze()
	left := crashed(fs, rng.IntN(101), rng)
	cancel()
	wg.Wait()
	led.thaw()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return left
}

// keepEntries sets how many entries a snapshot leaves in the log.
func keepEntries(t testing.TB, n *Node, entries uint64) {
	t.Helper()
	must(t, n.keep(entries))
}

// ledger remembers what was acknowledged.
type ledger struct {
	mu     sync.Mutex
	next   int
	frozen bool
	acked  []string
	first  uint64 // entry of the log when it was last opened

	writing sync.RWMutex
}

func (l *ledger) path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("/dir-%06d", l.next)
}

func (l *ledger) add(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.frozen {
		l.acked = append(l.acked, path)
	}
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (l *ledger) freeze() { l.set(true) }
func (l *ledger) thaw()   { l.set(false) }

func (l *ledger) set(frozen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = frozen
}

// check looks every acknowledged directory up.
func (l *ledger) check(t *testing.T, n *Node) {
	t.Helper()
	for _, path := range l.acked {
		if !exists(t, n, path) {
			t.Fatalf("%s was acknowledged and is lost", path)
		}
	}
}

// replay applies the entries of a log to a store of its own.
type replay struct {
	db      *pebble.DB
	applied uint64
}

func newReplay(t testing.TB) *replay {
	db, err := pebble.Open("replay", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, db.Close()) })
	return &replay{db: db}
}

// feed applies the entries of s up to index last.
func (r *replay) feed(t testing.TB, s *logStore, last uint64) {
	t.Helper()
	for i := r.applied + 1; i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			t.Fatalf("entry %d for the replay: %v", i, err)
		}
		r.apply(t, &l)
	}
}

func (r *replay) apply(t testing.TB, l *raft.Log) {
	t.Helper()
	r.applied = l.Index
	if l.Type != raft.LogCommand {
		return
	}
	var batch metapb.Batch
	must(t, proto.Unmarshal(l.Data, &batch))
	b := r.db.NewIndexedBatch()
	if _, err := namespace.Apply(plainWriter{rowReader{b}, b}, l.Index, &batch); err != nil {
		t.Fatalf("replay entry %d: %v", l.Index, err)
	}
	must(t, b.Commit(pebble.NoSync))
}

// plainWriter writes rows to a batch and reads them from it: nothing is kept in
// memory, so that a replay tells what hotRows gets wrong.
type plainWriter struct {
	rowReader
	b *pebble.Batch
}

func (w plainWriter) Set(key, val []byte) error { return w.b.Set(key, val, nil) }
func (w plainWriter) Delete(key []byte) error   { return w.b.Delete(key, nil) }

func (r *replay) hash(t testing.TB) string {
	h, err := namespace.StateHash(rowReader{r.db})
	must(t, err)
	return fmt.Sprintf("%x", h)
}

// check compares n's rows with a replay of its log, and its invariants.
func (r *replay) check(t testing.TB, n *Node) {
	t.Helper()
	got, index := stateHash(t, n)
	r.feed(t, n.logs, index)
	if want := r.hash(t); got != want {
		t.Fatalf("rows at entry %d hash to %.16s, a replay of the log to %.16s", index, got, want)
	}
	must(t, n.View(func(v namespace.Reader, _ uint64) error {
		for _, err := range namespace.Check(v) {
			t.Errorf("entry %d: %v", index, err)
		}
		return nil
	}))
}

// quiet is a Pebble logger that says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
