package namespace

import (
	"bytes"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// commit makes written blocks the content of a file. A file that is there keeps
// its id, name, times of creation, properties and locks.
func (s *state) commit(op *metapb.Commit) (*metapb.Result, error) {
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
	case p.row.GetDir():
		return nil, refuse(metadata.KindIsDir, "%s is a directory", p.path)
	}
	if err := s.mayCommit(g, p); err != nil {
		return nil, err
	}
	content, staged, err := s.checkContent(op)
	if err != nil {
		return nil, err
	}
	old, err := s.usageOf(p.row)
	if err != nil {
		return nil, err
	}
	m := move{p.chain, p.chain, old, usage{bytes: op.Size, files: 1}}
	if err := s.checkQuota(m); err != nil {
		return nil, err
	}
	if err := s.claim(op.GetSession(), op.GetLeases(), op.GetBlocks(), content); err != nil {
		return nil, err
	}
	// From here on only faults stop the command.
	if op.GetStaged() == 0 {
		s.cluster.NextContent = content + 1
	}
	row := s.newFile(p, g.GetUser())
	created := p.row == nil
	row.Size, row.Modified, row.Content, row.Sha1 = op.Size, op.Modified, content, bytes.Clone(op.Sha1)
	if row.Modified == 0 {
		row.Modified = s.now
	}
	if err := s.storeRefs(row, op, staged); err != nil {
		return nil, err
	}
	if !created {
		if err := s.dropContent(p.row); err != nil {
			return nil, err
		}
	}
	return s.putFile(p, row, m, created)
}

// mayCommit checks conditions and locks: a new file is a change of its directory.
func (s *state) mayCommit(g *guard, p *place) error {
	if err := s.conditions(g, p); err != nil {
		return err
	}
	if p.row == nil {
		return s.mayChangeMember(g, p)
	}
	return s.mayWrite(g, p)
}

// checkContent checks the description of a content and returns its id and its
// staged part, nil if there is none.
func (s *state) checkContent(op *metapb.Commit) (uint64, *metapb.ContentRow, error) {
	size, err := checkRefs(op.GetBlocks())
	if err != nil {
		return 0, nil, err
	}
	content, staged, err := s.staged(op.GetSession(), op.GetStaged())
	if err != nil {
		return 0, nil, err
	}
	switch {
	case op.GetSize() != size+staged.StagedBytes:
		return 0, nil, refuse(metadata.KindInvalid, "size %d, but the blocks hold %d bytes", op.GetSize(), size+staged.StagedBytes)
	case len(op.GetSha1()) != 0 && len(op.GetSha1()) != 20:
		return 0, nil, refuse(metadata.KindInvalid, "a SHA-1 of %d bytes", len(op.GetSha1()))
	case uint64(staged.StagedBlocks)+uint64(len(op.GetBlocks())) > blocksPerFileMax:
		return 0, nil, refuse(metadata.KindTooLarge, "a file has at most %d blocks", blocksPerFileMax)
	}
	if op.GetStaged() == 0 {
		return content, nil, nil
	}
	alive, err := s.sessionExists(op.GetSession())
	if err == nil && !alive {
		err = refuse(metadata.KindStale, "session %d is over", op.GetSession())
	}
	return content, staged, err
}

// newFile returns the row of the file at p, a new one if nothing is there.
func (s *state) newFile(p *place, user string) *metapb.EntryRow {
	if old := p.row; old != nil {
		return &metapb.EntryRow{Id: old.Id, Name: old.Name, Created: old.Created, Owner: old.Owner, Props: old.Props}
	}
	row := &metapb.EntryRow{
		Id: s.cluster.NextEntry, Name: writtenName(p.name, p.base),
		Created: s.now, Modified: s.now, Owner: user,
	}
	s.cluster.NextEntry++
	return row
}

// storeRefs puts the references of a commit where they belong: in the row, or
// behind the staged ones.
func (s *state) storeRefs(row *metapb.EntryRow, op *metapb.Commit, staged *metapb.ContentRow) error {
	row.BlockCount = staged.GetStagedBlocks() + uint32(len(op.GetBlocks()))
	refs := op.GetBlocks()
	if staged != nil {
		if err := s.unstage(op.GetSession(), row.Content); err != nil {
			return err
		}
	}
	if row.BlockCount > metadata.InlineRefsMax {
		return s.writeRefs(row.Content, uint64(staged.GetStagedBlocks()), refs)
	}
	if staged.GetStagedBlocks() > 0 {
		first, err := s.readRefs(row.Content, 0, metadata.InlineRefsMax)
		if err != nil {
			return err
		}
		refs = append(first, refs...)
		if err := deleteRow(s.kv, keyRefs(row.Content, 0)); err != nil {
			return err
		}
	}
	row.Blocks = refs
	return nil
}

// putFile writes the row of a file, counts it and makes the result.
func (s *state) putFile(p *place, row *metapb.EntryRow, m move, created bool) (*metapb.Result, error) {
	if err := putRow(s.kv, p.rowKey(), row); err != nil {
		return nil, err
	}
	if err := s.count(m); err != nil {
		return nil, err
	}
	if created {
		if err := s.touch(p.parent()); err != nil {
			return nil, err
		}
	}
	entry, err := s.entry(row, p.base)
	return &metapb.Result{Entry: entry, Created: created, Replaced: !created}, err
}
