// Package namespace is the state machine of KenDFS: the tree of files, the
// volumes their blocks are in, and everybody who takes part. Apply executes the
// commands of one raft entry, Answer reads, Check proves that nothing
// contradicts anything else.
//
// It is pure. Its state is the rows of an ordered key space (KV) and nothing
// else; it has no clock, no randomness, no goroutine, no file and no network,
// and the same batches in the same order give the same bytes on every node
// (StateHash). The leader decides time, ids of locks and placement and writes
// them into the command; this package obeys, and refuses what is not allowed.
//
// It refuses to be a file system: there is no open file here and no data, only
// references to blocks. It refuses to trust: whatever a batch contains, it does
// not panic, and what it does not allow leaves no trace.
//
// Invariants, all verified by Check:
//   - every entry is in exactly one directory, every directory is reached from
//     the root or is in the trash;
//   - a directory counts the bytes, files and directories below it exactly;
//   - every block of every content is committed, and every committed block
//     belongs to exactly one content;
//   - a lock is on an entry of the tree, at the path it says, and excludes no
//     other lock there.
//
// Limits: metadata/*.go has those that clients see; the others are constants
// beside the code they bound. A command's cost is bounded by them: the largest
// are Copy (metadata.CopyEntriesMax rows) and Reap (10,000 rows).
//
// Nothing here is safe for concurrent use: one batch at a time is applied, and
// reads need a KV that stands still (a snapshot).
//
// Where to look: apply.go and query.go dispatch; path.go walks; guard.go is who
// may do what now; commit.go, tree.go, copy.go, remove.go and attr.go are the
// tree, lock.go and lockrows.go its locks, content.go what files are made of;
// volume.go, lease.go, session.go and dead.go are the blocks' side; node.go,
// user.go, token.go and cluster.go the people's and machines'; event.go and
// audit.go what happened and who did it, setting.go and setnode.go what
// operators want. DESIGN.md has
// every row byte by byte and the reasons.
package namespace
