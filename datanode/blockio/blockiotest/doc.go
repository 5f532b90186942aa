// Package blockiotest holds in-memory stand-ins for what blockio works with, so
// that everything above it can be tested without disks, consensus or network.
//
// Nameserver implements metadata.Leaser and the parts of metadata.Changer and
// metadata.Tree that blockio uses. It keeps the promises of the real one about
// leases, epochs, fencing and staging, and it checks at every commit that each
// block is held by every replica that its volume lists: a client that vouches
// for what is not there fails its test.
//
// Server is a storage server in memory. It implements blockio.Server, so it can
// be a client's target in the same process or be put behind quicwire with
// blockio.Handler. Faults are switched on and off while it runs: an error for
// every put or get, a freeze, a delay, a flipped bit, blocks that are missing.
//
// Both are safe for concurrent use, start no goroutine and are for tests only:
// they keep everything in memory and never forget.
package blockiotest
