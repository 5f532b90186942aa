package namespace

import (
	"bytes"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// copyPage is the number of rows of a directory that a copy holds at a time.
const copyPage = 1000

// copy copies a file, or a directory with or without its members. Data is
// shared: a copied file is a new row and a reference count.
func (s *state) copy(op *metapb.Copy) (*metapb.Result, error) {
	t, err := s.between(op.GetGuard(), op.GetSrc(), op.GetDst(), op.GetOverwrite())
	if err != nil {
		return nil, err
	}
	shallow := op.GetShallow() && t.src.row.Dir
	// A directory without its members may be copied into itself.
	if err := apart(t.src, t.dst); err != nil && (!shallow || !contains(t.src, t.dst)) {
		return nil, err
	}
	if err := s.conditions(t.g, t.src); err != nil {
		return nil, err
	}
	if err := s.mayPut(t.g, t.dst); err != nil {
		return nil, err
	}
	if shallow {
		t.size = usage{dirs: 1}
	}
	if t.size.files+t.size.dirs > metadata.CopyEntriesMax {
		return nil, refuse(metadata.KindTooLarge, "%s has more than %d entries", t.src.path, metadata.CopyEntriesMax)
	}
	m := move{t.dst.chain, t.dst.chain, t.replaced, t.size}
	if err := s.checkQuota(m); err != nil {
		return nil, err
	}
	// From here on only faults stop the command.
	if err := s.unlink(t.dst); err != nil {
		return nil, err
	}
	row, err := s.copyEntry(t.src.row, t.dst.parent(), t.dst.base, t.g.GetUser(), !shallow)
	if err != nil {
		return nil, err
	}
	if op.GetModified() != 0 {
		if err := s.setModified(row, op.GetModified()); err != nil {
			return nil, err
		}
	}
	if err := s.count(m); err != nil {
		return nil, err
	}
	if row.Dir && !shallow {
		if err := s.copyMembers(t.src.row.Id, row.Id, t.g.GetUser()); err != nil {
			return nil, err
		}
	}
	replaced := t.dst.row != nil
	entry, err := s.attach(row, t.dst)
	return &metapb.Result{Entry: entry, Replaced: replaced, Created: !replaced}, err
}

// copyEntry makes the copy of an entry for the directory parent: properties,
// content and, for a directory, its row. The caller writes the returned row.
// Quota and replication belong to the place and are not copied (NS-9).
func (s *state) copyEntry(row *metapb.EntryRow, parent uint64, base, user string, deep bool) (*metapb.EntryRow, error) {
	c := &metapb.EntryRow{
		Id: s.cluster.NextEntry, Dir: row.Dir, Name: row.Name, Size: row.Size,
		Modified: row.Modified, Created: s.now, Owner: user,
		Content: row.Content, Sha1: row.Sha1, BlockCount: row.BlockCount, Blocks: row.Blocks, Props: row.Props,
	}
	s.cluster.NextEntry++
	if err := s.copyProps(row, c.Id); err != nil {
		return nil, err
	}
	if !row.Dir {
		return c, s.share(row)
	}
	from, err := s.mustDir(row.Id)
	if err != nil {
		return nil, err
	}
	dir := &metapb.DirRow{Parent: parent, Key: base, Changed: from.Changed}
	if deep {
		dir.Bytes, dir.Files, dir.Dirs = from.Bytes, from.Files, from.Dirs
	}
	s.setDir(c.Id, dir)
	return c, nil
}

// copyMembers copies what is in the directory src into the new directory dst.
func (s *state) copyMembers(src, dst uint64, user string) error {
	todo := [][2]uint64{{src, dst}}
	for len(todo) > 0 {
		pair := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for after := []byte(nil); ; {
			members, err := s.members(pair[0], after, copyPage)
			if err != nil {
				return err
			}
			for _, m := range members {
				c, err := s.copyEntry(m.row, pair[1], m.base, user, true)
				if err != nil {
					return err
				}
				if err := putRow(s.kv, keyEntry(pair[1], m.base), c); err != nil {
					return err
				}
				if c.Dir {
					todo = append(todo, [2]uint64{m.row.Id, c.Id})
				}
			}
			if len(members) < copyPage {
				break
			}
			after = []byte(members[len(members)-1].base)
		}
	}
	return nil
}

// member is an entry as its directory holds it.
type member struct {
	base string
	row  *metapb.EntryRow
}

// members returns up to limit members of a directory after the name after, in
// order of their NFC names.
func (v view) members(dir uint64, after []byte, limit int) ([]member, error) {
	lower := key1(tableEntry, dir)
	upper := prefixEnd(lower)
	if len(after) > 0 {
		lower = append(append(lower, after...), 0)
	}
	var found []member
	err := scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		row, err := decodeRow[metapb.EntryRow](key, val)
		if err != nil {
			return false, err
		}
		found = append(found, member{string(key[9:]), row})
		return len(found) < limit, nil
	})
	return found, err
}

// copyProps gives the entry to the dead properties of row.
func (s *state) copyProps(row *metapb.EntryRow, to uint64) error {
	if row.Props == 0 {
		return nil
	}
	prefix := key1(tableProp, row.Id)
	keys, err := scanKeys(s.r, prefix, prefixEnd(prefix), metadata.PropsPerEntryMax)
	if err != nil {
		return err
	}
	for _, key := range keys {
		val, err := s.r.Get(key)
		if err != nil {
			return fault{err}
		}
		val = bytes.Clone(val) // valid only until the next write
		if err := setRow(s.kv, append(key1(tableProp, to), key[9:]...), val); err != nil {
			return err
		}
	}
	return nil
}
