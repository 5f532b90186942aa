// Package datanode is the storage server: it takes blocks in, passes them on to
// further replicas, hands them out, and does what the nameserver's leader orders.
//
//	s, err := datanode.New(datanode.Config{Node: id, Disks: disks, Fleet: fleet, Wire: wire, …})
//	endpoint.Handle(quicwire.ServiceBlock, roles, blockio.Handler(s))
//	s.Start()
//	…
//	err = s.Close(ctx)
//
// It implements blockio.Server, and blockio.Target among it: a gateway in the
// same process calls it directly.
//
// What it refuses to be: it does not know files, paths or users; it decides
// nothing about placement; it calls the nameserver and is never called by it.
// How blocks lie on a disk is package blockstore's business, how they travel
// package blockio's.
//
// Invariants:
//
//   - A put is confirmed for this server only after the block is durable on its
//     disk, and for those behind it only as they say themselves.
//   - Every received block is compared with its checksums before it is stored
//     and before its forwarding is confirmed.
//   - A put below a volume's fence is refused; a fence is durable before an
//     order reports success.
//   - A block found damaged is left out of the digests, so that the leader has it
//     fetched anew; it is replaced, never deleted first.
//   - A disk that fails is reported and answers errors; the others go on.
//
// Goroutines: Start begins one for heartbeats, one per disk for the scrub and
// Config.Workers for orders; an order fetches with at most fetchesMax more; a
// put runs one per hop that it forwards to and waits for them. Close ends all.
//
// Limits: blocks being received Config.BufferBytes, orders queued ordersMax,
// results unacknowledged resultsMax, digests in a heartbeat
// metadata.HeartbeatDigestsMax. Decisions are in DESIGN.md.
package datanode
