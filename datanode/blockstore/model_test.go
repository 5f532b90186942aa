package blockstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kendfs/metadata"
)

// twin is the dumb model of a store: maps.
type twin struct {
	size   map[metadata.BlockID]int  // of blocks that are here
	rotten map[metadata.BlockID]bool // of those: damaged on disk
	fence  map[metadata.VolumeID]metadata.LocalID
}

// machine drives store and twin with the same operations.
type machine struct {
	mem  *vfs.MemFS
	s    *Store
	twin twin
	did  []string
}

func newMachine(t *rapid.T) *machine {
	m := &machine{mem: vfs.NewCrashableMem(), twin: twin{map[metadata.BlockID]int{}, map[metadata.BlockID]bool{}, map[metadata.VolumeID]metadata.LocalID{}}}
	if _, err := Format("/d", FormatOptions{FS: m.mem}); err != nil {
		t.Fatal(err)
	}
	m.open(t)
	return m
}

func (m *machine) open(t *rapid.T) {
	var err error
	if m.s, err = Open(small(m.mem, "/d")); err != nil {
		t.Fatalf("Open: %v", err)
	}
}

func (m *machine) note(format string, args ...any) {
	m.did = append(m.did, fmt.Sprintf(format, args...))
}

func drawID(t *rapid.T) metadata.BlockID {
	return bid(rapid.IntRange(1, 3).Draw(t, "volume"), rapid.IntRange(1, 12).Draw(t, "local"))
}

// sizeOf keeps a block's length, and so its data, the same for ever.
func sizeOf(id metadata.BlockID) int {
	return []int{1, 300, 5000, 16384, 19999, 25_000, 33_000}[id.Digest()%7]
}

func (m *machine) put(t *rapid.T) {
	id := drawID(t)
	m.note("put %v", id)
	err := put(m.s, id, sizeOf(id))
	switch {
	case id.Local < m.twin.fence[id.Volume]:
		if err == nil || metadata.KindOf(err) != metadata.KindStale {
			t.Fatalf("Put(%v) below the fence: got %v", id, err)
		}
	case err != nil:
		t.Fatalf("Put(%v): %v", id, err)
	default:
		m.twin.size[id] = sizeOf(id)
		delete(m.twin.rotten, id)
	}
}

func (m *machine) restore(t *rapid.T) {
	id := drawID(t)
	m.note("restore %v", id)
	data := content(id, sizeOf(id))
	cut := rapid.IntRange(0, len(data)).Draw(t, "cut")
	if err := m.s.Restore(context.Background(), id, [][]byte{data[:cut], data[cut:]}, Checksums(data)); err != nil {
		t.Fatalf("Restore(%v): %v", id, err)
	}
	m.twin.size[id] = len(data)
	delete(m.twin.rotten, id)
}

func (m *machine) conflict(t *rapid.T) {
	id := drawID(t)
	if _, here := m.twin.size[id]; !here || m.twin.rotten[id] || id.Local < m.twin.fence[id.Volume] {
		t.Skip("no such block")
	}
	other := content(bid(99, 99), sizeOf(id))
	if bytes.Equal(other, content(id, sizeOf(id))) {
		t.Skip("the same by chance")
	}
	err := m.s.Put(context.Background(), id, other, Checksums(other))
	if err == nil || metadata.KindOf(err) != metadata.KindConflict {
		t.Fatalf("Put of other data to %v: got %v", id, err)
	}
}

func (m *machine) delete(t *rapid.T) {
	id := drawID(t)
	locals := []metadata.LocalID{id.Local, id.Local + 1, id.Local + 5}
	m.note("delete %v %v", id.Volume, locals)
	if err := m.s.Delete(context.Background(), id.Volume, locals); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	for _, l := range locals {
		gone := metadata.BlockID{Volume: id.Volume, Local: l}
		delete(m.twin.size, gone)
		delete(m.twin.rotten, gone)
	}
}

func (m *machine) drop(t *rapid.T) {
	v := drawID(t).Volume
	m.note("drop %v", v)
	if err := m.s.DropVolume(context.Background(), v); err != nil {
		t.Fatalf("DropVolume: %v", err)
	}
	for id := range m.twin.size {
		if id.Volume == v {
			delete(m.twin.size, id)
			delete(m.twin.rotten, id)
		}
	}
	delete(m.twin.fence, v)
}

func (m *machine) setFence(t *rapid.T) {
	id := drawID(t)
	m.note("fence %v", id)
	if err := m.s.SetFence(context.Background(), id.Volume, id.Local/2); err != nil {
		t.Fatalf("SetFence: %v", err)
	}
	if f := max(m.twin.fence[id.Volume], id.Local/2); f > 0 {
		m.twin.fence[id.Volume] = f
	}
}

func (m *machine) compact(t *rapid.T) {
	m.note("compact")
	if err := m.s.Compact(context.Background()); err != nil {
		t.Fatalf("Compact: %v", err)
	}
}

