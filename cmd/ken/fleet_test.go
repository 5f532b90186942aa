package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// joined adds a node to the cluster with further flags and starts it; it
// returns its index.
func (c *testCluster) joined(role, extra string, flags ...string) int {
	c.t.Helper()
	i := len(c.nodes)
	c.quic = append(c.quic, freePort(c.t, "udp"))
	c.nodes = append(c.nodes, nil)
	token := strings.TrimSpace(mustKen(c.t, "token", "create", "--dir", c.node(0), "--roles", role))
	args := append([]string{"join", "--dir", c.node(i), "--roles", role, "--listen", c.quic[i],
		"--name", fmt.Sprintf("node%d", i)}, flags...)
	mustKen(c.t, append(args, token)...)
	c.configure(i, extra)
	c.start(i)
	return i
}

// newNameserver makes and starts a cluster of a nameserver only.
func newNameserver(t testing.TB, dir, extra string, flags ...string) *testCluster {
	t.Helper()
	c := &testCluster{t: t, dir: dir, webdav: freePort(t, "tcp"), quic: []string{freePort(t, "udp")}}
	c.nodes = make([]*process, 1)
	t.Cleanup(c.tell)
	mustKen(t, append([]string{"init", "--dir", c.node(0), "--roles", "nameserver", "--listen", c.quic[0],
		"--name", "ns"}, flags...)...)
	c.configure(0, extra)
	c.start(0)
	return c
}

// tell logs, when the test has failed, what the processes said last.
func (c *testCluster) tell() {
	if !c.t.Failed() {
		return
	}
	for i, p := range c.nodes {
		if p != nil {
			log := p.stderr()
			c.t.Logf("node %d (%v):\n%s", i, p.cmd.ProcessState, log[max(0, len(log)-4000):])
		}
	}
}

// withGateway adds a gateway.
func (c *testCluster) withGateway(extra string) {
	c.t.Helper()
	c.gateway = c.joined("webdav", extra, "--webdav", c.webdav)
}

// nodeList is what `ken node list -o json` says, by name.
func (c *testCluster) nodeList() map[string]nodeJSON {
	c.t.Helper()
	var all []nodeJSON
	if err := json.Unmarshal([]byte(mustKen(c.t, "node", "list", "--dir", c.node(0), "-o", "json")), &all); err != nil {
		c.t.Fatal(err)
	}
	byName := make(map[string]nodeJSON, len(all))
	for _, n := range all {
		byName[n.Name] = n
	}
	return byName
}

func (c *testCluster) volumeList() []volumeJSON {
	c.t.Helper()
	var all []volumeJSON
	if err := json.Unmarshal([]byte(mustKen(c.t, "volume", "list", "--dir", c.node(0), "-o", "json")), &all); err != nil {
		c.t.Fatal(err)
	}
	return all
}

// nodeName is what the node with the index is called.
func nodeName(i int) string { return fmt.Sprintf("node%d", i) }

func used(n nodeJSON) (bytes int64) {
	for _, d := range n.Disks {
		bytes += d.Used
	}
	return bytes
}

// holder returns the storage server with the most bytes of committed data, by
// the volumes' records: heartbeats tell a second late what the disks hold, and
// placement is at random, so that any one server may hold nothing.
func (c *testCluster) holder() (index int, bytes int64) {
	c.t.Helper()
	held := make(map[string]int64)
	for _, v := range c.volumeList() {
		for _, r := range v.Replicas {
			held[r.Node] += v.Bytes
		}
	}
	nodes := c.nodeList()
	for i := range c.nodes {
		if n := held[nodes[nodeName(i)].ID]; n > bytes {
			index, bytes = i, n
		}
	}
	if bytes == 0 {
		c.t.Fatal("no storage server holds data")
	}
	return index, bytes
}

// verdicts returns the cluster's verdicts in order, as the nameserver's log has
// them: one that lasts for less than the time between two looks is there, too.
func (c *testCluster) verdicts() (all []string) {
	c.t.Helper()
	for line := range strings.Lines(c.nodes[0].stderr()) {
		if _, after, ok := strings.Cut(line, `msg="state of the data" `); ok {
			_, after, _ = strings.Cut(after, " verdict=")
			verdict, _, _ := strings.Cut(after, " ")
			all = append(all, verdict)
		}
	}
	return all
}

