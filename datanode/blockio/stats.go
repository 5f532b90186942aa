package blockio

import "sync/atomic"

// counters are the client's own; Stats reads them.
type counters struct {
	putBlocks, putBytes     atomic.Int64
	putRetries, putFailures atomic.Int64
	getBytes, getFailures   atomic.Int64
	getHedges, getCorrupt   atomic.Int64
	rewrites                atomic.Int64
}

// Stats counts what a Client has done since it was made.
type Stats struct {
	PutBlocks, PutBytes int64 // made durable
	PutRetries          int64 // blocks tried again on another volume
	PutFailures         int64 // replicas that did not take a block
	Rewrites            int64 // blocks written again because a lease had ended before the commit
	GetBytes            int64 // verified and delivered
	GetFailures         int64 // transfers that were resumed on another replica
	GetHedges           int64 // small reads that were asked for twice
	GetCorrupt          int64 // chunks that did not match their checksum
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	s := &c.stats
	return Stats{
		PutBlocks: s.putBlocks.Load(), PutBytes: s.putBytes.Load(),
		PutRetries: s.putRetries.Load(), PutFailures: s.putFailures.Load(), Rewrites: s.rewrites.Load(),
		GetBytes: s.getBytes.Load(), GetFailures: s.getFailures.Load(),
		GetHedges: s.getHedges.Load(), GetCorrupt: s.getCorrupt.Load(),
	}
}
