package blockstore

import (
	"context"
	"errors"
	"slices"

	"kendfs/metadata"
)

// recoverChunk is how many records recovery puts into one write to the index.
const recoverChunk = 512

// recovery is the state of one Open.
type recovery struct {
	s       *Store
	packs   []uint32         // on disk, in order
	seals   map[uint32]int64 // found by reading all packs; nil before that was needed
	dirty   bool             // the last pack has a torn tail, or must not be appended to
	scanned bool             // records were read that may not be synced yet
	rescued []moved          // records behind the torn tail of from, to be appended again
	from    uint32           // the pack of rescued
}

// recover brings index and packs together and returns the block files that the
// damaged log does not know, to be adopted.
func (s *Store) recover() ([]blockFile, error) {
	unclean, err := exists(s.fs, s.fs.PathJoin(s.dir, dirtyName))
	if err != nil {
		return nil, err
	}
	broken, err := exists(s.fs, s.fs.PathJoin(s.dir, brokenName))
	if err != nil {
		return nil, err
	}
	if err := s.markOpen(); err != nil {
		return nil, err
	}
	rebuilt := broken
	if !broken {
		err = s.recoverIndex()
		rebuilt = errors.Is(err, errIndex) || s.indexBad.Load()
	}
	if f := s.Failed(); f != nil && !errors.Is(f, errIndex) {
		return nil, f // a failed write is not tried again
	}
	if rebuilt {
		s.log.Warn("index is rebuilt from the packs", "reason", err)
		if err = s.dropIndex(); err == nil {
			err = s.recoverIndex()
		}
		if err == nil && broken {
			err = s.fs.Remove(s.fs.PathJoin(s.dir, brokenName))
		}
	}
	if err != nil {
		return nil, err
	}
	s.indexBad.Store(false)
	if f := s.Failed(); f != nil {
		return nil, f
	}
	if !unclean && !rebuilt && !s.index.fresh {
		return nil, nil
	}
	return s.sweep()
}

// markOpen leaves the mark that only a clean Close takes away.
func (s *Store) markOpen() error {
	if err := writeFile(s.fs, s.fs.PathJoin(s.dir, dirtyName), nil); err != nil {
		return err
	}
	return syncDir(s.fs, s.dir)
}

// dropIndex removes the index, which recoverIndex then makes anew.
func (s *Store) dropIndex() error {
	if s.active != nil {
		_ = s.active.f.Close() // nothing was appended yet
		s.active = nil
	}
	if s.index != nil {
		_ = s.index.close() // it is thrown away
		s.index = nil
	}
	if s.failure.Swap(nil) != nil { // a damaged index is no reason once it is gone
		s.failed = make(chan struct{})
	}
	return s.fs.RemoveAll(s.fs.PathJoin(s.dir, indexName))
}

// recoverIndex opens the index, reads what the packs hold beyond it, and opens
// the pack to append to.
func (s *Store) recoverIndex() (err error) {
	s.index, err = openIndex(s.fs, s.fs.PathJoin(s.dir, indexName), s.id.disk, s.indexEvents())
	if err != nil {
		return err
	}
	if s.state, err = loadState(s.index); err != nil {
		return err
	}
	r := &recovery{s: s}
	if r.packs, err = s.listPacks(); err != nil {
		return err
	}
	for i := range r.packs {
		if err := r.pack(i); err != nil {
			return err
		}
	}
	if err := r.dropMissing(); err != nil {
		return err
	}
	return r.openActive()
}

// listPacks returns the packs on disk in order.
func (s *Store) listPacks() ([]uint32, error) {
	names, err := s.fs.List(s.fs.PathJoin(s.dir, packsName))
	if err != nil {
		return nil, err
	}
	var packs []uint32
	for _, name := range names {
		if n, ok := parsePackName(name); ok {
			packs = append(packs, n)
		} else {
			s.log.Warn("file among the packs is ignored", "file", name)
		}
	}
	slices.Sort(packs)
	return packs, nil
}

