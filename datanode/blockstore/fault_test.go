package blockstore

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kendfs/metadata"
)

// saboteur returns an error from the at-th call that it counts, and from all
// later ones if it is persistent.
type saboteur struct {
	err        error
	at         int
	persistent bool
	counts     func(errorfs.Op) bool

	mu    sync.Mutex
	off   bool
	calls int
	hits  []errorfs.Op
}

func (s *saboteur) String() string { return "saboteur" }

func (s *saboteur) MaybeError(op errorfs.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off || !s.counts(op) {
		return nil
	}
	s.calls++
	if s.calls == s.at || s.persistent && s.calls > s.at && s.at > 0 {
		s.hits = append(s.hits, op)
		return &fs.PathError{Op: "injected", Path: op.Path, Err: s.err}
	}
	return nil
}

func (s *saboteur) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
}

func isWrite(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }
func isRead(op errorfs.Op) bool  { return !isWrite(op) }

// isSync reports whether an error of the call leaves it open what is on disk.
func isSync(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
}

// sabotage runs the workload with one fault and checks that nothing that was
// acknowledged is lost: in the running store, after a restart, and after a
// power cut.
func sabotage(t *testing.T, s *saboteur, seed uint64, steps int) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	if _, err := Format("/d", FormatOptions{FS: mem}); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%v at call %d, persistent %v", s.err, s.at, s.persistent)
	log := newLedger()
	var bad []string
	st, err := Open(small(errorfs.Wrap(mem, s), "/d"))
	if err == nil {
		bad = runSabotaged(s, st, log, seed, steps)
		_ = st.Close() // a failed disk says so
	}
	s.stop()
	// First the process is started again, on what the last one left unsynced;
	// then the power is cut.
	for _, crash := range []bool{false, true} {
		fs := mem
		if crash {
			fs = mem.CrashClone(vfs.CrashCloneCfg{})
		}
		again, err := Open(small(fs, "/d"))
		if err != nil {
			t.Fatalf("%s (%v): Open afterwards: %v", name, s.hits, err)
		}
		for _, m := range append(log.check(again), fsck(again)...) {
			bad = append(bad, fmt.Sprintf("power cut %v: %s", crash, m))
		}
		if n := again.Stats().Damages; n != 0 {
			bad = append(bad, "damage was reported")
		}
		if err := log.put(again, bid(9, 9), 5000); err != nil {
			bad = append(bad, fmt.Sprintf("put afterwards: %v", err))
		}
		mustClose(t, again)
	}
	if len(bad) > 0 {
		t.Fatalf("%s (%v):\n%s", name, s.hits, strings.Join(sorted(bad), "\n"))
	}
}

// first returns what the fault hit first.
func (s *saboteur) first() (op errorfs.Op, hit bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hits) == 0 {
		return errorfs.Op{}, false
	}
	return s.hits[0], true
}

// runSabotaged runs the workload and checks the running store.
func runSabotaged(s *saboteur, st *Store, log *ledger, seed uint64, steps int) (bad []string) {
	workload(st, log, seed, steps)
	if st.Failed() != nil {
		if err := put(st, bid(8, 1), 10); err == nil || metadata.KindOf(err) != metadata.KindUnavailable {
			bad = append(bad, fmt.Sprintf("put on a failed disk: got %v", err))
		}
	}
	op, hit := s.first()
	if hit && st.Failed() == nil && isSync(op) && op.Kind != errorfs.OpFileSyncTo && !strings.Contains(op.Path, indexName) {
		bad = append(bad, "a failed sync did not fail the disk")
	}
	s.stop()
	if hit && isRead(op) {
		return bad // the index may have been told lies; it says so
	}
	for _, m := range log.check(st) {
		// A failed index answers no lists; everything else must be right.
		if !strings.Contains(m, "index") {
			bad = append(bad, "running: "+m)
		}
	}
	return bad
}

// TestFaults returns an error from calls of the workload, one run for each.
func TestFaults(t *testing.T) {
	every, steps := 7, 60
	if soak() {
		every, steps = 1, 120
	}
	for _, c := range []struct {
		name       string
		err        error
		persistent bool
		counts     func(errorfs.Op) bool
	}{
		{"EIO once in writes", syscall.EIO, false, isWrite},
		{"EIO from then on in writes", syscall.EIO, true, isWrite},
		{"ENOSPC once", syscall.ENOSPC, false, func(op errorfs.Op) bool { return isWrite(op) && takesSpace(op) }},
		{"ENOSPC from then on", syscall.ENOSPC, true, func(op errorfs.Op) bool { return isWrite(op) && takesSpace(op) }},
		{"EIO once in reads", syscall.EIO, false, isRead},
	} {
		t.Run(c.name, func(t *testing.T) {
			dry := &saboteur{counts: c.counts}
			sabotage(t, dry, 7, steps)
			for at := 1; at <= dry.calls; at += every {
				sabotage(t, &saboteur{err: c.err, at: at, persistent: c.persistent, counts: c.counts}, 7, steps)
			}
			t.Logf("%d calls, every %d-th failed", dry.calls, every)
		})
	}
}

// takesSpace reports whether a full disk can refuse the call. A sync is not
// among them: space is allocated when it is written (see BS-9).
func takesSpace(op errorfs.Op) bool {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpRename, errorfs.OpMkdirAll, errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFilePreallocate:
		return true
	}
	return false
}

