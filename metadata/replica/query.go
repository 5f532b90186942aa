package replica

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// Query answers q from a state that includes every command answered before
// Query was called (linearizable). Answer.Applied is the index of that state.
//
// Errors: those of namespace.Answer; KindUnavailable: this node does not lead;
// KindTimeout, KindCanceled: ctx ended before leadership was proved; KindBusy.
func (n *Node) Query(ctx context.Context, q *metapb.Query) (*metapb.Answer, error) {
	if err := n.readable(ctx); err != nil {
		return nil, err
	}
	n.stats.queries.Add(1)
	var a *metapb.Answer
	err := n.state.query(func(r namespace.Reader, index uint64) (err error) {
		a, err = n.cfg.machine.answer(r, q)
		if a != nil {
			a.Applied = max(a.Applied, index)
		}
		return err
	})
	var refused *metadata.Error
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &refused):
		return nil, err
	}
	n.failure.set(metadata.Errorf(metadata.KindCorrupt, "read the state: %w", err))
	return nil, n.unavailable()
}

// readable returns nil once this node has proved, after the call began, that
// it leads in a term whose barrier it has applied. Its state then has all that
// any leader ever answered.
func (n *Node) readable(ctx context.Context) error {
	t := n.lead.current()
	if t == nil || n.failure.get() != nil {
		return n.unavailable()
	}
	if !n.alone() {
		if err := n.prove(ctx); err != nil {
			return err
		}
	}
	if n.raft.State() != raft.Leader || n.raft.CurrentTerm() != t.number || n.lead.current() != t {
		return n.unavailable()
	}
	return nil
}

// alone reports whether this node is the only voter: then nobody else can lead.
func (n *Node) alone() bool {
	voters, self := 0, false
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters++
			self = self || s.ID == raft.ServerID(n.cfg.ID.String())
		}
	}
	return voters == 1 && self
}

// prove waits for a proof of leadership that was begun after the call.
func (n *Node) prove(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case n.proofs <- done:
	default:
		return metadata.Errorf(metadata.KindBusy, "too many queries are waiting; try again")
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return metadata.Errorf(metadata.KindOf(ctx.Err()), "the nameserver could not prove in time that it leads: %w", ctx.Err())
	case <-n.failure.done:
		return n.unavailable()
	case <-n.quit:
		return n.unavailable()
	}
}

// verify is the goroutine that proves leadership: one exchange with a majority
// for all queries that wait at its beginning.
func (n *Node) verify() {
	defer n.routines.Done()
	var waiters []chan error
	for {
		waiters = waiters[:0]
		select {
		case w := <-n.proofs:
			waiters = append(waiters, w)
		case <-n.quit:
			return
		}
		for more := true; more; {
			select {
			case w := <-n.proofs:
				waiters = append(waiters, w)
			default:
				more = false
			}
		}
		n.stats.proofs.Add(1)
		err := n.proveNow()
		for _, w := range waiters {
			w <- err
		}
	}
}

// proveNow returns nil when a majority of the voters has accepted messages of
// the term being served that were sent after the call began.
func (n *Node) proveNow() error {
	start := time.Now()
	t := n.lead.current()
	if t == nil {
		return n.unavailable()
	}
	n.raft.VerifyLeader() // only to have heartbeats sent now; see acks
	limit := time.NewTimer(n.cfg.Heartbeat)
	defer limit.Stop()
	for {
		members := n.raft.GetConfiguration().Configuration()
		ok, changed := n.transport.acks.majority(members, raft.ServerID(n.cfg.ID.String()), t.number, start)
		switch {
		case ok:
			return nil
		case n.lead.current() != t:
			return n.unavailable()
		}
		select {
		case <-changed:
		case <-t.over:
		case <-limit.C:
			return metadata.Errorf(metadata.KindUnavailable, "no majority of the nameservers answers at the moment")
		case <-n.quit:
			return n.unavailable()
		}
	}
}
