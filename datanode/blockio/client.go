package blockio

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"kendfs/metadata"
)

// Defaults and bounds of a Config.
const (
	BlockBytesDefault  = 8 << 20
	BufferBytesDefault = 96 << 20
	leasesDefault      = 3
	replicasDefault    = 2
	retryWindowDefault = 30 * time.Second
)

// Stager is what a Writer needs of metadata.Changer.
type Stager interface {
	Stage(ctx context.Context, s metadata.Stage) (metadata.ContentID, error)
}

// Referrer is what a Reader needs of metadata.Tree.
type Referrer interface {
	Blocks(ctx context.Context, c metadata.ContentID, index int) ([]metadata.BlockRef, error)
}

// Config says what a Client works with. Leaser is needed always, Stager for
// writing and Referrer for reading files of more than metadata.InlineRefsMax
// blocks, and Local or Wire (or both) to reach storage servers.
type Config struct {
	Node     metadata.NodeID // this process; volumes with a replica here are preferred. Zero: none
	Instance string          // tells the clients of one node apart; opening a session ends the earlier one of that name
	Leaser   metadata.Leaser
	Stager   Stager
	Referrer Referrer
	Local    Resolver // storage servers in this process; nil: none
	Wire     Wire     // the way to all others; nil: none

	BlockBytes  int   // size of a full block; zero is BlockBytesDefault, at most metadata.BlockBytesMax
	BufferBytes int64 // of all blocks being written; zero is BufferBytesDefault, at least two blocks
	Leases      int   // volumes leased in advance for each number of replicas; zero is 3

	StallPut    time.Duration // zero is StallPut
	StallGet    time.Duration // zero is StallGet
	RetryWindow time.Duration // how long a block is tried on ever other volumes; zero is 30 s

	// Corrupt is called, from any goroutine, when a replica sent bytes that do
	// not match their checksum. The reader itself carries on with another one.
	Corrupt func(b metadata.BlockID, r metadata.Replica)
	Logger  *slog.Logger // nil: discard
}

// withDefaults returns c with every zero field set.
func (c Config) withDefaults() Config {
	if c.BlockBytes <= 0 {
		c.BlockBytes = BlockBytesDefault
	}
	c.BlockBytes = min(c.BlockBytes, metadata.BlockBytesMax)
	if c.BufferBytes <= 0 {
		c.BufferBytes = BufferBytesDefault
	}
	c.BufferBytes = max(c.BufferBytes, 2*int64(c.BlockBytes))
	if c.Leases <= 0 {
		c.Leases = leasesDefault
	}
	if c.StallPut <= 0 {
		c.StallPut = StallPut
	}
	if c.StallGet <= 0 {
		c.StallGet = StallGet
	}
	if c.RetryWindow <= 0 {
		c.RetryWindow = retryWindowDefault
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Client reads and writes the data of files. Its methods may be called
// concurrently.
type Client struct {
	cfg      Config
	pool     *Pool
	nodes    *nodes
	leases   *leases
	volumes  *volumes
	refs     *refCache
	segments segmentPool
	stats    counters
	checks   chan struct{} // one for each Check under way
	runs     chan struct{} // one for each run

	remoteMu sync.Mutex
	remotes  map[metadata.NodeID]*Remote // guarded by remoteMu; bounded by nodesMax
}

// New makes a client. It does no I/O: the session is opened by the first write.
func New(cfg Config) *Client {
	cfg = cfg.withDefaults()
	c := &Client{
		cfg:     cfg,
		pool:    NewPool(cfg.BufferBytes, cfg.BlockBytes),
		nodes:   newNodes(),
		checks:  make(chan struct{}, checksMax),
		runs:    make(chan struct{}, runBytesOfClient/runBytes),
		remotes: make(map[metadata.NodeID]*Remote),
	}
	c.volumes = newVolumes(cfg.Leaser)
	c.refs = newRefCache(cfg.Referrer)
	c.leases = newLeases(cfg, c.nodes, c.volumes)
	return c
}

// Close releases the leases and ends the session. Writers must have ended;
// Readers may go on. It waits for the client's goroutines.
func (c *Client) Close(ctx context.Context) error {
	err := c.leases.close(ctx)
	for range cap(c.checks) { // each ends within checkTimeout
		select {
		case c.checks <- struct{}{}:
			defer func() { <-c.checks }()
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// target returns the way to a replica's server: the one in this process, or a
// remote.
func (c *Client) target(node metadata.NodeID, addr string) (Target, error) {
	if c.cfg.Local != nil {
		if t := c.cfg.Local(node); t != nil {
			return t, nil
		}
	}
	if c.cfg.Wire == nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "no way to storage server %v", node)
	}
	c.remoteMu.Lock()
	defer c.remoteMu.Unlock()
	r := c.remotes[node]
	if r == nil || r.addr != addr {
		if len(c.remotes) >= nodesMax {
			clear(c.remotes)
		}
		r = NewRemote(c.cfg.Wire, node, addr)
		c.remotes[node] = r
	}
	return r, nil
}

// local reports whether the node's storage server runs in this process.
func (c *Client) local(node metadata.NodeID) bool {
	return c.cfg.Local != nil && c.cfg.Local(node) != nil
}
