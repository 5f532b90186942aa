package replica

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Bounds of the write path.
const (
	CommandBytesMax  = 1 << 20  // largest encoded command
	batchCommandsMax = 512      // commands in one entry
	batchBytesMax    = 1 << 20  // bytes of commands in one entry; one command always fits
	entriesInFlight  = 4        // entries between Apply and their results
	queueCommandsMax = 4096     // proposals waiting for a place in an entry
	queueBytesMax    = 64 << 20 // and their bytes
	queryWaitersMax  = 4096     // queries waiting for one proof of leadership
	appendEntriesMax = 16       // entries in one AppendEntries, so that 16 MiB fit the I/O deadline
)

// Bounds of the log. Raft counts entries; entries differ by four orders of
// magnitude in size, so bytes are bounded as well (RP-8).
const (
	snapshotEntries  = 4096      // truncate after that many
	snapshotBytes    = 256 << 20 // or that many bytes
	snapshotInterval = 30 * time.Second
	trailingEntries  = 4096 // kept for followers that lag
	trailingBytes    = 128 << 20
)

// Memory of the two databases.
const (
	stateCacheBytes    = 32 << 20
	stateMemtableBytes = 8 << 20
	logCacheBytes      = 2 << 20
	logMemtableBytes   = 16 << 20
)

// heartbeatDefault is the time in which a voter misses its leader.
const heartbeatDefault = time.Second

// StreamLayer carries Raft's connections. An address has the form
// "n3@host:port" (RP-9).
type StreamLayer = raft.StreamLayer

// Config says how to open a Node.
type Config struct {
	// Dir is the folder of this nameserver. It is made when it does not exist.
	Dir string
	// ID names this nameserver. It is written into the folder at first start
	// and must be the same ever after.
	ID metadata.NodeID
	// Addr is host:port where the other nameservers reach this one.
	Addr string
	// Endpoint connects the nameservers. Open registers quicwire.ServiceRaft on
	// it, so it must not have been started; start it right after Open.
	Endpoint *quicwire.Endpoint
	// Peers is used instead of Endpoint if that is nil. With neither, the node
	// is alone and cannot get voters.
	Peers StreamLayer
	// Bootstrap is the Init command of a new cluster. It is used only if the
	// folder is empty, and makes this node the only voter.
	Bootstrap *metapb.Command
	// Join lets a node start with an empty folder and wait until a leader adds
	// it. With neither Bootstrap nor Join an empty folder is an error, so that
	// a nameserver that lost its disk does not come back as if nothing were.
	Join bool
	// Heartbeat is the time in which voters miss a silent leader; 0 is 1 s. All
	// members must have the same.
	Heartbeat time.Duration
	// FS is where Dir is; nil is the operating system's.
	FS vfs.FS
	// Logger; nil discards.
	Logger *slog.Logger

	machine   *machine       // nil: package namespace
	transport raft.Transport // instead of Peers, in tests
}

// withDefaults fills in what is absent and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "":
		return c, metadata.Errorf(metadata.KindInvalid, "replica: Config.Dir is empty")
	case c.ID == 0:
		return c, metadata.Errorf(metadata.KindInvalid, "replica: Config.ID is 0")
	case c.Heartbeat < 0 || c.Heartbeat > 0 && c.Heartbeat < 50*time.Millisecond:
		return c, metadata.Errorf(metadata.KindInvalid, "replica: Config.Heartbeat is %v, want at least 50ms", c.Heartbeat)
	case c.Bootstrap != nil && c.Bootstrap.GetInit() == nil:
		return c, metadata.Errorf(metadata.KindInvalid, "replica: Config.Bootstrap is not an Init command")
	case c.Bootstrap != nil && c.Join:
		return c, metadata.Errorf(metadata.KindInvalid, "replica: Config.Bootstrap and Config.Join exclude each other")
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = heartbeatDefault
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.machine == nil {
		c.machine = namespaceMachine()
	}
	return c, nil
}

// ioTimeout bounds one Raft message. It is shorter than Heartbeat, so that a
// leader notices a dead connection before its followers miss the leader.
func (c *Config) ioTimeout() time.Duration { return c.Heartbeat * 4 / 5 }
