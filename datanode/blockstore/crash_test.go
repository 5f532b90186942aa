package blockstore

import (
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// soak reports whether the long versions of the loops are wanted.
func soak() bool { return os.Getenv("KEN_SOAK") != "" }

// crashPoint is a file system as a power cut would leave it, and what had been
// acknowledged by then.
type crashPoint struct {
	call   int
	op     errorfs.Op
	fs     *vfs.MemFS
	ledger *ledger
}

// camera takes crash clones at mutating calls.
type camera struct {
	mem   *vfs.MemFS
	want  func(call int, op errorfs.Op) (percents []int)
	log   *ledger
	seed  uint64
	shoot func(crashPoint)

	mu    sync.Mutex
	calls int
}

func (c *camera) String() string { return "camera" }

// MaybeError sees every call before it is made and injects nothing.
func (c *camera) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	for i, percent := range c.want(c.calls, op) {
		acked := c.log.clone() // before the picture: nothing in it is newer
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(c.seed, uint64(c.calls*10+i)))}
		fs := c.mem.CrashClone(cfg)
		// What was begun between the two is in doubt, too.
		now := c.log.clone()
		for id := range now.doubt {
			acked.doubt[id] = true
		}
		for id, here := range now.here {
			if here != acked.here[id] {
				acked.doubt[id] = true
			}
		}
		for id := range acked.here {
			if !now.here[id] {
				acked.doubt[id] = true
			}
		}
		acked.sizes, acked.fenceQ, acked.drop = now.sizes, now.fenceQ, now.drop
		c.shoot(crashPoint{c.calls, op, fs, acked})
	}
	return nil
}

// recoverAndCheck opens what a crash left, checks it, and uses it.
func recoverAndCheck(t *testing.T, p crashPoint, rebuild bool) {
	t.Helper()
	cfg := small(p.fs, "/d")
	s, err := Open(cfg)
	if err != nil {
		t.Errorf("crash before call %d (%v): Open: %v", p.call, p.op, err)
		return
	}
	bad := append(p.ledger.check(s), fsck(s)...)
	if n := s.Stats().Damages; n != 0 {
		bad = append(bad, "a torn tail was taken for damage")
	}
	if err := put(s, bid(9, p.call), 5000); err != nil {
		bad = append(bad, "put after recovery: "+err.Error())
	} else if _, err := readAll(s, bid(9, p.call)); err != nil {
		bad = append(bad, "read after recovery: "+err.Error())
	}
	if err := s.Close(); err != nil {
		bad = append(bad, "Close: "+err.Error())
	}
	if len(bad) > 0 {
		t.Errorf("crash before call %d (%v):\n%s", p.call, p.op, strings.Join(sorted(bad), "\n"))
	}
	if rebuild {
		checkRebuild(t, p.fs, cfg)
	}
}

// TestCrashPoints cuts the power at mutating calls of a workload: fault model:
// what was not synced is lost, or kept in random parts of 4 KiB and random
// directory entries.
func TestCrashPoints(t *testing.T) {
	seeds, steps, every := 3, 90, 9
	if soak() {
		seeds, steps, every = 20, 250, 1
	}
	shots := 0
	var reached []Stats
	for seed := range seeds {
		mem := vfs.NewCrashableMem()
		if _, err := Format("/d", FormatOptions{FS: mem}); err != nil {
			t.Fatal(err)
		}
		cam := &camera{mem: mem, log: newLedger(), seed: uint64(seed)}
		cam.want = func(call int, op errorfs.Op) []int {
			inIndex := strings.Contains(op.Path, "/"+indexName+"/")
			switch {
			case !inIndex && call%max(every/4, 1) == 0:
				return []int{0, 40}
			case call%every == 0:
				return []int{0, 70}
			}
			return nil
		}
		var points []crashPoint
		cam.shoot = func(p crashPoint) { points = append(points, p) }
		s := mustOpen(t, small(errorfs.Wrap(mem, cam), "/d"))
		workload(s, cam.log, uint64(seed), steps)
		reached = append(reached, s.Stats())
		mustClose(t, s)
		for i, p := range points {
			recoverAndCheck(t, p, i%5 == 0)
			if t.Failed() {
				t.Fatalf("seed %d, point %d of %d", seed, i, len(points))
			}
		}
		shots += len(points)
	}
	t.Logf("%d power cuts", shots)
	wantReached(t, reached)
}

// wantReached fails when the workload got lazy: a fault test that does not reach
// what it is about proves nothing.
func wantReached(t *testing.T, all []Stats) {
	t.Helper()
	var sum Stats
	for _, s := range all {
		sum.CompactedPacks += s.CompactedPacks
		sum.CompactedBytes += s.CompactedBytes
		sum.Deletes += s.Deletes
		sum.Packs += s.Packs
		sum.Groups += s.Groups
	}
	if n := int64(len(all)); sum.CompactedPacks < n || sum.CompactedBytes == 0 || sum.Deletes < 5*n || sum.Packs < 3*n || sum.Groups < 20*n {
		t.Errorf("%d workloads did too little: %+v", n, sum)
	}
}

// TestCrashInRecovery cuts the power a second time while the first is being
// recovered from.
func TestCrashInRecovery(t *testing.T) {
	first, second := 300, 4
	if soak() {
		first, second = 1600, 1
	}
	mem := vfs.NewCrashableMem()
	if _, err := Format("/d", FormatOptions{FS: mem}); err != nil {
		t.Fatal(err)
	}
	cam := &camera{mem: mem, log: newLedger(), seed: 99}
	var points []crashPoint
	cam.want = func(call int, _ errorfs.Op) []int {
		if call%max(1600/first, 1) == 0 {
			return []int{50}
		}
		return nil
	}
	cam.shoot = func(p crashPoint) { points = append(points, p) }
	s := mustOpen(t, small(errorfs.Wrap(mem, cam), "/d"))
	workload(s, cam.log, 99, 100)
	mustClose(t, s)
	shots := 0
	for i, p := range points {
		if i%2 == 0 { // recovery without an index has more to do
			if err := p.fs.RemoveAll("/d/" + indexName); err != nil {
				t.Fatal(err)
			}
		}
		again := &camera{mem: p.fs, log: p.ledger, seed: uint64(i)}
		var nested []crashPoint
		again.want = func(call int, _ errorfs.Op) []int {
			if call%second == 0 {
				return []int{[]int{0, 50}[call/second%2]}
			}
			return nil
		}
		again.shoot = func(p crashPoint) { nested = append(nested, p) }
		s := mustOpen(t, small(errorfs.Wrap(p.fs, again), "/d"))
		mustClose(t, s)
		for _, n := range nested {
			recoverAndCheck(t, n, false)
			if t.Failed() {
				t.Fatalf("first crash before call %d (%v)", p.call, p.op)
			}
		}
		shots += len(nested)
	}
	t.Logf("%d power cuts in %d recoveries", shots, len(points))
}