// unaccounted compares what the disks hold with what the volumes say that they
// must: "" when, on every storage server that is up, the bytes of blocks are
// exactly those of the volumes that list it, and every volume has its copies.
func (c *testCluster) unaccounted() string {
	c.t.Helper()
	want := make(map[string]int64)
	var bad []string
	for _, v := range c.volumeList() {
		if v.Blocks > 0 && v.Copies != v.Target {
			bad = append(bad, fmt.Sprintf("%s (%s) has %d copies of %d", v.ID, v.State, v.Copies, v.Target))
		}
		for _, r := range v.Replicas {
			want[r.Node] += v.Bytes
		}
	}
	for _, n := range c.nodeList() {
		if got := used(n); n.Liveness == "up" && slices.Contains(n.Roles, "datanode") && got != want[n.ID] {
			bad = append(bad, fmt.Sprintf("%s holds %d bytes, want %d", n.Name, got, want[n.ID]))
		}
	}
	slices.Sort(bad)
	return strings.Join(bad, "; ")
}

// awaitAccounted waits until nothing is unaccounted.
func (c *testCluster) awaitAccounted(most time.Duration) {
	c.t.Helper()
	c.awaitNone("everything on the disks is accounted for", most, c.unaccounted)
}

// awaitIdle waits until no volume is leased and all leases have ended entirely.
func (c *testCluster) awaitIdle(most time.Duration) {
	c.t.Helper()
	await(c.t, "no volume is leased", most, func() bool {
		return !slices.ContainsFunc(c.volumeList(), func(v volumeJSON) bool {
			return v.State == "leased" || v.State == "fencing"
		})
	})
}

// referenced returns the bytes that the namespace's files have, not counting copies.
func (c *testCluster) referenced() int64 {
	c.t.Helper()
	var root struct {
		Size int64 `json:"size"`
	}
	out := mustKen(c.t, "fs", "stat", "--dir", c.node(0), "-o", "json", "/")
	if err := json.Unmarshal([]byte(out), &root); err != nil {
		c.t.Fatalf("%v in %s", err, out)
	}
	return root.Size
}

// put writes files of the sizes and returns their contents by name.
func putFiles(t testing.TB, d *drive, prefix string, sizes ...int) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte, len(sizes))
	for i, n := range sizes {
		name := fmt.Sprintf("/%s%d", prefix, i)
		files[name] = randomBytes(n)
		d.must(t, "PUT", name, files[name], http.StatusCreated)
	}
	return files
}

// mixedSizes are small files in packs, some at the bounds of blocks, and a few large ones.
func mixedSizes() []int {
	sizes := []int{1, 4096, 16384, 16385, 1 << 20, 5 << 20, 9 << 20, 20 << 20}
	for i := range 40 {
		sizes = append(sizes, 1000+i*1777)
	}
	return sizes
}

// wantFiles reads all files back.
func wantFiles(t testing.TB, d *drive, files map[string][]byte) {
	t.Helper()
	for name, want := range files {
		resp, got, err := getPatiently(t.Context(), d, name)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %v, %v", name, resp, err)
		}
		if sha256.Sum256(got) != sha256.Sum256(want) {
			t.Errorf("GET %s: got %d other bytes, want %d", name, len(got), len(want))
		}
	}
}

// signal sends a signal to a node's process.
func (c *testCluster) signal(i int, s syscall.Signal) {
	c.t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// flipDisk damages a storage server's disk: in every pack and block file one
// byte in each span bytes is flipped, beginning behind what a file begins with.
// It returns how many bytes it flipped.
func flipDisk(t testing.TB, disk string, span int) (flips int) {
	t.Helper()
	err := filepath.WalkDir(disk, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(disk, path)
		if err != nil || !e.Type().IsRegular() || !strings.HasPrefix(rel, "packs") && !strings.HasPrefix(rel, "blocks") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		end := len(bytes.TrimRight(b, "\x00")) // a pack is preallocated
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		for at := 8192; at < end; at += span {
			if _, err := f.WriteAt([]byte{b[at] ^ 0x40}, int64(at)); err != nil {
				return err
			}
			flips++
		}
		return f.Sync()
	})
	if err != nil {
		t.Fatal(err)
	}
	return flips
}
