package replica

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets of a Histogram.
const buckets = 24

// Histogram counts values in buckets of powers of two: bucket i has the values
// v with 2^(i-1) ≤ v < 2^i, bucket 0 has zero, the last one everything larger.
type Histogram struct {
	Buckets [buckets]uint64
	Count   uint64
	Sum     uint64
	Max     uint64
}

// Quantile returns an upper bound of the q-quantile, 0 < q ≤ 1; 0 when empty.
func (h Histogram) Quantile(q float64) uint64 {
	rank := uint64(q*float64(h.Count) + 0.5)
	var seen uint64
	for i, n := range h.Buckets {
		if seen += n; n > 0 && seen >= rank {
			return min(uint64(1)<<i-1, h.Max)
		}
	}
	return h.Max
}

// Stats counts what a node did since it was opened.
type Stats struct {
	Applied    uint64 // index of the last applied entry
	Term       uint64
	Leading    bool
	Entries    uint64 // proposed here and answered
	Commands   uint64 // in them
	Refused    uint64 // proposals that were turned away: queue full, not leader
	Unknown    uint64 // proposals whose outcome was not known in time
	Queries    uint64
	Proofs     uint64    // rounds of proving leadership for queries
	Snapshots  uint64    // truncations of the log
	Sent       uint64    // states streamed to others
	Received   uint64    // states installed here
	Fsync      Histogram // of the log, microseconds
	BatchSizes Histogram // commands in an entry
}

// counters are the live form of Stats.
type counters struct {
	entries, commands, refused, unknown atomic.Uint64
	queries, proofs                     atomic.Uint64
	snapshots, sent, received           atomic.Uint64
	fsync                               durations
	batch                               histogram
}

// histogram is the live form of Histogram.
type histogram struct {
	buckets         [buckets]atomic.Uint64
	count, sum, max atomic.Uint64
}

func (h *histogram) add(v uint64) {
	h.buckets[min(bits.Len64(v), buckets-1)].Add(1)
	h.count.Add(1)
	h.sum.Add(v)
	for {
		old := h.max.Load()
		if v <= old || h.max.CompareAndSwap(old, v) {
			return
		}
	}
}

func (h *histogram) snapshot() Histogram {
	out := Histogram{Count: h.count.Load(), Sum: h.sum.Load(), Max: h.max.Load()}
	for i := range h.buckets {
		out.Buckets[i] = h.buckets[i].Load()
	}
	return out
}

// durations is a histogram of microseconds.
type durations struct{ histogram }

func (d *durations) observe(t time.Duration) { d.add(uint64(t.Microseconds())) }

// Stats returns the counters. They are read one by one.
func (n *Node) Stats() Stats {
	c := &n.stats
	return Stats{
		Applied: n.state.applied(), Term: n.raft.CurrentTerm(), Leading: n.lead.current() != nil,
		Entries: c.entries.Load(), Commands: c.commands.Load(), Refused: c.refused.Load(), Unknown: c.unknown.Load(),
		Queries: c.queries.Load(), Proofs: c.proofs.Load(),
		Snapshots: c.snapshots.Load(), Sent: c.sent.Load(), Received: c.received.Load(),
		Fsync: c.fsync.snapshot(), BatchSizes: c.batch.snapshot(),
	}
}
