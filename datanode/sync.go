package datanode

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Bounds of a sync.
const (
	fetchesMax  = 4               // blocks of one order fetched at a time
	localPage   = 4096            // local blocks compared at a time
	fetchStall  = 5 * time.Second // without a byte, before another source is tried
	fetchRounds = 2               // over all sources
	accuseWait  = 5 * time.Second // for a source to read a block again
)

// sync makes the disk's copy of the order's volume equal to the committed
// blocks. It compares page by page, so it needs little memory for any volume,
// and what it has fetched stays: after an interruption only the rest is missing.
func (s *Server) sync(ctx context.Context, store Store, j *job) (fetched, deleted int64, err error) {
	order := j.order
	// The fence comes first: nothing may be added behind the comparison's back.
	if err := store.SetFence(ctx, order.Volume, order.Fence); err != nil {
		return 0, 0, err
	}
	for after := metadata.LocalID(0); ; {
		want, more, err := s.cfg.Fleet.VolumeBlocks(ctx, order.Volume, after)
		if err != nil {
			return fetched, deleted, err
		}
		if more && len(want) == 0 {
			return fetched, deleted, metadata.Errorf(metadata.KindInternal, "an empty page of blocks of %v", order.Volume)
		}
		last := ^metadata.LocalID(0)
		if more {
			last = want[len(want)-1].ID.Local
		}
		missing, surplus, err := s.compare(store, order, want, after, last)
		if err != nil {
			return fetched, deleted, err
		}
		n, err := s.fetchAll(ctx, store, j, missing)
		fetched += n
		if err != nil {
			return fetched, deleted, err
		}
		for len(surplus) > 0 {
			page := surplus[:min(len(surplus), metadata.OrderBlocksMax)]
			surplus = surplus[len(page):]
			if err := s.remove(ctx, store, order.Volume, page); err != nil {
				return fetched, deleted, err
			}
			deleted += int64(len(page))
		}
		if !more {
			return fetched, deleted, nil
		}
		after = last
	}
}

// compare walks the committed blocks (want) and those on the disk with ids in
// (after, last], both in order of id. Missing are those that are not here, that
// are damaged or have another length; surplus those below the fence that
// nobody has committed.
func (s *Server) compare(store Store, order metadata.Order, want []metadata.BlockRef, after, last metadata.LocalID) (
	missing []metadata.BlockRef, surplus []metadata.LocalID, err error) {
	i := 0
	for done := false; !done; {
		have, err := store.List(order.Volume, after, localPage)
		if err != nil {
			return nil, nil, err
		}
		done = len(have) < localPage
		for _, h := range have {
			if after = h.ID.Local; after > last {
				done = true
				break
			}
			for i < len(want) && want[i].ID.Local < after {
				missing = append(missing, want[i])
				i++
			}
			if i < len(want) && want[i].ID.Local == after {
				if want[i].Length != h.Length || s.damaged.has(order.Disk, h.ID) {
					missing = append(missing, want[i])
				}
				i++
			} else if after < order.Fence {
				surplus = append(surplus, after)
			}
		}
	}
	return append(missing, want[i:]...), surplus, nil
}

// fetchAll fetches blocks from the order's sources, a few at a time, and
// returns the bytes that were stored and the first error.
func (s *Server) fetchAll(ctx context.Context, store Store, j *job, missing []metadata.BlockRef) (int64, error) {
	var total int64
	for _, ref := range missing {
		total += int64(ref.Length)
	}
	s.orders.advance(j, total, 0)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var stored int64 // guarded by mu
	slots := make(chan struct{}, fetchesMax)
	for _, ref := range missing {
		if s.repair.wait(ctx, int64(ref.Length)) != nil {
			break // canceled: by a failed fetch or from outside
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := s.fetch(ctx, store, j.order, ref); err != nil {
				cancel(err)
				return
			}
			s.orders.advance(j, 0, int64(ref.Length))
			mu.Lock()
			defer mu.Unlock()
			stored += int64(ref.Length)
		})
		if ctx.Err() != nil {
			break
		}
	}
	wg.Wait()
	if ctx.Err() != nil {
		return stored, context.Cause(ctx)
	}
	return stored, nil
}

// fetch brings one block from whichever source has it sound.
func (s *Server) fetch(ctx context.Context, store Store, order metadata.Order, ref metadata.BlockRef) error {
	last := error(metadata.Errorf(metadata.KindUnavailable, "no source for %v", ref.ID))
	for range fetchRounds {
		for _, i := range rand.Perm(len(order.Sources)) {
			src := order.Sources[i]
			if src.Disk == order.Disk {
				continue
			}
			err := s.fetchFrom(ctx, store, src, ref)
			if err == nil {
				return nil
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			last = err
		}
	}
	return last
}

// fetchFrom copies a block from one source, comparing it with its checksums
// before it is stored.
func (s *Server) fetchFrom(ctx context.Context, store Store, src metadata.Located, ref metadata.BlockRef) error {
	target, err := s.target(src.Node, src.Addr)
	if err != nil {
		return err
	}
	buf, err := s.copies.Get(ctx, int(ref.Length))
	if err != nil {
		return err
	}
	defer s.copies.Put(buf)
	in, err := target.Get(ctx, blockio.GetRequest{Block: ref.ID, Disk: src.Disk, Stall: fetchStall})
	if err != nil {
		return err
	}
	defer in.Close()
	if in.BlockLength() != int64(ref.Length) {
		return metadata.Errorf(metadata.KindCorrupt, "%v has %d bytes of %v, want %d", src.Node, in.BlockLength(), ref.ID, ref.Length)
	}
	data, sums := buf.Data[:ref.Length], buf.Sums[:(int(ref.Length)+metadata.ChunkBytes-1)/metadata.ChunkBytes]
	if err := blockio.Fill(in, data, sums); err != nil {
		return err
	}
	if _, err := blockio.Verify(data, sums); err != nil {
		s.accuse(ctx, target, src, ref.ID)
		return metadata.Errorf(metadata.KindCorrupt, "%v from %v: %w", ref.ID, src.Node, err)
	}
	err = store.Restore(ctx, ref.ID, [][]byte{data}, sums)
	if err != nil && metadata.KindOf(err) == metadata.KindConflict {
		// What is here has another length than was committed, and so is not it.
		if err := store.Delete(ctx, ref.ID.Volume, []metadata.LocalID{ref.ID.Local}); err != nil {
			return err
		}
		err = store.Restore(ctx, ref.ID, [][]byte{data}, sums)
	}
	if err != nil {
		return err
	}
	s.mended(store.Disk(), ref.ID)
	return nil
}

// accuse asks a source that sent wrong bytes to read the block again. If it is
// its disk, and not the way here, the source leaves the block out of its digests,
// and the leader has it mended: a sync may be the first to read it in years.
func (s *Server) accuse(ctx context.Context, source blockio.Target, src metadata.Located, id metadata.BlockID) {
	t, ok := source.(blockio.Checker)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, accuseWait)
	defer cancel()
	intact, err := t.Check(ctx, src.Disk, id)
	s.cfg.Logger.Warn("a source sent wrong bytes and was asked to read the block again", "block", id.String(),
		"node", uint64(src.Node), "disk", src.Disk.String(), "intact", intact, "err", err)
}
