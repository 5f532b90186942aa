package blockio

import (
	"slices"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of what is remembered about storage servers.
const (
	nodesMax    = 4096             // servers; beyond that everything is forgotten and learnt anew
	failedMin   = 10 * time.Second // a server that did not take a block is avoided this long at first,
	failedMax   = 2 * time.Minute  // doubling up to this
	shunMin     = 5 * time.Second  // the same for reading, where trying again costs little
	shunMax     = 30 * time.Second
	inFlightMax = 1024 // reads from one server of this process; with more its disk hangs
	latencies   = 128  // latest small reads kept for the hedging time
	hedgeMin    = 10 * time.Millisecond
	ewmaWeight  = 0.2
	ewmaInitial = float64(50 * time.Microsecond) // low, so that every server is tried
	ewmaFresh   = 10 * time.Second               // a server not read from for this long gets another chance
)

// nodes remembers how the storage servers behave, as this client sees them.
type nodes struct {
	mu     sync.Mutex
	byID   map[metadata.NodeID]*nodeState // guarded by mu, as all below
	recent [latencies]time.Duration       // of small reads from other processes
	count  int                            // of recent ever recorded
	p95    time.Duration
}

type nodeState struct {
	firstByte float64 // EWMA, nanoseconds
	measured  time.Time
	inFlight  int
	write     penalty
	read      penalty
}

// penalty is the time for which a server is avoided.
type penalty struct {
	until time.Time
	last  time.Duration
}

// extend starts a penalty, longer than the one before. Failing again within it
// changes nothing: many transfers notice the same failure.
func (p *penalty) extend(now time.Time, least, most time.Duration) {
	if now.Before(p.until) {
		return
	}
	p.last = min(max(2*p.last, least), most)
	p.until = now.Add(p.last)
}

func newNodes() *nodes { return &nodes{byID: make(map[metadata.NodeID]*nodeState)} }

// state returns the node's record. n.mu is held.
func (n *nodes) state(id metadata.NodeID) *nodeState {
	s := n.byID[id]
	if s == nil {
		if len(n.byID) >= nodesMax {
			clear(n.byID)
		}
		s = &nodeState{firstByte: ewmaInitial}
		n.byID[id] = s
	}
	return s
}

// fail notes that a server did not take or confirm a block.
func (n *nodes) fail(id metadata.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state(id).write.extend(time.Now(), failedMin, failedMax)
}

// shun notes that a server did not deliver what was asked for.
func (n *nodes) shun(id metadata.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state(id).read.extend(time.Now(), shunMin, shunMax)
}

// ok notes that a server took a block.
func (n *nodes) ok(id metadata.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.byID[id]; s != nil {
		s.write = penalty{}
	}
}

// failed reports whether the server is to be avoided for writing now.
func (n *nodes) failed(id metadata.NodeID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.byID[id]
	return s != nil && s.write.last > 0 && time.Now().Before(s.write.until)
}

// shunned reports whether the server is to be avoided for reading now: it
// failed lately, or very many reads from it have not come back.
func (n *nodes) shunned(id metadata.NodeID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.byID[id]
	return s != nil && (s.inFlight > inFlightMax || s.read.last > 0 && time.Now().Before(s.read.until))
}

// avoid lists the servers to be avoided now.
func (n *nodes) avoid() []metadata.NodeID {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ids []metadata.NodeID
	now := time.Now()
	for id, s := range n.byID {
		if now.Before(s.write.until) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// begin counts a read as in flight.
func (n *nodes) begin(id metadata.NodeID) {
	n.mu.Lock()
	n.state(id).inFlight++
	n.mu.Unlock()
}

// end counts it as done. firstByte is zero when none came; small marks a read
// that counts for the hedging time.
func (n *nodes) end(id metadata.NodeID, firstByte time.Duration, small bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.state(id)
	s.inFlight = max(0, s.inFlight-1)
	if firstByte <= 0 {
		return
	}
	s.read = penalty{}
	s.measured = time.Now()
	s.firstByte += ewmaWeight * (float64(firstByte) - s.firstByte)
	if !small {
		return
	}
	n.recent[n.count%latencies] = firstByte
	n.count++
	if n.count%(latencies/4) == 0 {
		sorted := slices.Clone(n.recent[:min(n.count, latencies)])
		slices.Sort(sorted)
		n.p95 = sorted[len(sorted)*95/100]
	}
}

// hedgeAfter is how long a small read waits before it is asked for elsewhere too.
func (n *nodes) hedgeAfter() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(hedgeMin, n.p95)
}

// score is what a read from the server will probably take; lower is better.
// One that failed lately comes after all others.
func (n *nodes) score(id metadata.NodeID) float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.byID[id]
	if s == nil {
		return ewmaInitial
	}
	now, firstByte := time.Now(), s.firstByte
	if now.Sub(s.measured) > ewmaFresh {
		firstByte = ewmaInitial
	}
	score := firstByte * float64(s.inFlight+1)
	if s.read.last > 0 && now.Before(s.read.until) {
		score += float64(shunMax)
	}
	return score
}
