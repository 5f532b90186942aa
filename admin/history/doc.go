// Package history keeps how the cluster did: a fixed amount of memory, no
// database, no server beside it.
//
// The whole cluster is kept at three resolutions (a second for 15 minutes, ten
// seconds for 6 hours, a minute for 7 days), each node at one (a minute for 24
// hours). A coarse point is the mean of the samples in it. What is not known is
// NaN in memory and null outside, never zero.
//
// What it refuses: to know what the series mean (the caller numbers them), to
// keep more than NodesMax nodes, and to trust a file that does not check: then
// it begins anew.
//
// Invariants: memory is bounded by the constants; time does not go back (a
// sample that is older than the last one is dropped); the file is there whole
// or not at all.
//
// Goroutines: none. All methods may be called concurrently.
package history
