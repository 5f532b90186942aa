package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// TestOpenRefuses covers what Open must not accept.
func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   metadata.Kind
	}{
		{"no dir", func(c *Config) { c.Dir = "" }, metadata.KindInvalid},
		{"no id", func(c *Config) { c.ID = 0 }, metadata.KindInvalid},
		{"bad address", func(c *Config) { c.Addr = "nowhere" }, metadata.KindInvalid},
		{"short heartbeat", func(c *Config) { c.Heartbeat = 1 }, metadata.KindInvalid},
		{"bootstrap is not init", func(c *Config) { c.Bootstrap = mkdir("/") }, metadata.KindInvalid},
		{"bootstrap and join", func(c *Config) { c.Join = true }, metadata.KindInvalid},
		{"empty folder", func(c *Config) { c.Bootstrap = nil }, metadata.KindNotFound},
		{"refused init", func(c *Config) { c.Bootstrap = &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{}}} }, metadata.KindInvalid},
	} {
		cfg := memNode()
		c.change(&cfg)
		n, err := Open(cfg)
		if metadata.KindOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if n != nil {
			t.Errorf("%s: Open returned a node", c.name)
		}
	}
}

// TestFolderLock opens one folder twice, in memory and on disk.
func TestFolderLock(t *testing.T) {
	disk := oneVoter(filepath.Join(t.TempDir(), "a", "b"))
	for name, cfg := range map[string]Config{"memory": memNode(), "disk": disk} {
		n := openNode(t, cfg)
		_, err := Open(cfg)
		if metadata.KindOf(err) != metadata.KindConflict || !strings.Contains(fmt.Sprint(err), "in use by another process") {
			t.Errorf("%s: second open: got %v, want a conflict", name, err)
		}
		propose(t, n, mkdir("/still"))
		must(t, n.Close())
		again := openNode(t, cfg)
		if !exists(t, again, "/still") {
			t.Errorf("%s: a directory is lost", name)
		}
	}
}

// TestOtherNode opens a folder as another node.
func TestOtherNode(t *testing.T) {
	cfg := memNode()
	must(t, openNode(t, cfg).Close())
	cfg.ID = 2
	if _, err := Open(cfg); metadata.KindOf(err) != metadata.KindConflict {
		t.Errorf("open as node 2: got %v, want a conflict", err)
	}
}

// TestFormatVersion gives each database a version of the future, a wrong
// magic and no format row.
func TestFormatVersion(t *testing.T) {
	future := binary.BigEndian.AppendUint32([]byte("KLOG"), formatVersion+1)
	for _, c := range []struct {
		folder string
		row    []byte
		want   metadata.Kind
	}{
		{"log", future, metadata.KindUnsupported},
		{"state-000001", append([]byte("KSTA"), future[4:]...), metadata.KindUnsupported},
		{"log", append([]byte("KSTA"), 0, 0, 0, 1), metadata.KindCorrupt},
		{"state-000001", []byte("KSTA"), metadata.KindCorrupt},
		{"state-000001", nil, metadata.KindCorrupt},
	} {
		cfg := memNode()
		must(t, openNode(t, cfg).Close())
		db, err := pebble.Open(cfg.FS.PathJoin("node", c.folder), &pebble.Options{FS: cfg.FS, FormatMajorVersion: pebbleFormat, Logger: quiet{}})
		must(t, err)
		if c.row == nil {
			err = db.Delete(ownKey(rowFormat), pebble.Sync)
		} else {
			err = db.Set(ownKey(rowFormat), c.row, pebble.Sync)
		}
		must(t, err, db.Close())
		if _, err := Open(cfg); metadata.KindOf(err) != c.want {
			t.Errorf("%s with %q: got %v, want %v", c.folder, c.row, err, c.want)
		}
	}
}

// TestLostParts removes one database and keeps the other.
func TestLostParts(t *testing.T) {
	for _, lost := range []string{"log", "state-000001"} {
		cfg := memNode()
		n := openNode(t, cfg)
		keepEntries(t, n, 1)
		for i := range 10 {
			propose(t, n, mkdir(fmt.Sprintf("/d%d", i)))
		}
		must(t, n.raft.Snapshot().Error(), n.Close())
		must(t, cfg.FS.RemoveAll(cfg.FS.PathJoin("node", lost)))
		if _, err := Open(cfg); metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("without %s: got %v, want corrupt", lost, err)
		}
	}
}

// TestBootstrapOnce opens with Bootstrap again: it must not run twice.
func TestBootstrapOnce(t *testing.T) {
	cfg := memNode()
	n := openNode(t, cfg)
	propose(t, n, mkdir("/a"))
	must(t, n.Close())
	n = openNode(t, cfg)
	if !exists(t, n, "/a") {
		t.Error("the second Bootstrap made a new namespace")
	}
}

