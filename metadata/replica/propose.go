package replica

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// States of a proposal.
const (
	waiting   = iota // in the queue: can still be withdrawn
	submitted        // in an entry: the outcome is decided by raft
	withdrawn        // its caller has gone
)

// proposal is a command on its way.
type proposal struct {
	data  []byte // encoded command
	state atomic.Int32
	done  chan answered // capacity 1
}

type answered struct {
	result *metapb.Result
	err    error
}

// Propose replicates a command and returns the state machine's answer once the
// command is durable on a majority and applied here. A command that the state
// machine refused is a Result with a kind, not an error.
//
// Errors: KindUnavailable: this node does not lead, has stopped or is closed,
// or ctx ended before the command was submitted; it was not and will not be
// applied. KindBusy: the queue is full; not applied. KindTooLarge: over
// CommandBytesMax. KindCanceled: ctx was canceled before it was submitted.
// KindTimeout: ctx ended, or leadership was lost, after it was submitted; it
// may yet be applied. Only idempotent commands may then be repeated.
func (n *Node) Propose(ctx context.Context, c *metapb.Command) (*metapb.Result, error) {
	data, err := proto.Marshal(c)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "encode command: %w", err)
	}
	if len(data) > CommandBytesMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "command has %d bytes, at most %d are allowed", len(data), CommandBytesMax)
	}
	if n.lead.current() == nil || n.failure.get() != nil {
		n.stats.refused.Add(1)
		return nil, n.unavailable()
	}
	p := &proposal{data: data, done: make(chan answered, 1)}
	if err := n.enqueue(p); err != nil {
		n.stats.refused.Add(1)
		return nil, err
	}
	return n.await(ctx, p)
}

// enqueue puts p into the queue if it is not full.
func (n *Node) enqueue(p *proposal) error {
	if n.queued.Add(int64(len(p.data))) <= queueBytesMax {
		select {
		case n.queue <- p:
			return nil
		default:
		}
	}
	n.queued.Add(-int64(len(p.data)))
	return metadata.Errorf(metadata.KindBusy, "too many changes are waiting; try again")
}

// await waits for the answer to p.
func (n *Node) await(ctx context.Context, p *proposal) (*metapb.Result, error) {
	var cause error
	select {
	case a := <-p.done:
		return a.result, a.err
	case <-ctx.Done():
		cause = ctx.Err()
	case <-n.failure.done:
	case <-n.over:
	case <-n.stopped:
		if p.state.Load() == submitted { // raft still works on it
			return n.awaitLast(ctx, p)
		}
	}
	return n.giveUp(p, cause)
}

// awaitLast waits for the answer to a submitted proposal while the node closes.
func (n *Node) awaitLast(ctx context.Context, p *proposal) (*metapb.Result, error) {
	var cause error
	select {
	case a := <-p.done:
		return a.result, a.err
	case <-ctx.Done():
		cause = ctx.Err()
	case <-n.failure.done:
	case <-n.over:
	}
	return n.giveUp(p, cause)
}

// giveUp withdraws p if it can, and returns an answer that came just now.
func (n *Node) giveUp(p *proposal, cause error) (*metapb.Result, error) {
	if p.state.CompareAndSwap(waiting, withdrawn) {
		n.stats.refused.Add(1)
		switch {
		case errors.Is(cause, context.Canceled):
			return nil, metadata.Errorf(metadata.KindCanceled, "canceled before the change was submitted")
		case cause != nil:
			return nil, metadata.Errorf(metadata.KindUnavailable, "the nameserver was too busy to submit the change in time")
		}
		return nil, n.unavailable()
	}
	select {
	case a := <-p.done:
		return a.result, a.err
	default:
	}
	n.stats.unknown.Add(1)
	return nil, unknownOutcome(cause)
}

// unknownOutcome is the error for a command that may yet be applied.
func unknownOutcome(cause error) error {
	if cause == nil {
		return metadata.Errorf(metadata.KindTimeout, "the nameserver stopped before it answered; the outcome is unknown")
	}
	return metadata.Errorf(metadata.KindTimeout, "no answer to the change in time; the outcome is unknown: %w", cause)
}

