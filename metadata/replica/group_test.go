package replica

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
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

const testHeartbeat = 150 * time.Millisecond

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
	lead := g.leader()
	ctx := testContext(g.t)
	if err := lead.AddNonvoter(ctx, idOf(i), addrOf(i)); err != nil {
		g.t.Fatalf("add node %d: %v", i+1, err)
	}
	g.await("a joiner to catch up", func() bool { return g.nodes[i].state.applied() >= lead.state.applied() })
	if err := lead.AddVoter(ctx, idOf(i), addrOf(i)); err != nil {
		g.t.Fatalf("promote node %d: %v", i+1, err)
	}
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
	lead := g.leader()
	members, err := lead.Members()
	must(t, err)
	if got, want := fmt.Sprint(members), "[{n1 node1:1 true} {n2 node2:1 true} {n3 node3:1 true}]"; got != want {
		t.Errorf("members: got %s, want %s", got, want)
	}
	propose(t, lead, mkdir("/a"))
	if !exists(t, lead, "/a") || exists(t, lead, "/b") {
		t.Error("the leader does not see what it has answered")
	}
	g.same()
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
		id, addr, self := n.Leader()
		if id != lead.cfg.ID || addr != lead.cfg.Addr || self {
			t.Errorf("node %d says the leader is %v %s %v", i+1, id, addr, self)
		}
	}
}

func TestLeaderLost(t *testing.T) {
	g := newGroup(t, 3)
	old := g.leaderIndex()
	propose(t, g.nodes[old], mkdir("/before"))
	g.stop(old)
	lead := g.leader()
	if !exists(t, lead, "/before") {
		t.Error("an acknowledged directory is lost with the leader")
	}
	propose(t, lead, mkdir("/after"))
	g.open(old, nil)
	g.same()
}

func TestTransfer(t *testing.T) {
	g := newGroup(t, 3)
	from := g.leaderIndex()
	to := (from + 1) % 3
	events := g.nodes[from].Leading()
	if e := <-events; !e.Leading {
		t.Errorf("first event of the leader: got %+v", e)
	}
	if err := g.nodes[from].TransferLeadership(testContext(t), idOf(to)); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Leading {
		t.Errorf("event after the transfer: got %+v, want a loss", e)
	}
	g.await("the new leader", func() bool { _, _, self := g.nodes[to].Leader(); return self })
	err := g.nodes[to].TransferLeadership(testContext(t), 99)
	if metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("transfer to a stranger: got %v, want not found", err)
	}
	propose(t, g.nodes[to], mkdir("/a"))
	if err := g.nodes[from].TransferLeadership(testContext(t), 0); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("transfer by a follower: got %v, want unavailable", err)
	}
}

func TestRemoveMember(t *testing.T) {
	g := newGroup(t, 3)
	lead := g.leader()
	gone := 0
	if lead == g.nodes[0] {
		gone = 1
	}
	if err := lead.RemoveServer(testContext(t), idOf(gone)); err != nil {
		t.Fatal(err)
	}
	g.stop(gone)
	members, err := lead.Members()
	must(t, err)
	if len(members) != 2 {
		t.Errorf("members: got %v, want two", members)
	}
	propose(t, lead, mkdir("/a"))
}

// TestMinority cuts the leader off: it must stop answering, and what it was
// asked in the meantime must not be there as an acknowledged change.
func TestMinority(t *testing.T) {
	g := newGroup(t, 3)
	old := g.leaderIndex()
	propose(t, g.nodes[old], mkdir("/before"))
	g.net.cut(addrOf(old))
	if _, err := g.nodes[old].Query(testContext(t), lookup("/before")); err == nil {
		t.Error("a leader without a majority answered a query")
	}
	if res, err := g.nodes[old].Propose(testContext(t), mkdir("/lost")); err == nil {
		t.Errorf("a leader without a majority answered a proposal: %v", res)
	}
	cut := g.nodes[old]
	g.nodes[old] = nil
	lead := g.leader()
	g.nodes[old] = cut
	propose(t, lead, mkdir("/after"))
	g.net.heal()
	g.await("the old leader to follow", func() bool { return cut.state.applied() >= lead.state.applied() })
	g.same()
}

// TestInstallSnapshot lets a follower fall behind what the log still has: it
// gets the whole state, also over a rest of its own, and works on after a
// restart.
func TestInstallSnapshot(t *testing.T) {
	g := newGroup(t, 3)
	lead := g.leaderIndex()
	lag := (lead + 1) % 3
	propose(t, g.nodes[lead], mkdir("/first"))
	g.same()
	g.stop(lag)
	keepEntries(t, g.nodes[lead], 5)
	for i := range 50 {
		propose(t, g.nodes[lead], mkdir(fmt.Sprintf("/d%d", i)))
	}
	must(t, g.nodes[lead].raft.Snapshot().Error())
	n := g.open(lag, nil)
	g.await("the state to be installed", func() bool { return n.Stats().Received > 0 })
	g.same()
	propose(t, g.leader(), mkdir("/more"))
	g.same()
	names, err := g.fs[lag].List("node")
	must(t, err)
	if got, want := fmt.Sprint(len(names)), "4"; got != want { // LOCK, log, marker, state
		t.Errorf("files after the installation: %v", names)
	}
	g.stop(lag)
	g.open(lag, nil)
	g.same()
}

// TestJoinLate lets a node join a group whose log does not begin at 1 any more.
func TestJoinLate(t *testing.T) {
	g := newGroup(t, 1)
	keepEntries(t, g.nodes[0], 5)
	for i := range 50 {
		propose(t, g.nodes[0], mkdir(fmt.Sprintf("/d%d", i)))
	}
	must(t, g.nodes[0].raft.Snapshot().Error())
	g.fs, g.nodes = append(g.fs, vfs.NewCrashableMem()), append(g.nodes, nil)
	n := g.open(1, func(c *Config) { c.Join = true })
	g.add(1)
	g.same()
	if got := n.Stats().Received; got != 1 {
		t.Errorf("states received: got %d, want 1", got)
	}
}

// TestCheckpointStream checks that a state can be read while it changes, and
// that the announced size is exact.
func TestCheckpointStream(t *testing.T) {
	n := openNode(t, Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: vfs.NewMem()})
	store := &snapshots{state: n.state}
	for i := range 20 {
		propose(t, n, mkdir(fmt.Sprintf("/d%d", i)))
		meta, r, err := store.Open(liveSnapshot)
		must(t, err)
		size, err := io.Copy(io.Discard, r)
		must(t, err, r.Close())
		if size != meta.Size {
			t.Fatalf("stream has %d bytes, announced were %d", size, meta.Size)
		}
		if meta.Index < n.state.applied() {
			t.Fatalf("stream is of entry %d, applied was %d", meta.Index, n.state.applied())
		}
	}
}
