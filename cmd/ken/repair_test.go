package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// timeline notes when the cluster's verdict changes, as `ken status` tells it.
type timeline struct {
	c     *testCluster
	began time.Time
	down  time.Duration // until a storage server was said to be down; zero: not yet
	seen  []string
}

func (l *timeline) look() (verdict string) {
	l.c.t.Helper()
	s := l.c.status()
	verdict = s["verdict"].(string)
	nodes := s["nodes"].(map[string]any)
	at := time.Since(l.began)
	if l.down == 0 && nodes["down"] != 0.0 {
		l.down = at
	}
	what := fmt.Sprintf("%s (%v up, %v suspect, %v down)", verdict, nodes["up"], nodes["suspect"], nodes["down"])
	if len(l.seen) == 0 || !strings.HasSuffix(l.seen[len(l.seen)-1], what) {
		l.seen = append(l.seen, fmt.Sprintf("%v %s", at.Round(100*time.Millisecond), what))
	}
	return verdict
}

// TestStorageServerIsLost kills a storage server for good: every volume is back
// at two live replicas without help, and the verdict says at every step what is
// so. Then it comes back, and what it has too much is cleared away.
func TestStorageServerIsLost(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 4, quickRepair)
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	victim, held := c.holder()
	before := c.nodeList()[nodeName(victim)]
	told := len(c.verdicts())
	c.nodes[victim].kill()

	l := &timeline{c: c, began: time.Now()}
	await(t, "a dead storage server's data at risk, then repaired", 40*time.Second, func() bool {
		v := l.look()
		// What lasts for less than a look at it is in the nameserver's log.
		risky := slices.Contains(c.verdicts()[told:], "at_risk")
		return risky && l.down > 0 && v == "protected"
	})
	repaired := time.Since(l.began)
	for _, v := range c.volumeList() {
		live := 0
		for _, r := range v.Replicas {
			if r.Node != before.ID {
				live++
			}
		}
		if v.Blocks > 0 && live < v.Target {
			t.Errorf("protected, but %s has %d copies of %d beside the dead server", v.ID, live, v.Target)
		}
	}
	c.awaitNone("the dead server is counted on no more", 15*time.Second, func() string {
		for _, v := range c.volumeList() {
			for _, r := range v.Replicas {
				if v.Blocks > 0 && (r.Node == before.ID || v.Copies != v.Target) {
					return fmt.Sprintf("%s is on %v", v.ID, v.Replicas)
				}
			}
		}
		return ""
	})
	t.Logf("%d bytes on the dead server: down after %v, protected %v later; %v", held,
		l.down.Round(100*time.Millisecond), (repaired - l.down).Round(100*time.Millisecond), l.seen)
	if most := patience * 15 * time.Second; repaired-l.down > most {
		t.Errorf("from down to protected: %v, want at most %v", repaired-l.down, most)
	}
	wantFiles(t, d, files)

	c.start(victim)
	c.awaitAllUp(30 * time.Second)
	c.awaitAccounted(30 * time.Second) // the copies that nobody lists any more are gone
	if after := c.nodeList()[nodeName(victim)]; after.Disks[0].ID != before.Disks[0].ID {
		t.Errorf("the disk that came back is %s, want %s", after.Disks[0].ID, before.Disks[0].ID)
	}
	wantFiles(t, d, files)
}

// TestReturnedServerIsReused: with nowhere else to copy to, a server that was
// away gets what it missed and keeps what it has.
func TestReturnedServerIsReused(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 2, quickRepair)
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	c.awaitAccounted(20 * time.Second) // heartbeats have told what it holds
	kept := used(c.nodeList()["node1"])
	c.nodes[1].kill()
	c.awaitVerdict("at_risk", 20*time.Second)
	missed := putFiles(t, d, "b", 3<<20, 1000) // with one copy of two
	c.start(1)
	least := kept
	await(t, "two copies of everything again", 45*time.Second, func() bool {
		if n := c.nodeList()["node1"]; n.Liveness == "up" {
			least = min(least, used(n))
		}
		return c.status()["verdict"] == "protected" && c.unaccounted() == ""
	})
	if least < kept {
		t.Errorf("the server had %d bytes and held only %d in between: its copies were not reused", kept, least)
	}
	c.nodes[2].kill() // all that is left is on the one that came back
	wantFiles(t, d, files)
	wantFiles(t, d, missed)
}

