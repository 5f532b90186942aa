package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of Reap.
const (
	reapDefault = 1000
	reapMax     = 10_000
)

// remove deletes an entry. A tree is unlinked at once and reaped later.
func (s *state) remove(op *metapb.Remove) (*metapb.Result, error) {
	g, err := s.begin(op.GetGuard(), metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	p, err := s.walk(op.GetPath())
	if err != nil {
		return nil, err
	}
	if err := p.missing(); err != nil {
		return nil, err
	}
	if p.isRoot() {
		return nil, refuse(metadata.KindDenied, "the root cannot be removed")
	}
	if err := s.conditions(g, p); err != nil {
		return nil, err
	}
	if err := s.mayRemove(g, p); err != nil {
		return nil, err
	}
	size, err := s.usageOf(p.row)
	if err != nil {
		return nil, err
	}
	if held := size.files + size.dirs - 1; op.GetOnlyEmpty() && p.row.Dir && held > 0 {
		return nil, refuse(metadata.KindConflict, "%s is not empty: it holds %d files and directories", op.GetPath(), held)
	}
	// From here on only faults stop the command.
	if err := s.unlink(p); err != nil {
		return nil, err
	}
	if err := s.count(move{from: p.chain, gone: size}); err != nil {
		return nil, err
	}
	return nil, s.touch(p.parent())
}

// unlink takes what is at p, if anything, out of the tree, with its locks. The
// caller corrects the counters above.
func (s *state) unlink(p *place) error {
	if p.row == nil {
		return nil
	}
	if err := s.dropLocks(p); err != nil {
		return err
	}
	if err := deleteRow(s.kv, p.rowKey()); err != nil {
		return err
	}
	if !p.row.Dir {
		return s.dropFile(p.row)
	}
	dir, err := s.mustDir(p.row.Id)
	if err != nil {
		return err
	}
	if dir.Files == 0 && dir.Dirs == 0 {
		return s.dropDir(p.row.Id)
	}
	return putRow(s.kv, keyTrash(p.row.Id), &metapb.TrashRow{Since: s.now})
}

// dropFile deletes what belongs to a file whose entry row is gone.
func (s *state) dropFile(row *metapb.EntryRow) error {
	if row.Props > 0 {
		if _, err := s.dropProps(row.Id); err != nil {
			return err
		}
	}
	return s.dropContent(row)
}

// dropDir deletes what belongs to a directory that is empty and unlinked.
func (s *state) dropDir(id uint64) error {
	if _, err := s.dropProps(id); err != nil {
		return err
	}
	s.setDir(id, nil)
	return nil
}

// dropProps deletes all dead properties of an entry and returns how many.
func (s *state) dropProps(id uint64) (int, error) {
	prefix := key1(tableProp, id)
	keys, err := scanKeys(s.r, prefix, prefixEnd(prefix), metadata.PropsPerEntryMax)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := deleteRow(s.kv, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// reap does a bounded part of the work that removals and ended sessions left:
// expired locks, results and staged contents of ended sessions, unlinked trees,
// large contents that are dead for longer than the grace time. Result.more is
// not 0 when there may be more to do now.
func (s *state) reap(op *metapb.Reap) (*metapb.Result, error) {
	limit := int(min(op.GetLimit(), reapMax))
	if limit == 0 {
		limit = reapDefault
	}
	budget := limit
	for _, part := range []func(int) (int, error){
		s.reapLocks, s.reapResults, s.reapStaged, s.reapTrash, s.reapContents,
	} {
		done, err := part(budget)
		if err != nil {
			return nil, err
		}
		if budget -= done; budget <= 0 {
			return &metapb.Result{More: 1}, nil
		}
	}
	return nil, nil
}

// endedSessions calls fn for the sessions that have rows in table but are over,
// until fn has used up the budget. It looks at one row of each session.
func (s *state) endedSessions(table byte, budget int, fn func(session uint64, budget int) (int, error)) (int, error) {
	used := 0
	for next := key1(table); used < budget; {
		keys, err := scanKeys(s.r, next, []byte{table + 1}, 1)
		if err != nil || len(keys) == 0 {
			return used, err
		}
		session := keyID(keys[0], 0)
		alive, err := s.sessionExists(session)
		if err != nil {
			return 0, err
		}
		if !alive {
			n, err := fn(session, budget-used)
			if err != nil {
				return 0, err
			}
			used += n
		}
		next = prefixEnd(key1(table, session))
	}
	return used, nil
}

// reapResults forgets the results of ended sessions.
func (s *state) reapResults(budget int) (int, error) {
	return s.endedSessions(tableResult, budget, func(session uint64, budget int) (int, error) {
		delete(s.floors, session)
		prefix := key1(tableResult, session)
		keys, err := scanKeys(s.r, prefix, prefixEnd(prefix), budget)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			if err := deleteRow(s.kv, key); err != nil {
				return 0, err
			}
		}
		return len(keys), nil
	})
}

// reapStaged releases what ended sessions have staged and not committed.
func (s *state) reapStaged(budget int) (int, error) {
	return s.endedSessions(tableStaged, budget, func(session uint64, budget int) (int, error) {
		left := budget
		for left > 0 {
			prefix := key1(tableStaged, session)
			keys, err := scanKeys(s.r, prefix, prefixEnd(prefix), 1)
			if err != nil || len(keys) == 0 {
				return budget - left, err
			}
			content := contentOf(keys[0])
			if left, err = s.releaseRefs(content, left); err != nil {
				return 0, err
			}
			if left <= 0 {
				break
			}
			if err := s.unstage(session, content); err != nil {
				return 0, err
			}
			left--
		}
		return budget - left, nil
	})
}

// reapTrash takes unlinked trees apart: files are deleted, directories become
// trash of their own, so no step needs to know how deep a tree is.
func (s *state) reapTrash(budget int) (int, error) {
	left := budget
	for left > 0 {
		keys, err := scanKeys(s.r, key1(tableTrash), []byte{tableTrash + 1}, 1)
		if err != nil || len(keys) == 0 {
			return budget - left, err
		}
		dir := keyID(keys[0], 0)
		members, err := s.members(dir, nil, left)
		if err != nil {
			return 0, err
		}
		for i := 0; i < len(members) && left > 0; i++ {
			n, err := s.reapMember(dir, members[i])
			if err != nil {
				return 0, err
			}
			left -= n
		}
		if left <= 0 {
			break
		}
		if err := s.dropDir(dir); err != nil {
			return 0, err
		}
		if err := deleteRow(s.kv, keys[0]); err != nil {
			return 0, err
		}
		left--
	}
	return budget - left, nil
}

// reapMember deletes a member of a directory in the trash and returns the
// number of rows this took.
func (s *state) reapMember(dir uint64, m member) (int, error) {
	if err := deleteRow(s.kv, keyEntry(dir, m.base)); err != nil {
		return 0, err
	}
	if m.row.Dir {
		return 1, putRow(s.kv, keyTrash(m.row.Id), &metapb.TrashRow{Since: s.now})
	}
	return 1 + int(m.row.Props) + len(m.row.Blocks), s.dropFile(m.row)
}

// reapContents releases large contents that died before the grace time.
func (s *state) reapContents(budget int) (int, error) {
	left := budget
	upper := key1(tableDeadLarge, timeKey(s.now-max(s.cluster.Grace, 0)))
	for left > 0 {
		keys, err := scanKeys(s.r, key1(tableDeadLarge), upper, 1)
		if err != nil || len(keys) == 0 {
			return budget - left, err
		}
		if left, err = s.releaseRefs(contentOf(keys[0]), left); err != nil {
			return 0, err
		}
		if left <= 0 {
			break
		}
		if err := deleteRow(s.kv, keys[0]); err != nil {
			return 0, err
		}
		left--
	}
	return budget - left, nil
}
