package replica

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// memNet connects nodes in memory, under raft's own network transport, and can
// be cut into parts.
type memNet struct {
	mu     sync.Mutex
	layers map[string]*memLayer
	conns  map[net.Conn][2]string
	part   map[string]int // nodes talk only within their part
}

func newMemNet() *memNet {
	return &memNet{layers: map[string]*memLayer{}, conns: map[net.Conn][2]string{}, part: map[string]int{}}
}

// memLayer is one node's StreamLayer.
type memLayer struct {
	net    *memNet
	addr   string
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memNet) listen(addr string) *memLayer {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &memLayer{net: m, addr: addr, accept: make(chan net.Conn), closed: make(chan struct{})}
	m.layers[addr] = l
	return l
}

// cut divides the net: the named nodes are apart from all others. Connections
// across are closed.
func (m *memNet) cut(addrs ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.part = map[string]int{}
	for _, a := range addrs {
		m.part[a] = 1
	}
	for c, ends := range m.conns {
		if m.part[ends[0]] != m.part[ends[1]] {
			_ = c.Close() // the point of it
			delete(m.conns, c)
		}
	}
}

// heal joins the parts.
func (m *memNet) heal() { m.cut() }

func (l *memLayer) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memLayer) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memLayer) Addr() net.Addr { return peerAddr(l.addr) }

func (l *memLayer) Dial(a raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	_, addr, err := parsePeerAddress(a)
	if err != nil {
		return nil, err
	}
	l.net.mu.Lock()
	to := l.net.layers[addr]
	if to == nil || l.net.part[addr] != l.net.part[l.addr] {
		l.net.mu.Unlock()
		return nil, fmt.Errorf("%s cannot reach %s", l.addr, addr)
	}
	near, far := net.Pipe()
	l.net.conns[near] = [2]string{l.addr, addr}
	l.net.mu.Unlock()
	select {
	case to.accept <- far:
		return near, nil
	case <-to.closed:
	case <-time.After(timeout):
	}
	return nil, fmt.Errorf("%s does not accept", addr)
}

// group is some nameservers on one memNet.
type group struct {
	t     testing.TB
	net   *memNet
	fs    []*vfs.MemFS
	nodes []*Node // index i is node i+1; nil while down

	machine *machine // nil: the namespace
}

// testHeartbeat is short for short tests, and long enough for a busy machine to
// keep a leader most of the time; tests must not depend on that.
const testHeartbeat = 250 * time.Millisecond

// newGroup opens n nodes, all of them voters.
func newGroup(t testing.TB, n int) *group {
	g := &group{t: t, net: newMemNet()}
	t.Cleanup(g.close)
	g.grow(n)
	return g
}

// grow makes the group's first n nodes.
func (g *group) grow(n int) {
	g.t.Helper()
	for i := range n {
		g.fs = append(g.fs, vfs.NewCrashableMem())
		g.nodes = append(g.nodes, nil)
		g.open(i, func(c *Config) {
			if c.Join = i > 0; i == 0 {
				c.Bootstrap = initCommand()
			}
		})
		if i > 0 {
			g.add(i)
		}
	}
}

func addrOf(i int) string        { return fmt.Sprintf("node%d:1", i+1) }
func idOf(i int) metadata.NodeID { return metadata.NodeID(i + 1) }
func (g *group) config(i int) Config {
	return Config{Dir: "node", ID: idOf(i), Addr: addrOf(i), FS: g.fs[i], Heartbeat: testHeartbeat, Peers: g.net.listen(addrOf(i)), machine: g.machine}
}

// open starts node i.
func (g *group) open(i int, change func(*Config)) *Node {
	g.t.Helper()
	cfg := g.config(i)
	if change != nil {
		change(&cfg)
	}
	n, err := Open(cfg)
	if err != nil {
		g.t.Fatalf("open node %d: %v", i+1, err)
	}
	g.nodes[i] = n
	return n
}

// add makes node i a voter.
func (g *group) add(i int) {
	g.t.Helper()
	g.change(func(lead *Node) error { return lead.AddNonvoter(testContext(g.t), idOf(i), addrOf(i)) })
	g.await("a joiner to catch up", func() bool { return g.nodes[i].state.applied() >= g.leader().state.applied() })
	g.change(func(lead *Node) error { return lead.AddVoter(testContext(g.t), idOf(i), addrOf(i)) })
}

// stop closes node i.
func (g *group) stop(i int) {
	g.t.Helper()
	n := g.nodes[i]
	g.nodes[i] = nil
	if n == nil {
		return
	}
	if err := n.Close(); err != nil {
		g.t.Errorf("close node %d: %v", i+1, err)
	}
}

