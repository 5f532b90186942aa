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
func quicGroup(t testing.TB, n int) (*group, []*quicwire.Endpoint) {
	wires := wiretest.NewCluster(t)
	g := &group{t: t}
	var endpoints []*quicwire.Endpoint
	for i := range n {
		e := wires.Open(uint64(i+1), metadata.NodeNameserver)
		endpoints = append(endpoints, e)
		g.fs, g.nodes = append(g.fs, vfs.NewCrashableMem()), append(g.nodes, nil)
		cfg := Config{Dir: "node", ID: idOf(i), Addr: e.Addr().String(), FS: g.fs[i], Heartbeat: 2 * testHeartbeat, Endpoint: e}
		if cfg.Join = i > 0; i == 0 {
			cfg.Bootstrap = initCommand()
		}
		node, err := Open(cfg)
		must(t, err)
		g.nodes[i] = node
		wires.Start(e)
	}
	t.Cleanup(g.close)
	for i := 1; i < n; i++ {
		lead := g.leader()
		must(t, lead.AddVoter(testContext(t), idOf(i), endpoints[i].Addr().String()))
		g.await("a joiner to catch up", func() bool { return g.nodes[i].state.applied() >= lead.state.applied() })
	}
	return g, endpoints
}

// TestQUIC runs three voters over quicwire and takes the leader away.
func TestQUIC(t *testing.T) {
	g, endpoints := quicGroup(t, 3)
	for i := range 20 {
		propose(t, g.leader(), mkdir(fmt.Sprintf("/a%d", i)))
	}
	g.same()
	old := g.leaderIndex()
	must(t, endpoints[old].Close()) // its process is gone, as the others see it
	dead := g.nodes[old]
	g.nodes[old] = nil
	lead := g.leader()
	for i := range 20 {
		if path := fmt.Sprintf("/a%d", i); !exists(t, lead, path) {
			t.Errorf("%s is lost with the leader", path)
		}
	}
	propose(t, lead, mkdir("/after"))
	if err := dead.Close(); err != nil {
		t.Errorf("close the old leader: %v", err)
	}
}

// TestQUICInstall sends a state over QUIC.
func TestQUICInstall(t *testing.T) {
	g, _ := quicGroup(t, 1)
	keepEntries(t, g.nodes[0], 5)
	for i := range 50 {
		propose(t, g.nodes[0], mkdir(fmt.Sprintf("/d%d", i)))
	}
	must(t, g.nodes[0].raft.Snapshot().Error())
	wires := wiretest.NewCluster(t)
	_ = wires
	if meta, r, err := (&snapshots{state: g.nodes[0].state}).Open(liveSnapshot); err != nil || meta.Size == 0 {
		t.Errorf("open: %v", err)
	} else if _, err := io.Copy(io.Discard, r); err != nil || r.Close() != nil {
		t.Errorf("read: %v", err)
	}
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