// TestRows checks that the namespace sees its rows and no others.
func TestRows(t *testing.T) {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	must(t, err)
	w := newRowWriter(db, newHotRows(0), 0)
	b := w.b
	must(t, b.Set(ownKey(rowApplied), make([]byte, 16), nil))
	must(t, w.Set([]byte("Da"), nil), w.Set([]byte("Db"), []byte("1")), w.Delete([]byte("Db"))) // hot
	if got, err := w.Get([]byte("Da")); got == nil || len(got) != 0 || err != nil {
		t.Errorf("empty hot row: got %v, %v, want an empty slice", got, err)
	}
	if got, err := w.Get([]byte("Db")); got != nil || err != nil {
		t.Errorf("deleted hot row: got %v, %v, want nil", got, err)
	}
	must(t, w.Delete([]byte("Da")))
	must(t, w.Set([]byte("a"), []byte("1")), w.Set([]byte("b"), nil), w.Set([]byte("c"), []byte("3")), w.Delete([]byte("c")))
	if got, err := w.Get([]byte("b")); got == nil || len(got) != 0 || err != nil {
		t.Errorf("empty row: got %v, %v, want an empty slice", got, err)
	}
	if got, err := w.Get([]byte("c")); got != nil || err != nil {
		t.Errorf("deleted row: got %v, %v, want nil", got, err)
	}
	for _, c := range []struct {
		lower, upper string
		stop         int
		want         string
	}{
		{"", "", 9, "ab"}, {"\x00", "", 9, "ab"}, {"b", "", 9, "b"}, {"", "b", 9, "a"}, {"", "", 1, "a"},
	} {
		got := ""
		err := w.Scan([]byte(c.lower), []byte(c.upper), func(k, _ []byte) (bool, error) {
			got += string(k)
			return len(got) < c.stop, nil
		})
		if got != c.want || err != nil {
			t.Errorf("scan %q %q: got %q, %v, want %q", c.lower, c.upper, got, err, c.want)
		}
	}
	if err := w.Scan(nil, nil, func(_, _ []byte) (bool, error) { return true, errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("scan: got %v, want the function's error", err)
	}
	if w.Set(ownKey('x'), nil) == nil || w.Delete(nil) == nil {
		t.Error("the namespace wrote a row that is not its own")
	}
	must(t, b.Close(), db.Close())
}

func TestProgressRows(t *testing.T) {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	must(t, err)
	if got, err := readProgress(db); !reflect.DeepEqual(got, progress{}) || err != nil {
		t.Errorf("empty: got %+v, %v", got, err)
	}
	want := progress{index: 7, term: 3, membersIndex: 5, members: raft.Configuration{Servers: []raft.Server{
		{ID: "n1", Address: "n1@a:1", Suffrage: raft.Voter}, {ID: "n2", Address: "n2@b:1", Suffrage: raft.Nonvoter}}}}
	b := db.NewBatch()
	must(t, want.writeIndex(b), want.writeMembers(b), b.Commit(pebble.NoSync))
	if got, err := readProgress(db); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	must(t, db.Set(ownKey(rowMembers), []byte("{"), nil))
	if _, err := readProgress(db); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("damaged members: got %v, want corrupt", err)
	}
	must(t, db.Set(ownKey(rowApplied), []byte("short"), nil))
	if _, err := readProgress(db); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("damaged index: got %v, want corrupt", err)
	}
	must(t, db.Close())
}

func FuzzDecodeMembers(f *testing.F) {
	f.Add([]byte(`{"index":5,"servers":[{"id":"n1","addr":"n1@a:1","voter":true}]}`))
	f.Fuzz(func(t *testing.T, val []byte) {
		conf, index, err := decodeMembers(val)
		if err == nil && (len(conf.Servers) > len(val) || index > 0 && len(val) == 0) {
			t.Errorf("%q: %v, %d", val, conf, index)
		}
	})
}

// TestViewIndex checks that a view is at least as new as the index with it.
func TestViewIndex(t *testing.T) {
	n := openNode(t, memNode())
	propose(t, n, mkdir("/a"))
	must(t, n.View(func(r namespace.Reader, index uint64) error {
		applied, err := namespace.Applied(r)
		if applied > index+1 || index == 0 {
			t.Errorf("view of %d says %d is applied", index, applied)
		}
		return err
	}))
	must(t, n.Close())
	err := n.View(func(namespace.Reader, uint64) error { return nil })
	if metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("view of a closed node: got %v, want unavailable", err)
	}
	if _, err := n.Propose(testContext(t), mkdir("/b")); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("propose on a closed node: got %v, want unavailable", err)
	}
}

