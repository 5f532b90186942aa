package metadata

import "time"

// NodeRoles name what a node does, as in its certificate.
const (
	NodeNameserver = "nameserver"
	NodeDatanode   = "datanode"
	NodeWebDAV     = "webdav"
	NodeAdmin      = "admin"
	NodeClient     = "client" // the native client on somebody's machine
)

// NodeState is the operator's wish for a node, kept in the namespace.
type NodeState uint8

// The states.
const (
	NodeActive      NodeState = iota
	NodeDraining              // its replicas are being moved off; no new ones
	NodeMaintenance           // away for a while: no repair is started for it
	NodeRemoved               // its certificate is refused
)

// String returns the state in one word.
func (s NodeState) String() string {
	switch s {
	case NodeActive:
		return "active"
	case NodeDraining:
		return "draining"
	case NodeMaintenance:
		return "maintenance"
	case NodeRemoved:
		return "removed"
	}
	return "unknown"
}

// Liveness is how the leader sees a storage server now; it is not stored.
type Liveness uint8

// The states of liveness.
const (
	LivenessUnknown Liveness = iota // the leader is new and has not heard from it yet
	LivenessUp
	LivenessSuspect // silent for a moment: not chosen for new data
	LivenessDown    // silent for longer: its volumes are repaired elsewhere
)

// String returns the liveness in one word.
func (l Liveness) String() string {
	return [...]string{"unknown", "up", "suspect", "down"}[min(l, LivenessDown)]
}

// Node is an enrolled node.
type Node struct {
	ID       NodeID
	Name     string // host name or label, for people
	Addr     string // host:port of its QUIC endpoint
	Roles    []string
	Zone     string // failure domain: the operator's, else the machine's own
	State    NodeState
	Joined   time.Time
	Liveness Liveness  // as the leader sees it
	Heard    time.Time // last heartbeat
	Disks    []Disk    // as last reported
	Version  string    // of its binary

	MachineZone string        // what the machine itself said last, in its ken.toml or by --zone
	ZoneSet     bool          // Zone is an operator's, whatever the machine says
	StateSince  time.Time     // when State was last changed; zero: never
	Until       time.Time     // end of its maintenance; zero: none is set
	Started     time.Time     // of its process
	CertExpires time.Time     // end of its certificate
	ClockSkew   time.Duration // its clock is ahead by so much, the way of the message included
	Traffic     Traffic       // of its storage server
	Gateway     Traffic       // of its gateway or admin
	Commands    Traffic       // of its nameserver: Writes are commands, Reads queries
	Drive       Drive         // of its gateway
}

// NodeChange is a set of changes to the operator's wishes for a node; nil
// leaves things as they are. Until counts with NodeMaintenance only, and is
// cleared by any other state.
type NodeChange struct {
	State *NodeState
	Until *time.Time // end of the maintenance; zero: until further notice
	Zone  *string    // "": what the machine itself says counts again
	Name  *string
}

// Presence is what a node says of itself when it renews its session, or in
// place of one: gateways and admins have no heartbeat.
type Presence struct {
	Node        NodeID
	Version     string
	Started     time.Time // of the process
	CertExpires time.Time
	Sent        time.Time // by its own clock
	Traffic     Traffic
	Drive       Drive // of a gateway
}

// Drive is where a gateway serves the drive, as other machines reach it. It is
// the gateway's own word: whoever shows it must look at it first.
type Drive struct {
	URL        string // "": it serves none
	SelfSigned bool   // with a certificate that clients do not know
}

// DriveURLBytesMax bounds Drive.URL.
const DriveURLBytesMax = 300

// Disk is a storage server's disk as its heartbeat reports it.
type Disk struct {
	ID       DiskID
	Path     string
	Capacity int64 // bytes of the file system
	Free     int64 // bytes it can still take, its reserve already deducted
	Used     int64 // bytes of block data
	Failed   string
	Volumes  int
	// FileSystem is equal on disks that share their room, as those of storage
	// servers on one machine may; 0: not known.
	FileSystem uint64
}

// RoomOf returns the bytes of the disks' file systems and what is free there,
// counting each file system once.
func RoomOf(disks []Disk) (capacity, free int64) {
	seen := make(map[uint64]Disk, len(disks))
	for _, d := range disks {
		d.Free = max(d.Free, 0)
		known := Disk{}
		if d.FileSystem != 0 {
			known = seen[d.FileSystem]
			d.Capacity, d.Free = max(d.Capacity, known.Capacity), max(d.Free, known.Free)
			seen[d.FileSystem] = d
		}
		capacity += d.Capacity - known.Capacity
		free += d.Free - known.Free
	}
	return capacity, free
}

// VolumeDigest sums up one disk's copy of a volume.
type VolumeDigest struct {
	Disk    DiskID
	Volume  VolumeID
	Blocks  int64
	Bytes   int64
	Digest  uint64 // xor of BlockID.Digest
	Damaged int64  // blocks that do not match their checksums; not in the other figures
}

// Heartbeat is what a storage server tells the leader, about every second.
type Heartbeat struct {
	Node    NodeID
	Addr    string
	Zone    string
	Version string
	Started time.Time // of the process
	Disks   []Disk
	// Digests of some volumes; rotates through all of them. Bounded by
	// HeartbeatDigestsMax.
	Digests []VolumeDigest
	Done    []OrderResult // outcomes of orders since the last heartbeat
	Running []OrderProgress
	Leaving bool // the process is about to stop

	Sent        time.Time // by the node's own clock
	CertExpires time.Time
	Traffic     Traffic
}

// HeartbeatDigestsMax bounds the digests in one heartbeat.
const HeartbeatDigestsMax = 512

// HeartbeatReply carries the leader's orders.
type HeartbeatReply struct {
	Orders []Order
	// Interval until the next heartbeat.
	Interval time.Duration
	// RepairBytesPerSecond limits what this node may pull for repairs; 0 is no limit.
	RepairBytesPerSecond int64
}

// OrderKind says what a storage server is told to do.
type OrderKind uint8

// The orders. All are idempotent; a lost one is given again.
const (
	// OrderSync: make the disk's copy of Volume equal to the committed blocks:
	// refuse puts below Fence, ask Fleet.VolumeBlocks for the list, fetch what
	// is missing from Sources, delete what is below Fence and not in the list.
	// It is reconciliation, repair and re-joining in one.
	OrderSync OrderKind = iota
	// OrderDelete: delete Blocks of Volume from the disk.
	OrderDelete
	// OrderDrop: forget the whole Volume on the disk.
	OrderDrop
)

// Order is one instruction to one disk.
type Order struct {
	ID      uint64 // unique in the leader's term; echoed in OrderResult
	Kind    OrderKind
	Disk    DiskID
	Volume  VolumeID
	Epoch   Epoch
	Fence   LocalID
	Blocks  []LocalID // OrderDelete; at most OrderBlocksMax
	Sources []Located // OrderSync
}

// OrderBlocksMax bounds Order.Blocks.
const OrderBlocksMax = 4096

// OrderResult is the outcome of an order. Err is "" for success.
type OrderResult struct {
	ID      uint64
	Kind    OrderKind
	Disk    DiskID
	Volume  VolumeID
	Epoch   Epoch
	Fetched int64 // bytes
	Deleted int64 // blocks
	Blocks  []LocalID
	Err     string
	ErrKind Kind
}

// OrderProgress is the state of a running order.
type OrderProgress struct {
	ID         uint64
	Volume     VolumeID
	Disk       DiskID
	BytesDone  int64
	BytesTotal int64 // 0: not known yet
}
