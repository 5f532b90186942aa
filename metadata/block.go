package metadata

import "time"

// Bounds of blocks.
const (
	BlockBytesMax  = 16 << 20 // largest block
	ChunkBytes     = 16 << 10 // unit of checksums inside a block (CRC32C, RFC 3720 appendix B.4)
	InlineRefsMax  = 8        // block references kept in the entry itself
	StageRefsMax   = 4096     // block references in one Stage or Commit call
	ReplicasMax    = 8        // replicas of one volume
	VolumeBytesMax = 4 << 30  // a volume takes no new lease once it holds this much
)

// BlockRef is a block as a file refers to it. A file's data is its blocks in
// order, without gaps.
type BlockRef struct {
	ID     BlockID
	Length uint32 // bytes, 1..BlockBytesMax
}

// Replica is one disk's copy of a volume.
type Replica struct {
	Node NodeID
	Disk DiskID
}

// VolumeState says what may happen to a volume.
type VolumeState uint8

// The states. A volume is leased, then fenced when the lease ends, then idle
// (or full) once every replica has confirmed that it holds exactly the
// committed blocks; see A20.
const (
	VolumeIdle    VolumeState = iota // no lease; may be leased, repaired, moved
	VolumeLeased                     // one session adds blocks
	VolumeFencing                    // the lease ended; replicas are being compared with the committed blocks
	VolumeFull                       // as idle, but takes no further lease
)

// String returns the state in one word.
func (s VolumeState) String() string {
	switch s {
	case VolumeIdle:
		return "idle"
	case VolumeLeased:
		return "leased"
	case VolumeFencing:
		return "fencing"
	case VolumeFull:
		return "full"
	}
	return "unknown"
}

// Volume is the record of a volume.
//
// Invariant: every committed block is durable on every replica listed here.
type Volume struct {
	ID       VolumeID
	Epoch    Epoch
	State    VolumeState
	Target   int       // replicas wanted
	Replicas []Replica // replicas that hold every committed block
	Lessee   SessionID // of the current lease, when State is VolumeLeased
	Fence    LocalID   // ids below it are never handed out again: a put below it is refused
	Next     LocalID   // first id that was never leased
	Blocks   int64     // committed, or deleted and not yet reaped
	Bytes    int64     // of those blocks
	Digest   uint64    // xor of their BlockID.Digest
	Synced   []DiskID  // while fencing: the replicas that have confirmed
	Repaired time.Time // last change of the replica set
	Changed  uint64    // fleet version of the last change to anything but Blocks, Bytes and Digest by a commit
}

// Lease is a session's exclusive right to add blocks From ≤ local id < To to a
// volume in one epoch. It ends with the session, by release, or by a change of
// the replica set that the session did not ask for.
type Lease struct {
	Volume   VolumeID
	Epoch    Epoch
	Session  SessionID
	From, To LocalID
	Replicas []Located
}

// Located is a replica and where to reach it.
type Located struct {
	Replica
	Addr string // host:port of the node's QUIC endpoint
	Live bool   // as the leader sees it
	Zone string
}

// LeaseProof accompanies a commit: the epoch in which the session holds the
// volume, and so the replica set on which it vouches that the blocks are durable.
type LeaseProof struct {
	Volume VolumeID
	Epoch  Epoch
}
