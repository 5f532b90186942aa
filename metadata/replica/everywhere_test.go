package replica

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kendfs/metadata"
)

// nth makes the n-th writing file operation fail, or all from there on.
type nth struct {
	n     int64
	after bool
	count atomic.Int64
}

// MaybeError implements errorfs.Injector.
func (i *nth) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	if c := i.count.Add(1); c == i.n || i.after && c > i.n {
		return errDisk
	}
	return nil
}

// String implements errorfs.Injector.
func (i *nth) String() string { return fmt.Sprintf("write %d", i.n) }

// TestDiskFailureEverywhere fails each writing operation of a node's life in
// turn, once and for good. Whatever happens, the node must end cleanly, and
// what it acknowledged must be there after a power cut.
func TestDiskFailureEverywhere(t *testing.T) {
	none := &nth{}
	must(t, workload(t, vfs.NewCrashableMem(), none, &ledger{}))
	total := none.count.Load()
	if total < 50 {
		t.Fatalf("the workload writes only %d times", total)
	}
	step := int64(1)
	if !soak() {
		step = total/80 + 1
	}
	failed := 0
	for n := int64(1); n <= total; n += step {
		for _, after := range []bool{false, true} {
			mem, led := vfs.NewCrashableMem(), &ledger{}
			if err := workload(t, mem, &nth{n: n, after: after}, led); err != nil {
				failed++
			}
			checkAfterFailure(t, mem.CrashClone(vfs.CrashCloneCfg{}), led, fmt.Sprintf("write %d failed (for good: %v)", n, after))
		}
	}
	t.Logf("%d writing operations, %d failures stopped the node", total, failed)
	if failed == 0 {
		t.Error("no failure was noticed")
	}
}

// workload runs a node from its birth to its end and returns why it stopped.
func workload(t *testing.T, mem *vfs.MemFS, inj errorfs.Injector, led *ledger) error {
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: errorfs.Wrap(mem, inj),
		Heartbeat: 50 * time.Millisecond})
	if err != nil {
		return err
	}
	keepEntries(t, n, 3)
	for i := range 20 {
		path := led.path()
		res, err := n.Propose(testContext(t), mkdir(path))
		if err == nil && res.Ok {
			led.add(path)
		}
		if i == 10 {
			_ = n.result(n.raft.Snapshot()) // fails with the disk
		}
	}
	err = n.Close()
	if cause := n.failure.get(); cause != nil {
		return cause
	}
	return err
}

func checkAfterFailure(t *testing.T, left *vfs.MemFS, led *ledger, what string) {
	t.Helper()
	n, err := Open(Config{Dir: "node", ID: 1, Addr: "a:1", FS: left})
	if err != nil {
		// Before the first acknowledgement there may be nothing yet.
		if len(led.acked) > 0 || metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("%s: reopen: %v", what, err)
		}
		return
	}
	for _, path := range led.acked {
		if !exists(t, n, path) {
			t.Errorf("%s: %s was acknowledged and is lost", what, path)
		}
	}
	must(t, n.Close())
}