// pack reads what pack i holds beyond the index.
func (r *recovery) pack(i int) error {
	n, last := r.packs[i], i == len(r.packs)-1
	info, known := r.s.state.pack(n)
	if known && info.sealed {
		r.dirty = last
		return nil
	}
	f, err := r.s.fs.Open(packPath(r.s.fs, r.s.dir, n))
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	sc := &scanner{f: f, pack: n, secret: r.s.secret, size: stat.Size(), verify: true}
	head, err := sc.bytes(0, packHeaderBytes)
	if err != nil {
		return err
	}
	headErr := checkPackHeader(head, r.s.id.disk, n)
	if headErr != nil && metadata.KindOf(headErr) == metadata.KindUnsupported {
		return headErr
	}
	if !last {
		end, ok, err := r.seal(i)
		if err != nil {
			return err
		}
		if ok {
			sc.size, sc.sealed, sc.verify = end, true, false
		}
	}
	return r.scan(sc, max(info.end, packHeaderBytes), i, headErr)
}

// scan applies a pack's records from an offset on.
func (r *recovery) scan(sc *scanner, from int64, i int, headErr error) error {
	last := i == len(r.packs)-1
	t, n, end := newTxn(r.s.state), 0, from
	// Whether anything may have been acknowledged here: not if there is only
	// the group that the pack is made with, which begins with a seal.
	used, made := i == 0 && headErr == nil, i > 0
	res, err := sc.walk(context.Background(), from, func(rec scanned) error {
		if rec.corrupt {
			if now, err := t.row(rec.key); err != nil || now.pack > sc.pack || now.pack == sc.pack && now.off >= rec.off {
				return err
			}
		}
		if err := t.apply(rec.header, sc.pack, rec.off); err != nil {
			return err
		}
		n, end = n+1, rec.off+int64(rec.size)
		made = made || rec.kind == recordSeal && rec.off == packHeaderBytes
		used = used || !made || rec.batch > packHeaderBytes || headErr == nil
		if n%recoverChunk != 0 {
			return nil
		}
		t.setEnd(sc.pack, end, false)
		err := t.commit()
		t = newTxn(r.s.state)
		return err
	})
	if err != nil {
		return err
	}
	r.scanned = r.scanned || n > 0
	if err := r.rescue(sc, res.rescued); err != nil {
		return err
	}
	if last && from == packHeaderBytes && !used {
		return r.unborn(sc.pack)
	}
	if sc.size < from && from > packHeaderBytes {
		res.damages = append(res.damages, region{sc.size, from - sc.size}) // cut off, though indexed
	}
	if headErr != nil {
		res.damages = append(res.damages, region{0, packHeaderBytes})
	}
	for _, d := range res.damages {
		t.damages[damage{sc.pack, d.off}] = d.n
		r.s.log.Error("part of a pack is damaged: its blocks must be repaired from other replicas",
			"pack", sc.pack, "offset", d.off, "bytes", d.n)
	}
	r.s.stats.damages.Add(int64(len(res.damages)))
	t.setEnd(sc.pack, res.end, !last)
	r.dirty = last && (res.dirty || len(res.damages) > 0)
	return t.commit()
}

// rescue reads the records behind a torn tail, to be appended to the next pack.
func (r *recovery) rescue(sc *scanner, recs []scanned) error {
	r.rescued, r.from = nil, sc.pack
	for _, rec := range recs {
		m := moved{rec: rec}
		if rec.kind == recordBlock {
			b, err := sc.bytes(rec.off, int(rec.size))
			if err != nil {
				return err
			}
			k := recordHeaderBytes + 4*chunkCount(rec.length)
			m.sums, m.data = decodeSums(b[recordHeaderBytes:k]), slices.Clone(b[k:][:rec.length])
		}
		r.rescued = append(r.rescued, m)
	}
	return nil
}