func (m *machine) restart(t *rapid.T) {
	m.note("restart")
	if err := m.s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if rapid.Bool().Draw(t, "lose index") {
		if err := m.mem.RemoveAll("/d/" + indexName); err != nil {
			t.Fatal(err)
		}
		m.open(t)
		m.forgetTorn(t)
		return
	}
	m.open(t)
}

func (m *machine) crash(t *rapid.T) {
	percent := rapid.SampledFrom([]int{0, 30, 100}).Draw(t, "kept")
	m.note("crash %d", percent)
	old := m.s
	m.mem = m.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, uint64(len(m.did))))})
	if err := old.Close(); err != nil { // on the file system that is no more
		t.Fatalf("Close: %v", err)
	}
	m.open(t)
	m.forgetTorn(t)
}

// forgetTorn: a block that is damaged on disk may be gone after its pack was
// read again, or an older copy that is whole may have come to light. Only such
// a block.
func (m *machine) forgetTorn(t *rapid.T) {
	for id := range m.twin.rotten {
		got, err := readAll(m.s, id)
		if err == nil && bytes.Equal(got, content(id, sizeOf(id))) {
			delete(m.twin.rotten, id)
			continue
		}
		if _, err := m.s.Stat(id); err != nil {
			if metadata.KindOf(err) != metadata.KindNotFound {
				t.Fatalf("Stat(%v): %v", id, err)
			}
			delete(m.twin.size, id)
			delete(m.twin.rotten, id)
		}
	}
}

// flip damages a byte of a block's data on disk.
func (m *machine) flip(t *rapid.T) {
	if len(m.twin.size) == 0 {
		t.Skip("no blocks")
	}
	ids := make([]metadata.BlockID, 0, len(m.twin.size))
	for id := range m.twin.size {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b metadata.BlockID) int { return strings.Compare(a.String(), b.String()) })
	id := rapid.SampledFrom(ids).Draw(t, "block")
	if m.twin.rotten[id] {
		t.Skip("damaged already")
	}
	at := int64(rapid.IntRange(0, m.twin.size[id]-1).Draw(t, "at"))
	m.note("flip %v at %d", id, at)
	r, err := m.s.lookup(keyOf(id))
	if err != nil {
		t.Fatal(err)
	}
	name, off := packPath(m.mem, "/d", r.pack), r.off+recordHeaderBytes+4*int64(chunkCount(r.length))
	if r.kind == recordFile {
		name, off = m.s.filePath(r.file(keyOf(id))), 0
	}
	f, err := m.mem.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], off+at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (at % 8)
	if _, err := f.WriteAt(b[:], off+at); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m.twin.rotten[id] = true
}

// check compares everything.
func (m *machine) check(t *rapid.T) {
	digests := map[metadata.VolumeID]metadata.VolumeDigest{}
	for v := metadata.VolumeID(1); v <= 3; v++ {
		d := metadata.VolumeDigest{Disk: m.s.Disk(), Volume: v}
		for l := metadata.LocalID(1); l <= 17; l++ {
			id := metadata.BlockID{Volume: v, Local: l}
			n, here := m.twin.size[id]
			got, err := readAll(m.s, id)
			switch {
			case !here:
				if err == nil || metadata.KindOf(err) != metadata.KindNotFound {
					t.Fatalf("read %v, which is not here: got %v", id, err)
				}
				continue
			case m.twin.rotten[id]:
				if err == nil || metadata.KindOf(err) != metadata.KindCorrupt {
					t.Fatalf("read %v, which is damaged: got %v", id, err)
				}
			case err != nil || !bytes.Equal(got, content(id, n)):
				t.Fatalf("read %v: got %d bytes, %v", id, len(got), err)
			}
			d.Blocks++
			d.Bytes += int64(n)
			d.Digest ^= id.Digest()
		}
		if got := m.s.Fence(v); got != m.twin.fence[v] {
			t.Fatalf("fence of %v: got %d, want %d", v, got, m.twin.fence[v])
		}
		if d.Blocks > 0 || m.twin.fence[v] > 0 {
			digests[v] = d
		}
	}
	got, err := m.s.Digests(0, 0)
	if err != nil || len(got) != len(digests) {
		t.Fatalf("Digests: got %v, %v, want %v", got, err, digests)
	}
	for _, d := range got {
		if d != digests[d.Volume] {
			t.Fatalf("Digests: got %+v, want %+v", d, digests[d.Volume])
		}
	}
	if bad := fsck(m.s); len(bad) > 0 {
		t.Fatalf("%s\nafter %s", strings.Join(bad, "\n"), strings.Join(m.did, ", "))
	}
}

// TestModel compares the store with the twin over random histories.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer func() { _ = m.s.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "put": m.put, "put2": m.put, "put3": m.put, "restore": m.restore, "conflict": m.conflict, "delete": m.delete,
			"drop": m.drop, "fence": m.setFence, "compact": m.compact, "restart": m.restart, "crash": m.crash, "flip": m.flip,
		})
	})
}
