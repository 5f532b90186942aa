package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/metadata/namespace"
)

// keyCurrentTerm is raft's own key of the current term in its StableStore.
const keyCurrentTerm = "CurrentTerm"

// readyTimeout bounds how long Open waits until the only voter leads. It takes
// half a dozen fsyncs; a disk that needs longer than this is not fit.
const readyTimeout = 30 * time.Second

// Node is one nameserver's replica of the namespace. Its methods may be called
// from any goroutine.
type Node struct {
	cfg     Config
	failure *failure
	stats   counters

	folders   *folders
	logs      *logStore
	state     *state
	transport *transport
	raft      *raft.Raft

	lead   leadership
	notify chan bool       // from raft: leadership gained or lost
	proofs chan chan error // queries that wait for a proof of leadership

	queue   chan *proposal
	queued  atomic.Int64 // bytes in queue
	lastNow int64        // owned by batch
	lastAt  time.Time    // of lastNow; owned by batch
	floor   atomic.Int64 // the cluster's time when this node took the lead

	closing  chan struct{} // closed: no proposal is taken from the queue any more
	stopped  chan struct{} // closed: batch has ended
	quit     chan struct{} // closed: all other goroutines end
	over     chan struct{} // closed: raft has ended, what it has not answered it never will
	entries  sync.WaitGroup
	routines sync.WaitGroup
	close    sync.Once
	closeErr error
}

// Open opens the nameserver in cfg.Dir and joins its group. When it is the only
// voter, Open returns once it leads; otherwise at once.
//
// Errors: KindConflict: another process has the folder, or it is another
// node's; KindUnsupported: written by a newer program; KindCorrupt: the files
// are damaged or contradict each other; KindNotFound: the folder is empty and
// neither Bootstrap nor Join is given.
func Open(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:     cfg,
		failure: newFailure(cfg.Logger),
		notify:  make(chan bool, 64),
		proofs:  make(chan chan error, queryWaitersMax),
		queue:   make(chan *proposal, queueCommandsMax),
		closing: make(chan struct{}), stopped: make(chan struct{}), quit: make(chan struct{}), over: make(chan struct{}),
	}
	if err := n.failure.guarded(n.open); err != nil {
		n.release()
		return nil, fmt.Errorf("open nameserver %v: %w", cfg.ID, err)
	}
	n.routines.Add(3)
	go n.batch()
	go n.follow()
	go n.verify()
	go n.compact()
	if n.alone() {
		if err := n.start(); err != nil {
			return nil, errors.Join(fmt.Errorf("open nameserver %v: %w", cfg.ID, err), n.Close())
		}
	}
	return n, nil
}

// open opens the folder and starts raft.
func (n *Node) open() (err error) {
	if n.folders, err = openFolders(n.cfg.Dir, n.cfg.FS, n.failure); err != nil {
		return err
	}
	path := n.folders.path(logFolder)
	if n.logs, err = openLogStore(path, n.cfg.FS, n.cfg.ID, n.failure, &n.stats); err != nil {
		return err
	}
	if err := n.logs.recoverInstall(n.folders.current); err != nil {
		return err
	}
	if n.state, err = openState(n.folders, n.logs, n.cfg.machine, n.failure, &n.stats); err != nil {
		return err
	}
	if err := n.logs.check(n.state.progress); err != nil {
		return err
	}
	if err := n.bootstrap(); err != nil {
		return err
	}
	if n.cfg.Endpoint != nil {
		n.cfg.Peers = listenQUIC(n.cfg.Endpoint)
	}
	logger := raftLogger(n.cfg.Logger)
	if n.transport, err = openTransport(&n.cfg, logger); err != nil {
		return err
	}
	conf := n.raftConfig()
	conf.Logger = logger
	n.raft, err = raft.NewRaft(conf, n.state, n.logs, n.logs, &snapshots{state: n.state}, n.transport)
	return err
}

// raftConfig returns raft's settings.
func (n *Node) raftConfig() *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(n.cfg.ID.String())
	conf.HeartbeatTimeout = n.cfg.Heartbeat
	conf.ElectionTimeout = n.cfg.Heartbeat
	conf.LeaderLeaseTimeout = n.cfg.Heartbeat / 2
	conf.MaxAppendEntries = appendEntriesMax
	conf.BatchApplyCh = true
	conf.SnapshotThreshold = snapshotEntries
	conf.SnapshotInterval = snapshotInterval
	conf.TrailingLogs = trailingEntries
	conf.NoSnapshotRestoreOnStart = true // the state is on disk
	conf.NoLegacyTelemetry = true
	conf.NotifyCh = n.notify
	return conf
}

