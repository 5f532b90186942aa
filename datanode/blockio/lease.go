package blockio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kendfs/metadata"
)

// Bounds of a lease's use.
const (
	leaseBytesMax   = 1 << 30          // written through one lease before it is given back, so that a volume stays near its size
	leaseGarbageMax = 64 << 20         // of aborted uploads, which only the end of a lease clears away
	gatherBlockMax  = 16 << 10         // blocks up to this size are gathered in one lease,
	gatherBytes     = 128 << 10        // until so much is in flight in it
	leaseLow        = 8192             // ids left when the next lease is sought
	leaseIdle       = time.Minute      // unused for this long, a lease is given back
	leaseAge        = 10 * time.Minute // a lease is given back then in any case: only volumes without one are compared and mended
)

// lease is one leased volume. Blocks are numbered without a lock; everything
// else changes rarely.
type lease struct {
	volume  metadata.VolumeID
	session *session
	next    atomic.Uint64
	to      uint64
	granted int          // replicas that it began with
	busy    atomic.Int64 // bytes in flight, for balance
	changed func()       // called without mu when the lease may have to be given back or replaced

	dropping sync.Mutex // held during DropReplica: one change of the replica set at a time

	mu       sync.Mutex
	epoch    metadata.Epoch     // guarded by mu, as all below
	replicas []metadata.Located // of epoch; never changed in place
	refs     int                // blocks written or being written and not committed
	bytes    int64
	garbage  int64
	born     time.Time
	used     time.Time // last block, or when it was granted
	retired  bool      // takes no further block; released when refs is 0
	recalled bool      // retired because the leader wants it back
	ended    bool      // the nameserver has ended it: uncommitted blocks in it are lost
}

func newLease(l metadata.Lease, s *session, changed func()) *lease {
	x := &lease{volume: l.Volume, session: s, to: uint64(l.To), changed: changed,
		granted: len(l.Replicas), epoch: l.Epoch, replicas: l.Replicas, born: time.Now(), used: time.Now()}
	x.next.Store(uint64(l.From))
	return x
}

// take returns the next block id, or false when there is none left.
func (l *lease) take() (metadata.BlockID, bool) {
	for {
		n := l.next.Load()
		if n >= l.to {
			return metadata.BlockID{}, false
		}
		if l.next.CompareAndSwap(n, n+1) {
			return metadata.BlockID{Volume: l.volume, Local: metadata.LocalID(n)}, true
		}
	}
}

// load is how little the lease is suited for one more block of n bytes: the bytes
// in flight, except that a small block belongs where other small ones are on
// their way, for the disks sync them together.
func (l *lease) load(n int) int64 {
	busy := l.busy.Load()
	if n <= gatherBlockMax && busy > 0 && busy+int64(n) <= gatherBytes {
		return -busy
	}
	return busy
}

// hold counts a block of n bytes as uncommitted in the lease. It reports false
// when the lease takes none.
func (l *lease) hold(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired || l.ended || l.session.over() || l.next.Load() >= l.to {
		return false
	}
	l.refs++
	l.used = time.Now()
	l.bytes += int64(n)
	if l.bytes >= leaseBytesMax || l.garbage >= leaseGarbageMax {
		l.retired = true
	}
	return true
}

// release undoes one hold: the block was committed, or it never will be.
func (l *lease) release(n int, committed bool) {
	l.mu.Lock()
	l.refs--
	if !committed {
		l.garbage += int64(n)
	}
	done := l.refs == 0 && (l.retired || l.ended)
	l.mu.Unlock()
	if done {
		l.changed()
	}
}

// retire makes the lease take no further blocks; with ended it is over already.
func (l *lease) retire(ended bool) {
	l.mu.Lock()
	l.retired = true
	l.ended = l.ended || ended
	l.mu.Unlock()
	l.changed()
}

// recall retires the lease because the leader wants it back, and reports
// whether that is news.
func (l *lease) recall() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := !l.recalled
	l.retired, l.recalled = true, true
	return news
}

// wanted reports whether the leader waits for the lease.
func (l *lease) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recalled && !l.ended
}

// view returns epoch and replica set as known now.
func (l *lease) view() (metadata.Epoch, []metadata.Located) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch, l.replicas
}

// proof is what a commit of blocks in the lease is accompanied by. The newest
// epoch is always right: while a lease lasts its replica set only shrinks, so
// a block that is durable on a larger set is durable on this one.
func (l *lease) proof() metadata.LeaseProof {
	l.mu.Lock()
	defer l.mu.Unlock()
	return metadata.LeaseProof{Volume: l.volume, Epoch: l.epoch}
}

// over reports whether the nameserver has ended the lease.
func (l *lease) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended || l.session.over()
}

// has reports whether the volume has that replica.
func (l *lease) has(r metadata.Replica) bool {
	_, replicas := l.view()
	return slices.ContainsFunc(replicas, func(x metadata.Located) bool { return x.Replica == r })
}

// usable reports whether the lease takes blocks and whether it does so without
// trouble in sight: ids enough, no replica dropped, and none on a server that
// failed lately.
func (l *lease) usable(failed func(metadata.NodeID) bool) (usable, healthy bool) {
	l.mu.Lock()
	replicas := l.replicas
	usable = !l.retired && !l.ended && !l.session.over()
	l.mu.Unlock()
	left := int64(l.to) - int64(l.next.Load())
	if !usable || left <= 0 || len(replicas) == 0 {
		return false, false
	}
	healthy = left > min(leaseLow, int64(l.to)/8) && len(replicas) >= l.granted &&
		!slices.ContainsFunc(replicas, func(r metadata.Located) bool { return failed(r.Node) })
	return true, healthy
}

// releasable reports whether the lease is to be given back now.
func (l *lease) releasable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refs == 0 && (l.retired || l.ended)
}

// uncommitted reports whether blocks in the lease wait for their commit.
func (l *lease) uncommitted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refs > 0 && !l.ended
}

// retireOld retires a lease that nobody has used for a while, or that has been
// held for long, so that garbage goes away and the leader can look after the
// volume. It reports whether the lease can be given back now.
func (l *lease) retireOld(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refs == 0 && now.Sub(l.used) > leaseIdle || now.Sub(l.born) > leaseAge {
		l.retired = true
	}
	return l.refs == 0 && l.retired
}

// update takes over a newer replica set.
func (l *lease) update(epoch metadata.Epoch, replicas []metadata.Located) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch >= l.epoch {
		l.epoch, l.replicas = epoch, replicas
	}
}
