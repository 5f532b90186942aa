package replica

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// Member is a nameserver of the group.
type Member struct {
	ID    metadata.NodeID
	Addr  string // host:port
	Voter bool   // counts for majorities; a non-voter only follows
}

// Members returns the nameservers as this node knows them.
func (n *Node) Members() ([]Member, error) {
	var out []Member
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		id, addr, err := parsePeerAddress(s.Address)
		if err != nil {
			return nil, err
		}
		out = append(out, Member{ID: id, Addr: addr, Voter: s.Suffrage == raft.Voter})
	}
	return out, nil
}

// Answers reports whether a nameserver has accepted a message of this node's
// within the time. Only the leader sends any; it answers to itself.
func (n *Node) Answers(id metadata.NodeID, within time.Duration) bool {
	return id == n.cfg.ID || time.Since(n.transport.acks.heard(raft.ServerID(id.String()))) < within
}

// AddNonvoter makes a nameserver follow without a vote. Only the leader can;
// KindUnavailable elsewhere. The nameserver must have been opened with
// Config.Join. A nameserver that is a voter stays one.
func (n *Node) AddNonvoter(ctx context.Context, id metadata.NodeID, addr string) error {
	return n.change(ctx, id, addr, func(sid raft.ServerID, a raft.ServerAddress, d time.Duration) raft.IndexFuture {
		return n.raft.AddNonvoter(sid, a, 0, d)
	})
}

// AddVoter makes a nameserver a voter, or changes a voter's address. Let a new
// one catch up as a non-voter first: from this call on it counts for
// majorities.
func (n *Node) AddVoter(ctx context.Context, id metadata.NodeID, addr string) error {
	return n.change(ctx, id, addr, func(sid raft.ServerID, a raft.ServerAddress, d time.Duration) raft.IndexFuture {
		return n.raft.AddVoter(sid, a, 0, d)
	})
}

// RemoveServer removes a nameserver from the group for good: its folder must
// be wiped, and it comes back only under a new id.
func (n *Node) RemoveServer(ctx context.Context, id metadata.NodeID) error {
	return n.change(ctx, id, "unused:0", func(sid raft.ServerID, _ raft.ServerAddress, d time.Duration) raft.IndexFuture {
		return n.raft.RemoveServer(sid, 0, d)
	})
}

// change runs a change of the configuration.
func (n *Node) change(ctx context.Context, id metadata.NodeID, addr string,
	start func(raft.ServerID, raft.ServerAddress, time.Duration) raft.IndexFuture) error {
	a, err := peerAddress(id, addr)
	if err != nil {
		return err
	}
	if n.lead.current() == nil {
		return n.unavailable()
	}
	return n.finish(ctx, start(raft.ServerID(id.String()), a, untilDeadline(ctx)))
}

// untilDeadline is the time that ctx leaves; 0 means no limit, as for raft.
func untilDeadline(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(deadline), time.Millisecond)
}

// finish waits for a future or ctx. The goroutine it leaves behind when ctx
// ends first is over when raft answers or ends.
func (n *Node) finish(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- n.result(f) }()
	select {
	case err := <-done:
		if err != nil {
			return n.entryError(err)
		}
		return nil
	case <-ctx.Done():
		return unknownOutcome(ctx.Err())
	}
}

// TransferLeadership hands the lead to another voter; id 0 lets raft choose
// the one that is furthest. Commands are refused with KindUnavailable
// meanwhile. If the transfer fails, this node goes on.
func (n *Node) TransferLeadership(ctx context.Context, id metadata.NodeID) error {
	if n.lead.current() == nil {
		return n.unavailable()
	}
	if id == 0 {
		return n.finish(ctx, n.raft.LeadershipTransfer())
	}
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		if s.ID == raft.ServerID(id.String()) && s.Suffrage == raft.Voter {
			return n.finish(ctx, n.raft.LeadershipTransferToServer(s.ID, s.Address))
		}
	}
	return metadata.Errorf(metadata.KindNotFound, "nameserver %v is not a voter", id)
}
