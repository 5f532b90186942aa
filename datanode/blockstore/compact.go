package blockstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"kendfs/metadata"
)

const (
	copyBytes   = 1 << 20 // what compaction copies in one operation
	forgetKeys  = 256     // graves removed in one operation
	bytesPerRun = 4 << 30 // what one background pass copies at most
)

// compactLoop is the background pass.
func (s *Store) compactLoop() {
	defer s.upkeep.Done()
	if s.cfg.CompactionInterval < 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-stopped }()
	tick := time.NewTicker(s.cfg.CompactionInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		err := s.compact(ctx, &pacer{rate: s.cfg.CompactionBytesPerSecond, begun: time.Now()})
		if err != nil && ctx.Err() == nil && s.Failed() == nil {
			s.log.Warn("compaction stopped", "err", err)
		}
	}
}

// pacer bounds what a pass copies: in all, and by the second.
type pacer struct {
	rate  int64
	begun time.Time
	done  int64
}

// wait sleeps until n more bytes are due. It reports false when the pass has
// copied enough.
func (p *pacer) wait(ctx context.Context, n int64) (bool, error) {
	if p == nil {
		return true, ctx.Err()
	}
	p.done += n
	if p.rate > 0 {
		due := p.begun.Add(time.Duration(float64(p.done) / float64(p.rate) * float64(time.Second)))
		t := time.NewTimer(time.Until(due))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-t.C:
		}
	}
	return p.done < bytesPerRun, ctx.Err()
}

// Compact rewrites the packs whose dead part is over the threshold, the deadest
// first, and removes what deleted large blocks left. It runs in the background,
// too; a pass of either waits for the other.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.compact(ctx, nil)
}

func (s *Store) compact(ctx context.Context, p *pacer) error {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	s.clearLitter()
	if err := s.buryFiles(ctx); err != nil {
		return err
	}
	for _, n := range s.candidates() {
		select {
		case <-s.stop:
			return nil
		default:
		}
		info, _ := s.state.pack(n)
		if more, err := p.wait(ctx, info.live); err != nil || !more {
			return err
		}
		if err := s.compactPack(ctx, n); err != nil {
			return fmt.Errorf("compact pack %d: %w", n, diskError("rewrite", err))
		}
	}
	return nil
}

// candidates returns the packs worth rewriting, the deadest first.
func (s *Store) candidates() []uint32 {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	var out []uint32
	dead := map[uint32]float64{}
	for n, p := range s.state.packs {
		size := float64(max(p.end-packHeaderBytes, 1))
		if left, tried := s.stuck[n]; tried && left == p.live {
			continue
		}
		if d := 1 - float64(p.live)/size; p.sealed && d > s.cfg.CompactionThreshold {
			dead[n] = d
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b uint32) int {
		if dead[a] != dead[b] {
			if dead[a] > dead[b] {
				return -1
			}
			return 1
		}
		return int(a) - int(b)
	})
	return out
}

// moved is one record on its way to the active pack.
type moved struct {
	rec  scanned
	sums []uint32
	data []byte
}

