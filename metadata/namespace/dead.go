package namespace

import (
	"encoding/binary"
	"fmt"
	"math"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// deadPageMax bounds one page of dead blocks.
const deadPageMax = 16384

// releaseBlocks makes blocks dead: no content has them any more. The volume
// counts them until they are reaped, since its replicas hold them until then.
// A block that is not committed is passed over; Check reports such a reference.
func (s *state) releaseBlocks(refs []*metapb.BlockRef) error {
	for _, b := range refs {
		val, err := s.r.Get(keyBlock(b.GetVolume(), b.GetLocal()))
		if err != nil {
			return fault{err}
		}
		if val == nil {
			continue
		}
		_, length := pairOf(val)
		if err := deleteRow(s.kv, keyBlock(b.Volume, b.Local)); err != nil {
			return err
		}
		if err := putRow(s.kv, keyDead(s.now, b.Volume, b.Local), &metapb.DeadRow{Length: length}); err != nil {
			return err
		}
		if err := setRow(s.kv, keyDeadOf(b.Volume, b.Local), pairRow(timeKey(s.now), length)); err != nil {
			return err
		}
		s.cluster.Dead++
	}
	return nil
}

// reaped forgets dead blocks that are gone from every replica. Blocks that are
// not dead (reaped before) are passed over.
func (s *state) reaped(op *metapb.Reaped) (*metapb.Result, error) {
	if len(op.GetBlocks()) > metadata.OrderBlocksMax {
		return nil, refuse(metadata.KindTooLarge, "%d blocks at once: at most %d", len(op.Blocks), metadata.OrderBlocksMax)
	}
	vol, err := s.volume(op.GetVolume())
	switch {
	case err != nil:
		return nil, err
	case vol == nil:
		return nil, refuse(metadata.KindNotFound, "there is no volume v%d", op.GetVolume())
	}
	for _, b := range op.Blocks {
		if b.GetVolume() != 0 && b.GetVolume() != vol.Id {
			return nil, refuse(metadata.KindInvalid, "a block of volume v%d among those of v%d", b.GetVolume(), vol.Id)
		}
	}
	changed := false
	for _, b := range op.Blocks {
		gone, err := s.reapBlock(vol, b.GetLocal())
		if err != nil {
			return nil, err
		}
		changed = changed || gone
	}
	if !changed {
		return &metapb.Result{Volume: vol}, nil
	}
	// With half of its room free again, a full volume is worth a lease.
	if volumeState(vol) == metadata.VolumeFull && vol.Bytes < fullAgainBytes {
		vol.State = uint32(metadata.VolumeIdle)
	}
	return &metapb.Result{Volume: vol}, s.changeVolume(vol)
}

// fullAgainBytes is where a full volume becomes idle when its blocks are
// reaped: well below VolumeBytesMax, so that it does not flap.
const fullAgainBytes = metadata.VolumeBytesMax / 2

// reapBlock deletes the rows of a dead block and takes it out of the counters
// of its volume, whose row the caller writes.
func (s *state) reapBlock(vol *metapb.VolumeRow, local uint64) (gone bool, err error) {
	val, err := s.r.Get(keyDeadOf(vol.Id, local))
	if err != nil {
		return false, fault{err}
	}
	if val == nil {
		return false, nil
	}
	since, length := pairOf(val)
	if err := deleteRow(s.kv, keyDeadOf(vol.Id, local)); err != nil {
		return false, err
	}
	if err := deleteRow(s.kv, keyDead(timeOfKey(since), vol.Id, local)); err != nil {
		return false, err
	}
	vol.Blocks--
	vol.Bytes -= int64(length)
	vol.Digest ^= blockDigest(vol.Id, local)
	s.cluster.Dead--
	return true, nil
}

// timeOfKey is the inverse of timeKey.
func timeOfKey(k uint64) int64 { return int64(min(k, math.MaxInt64)) }

// deadBlocks answers with blocks that died before a time, oldest first.
func (v view) deadBlocks(q *metapb.DeadBlocks) (*metapb.Answer, error) {
	limit := limitOf(q.GetLimit(), deadPageMax)
	lower, upper := []byte{tableDead}, key1(tableDead, timeKey(q.GetBefore()))
	if after := q.GetAfter(); after != nil {
		lower = append(keyDead(after.Since, after.Volume, after.Local), 0)
	}
	a := &metapb.Answer{}
	err := scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		if len(a.Dead) == limit {
			a.More = true
			return false, nil
		}
		row, err := decodeRow[metapb.DeadRow](key, val)
		if err != nil {
			return false, err
		}
		a.Dead = append(a.Dead, &metapb.DeadBlock{
			Since: timeOfKey(keyID(key, 0)), Volume: keyID(key, 1), Local: keyID(key, 2), Length: row.Length,
		})
		return true, nil
	})
	return a, err
}

// volumeBlocks answers with what a replica of the volume must hold: committed
// blocks and those dead but not reaped, in order of local id.
func (v view) volumeBlocks(q *metapb.VolumeBlocks) (*metapb.Answer, error) {
	found, err := hasRow(v.r, keyVolume(q.GetVolume()))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, refuse(metadata.KindNotFound, "there is no volume v%d", q.GetVolume())
	}
	limit := limitOf(q.GetLimit(), metadata.VolumeBlocksMax)
	live, err := v.blockPage(tableBlock, q.Volume, q.GetAfter(), limit+1)
	if err != nil {
		return nil, err
	}
	dead, err := v.blockPage(tableDeadOf, q.Volume, q.GetAfter(), limit+1)
	if err != nil {
		return nil, err
	}
	a := &metapb.Answer{Blocks: mergeBlocks(live, dead)}
	if len(a.Blocks) > limit {
		a.Blocks, a.More = a.Blocks[:limit], true
	}
	return a, nil
}

// blockPage reads rows (volume, local) -> (…, length) of the table behind after.
func (v view) blockPage(table byte, volume, after uint64, limit int) ([]*metapb.BlockRef, error) {
	if after == math.MaxUint64 {
		return nil, nil
	}
	var refs []*metapb.BlockRef
	lower, upper := key1(table, volume, after+1), prefixEnd(key1(table, volume))
	err := scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		if len(val) != 12 {
			return false, fault{fmt.Errorf("row %q: %d bytes, want 12", key, len(val))}
		}
		refs = append(refs, &metapb.BlockRef{Volume: volume, Local: keyID(key, 1), Length: binary.BigEndian.Uint32(val[8:])})
		return len(refs) < limit, nil
	})
	return refs, err
}

// mergeBlocks merges two lists in order of local id; they have none in common.
func mergeBlocks(a, b []*metapb.BlockRef) []*metapb.BlockRef {
	if len(b) == 0 {
		return a
	}
	out := make([]*metapb.BlockRef, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Local < b[0].Local {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
