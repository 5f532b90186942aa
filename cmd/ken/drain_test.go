package main

import (
	"context"
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
	c := newTestCluster(t, t.TempDir(), 4, quickRepair)
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var wrong atomic.Pointer[error]
	acked, wait := load(ctx, d, l, 3, &wrong)
	defer func() { cancel(); wait() }()
	victim := 1 // the one with the most
	for i := 2; i <= 4; i++ {
		if nodes := c.nodeList(); used(nodes[nodeName(i)]) > used(nodes[nodeName(victim)]) {
			victim = i
		}
	}
	name := nodeName(victim)

	dir := c.node(0)
	if _, stderr, code := ken(t, "node", "remove", name, "--dir", dir); code != 4 || !strings.Contains(stderr, "still holds replicas") {
		t.Errorf("removing a full node: got exit code %d, %q", code, stderr)
	}
	if _, stderr, code := ken(t, "node", "remove", "ns", "--dir", dir); code != 4 || !strings.Contains(stderr, "is a nameserver") {
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
	await(t, "the laptop is known", 5*time.Second, func() bool { return c.nodeList()["laptop"].ID != "" })
	mustKen(t, "node", "remove", "laptop", "--dir", c.node(0))
	var stderr string
	var code int
	await(t, "its certificate is refused", 10*time.Second, func() bool {
		_, stderr, code = ken(t, "fs", "ls", "--dir", laptop, "/")
		return code != 0
	})
	if code != 5 || !strings.Contains(stderr, "refused") && !strings.Contains(stderr, "removed") {
		t.Errorf("with the certificate of a removed machine: got exit code %d, %q, want 5", code, stderr)
	}
	mustKen(t, "fs", "ls", "--dir", c.node(0), "/") // the owner's still opens everything
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
	mustKen(t, "node", "maintenance", "node1", "--dir", c.node(0))
	before := c.nodeList()
	c.nodes[1].kill()
	c.awaitVerdict("at_risk", 10*time.Second)
	for range 10 { // a repair would have begun and ended in the time of these
		<-time.After(300 * time.Millisecond)
		for _, name := range []string{"node2", "node3"} {
			if got, want := used(c.nodeList()[name]), used(before[name]); got != want {
				t.Fatalf("%s has %d bytes, had %d: something was copied", name, got, want)
			}
		}
	}
	c.start(1)
	mustKen(t, "node", "undrain", "node1", "--dir", c.node(0))
	c.awaitAllUp(20 * time.Second)
	c.start(c.gateway)
	wantFiles(t, d, files)
}

// TestFailedDisk: one of a node's two disks stops taking writes; the node goes
// on with the other, and the data has its copies elsewhere.
func TestFailedDisk(t *testing.T) {
	t.Parallel()
	disk, small := newCutDisk(t, "4G"), newCutDisk(t, "420M") // most data comes to the larger one
	c := newNameserver(t, t.TempDir(), quickRepair)
	c.joined("datanode", "", "--zone", "attic")
	c.joined("datanode", "", "--zone", "attic")
	good := filepath.Join(small.mnt, "ken")
	bad := filepath.Join(disk.mnt, "ken")
	two := c.joined("datanode", "", "--disk", bad, "--disk", good, "--zone", "cellar")
	c.withGateway("")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	await(t, "data is on the disk that is to fail", 15*time.Second, func() bool { // heartbeats say so
		disks := c.nodeList()["node3"].Disks
		return len(disks) == 2 && slices.ContainsFunc(disks, func(x diskJSON) bool { return x.Path == bad && x.Used > 0 })
	})
	disk.cut()
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
	held := int64(0)
	await(t, "the other disk of the node takes data", 20*time.Second, func() bool {
		for _, x := range c.nodeList()["node3"].Disks {
			if x.Path == good {
				held = x.Used
			}
		}
		return held > 0
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
		checked := 0
		for _, v := range c.volumeList() {
			if v.Blocks == 0 {
				continue
			}
			checked++
			if len(v.Replicas) != 2 || zones[v.Replicas[0].Node] == zones[v.Replicas[1].Node] {
				t.Errorf("%s: %s is on %+v, want one copy in each zone", when, v.ID, v.Replicas)
			}
		}
		if checked == 0 {
			t.Errorf("%s: no volume holds anything", when)
		}
	}
	check("written")
	c.nodes[1].kill()
	c.awaitRepaired(30 * time.Second)
	check("repaired")
	wantFiles(t, d, files)
}
