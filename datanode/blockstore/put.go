package blockstore

import (
	"context"
	"errors"
	"hash/crc32"
	"slices"

	"kendfs/metadata"
)

// putRetries bounds how often a put starts over because its block changed.
const putRetries = 8

// Put stores a block; it is durable when Put returns nil. sums are the CRC32C
// of its chunks and are checked against the data first. data must not change
// until Put returns, and is not kept.
//
// A block that is here already with the same data is no error, and one whose
// stored copy turns out damaged is replaced. KindCorrupt: data and sums
// disagree. KindStale: the id is below the volume's fence. KindConflict: the id
// holds other data. KindNoSpace: the disk is full. KindUnavailable: the disk
// has failed. KindBusy: too many changes of this block at once.
//
// ctx ends only the wait for a place in the queue.
func (s *Store) Put(ctx context.Context, id metadata.BlockID, data []byte, sums []uint32) error {
	return s.put(ctx, id, [][]byte{data}, sums, true)
}

// PutPieces is Put of data in pieces of any size, which are written without
// being copied together.
func (s *Store) PutPieces(ctx context.Context, id metadata.BlockID, data [][]byte, sums []uint32) error {
	return s.put(ctx, id, data, sums, true)
}

// Restore is PutPieces for a block that the nameserver lists: repair and
// reconciliation bring it back below the fence, too.
func (s *Store) Restore(ctx context.Context, id metadata.BlockID, data [][]byte, sums []uint32) error {
	return s.put(ctx, id, data, sums, false)
}

// newBlock is a block on its way to the disk.
type newBlock struct {
	key    key
	data   [][]byte
	sums   []uint32
	length uint32
	fenced bool
}

func (s *Store) put(ctx context.Context, id metadata.BlockID, data [][]byte, sums []uint32, fenced bool) error {
	b, err := checkPut(id, data, sums)
	if err != nil {
		return err
	}
	b.fenced = fenced
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	var large *blockFile // written and renamed, but not in the log yet
	for attempt := range putRetries {
		var done bool
		done, err = s.tryPut(ctx, b, &large, attempt == 0)
		if !errors.Is(err, errRetry) {
			if large != nil && (done || err != nil) && s.Failed() == nil {
				_ = s.removeFile(*large) // not needed; else the next compaction removes it
			}
			if err == nil && !done {
				s.stats.puts.Add(1)
				s.stats.putBytes.Add(int64(b.length))
			}
			return err
		}
	}
	if large != nil {
		_ = s.removeFile(*large) // not needed; else the next compaction removes it
	}
	return metadata.Errorf(metadata.KindBusy, "block %v is being changed by others", id)
}

// checkPut verifies the arguments of a put.
func checkPut(id metadata.BlockID, data [][]byte, sums []uint32) (newBlock, error) {
	total := 0
	for _, p := range data {
		total += len(p)
	}
	if id.Volume == 0 || id.Local == 0 {
		return newBlock{}, metadata.Errorf(metadata.KindInvalid, "block %v: volume and local id start at 1", id)
	}
	if total == 0 || total > metadata.BlockBytesMax {
		return newBlock{}, metadata.Errorf(metadata.KindInvalid, "block %v: length %d is not in 1..%d", id, total, metadata.BlockBytesMax)
	}
	if got := Checksums(data...); !slices.Equal(got, sums) {
		return newBlock{}, metadata.Errorf(metadata.KindCorrupt, "block %v: data does not match its checksums", id)
	}
	return newBlock{key: keyOf(id), data: data, sums: sums, length: uint32(total)}, nil
}

// tryPut is one attempt. done: the block was here already. The first attempt
// believes that a small block is new, as nearly all are: the append loop knows.
func (s *Store) tryPut(ctx context.Context, b newBlock, large **blockFile, first bool) (done bool, err error) {
	if err := s.writable(); err != nil {
		return false, err
	}
	if err := s.full(); err != nil {
		return false, err
	}
	if err := checkFence(b, s.state.volume(b.key.volume)); err != nil {
		return false, err
	}
	small := int64(b.length) <= s.cfg.LargeBytes
	var seen row
	if !first || !small {
		if seen, err = s.lookup(b.key); err != nil {
			return false, err
		}
	}
	if seen.live() {
		if done, err := s.same(b, seen); done || err != nil {
			return done, err
		}
	}
	if small {
		if err := s.space.take(int64(b.length)); err != nil {
			return false, err
		}
		h := header{kind: recordBlock, key: b.key, length: b.length}
		return false, s.submit(ctx, s.putOp(b, seen, h, recordSize(recordBlock, b.length)))
	}
	if *large == nil {
		if err := s.space.take(int64(b.length)); err != nil {
			return false, err
		}
		f, err := s.writeBlockFile(ctx, b)
		if err != nil {
			return false, err
		}
		*large = &f
	}
	h := header{kind: recordFile, key: b.key, length: b.length, aux: (*large).gen}
	if err := s.submit(ctx, s.putOp(b, seen, h, recordHeaderBytes)); err != nil {
		return false, err
	}
	*large = nil
	return false, nil
}

// putOp adds the record if the block is still as the caller saw it.
func (s *Store) putOp(b newBlock, seen row, h header, bytes int64) *op {
	return &op{bytes: bytes, stage: func(t *txn, g *group) error {
		if err := checkFence(b, t.volume(b.key.volume)); err != nil {
			return err
		}
		now, err := t.row(b.key)
		if err != nil {
			return err
		}
		if now != seen {
			return errRetry
		}
		if h.kind == recordFile {
			return g.add(h, nil, nil)
		}
		return g.add(h, b.sums, b.data)
	}}
}

// checkFence refuses a late put.
func checkFence(b newBlock, c counters) error {
	if b.fenced && b.key.local < c.fence {
		return metadata.Errorf(metadata.KindStale, "block %v: volume %v is fenced at %d", b.key.id(), b.key.volume, c.fence)
	}
	return nil
}

// same reports whether the stored block has that data and is intact. A stored
// block that is damaged is not the same, and is to be replaced.
func (s *Store) same(b newBlock, seen row) (bool, error) {
	if seen.length != b.length {
		return false, metadata.Errorf(metadata.KindConflict, "block %v is here with %d bytes, not %d", b.key.id(), seen.length, b.length)
	}
	old, err := s.open(b.key, seen)
	if errors.Is(err, errMoved) {
		now, err := s.lookup(b.key)
		if err == nil && now != seen {
			err = errRetry
		}
		return false, err // nil: its pack or file is lost
	}
	if metadata.KindOf(orInternal(err)) == metadata.KindCorrupt {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer old.Close()
	if !slices.Equal(old.sums, b.sums) {
		return false, metadata.Errorf(metadata.KindConflict, "block %v is here with other data", b.key.id())
	}
	if err := old.check(make([]byte, min(int(b.length), verifyBufferBytes))); err != nil {
		s.log.Warn("damaged block is replaced", "block", b.key.id().String(), "err", err)
		return false, nil
	}
	return true, nil
}

// orInternal keeps KindOf away from nil.
func orInternal(err error) error {
	if err == nil {
		return &metadata.Error{Kind: metadata.KindInternal}
	}
	return err
}

// checkChunks compares data, which starts at a chunk, with checksums.
func checkChunks(data []byte, sums []uint32) bool {
	for i := 0; len(data) > 0; i++ {
		n := min(len(data), metadata.ChunkBytes)
		if crc32.Checksum(data[:n], crcTable()) != sums[i] {
			return false
		}
		data = data[n:]
	}
	return true
}