// TestWipedDisk empties a storage server's disk while it is down: it comes back
// with another disk, which gets its data from the others.
func TestWipedDisk(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 2, quickRepair)
	d := newDrive(c.url())
	files := putFiles(t, d, "a", mixedSizes()...)
	c.awaitAccounted(20 * time.Second)
	before := c.nodeList()["node1"]
	c.nodes[1].kill()
	if err := os.RemoveAll(filepath.Join(c.node(1), "disk")); err != nil {
		t.Fatal(err)
	}
	c.start(1)
	began := time.Now()
	c.awaitHeard(1) // what is known of it is of the new disk now
	await(t, "the new disk has everything", 60*time.Second, func() bool {
		return c.status()["verdict"] == "protected" && c.unaccounted() == "" && used(c.nodeList()["node1"]) >= used(before)
	})
	t.Logf("%d bytes on a new disk after %v", used(before), time.Since(began).Round(100*time.Millisecond))
	for _, disk := range c.nodeList()["node1"].Disks {
		if disk.ID == before.Disks[0].ID && disk.Failed == "" && disk.Used > 0 {
			t.Errorf("the wiped disk came back under its old id %s", disk.ID)
		}
	}
	c.nodes[2].kill()
	wantFiles(t, d, files)
}

const quickScrub = `
storage.scrub_pause = "300ms"
storage.scrub_mib_per_second = 1000
`

// TestDamagedDisk flips bytes in all packs and block files of one of two
// storage servers, once while it is stopped and once while it runs: every read
// is right all the time, and in the end its copy is whole again.
func TestDamagedDisk(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		t.Run(map[bool]string{false: "stopped", true: "running"}[live], func(t *testing.T) {
			var c *testCluster
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s", c.nodes[1].stderr())
				}
			})
			c = newTestCluster(t, t.TempDir(), 2, quickRepair+quickScrub)
			d := newDrive(c.url())
			files := putFiles(t, d, "a", mixedSizes()...)
			c.awaitAllUp(10 * time.Second)
			if !live {
				c.nodes[1].stop()
			}
			flips := flipDisk(t, filepath.Join(c.node(1), "disk"), 100_000)
			if !live {
				c.start(1)
			}
			wantFiles(t, d, files)
			// The gateway goes on with its leases: they are recalled for this.
			began := time.Now()
			await(t, "the damaged copy is whole", 60*time.Second, func() bool {
				log := c.nodes[1].stderr()
				found, mended := strings.Count(log, "block is damaged;"), strings.Count(log, "damaged block is replaced or gone")
				return found > 0 && mended == found && quietFor(log, "scrub found a damaged block", 3*time.Second) && c.unaccounted() == ""
			})
			took := time.Since(began)
			c.nodes[2].kill() // all that is left is on the server that was damaged
			wantFiles(t, d, files)
			t.Logf("%d bytes flipped, whole again after %v", flips, took.Round(100*time.Millisecond))
		})
	}
}

// quietFor reports whether a log has such a line, and the last one is older than that.
func quietFor(log, line string, d time.Duration) bool {
	at := strings.LastIndex(log, line)
	if at < 0 {
		return false
	}
	_, stamp, _ := strings.Cut(log[strings.LastIndexByte(log[:at], '\n')+1:at], "time=")
	when, err := time.Parse(time.RFC3339Nano, strings.Fields(stamp + " ")[0])
	return err == nil && time.Since(when) > d
}

