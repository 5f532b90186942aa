package blockstore

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// preparedPack is an active pack of 4 MiB with something in its first page.
func preparedPack(t *testing.T) (p *activePack, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pack")
	f, err := vfs.Default.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	p = &activePack{n: 1, f: f, limit: 4 << 20, direct: true, inPlace: true}
	if err := p.reserve(packHeaderBytes); err != nil {
		t.Fatal(err)
	}
	appendGroup(t, p, bytes.Repeat([]byte{1}, packHeaderBytes))
	return p, path
}

// appendGroup does what the append loop does with a group.
func appendGroup(t *testing.T, p *activePack, data []byte) {
	t.Helper()
	n := int64(len(data))
	if err := p.reserve(n); err != nil {
		t.Fatal(err)
	}
	if err := p.prepare(n); err != nil {
		t.Fatal(err)
	}
	if err := p.write([][]byte{data}, p.end, int(n)); err != nil {
		t.Fatal(err)
	}
	p.end += n
}

// TestPrepareNeverTouchesRecords appends groups of all sizes and compares the
// whole pack with what was appended.
func TestPrepareNeverTouchesRecords(t *testing.T) {
	p, path := preparedPack(t)
	want := bytes.Repeat([]byte{1}, packHeaderBytes)
	for i, n := range []int{8, 4096, 5000, zeroGroupMax, zeroGroupMax + 8, 40, zeroStepBytes + 16, 4096, 700 << 10, 16, 16} {
		group := bytes.Repeat([]byte{byte(2 + i)}, n)
		appendGroup(t, p, group)
		want = append(want, group...)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.end != int64(len(want)) || !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("group %d of %d bytes: the pack is not what was appended", i, n)
		}
		if rest := got[len(want):]; len(bytes.Trim(rest, "\x00")) > 0 {
			t.Fatalf("group %d of %d bytes: something but zeros behind the end", i, n)
		}
	}
}

func TestPrepareStaysInTheReservedSpace(t *testing.T) {
	p, path := preparedPack(t)
	for p.fits(16<<10, false) {
		appendGroup(t, p, bytes.Repeat([]byte{9}, 16<<10))
		if p.zeroed > p.allocated || p.zeroed < p.end {
			t.Fatalf("end %d, zeroed %d, allocated %d", p.end, p.zeroed, p.allocated)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > p.limit+packSlackBytes {
		t.Errorf("%v, %v; want at most %d bytes", info.Size(), err, p.limit+packSlackBytes)
	}
}

func TestPrepareOnlyForSmallGroups(t *testing.T) {
	p, _ := preparedPack(t)
	before := p.zeroed
	if err := p.prepare(zeroGroupMax + 1); err != nil || p.zeroed != before {
		t.Errorf("a large group moved %d to %d, %v", before, p.zeroed, err)
	}
	p.inPlace = false
	if err := p.prepare(1 << 10); err != nil || p.zeroed != before {
		t.Errorf("on a file system that never writes in place: %d to %d, %v", before, p.zeroed, err)
	}
}
