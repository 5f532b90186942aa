package replica

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// acks remembers for each other nameserver the newest message of this leader
// that it has accepted, by the time at which the message was sent.
//
// Raft's own VerifyLeader is not enough for linearizable reads: it takes the
// next answer that comes, however long ago its question was sent (a leader that
// was stopped for a while and wakes up finds such answers in its buffers), and
// it counts the answers of non-voters.
type acks struct {
	mu      sync.Mutex
	last    map[raft.ServerID]ack
	changed chan struct{} // closed and replaced when last changes
}

// ack is an accepted message.
type ack struct {
	term uint64
	sent time.Time
}

func newAcks() *acks {
	return &acks{last: map[raft.ServerID]ack{}, changed: make(chan struct{})}
}

// note records that id accepted a message of term that was sent at sent.
func (a *acks) note(id raft.ServerID, term uint64, sent time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.last[id]; old.term > term || old.term == term && !sent.After(old.sent) {
		return
	}
	a.last[id] = ack{term, sent}
	close(a.changed)
	a.changed = make(chan struct{})
}

// majority reports whether a majority of the voters in members, of which self
// is one, accepted messages of term that were sent at since or later: then no
// later term had a leader at since. The channel is closed at the next change.
func (a *acks) majority(members raft.Configuration, self raft.ServerID, term uint64, since time.Time) (bool, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	voters, accepted := 0, 0
	for _, s := range members.Servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if m := a.last[s.ID]; s.ID == self || m.term == term && !m.sent.Before(since) {
			accepted++
		}
	}
	return accepted > voters/2, a.changed
}

// heard returns when the newest message was sent that id has accepted.
func (a *acks) heard(id raft.ServerID) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[id].sent
}
