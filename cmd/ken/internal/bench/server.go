package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const password = "bench-password-1"

// server is one that is being measured: its processes are this program's own
// and end with it.
type server struct {
	name, url      string
	user, password string
	procs          []*exec.Cmd
}

// stopMax is how long a server may take to end; then it is killed.
const stopMax = 15 * time.Second

// stop ends the server's processes, those that need others first. s may be nil.
func (s *server) stop() {
	if s == nil {
		return
	}
	for _, p := range slices.Backward(s.procs) {
		_ = p.Process.Signal(syscall.SIGTERM) // it may have ended
		late := time.AfterFunc(stopMax, func() { _ = p.Process.Kill() })
		_ = p.Wait() // how it ended does not matter here
		late.Stop()
	}
}

// memory returns the largest resident set of each process.
func (s *server) memory() []string {
	var out []string
	for _, p := range s.procs {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
				kib, _ := strconv.Atoi(f[1])
				out = append(out, fmt.Sprintf("%d MiB", kib>>10))
			}
		}
	}
	return out
}

// spawn starts a ken process and waits until it says that it is ready.
func spawn(ctx context.Context, ken string, args ...string) (*exec.Cmd, string, error) {
	c := exec.Command(ken, args...)
	c.Env = append(os.Environ(), "KEN_ADMIN_PASSWORD="+password)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := c.Start(); err != nil {
		return nil, "", err
	}
	var head strings.Builder
	// Whoever starts nothing and says nothing ends with ctx.
	broken := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if line == "ready\n" && broken() {
			return c, head.String(), nil
		}
		if err != nil || ctx.Err() != nil {
			break
		}
	}
	_ = c.Process.Kill() // it may have ended
	return nil, "", errors.Join(fmt.Errorf("ken %v did not start: %s", args, head.String()), c.Wait(), ctx.Err())
}

// field returns the value beside a name in what ken printed, or nothing.
func field(out, name string) string {
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, name); ok {
			if f := strings.Fields(v); len(f) > 0 {
				return f[0]
			}
		}
	}
	return ""
}

// startDev starts a whole drive in one process.
func startDev(ctx context.Context, name, ken, dir string) (*server, error) {
	c, out, err := spawn(ctx, ken, "dev", "--dir", filepath.Join(dir, "dev-"+name), "--webdav", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &server{name: name, url: field(out, "drive:"), user: "admin", password: password, procs: []*exec.Cmd{c}}, nil
}

// freeAddr returns a loopback address that nobody listens on now.
func freeAddr(network string) (string, error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		return c.LocalAddr().String(), c.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
