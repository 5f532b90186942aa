package blockstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kendfs/metadata"
)

// takesDescriptor reports whether a process without free descriptors is refused
// the call.
func takesDescriptor(op errorfs.Op) bool {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpOpen, errorfs.OpOpenDir, errorfs.OpReuseForWrite:
		return true
	}
	return false
}

// noDescriptors refuses whatever takes a descriptor, among the files that match.
func noDescriptors(match string) func(errorfs.Op) error {
	return func(op errorfs.Op) error {
		if takesDescriptor(op) && strings.Contains(op.Path, match) {
			return &os.PathError{Op: "open", Path: op.Path, Err: syscall.EMFILE}
		}
		return nil
	}
}

// A process that has run out of descriptors is busy for a while. Its disks have
// not failed, and its blocks are not damaged: either would set off repairs.
func TestShortOfDescriptors(t *testing.T) {
	s, f, mem := faultyStore(t)
	ctx := t.Context()
	for i := range 20 { // two packs
		mustPut(t, s, bid(1, i+1), 5000)
	}
	mustPut(t, s, bid(2, 1), 50_000)
	mustClose(t, s)
	s = mustOpen(t, small(errorfs.Wrap(mem, f), "/d")) // nothing is open for reading
	f.set(noDescriptors("/d/"))
	for _, id := range []metadata.BlockID{bid(1, 1), bid(1, 20), bid(2, 1)} {
		_, err := readAll(s, id)
		wantKind(t, "read of "+id.String(), err, metadata.KindBusy)
	}
	v, err := s.Verify(ctx, 1, nil)
	wantKind(t, "scrub", err, metadata.KindBusy)
	if len(v.Corrupt) != 0 || s.Stats().Corrupt != 0 {
		t.Errorf("sound blocks count as damaged: %+v, %d", v, s.Stats().Corrupt)
	}
	wantKind(t, "large put", put(s, bid(2, 2), 50_000), metadata.KindBusy)
	wantKind(t, "large put that is here", put(s, bid(2, 1), 50_000), metadata.KindBusy)
	err = nil
	for i := 0; err == nil && i < 30; i++ { // until a new pack is needed
		err = put(s, bid(3, i+1), 5000)
	}
	wantKind(t, "put that needs a new pack", err, metadata.KindBusy)
	if err := s.Delete(ctx, 1, []metadata.LocalID{2}); err != nil { // has its reserve
		t.Errorf("delete: %v", err)
	}
	if err := s.Failed(); err != nil {
		t.Fatalf("the disk has failed: %v", err)
	}
	f.set(nil)
	for i := range 20 {
		if i != 1 {
			wantBlock(t, s, bid(1, i+1), 5000)
		}
	}
	wantBlock(t, s, bid(2, 1), 50_000)
	mustPut(t, s, bid(2, 2), 50_000)
	mustPut(t, s, bid(3, 99), 5000)
	if err := s.Compact(ctx); err != nil {
		t.Error(err)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
	mustClose(t, s)
	if temp, named := inFiles(t, mem); temp != 0 || named != 2 {
		t.Errorf("%d files in tmp, %d block files; want 0 and 2", temp, named)
	}
}

// Each step that takes a descriptor may be the one that gets none.
func TestShortAtEveryOpening(t *testing.T) {
	every := 9
	if soak() {
		every = 1
	}
	for _, persistent := range []bool{false, true} {
		dry := &saboteur{counts: takesDescriptor}
		sabotage(t, dry, 9, 60)
		for at := 1; at <= dry.calls; at += every {
			s := &saboteur{err: syscall.EMFILE, at: at, persistent: persistent, counts: takesDescriptor}
			sabotage(t, s, 9, 60)
		}
		t.Logf("%d openings, every %d-th failed, persistent %v", dry.calls, every, persistent)
	}
}

// A compaction that gets no descriptors stops, and is done later.
func TestShortInCompaction(t *testing.T) {
	for _, match := range []string{"/" + packsName, "/" + blocksName, "/" + tempName} {
		s, f, _ := faultyStore(t)
		var locals []metadata.LocalID
		for i := range 30 {
			mustPut(t, s, bid(1, i+1), 5000)
			locals = append(locals, metadata.LocalID(i+1))
		}
		mustPut(t, s, bid(2, 1), 50_000)
		if err := errors.Join(s.Delete(t.Context(), 1, locals[:25]), s.Delete(t.Context(), 2, []metadata.LocalID{1})); err != nil {
			t.Fatal(err)
		}
		f.set(noDescriptors(match))
		err := s.Compact(t.Context())
		if err != nil && metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("%s: Compact: %v, want %v or nothing", match, err, metadata.KindBusy)
		}
		if s.Failed() != nil {
			t.Fatalf("%s: the disk has failed: %v", match, s.Failed())
		}
		f.set(nil)
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Stats(); got.DeadBytes > got.PackBytes/2 {
			t.Errorf("%s: %d of %d bytes are dead after all", match, got.DeadBytes, got.PackBytes)
		}
		for _, l := range locals[25:] {
			wantBlock(t, s, bid(1, int(l)), 5000)
		}
		if bad := fsck(s); len(bad) > 0 {
			t.Errorf("%s: %v", match, bad)
		}
		mustClose(t, s)
	}
}

