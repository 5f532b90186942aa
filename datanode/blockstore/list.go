package blockstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"kendfs/metadata"
)

// ListMax bounds one page of List and of Digests.
const ListMax = metadata.VolumeBlocksMax

// List returns up to limit (at most ListMax; 0 is ListMax) blocks of a volume
// in order of local id, starting behind after. The page is one consistent state.
func (s *Store) List(v metadata.VolumeID, after metadata.LocalID, limit int) ([]metadata.BlockRef, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.list(v, after, limit)
}

func (s *Store) list(v metadata.VolumeID, after metadata.LocalID, limit int) ([]metadata.BlockRef, error) {
	if limit <= 0 || limit > ListMax {
		limit = ListMax
	}
	if v == 0 || after == math.MaxUint64 {
		return nil, nil
	}
	var refs []metadata.BlockRef
	lower := appendKey(nil, rowsBlock, key{v, after + 1})
	upper := append(appendKey(nil, rowsBlock, key{v, math.MaxUint64}), 0)
	err := s.index.scan(lower, upper, func(b, val []byte) (bool, error) {
		k, ok := parseKey(b)
		r, err := decodeRow(val)
		if err != nil || !ok {
			return false, errors.Join(err, errIndex)
		}
		if r.live() {
			refs = append(refs, metadata.BlockRef{ID: k.id(), Length: r.length})
		}
		return len(refs) < limit, nil
	})
	return refs, s.indexError("list volume "+v.String(), err)
}

// Digests sums up volumes in order of their ids, starting behind after; at most
// limit (0 or more than ListMax: ListMax). A volume is known as long as it has
// a block or a fence.
func (s *Store) Digests(after metadata.VolumeID, limit int) ([]metadata.VolumeDigest, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	if limit <= 0 || limit > ListMax {
		limit = ListMax
	}
	if after == math.MaxUint64 {
		return nil, nil
	}
	var out []metadata.VolumeDigest
	err := s.index.scan(volumeKey(after+1), []byte{rowsVolume + 1}, func(k, v []byte) (bool, error) {
		c, err := decodeCounters(v)
		if err != nil || len(k) != 9 {
			return false, fmt.Errorf("volume row: %w", errIndex)
		}
		out = append(out, metadata.VolumeDigest{
			Disk: s.id.disk, Volume: metadata.VolumeID(binary.BigEndian.Uint64(k[1:])),
			Blocks: c.blocks, Bytes: c.bytes, Digest: c.digest,
		})
		return len(out) < limit, nil
	})
	return out, s.indexError("list digests", err)
}

// Volumes returns how many volumes the disk knows.
func (s *Store) Volumes() int {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return len(s.state.volumes)
}

// Verified is what Verify found.
type Verified struct {
	Blocks, Bytes int64
	// Corrupt lists blocks that cannot be read or do not match their checksums,
	// at most metadata.OrderBlocksMax of them.
	Corrupt []metadata.LocalID
}

// Verify reads every block of a volume and checks it. pace, if not nil, is
// called with the bytes read since its last call and may wait, to bound the
// load; its error ends Verify. Damaged blocks are no error of Verify; what it
// found so far is returned with any error.
func (s *Store) Verify(ctx context.Context, v metadata.VolumeID, pace func(ctx context.Context, n int64) error) (Verified, error) {
	var out Verified
	buf := make([]byte, verifyBufferBytes)
	for after := metadata.LocalID(0); ; {
		refs, err := s.List(v, after, ListMax)
		if err != nil || len(refs) == 0 {
			return out, err
		}
		for _, ref := range refs {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			if err := s.verify(ref, &out, buf); err != nil {
				return out, err
			}
			if pace != nil {
				if err := pace(ctx, int64(ref.Length)); err != nil {
					return out, err
				}
			}
		}
		after = refs[len(refs)-1].ID.Local
	}
}

// verify checks one block.
func (s *Store) verify(ref metadata.BlockRef, out *Verified, buf []byte) error {
	b, err := s.OpenBlock(ref.ID)
	if err == nil {
		err = b.check(buf)
		if s.direct && b.len >= verifyBufferBytes {
			dropCache(b.file.f, b.off, int64(b.len))
		}
		b.Close()
	}
	if err != nil && metadata.KindOf(err) == metadata.KindNotFound {
		return nil // deleted meanwhile
	}
	if err != nil && metadata.KindOf(err) != metadata.KindCorrupt {
		return err
	}
	out.Blocks++
	out.Bytes += int64(ref.Length)
	if err != nil {
		s.log.Warn("scrub found a damaged block", "block", ref.ID.String(), "err", err)
		if len(out.Corrupt) < metadata.OrderBlocksMax {
			out.Corrupt = append(out.Corrupt, ref.ID.Local)
		}
	}
	return nil
}
