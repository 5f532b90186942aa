package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guardScript waits until nobody holds its standard input any more, which is
// when the tests have ended, however they did. Then it unmounts what they
// mounted below a folder (a loop device goes with its mount) and removes it.
// Processes that are being killed may still write, so it tries for a while.
const guardScript = `
cat >/dev/null
i=0
while [ -e "$1" ] && [ $i -lt 100 ]; do
	[ $i -eq 0 ] || sleep 0.2
	cut -d' ' -f2 /proc/mounts | grep -F "$1/" | sort -r | while read -r m; do umount -l "$m"; done
	rm -rf --one-file-system "$1"
	i=$((i + 1))
done
`

// guardTemp makes one folder for all that the tests of this process keep, and
// has it removed when the process ends: by end or, when it is killed or runs
// into its time limit and no cleanup is called, by a process that watches it.
func guardTemp() (end func(), err error) {
	root, err := os.MkdirTemp("", "ken-test-")
	if err != nil {
		return nil, err
	}
	c := exec.Command("sh", "-c", guardScript, "guard", root)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is not for it
	hold, err := c.StdinPipe()
	if err == nil {
		err = errors.Join(os.Chmod(root, 0o755), os.Setenv("TMPDIR", root), c.Start()) // davfs2 works as another user
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	return func() {
		_ = hold.Close() // a pipe
		_ = c.Wait()     // what it could not remove is in its way next time, too
	}, nil
}

// guardHang makes TestGuardedHang wait to be killed.
const guardHang = "KEN_TEST_HANG"

// TestGuardedHang is the victim of TestGuard.
func TestGuardedHang(t *testing.T) {
	if os.Getenv(guardHang) == "" {
		return // nobody kills it
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		mnt := filepath.Join(dir, "mnt")
		if err := os.Mkdir(mnt, 0o700); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Mount("ken-test", mnt, "tmpfs", 0, "size=1m") // where that is allowed
	}
	fmt.Printf("hangs in %s\n", dir)
	select {}
}

// TestGuard: a test process that is killed leaves no folder and no mount.
func TestGuard(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGuardedHang$")
	c.Env = append(os.Environ(), guardHang+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir, ok := strings.CutPrefix(strings.TrimSpace(line), "hangs in ")
	if err != nil || !ok {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
		t.Fatal(err)
	}
	_ = c.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = c.Wait() // killed
	await(t, "the folder is gone", 20*time.Second, func() bool {
		_, err := os.Stat(filepath.Dir(filepath.Dir(dir)))
		return errors.Is(err, os.ErrNotExist)
	})
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("still mounted: %v\n%s", err, mounts)
	}
}