// received state for TestInstallCrash: a folder promoted from a stream of src.
func receive(t *testing.T, src *Node, dst *state) *received {
	t.Helper()
	meta, r, err := (&snapshots{state: src.state}).Open(liveSnapshot)
	must(t, err)
	store := &snapshots{state: dst}
	sink, err := store.Create(meta.Version, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
	must(t, err)
	if _, err := copyTo(sink, r); err != nil {
		t.Fatal(err)
	}
	must(t, sink.Close(), r.Close())
	_, rec, err := store.Open(sink.ID())
	must(t, err)
	return rec.(*received)
}

// TestInstallCrash cuts the power at every writing operation of an
// installation. What comes back must be the old state with its log or the new
// one, and a node must open on it.
func TestInstallCrash(t *testing.T) {
	src := openNode(t, memNode())
	for i := range 30 {
		propose(t, src, mkdir(fmt.Sprintf("/new%d", i)))
	}
	seen := map[string]int{}
	for n, more := int64(1), true; more; n++ {
		mem := vfs.NewCrashableMem()
		var left *vfs.MemFS
		cut := &cutAt{n: n, cut: func() { left = mem.CrashClone(vfs.CrashCloneCfg{}) }}
		installInto(t, src, mem, cut)
		if more = left != nil; !more {
			left = mem
		}
		cfg := memNode()
		cfg.FS, cfg.Bootstrap = left, nil
		got := openNode(t, cfg)
		switch {
		case exists(t, got, "/old") && !exists(t, got, "/new1"):
			seen["old"]++
		case !exists(t, got, "/old") && exists(t, got, "/new29"):
			seen["new"]++
		default:
			t.Fatalf("cut at write %d: neither the old nor the new state", n)
		}
		propose(t, got, mkdir("/works"))
		must(t, got.Close())
	}
	t.Logf("states after the cut: %v", seen)
	if seen["old"] == 0 || seen["new"] == 0 {
		t.Errorf("states after the cut: %v, want both kinds", seen)
	}
}

// installInto makes a small node in mem, stops it, and installs src's state
// into its folder while cut watches.
func installInto(t *testing.T, src *Node, mem *vfs.MemFS, cut *cutAt) {
	t.Helper()
	cfg := memNode()
	cfg.FS = errorfs.Wrap(mem, cut)
	n := openNode(t, cfg)
	propose(t, n, mkdir("/old"))
	must(t, n.Close())
	f := newFailure(slog.New(slog.DiscardHandler))
	dirs, err := openFolders("node", cfg.FS, f)
	must(t, err)
	logs, err := openLogStore("node/log", cfg.FS, 1, f, &counters{})
	must(t, err)
	s, err := openState(dirs, logs, namespaceMachine(), f, &counters{})
	must(t, err)
	rec := receive(t, src, s)
	cut.on.Store(true)
	must(t, s.Restore(rec))
	cut.on.Store(false)
	must(t, s.close(), logs.close(), dirs.close())
}

// cutAt calls cut before the n-th writing operation.
type cutAt struct {
	n     int64
	count atomic.Int64
	on    atomic.Bool
	cut   func()
}

// MaybeError implements errorfs.Injector; it injects no error.
func (c *cutAt) MaybeError(op errorfs.Op) error {
	if c.on.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && c.count.Add(1) == c.n {
		c.cut()
	}
	return nil
}

// String implements errorfs.Injector.
func (c *cutAt) String() string { return "cut" }

// TestInstallMismatch announces another index than the stream has.
func TestInstallMismatch(t *testing.T) {
	src, dst := openNode(t, memNode()), openNode(t, memNode())
	propose(t, src, mkdir("/a"))
	rec := receive(t, src, dst.state)
	rec.meta.Index++
	if err := dst.state.install(rec); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("install: got %v, want corrupt", err)
	}
	if err := dst.state.Restore(&stream{}); metadata.KindOf(err) != metadata.KindInternal {
		t.Errorf("restore of something else: got %v, want internal", err)
	}
}

// TestLeftovers puts remains of crashes into a folder.
func TestLeftovers(t *testing.T) {
	cfg := oneVoter(t.TempDir())
	must(t, openNode(t, cfg).Close())
	for _, name := range []string{"incoming-000007", "checkpoint-000009", "state-000005"} {
		must(t, os.MkdirAll(filepath.Join(cfg.Dir, name, "x"), 0o700))
	}
	n := openNode(t, cfg)
	names, err := os.ReadDir(cfg.Dir)
	must(t, err)
	if len(names) != 4 { // LOCK, log, marker, state
		t.Errorf("folder has %v", names)
	}
	if got, want := n.folders.side("state-"), "state-000010"; got != want {
		t.Errorf("next folder: got %s, want %s", got, want)
	}
}
