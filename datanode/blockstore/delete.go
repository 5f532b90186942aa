package blockstore

import (
	"context"

	"kendfs/metadata"
)

// dropRounds bounds how often DropVolume starts over when blocks keep coming.
const dropRounds = 8

// Delete removes blocks of a volume; it is durable when Delete returns nil.
// Blocks that are not here are no error. KindTooLarge: more than
// metadata.OrderBlocksMax locals.
func (s *Store) Delete(ctx context.Context, v metadata.VolumeID, locals []metadata.LocalID) error {
	if len(locals) > metadata.OrderBlocksMax {
		return metadata.Errorf(metadata.KindTooLarge, "%d blocks in one delete; at most %d", len(locals), metadata.OrderBlocksMax)
	}
	if v == 0 || len(locals) == 0 {
		return nil
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.delete(ctx, v, locals)
}

func (s *Store) delete(ctx context.Context, v metadata.VolumeID, locals []metadata.LocalID) error {
	var files []blockFile
	n := 0
	err := s.submit(ctx, &op{small: true, bytes: int64(len(locals)) * recordHeaderBytes, stage: func(t *txn, g *group) error {
		files, n = files[:0], 0
		for _, l := range locals {
			k := key{v, l}
			r, err := t.row(k)
			if err != nil {
				return err
			}
			if l == 0 || !r.live() {
				continue
			}
			if r.kind == recordFile {
				files = append(files, r.file(k))
			}
			n++
			if err := g.add(header{kind: recordTombstone, key: k}, nil, nil); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := s.removeFile(f); err != nil {
			s.log.Warn("file of a deleted block is left to the next compaction", "file", f.name(), "err", err)
		}
	}
	s.stats.deletes.Add(int64(n))
	return nil
}

// SetFence makes every later Put of the volume below fence fail with KindStale,
// durably. A fence never falls; a lower one changes nothing.
func (s *Store) SetFence(ctx context.Context, v metadata.VolumeID, fence metadata.LocalID) error {
	if v == 0 {
		return metadata.Errorf(metadata.KindInvalid, "volume id 0")
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.submit(ctx, &op{small: true, bytes: recordHeaderBytes, stage: func(t *txn, g *group) error {
		if fence <= t.volume(v).fence {
			return nil
		}
		return g.add(header{kind: recordFence, key: key{v, 0}, aux: uint64(fence)}, nil, nil)
	}})
}

// Fence returns a volume's fence, zero for none.
func (s *Store) Fence(v metadata.VolumeID) metadata.LocalID {
	return s.state.volume(v).fence
}

// DropVolume removes all blocks of a volume and its fence. It is not atomic: a
// crash may leave a part, and dropping again removes it. KindBusy: blocks are
// being added faster than they are removed.
func (s *Store) DropVolume(ctx context.Context, v metadata.VolumeID) error {
	if v == 0 {
		return metadata.Errorf(metadata.KindInvalid, "volume id 0")
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	for range dropRounds {
		if err := s.dropBlocks(ctx, v); err != nil {
			return err
		}
		again := false
		err := s.submit(ctx, &op{small: true, bytes: recordHeaderBytes, stage: func(t *txn, g *group) error {
			c := t.volume(v)
			if again = c.blocks > 0; again || !c.fenced {
				return nil
			}
			return g.add(header{kind: recordTombstone, key: key{v, 0}}, nil, nil)
		}})
		if err != nil || !again {
			return err
		}
	}
	return metadata.Errorf(metadata.KindBusy, "volume %v: blocks are being added while it is dropped", v)
}

// dropBlocks deletes the blocks that are there now.
func (s *Store) dropBlocks(ctx context.Context, v metadata.VolumeID) error {
	for after := metadata.LocalID(0); ; {
		refs, err := s.list(v, after, metadata.OrderBlocksMax)
		if err != nil || len(refs) == 0 {
			return err
		}
		locals := make([]metadata.LocalID, len(refs))
		for i, r := range refs {
			locals[i] = r.ID.Local
		}
		if err := s.delete(ctx, v, locals); err != nil {
			return err
		}
		after = locals[len(locals)-1]
	}
}