// Which errors pass, and what their kinds are.
func TestPassingErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		passes bool
		want   metadata.Kind
	}{
		{syscall.ENOSPC, true, metadata.KindNoSpace},
		{syscall.EDQUOT, true, metadata.KindNoSpace},
		{syscall.EMFILE, true, metadata.KindBusy},
		{syscall.ENFILE, true, metadata.KindBusy},
		{syscall.ENOMEM, true, metadata.KindBusy},
		{syscall.EIO, false, metadata.KindUnavailable},
		{syscall.EROFS, false, metadata.KindUnavailable},
		{metadata.Errorf(metadata.KindStale, "fenced"), false, metadata.KindStale},
	} {
		wrapped := fmt.Errorf("at work: %w", c.err)
		if got := passes(wrapped); got != c.passes {
			t.Errorf("%v passes: %v, want %v", c.err, got, c.passes)
		}
		if passes(syncError{wrapped}) {
			t.Errorf("a sync's %v passes", c.err)
		}
		if got := metadata.KindOf(diskError("x", wrapped)); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
	if diskError("x", nil) != nil {
		t.Error("no error became one")
	}
}

// An index that cannot be opened for want of descriptors is not thrown away.
func TestOpenWithoutDescriptors(t *testing.T) {
	s, f, mem := faultyStore(t)
	for i := range 5 {
		mustPut(t, s, bid(1, i+1), 5000)
	}
	mustClose(t, s)
	before, err := mem.List("/d/" + indexName)
	if err != nil {
		t.Fatal(err)
	}
	f.set(noDescriptors("/" + indexName))
	_, err = Open(small(errorfs.Wrap(mem, f), "/d"))
	wantKind(t, "Open", err, metadata.KindBusy)
	f.set(nil)
	after, err := mem.List("/d/" + indexName)
	if err != nil || len(after) < len(before) {
		t.Errorf("files of the index: %v, were %v, %v", after, before, err)
	}
	s = mustOpen(t, small(mem, "/d"))
	defer s.Close()
	for i := range 5 {
		wantBlock(t, s, bid(1, i+1), 5000)
	}
}

// A name whose directory cannot be synced is not given.
func TestRenameNeedsItsDirectory(t *testing.T) {
	s, f, mem := faultyStore(t)
	defer s.Close()
	id := blockFile{key{1, 1}, 3}
	temp := "/d/" + tempName + "/" + id.name()
	if err := writeFile(mem, temp, []byte("x")); err != nil {
		t.Fatal(err)
	}
	other := blockFile{key{1, 2}, 3}
	tempOther := "/d/" + tempName + "/" + other.name()
	if err := writeFile(mem, tempOther, []byte("y")); err != nil || other.dir() == id.dir() {
		t.Fatal(err, "both in one directory")
	}
	f.set(noDescriptors("/" + blocksName + "/" + id.dir()))
	group := []*renaming{{temp: temp, file: id, done: make(chan error, 1)}, {temp: tempOther, file: other, done: make(chan error, 1)}}
	s.renameGroup(group)
	if err := <-group[0].done; !passes(err) {
		t.Errorf("without its directory: %v, want an error that passes", err)
	}
	if err := <-group[1].done; err != nil {
		t.Errorf("beside it: %v", err)
	}
	if there, err := exists(mem, temp); !there || err != nil {
		t.Errorf("the file has lost its temporary name: %v", err)
	}
	if err := mem.Remove(s.filePath(other)); err != nil {
		t.Error(err)
	}
	f.set(nil)
}

// Removals whose directories cannot be synced now are synced later.
func TestSyncRemovedLater(t *testing.T) {
	s, f, _ := faultyStore(t)
	defer s.Close()
	dirs := []string{"/d/" + tempName, "/d/" + packsName}
	for _, d := range dirs {
		s.touched(d)
	}
	f.set(noDescriptors("/d/"))
	if err := s.syncRemoved(); !passes(err) {
		t.Errorf("syncRemoved: %v, want an error that passes", err)
	}
	for _, d := range dirs {
		if !s.removed[d] {
			t.Errorf("%s is forgotten", d)
		}
	}
	f.set(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync {
			return syscall.ENOSPC
		}
		return nil
	})
	if err := s.syncRemoved(); passes(err) || err == nil {
		t.Errorf("a sync that failed: %v, want one that does not pass", err)
	}
	f.set(nil)
	if err := s.syncRemoved(); err != nil || len(s.removed) != 0 {
		t.Errorf("syncRemoved: %v, %v left", err, s.removed)
	}
}

// A pack that could not be made leaves nothing, and its number is used again.
func TestPackThatCouldNotBeMade(t *testing.T) {
	for name, fail := range map[string]func(errorfs.Op) error{
		"no descriptor": noDescriptors("/" + packsName),
		"no room": func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileWriteAt && strings.HasSuffix(op.Path, packName(2)) {
				return syscall.ENOSPC
			}
			return nil
		},
	} {
		s, f, mem := faultyStore(t)
		f.set(fail)
		var err error
		n := 0
		for ; err == nil && n < 40; n++ {
			err = put(s, bid(1, n+1), 5000)
		}
		if err == nil || s.Failed() != nil {
			t.Fatalf("%s: put: %v, failed %v", name, err, s.Failed())
		}
		if names, err := mem.List("/d/" + packsName); err != nil || len(names) != 1 {
			t.Errorf("%s: packs %v, %v, want the first alone", name, names, err)
		}
		if err := s.SetFence(context.Background(), 1, 1); err != nil {
			t.Errorf("%s: a fence has its reserve: %v", name, err)
		}
		f.set(nil)
		mustPut(t, s, bid(1, n), 5000)
		again := mustCrashAndOpen(t, mem, s)
		for i := range n {
			wantBlock(t, again, bid(1, i+1), 5000)
		}
		if bad := fsck(again); len(bad) > 0 {
			t.Errorf("%s: %v", name, bad)
		}
		mustClose(t, again)
	}
}

// mustCrashAndOpen opens the disk as it is after a power cut.
func mustCrashAndOpen(t *testing.T, mem *vfs.MemFS, s *Store) *Store {
	t.Helper()
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	mustClose(t, s)
	return mustOpen(t, small(after, "/d"))
}
