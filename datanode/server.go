package datanode

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// Defaults of a Config.
const (
	bufferBytesDefault = 128 << 20
	workersDefault     = 4
	intervalDefault    = time.Second
	scrubBytesDefault  = 16 << 20
	copyBytes          = 48 << 20 // of blocks being fetched
)

// Store is a disk's block store as the server uses it: *blockstore.Store.
type Store interface {
	Disk() metadata.DiskID
	Failed() error
	Put(ctx context.Context, id metadata.BlockID, data []byte, sums []uint32) error
	Restore(ctx context.Context, id metadata.BlockID, data [][]byte, sums []uint32) error
	OpenBlock(id metadata.BlockID) (*blockstore.Block, error)
	Stat(id metadata.BlockID) (length int64, err error)
	List(v metadata.VolumeID, after metadata.LocalID, limit int) ([]metadata.BlockRef, error)
	Digests(after metadata.VolumeID, limit int) ([]metadata.VolumeDigest, error)
	Volumes() int
	Fence(v metadata.VolumeID) metadata.LocalID
	SetFence(ctx context.Context, v metadata.VolumeID, fence metadata.LocalID) error
	Delete(ctx context.Context, v metadata.VolumeID, locals []metadata.LocalID) error
	DropVolume(ctx context.Context, v metadata.VolumeID) error
	Verify(ctx context.Context, v metadata.VolumeID, pace func(context.Context, int64) error) (blockstore.Verified, error)
	Space() blockstore.Space
}

var _ Store = (*blockstore.Store)(nil)

// Disk is one disk of the server.
type Disk struct {
	Path  string
	Store Store // nil: it could not be opened; then it is only reported
	// ID and Failed are for a disk without Store: what is known of it, and why.
	ID     metadata.DiskID
	Failed string
}

// Config says what a Server works with. Node, Disks and Fleet are required.
type Config struct {
	Node    metadata.NodeID
	Addr    string // host:port at which others reach this server
	Zone    string
	Version string // of the binary
	// CertExpires returns the end of the node's certificate; nil: it is not reported.
	CertExpires func() time.Time
	Disks       []Disk // the caller opened the stores, and closes them after Close
	Fleet       metadata.Fleet
	Wire        blockio.Wire     // to other servers; nil: none
	Local       blockio.Resolver // other servers in this process; nil: none

	BufferBytes         int64         // of blocks being received; zero is 128 MiB
	Workers             int           // orders worked on at a time; zero is 4
	Interval            time.Duration // of heartbeats until the leader says another; zero is 1 s
	ScrubBytesPerSecond int64         // a disk; zero is 16 MiB/s, negative: no scrub
	ScrubPause          time.Duration // between two passes over a disk, on average; zero is 1 h
	Logger              *slog.Logger  // nil: discard
}

// Server is a storage server. Its methods may be called concurrently.
type Server struct {
	cfg     Config
	started time.Time
	disks   []*disk
	buffers *blockio.Pool // of blocks being received
	copies  *blockio.Pool // of blocks being fetched: repair takes no memory from puts
	damaged *damaged
	orders  *orders
	repair  *limiter
	kick    chan struct{} // capacity 1: a heartbeat is due now
	served  counters
	meter   metadata.Meter // of what was served to others, for heartbeats

	mu      sync.Mutex
	closing bool // guarded by mu, as below
	stop    context.CancelFunc
	loops   sync.WaitGroup
	busy    sync.WaitGroup // requests being served; Add only under mu and !closing
}

var _ blockio.Server = (*Server)(nil)

// disk is one disk in service or one that is only reported.
type disk struct {
	Disk
	id metadata.DiskID
}

