package replica

import (
	"sync"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// Leadership is a change of this node's role.
type Leadership struct {
	Term uint64
	// Leading: this node is the leader and has applied everything that was ever
	// answered. Otherwise it has just lost that.
	Leading bool
}

// term is one period of leadership of this node.
type term struct {
	number uint64
	over   chan struct{} // closed at its end
}

func newTerm(number uint64) *term { return &term{number, make(chan struct{})} }

// leadership follows raft's leadership. The node serves only between the term
// barrier and the loss.
type leadership struct {
	mu       sync.Mutex
	term     *term // nil while not serving
	watchers []chan Leadership
	last     Leadership
	closed   bool
}

// current returns the term being served, or nil.
func (l *leadership) current() *term {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term
}

// set changes the state and tells the watchers.
func (l *leadership) set(t *term) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t == nil && l.term == nil {
		return
	}
	if t != nil {
		l.last = Leadership{Term: t.number, Leading: true}
	} else {
		l.last = Leadership{Term: l.term.number}
	}
	if l.term != nil {
		close(l.term.over)
	}
	l.term = t
	for _, w := range l.watchers {
		replace(w, l.last)
	}
}

// watch adds a watcher, which gets the present state at once.
func (l *leadership) watch() <-chan Leadership {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := make(chan Leadership, 1)
	w <- l.last
	if l.closed {
		close(w)
		return w
	}
	l.watchers = append(l.watchers, w)
	return w
}

// close ends all watchers.
func (l *leadership) close() {
	l.set(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, w := range l.watchers {
		close(w)
	}
	l.watchers = nil
}

// replace puts v into w instead of what nobody has read yet. Only holders of
// leadership.mu send.
func replace(w chan Leadership, v Leadership) {
	select {
	case <-w:
	default:
	}
	w <- v
}

// Leading returns a channel of changes of this node's leadership, beginning
// with the present state. A slow reader misses changes in between, never the
// last: two terms in a row mean that leadership was lost in between. The
// channel is closed by Close. Every call makes a channel that lasts until
// then, so call it once for each consumer.
func (n *Node) Leading() <-chan Leadership { return n.lead.watch() }

// Leader returns the leader as this node knows it, zero values when it knows
// none, and whether it is this node and serving.
func (n *Node) Leader() (id metadata.NodeID, addr string, isSelf bool) {
	a, _ := n.raft.LeaderWithID()
	if a == "" {
		return 0, "", false
	}
	id, addr, err := parsePeerAddress(a)
	if err != nil {
		return 0, "", false
	}
	return id, addr, id == n.cfg.ID && n.lead.current() != nil
}

// taken is the end of a takeover.
type taken struct {
	round int
	term  uint64
	err   error
}

// follow is the goroutine lead.
func (n *Node) follow() {
	defer n.routines.Done()
	round := 0
	done := make(chan taken)
	failed := n.failure.done
	for {
		select {
		case leader := <-n.notify:
			round++
			n.lead.set(nil)
			if leader {
				go n.takeOver(round, done)
			}
		case t := <-done:
			if t.round == round && t.err == nil {
				n.cfg.Logger.Info("leading the nameservers", "node", n.cfg.ID.String(), "term", t.term)
				n.lead.set(newTerm(t.term))
			}
		case <-failed:
			failed = nil
			n.lead.set(nil)
			n.raft.Shutdown() // a broken voter must neither vote nor lead; Close waits for it
		case <-n.quit:
			return
		}
	}
}

// takeOver waits until everything that earlier leaders answered is applied
// here: a barrier of this term (Raft dissertation §6.4 step 1).
func (n *Node) takeOver(round int, done chan<- taken) {
	t := taken{round: round, term: n.raft.CurrentTerm()}
	t.err = n.result(n.raft.Barrier(0))
	if t.err == nil && n.raft.CurrentTerm() != t.term {
		t.err = raft.ErrLeadershipLost
	}
	if t.err == nil {
		n.floor.Store(n.clusterTime())
	}
	select {
	case done <- t:
	case <-n.quit:
	}
}

// unavailable says where to go instead.
func (n *Node) unavailable() error {
	if err := n.failure.get(); err != nil {
		return metadata.Errorf(metadata.KindUnavailable, "this nameserver has stopped: %v", err)
	}
	id, addr, _ := n.Leader()
	switch id {
	case 0:
		return metadata.Errorf(metadata.KindUnavailable, "the nameservers have no leader at the moment")
	case n.cfg.ID:
		return metadata.Errorf(metadata.KindUnavailable, "this nameserver is taking over the lead")
	}
	return metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead; the leader is %v at %s", id, addr)
}
