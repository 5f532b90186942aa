package datanode

import (
	"context"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Stat is blockio.Server.
func (s *Server) Stat(_ context.Context, disk metadata.DiskID, id metadata.BlockID) (metadata.DiskID, int64, error) {
	if err := s.enter(); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	last := error(metadata.Errorf(metadata.KindNotFound, "%v is not on storage server %v", id, s.cfg.Node))
	for _, d := range s.disks {
		if d.Store == nil || disk != 0 && d.id != disk {
			continue
		}
		n, err := d.Store.Stat(id)
		if err == nil {
			return d.id, n, nil
		}
		last = err
	}
	return 0, 0, last
}

// List is blockio.Server.
func (s *Server) List(_ context.Context, disk metadata.DiskID, v metadata.VolumeID, after metadata.LocalID, limit int) (
	refs []metadata.BlockRef, more bool, err error) {
	if err := s.enter(); err != nil {
		return nil, false, err
	}
	defer s.leave()
	store, err := s.store(disk)
	if err != nil {
		return nil, false, err
	}
	limit = min(limit, blockio.ListLimitMax)
	refs, err = store.List(v, after, limit)
	return refs, len(refs) == limit, err
}

// Digest is blockio.Server.
func (s *Server) Digest(_ context.Context, disk metadata.DiskID, v metadata.VolumeID) (metadata.VolumeDigest, error) {
	if err := s.enter(); err != nil {
		return metadata.VolumeDigest{}, err
	}
	defer s.leave()
	store, err := s.store(disk)
	if err != nil || v == 0 {
		return metadata.VolumeDigest{}, err
	}
	got, err := store.Digests(v-1, 1)
	if err != nil {
		return metadata.VolumeDigest{}, err
	}
	if len(got) == 0 || got[0].Volume != v {
		return metadata.VolumeDigest{}, metadata.Errorf(metadata.KindNotFound, "disk %v knows no %v", disk, v)
	}
	got[0].Disk = disk
	s.damaged.discount(&got[0])
	return got[0], nil
}

// Delete is blockio.Server.
func (s *Server) Delete(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID, locals []metadata.LocalID) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	store, err := s.store(disk)
	if err != nil {
		return err
	}
	return s.remove(ctx, store, v, locals)
}

// remove deletes blocks and forgets that they were damaged.
func (s *Server) remove(ctx context.Context, store Store, v metadata.VolumeID, locals []metadata.LocalID) error {
	if err := store.Delete(ctx, v, locals); err != nil {
		return err
	}
	for _, l := range locals {
		s.mended(store.Disk(), metadata.BlockID{Volume: v, Local: l})
	}
	return nil
}

// Check is blockio.Server: it reads a block again. A damaged one is left out of
// the digests until a sound copy was fetched.
func (s *Server) Check(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (bool, error) {
	if err := s.enter(); err != nil {
		return false, err
	}
	defer s.leave()
	disk, _, err := s.Stat(ctx, disk, id)
	if err != nil {
		return false, err
	}
	err = s.verify(ctx, disk, id)
	if err != nil && metadata.KindOf(err) == metadata.KindCorrupt {
		s.noteDamage(disk, id, err)
		return false, nil
	}
	return err == nil, err
}

// verify reads a block and compares it with its checksums.
func (s *Server) verify(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) error {
	in, err := s.Get(ctx, blockio.GetRequest{Block: id, Disk: disk})
	if err != nil {
		return err
	}
	defer in.Close()
	buf, err := s.buffer(ctx, blockio.SegmentBytes)
	if err != nil {
		return err
	}
	defer s.buffers.Put(buf)
	sums := buf.Sums[:blockio.SegmentChunks]
	for done := int64(0); done < in.BlockLength(); {
		data := buf.Data[:min(blockio.SegmentBytes, in.BlockLength()-done)]
		if err := blockio.Fill(in, data, sums); err != nil {
			return err
		}
		if _, err := blockio.Verify(data, sums[:(len(data)+metadata.ChunkBytes-1)/metadata.ChunkBytes]); err != nil {
			return err
		}
		done += int64(len(data))
	}
	return nil
}
