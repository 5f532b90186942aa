package blockstore

import (
	"context"
	"errors"
	"runtime"

	"kendfs/metadata"
)

// errRetry tells an operation that what it had seen of its block has changed.
var errRetry = errors.New("changed meanwhile")

// op is one operation for the append loop. stage runs in the loop, where
// nothing else changes the index: it checks and adds records to the group. Its
// error is the operation's own and fails nobody else; it must add nothing then.
type op struct {
	stage func(*txn, *group) error
	bytes int64 // what stage will add at most
	small bool  // deletes and fences: may use the reserve at the end of a pack
	done  chan error
	err   error
}

// group is the records that are written and synced together.
type group struct {
	s      *Store
	txn    *txn
	pack   uint32
	start  int64
	total  int64
	pieces [][]byte
}

// add appends a record to the group and its effect to the transaction.
func (g *group) add(h header, sums []uint32, data [][]byte) error {
	off := g.start + g.total
	h.batch = g.start
	size := recordSize(h.kind, h.length)
	h.size = uint32(size)
	if err := g.txn.apply(h, g.pack, off); err != nil {
		return err
	}
	place := placeCRC(g.s.secret, uint64(g.pack), off)
	head := appendHeader(make([]byte, 0, recordHeaderBytes+4*len(sums)), recordMagic, h, sums, place)
	g.pieces = append(g.pieces, head)
	n := int64(len(head))
	for _, d := range data {
		if len(d) > 0 {
			g.pieces = append(g.pieces, d)
			n += int64(len(d))
		}
	}
	if n < size {
		g.pieces = append(g.pieces, make([]byte, size-n))
	}
	g.total += size
	return nil
}

// submit hands an operation to the loop and waits for its end. ctx ends only
// the wait for a place in the queue: once the loop has the operation, it owns
// the caller's data until it is done.
func (s *Store) submit(ctx context.Context, o *op) error {
	if err := s.writable(); err != nil {
		return err
	}
	o.done = make(chan error, 1)
	select {
	case s.queue <- o:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-o.done
}

// appendLoop is the only goroutine that appends to packs and changes the index.
func (s *Store) appendLoop() {
	defer s.tasks.Done()
	for first := range s.queue {
		// Who is about to put a block comes first, and shares the sync. Costs
		// nothing when nobody is (BS-18).
		runtime.Gosched()
		ops, bytes := []*op{first}, first.bytes
		limit := min(batchBytesMax, s.packLimit-packHeaderBytes-recordHeaderBytes)
	gather:
		for len(ops) < batchOpsMax && bytes < limit {
			select {
			case next, ok := <-s.queue:
				if !ok {
					break gather
				}
				if bytes+next.bytes > limit {
					s.run(ops)
					ops, bytes = nil, 0
				}
				ops, bytes = append(ops, next), bytes+next.bytes
			default:
				break gather
			}
		}
		s.run(ops)
	}
}

// run carries out a group of operations and answers all of them.
func (s *Store) run(ops []*op) {
	err := s.runGroup(ops)
	if err != nil && passes(err) {
		err = s.runSmall(ops, err)
	}
	if err != nil {
		s.fail(err)
		err = s.writable()
	}
	for _, o := range ops {
		if err != nil {
			o.err = err
		}
		o.done <- o.err
	}
}

// runSmall is the second try on a full disk, or without descriptors for a new
// pack: without what needs room.
func (s *Store) runSmall(ops []*op, full error) error {
	full = diskError("append to a pack", full)
	var small []*op
	for _, o := range ops {
		if o.err = full; o.small {
			small = append(small, o)
		}
	}
	if len(small) == 0 {
		return nil
	}
	err := s.runGroup(small)
	if err != nil && passes(err) {
		for _, o := range small {
			o.err = full
		}
		return nil
	}
	return err
}

// runGroup stages, writes, syncs and indexes. Nothing of a group that returns
// an error is acknowledged, and the same place in the pack may be written again.
func (s *Store) runGroup(ops []*op) error {
	if err := s.writable(); err != nil {
		return err
	}
	bytes, small := int64(0), true
	for _, o := range ops {
		bytes += o.bytes
		small = small && o.small
	}
	if !s.active.fits(bytes, false) {
		err := s.rotate()
		if err != nil && !(passes(err) && small && s.active.fits(bytes, true)) {
			return err
		}
	}
	p := s.active
	t := newTxn(s.state)
	g := &group{s: s, txn: t, pack: p.n, start: p.end}
	for _, o := range ops {
		if o.err = o.stage(t, g); errors.Is(o.err, errIndex) {
			return o.err
		}
	}
	if g.total > 0 {
		if err := p.reserve(g.total); err != nil {
			return err
		}
		if err := p.prepare(g.total); err != nil {
			return err
		}
		if err := p.write(g.pieces, p.end, int(g.total)); err != nil {
			return err
		}
		if err := p.f.SyncData(); err != nil {
			return syncError{err}
		}
		p.end += g.total
		t.setEnd(p.n, p.end, false)
		s.stats.groups.Add(1)
	}
	if err := t.commit(); err != nil {
		return err
	}
	return s.writable() // if the index broke meanwhile, stage may have been told lies
}

// rotate closes the active pack and begins the next one, whose first record
// seals the old one. On ENOSPC the old pack stays active.
func (s *Store) rotate() error {
	old := s.active
	next, err := s.startPack(old.n+1, old.n, old.end, nil)
	if err != nil {
		return err
	}
	s.active = next
	if old.direct {
		_ = trim(old.f, old.end) // only gives back space that compaction would give back later
	}
	_ = old.f.Close()                // everything in it is synced
	_, err = s.index.db.AsyncFlush() // bounds what a restart has to read again
	return err
}

// startPack makes pack n, which seals pack old (0: none) at end, and holds the
// records that recovery rescued from behind that end.
func (s *Store) startPack(n, old uint32, end int64, rescued []moved) (*activePack, error) {
	t := newTxn(s.state)
	g := &group{s: s, txn: t, pack: n, start: packHeaderBytes}
	if old != 0 {
		h := header{kind: recordSeal, key: key{0, metadata.LocalID(old)}, aux: uint64(end)}
		if err := g.add(h, nil, nil); err != nil {
			return nil, err
		}
		t.setEnd(old, end, true)
	}
	for _, m := range rescued {
		h := header{kind: m.rec.kind, key: m.rec.key, length: m.rec.length, aux: m.rec.aux}
		if err := g.add(h, m.sums, [][]byte{m.data}); err != nil {
			return nil, err
		}
	}
	var first []byte
	for _, p := range g.pieces {
		first = append(first, p...)
	}
	p, err := s.createPack(n, first)
	if err != nil {
		return nil, err
	}
	t.setEnd(n, p.end, false)
	return p, t.commit()
}
