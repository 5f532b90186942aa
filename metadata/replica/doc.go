// Package replica keeps the namespace on disk and equal on every nameserver.
//
// It runs the pure state machine of package namespace under Raft (Ongaro and
// Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014; the
// implementation is hashicorp/raft). Always: a drive with one nameserver is a
// Raft group with one voter, so that there is one code path from one machine
// to many.
//
// What it promises:
//
//   - A command that Propose answered is in the fsynced log of a majority of
//     the voters. kill -9 of everything, or a power cut, does not lose it.
//   - Query sees every command that was answered before Query was called.
//   - Two nameservers that applied the same index hold the same rows.
//   - A nameserver whose disk failed an fsync, or whose files contradict each
//     other, stops for good (Failed) rather than vote, lead or answer.
//
// What it refuses to be: it does not know what a command means, does not
// choose time-outs for its callers, does not forward a command to the leader
// (the caller asks Leader and goes there), and never repairs a damaged log.
//
// Files in the folder: "log" (Pebble: the Raft log, term and vote, fsynced),
// "state-N" (Pebble: the namespace's rows, not fsynced between checkpoints
// because the log replays), a marker that says which N is current, and a lock.
// DESIGN.md has them byte by byte.
//
// Goroutines of a Node, all ended by Close: raft's own; batch (groups
// proposals into entries); await (one for each entry in flight, at most 4);
// lead (follows leadership); verify (proves leadership for waiting queries);
// compact (shortens the log); pump (incoming Raft messages).
//
// Limits: a command is at most 1 MiB, an entry 512 commands or 1 MiB, 4096
// commands or 64 MiB wait in the queue; memory for both databases together
// stays under about 150 MiB.
package replica
