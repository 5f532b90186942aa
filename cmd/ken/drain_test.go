package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestDrainAndRemove moves everything off a storage server under load, removes
// it, and sees its certificate refused. Until it is empty it cannot be removed.
func TestDrainAndRemove(t *testing.T) {
	t.Parallel()
	c := newNameserver(t, t.TempDir(), quickRepair, "--deleted-grace", "1s") // the load replaces its files on and on
	for range 4 {
		c.joined("datanode", quickRepair)
	}
	c.withGateway("")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var wrong atomic.Pointer[error]
	acked, wait := load(ctx, d, l, 3, &wrong)
	defer func() { cancel(); wait() }()
	victim, _ := c.holder()
	name := nodeName(victim)

	dir := c.node(0)
	if _, stderr, code := ken(t, "node", "remove", name, "--dir", dir); code != 4 || !strings.Contains(stderr, "still holds replicas") {
		t.Errorf("removing a full node: got exit code %d, %q", code, stderr)
	}
	if _, stderr, code := ken(t, "node", "remove", "ns", "--dir", dir); code != 4 || !strings.Contains(stderr, "is the only nameserver") {
		t.Errorf("removing the nameserver: got exit code %d, %q", code, stderr)
	}
	mustKen(t, "node", "drain", name, "--dir", dir)
	began := time.Now()
	await(t, "the drained node is empty", 60*time.Second, func() bool {
		if v := c.status()["verdict"]; v == "at_risk" || v == "unavailable" {
			t.Errorf("verdict %v while draining: the drained copies are still there", v)
		}
		n := c.nodeList()[name]
		return n.State == "draining" && n.Volumes == 0
	})
	t.Logf("drained under load in %v, %d uploads acknowledged meanwhile", time.Since(began).Round(100*time.Millisecond), acked.Load())
	cancel()
	wait()
	if err := wrong.Load(); err != nil {
		t.Error(*err)
	}
	mustKen(t, "node", "remove", name, "--dir", dir)
	await(t, "the removed node is turned away", 20*time.Second, func() bool {
		log := c.nodes[victim].stderr()
		return strings.Contains(log, "is removed") || strings.Contains(log, "refused")
	})
	if n := c.nodeList()[name]; n.State != "removed" {
		t.Errorf("state %q, want removed", n.State)
	}
	c.nodes[victim].kill()
	wantFiles(t, d, files)
	l.verify(t, d)
	c.awaitAccounted(30 * time.Second)
}

// TestRemovedCertificate: what a machine's certificate could do, it can no more
// seconds after the machine was removed.
func TestRemovedCertificate(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 1, "")
	newDrive(c.url()).must(t, "PUT", "/file", []byte("x"), 201)
	laptop := filepath.Join(c.dir, "laptop")
	token := strings.TrimSpace(mustKen(t, "token", "create", "--dir", c.node(0), "--roles", "client"))
	mustKen(t, "join", "--dir", laptop, "--roles", "client", "--name", "laptop", token)
	mustKen(t, "fs", "ls", "--dir", laptop, "/")
	await(t, "the laptop is known", 20*time.Second, func() bool { return c.nodeList()["laptop"].ID != "" })
	mustKen(t, "node", "remove", "laptop", "--dir", c.node(0))
	var stderr string
	var code int
	await(t, "its certificate is refused", 20*time.Second, func() bool {
		_, stderr, code = ken(t, "fs", "ls", "--dir", laptop, "/")
		return code != 0
	})
	if code != 5 || !strings.Contains(stderr, "refused") && !strings.Contains(stderr, "removed") {
		t.Errorf("with the certificate of a removed machine: got exit code %d, %q, want 5", code, stderr)
	}
	mustKen(t, "fs", "ls", "--dir", c.node(0), "/") // the owner's still opens everything
}

// TestCopiedFolder runs a storage server a second time from a copy of its
// folder: the copy says what is wrong, and the drive does not notice.
func TestCopiedFolder(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 2, "")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", 1000, 5<<20)
	c.nodes[1].stop()
	sh(t, "", nil, "cp", "-r", c.node(1), filepath.Join(c.dir, "copy"))
	c.start(1)
	c.awaitAllUp(30 * time.Second)
	before := c.nodeList()["node1"].Addr
	copied, _ := start(t, "run", "--dir", filepath.Join(c.dir, "copy"), "--listen", freePort(t, "udp"))
	await(t, "the copy is told off", 20*time.Second, func() bool {
		return strings.Contains(copied.stderr(), "runs in a copy of the node's folder and must be stopped")
	})
	for name, b := range putFiles(t, d, "b", 1000, 5<<20) {
		files[name] = b
	}
	if n := c.nodeList()["node1"]; n.Addr != before || n.Liveness != "up" {
		t.Errorf("node1 is at %s and %s, was at %s", n.Addr, n.Liveness, before)
	}
	copied.stop()
	c.nodes[2].stop() // all is on the one that was copied
	wantFiles(t, d, files)
}

