// Package metadata is the vocabulary of KenDFS and the contracts between its
// parts: typed ids, entries, blocks, volumes, nodes, locks, errors with a
// closed set of kinds, and the small interfaces that a gateway, a storage
// server or a command programs against.
//
// It holds no I/O, starts no goroutine and knows no transport. Whoever wants
// to learn the system reads this package first:
//
//   - id.go     the names of things
//   - path.go   what a path is, and which names are equal
//   - entry.go  files and directories
//   - block.go  blocks, volumes and replicas
//   - node.go   nodes, disks, heartbeats and orders
//   - lock.go   WebDAV locks and the conditions of a request
//   - fleet.go  sessions, the cluster as a whole, mutes, quotas in use
//   - event.go  what happened, and who did what
//   - setting.go what operators can set, and in which range
//   - traffic.go how requests are counted
//   - error.go  what can go wrong
//   - service.go who may ask whom for what
//
// Sizes are bytes, times are UTC with nanosecond precision as decided by the
// leader of the nameservers, ids are never reused.
package metadata
