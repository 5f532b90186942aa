package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// asKen makes the test binary behave as ken itself, so that tests run real
// processes without building a second binary.
const asKen = "KEN_TEST_AS_KEN"

func TestMain(m *testing.M) {
	if os.Getenv(asKen) != "" {
		main()
		return
	}
	end, err := guardTemp()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	end()
	os.Exit(code)
}

const testPassword = "correct-horse-9"

// soak reports whether the long loops were asked for.
func soak() bool { return os.Getenv("KEN_SOAK") != "" }

// kenCommand is ken with arguments, as a process of its own.
func kenCommand(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Args[0], args...)
	mine := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KEN_") && !strings.HasPrefix(v, "KEN_TEST_") })
	c.Env = append(mine, asKen+"=1", "KEN_ADMIN_PASSWORD="+testPassword)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // never outlives the test
	return c
}

// ken runs a command to its end and returns its output and exit code.
func ken(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return kenIn(t, "", args...)
}

// kenIn is ken with standard input.
func kenIn(t testing.TB, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	c := kenCommand(ctx, args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("ken %v: %v", args, err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// mustKen is ken for commands that must succeed.
func mustKen(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, code := ken(t, args...)
	if code != 0 {
		t.Fatalf("ken %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// process is a running `ken run` or `ken dev`.
type process struct {
	t    testing.TB
	args []string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu  sync.Mutex
	err bytes.Buffer // its standard error
}

// startMax bounds the time until the line that says ready.
const startMax = 90 * time.Second

// start runs ken until stop or kill and waits until it says that it is ready.
// It returns what was printed before.
func start(t testing.TB, args ...string) (*process, string) {
	t.Helper()
	p, out, err := tryStart(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

// startWithEnv is start with further environment.
func startWithEnv(t testing.TB, env []string, args ...string) (*process, string) {
	t.Helper()
	p, out, err := startEnv(t, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

func tryStart(t testing.TB, args ...string) (*process, string, error) {
	t.Helper()
	return startEnv(t, nil, args...)
}

func startEnv(t testing.TB, env []string, args ...string) (*process, string, error) {
	t.Helper()
	p := &process{t: t, args: args, cmd: kenCommand(context.Background(), args...), done: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Env, env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.cmd.Stderr = writerFunc(p.note)
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	t.Cleanup(p.kill)
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() { // ends with the process
		defer close(ended)
		var head strings.Builder
		r := bufio.NewReader(stdout)
		for {
			line, err := r.ReadString('\n')
			head.WriteString(line)
			if line == "ready\n" {
				ready <- head.String()
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		<-ended
		_ = p.cmd.Wait() // the exit code is in ProcessState
		close(p.done)
	}()
	select {
	case out := <-ready:
		return p, out, nil
	case <-p.done:
		return nil, "", fmt.Errorf("ken %v ended before it was ready: %v\n%s", args, p.cmd.ProcessState, p.stderr())
	case <-time.After(startMax):
		p.kill()
		return nil, "", fmt.Errorf("ken %v was not ready in %v\n%s", args, startMax, p.stderr())
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

func (p *process) note(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err.Write(b)
	if over := p.err.Len() - 1<<20; over > 0 {
		p.err.Next(over) // the end says more than the beginning
	}
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err.String()
}

// kill ends the process at once, as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// stopMost bounds an orderly end on a busy machine; that it takes five seconds at
// most is claimed with wantWithin.
const stopMost = time.Minute

// stop asks the process to end and returns how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("ken %v: %v", p.args, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopMost):
		p.kill()
		p.t.Errorf("ken %v did not end in %v\n%s", p.args, stopMost, p.stderr())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("ken %v: exit code %d after SIGTERM\n%s", p.args, code, p.stderr())
	}
	return time.Since(began)
}

// portsHanded counts the ports that this process has tried.
var portsHanded atomic.Uint32

// freePort returns an address that nobody listens on, and that nobody takes
// while a test's process is away: the port is below those that the kernel gives
// to sockets that ask for any, and no other test of this process gets it.
func freePort(t testing.TB, network string) string {
	t.Helper()
	const first = 10_000
	end := 32_768 // where the kernel's own choice begins
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if low, err := strconv.Atoi(strings.Fields(string(b) + " x")[0]); err == nil && low > first+1000 {
			end = low
		}
	}
	for range 1000 {
		// Test processes that run at once begin at different ports.
		n := os.Getpid()*211 + int(portsHanded.Add(1))
		addr := fmt.Sprintf("127.0.0.1:%d", first+n%(end-first))
		var c io.Closer
		var err error
		if network == "udp" {
			c, err = net.ListenPacket("udp", addr)
		} else {
			c, err = net.Listen("tcp", addr)
		}
		if err == nil {
			c.Close()
			return addr
		}
	}
	t.Fatalf("no free %s port", network)
	return ""
}

// dev starts `ken dev` in dir and returns the drive's address.
func dev(t testing.TB, dir string, args ...string) (*process, string) {
	t.Helper()
	p, out := start(t, append([]string{"dev", "--dir", dir, "--webdav", "127.0.0.1:0"}, args...)...)
	return p, field(t, out, "drive:")
}

// field returns the value beside a name in what ken printed.
func field(t testing.TB, out, name string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(v)[0]
		}
	}
	t.Fatalf("no %q in:\n%s", name, out)
	return ""
}

// testCluster is a cluster of separate processes with certificates.
type testCluster struct {
	t       testing.TB
	dir     string
	webdav  string
	quic    []string
	nodes   []*process // 0: nameserver, 1…: storage servers, last: gateway
	gateway int
	mu      sync.Mutex
}

// newTestCluster makes and starts one nameserver, servers storage servers and
// one gateway. extra is added to every ken.toml.
func newTestCluster(t testing.TB, dir string, servers int, extra string) *testCluster {
	t.Helper()
	c := &testCluster{t: t, dir: dir, webdav: freePort(t, "tcp"), gateway: servers + 1}
	for range servers + 2 {
		c.quic = append(c.quic, freePort(t, "udp"))
	}
	c.nodes = make([]*process, servers+2)
	t.Cleanup(c.tell)
	mustKen(t, "init", "--dir", c.node(0), "--roles", "nameserver", "--listen", c.quic[0], "--name", "ns")
	c.configure(0, extra)
	c.start(0)
	for i := 1; i < len(c.nodes); i++ {
		role := "datanode"
		if i == c.gateway {
			role = "webdav"
		}
		token := strings.TrimSpace(mustKen(t, "token", "create", "--dir", c.node(0), "--roles", role))
		mustKen(t, "join", "--dir", c.node(i), "--roles", role, "--listen", c.quic[i], "--webdav", c.webdav,
			"--name", fmt.Sprintf("node%d", i), token)
		c.configure(i, extra)
		c.start(i)
	}
	return c
}

func (c *testCluster) node(i int) string { return filepath.Join(c.dir, fmt.Sprintf("n%d", i)) }

// configure replaces settings: lines "section.key = value".
func (c *testCluster) configure(i int, extra string) {
	c.t.Helper()
	path := filepath.Join(c.node(i), "ken.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	text := string(b)
	for line := range strings.Lines(extra) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		section, key, _ := strings.Cut(key, ".")
		at := strings.Index(text, "["+section+"]")
		from := strings.Index(text[at:], "\n"+key+" = ")
		if at < 0 || from < 0 {
			c.t.Fatalf("ken.toml has no %s.%s:\n%s", section, key, text)
		}
		from += at + 1
		to := from + strings.IndexByte(text[from:], '\n')
		text = text[:from] + key + " = " + value + text[to:]
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testCluster) start(i int) {
	c.t.Helper()
	p, _ := start(c.t, "run", "--dir", c.node(i))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[i] = p
}

func (c *testCluster) url() string { return "http://" + c.webdav + "/" }

// status returns what `ken status -o json` says.
func (c *testCluster) status() map[string]any { return status(c.t, c.node(0)) }

func status(t testing.TB, dir string) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal([]byte(mustKen(t, "status", "--dir", dir, "-o", "json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// patience is how much longer than on an idle machine an await may take: that
// something happens is claimed with it, how fast with wantWithin.
const patience = 4

// await polls until ok, at most patience times the given time. Most polls are
// processes of their own, so it does not poll faster than others can work beside it.
func await(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	most *= patience
	end := time.Now().Add(most)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", most, what)
		}
		<-tick.C
	}
}

// wantWithin does something until it takes no longer than most, a few times:
// that it can be so fast is claimed of ken, not of what else the machine does.
func wantWithin(t testing.TB, what string, most time.Duration, once func() time.Duration) {
	t.Helper()
	var took []time.Duration
	for range 5 {
		took = append(took, once().Round(time.Microsecond))
		if took[len(took)-1] <= most {
			t.Logf("%s: %v", what, took)
			return
		}
	}
	t.Errorf("%s took %v, want at most %v", what, took, most)
}

// awaitVerdict waits until the cluster says so of itself.
func (c *testCluster) awaitVerdict(want string, most time.Duration) {
	c.t.Helper()
	c.awaitNone("the verdict is "+want, most, func() string {
		if s := c.status(); s["verdict"] != want {
			return fmt.Sprintf("verdict %v: %v", s["verdict"], s)
		}
		return ""
	})
}

// awaitNone waits until nothing is wrong, and fails with what was wrong last.
func (c *testCluster) awaitNone(what string, most time.Duration, wrong func() string) {
	c.t.Helper()
	var last string
	defer func() {
		if last != "" {
			c.t.Logf("at last: %s", last)
		}
	}()
	await(c.t, what, most, func() bool {
		last = wrong()
		return last == ""
	})
}

// awaitHeard waits until the nameserver has heard of a storage server since
// now: what it says of its disks is from after the last start then.
func (c *testCluster) awaitHeard(i int) {
	c.t.Helper()
	now := time.Now()
	await(c.t, nodeName(i)+" is heard of", 30*time.Second, func() bool {
		n := c.nodeList()[nodeName(i)]
		return n.Heard != nil && n.Heard.After(now) && n.Liveness == "up"
	})
}

// quickRepair makes the leader lose patience sooner than with people's machines,
// but not with a storage server that misses a heartbeat on a busy machine: they
// come once a second.
const quickRepair = `
repair.suspect_after = "2s"
repair.down_after = "4s"
`

// awaitRepaired waits until a storage server is down and all data has its
// copies on the others.
func (c *testCluster) awaitRepaired(most time.Duration) {
	c.t.Helper()
	var last map[string]any
	await(c.t, "a dead storage server's data repaired", most, func() bool {
		last = c.status()
		return last["verdict"] == "protected" && last["nodes"].(map[string]any)["down"] != 0.0
	})
}

// awaitAllUp waits until every storage server is up and the data is protected.
func (c *testCluster) awaitAllUp(most time.Duration) {
	c.t.Helper()
	await(c.t, "all storage servers up", most, func() bool {
		s := c.status()
		return s["verdict"] == "protected" && s["nodes"].(map[string]any)["up"] == float64(c.gateway-1)
	})
}

// drive is a WebDAV client of the tests.
type drive struct {
	url    string
	client *http.Client
}

func newDrive(url string) *drive {
	return &drive{url: strings.TrimSuffix(url, "/"), client: &http.Client{
		Timeout:   2 * time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}}
}

// do sends a request and returns the answer with its body read.
func (d *drive) do(ctx context.Context, method, path string, body io.Reader, header ...string) (
	*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.SetBasicAuth("admin", testPassword)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

// must sends a request that has to be answered with one of the statuses.
func (d *drive) must(t testing.TB, method, path string, body []byte, want int, header ...string) []byte {
	t.Helper()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	resp, b, err := d.do(t.Context(), method, path, r, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s %s: got %s, want %d\n%s", method, path, resp.Status, want, b)
	}
	return b
}

// syncBuffer is a buffer that one goroutine fills while another looks.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
