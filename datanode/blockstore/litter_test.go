package blockstore

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kendfs/metadata"
)

// faulty fails the calls that a function picks, while it is set.
type faulty struct {
	mu   sync.Mutex
	fail func(errorfs.Op) error // guarded by mu; nil: all is well
	hits int
}

func (f *faulty) String() string { return "faulty" }

func (f *faulty) MaybeError(op errorfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		return nil
	}
	err := f.fail(op)
	if err != nil {
		f.hits++
	}
	return err
}

func (f *faulty) set(fail func(errorfs.Op) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// faultyStore is a new disk in memory whose calls can be made to fail.
func faultyStore(t *testing.T) (*Store, *faulty, *vfs.MemFS) {
	t.Helper()
	mem, f := vfs.NewCrashableMem(), &faulty{}
	return mustFormat(t, small(errorfs.Wrap(mem, f), "/d")), f, mem
}

// inFiles counts the block files of a disk, those being written included.
func inFiles(t *testing.T, fs vfs.FS) (temp, named int) {
	t.Helper()
	names, err := fs.List("/d/" + tempName)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "0a", "0b", "0c", "0d", "0e", "0f"} {
		more, err := fs.List("/d/" + blocksName + "/" + dir)
		if err != nil {
			t.Fatal(err)
		}
		named += len(more)
	}
	return len(names), named
}

// fullAndStuck is a disk that is full for block files and removes none.
func fullAndStuck(op errorfs.Op) error {
	write := op.Kind == errorfs.OpFileWriteAt || op.Kind == errorfs.OpFileWrite
	if strings.Contains(op.Path, "/"+tempName+"/") && write || op.Kind == errorfs.OpRemove {
		return syscall.ENOSPC
	}
	return nil
}

// What a large put leaves behind on a full disk, since it cannot even be
// removed then, is removed by the next compaction.
func TestLitterIsClearedByCompaction(t *testing.T) {
	s, f, mem := faultyStore(t)
	defer s.Close()
	f.set(fullAndStuck)
	wantKind(t, "large put on a full disk", put(s, bid(1, 1), 50_000), metadata.KindNoSpace)
	if temp, _ := inFiles(t, mem); temp != 1 {
		t.Fatalf("%d files in tmp, want the one that could not be removed", temp)
	}
	if err := s.Compact(t.Context()); err != nil { // it stays, which is no error
		t.Fatal(err)
	}
	if temp, _ := inFiles(t, mem); temp != 1 {
		t.Fatalf("%d files in tmp while nothing can be removed", temp)
	}
	f.set(nil)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if temp, named := inFiles(t, mem); temp != 0 || named != 0 {
		t.Errorf("after compaction: %d files in tmp, %d block files, want none", temp, named)
	}
	mustPut(t, s, bid(1, 1), 50_000)
	wantBlock(t, s, bid(1, 1), 50_000)
}

// A file that stays until Close is swept by the next Open although the disk was
// closed in order.
func TestLitterIsSweptByOpen(t *testing.T) {
	s, f, mem := faultyStore(t)
	mustPut(t, s, bid(1, 2), 30_000)
	f.set(fullAndStuck)
	wantKind(t, "large put on a full disk", put(s, bid(1, 1), 50_000), metadata.KindNoSpace)
	mustClose(t, s)
	if temp, named := inFiles(t, mem); temp != 1 || named != 1 {
		t.Fatalf("closed: %d files in tmp, %d block files, want 1 and 1", temp, named)
	}
	f.set(nil)
	for range 2 { // the second time after a clean end
		s = mustOpen(t, small(mem, "/d"))
		if temp, named := inFiles(t, mem); temp != 0 || named != 1 {
			t.Errorf("open: %d files in tmp, %d block files, want 0 and 1", temp, named)
		}
		wantBlock(t, s, bid(1, 2), 30_000)
		mustClose(t, s)
	}
	if there, err := exists(mem, "/d/"+dirtyName); there || err != nil {
		t.Errorf("the mark of an open disk after a clean Close: %v, %v", there, err)
	}
}

