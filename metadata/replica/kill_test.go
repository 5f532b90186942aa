package replica

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// The processes of this test are this test binary itself: with killDirEnv set
// it does not run tests but a nameserver under load that reports on its
// standard output. kill -9 does not lose what is in the page cache, so this
// test is about restarting; crash_test.go is about fsync.
const (
	killDirEnv   = "KEN_TEST_KILL_DIR"
	killAckedEnv = "KEN_TEST_KILL_ACKED" // counts by writer, JSON
	killWriters  = 8
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDirEnv); dir != "" {
		if err := runVictim(dir, os.Getenv(killAckedEnv)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runVictim checks what earlier victims acknowledged, reports the state's hash
// and makes directories until it is killed.
func runVictim(dir, acked string) error {
	var counts [killWriters]int
	if err := json.Unmarshal([]byte(acked), &counts); err != nil {
		return err
	}
	n, err := Open(Config{Dir: dir, ID: 1, Addr: "127.0.0.1:1", Bootstrap: initCommand()})
	if err != nil {
		return err
	}
	var t panicTB
	hash, index := stateHash(&t, n)
	fmt.Println("state", index, hash)
	ctx := context.Background()
	for w, atLeast := range counts {
		if counts[w], err = made(ctx, n, w, atLeast); err != nil {
			return err
		}
		if counts[w] > atLeast { // was killed before it could say so
			fmt.Println("ack", w, counts[w]-1)
		}
	}
	keepEntries(&t, n, 2000)
	var wg sync.WaitGroup
	for w := range killWriters {
		wg.Go(func() {
			for i := counts[w]; ; i++ {
				res, err := n.Propose(ctx, mkdir(fmt.Sprintf("/writer-%d/%06d", w, i)))
				if err != nil || !res.Ok {
					fmt.Println("error propose", res, err)
					return
				}
				fmt.Println("ack", w, i)
			}
		})
	}
	for n.raft.Snapshot().Error() == nil {
		// shortens the log all the time, so that kills hit that too
	}
	wg.Wait()
	return nil
}

// made returns how many directories writer w has made. They must include the
// acknowledged ones and at most one more.
func made(ctx context.Context, n *Node, w, acked int) (int, error) {
	parent := fmt.Sprintf("/writer-%d", w)
	if acked == 0 {
		if _, err := n.Query(ctx, lookup(parent)); metadata.KindOf(err) == metadata.KindNotFound {
			if _, err := n.Propose(ctx, mkdir(parent)); err != nil {
				return 0, err
			}
		}
	}
	a, err := n.Query(ctx, lookup(parent))
	if err != nil {
		return 0, err
	}
	got := int(a.Entry.Dir.Dirs)
	if got < acked || got > acked+1 {
		return 0, fmt.Errorf("writer %d: %d directories, %d were acknowledged", w, got, acked)
	}
	if got > 0 {
		_, err = n.Query(ctx, lookup(fmt.Sprintf("%s/%06d", parent, got-1)))
	}
	return got, err
}

// panicTB lets the victim use the helpers of tests.
type panicTB struct{ testing.TB }

func (panicTB) Helper()                   {}
func (panicTB) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (panicTB) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// TestKill kills a nameserver under load at random moments, over and over on
// the same folder.
func TestKill(t *testing.T) {
	cycles := 200
	if soak() {
		cycles = 10_000
	}
	if testing.Short() {
		cycles = 20
	}
	dir := filepath.Join(t.TempDir(), "node")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var counts [killWriters]int
	rp := newReplay(t)
	var pending []*raft.Log // entries seen in the log and not replayed yet
	total := 0
	for cycle := range cycles {
		v := startVictim(t, dir, counts)
		index, hash := v.state(t)
		pending = rp.upTo(t, pending, index)
		if want := rp.hash(t); cycle > 0 && hash != want {
			t.Fatalf("cycle %d: rows at entry %d hash to %.16s, a replay of the log to %.16s", cycle, index, hash, want)
		}
		total += v.killAfter(t, time.Duration(rng.IntN(40_000))*time.Microsecond, &counts)
		pending = readLog(t, dir, rp, pending)
	}
	t.Logf("%d kills, %d acknowledged commands, %d entries", cycles, total, rp.applied)
	if total < cycles {
		t.Errorf("only %d commands in %d cycles", total, cycles)
	}
}

// victim is a running process.
type victim struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func startVictim(t *testing.T, dir string, counts [killWriters]int) *victim {
	t.Helper()
	acked, err := json.Marshal(counts)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir, killAckedEnv+"="+string(acked))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	return &victim{cmd: cmd, out: bufio.NewReader(out)}
}

// state reads the victim's report of what it found.
func (v *victim) state(t *testing.T) (index uint64, hash string) {
	t.Helper()
	line, err := v.out.ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) != 3 || f[0] != "state" {
		t.Fatalf("the victim says %q, %v", line, err)
	}
	index, err = strconv.ParseUint(f[1], 10, 64)
	must(t, err)
	return index, f[2]
}

// killAfter kills the victim and counts what it acknowledged before.
func (v *victim) killAfter(t *testing.T, d time.Duration, counts *[killWriters]int) (acked int) {
	t.Helper()
	timer := time.AfterFunc(d, func() { _ = v.cmd.Process.Kill() })
	defer timer.Stop()
	for {
		line, err := v.out.ReadString('\n')
		if err != nil {
			break // the last line may be cut off, and then counts as not acknowledged
		}
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "ack" {
			t.Fatalf("the victim says %q", line)
		}
		w, err1 := strconv.Atoi(f[1])
		i, err2 := strconv.Atoi(f[2])
		must(t, err1, err2)
		counts[w] = i + 1
		acked++
	}
	_ = v.cmd.Wait() // killed
	return acked
}

// readLog reads the entries that a killed process left and rp has not seen.
// It changes nothing in the folder.
func readLog(t *testing.T, dir string, rp *replay, pending []*raft.Log) []*raft.Log {
	t.Helper()
	db, err := openDatabase(filepath.Join(dir, logFolder), databaseOptions{
		fs: vfs.Default, failure: newFailure(slog.New(slog.DiscardHandler)), magic: "KLOG", cache: 1 << 20, memtable: 1 << 20, readOnly: true,
	})
	must(t, err)
	s := &logStore{db: db}
	last, err := s.LastIndex()
	must(t, err)
	next := rp.applied + 1
	if n := len(pending); n > 0 {
		next = pending[n-1].Index + 1
	}
	for ; next <= last; next++ {
		l := new(raft.Log)
		must(t, s.GetLog(next, l))
		l.Data = bytes.Clone(l.Data)
		pending = append(pending, l)
	}
	must(t, db.Close())
	return pending
}

// upTo replays the pending entries up to index and returns the rest.
func (r *replay) upTo(t *testing.T, pending []*raft.Log, index uint64) []*raft.Log {
	t.Helper()
	for len(pending) > 0 && pending[0].Index <= index {
		r.apply(t, pending[0])
		pending = pending[1:]
	}
	return pending
}