// compactPack copies what is needed of a pack, then removes it. Order matters:
// the copies are synced by the append loop, then the index is flushed, then the
// pack is unlinked, then the index forgets it.
func (s *Store) compactPack(ctx context.Context, n uint32) error {
	f, err := s.fs.Open(packPath(s.fs, s.dir, n))
	if err != nil {
		return err
	}
	defer f.Close()
	info, _ := s.state.pack(n)
	sc := &scanner{f: f, pack: n, secret: s.secret, size: info.end, sealed: true}
	var batch []moved
	var bytes, left int64
	kept := false // a record that is needed cannot be copied
	flush := func() error {
		n, err := s.move(ctx, batch, sc.pack)
		batch, bytes, left = nil, 0, left+n
		return err
	}
	res, err := sc.walk(ctx, packHeaderBytes, func(rec scanned) error {
		r, err := s.index.lookup(rec.key)
		if err != nil || r.pack != n || r.off != rec.off {
			return err
		}
		m := moved{rec: rec}
		if rec.kind == recordBlock {
			b, err := sc.bytes(rec.off, int(rec.size))
			if err != nil || len(b) < int(rec.size) {
				return errors.Join(err, errShortPack)
			}
			k := recordHeaderBytes + 4*chunkCount(rec.length)
			m.sums, m.data = decodeSums(b[recordHeaderBytes:k]), slices.Clone(b[k:][:rec.length])
			if !checkChunks(m.data, m.sums) {
				kept = true
				return nil // stays, and the pack with it, until it is repaired or deleted (BS-14)
			}
		}
		batch = append(batch, m)
		if bytes += recordSize(rec.kind, rec.length); bytes < copyBytes && len(batch) < forgetKeys {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	damaged := len(res.damages) > 0
	switch {
	case errors.Is(err, errShortPack):
		kept = true
	case err != nil:
		return err
	case damaged && !kept:
		if kept, err = s.holds(n); err != nil {
			return err
		}
	}
	// The sum alone proves nothing: a tombstone that was left, and replaced since,
	// makes up for a damaged record. It is a net below the two.
	if info, _ := s.state.pack(n); kept || info.live > left {
		s.stuck[n] = info.live
		s.log.Error("pack is kept although mostly dead: some of its records are damaged", "pack", n, "bytes", info.live)
		return nil
	}
	delete(s.stuck, n)
	return s.unlinkPack(ctx, n, sc, damaged)
}

// holds reports whether the newest record of any key is in pack n, but for
// tombstones that go with it. It asks the whole index, for records of the pack
// that cannot be read any more are found nowhere else.
func (s *Store) holds(n uint32) (found bool, err error) {
	t := newTxn(s.state)
	err = s.index.scanTable(rowsBlock, func(b, v []byte) (bool, error) {
		k, ok := parseKey(b)
		r, err := decodeRow(v)
		if err != nil || !ok || r.pack != n {
			return true, err
		}
		found = true
		if r.kind == recordTombstone {
			found, err = t.needed(k, n)
		}
		return !found, err
	})
	return found, err
}

// errShortPack tells that a pack ends before its last record does.
var errShortPack = errors.New("pack is shorter than its log")

// move appends records again, if they are still the newest of their keys. It
// returns the bytes of tombstones that guard only this pack and go with it.
func (s *Store) move(ctx context.Context, batch []moved, from uint32) (left int64, err error) {
	if len(batch) == 0 {
		return 0, nil
	}
	o := &op{small: true}
	for _, m := range batch {
		o.small = o.small && m.rec.kind != recordBlock
		o.bytes += recordSize(m.rec.kind, m.rec.length)
	}
	copied := int64(0)
	o.stage = func(t *txn, g *group) error {
		left, copied = 0, 0
		for _, m := range batch {
			r, err := t.row(m.rec.key)
			if err != nil {
				return err
			}
			if r.pack != from || r.off != m.rec.off {
				continue
			}
			if r.kind == recordTombstone {
				keep, err := t.needed(m.rec.key, from)
				if err != nil {
					return err
				}
				if !keep {
					left += r.size()
					continue
				}
			}
			h := header{kind: m.rec.kind, key: m.rec.key, length: m.rec.length, aux: m.rec.aux}
			var data [][]byte
			if h.kind == recordBlock {
				data = [][]byte{m.data}
			}
			if err := g.add(h, m.sums, data); err != nil {
				return err
			}
			copied += r.size()
		}
		return nil
	}
	if err := s.submit(ctx, o); err != nil {
		return 0, err
	}
	s.stats.copied.Add(copied)
	return left, nil
}

// unlinkPack removes an emptied pack.
func (s *Store) unlinkPack(ctx context.Context, n uint32, sc *scanner, damaged bool) error {
	if err := s.flushIndex(ctx); err != nil {
		return err
	}
	dir, err := s.fs.OpenDir(s.fs.PathJoin(s.dir, packsName))
	if err != nil {
		return diskError("unlink a pack", err)
	}
	defer func() { _ = dir.Close() }() // its sync counts
	s.files.drop(fileKey{pack: n})
	if err := s.fs.Remove(packPath(s.fs, s.dir, n)); err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		s.fail(syncError{err})
		return s.Failed()
	}
	s.stats.compacted.Add(1)
	var graves []grave
	forget := func() error {
		err := s.submit(ctx, &op{small: true, stage: func(t *txn, _ *group) error {
			for _, g := range graves {
				if err := t.forget(g); err != nil {
					return err
				}
			}
			return nil
		}})
		graves = nil
		return err
	}
	if damaged {
		if err := s.allGraves(n, func(g grave) { graves = append(graves, g) }); err != nil {
			return err
		}
	} else {
		_, err := sc.walk(ctx, packHeaderBytes, func(rec scanned) error {
			if graves = append(graves, grave{rec.key, n}); len(graves) < forgetKeys {
				return nil
			}
			return forget()
		})
		if err != nil {
			return err
		}
	}
	if err := forget(); err != nil {
		return err
	}
	return s.submit(ctx, &op{small: true, stage: func(t *txn, _ *group) error { return t.dropPack(n) }})
}

// allGraves finds the graves of a pack whose records cannot all be read.
func (s *Store) allGraves(n uint32, fn func(grave)) error {
	return s.index.scanTable(rowsGrave, func(b, _ []byte) (bool, error) {
		if k, ok := parseKey(b); ok && len(b) == 21 && binary.BigEndian.Uint32(b[17:]) == n {
			fn(grave{k, n})
		}
		return true, nil
	})
}

// buryFiles removes the files of deleted large blocks, durably, and then their
// graves and tombstones.
func (s *Store) buryFiles(ctx context.Context) error {
	var files []blockFile
	err := s.index.scanTable(rowsFileGrave, func(b, _ []byte) (bool, error) {
		if k, ok := parseKey(b); ok && len(b) == 25 {
			files = append(files, blockFile{k, binary.BigEndian.Uint64(b[17:])})
		}
		return len(files) < metadata.OrderBlocksMax, nil
	})
	if err != nil || len(files) == 0 {
		return err
	}
	for _, f := range files {
		if err := s.removeFile(f); err != nil {
			return err
		}
	}
	if err := s.syncRemoved(); err != nil {
		if passes(err) {
			return diskError("sync removals", err)
		}
		s.fail(err)
		return s.Failed()
	}
	for part := range slices.Chunk(files, forgetKeys) {
		err := s.submit(ctx, &op{small: true, stage: func(t *txn, _ *group) error {
			for _, f := range part {
				if err := t.forgetFile(f); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
