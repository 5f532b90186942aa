package namespace

import (
	"encoding/binary"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// A content is the blocks of one committed version of a file. Up to
// metadata.InlineRefsMax references are in the entry itself, more in X rows.
// One entry has it, or a K row counts how many do. An empty content has no
// blocks, so nobody counts it.

// blocksPerFileMax bounds a file: 64 TiB in full blocks.
const blocksPerFileMax = 4 << 20

// share adds an entry to those that have the content of row.
func (s *state) share(row *metapb.EntryRow) error {
	if row.BlockCount == 0 {
		return nil
	}
	shared, err := getRow[metapb.ContentRow](s.r, keyContent(row.Content))
	if err != nil {
		return err
	}
	if shared == nil {
		shared = &metapb.ContentRow{References: 1, BlockCount: uint64(row.BlockCount)}
	}
	shared.References++
	return putRow(s.kv, keyContent(row.Content), shared)
}

// dropContent takes an entry from those that have the content of row. With the
// last one a small content's blocks are dead at once; a large one's stay
// readable through their X rows for the grace time and are then released by Reap.
func (s *state) dropContent(row *metapb.EntryRow) error {
	if row.BlockCount == 0 {
		return nil
	}
	shared, err := getRow[metapb.ContentRow](s.r, keyContent(row.Content))
	switch {
	case err != nil:
		return err
	case shared != nil && shared.References > 2:
		shared.References--
		return putRow(s.kv, keyContent(row.Content), shared)
	case shared != nil:
		return deleteRow(s.kv, keyContent(row.Content)) // one is left, which needs no count
	case row.BlockCount <= metadata.InlineRefsMax:
		return s.releaseBlocks(row.Blocks)
	}
	return setRow(s.kv, keyDeadLarge(s.now, row.Content), nil)
}

// writeRefs appends references to the X rows of a content that has from of them.
func (s *state) writeRefs(content uint64, from uint64, refs []*metapb.BlockRef) error {
	for len(refs) > 0 {
		key := keyRefs(content, uint32(from/chunkRefs))
		chunk := &metapb.RefChunk{}
		if from%chunkRefs != 0 {
			var err error
			if chunk, err = getRow[metapb.RefChunk](s.r, key); err != nil {
				return err
			}
		}
		n := min(uint64(len(refs)), chunkRefs-from%chunkRefs)
		chunk.Blocks = append(chunk.GetBlocks(), refs[:n]...)
		if err := putRow(s.kv, key, chunk); err != nil {
			return err
		}
		refs, from = refs[n:], from+n
	}
	return nil
}

// readRefs returns up to limit references of a large content from index on. It
// ends at a chunk that is missing: a content that is being released loses its
// first chunks first, and what follows them is of another place in the file.
func (v view) readRefs(content, index uint64, limit int) ([]*metapb.BlockRef, error) {
	var refs []*metapb.BlockRef
	skip, next := int(index%chunkRefs), uint32(index/chunkRefs)
	upper := prefixEnd(key1(tableRefs, content))
	err := scanRows(v.r, keyRefs(content, uint32(index/chunkRefs)), upper, func(key, val []byte) (bool, error) {
		if len(key) != 13 || binary.BigEndian.Uint32(key[9:]) != next {
			return false, nil
		}
		next++
		chunk, err := decodeRow[metapb.RefChunk](key, val)
		if err != nil {
			return false, err
		}
		refs = append(refs, chunk.Blocks[min(skip, len(chunk.Blocks)):]...)
		skip = 0
		return len(refs) < limit, nil
	})
	return refs[:min(len(refs), limit)], err
}

// releaseRefs releases the blocks of the X rows of a content, a row at a time
// until budget is spent, and reports what is left of the budget. All of them
// are gone when it is positive.
func (s *state) releaseRefs(content uint64, budget int) (int, error) {
	prefix := key1(tableRefs, content)
	for budget > 0 {
		keys, err := scanKeys(s.r, prefix, prefixEnd(prefix), 1)
		if err != nil || len(keys) == 0 {
			return budget, err
		}
		chunk, err := getRow[metapb.RefChunk](s.r, keys[0])
		if err != nil {
			return 0, err
		}
		if err := s.releaseBlocks(chunk.GetBlocks()); err != nil {
			return 0, err
		}
		if err := deleteRow(s.kv, keys[0]); err != nil {
			return 0, err
		}
		budget -= 1 + len(chunk.GetBlocks())
	}
	return budget, nil
}

// checkRefs checks what a client says about its blocks and returns their bytes.
func checkRefs(refs []*metapb.BlockRef) (bytes int64, err error) {
	if len(refs) > metadata.StageRefsMax {
		return 0, refuse(metadata.KindTooLarge, "%d block references in one call, at most %d", len(refs), metadata.StageRefsMax)
	}
	for _, ref := range refs {
		if ref.GetLength() == 0 || ref.GetLength() > metadata.BlockBytesMax {
			return 0, refuse(metadata.KindInvalid, "a block of %d bytes", ref.GetLength())
		}
		bytes += int64(ref.Length)
	}
	return bytes, nil
}

// stage records a part of a large file's references ahead of its commit.
func (s *state) stage(op *metapb.Stage) (*metapb.Result, error) {
	if op.GetAbandon() {
		return s.abandon(op.GetSession(), op.GetContent())
	}
	if s.cluster.ReadOnly {
		return nil, refuse(metadata.KindReadOnly, "the cluster is read-only")
	}
	alive, err := s.sessionExists(op.GetSession())
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, refuse(metadata.KindStale, "session %d is over", op.GetSession())
	}
	bytes, err := checkRefs(op.GetBlocks())
	if err != nil {
		return nil, err
	}
	content, row, err := s.staged(op.GetSession(), op.GetContent())
	if err != nil {
		return nil, err
	}
	have := uint64(row.StagedBlocks)
	switch {
	case uint64(op.GetIndex()) != have:
		return nil, refuse(metadata.KindConflict, "block %d staged, but %d are there", op.GetIndex(), have)
	case have+uint64(len(op.GetBlocks())) > blocksPerFileMax:
		return nil, refuse(metadata.KindTooLarge, "a file has at most %d blocks", blocksPerFileMax)
	}
	if err := s.claim(op.GetSession(), op.GetLeases(), op.GetBlocks(), content); err != nil {
		return nil, err
	}
	if op.GetContent() == 0 {
		s.cluster.NextContent = content + 1
	}
	row.StagedBlocks += uint32(len(op.GetBlocks()))
	row.StagedBytes += bytes
	if err := s.writeRefs(content, have, op.GetBlocks()); err != nil {
		return nil, err
	}
	if err := putRow(s.kv, keyContent(content), row); err != nil {
		return nil, err
	}
	return &metapb.Result{Id: content}, setRow(s.kv, keyStaged(op.GetSession(), content), nil)
}