// A finished file of a put whose record finds no room is litter as well.
func TestLitterOfNamedFiles(t *testing.T) {
	s, f, mem := faultyStore(t)
	f.set(func(op errorfs.Op) error {
		// Nothing fits into the pack, no new pack can be made, nothing is removed.
		inPacks := strings.Contains(op.Path, packsName)
		if inPacks && takesSpace(op) || op.Kind == errorfs.OpRemove {
			return syscall.ENOSPC
		}
		return nil
	})
	wantKind(t, "large put without room for its record", put(s, bid(1, 1), 50_000), metadata.KindNoSpace)
	if temp, named := inFiles(t, mem); temp != 0 || named != 1 {
		t.Fatalf("%d files in tmp, %d block files, want 0 and 1", temp, named)
	}
	f.set(nil)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, named := inFiles(t, mem); named != 0 {
		t.Errorf("%d block files after compaction, want none", named)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
	mustClose(t, s)
}

// More litter than is remembered waits for the next Open.
func TestLitterIsBounded(t *testing.T) {
	s, f, mem := faultyStore(t)
	for i := range litterMax + 10 {
		name := blockFile{key{1, metadata.LocalID(i + 1)}, 7}.name()
		if err := writeFile(mem, "/d/"+tempName+"/"+name, nil); err != nil {
			t.Fatal(err)
		}
		f.set(fullAndStuck)
		if err := s.remove("/d/"+tempName, name); err == nil {
			t.Fatal("the file was removed")
		}
	}
	if len(s.litter) != litterMax || !s.littered {
		t.Fatalf("%d files remembered, littered %v; want %d, true", len(s.litter), s.littered, litterMax)
	}
	f.set(nil)
	s.clearLitter()
	if temp, _ := inFiles(t, mem); temp != 10 || !s.littered {
		t.Errorf("%d files left, littered %v; want 10, true", temp, s.littered)
	}
	mustClose(t, s)
	s = mustOpen(t, small(mem, "/d"))
	defer s.Close()
	if temp, _ := inFiles(t, mem); temp != 0 || s.littered {
		t.Errorf("%d files after Open, littered %v; want 0, false", temp, s.littered)
	}
}

// onRead calls a function before the file `name` is read at or behind off.
type onRead struct {
	vfs.FS
	name string
	off  int64
	once *sync.Once
	call func()
}

type onReadFile struct {
	vfs.File
	of onRead
}

func (o onRead) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := o.FS.Open(name, opts...)
	if err != nil || name != o.name {
		return f, err
	}
	return onReadFile{f, o}, nil
}

func (f onReadFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.of.off {
		f.of.once.Do(f.of.call)
	}
	return f.File.ReadAt(p, off)
}

// deadPack makes a disk whose first pack holds many tombstones that go with it,
// a block of a few bytes behind them, and else only what is dead. It returns
// where that block is.
func deadPack(t *testing.T, mem vfs.FS, tombstones int) (cfg Config, name string, off int64) {
	t.Helper()
	cfg = Config{Dir: "/d", FS: mem, PackBytes: 8 << 20, CompactionInterval: -1, Reserve: -1}
	s := mustFormat(t, cfg)
	var locals []metadata.LocalID
	for i := range tombstones {
		mustPut(t, s, bid(1, i+1), 1)
		locals = append(locals, metadata.LocalID(i+1))
	}
	if err := s.Delete(t.Context(), 1, locals); err != nil {
		t.Fatal(err)
	}
	var filler []metadata.LocalID
	for i := 0; s.active.n == 1; i++ {
		if i == 40 { // more than a window of the scanner behind the tombstones
			mustPut(t, s, bid(3, 1), 4)
		}
		mustPut(t, s, bid(2, i+1), 60_000)
		filler = append(filler, metadata.LocalID(i+1))
	}
	if err := s.Delete(t.Context(), 2, filler); err != nil {
		t.Fatal(err)
	}
	name, off = place(t, s, bid(3, 1))
	if name != packPath(mem, "/d", 1) || off < scanWindowBytes {
		t.Fatalf("the small block is in %s at %d", name, off)
	}
	mustClose(t, s)
	return cfg, name, off
}

