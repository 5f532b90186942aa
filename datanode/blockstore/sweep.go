package blockstore

import (
	"fmt"
	"slices"
)

// dropMissing forgets packs that are gone. Compaction leaves nothing alive in
// them; if something is, the pack was lost and its blocks are no longer here.
func (r *recovery) dropMissing() error {
	missing := map[uint32]bool{}
	for n := range r.s.state.packs {
		if _, ok := slices.BinarySearch(r.packs, n); !ok {
			missing[n] = true
		}
	}
	if err := r.dropSeals(); err != nil || len(missing) == 0 {
		return err
	}
	lost, err := r.s.forgetPacks(missing)
	if lost > 0 {
		r.s.log.Error("packs are missing: their blocks must be repaired from other replicas", "packs", len(missing), "blocks", lost)
		r.s.stats.damages.Add(int64(len(missing)))
	}
	return err
}

// dropSeals forgets the seals of packs that are gone.
func (r *recovery) dropSeals() error {
	t := newTxn(r.s.state)
	err := r.s.index.scan(appendKey(nil, rowsBlock, key{}), appendKey(nil, rowsBlock, key{1, 0}), func(b, _ []byte) (bool, error) {
		k, ok := parseKey(b)
		if _, there := slices.BinarySearch(r.packs, uint32(k.local)); !ok || there {
			return true, nil
		}
		return true, t.dropSeal(k)
	})
	if err != nil {
		return err
	}
	return t.commit()
}

// forgetPacks removes every trace of packs from the index and returns how many
// blocks were lost with them.
func (s *Store) forgetPacks(gone map[uint32]bool) (lost int, err error) {
	t := newTxn(s.state)
	n := 0
	step := func(err error) error {
		if n++; err != nil || n%recoverChunk != 0 {
			return err
		}
		err = t.commit()
		t = newTxn(s.state)
		return err
	}
	err = s.index.scanTable(rowsBlock, func(b, v []byte) (bool, error) {
		k, ok := parseKey(b)
		r, err := decodeRow(v)
		if err != nil || !ok || !gone[r.pack] {
			return true, err
		}
		if r.live() {
			lost++
		}
		if r.kind != recordTombstone { // its grave decides about a tombstone
			t.addLive(r.pack, -r.size())
			t.rows[k] = row{}
			t.count(k, r, row{})
		}
		return true, step(nil)
	})
	if err != nil {
		return lost, err
	}
	err = s.index.scanTable(rowsGrave, func(b, _ []byte) (bool, error) {
		k, ok := parseKey(b)
		if !ok || len(b) != 21 {
			return false, fmt.Errorf("grave row: %w", errIndex)
		}
		if g := (grave{k, uint32(b[17])<<24 | uint32(b[18])<<16 | uint32(b[19])<<8 | uint32(b[20])}); gone[g.pack] {
			return true, step(t.forget(g))
		}
		return true, nil
	})
	if err != nil {
		return lost, err
	}
	for pack := range gone {
		if err := t.dropPack(pack); err != nil {
			return lost, err
		}
	}
	return lost, t.commit()
}

// sweep removes what an unclean end left: files that were being written, and
// block files that the log does not know because they were never acknowledged.
// If the log is damaged, these are returned instead: they may have been.
func (s *Store) sweep() (adopt []blockFile, err error) {
	names, err := s.fs.List(s.fs.PathJoin(s.dir, blocksName))
	if err != nil || len(names) < fanOut { // a copy that left out empty directories
		if err := makeDirs(s.fs, s.dir); err != nil {
			return nil, err
		}
	}
	temp := s.fs.PathJoin(s.dir, tempName)
	s.touched(temp)
	if names, err = s.fs.List(temp); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := s.remove(temp, name); err != nil {
			return nil, err
		}
	}
	damaged := false
	err = s.index.scanTable(rowsDamage, func(_, _ []byte) (bool, error) { damaged = true; return false, nil })
	if err != nil {
		return nil, err
	}
	for i := range fanOut {
		dir := fmt.Sprintf("%02x", i)
		path := s.fs.PathJoin(s.dir, blocksName, dir)
		s.touched(path) // what the last process removed may be on disk still
		names, err := s.fs.List(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, ok := parseBlockFile(name)
			if !ok || b.dir() != dir {
				s.log.Warn("file among the blocks is ignored", "file", name)
				continue
			}
			keep, err := s.keepFile(b, damaged)
			if err != nil {
				return nil, err
			}
			if keep {
				adopt = append(adopt, b)
			}
		}
	}
	return adopt, s.syncRemoved()
}

// keepFile decides about one block file: true asks to adopt it.
func (s *Store) keepFile(b blockFile, damaged bool) (bool, error) {
	r, err := s.index.lookup(b.key)
	if err != nil || r.kind == recordFile && r.aux == b.gen {
		return false, err
	}
	if damaged && r.kind == recordNone {
		return true, nil
	}
	return false, s.removeFile(b)
}
