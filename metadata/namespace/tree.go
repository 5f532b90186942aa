package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// makeRoot makes the root directory of a new namespace.
func (s *state) makeRoot() error {
	s.cluster.NextEntry = max(s.cluster.NextEntry, rootID+1)
	s.cluster.NextContent = max(s.cluster.NextContent, 1)
	s.cluster.Locks = 0
	s.setDir(rootID, &metapb.DirRow{})
	return putRow(s.kv, keyEntry(0, ""), &metapb.EntryRow{Id: rootID, Dir: true, Created: s.now, Modified: s.now})
}

// mkdir makes a directory.
func (s *state) mkdir(op *metapb.Mkdir) (*metapb.Result, error) {
	g, err := s.begin(op.GetGuard(), metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	p, err := s.walk(op.GetPath())
	switch {
	case err != nil:
		return nil, err
	case p.problem != nil:
		return nil, p.problem
	case p.row != nil:
		return nil, refuse(metadata.KindExists, "%s exists", p.path)
	}
	if err := s.conditions(g, p); err != nil {
		return nil, err
	}
	if err := s.mayChangeMember(g, p); err != nil {
		return nil, err
	}
	row := s.newFile(p, g.GetUser())
	row.Dir = true
	if err := putRow(s.kv, p.rowKey(), row); err != nil {
		return nil, err
	}
	s.setDir(row.Id, &metapb.DirRow{Parent: p.parent(), Key: p.base})
	if err := s.count(move{to: p.chain, come: usage{dirs: 1}}); err != nil {
		return nil, err
	}
	if err := s.touch(p.parent()); err != nil {
		return nil, err
	}
	entry, err := s.entry(row, p.base)
	return &metapb.Result{Entry: entry, Created: true}, err
}

// entry makes the answer for a row with the key base. It takes the row over.
func (v view) entry(row *metapb.EntryRow, base string) (*metapb.Entry, error) {
	if row.Name == "" {
		row.Name = base
	}
	if !row.Dir {
		return &metapb.Entry{Row: row}, nil
	}
	dir, err := v.mustDir(row.Id)
	if err != nil {
		return nil, err
	}
	row.Modified = modifiedOf(row, dir)
	// A copy: the row may be in the batch's cache and change after this.
	return &metapb.Entry{Row: row, Dir: &metapb.DirRow{
		Parent: dir.Parent, Key: dir.Key, Bytes: dir.Bytes, Files: dir.Files, Dirs: dir.Dirs,
		QuotaBytes: dir.QuotaBytes, Replication: dir.Replication, Changed: dir.Changed,
	}}, nil
}

// modified returns when an entry was last modified, 0 for none.
func (v view) modified(row *metapb.EntryRow) (int64, error) {
	if !row.GetDir() {
		return row.GetModified(), nil
	}
	dir, err := v.mustDir(row.Id)
	if err != nil {
		return 0, err
	}
	return modifiedOf(row, dir), nil
}

// modifiedOf returns when a directory was last modified: when a member came or
// went, or what was set after that.
func modifiedOf(row *metapb.EntryRow, dir *metapb.DirRow) int64 {
	if dir.Changed != 0 {
		return dir.Changed
	}
	return row.Modified
}

// apart refuses a rename or a copy between entries of which one contains the
// other, or that are the same. A directory is below another if that is on the
// way from it to the root: walk has just gone that way.
func apart(src, dst *place) error {
	same := src.row.GetId() == dst.row.GetId()
	if same || contains(src, dst) || contains(dst, src) {
		return refuse(metadata.KindConflict, "%s and %s are the same or one contains the other", src.path, dst.path)
	}
	return nil
}

// contains reports whether q lies below the directory at p.
func contains(p, q *place) bool {
	if p.row == nil {
		return false
	}
	for _, dir := range q.chain {
		if dir == p.row.Id {
			return true
		}
	}
	return false
}

// transfer is what rename and copy have in common: two places, checked.
type transfer struct {
	g        *guard
	src, dst *place
	size     usage // of the source
	replaced usage // of what is at the destination
}

// between resolves source and destination and checks all but locks on the source.
func (s *state) between(pg *metapb.Guard, src, dst string, overwrite bool) (*transfer, error) {
	g, err := s.begin(pg, metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	t := &transfer{g: g}
	if t.src, err = s.walk(src); err != nil {
		return nil, err
	}
	if t.dst, err = s.walk(dst); err != nil {
		return nil, err
	}
	if err := t.src.missing(); err != nil {
		return nil, err
	}
	if t.dst.problem != nil {
		return nil, t.dst.problem
	}
	if t.dst.row != nil && !overwrite && t.dst.row.Id != t.src.row.Id {
		return nil, refuse(metadata.KindExists, "%s exists", t.dst.path)
	}
	if t.size, err = s.usageOf(t.src.row); err != nil {
		return nil, err
	}
	t.replaced, err = s.usageOf(t.dst.row)
	return t, err
}

// mayPut checks the locks at a destination.
func (s *state) mayPut(g *guard, dst *place) error {
	if dst.row == nil {
		return s.mayChangeMember(g, dst)
	}
	return s.mayRemove(g, dst)
}

// rename moves an entry with all that is below it. It writes a handful of rows
// however large the tree is.
func (s *state) rename(op *metapb.Rename) (*metapb.Result, error) {
	t, err := s.between(op.GetGuard(), op.GetSrc(), op.GetDst(), op.GetOverwrite())
	if err != nil {
		return nil, err
	}
	src, dst := t.src, t.dst
	if err := apart(src, dst); err != nil {
		return nil, err
	}
	if err := s.conditions(t.g, src); err != nil {
		return nil, err
	}
	if err := s.mayRemove(t.g, src); err != nil {
		return nil, err
	}
	if err := s.mayPut(t.g, dst); err != nil {
		return nil, err
	}
	m := move{src.chain, dst.chain, t.size, t.size.minus(t.replaced)}
	if err := s.checkQuota(m); err != nil {
		return nil, err
	}
	// From here on only faults stop the command.
	replaced := dst.row != nil
	if err := s.unlink(dst); err != nil {
		return nil, err
	}
	// RFC 4918 §7.6: a lock does not move with the resource.
	if err := s.dropLocks(src); err != nil {
		return nil, err
	}
	if err := deleteRow(s.kv, src.rowKey()); err != nil {
		return nil, err
	}
	if err := s.count(m); err != nil {
		return nil, err
	}
	entry, err := s.attach(src.row, dst)
	if err != nil {
		return nil, err
	}
	return &metapb.Result{Entry: entry, Replaced: replaced, Created: !replaced}, s.touch(src.parent())
}

// attach writes the row of an entry, a directory's row included, at dst.
func (s *state) attach(row *metapb.EntryRow, dst *place) (*metapb.Entry, error) {
	row.Name = writtenName(dst.name, dst.base)
	if err := putRow(s.kv, dst.rowKey(), row); err != nil {
		return nil, err
	}
	if row.Dir {
		dir, err := s.mustDir(row.Id)
		if err != nil {
			return nil, err
		}
		dir.Parent, dir.Key = dst.parent(), dst.base
		s.setDir(row.Id, dir)
	}
	if err := s.touch(dst.parent()); err != nil {
		return nil, err
	}
	return s.entry(row, dst.base)
}