func (g *group) close() {
	for i := range g.nodes {
		g.stop(i)
	}
}

// leader waits until one node leads and returns it.
func (g *group) leader() *Node {
	g.t.Helper()
	return g.nodes[g.leaderIndex()]
}

func (g *group) leaderIndex() int {
	g.t.Helper()
	found := -1
	g.await("a leader", func() bool {
		for i, n := range g.nodes {
			if n == nil {
				continue
			}
			if _, _, self := n.Leader(); self {
				found = i
				return true
			}
		}
		return false
	})
	return found
}

// propose runs a command on whoever leads until it is known to be done.
// Repeating a mkdir whose outcome is unknown ends with KindExists.
func (g *group) propose(c *metapb.Command) {
	g.t.Helper()
	g.await("a proposal to be answered", func() bool {
		res, err := g.leader().Propose(testContext(g.t), c)
		if err != nil {
			if k := metadata.KindOf(err); k != metadata.KindUnavailable && k != metadata.KindTimeout {
				g.t.Fatalf("propose: %v", err)
			}
			return false
		}
		if !res.Ok && metadata.Kind(res.Kind) != metadata.KindExists {
			g.t.Fatalf("propose %v: refused: %s", c, res.Message)
		}
		return true
	})
}

// exists looks path up at whoever leads.
func (g *group) exists(path string) (found bool) {
	g.t.Helper()
	g.await("a query to be answered", func() bool {
		_, err := g.leader().Query(testContext(g.t), lookup(path))
		k := metadata.KindOf(err)
		if err != nil && k != metadata.KindUnavailable && k != metadata.KindNotFound {
			g.t.Fatalf("lookup %s: %v", path, err)
		}
		found = err == nil
		return err == nil || k == metadata.KindNotFound
	})
	return found
}

// change runs a change of members at whoever leads.
func (g *group) change(fn func(lead *Node) error) {
	g.t.Helper()
	g.await("a change of members", func() bool {
		err := fn(g.leader())
		if k := metadata.KindOf(err); err != nil && k != metadata.KindUnavailable && k != metadata.KindTimeout {
			g.t.Fatalf("change members: %v", err)
		}
		return err == nil
	})
}

// truncate shortens the log of whoever leads as far as it goes.
func (g *group) truncate() {
	g.t.Helper()
	for _, n := range g.nodes {
		if n == nil {
			continue
		}
		must(g.t, n.keep(5))
		if err := n.result(n.raft.Snapshot()); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
			g.t.Fatal(err)
		}
	}
}

// await polls cond. Raft's timers run on the real clock, so there is nothing
// else to wait for.
func (g *group) await(what string, cond func() bool) {
	g.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			g.t.Fatalf("waited too long for %s", what)
		}
	}
}

// same waits until all running nodes have the same rows as the leader. Entries
// that nobody waits for any more may still arrive meanwhile.
func (g *group) same() {
	g.t.Helper()
	lead := g.leader()
	for i, n := range g.nodes {
		if n == nil || n == lead {
			continue
		}
		g.await(fmt.Sprintf("node %d to have the leader's rows", i+1), func() bool {
			want, _ := stateHash(g.t, lead)
			got, _ := stateHash(g.t, n)
			return got == want
		})
	}
}

func TestThreeVoters(t *testing.T) {
	g := newGroup(t, 3)
	members, err := g.leader().Members()
	must(t, err)
	if got, want := fmt.Sprint(members), "[{n1 node1:1 true} {n2 node2:1 true} {n3 node3:1 true}]"; got != want {
		t.Errorf("members: got %s, want %s", got, want)
	}
	g.propose(mkdir("/a"))
	if !g.exists("/a") || g.exists("/b") {
		t.Error("the leader does not see what it has answered")
	}
	g.same()
	lead := g.leader()
	for _, m := range members {
		if !lead.Answers(m.ID, time.Minute) {
			t.Errorf("%s has not answered the leader for a minute", m.ID)
		}
	}
	if lead.Answers(9, time.Minute) {
		t.Error("a nameserver that is not there answers")
	}
	for i, n := range g.nodes {
		if n == lead {
			continue
		}
		_, err := n.Propose(testContext(t), mkdir("/x"))
		if metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("propose on node %d: got %v, want unavailable", i+1, err)
		}
		_, err = n.Query(testContext(t), lookup("/a"))
		if metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("query on node %d: got %v, want unavailable", i+1, err)
		}
		g.await("a follower to know the leader", func() bool {
			want := g.leader()
			id, addr, self := n.Leader()
			return id == want.cfg.ID && addr == want.cfg.Addr && !self
		})
	}
}