// abandon gives up what a session has staged: an upload that failed. Reap
// releases it like a large content that is dead, step by step.
func (s *state) abandon(session, content uint64) (*metapb.Result, error) {
	if content == 0 {
		return nil, refuse(metadata.KindInvalid, "no content is given to abandon")
	}
	_, row, err := s.staged(session, content)
	if err != nil {
		return nil, err
	}
	if err := s.unstage(session, content); err != nil {
		return nil, err
	}
	if row.StagedBlocks > 0 {
		err = setRow(s.kv, keyDeadLarge(s.now, content), nil)
	}
	return &metapb.Result{Id: content}, err
}

// staged returns the row of a content that the session stages; a new one for 0.
func (s *state) staged(session, content uint64) (uint64, *metapb.ContentRow, error) {
	if content == 0 {
		return s.cluster.NextContent, &metapb.ContentRow{Session: session}, nil
	}
	row, err := getRow[metapb.ContentRow](s.r, keyContent(content))
	if err != nil {
		return 0, nil, err
	}
	if row == nil || row.References != 0 || row.Session != session || session == 0 {
		return 0, nil, refuse(metadata.KindStale, "session %d does not stage content %d", session, content)
	}
	return content, row, nil
}

// unstage makes a staged content a committed one.
func (s *state) unstage(session, content uint64) error {
	if err := deleteRow(s.kv, keyStaged(session, content)); err != nil {
		return err
	}
	return deleteRow(s.kv, keyContent(content))
}

// claim records that the blocks belong to content, if the session may still say so.
func (s *state) claim(session uint64, proofs []*metapb.LeaseProof, refs []*metapb.BlockRef, content uint64) error {
	if len(refs) == 0 {
		return nil
	}
	return s.claimBlocks(session, proofs, refs, content)
}

// blocks answers references of a large content, which may be dead already.
func (v view) blocks(q *metapb.Blocks) (*metapb.Answer, error) {
	refs, err := v.readRefs(q.GetContent(), uint64(q.GetIndex()), metadata.StageRefsMax)
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		some, err := hasRow(v.r, keyRefs(q.GetContent(), 0))
		if err == nil && !some {
			err = refuse(metadata.KindNotFound, "content %d has no stored references", q.GetContent())
		}
		if err != nil {
			return nil, err
		}
	}
	return &metapb.Answer{Blocks: refs}, nil
}

// contentOf returns the content id at the end of a W or Z key.
func contentOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