// New makes a server; Start begins its heartbeats. Until then it serves puts
// and gets, but nobody is told that it does.
func New(cfg Config) (*Server, error) {
	if cfg.Node == 0 || cfg.Fleet == nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "a storage server needs a node id and a nameserver")
	}
	setDefault(&cfg.BufferBytes, bufferBytesDefault)
	setDefault(&cfg.Workers, workersDefault)
	setDefault(&cfg.Interval, intervalDefault)
	setDefault(&cfg.ScrubPause, scrubPause)
	if cfg.ScrubBytesPerSecond == 0 {
		cfg.ScrubBytesPerSecond = scrubBytesDefault
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, started: time.Now(), kick: make(chan struct{}, 1), repair: &limiter{},
		buffers: blockio.NewPool(cfg.BufferBytes, metadata.BlockBytesMax),
		copies:  blockio.NewPool(copyBytes, metadata.BlockBytesMax), damaged: newDamaged()}
	seen := make(map[metadata.DiskID]bool)
	for _, d := range cfg.Disks {
		x := &disk{Disk: d, id: d.ID}
		if d.Store != nil {
			x.id = d.Store.Disk()
			if seen[x.id] {
				return nil, metadata.Errorf(metadata.KindConflict, "disk %v at %s was given twice", x.id, d.Path)
			}
			seen[x.id] = true
		}
		s.disks = append(s.disks, x)
	}
	s.orders = newOrders(s)
	return s, nil
}

// setDefault sets a value that is not above zero.
func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// Start begins heartbeats, orders and scrub. It may be called once.
func (s *Server) Start() {
	ctx, stop := context.WithCancel(context.Background())
	s.mu.Lock()
	s.stop = stop
	s.mu.Unlock()
	s.loops.Go(func() { s.heartbeats(ctx) })
	for range s.cfg.Workers {
		s.loops.Go(func() { s.orders.work(ctx) })
	}
	if s.cfg.ScrubBytesPerSecond > 0 {
		for _, d := range s.disks {
			if d.Store != nil {
				s.loops.Go(func() { s.scrub(ctx, d) })
			}
		}
	}
}

// leaveTimeout bounds the farewell to the nameserver.
const leaveTimeout = 2 * time.Second

// Close stops taking requests, tells the leader that the server is leaving, and
// waits for requests and goroutines until ctx is done. The stores stay open.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
		if err := waitFor(ctx, &s.loops); err != nil {
			return metadata.Errorf(metadata.KindTimeout, "a disk or the nameserver holds up the shutdown: %w", err)
		}
		farewell, cancel := context.WithTimeout(ctx, leaveTimeout)
		h := s.report()
		h.Leaving = true
		if _, err := s.cfg.Fleet.Heartbeat(farewell, h); err != nil {
			s.cfg.Logger.Info("the nameserver was not told that this server leaves", "err", err)
		}
		cancel()
	}
	if err := waitFor(ctx, &s.busy); err != nil {
		return metadata.Errorf(metadata.KindTimeout, "requests are still being served: %w", err)
	}
	return nil
}

// waitFor waits for a group until ctx is done. Its own goroutine ends with the
// group: a read from a disk that hangs cannot be ended.
func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	idle := make(chan struct{})
	go func() { group.Wait(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter counts a request as being served; leave must follow.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return metadata.Errorf(metadata.KindUnavailable, "storage server %v is shutting down", s.cfg.Node)
	}
	s.busy.Add(1)
	return nil
}

func (s *Server) leave() { s.busy.Done() }

// store returns the store of a disk. KindNotFound: the server has no such disk;
// KindUnavailable: it has failed.
func (s *Server) store(id metadata.DiskID) (Store, error) {
	for _, d := range s.disks {
		if d.id != id {
			continue
		}
		if d.Store == nil {
			return nil, metadata.Errorf(metadata.KindUnavailable, "disk %v has failed: %s", id, d.Failed)
		}
		return d.Store, nil
	}
	return nil, metadata.Errorf(metadata.KindNotFound, "storage server %v has no disk %v", s.cfg.Node, id)
}

// target returns the way to another server, or to this one.
func (s *Server) target(node metadata.NodeID, addr string) (blockio.Target, error) {
	if node == s.cfg.Node {
		return s, nil
	}
	if s.cfg.Local != nil {
		if t := s.cfg.Local(node); t != nil {
			return t, nil
		}
	}
	if s.cfg.Wire == nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "no way to storage server %v", node)
	}
	return blockio.NewRemote(s.cfg.Wire, node, addr), nil
}