func TestLeaderLost(t *testing.T) {
	g := newGroup(t, 3)
	g.propose(mkdir("/before"))
	old := g.leaderIndex()
	g.stop(old)
	if !g.exists("/before") {
		t.Error("an acknowledged directory is lost with the leader")
	}
	g.propose(mkdir("/after"))
	g.open(old, nil)
	g.same()
}

func TestTransfer(t *testing.T) {
	g := newGroup(t, 3)
	var from int
	g.await("a transfer", func() bool {
		from = g.leaderIndex()
		events := g.nodes[from].Leading()
		err := g.nodes[from].TransferLeadership(testContext(t), idOf((from+1)%3))
		if err != nil {
			t.Logf("transfer: %v", err)
			return false
		}
		for e := range events {
			if !e.Leading {
				break
			}
		}
		return true
	})
	g.propose(mkdir("/a"))
	lead := g.leaderIndex()
	if err := g.nodes[lead].TransferLeadership(testContext(t), 99); err == nil {
		t.Error("transfer to a stranger was done")
	}
	if err := g.nodes[(lead+1)%3].TransferLeadership(testContext(t), 0); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("transfer by a follower: got %v, want unavailable", err)
	}
}

func TestRemoveMember(t *testing.T) {
	g := newGroup(t, 3)
	gone := (g.leaderIndex() + 1) % 3
	g.change(func(lead *Node) error { return lead.RemoveServer(testContext(t), idOf(gone)) })
	g.stop(gone)
	g.propose(mkdir("/a"))
	members, err := g.leader().Members()
	must(t, err)
	if len(members) != 2 {
		t.Errorf("members: got %v, want two", members)
	}
}

// TestMinority cuts the leader off: it must stop answering, and what it was
// asked in the meantime must not be acknowledged.
func TestMinority(t *testing.T) {
	g := newGroup(t, 3)
	g.propose(mkdir("/before"))
	old := g.leaderIndex()
	g.net.cut(addrOf(old))
	if _, err := g.nodes[old].Query(testContext(t), lookup("/before")); err == nil {
		t.Error("a leader without a majority answered a query")
	}
	if res, err := g.nodes[old].Propose(testContext(t), mkdir("/lost")); err == nil {
		t.Errorf("a leader without a majority answered a proposal: %v", res)
	}
	cut := g.nodes[old]
	g.nodes[old] = nil
	g.propose(mkdir("/after"))
	g.nodes[old] = cut
	g.net.heal()
	g.same()
}

// TestInstallSnapshot lets a follower fall behind what the log still has: it
// gets the whole state and works on after a restart.
func TestInstallSnapshot(t *testing.T) {
	g := newGroup(t, 3)
	g.propose(mkdir("/first"))
	g.same()
	lag := (g.leaderIndex() + 1) % 3
	g.stop(lag)
	for i := range 50 {
		g.propose(mkdir(fmt.Sprintf("/d%d", i)))
	}
	g.truncate()
	n := g.open(lag, nil)
	g.await("the state to be installed", func() bool { return n.Stats().Received > 0 })
	g.same()
	g.propose(mkdir("/more"))
	g.same()
	names, err := g.fs[lag].List("node")
	must(t, err)
	if got, want := len(names), 4; got != want { // LOCK, log, marker, state
		t.Errorf("files after the installation: %v", names)
	}
	g.stop(lag)
	g.open(lag, nil)
	g.same()
}

// TestJoinLate lets a node join a group whose log does not begin at 1 any more.
func TestJoinLate(t *testing.T) {
	g := newGroup(t, 1)
	for i := range 50 {
		g.propose(mkdir(fmt.Sprintf("/d%d", i)))
	}
	g.truncate()
	g.fs, g.nodes = append(g.fs, vfs.NewCrashableMem()), append(g.nodes, nil)
	n := g.open(1, func(c *Config) { c.Join = true })
	g.add(1)
	g.same()
	g.await("a state to be received", func() bool { return n.Stats().Received > 0 }) // counted when the old one is away
}

// TestCheckpointStream checks that a state can be read while it changes, and
// that the announced size is exact.
func TestCheckpointStream(t *testing.T) {
	n := openNode(t, memNode())
	store := &snapshots{state: n.state}
	for i := range 20 {
		propose(t, n, mkdir(fmt.Sprintf("/d%d", i)))
		before := n.state.applied()
		meta, r, err := store.Open(liveSnapshot)
		must(t, err)
		size, err := io.Copy(io.Discard, r)
		must(t, err, r.Close())
		if size != meta.Size {
			t.Fatalf("stream has %d bytes, announced were %d", size, meta.Size)
		}
		if meta.Index < before {
			t.Fatalf("stream is of entry %d, applied was %d", meta.Index, before)
		}
	}
}