// TestMaintenance: while a node is in maintenance nothing is copied for it, and
// the verdict does not call that safe.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 3, quickRepair)
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	c.nodes[c.gateway].stop() // gives its leases back
	c.awaitIdle(20 * time.Second)
	c.awaitAccounted(20 * time.Second)
	victim, _ := c.holder()
	name := nodeName(victim)
	mustKen(t, "node", "maintenance", name, "--dir", c.node(0))
	before := c.nodeList()
	c.nodes[victim].kill()
	c.awaitVerdict("at_risk", 20*time.Second)
	for range 10 { // a repair would have begun and ended in the time of these
		<-time.After(300 * time.Millisecond)
		for other, n := range c.nodeList() {
			if got, want := used(n), used(before[other]); other != name && got != want {
				t.Fatalf("%s has %d bytes, had %d: something was copied", other, got, want)
			}
		}
	}
	c.start(victim)
	mustKen(t, "node", "undrain", name, "--dir", c.node(0))
	c.awaitAllUp(30 * time.Second)
	c.start(c.gateway)
	wantFiles(t, d, files)
}

// TestFailedDisk: one of a node's two disks stops taking writes; the node goes
// on with the other, and the data has its copies elsewhere.
func TestFailedDisk(t *testing.T) {
	t.Parallel()
	cuts := []*cutDisk{newCutDisk(t, "2G"), newCutDisk(t, "2G")}
	c := newNameserver(t, t.TempDir(), quickRepair)
	c.joined("datanode", "", "--zone", "attic")
	c.joined("datanode", "", "--zone", "attic")
	paths := []string{filepath.Join(cuts[0].mnt, "ken"), filepath.Join(cuts[1].mnt, "ken")}
	two := c.joined("datanode", "", "--disk", paths[0], "--disk", paths[1], "--zone", "cellar")
	c.withGateway("")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	bad := -1 // the one of the two that has more of the data; which one is up to placement
	await(t, "heartbeats say what the disks hold", 20*time.Second, func() bool {
		most := int64(0)
		for _, x := range c.nodeList()["node3"].Disks {
			if x.Used > most {
				bad, most = slices.Index(paths, x.Path), x.Used
			}
		}
		return most > 0
	})
	good := paths[1-bad]
	cuts[bad].cut()
	for name, b := range putFiles(t, d, "b", 1000, 5<<20, 100_000, 1<<20) { // finds the disk failed, sees no error
		files[name] = b
	}
	await(t, "all data has its copies beside the failed disk", 60*time.Second, func() bool {
		n := c.nodeList()["node3"]
		failed := false
		for _, x := range n.Disks {
			failed = failed || x.Failed != ""
		}
		s := c.status()
		return failed && n.Liveness == "up" && s["verdict"] == "protected" && s["below_target"].(map[string]any)["volumes"] == 0.0
	})
	wantFiles(t, d, files)
	if c.nodes[two].cmd.ProcessState != nil {
		t.Error("the node with a failed disk has ended")
	}
	for name, b := range putFiles(t, d, "c", 1000, 5<<20, 300_000) {
		files[name] = b
	}
	await(t, "the other disk of the node takes data", 30*time.Second, func() bool {
		return slices.ContainsFunc(c.nodeList()["node3"].Disks, func(x diskJSON) bool { return x.Path == good && x.Used > 0 })
	})
	wantFiles(t, d, files)
}

// TestZones: with storage servers in two rooms, every volume has a copy in each,
// also after one of them was repaired.
func TestZones(t *testing.T) {
	t.Parallel()
	c := newNameserver(t, t.TempDir(), quickRepair)
	for i := range 5 {
		zone := "attic"
		if i%2 == 1 {
			zone = "cellar"
		}
		c.joined("datanode", "", "--zone", zone)
	}
	c.withGateway("")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	check := func(when string) {
		t.Helper()
		zones := make(map[string]string)
		for _, n := range c.nodeList() {
			zones[n.ID] = n.Zone
		}
		c.awaitNone(when+", every volume has a copy in each zone", 15*time.Second, func() string {
			checked := 0
			for _, v := range c.volumeList() {
				if v.Blocks == 0 {
					continue
				}
				checked++
				if len(v.Replicas) != 2 || zones[v.Replicas[0].Node] == zones[v.Replicas[1].Node] {
					return fmt.Sprintf("%s is on %+v", v.ID, v.Replicas)
				}
			}
			if checked == 0 {
				return "no volume holds anything"
			}
			return ""
		})
	}
	check("written")
	victim, _ := c.holder()
	c.nodes[victim].kill()
	c.awaitRepaired(40 * time.Second)
	check("repaired")
	wantFiles(t, d, files)
}