// unborn removes the last pack when the page and the record that it is made
// with are not both there: its making was cut off, nothing was acknowledged in it.
func (r *recovery) unborn(n uint32) error {
	if err := r.s.fs.Remove(packPath(r.s.fs, r.s.dir, n)); err != nil {
		return err
	}
	r.packs = r.packs[:len(r.packs)-1]
	r.dirty = len(r.packs) > 0 // the pack before it may be sealed already, or have a torn tail
	t := newTxn(r.s.state)
	if err := t.dropPack(n); err != nil {
		return err
	}
	return t.commit()
}

// seal returns where the log of pack i ends, if a later pack says so.
func (r *recovery) seal(i int) (int64, bool, error) {
	n := r.packs[i]
	row, err := r.s.index.lookup(key{0, metadata.LocalID(n)})
	if err != nil {
		return 0, false, err
	}
	if row.kind == recordSeal {
		return int64(row.aux), true, nil
	}
	if r.seals == nil {
		if end, ok, err := r.firstSeal(r.packs[i+1], n); ok || err != nil {
			return end, ok, err
		}
		if err := r.allSeals(); err != nil {
			return 0, false, err
		}
	}
	end, ok := r.seals[n]
	return end, ok, nil
}

// firstSeal looks where the seal of the pack before is at first.
func (r *recovery) firstSeal(in, of uint32) (int64, bool, error) {
	f, err := r.s.fs.Open(packPath(r.s.fs, r.s.dir, in))
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	sc := &scanner{f: f, pack: in, secret: r.s.secret, size: stat.Size()}
	rec, ok, err := sc.read(packHeaderBytes)
	ok = ok && rec.kind == recordSeal && rec.key.local == metadata.LocalID(of)
	return int64(rec.aux), ok, err
}

// allSeals reads the headers of all packs.
func (r *recovery) allSeals() error {
	r.seals = map[uint32]int64{}
	for _, n := range r.packs {
		err := r.s.walkPack(context.Background(), n, func(rec scanned) error {
			if rec.kind == recordSeal {
				r.seals[uint32(rec.key.local)] = int64(rec.aux)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walkPack reads the headers of a pack, past any damage.
func (s *Store) walkPack(ctx context.Context, n uint32, emit func(scanned) error) error {
	f, err := s.fs.Open(packPath(s.fs, s.dir, n))
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	end := stat.Size()
	if p, ok := s.state.pack(n); ok && p.sealed {
		end = p.end
	}
	sc := &scanner{f: f, pack: n, secret: s.secret, size: end, sealed: true}
	_, err = sc.walk(ctx, packHeaderBytes, emit)
	return err
}

// openActive opens the pack to append to: the last one if its tail is clean,
// else a new one. What was read from an unclean end is synced first, for it may
// be acknowledged from now on.
func (r *recovery) openActive() error {
	s := r.s
	next := uint32(1)
	for n := range s.state.packs {
		next = max(next, n+1)
	}
	if len(r.packs) == 0 {
		p, err := s.startPack(next, 0, 0, nil)
		s.active = p
		return err
	}
	last := r.packs[len(r.packs)-1]
	info, _ := s.state.pack(last)
	p, err := s.resumePack(last, info.end)
	if err != nil {
		return err
	}
	if err := r.harden(p); err != nil {
		_ = p.f.Close() // the sync's error counts
		return syncError{err}
	}
	if !r.dirty && !info.sealed {
		s.active = p
		return nil
	}
	if err := p.f.Close(); err != nil {
		return err
	}
	if r.from != last {
		r.rescued = nil // of a pack that was closed before: too old to be the newest
	}
	s.active, err = s.startPack(max(next, last+1), last, info.end, r.rescued)
	return err
}

// harden syncs what the last process may have left unsynced: the records behind
// the index, and the name of the pack itself.
func (r *recovery) harden(p *activePack) error {
	if r.scanned {
		if err := p.f.Sync(); err != nil {
			return err
		}
	}
	return syncDir(r.s.fs, r.s.fs.PathJoin(r.s.dir, packsName))
}
