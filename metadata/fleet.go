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

	SettingsRevision     uint64        // raised by every change of a setting; see SetIf
	RepairBytesPerSecond int64         // of one storage server; 0: the nameserver's own setting
	RepairPausedUntil    time.Time     // by an operator; zero: it goes on
	SuspectAfter         time.Duration // silence; 0: the nameserver's own setting
	DownAfter            time.Duration // silence; 0: the nameserver's own setting
	Mutes                []Mute        // in order of their codes; also some that are over
	LastEvent            uint64        // newest id; 0: none
	LastAudit            uint64        // newest id; 0: none

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

// Mute silences a check for a while.
type Mute struct {
	Code  string    `json:"code"`
	Until time.Time `json:"until"`
	User  string    `json:"user,omitempty"` // who asked for it
	Since time.Time `json:"since"`
}

// Bounds of what operators keep in the namespace.
const (
	MutesMax        = 64
	CodeBytesMax    = 40       // of a check's code
	DesktopBytesMax = 16 << 10 // of a user's desktop
)

// QuotaUse is a directory that has used much of its quota.
type QuotaUse struct {
	Path  Path  `json:"path"`
	Used  int64 `json:"used_bytes"`
	Quota int64 `json:"quota_bytes"`
}
