package metadata

import "time"

// Session is one run of a client that writes, as the namespace knows it. When
// it was last renewed is known to the leader only.
type Session struct {
	ID       SessionID
	Node     NodeID
	Instance string // tells apart several clients of one node
	Opened   time.Time
}

// ClusterInfo is what the namespace knows about the cluster as a whole.
type ClusterInfo struct {
	ID          string
	Replication int           // copies of a file whose directories say nothing else
	Grace       time.Duration // that a deleted block is kept for running readers
	ReadOnly    bool

	// FleetVersion is raised by every change to volumes, nodes and sessions,
	// except to the counters of a volume by a commit.
	FleetVersion uint64
	NextVolume   VolumeID  // no volume of this id or a higher one has ever been
	Trash        int64     // unlinked trees that are not reaped yet
	Dead         int64     // blocks that no file has any more and that are not reaped yet
	Now          time.Time // of the last command
}

// DeadBlock is a block that no file has any more.
type DeadBlock struct {
	ID     BlockID
	Length uint32
	Since  time.Time
}