// TestPausedStorageServer freezes a storage server in the middle of uploads and
// downloads: no client sees an error.
func TestPausedStorageServer(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 3, quickRepair)
	d := newDrive(c.url())
	data := randomBytes(24 << 20)
	sum := sha256.Sum256(data)
	d.must(t, "PUT", "/before", data, http.StatusCreated)
	var failed, done atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("/w%d-%d", w, i%4)
				resp, _, err := d.do(t.Context(), "PUT", name, bytes.NewReader(data[:1<<20*(1+w)]))
				if err == nil && resp.StatusCode < 300 {
					var body []byte
					resp, body, err = d.do(t.Context(), "GET", "/before", nil)
					if err == nil && resp.StatusCode == http.StatusOK && sha256.Sum256(body) != sum {
						t.Error("a read gave other bytes")
					}
				}
				if err != nil || resp.StatusCode >= 300 {
					failed.Add(1)
					t.Errorf("client %d: %v, %v", w, resp, err)
				}
				done.Add(1)
			}
		})
	}
	for i := 1; i <= 3; i++ {
		c.signal(i, syscall.SIGSTOP)
		<-time.After(6 * time.Second) // the fault's length: it is down by then
		c.signal(i, syscall.SIGCONT)
		c.awaitAllUp(45 * time.Second)
	}
	close(stop)
	wg.Wait()
	t.Logf("three servers frozen for 6 s each: %d uploads and downloads, %d failed", done.Load(), failed.Load())
	c.awaitAccounted(45 * time.Second)
}

// TestSlowUploadOutlivesAServer: an upload that takes much longer than repair
// does not hold up the repair, and does not fail for it.
func TestSlowUploadOutlivesAServer(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 4, quickRepair)
	d := newDrive(c.url())
	data := randomBytes(40 << 20)
	pr, pw := io.Pipe()
	type result struct {
		resp *http.Response
		err  error
	}
	answered := make(chan result, 1)
	go func() { // ends with the upload
		resp, _, err := d.do(t.Context(), "PUT", "/slow", pr)
		answered <- result{resp, err}
	}()
	if _, err := pw.Write(data[:30<<20]); err != nil {
		t.Fatal(err)
	}
	victim := 0 // a server that has blocks of it
	await(t, "heartbeats tell of the upload's first blocks", 20*time.Second, func() bool {
		nodes, most := c.nodeList(), int64(0)
		for i := 1; i <= 4; i++ {
			if n := used(nodes[nodeName(i)]); n > most {
				victim, most = i, n
			}
		}
		return most >= 8<<20
	})
	c.nodes[victim].kill()
	sent := 30 << 20
	await(t, "repair beside a running upload", 40*time.Second, func() bool {
		if sent < 31<<20 { // the client is slow, not silent
			if _, err := pw.Write(data[sent : sent+1000]); err != nil {
				t.Fatal(err)
			}
			sent += 1000
		}
		s := c.status()
		return s["verdict"] == "protected" && s["nodes"].(map[string]any)["down"] != 0.0
	})
	if _, err := pw.Write(data[sent:]); err != nil {
		t.Fatal(err)
	}
	pw.Close()
	if r := <-answered; r.err != nil || r.resp.StatusCode != http.StatusCreated {
		t.Fatalf("PUT: %v, %v", r.resp, r.err)
	}
	wantFiles(t, d, map[string][]byte{"/slow": data})
}

// TestGatewayDies: the volumes that a killed gateway had leased are idle again
// soon after its session's time, and so can be repaired.
func TestGatewayDies(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 2, quickRepair)
	files := putFiles(t, newDrive(c.url()), "a", 1000, 5<<20)
	c.nodes[c.gateway].kill()
	began := time.Now()
	c.awaitIdle(25 * time.Second)
	took := time.Since(began)
	t.Logf("all volumes idle %v after the gateway was killed", took.Round(100*time.Millisecond))
	if took < 8*time.Second {
		t.Errorf("a session ended after %v: it must last for two missed renewals", took)
	}
	c.start(c.gateway)
	wantFiles(t, newDrive(c.url()), files)
	c.awaitAccounted(20 * time.Second)
}
