package replica

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// faults makes file operations fail once it is switched on.
type faults struct {
	on    atomic.Bool
	hit   atomic.Int32
	match func(errorfs.Op) bool
	once  bool // only the first one fails
}

var errDisk = errors.New("injected input/output error")

// MaybeError implements errorfs.Injector.
func (f *faults) MaybeError(op errorfs.Op) error {
	if !f.on.Load() || !f.match(op) {
		return nil
	}
	if f.hit.Add(1) > 1 && f.once {
		return nil
	}
	return errDisk
}

// String implements errorfs.Injector.
func (f *faults) String() string { return "faults" }

// in matches an operation on the files of a folder with an extension.
func in(folder, ext string, kinds ...errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool {
		if !strings.Contains(op.Path, folder) || path.Ext(op.Path) != ext {
			return false
		}
		for _, k := range kinds {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

// TestDiskFailure breaks the disk under load. The node must report it once,
// must not acknowledge what a restart then does not find, and must not take
// the disk's next success for an answer.
func TestDiskFailure(t *testing.T) {
	sync, write := errorfs.OpFileSync, errorfs.OpFileWrite
	for _, c := range []struct {
		name string
		f    *faults
		snap bool // the failure shows when the log is shortened
	}{
		{"fsync of the log", &faults{match: in("log", ".log", sync, errorfs.OpFileSyncData)}, false},
		{"one fsync of the log", &faults{match: in("log", ".log", sync, errorfs.OpFileSyncData), once: true}, false},
		{"write to the log", &faults{match: in("log", ".log", write)}, false},
		{"one write to the log", &faults{match: in("log", ".log", write), once: true}, false},
		{"fsync of the state", &faults{match: in("state-", ".log", sync, errorfs.OpFileSyncData)}, true},
		{"write to the state", &faults{match: in("state-", ".log", write)}, true},
	} {
		t.Run(c.name, func(t *testing.T) { breakDisk(t, c.f, c.snap) })
	}
}

func breakDisk(t *testing.T, f *faults, snap bool) {
	mem := vfs.NewCrashableMem()
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: errorfs.Wrap(mem, f)})
	must(t, err)
	led := &ledger{}
	ctx, cancel := context.WithTimeout(testContext(t), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				path := led.path()
				res, err := n.Propose(ctx, mkdir(path))
				if err != nil || !res.Ok {
					return
				}
				if led.add(path); led.len() == 50 {
					f.on.Store(true)
				}
				if snap && led.len() > 50 {
					_ = n.result(n.raft.Snapshot())
				}
			}
		})
	}
	select {
	case err := <-n.Failed():
		if err == nil {
			t.Error("Failed gave no error")
		}
	case <-ctx.Done():
		t.Fatal("Failed gave nothing")
	}
	wg.Wait()
	if _, err := n.Propose(ctx, mkdir("/late")); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("propose on a failed node: got %v, want unavailable", err)
	}
	if _, err := n.Query(ctx, lookup("/")); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("query on a failed node: got %v, want unavailable", err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	must(t, n.Close())
	again, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", FS: left})
	must(t, err)
	led.check(t, again)
	must(t, again.Close())
}

// TestMachineFailure checks that an entry which cannot be applied stops the
// node without an answer.
func TestMachineFailure(t *testing.T) {
	m := namespaceMachine()
	apply := m.apply
	var broken atomic.Bool
	m.apply = func(s namespace.KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error) {
		if broken.Load() {
			return nil, errors.New("row cannot be decoded")
		}
		return apply(s, index, b)
	}
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: vfs.NewMem(), machine: m})
	must(t, err)
	broken.Store(true)
	_, err = n.Propose(testContext(t), mkdir("/a"))
	if metadata.KindOf(err) != metadata.KindTimeout {
		t.Errorf("propose: got %v, want an unknown outcome", err)
	}
	if err := <-n.Failed(); !strings.Contains(err.Error(), "row cannot be decoded") {
		t.Errorf("Failed: got %v", err)
	}
	must(t, n.Close())
}

// TestReadFailure checks that a broken row stops the node, and a refused query
// does not.
func TestReadFailure(t *testing.T) {
	m := namespaceMachine()
	answer := m.answer
	m.answer = func(r namespace.Reader, q *metapb.Query) (*metapb.Answer, error) {
		if q.GetUsers() != nil {
			return nil, errors.New("row cannot be decoded")
		}
		return answer(r, q)
	}
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: vfs.NewMem(), machine: m})
	must(t, err)
	if _, err := n.Query(testContext(t), lookup("/none")); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("lookup: got %v, want not found", err)
	}
	_, err = n.Query(testContext(t), &metapb.Query{Q: &metapb.Query_Users{Users: &metapb.ListUsers{}}})
	if metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("query: got %v, want unavailable", err)
	}
	if err := <-n.Failed(); err == nil {
		t.Error("Failed gave no error")
	}
	must(t, n.Close())
}

// TestUnknownEntry lets an entry of a later version arrive.
func TestUnknownEntry(t *testing.T) {
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: vfs.NewMem()})
	must(t, err)
	n.raft.Apply([]byte{batchFieldVersion << 3, 2}, 0)
	if err := <-n.Failed(); metadata.KindOf(err) != metadata.KindUnsupported {
		t.Errorf("Failed: got %v, want unsupported", err)
	}
	must(t, n.Close())
}

// TestFollowerFailure breaks one disk of three: the group goes on without it.
func TestFollowerFailure(t *testing.T) {
	g := newGroup(t, 3)
	lead := g.leaderIndex()
	bad := (lead + 1) % 3
	g.stop(bad)
	f := &faults{match: in("log", ".log", errorfs.OpFileSync, errorfs.OpFileSyncData)}
	n := g.open(bad, func(c *Config) { c.FS = errorfs.Wrap(g.fs[bad], f) })
	g.same()
	f.on.Store(true)
	for i := range 20 {
		g.propose(mkdir(fmt.Sprintf("/d%d", i)))
	}
	select {
	case <-n.Failed():
	case <-testContext(t).Done():
		t.Fatal("Failed gave nothing")
	}
	g.stop(bad)
	g.fs[bad] = g.fs[bad].CrashClone(vfs.CrashCloneCfg{})
	g.open(bad, nil)
	g.same()
}

func TestGuarded(t *testing.T) {
	f := newFailure(openLog(t, vfs.NewMem()).failure.logger)
	if err := f.guarded(func() error { return errDisk }); err != errDisk {
		t.Errorf("guarded: got %v, want the function's error", err)
	}
	if err := f.guarded(func() error { f.halt(errDisk); return nil }); err != errDisk {
		t.Errorf("guarded: got %v, want the failure", err)
	}
	if err := f.guarded(func() error { return nil }); err != nil {
		t.Errorf("guarded after a failure: got %v, want what the function returned", err)
	}
	f.set(errors.New("second"))
	if got := f.get(); got != errDisk {
		t.Errorf("get: got %v, want the first failure", got)
	}
}
