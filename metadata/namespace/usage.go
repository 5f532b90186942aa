package namespace

import (
	"math"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// usage is what a tree adds to the counters of the directories above it.
type usage struct{ bytes, files, dirs int64 }

func (u usage) minus(w usage) usage {
	return usage{u.bytes - w.bytes, u.files - w.files, u.dirs - w.dirs}
}
func (u usage) plus(w usage) usage {
	return usage{u.bytes + w.bytes, u.files + w.files, u.dirs + w.dirs}
}

// usageOf returns what the entry of a row counts for.
func (v view) usageOf(row *metapb.EntryRow) (usage, error) {
	switch {
	case row == nil:
		return usage{}, nil
	case !row.Dir:
		return usage{bytes: row.Size, files: 1}, nil
	}
	dir, err := v.mustDir(row.Id)
	if err != nil {
		return usage{}, err
	}
	return usage{dir.Bytes, dir.Files, dir.Dirs + 1}, nil
}

// mustDir is dir for a directory that has to exist.
func (v view) mustDir(id uint64) (*metapb.DirRow, error) {
	row, err := v.dir(id)
	if err == nil && row == nil {
		err = fault{refuse(metadata.KindCorrupt, "directory %d has no row", id)}
	}
	return row, err
}

// move is a change of usage: gone leaves the directories of from, come enters
// those of to. Directories in both see the difference.
type move struct {
	from, to   []uint64
	gone, come usage
}

// each calls fn for every directory of the move with its change, each once.
func (m move) each(fn func(dir uint64, change usage) error) error {
	shared := 0
	for shared < len(m.from) && shared < len(m.to) && m.from[shared] == m.to[shared] {
		shared++
	}
	for i, dir := range m.to {
		change := m.come
		if i < shared {
			change = change.minus(m.gone)
		}
		if err := fn(dir, change); err != nil {
			return err
		}
	}
	if shared >= len(m.from) {
		return nil
	}
	for _, dir := range m.from[shared:] {
		if err := fn(dir, usage{}.minus(m.gone)); err != nil {
			return err
		}
	}
	return nil
}

// checkQuota refuses a move that takes a directory over its quota. A directory
// that is over it already may still shrink.
func (v view) checkQuota(m move) error {
	return m.each(func(id uint64, change usage) error {
		dir, err := v.mustDir(id)
		if err != nil {
			return err
		}
		if change.bytes > 0 && change.bytes > math.MaxInt64-dir.Bytes {
			return refuse(metadata.KindTooLarge, "a directory would hold more bytes than can be counted")
		}
		if change.bytes > 0 && dir.QuotaBytes > 0 && change.bytes > dir.QuotaBytes-dir.Bytes {
			return refuse(metadata.KindQuota, "%d bytes more would exceed a directory's quota of %d bytes, %d are used",
				change.bytes, dir.QuotaBytes, dir.Bytes)
		}
		return nil
	})
}

// count makes a move in the counters.
func (s *state) count(m move) error {
	return m.each(func(id uint64, change usage) error {
		if change == (usage{}) {
			return nil
		}
		dir, err := s.mustDir(id)
		if err != nil {
			return err
		}
		dir.Bytes += change.bytes
		dir.Files += change.files
		dir.Dirs += change.dirs
		s.setDir(id, dir)
		return nil
	})
}

// touch records that a directory got or lost a member now.
func (s *state) touch(id uint64) error {
	dir, err := s.mustDir(id)
	if err != nil {
		return err
	}
	dir.Changed = s.now
	s.setDir(id, dir)
	return nil
}

// effectiveReplication is the target of a file that is written into the last
// of these directories, which lead down from the root.
func (v view) effectiveReplication(chain []uint64) (uint32, error) {
	for i := len(chain) - 1; i >= 0; i-- {
		dir, err := v.mustDir(chain[i])
		if err != nil {
			return 0, err
		}
		if dir.Replication != 0 {
			return dir.Replication, nil
		}
	}
	return v.cluster.Replication, nil
}

// quotaOf answers the figures of RFC 4331 for a directory: the tightest limit on
// the way to the root; -1 available when there is none.
func (v view) quotaOf(q *metapb.QuotaOf) (*metapb.Answer, error) {
	p, err := v.walk(q.GetPath())
	if err != nil {
		return nil, err
	}
	if err := p.missing(); err != nil {
		return nil, err
	}
	if !p.row.Dir {
		return nil, refuse(metadata.KindNotDir, "%s is a file", p.path)
	}
	own, err := v.mustDir(p.row.Id)
	if err != nil {
		return nil, err
	}
	a := &metapb.Answer{Used: own.Bytes, Available: -1}
	for _, id := range p.below() {
		dir, err := v.mustDir(id)
		if err != nil {
			return nil, err
		}
		if dir.QuotaBytes == 0 {
			continue
		}
		if left := max(dir.QuotaBytes-dir.Bytes, 0); a.Available < 0 || left < a.Available {
			a.Available = left
		}
	}
	return a, nil
}
