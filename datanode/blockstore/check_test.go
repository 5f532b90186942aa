package blockstore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// fsck recomputes everything the store counts and returns what is wrong.
func fsck(s *Store) []string {
	var bad []string
	volumes := map[metadata.VolumeID]counters{}
	live := map[uint32]int64{}
	used := int64(0)
	err := s.index.scanTable(rowsBlock, func(b, v []byte) (bool, error) {
		k, _ := parseKey(b)
		r, err := decodeRow(v)
		if err != nil {
			return false, err
		}
		live[r.pack] += r.size()
		if k.volume == 0 {
			return true, nil
		}
		c := volumes[k.volume]
		if k.local == 0 && r.kind == recordFence {
			c.fenced, c.fence = true, metadata.LocalID(r.aux)
		}
		if r.live() {
			c.blocks++
			c.bytes += int64(r.length)
			c.digest ^= k.id().Digest()
			used += int64(r.length)
		}
		if !c.empty() {
			volumes[k.volume] = c
		}
		return true, nil
	})
	if err != nil {
		return []string{err.Error()}
	}
	bad = append(bad, strayFiles(s)...)
	return append(bad, compareCounters(s, volumes, live, used)...)
}

// compareCounters compares what the store counts with what was recomputed.
func compareCounters(s *Store, volumes map[metadata.VolumeID]counters, live map[uint32]int64, used int64) (bad []string) {
	for v, c := range volumes {
		if got := s.state.volume(v); got != c {
			bad = append(bad, fmt.Sprintf("volume %v: counters %+v, recomputed %+v", v, got, c))
		}
	}
	if len(volumes) != len(s.state.volumes) || used != s.state.used {
		bad = append(bad, fmt.Sprintf("%d volumes, %d bytes; recomputed %d, %d", len(s.state.volumes), s.state.used, len(volumes), used))
	}
	for n, p := range s.state.packs {
		if p.live != live[n] {
			bad = append(bad, fmt.Sprintf("pack %d: %d live bytes, recomputed %d", n, p.live, live[n]))
		}
		if p.end-packHeaderBytes < p.live {
			bad = append(bad, fmt.Sprintf("pack %d: more live than there: %+v", n, p))
		}
		delete(live, n)
	}
	for n, bytes := range live {
		bad = append(bad, fmt.Sprintf("pack %d: gone, but %d bytes of it are needed", n, bytes))
	}
	again, err := loadState(s.index)
	if err != nil {
		return append(bad, err.Error())
	}
	if a, b := fmt.Sprint(again.volumes, again.packs, again.used, again.blocks), fmt.Sprint(s.state.volumes, s.state.packs, s.state.used, s.state.blocks); a != b {
		bad = append(bad, fmt.Sprintf("in memory: %s\nin the index: %s", b, a))
	}
	return bad
}

// dump returns the rows of the index in words.
func dump(t testing.TB, s *Store) []string {
	t.Helper()
	var out []string
	err := s.index.scan(nil, []byte{0xff}, func(k, v []byte) (bool, error) {
		switch k[0] {
		case rowsBlock:
			id, _ := parseKey(k)
			r, err := decodeRow(v)
			out = append(out, fmt.Sprintf("b %v %+v", id, r))
			return true, err
		case rowsPack:
			p, err := decodePackInfo(v)
			out = append(out, fmt.Sprintf("p %d %+v", binary.BigEndian.Uint32(k[1:]), p))
			return true, err
		case rowsFileGrave:
			// The grave of a file may come back with the record that it was
			// for; fsck compares graves with files.
			return true, nil
		}
		out = append(out, fmt.Sprintf("%c %x %x", k[0], k[1:], v))
		return true, nil
	})
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	return out
}

// checkRebuild removes the index and compares the rebuilt one.
func checkRebuild(t testing.TB, fs vfs.FS, cfg Config) {
	t.Helper()
	s := mustOpen(t, cfg)
	before := dump(t, s)
	mustClose(t, s)
	if err := fs.RemoveAll(fs.PathJoin(cfg.Dir, indexName)); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, cfg)
	defer mustClose(t, s)
	after := dump(t, s)
	if diff := difference(before, after); diff != "" {
		t.Errorf("rebuilt index differs (- before, + after):\n%s", diff)
	}
	if bad := fsck(s); len(bad) > 0 {
		t.Errorf("rebuilt index: %s", strings.Join(bad, "\n"))
	}
	if n := s.Stats().Damages; n != 0 {
		t.Errorf("rebuild reports %d damages", n)
	}
}

// difference lists lines that are in one only.
func difference(a, b []string) string {
	var out strings.Builder
	for _, l := range a {
		if !slices.Contains(b, l) {
			fmt.Fprintf(&out, "- %s\n", l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			fmt.Fprintf(&out, "+ %s\n", l)
		}
	}
	return out.String()
}

// strayFiles returns block files that nobody knows and nobody will remove.
func strayFiles(s *Store) (bad []string) {
	for i := range fanOut {
		dir := s.fs.PathJoin(s.dir, blocksName, fmt.Sprintf("%02x", i))
		names, err := s.fs.List(dir)
		if err != nil {
			return append(bad, err.Error())
		}
		for _, name := range names {
			b, ok := parseBlockFile(name)
			r, err := s.index.lookup(b.key)
			if ok && err == nil && r.kind == recordFile && r.aux == b.gen {
				continue
			}
			grave, err := s.index.get(binary.BigEndian.AppendUint64(appendKey(nil, rowsFileGrave, b.key), b.gen))
			if err == nil && grave != nil {
				continue
			}
			if there, _ := exists(s.fs, s.fs.PathJoin(dir, name)); there {
				bad = append(bad, fmt.Sprintf("block file %s is of no block: %v, %v", name, r, err))
			}
		}
	}
	return bad
}