// batch is the goroutine that turns proposals into entries. While one entry is
// being fsynced the next commands gather, so the batches grow with the load.
func (n *Node) batch() {
	defer close(n.stopped)
	slots := make(chan struct{}, entriesInFlight)
	var carry *proposal // did not fit into the entry before
	for {
		first := carry
		if first == nil {
			select {
			case first = <-n.queue:
			case <-n.closing:
				return
			}
		}
		select {
		case slots <- struct{}{}:
		case <-n.failure.done:
			return
		case <-n.quit:
			return
		}
		runtime.Gosched() // who is about to propose comes first, and shares the fsync (RP-16)
		var entry []*proposal
		entry, carry = n.gather(first)
		if len(entry) == 0 {
			<-slots
			continue
		}
		future := n.raft.Apply(n.encode(entry), 0)
		n.entries.Add(1)
		go func() {
			defer n.entries.Done()
			n.deliver(future, entry)
			<-slots
		}()
	}
}

// gather takes proposals from the queue until the entry is full or the queue
// is empty.
func (n *Node) gather(first *proposal) (entry []*proposal, carry *proposal) {
	size := 0
	for p := first; p != nil; {
		if size > 0 && size+len(p.data) > batchBytesMax {
			return entry, p
		}
		n.queued.Add(-int64(len(p.data)))
		if p.state.CompareAndSwap(waiting, submitted) {
			entry = append(entry, p)
			size += len(p.data)
		}
		if len(entry) == batchCommandsMax {
			return entry, nil
		}
		select {
		case p = <-n.queue:
		default:
			p = nil
		}
	}
	return entry, nil
}

// Fields of metapb.Batch.
const (
	batchFieldVersion  = 1
	batchFieldNow      = 2
	batchFieldCommands = 3
)

// encode makes a metapb.Batch of commands that are encoded already.
func (n *Node) encode(entry []*proposal) []byte {
	size := 32
	for _, p := range entry {
		size += len(p.data) + 6
	}
	b := make([]byte, 0, size)
	b = protowire.AppendTag(b, batchFieldVersion, protowire.VarintType)
	b = protowire.AppendVarint(b, batchVersion)
	b = protowire.AppendTag(b, batchFieldNow, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(n.now()))
	for _, p := range entry {
		b = protowire.AppendTag(b, batchFieldCommands, protowire.BytesType)
		b = protowire.AppendBytes(b, p.data)
	}
	return b
}

// now is the cluster's time: the wall clock, but never behind what the state
// had when this node took the lead, and never slower than time passes. So it
// goes on, and locks and grace times with it, when a clock that was ahead is
// set back or hands the lead to one that is right. Only batch calls it.
func (n *Node) now() int64 {
	t := time.Now()
	passed := int64(1) // never twice the same
	if !n.lastAt.IsZero() {
		passed = max(passed, int64(t.Sub(n.lastAt))) // by the monotonic clock
	}
	n.lastNow = max(t.UnixNano(), n.lastNow+passed, n.floor.Load()+1)
	n.lastAt = t
	return n.lastNow
}

// clusterTime is the time of the last command in the state, 0 before the first.
func (n *Node) clusterTime() (now int64) {
	err := n.state.view(func(r rowReader, _ uint64) error {
		a, err := n.cfg.machine.answer(r, &metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{}}})
		now = a.GetCluster().GetNow()
		return err
	})
	if err != nil {
		return 0 // not initialised yet; a failure shows with the first query
	}
	return now
}

// deliver waits for an entry and answers its proposals.
func (n *Node) deliver(future raft.ApplyFuture, entry []*proposal) {
	err := future.Error()
	var results []*metapb.Result
	if err == nil {
		results, _ = future.Response().([]*metapb.Result)
		if len(results) != len(entry) {
			err = metadata.Errorf(metadata.KindTimeout, "the entry was replaced; the outcome is unknown")
		}
	}
	if err != nil {
		err = n.entryError(err)
		for _, p := range entry {
			p.done <- answered{err: err}
		}
		return
	}
	n.stats.entries.Add(1)
	n.stats.commands.Add(uint64(len(entry)))
	n.stats.batch.add(uint64(len(entry)))
	for i, p := range entry {
		p.done <- answered{result: results[i]}
	}
}

// entryError tells an entry that raft did not take from one whose fate is open.
func (n *Node) entryError(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		n.stats.refused.Add(1)
		return n.unavailable()
	case metadata.KindOf(err) == metadata.KindTimeout:
		return err
	}
	n.stats.unknown.Add(1)
	return metadata.Errorf(metadata.KindTimeout, "the outcome of the change is unknown: %w", err)
}
