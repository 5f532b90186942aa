package replica

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// initCommand makes an empty namespace.
func initCommand() *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{Format: 1, Cluster: "test", Replication: 1},
		Admin:   &metapb.UserRow{Name: "admin", Hash: "x", Role: uint32(metadata.RoleAdmin)},
		Node:    &metapb.NodeRow{Id: 1, Name: "a", Addr: "127.0.0.1:1", Roles: []string{metadata.NodeNameserver}},
	}}}
}

// mkdir makes a directory.
func mkdir(path string) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: path, Guard: &metapb.Guard{}}}}
}

// lookup asks for an entry.
func lookup(path string) *metapb.Query {
	return &metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: path}}}
}

// testContext ends with the test or after a generous time.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// openNode opens a node and closes it when the test ends.
func openNode(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// oneVoter is the configuration of a node that is alone.
func oneVoter(dir string) Config {
	return Config{Dir: dir, ID: 1, Addr: "127.0.0.1:1", Bootstrap: initCommand()}
}

// propose runs a command that must succeed.
func propose(t testing.TB, n *Node, c *metapb.Command) *metapb.Result {
	t.Helper()
	res, err := n.Propose(testContext(t), c)
	if err != nil {
		t.Fatalf("propose %v: %v", c, err)
	}
	if !res.Ok {
		t.Fatalf("propose %v: refused: %v %s", c, metadata.Kind(res.Kind), res.Message)
	}
	return res
}

// exists reports whether a linearizable lookup finds path.
func exists(t testing.TB, n *Node, path string) bool {
	t.Helper()
	_, err := n.Query(testContext(t), lookup(path))
	if err != nil && metadata.KindOf(err) != metadata.KindNotFound {
		t.Fatalf("lookup %s: %v", path, err)
	}
	return err == nil
}

// stateHash hashes the rows of a node, with the index they are of.
func stateHash(t testing.TB, n *Node) (hash string, index uint64) {
	t.Helper()
	err := n.View(func(r namespace.Reader, i uint64) error {
		index = i
		h, err := namespace.StateHash(r)
		hash = fmt.Sprintf("%x", h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hash, index
}

// soak reports whether long tests are wanted.
func soak() bool { return os.Getenv("KEN_SOAK") != "" }