// bootstrap writes the first configuration into an empty folder.
func (n *Node) bootstrap() error {
	last, err := n.logs.LastIndex()
	if err != nil {
		return err
	}
	switch {
	case last > 0 || n.state.applied() > 0 || n.cfg.Join:
		return nil
	case n.cfg.Bootstrap == nil:
		term, err := n.logs.GetUint64([]byte(keyCurrentTerm))
		if err != nil || term > 0 {
			return err // it joined, and has not received anything yet
		}
		return metadata.Errorf(metadata.KindNotFound,
			"%s holds no nameserver; if it did, its disk is lost: remove this node and join it again under a new id", n.cfg.Dir)
	}
	addr, err := peerAddress(n.cfg.ID, n.cfg.Addr)
	if err != nil {
		return err
	}
	if n.cfg.transport != nil {
		addr = n.cfg.transport.LocalAddr()
	}
	return n.logs.bootstrap(raft.Server{ID: raft.ServerID(n.cfg.ID.String()), Address: addr, Suffrage: raft.Voter})
}

// start makes the only voter the leader and runs the first command if it has
// not been run.
func (n *Node) start() error {
	lead := n.Leading()
	n.transport.stand()
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	for n.lead.current() == nil {
		select {
		case <-lead:
		case <-n.failure.done:
			return n.failure.get()
		case <-timeout.C:
			return metadata.Errorf(metadata.KindTimeout, "the only voter does not lead after %v", readyTimeout)
		}
	}
	if n.cfg.Bootstrap == nil {
		return nil
	}
	var applied uint64
	err := n.state.view(func(r rowReader, _ uint64) (err error) {
		applied, err = n.cfg.machine.applied(r)
		return err
	})
	if err != nil || applied > 0 {
		return err
	}
	return n.initialize()
}

// initialize runs the Init command.
func (n *Node) initialize() error {
	ctx, cancel := timeoutContext(readyTimeout)
	defer cancel()
	res, err := n.Propose(ctx, n.cfg.Bootstrap)
	if err != nil {
		return err
	}
	if !res.Ok {
		return metadata.Errorf(metadata.Kind(res.Kind), "init: %s", res.Message)
	}
	return nil
}

// Failed returns the channel that gets the error that stopped the node for
// good: a failed write or fsync, or damaged files. The process should then
// exit; the node does not serve any more and Close leaves its databases alone.
// There is one channel and one error, for one reader.
func (n *Node) Failed() <-chan error { return n.failure.out }

// View calls fn with this node's own state, which may be behind the leader's,
// and the index it is of. fn must not keep r.
func (n *Node) View(fn func(r namespace.Reader, index uint64) error) error {
	return n.state.view(func(r rowReader, index uint64) error { return fn(r, index) })
}

// Close lets the commands in flight finish, stops raft, fsyncs and closes the
// folder. A leader of several voters hands the lead over first.
func (n *Node) Close() error {
	n.close.Do(func() { n.closeErr = n.shutdown() })
	return n.closeErr
}

func (n *Node) shutdown() error {
	close(n.closing)
	if n.failure.get() == nil && n.lead.current() != nil && !n.alone() {
		ctx, cancel := timeoutContext(n.cfg.Heartbeat)
		_ = n.TransferLeadership(ctx, 0) // only saves the others an election
		cancel()
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		<-n.stopped
		n.entries.Wait()
	}()
	select {
	case <-drained:
	case <-n.failure.done:
	case <-time.After(n.cfg.Heartbeat): // there is no majority
	}
	n.lead.close()
	close(n.quit)
	go func() {
		defer close(n.over)
		_ = n.raft.Shutdown().Error() // always nil
	}()
	select {
	case <-n.over:
	case <-n.afterFailure():
		n.cfg.Logger.Warn("raft does not end, because the storage failed under it")
	}
	<-n.stopped
	n.routines.Wait()
	return n.release()
}

// afterFailure returns a channel that fires some time after the node failed:
// a goroutine that is stuck in the broken database is not waited for.
func (n *Node) afterFailure() <-chan time.Time {
	out := make(chan time.Time, 1)
	go func() {
		select {
		case <-n.failure.done:
			out <- <-time.After(n.cfg.Heartbeat)
		case <-n.over:
		}
	}()
	return out
}

// result waits for a future. Raft leaves futures without an answer when it
// ends; then the error is raft.ErrRaftShutdown, and the goroutine that waits
// for the future stays behind.
func (n *Node) result(f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-n.failure.done:
	case <-n.over:
	}
	return raft.ErrRaftShutdown
}

// release closes what is open.
func (n *Node) release() error {
	var errs []error
	if n.transport != nil {
		errs = append(errs, n.transport.Close())
	}
	if n.state != nil {
		errs = append(errs, n.failure.guarded(n.state.close))
	}
	if n.logs != nil {
		errs = append(errs, n.failure.guarded(n.logs.close))
	}
	if n.folders != nil {
		errs = append(errs, n.folders.close())
	}
	return errors.Join(errs...)
}