// A damaged block keeps its pack also when tombstones of the pack, which were to
// go with it, are replaced while it is being rewritten: what is left to do adds
// up then, but the block is still in there.
func TestCompactionKeepsDamagedBlock(t *testing.T) {
	mem := vfs.NewMem()
	cfg, name, off := deadPack(t, mem, 2*forgetKeys)
	flipMem(t, mem, name, off+recordHeaderBytes+4)
	var s *Store
	cfg.FS = onRead{mem, name, off - scanWindowBytes/2, &sync.Once{}, func() {
		for i := range forgetKeys / 2 {
			id := bid(1, i+1)
			if err := s.Restore(context.Background(), id, [][]byte{content(id, 1)}, Checksums(content(id, 1))); err != nil {
				t.Error(err)
			}
		}
	}}
	s = mustOpen(t, cfg)
	defer s.Close()
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there, err := exists(mem, name); !there || err != nil {
		t.Fatalf("the pack with the last copy of a damaged block is gone (%v)", err)
	}
	_, err := readAll(s, bid(3, 1))
	wantKind(t, "damaged block", err, metadata.KindCorrupt)
	mustPut(t, s, bid(3, 1), 4) // repaired: now the pack may go
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there, err := exists(mem, name); there || err != nil {
		t.Errorf("the pack is still there after the repair (%v)", err)
	}
	wantBlock(t, s, bid(3, 1), 4)
	for i := range forgetKeys / 2 {
		wantBlock(t, s, bid(1, i+1), 1)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
}

// The same with a header that cannot be read: the record is found in the index only.
func TestCompactionKeepsUnreadableRecord(t *testing.T) {
	mem := vfs.NewMem()
	cfg, name, off := deadPack(t, mem, 2*forgetKeys)
	flipMem(t, mem, name, off+9)
	s := mustOpen(t, cfg)
	defer s.Close()
	for range 2 { // the second pass knows that it is in vain
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if there, err := exists(mem, name); !there || err != nil {
			t.Fatalf("the pack is gone (%v)", err)
		}
	}
	if err := s.Delete(t.Context(), 3, []metadata.LocalID{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there, err := exists(mem, name); there || err != nil {
		t.Errorf("the pack is still there after the delete (%v)", err)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
}

// flipMem changes a bit of a file in memory.
func flipMem(t *testing.T, fs vfs.FS, name string, off int64) {
	t.Helper()
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
}

// What compaction counts as copied is what is copied: nothing of a pass that
// the disk refused.
func TestCompactedBytesAreCopied(t *testing.T) {
	s, f, _ := faultyStore(t)
	defer s.Close()
	for i := range 40 {
		mustPut(t, s, bid(1, i+1), 5000)
	}
	var locals []metadata.LocalID
	for i := range 30 {
		if i%3 != 0 {
			locals = append(locals, metadata.LocalID(i+1))
		}
	}
	if err := s.Delete(t.Context(), 1, locals); err != nil {
		t.Fatal(err)
	}
	f.set(func(op errorfs.Op) error {
		if strings.Contains(op.Path, packsName) && takesSpace(op) {
			return syscall.ENOSPC
		}
		return nil
	})
	wantKind(t, "compaction of a full disk", s.Compact(t.Context()), metadata.KindNoSpace)
	if got := s.Stats().CompactedBytes; got != 0 {
		t.Errorf("%d bytes counted as copied on a full disk", got)
	}
	f.set(nil)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.Stats()
	if n := got.CompactedBytes / recordSize(recordBlock, 5000); got.CompactedPacks == 0 || n < 8 || n > 16 {
		t.Errorf("%d packs, %d bytes copied: that is %d blocks, want about ten", got.CompactedPacks, got.CompactedBytes, n)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Error(bad)
	}
}