// TestDiskFull fills the disk and checks that reads and deletes go on.
func TestDiskFull(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := &saboteur{err: syscall.ENOSPC, persistent: true, counts: func(op errorfs.Op) bool {
		return takesSpace(op) && (strings.Contains(op.Path, packsName) && op.Kind == errorfs.OpCreate || strings.Contains(op.Path, tempName))
	}}
	if _, err := Format("/d", FormatOptions{FS: mem}); err != nil {
		t.Fatal(err)
	}
	st := mustOpen(t, small(errorfs.Wrap(mem, s), "/d"))
	defer st.Close()
	s.at = 1 // from now on neither packs nor files can be made
	n := 0
	var err error
	for ; err == nil && n < 100; n++ {
		err = put(st, bid(1, n+1), 5000)
	}
	wantKind(t, "put on a full disk", err, metadata.KindNoSpace)
	wantKind(t, "large put on a full disk", put(st, bid(2, 1), 50_000), metadata.KindNoSpace)
	if st.Failed() != nil {
		t.Fatalf("a full disk has failed: %v", st.Failed())
	}
	for i := range n - 1 {
		wantBlock(t, st, bid(1, i+1), 5000)
	}
	if err := st.SetFence(context.Background(), 1, 3); err != nil {
		t.Fatalf("SetFence on a full disk: %v", err)
	}
	for i := range n - 1 {
		if err := st.Delete(context.Background(), 1, []metadata.LocalID{metadata.LocalID(i + 1)}); err != nil {
			t.Fatalf("Delete on a full disk: %v", err)
		}
	}
	s.stop()
	mustPut(t, st, bid(1, 200), 5000)
	wantBlock(t, st, bid(1, 200), 5000)
	if bad := fsck(st); len(bad) > 0 {
		t.Error(bad)
	}
}

// TestReserve keeps puts out of the last part of the disk.
func TestReserve(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ configured, total, want int64 }{
		{0, 1 << 40, (1 << 40) / 50},
		{0, 100 << 30, 4 << 30},
		{0, 64 * mib, 64 * mib / 10},
		{5, 1 << 40, 5},
		{-1, 1 << 40, 0},
	} {
		if got := reserve(c.configured, c.total); got != c.want {
			t.Errorf("reserve(%d, %d): got %d, want %d", c.configured, c.total, got, c.want)
		}
	}
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{TotalBytes: 1000 * mib, AvailBytes: 101 * mib})
	s := mustFormat(t, Config{Dir: "/d", FS: mem, CompactionInterval: -1})
	defer s.Close()
	if got := s.Space(); got.Capacity != 1000*mib || got.Free != mib {
		t.Errorf("Space: got %+v, want 1 MiB free of 1000", got)
	}
	mustPut(t, s, bid(1, 1), mib/2)
	wantKind(t, "put into the reserve", put(s, bid(1, 2), 2*mib), metadata.KindNoSpace)
	if got := s.Space().Used; got != mib/2 {
		t.Errorf("Used: got %d", got)
	}
	if s.packLimit != 1000*mib/32 {
		t.Errorf("pack limit on a small disk: got %d", s.packLimit)
	}
}

// TestIndexManifestFault: an index whose list of tables cannot be written fails
// its disk and nothing else. Pebble has no way back from there but to end the
// process, in which other disks are served.
func TestIndexManifestFault(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync} {
		mem := vfs.NewCrashableMem()
		if _, err := Format("/d", FormatOptions{FS: mem}); err != nil {
			t.Fatal(err)
		}
		s := &saboteur{err: syscall.EIO, at: 1, counts: func(op errorfs.Op) bool {
			return op.Kind == kind && strings.Contains(op.Path, "MANIFEST-")
		}}
		s.off = true
		log := newLedger()
		st, err := Open(small(errorfs.Wrap(mem, s), "/d"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			if err := log.put(st, bid(1, i+1), 3000); err != nil {
				t.Fatal(err)
			}
			if i%10 == 9 { // tables for a compaction
				if err := st.flushIndex(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.mu.Lock()
		s.off = false
		s.mu.Unlock()
		// All is flushed, so that a compaction meets the fault; Pebble works on.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err = st.index.db.Compact(ctx, []byte{rowsBlock}, []byte{rowsBlock + 1}, false)
		cancel()
		if _, hit := s.first(); !hit || st.Failed() == nil {
			t.Errorf("%v: hit %v, failed %v, Compact %v", kind, hit, st.Failed(), err)
		}
		if err := put(st, bid(8, 1), 10); metadata.KindOf(err) != metadata.KindUnavailable || err == nil {
			t.Errorf("%v: put on the failed disk: %v", kind, err)
		}
		s.stop()
		_ = st.Close() // a failed disk says so
		for _, crash := range []bool{false, true} {
			fs := mem
			if crash {
				fs = mem.CrashClone(vfs.CrashCloneCfg{})
			}
			again, err := Open(small(fs, "/d"))
			if err != nil {
				t.Fatalf("%v, power cut %v: Open afterwards: %v", kind, crash, err)
			}
			for _, m := range append(log.check(again), fsck(again)...) {
				t.Errorf("%v, power cut %v: %s", kind, crash, m)
			}
			mustClose(t, again)
		}
	}
}
