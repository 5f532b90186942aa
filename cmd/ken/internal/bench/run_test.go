package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// captured returns what f prints on standard output.
func captured(t *testing.T, f func() error) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = old }()
	said := make(chan string, 1)
	go func() { // ends when w is closed
		b, _ := io.ReadAll(r)
		said <- string(b)
	}()
	ferr := f()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return <-said, ferr
}

func little(ken string) options {
	return options{ken: ken, small: 4, rounds: 2, listed: 5, clients: 2, large: 1 << 20, local: true, separate: true}
}

// hasApache reports whether startApache would find the program.
func hasApache() bool {
	_, err := exec.LookPath("apache2")
	return err == nil || executable("/usr/sbin/apache2")
}

// TestRun measures both kinds of drive from the beginning to the end, and
// leaves nothing behind.
func TestRun(t *testing.T) {
	o := little(fake(t, honest))
	o.dir = t.TempDir()
	if err := os.Chmod(filepath.Dir(o.dir), 0o755); err != nil { // Apache's workers are another user
		t.Fatal(err)
	}
	out, err := captured(t, func() error { return run(t.Context(), o) })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peer := "apache2 is not installed"
	if hasApache() {
		peer = "Apache mod_dav"
	}
	for _, want := range []string{
		peer, "one process: ken dev", "separate processes over QUIC beside one raw stream", "put-large MB/s",
		"mkcol op/s", "peak memory: ", "peak memory, nameserver, four storage servers, gateway: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if got := strings.Count(out[strings.LastIndex(out, "peak memory"):], "MiB"); got != 6 {
		t.Errorf("memory of %d processes, want 6:\n%s", got, out)
	}
	left, err := os.ReadDir(o.dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRunBesideAnother: another ken takes the place of Apache and the stream.
func TestRunBesideAnother(t *testing.T) {
	o := little(fake(t, honest))
	o.base, o.dir, o.only = o.ken, t.TempDir(), "mkcol"
	out, err := captured(t, func() error { return run(t.Context(), o) })
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "raw") || strings.Contains(out, "Apache") || strings.Count(out, "beside "+o.ken) != 2 {
		t.Errorf("got\n%s", out)
	}
}

// TestRunFails: what is wrong with a server is said, and all that was started ends.
func TestRunFails(t *testing.T) {
	for how, want := range map[string]string{
		mute: "did not start: drive:", tokenless: "no tokens today", lazy: "did not start", corrupt: "GET",
	} {
		t.Run(how, func(t *testing.T) {
			o := little(fake(t, how))
			o.dir, o.rounds, o.only = t.TempDir(), 1, "get"
			o.local = how == mute || how == corrupt
			out, err := captured(t, func() error { return run(t.Context(), o) })
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q\n%s", err, want, out)
			}
			if left, _ := os.ReadDir(o.dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if kids := children(t); kids != 0 {
				t.Errorf("%d processes are left", kids)
			}
		})
	}
	o := little("ken")
	o.dir = filepath.Join(t.TempDir(), "none")
	if err := run(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such folder: got %v", err)
	}
	o.dir, o.ken = t.TempDir(), filepath.Join(t.TempDir(), "none")
	if err := run(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such binary: got %v", err)
	}
}

// children counts the processes that this one has started and not awaited.
func children(t *testing.T) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if st, ok := parseStat(string(b)); err == nil && ok && st.parent == os.Getpid() {
			n++
		}
	}
	return n
}

// TestSpawnIsCancelled: a ken that neither starts nor ends holds nobody up.
func TestSpawnIsCancelled(t *testing.T) {
	ken := fake(t, silent)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, _, err := spawn(ctx, ken, "dev", "--dir", t.TempDir(), "--webdav", "127.0.0.1:0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if kids := children(t); kids != 0 {
		t.Errorf("%d processes are left", kids)
	}
	if _, err := output(ctx, ken, "token"); err == nil {
		t.Error("a command ran after the end")
	}
	if _, err := startCluster(ctx, "x", ken, t.TempDir()); err == nil {
		t.Error("a cluster was started after the end")
	}
}

// TestStop ends what has ended, and nothing at all.
func TestStop(t *testing.T) {
	var none *server
	none.stop()
	ken := fake(t, honest)
	c, _, err := spawn(t.Context(), ken, "dev", "--dir", t.TempDir(), "--webdav", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{procs: []*exec.Cmd{c}}
	if got := s.memory(); len(got) != 1 || !strings.HasSuffix(got[0], " MiB") {
		t.Errorf("memory: %v", got)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.stop()
	if got := s.memory(); len(got) != 0 {
		t.Errorf("memory of what has ended: %v", got)
	}
	if c.ProcessState == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v", c.ProcessState)
	}
}

func TestListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := listening(t.Context(), l.Addr().String()); err != nil {
		t.Error(err)
	}
	addr, err := freeAddr("tcp")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := listening(ctx, addr); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody there: got %v", err)
	}
}

func TestFreeAddr(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		addr, err := freeAddr(network)
		if err != nil {
			t.Fatal(err)
		}
		if host, port, err := net.SplitHostPort(addr); err != nil || host != "127.0.0.1" || port == "0" {
			t.Errorf("%s: got %s, %v", network, addr, err)
		}
	}
}

// TestStartApache runs the real one where it is installed.
func TestStartApache(t *testing.T) {
	s, err := startApache(t.Context(), t.TempDir())
	if errors.Is(err, errNoApache) {
		t.Skip("apache2 is not installed: only its configuration is tested")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	resp, err := http.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // nothing was asked of it
	if resp.StatusCode >= 500 {
		t.Errorf("got %s", resp.Status)
	}
}

func TestNoApache(t *testing.T) {
	if hasApache() {
		t.Skip("apache2 is installed: that it is missing cannot be tried")
	}
	if s, err := startApache(t.Context(), t.TempDir()); s != nil || !errors.Is(err, errNoApache) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestExecutable(t *testing.T) {
	dir := t.TempDir()
	plain, program := filepath.Join(dir, "plain"), filepath.Join(dir, "program")
	if err := errors.Join(os.WriteFile(plain, nil, 0o644), os.WriteFile(program, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{plain: false, program: true, filepath.Join(dir, "none"): false} {
		if got := executable(path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}
