package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/metadata/replica"
	"kendfs/quicwire"
)

// Runtime is what a node needs besides its settings.
type Runtime struct {
	Logger  *slog.Logger // nil: discard
	Version string       // of the binary, for heartbeats
}

// Node is a running node.
type Node struct {
	cfg      Config
	run      Runtime
	log      *slog.Logger
	local    *Local
	lock     *folderLock
	identity *identity
	endpoint *quicwire.Endpoint
	removed  removed
	meta     *metarpc.Client // the nameserver: here, elsewhere in the process, or remote
	renewer  renewer
	replica  *replica.Node    // nil: not a nameserver
	storage  *datanode.Server // nil: not a storage server
	disks    []*blockstore.Store
	traffic  *traffic       // nil: not a gateway
	drive    metadata.Drive // where the gateway is; set before anything reads it
	blocks   *blockio.Client
	running  Running
	started  time.Time

	ctx    context.Context // of everything that runs until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	failed chan error

	// stops are run by Close in reverse order: what was started last stops
	// first. drains come before all stops: they end the gateway.
	stops, drains []func(ctx context.Context) error
}

// Start runs the node in cfg's folder until Close. local connects it with
// other nodes of this process. A node that cannot start leaves nothing running.
func Start(ctx context.Context, cfg Config, local *Local, run Runtime) (*Node, error) {
	if run.Logger == nil {
		run.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{cfg: cfg, run: run, local: local, failed: make(chan error, 1), started: time.Now()}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close(ctx))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	if n.cfg.onlyClient() {
		return metadata.Errorf(metadata.KindInvalid,
			"%s is a client's folder, there is nothing to run: use `ken fs` and the other commands", n.cfg.dir)
	}
	var err error
	if n.lock, err = lockFolder(n.cfg.dir); err != nil {
		return err
	}
	if n.identity, err = loadIdentity(n.cfg.dir, certFile, keyFile); err != nil {
		return err
	}
	n.log = n.run.Logger.With("node", n.ID().String())
	if err := n.openEndpoint(); err != nil {
		return err
	}
	n.running = Running{PID: os.Getpid(), QUIC: n.cfg.advertised(n.endpoint.Addr())}
	// Handlers are registered before the endpoint starts; loops start after it.
	for _, part := range []struct {
		role  string
		start func(context.Context) error
	}{
		{metadata.NodeNameserver, n.openNameserver},
		{"", n.findNameserver},
		{metadata.NodeDatanode, n.openStorage},
		{"", func(context.Context) error { return n.endpoint.Start() }},
		{metadata.NodeDatanode, n.startStorage},
		{metadata.NodeWebDAV, n.startGateway},
		{metadata.NodeAdmin, n.startAdmin},
		{"", n.startMonitor},
	} {
		if part.role != "" && !n.cfg.Has(part.role) {
			continue
		}
		if err := part.start(ctx); err != nil {
			return err
		}
	}
	n.wg.Go(func() { n.identity.keepRenewed(n.ctx, n.renewer, n.log) })
	n.wg.Go(n.watchRemoved)
	return n.running.save(n.cfg.dir)
}

func (n *Node) openEndpoint() error {
	key, err := resetKey(n.cfg.dir)
	if err != nil {
		return err
	}
	n.endpoint, err = quicwire.Open(quicwire.Config{
		Listen: n.cfg.Listen, Credentials: n.identity.credentials, ResetKey: key, ErrorCode: errorCode,
		Revoked: n.removed.has, Logger: n.log,
	})
	if err != nil {
		return metadata.Errorf(metadata.KindUnavailable, "listen on %s (UDP): %w", n.cfg.Listen, err)
	}
	n.onStop(func(context.Context) error { return n.endpoint.Close() })
	return nil
}

// findNameserver makes the client that the node's own roles use.
func (n *Node) findNameserver(context.Context) error {
	if n.meta != nil {
		return nil
	}
	remote := metarpc.NewRemote(n.endpoint, n.cfg.Nameservers, 0)
	n.renewer = remote
	if n.meta = n.local.nameserver(); n.meta == nil {
		n.meta = metarpc.NewClient(remote, remote)
	}
	return nil
}

// ID returns the node's id.
func (n *Node) ID() metadata.NodeID { return n.identity.node() }

// Running says where the node listens.
func (n *Node) Running() Running { return n.running }

// Failed delivers the error for which the node must stop: a disk or a log that
// can no longer be trusted.
func (n *Node) Failed() <-chan error { return n.failed }

// fail reports an error of which the node cannot recover.
func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // one is enough
	}
}

func (n *Node) onStop(f func(context.Context) error) { n.stops = append(n.stops, f) }

// drainGateway takes no new requests, lets the running ones finish and gives
// the leases back.
func (n *Node) drainGateway(ctx context.Context) error {
	drains := n.drains
	n.drains = nil
	return runReversed(ctx, drains)
}

// Close stops the node: the gateway drains, the storage server says goodbye,
// the nameserver hands over. It returns when everything has ended; what has not
// finished when ctx ends is broken off.
func (n *Node) Close(ctx context.Context) error {
	err := errors.Join(n.drainGateway(ctx), runReversed(ctx, n.stops))
	n.cancel()
	n.wg.Wait()
	n.lock.release()
	return err
}

func runReversed(ctx context.Context, fs []func(context.Context) error) error {
	var errs []error
	for i := len(fs) - 1; i >= 0; i-- {
		errs = append(errs, fs[i](ctx))
	}
	return errors.Join(errs...)
}

// listenTCP binds the gateway's socket, with an error that says what to do.
func listenTCP(addr, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "%w: choose another address with %s", err, flag)
	}
	return l, nil
}
