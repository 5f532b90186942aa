package replica

import (
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// quicGroup is a group over real QUIC on loopback.
type quicGroup struct {
	group
	wires     *wiretest.Cluster
	endpoints []*quicwire.Endpoint
	onDisk    bool // else in memory
}

// newQUICGroup makes a group of n voters.
func newQUICGroup(t testing.TB, n int) *quicGroup {
	g := &quicGroup{group: group{t: t}, wires: wiretest.NewCluster(t)}
	t.Cleanup(g.close)
	for range n {
		g.join()
	}
	return g
}

// join adds a node, which becomes a voter.
func (g *quicGroup) join() {
	g.t.Helper()
	i := len(g.nodes)
	e := g.wires.Open(uint64(i+1), metadata.NodeNameserver)
	g.endpoints = append(g.endpoints, e)
	g.fs, g.nodes = append(g.fs, vfs.NewCrashableMem()), append(g.nodes, nil)
	cfg := Config{Dir: "node", ID: idOf(i), Addr: e.Addr().String(), FS: g.fs[i], Heartbeat: 2 * testHeartbeat, Endpoint: e}
	if g.onDisk {
		cfg.Dir, cfg.FS = g.t.TempDir(), vfs.Default
	}
	if cfg.Join = i > 0; i == 0 {
		cfg.Bootstrap = initCommand()
	}
	node, err := Open(cfg)
	must(g.t, err)
	g.nodes[i] = node
	g.wires.Start(e)
	if i == 0 {
		return
	}
	g.change(func(lead *Node) error { return lead.AddVoter(testContext(g.t), idOf(i), e.Addr().String()) })
	g.await("a joiner to catch up", func() bool { return node.state.applied() >= g.leader().state.applied() })
}

// TestQUIC runs three voters over quicwire and takes the leader away.
func TestQUIC(t *testing.T) {
	g := newQUICGroup(t, 3)
	for i := range 20 {
		g.propose(mkdir(fmt.Sprintf("/a%d", i)))
	}
	g.same()
	old := g.leaderIndex()
	must(t, g.endpoints[old].Close()) // its process is gone, as the others see it
	dead := g.nodes[old]
	g.nodes[old] = nil
	for i := range 20 {
		if path := fmt.Sprintf("/a%d", i); !g.exists(path) {
			t.Errorf("%s is lost with the leader", path)
		}
	}
	g.propose(mkdir("/after"))
	if err := dead.Close(); err != nil {
		t.Errorf("close the old leader: %v", err)
	}
}

// TestQUICInstall sends a state over QUIC to a node that joins late.
func TestQUICInstall(t *testing.T) {
	g := newQUICGroup(t, 1)
	for i := range 200 {
		g.propose(mkdir(fmt.Sprintf("/d%d", i)))
	}
	g.truncate()
	g.join()
	g.same()
	g.await("a state to be received", func() bool { return g.nodes[1].Stats().Received > 0 })
}

// TestQUICDialChecks checks that a dial insists on the node it wants.
func TestQUICDialChecks(t *testing.T) {
	wires := wiretest.NewCluster(t)
	server := wires.Open(1, metadata.NodeNameserver)
	listener := listenQUIC(server)
	wires.Start(server)
	client := listenQUIC(wires.Open(2, metadata.NodeNameserver))
	stranger := listenQUIC(wires.Open(3, metadata.NodeDatanode))
	addr := func(id string) raft.ServerAddress { return raft.ServerAddress(id + "@" + server.Addr().String()) }

	c, err := client.Dial(addr("n1"), testHeartbeat*4)
	must(t, err)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	far, err := listener.Accept()
	must(t, err)
	got := make([]byte, 5)
	if _, err := io.ReadFull(far, got); err != nil || string(got) != "hello" {
		t.Errorf("read: got %q, %v", got, err)
	}
	must(t, c.Close(), far.Close())

	if c, err := client.Dial(addr("n9"), testHeartbeat*4); err == nil {
		t.Errorf("dialed node 9 at the address of node 1: %v", c)
	}
	if _, err := client.Dial("127.0.0.1:1", testHeartbeat); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("dial without an id: got %v, want invalid", err)
	}
	if c, err := stranger.Dial(addr("n1"), testHeartbeat*4); err == nil {
		if _, err := c.Read(got); err == nil {
			t.Error("a storage server was let in")
		}
	}
	must(t, listener.Close())
	if _, err := listener.Accept(); err == nil {
		t.Error("Accept after Close returned a stream")
	}
}
