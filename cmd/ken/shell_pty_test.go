package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Keys.
const (
	keyUp    = "\x1b[A"
	keyTab   = "\t"
	keyCtrlC = "\x03"
	keyCtrlD = "\x04"
)

// person is a shell on a pseudo-terminal, and who sits there.
type person struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	seen syncBuffer
	from int           // how much of the screen was looked at already
	done chan struct{} // closed when the shell has ended
	code int
}

// sitDown starts `ken shell` on a terminal of 100 columns.
func sitDown(t *testing.T, dir, history string) *person {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	p := atTerminal(t, kenCommand(ctx, "shell", "--dir", dir, "--history", history))
	p.expect("ken:/> ")
	return p
}

// atTerminal starts a command on a terminal of 100 columns.
func atTerminal(t *testing.T, c *exec.Cmd) *person {
	t.Helper()
	c.Env = append(c.Env, "TERM=xterm")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // and it gets a session of its own
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 40, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, tty: tty, cmd: c, done: make(chan struct{})}
	go func() { // ends with the shell
		_, _ = io.Copy(&p.seen, tty) // EIO when the other side is closed
		_ = c.Wait()
		p.code = c.ProcessState.ExitCode()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		<-p.done
		_ = tty.Close()
	})
	return p
}

// TestPasswordOnTerminal: a new password is asked for twice and not shown.
func TestPasswordOnTerminal(t *testing.T) {
	drive, url := dev(t, t.TempDir())
	dir := devDirOf(drive)
	p := atTerminal(t, kenCommand(t.Context(), "user", "passwd", "admin", "--dir", dir))
	p.expect("new password of admin: ")
	p.typeKeys("another-secret-7\r")
	p.expect("the same again: ")
	p.typeKeys("another-secret-7\r")
	p.expect("admin has a new password")
	if code := p.ended(); code != 0 || strings.Contains(p.seen.String(), "another") {
		t.Errorf("exit code %d, screen:\n%s", code, p.seen.String())
	}
	newDrive(url).must(t, "GET", "/", nil, 401)
}

func (p *person) typeKeys(keys string) {
	p.t.Helper()
	if _, err := p.tty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// screen is all that has come, without the terminal's controls.
func (p *person) screen() string {
	s := regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`).ReplaceAllString(p.seen.String(), "")
	return strings.ReplaceAll(s, "\r", "")
}

// expect waits for a text on the screen, and looks only behind it from then on.
// It returns what came until then.
func (p *person) expect(want string) string {
	p.t.Helper()
	end := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		got := p.screen()[p.from:]
		if i := strings.Index(got, want); i >= 0 {
			p.from += i + len(want)
			return got[:i]
		}
		if time.Now().After(end) {
			p.t.Fatalf("not on the screen: %q\nbut:\n%s", want, got[max(len(got)-2000, 0):])
		}
	}
}

// do types a line and waits for the next prompt.
func (p *person) do(line, prompt string) string {
	p.t.Helper()
	p.typeKeys(line + "\r")
	p.expect("\n")
	return p.expect(prompt)
}

func (p *person) ended() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the shell did not end:\n%s", p.screen())
	}
	return p.code
}

func TestShellOnTerminal(t *testing.T) {
	drive, _ := dev(t, t.TempDir())
	dir := devDirOf(drive)
	history := filepath.Join(t.TempDir(), "state", "history")
	p := sitDown(t, dir, history)
	if got := p.seen.String(); !strings.Contains(got, "`help` lists the commands") || !strings.Contains(got, "/: nothing, ") {
		t.Errorf("greeting: %s", got)
	}
	p.do(`mkdir photos "my docs" phones`, "ken:/> ")
	p.do("mkfiles photos/one photos/two", "ken:/> ")

	p.typeKeys("cd pho" + keyTab) // two directories begin so
	p.typeKeys(keyTab + keyTab)
	p.expect("photos/")
	p.typeKeys("t" + keyTab + "\r")
	p.expect("ken:/photos> ")
	if got := p.do("ls", "ken:/photos> "); !strings.Contains(got, "0 B") || !strings.Contains(got, "one") {
		t.Errorf("ls shows %s", got)
	}
	p.typeKeys("cd ../m" + keyTab + "\r") // the blank is escaped
	p.expect("ken:/my docs> ")
	p.typeKeys("inf" + keyTab + "/photos/o" + keyTab + "\r")
	p.expect("/photos/one\n")
	p.expect("ken:/my docs> ")

	p.typeKeys("nonsense" + keyCtrlC) // drops the line
	p.expect("^C")
	p.expect("ken:/my docs> ")
	if got := p.do("cd ..", "ken:/> "); strings.Contains(got, "nonsense") {
		t.Errorf("a dropped line was run: %s", got)
	}
	p.typeKeys(keyUp + keyUp) // "info" again, then "cd .." dropped
	p.expect("/photos/one")
	p.typeKeys("\r")
	p.expect("path:")
	p.expect("ken:/> ")
	p.do("cd nowhere", "ken:/> ")
	p.typeKeys(keyCtrlD)
	if code := p.ended(); code != 0 {
		t.Errorf("exit code %d after Ctrl-D", code)
	}

	b, err := os.ReadFile(history)
	if err != nil || !strings.HasPrefix(string(b), "mkdir photos") || strings.Contains(string(b), "nonsense") {
		t.Errorf("history: %q, %v", b, err)
	}
	again := sitDown(t, dir, history) // another day
	again.typeKeys(keyUp)
	again.expect("cd nowhere")
	again.typeKeys("\x15quit\r")
	if code := again.ended(); code != 0 {
		t.Errorf("exit code %d after quit", code)
	}
}

// TestShellCtrlC: it ends the command that runs, and the shell stays.
func TestShellCtrlC(t *testing.T) {
	drive, _ := dev(t, t.TempDir())
	local := filepath.Join(t.TempDir(), "huge.bin")
	f, err := os.Create(local)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(64 << 30); err != nil { // nobody waits for that
		t.Fatal(err)
	}
	f.Close()
	p := sitDown(t, devDirOf(drive), "")
	p.typeKeys("upload " + local + " /\r")
	p.expect(" of 8192")
	p.typeKeys(keyCtrlC)
	p.expect("interrupted")
	p.expect("ken:/> ")
	if got := p.do("ls", "ken:/> "); strings.Contains(got, "huge.bin") {
		t.Errorf("a cancelled upload is there: %s", got)
	}
	p.typeKeys("!sleep 60\r")
	p.expect("\n")
	await(t, "the local command runs", 10*time.Second, func() bool { return signals(t, p.tty) })
	p.typeKeys(keyCtrlC)
	p.expect("ken:/> ")
	p.typeKeys("init -force\r")
	p.expect("ready: ") // empty: nothing to ask
	p.do("mkfiles keep", "ken:/> ")
	p.typeKeys("init -force\r")
	p.expect("Type delete everything to go on: ")
	p.typeKeys(keyCtrlC)
	p.expect("nothing was deleted")
	p.expect("ken:/> ")
	if got := p.do("ls", "ken:/> "); !strings.Contains(got, "keep") {
		t.Errorf("keep is gone: %s", got)
	}
	p.typeKeys("init -force\r")
	p.expect("to go on: ")
	p.typeKeys("delete everything\r")
	p.expect("Deleted 1 file")
	p.expect("ken:/> ")
	p.typeKeys("x\r")
	if code := p.ended(); code != 0 {
		t.Errorf("exit code %d after x", code)
	}
}

// TestShellSurvivesNameserver: the nameserver is killed and comes back at
// another address; the shell says both and goes on by itself.
func TestShellSurvivesNameserver(t *testing.T) {
	dir := t.TempDir()
	drive, _ := dev(t, dir)
	p := sitDown(t, dir, "")
	p.do("mkdir here", "ken:/> ")
	drive.kill()
	p.typeKeys("ls\r")
	p.expect("does not answer, waiting for it (Ctrl-C gives up)")
	p.typeKeys(keyCtrlC) // gives up
	p.expect("interrupted")
	p.expect("ken:/> ")
	p.typeKeys("cd h" + keyTab) // completion has nothing, and does not hang
	p.typeKeys(keyCtrlC)
	p.expect("ken:/> ")
	p.typeKeys("ls\r")
	p.expect("does not answer")
	drive, _ = dev(t, dir)
	p.expect("connected again, to 127.0.0.1:")
	p.expect("here/")
	p.do("cd here", "ken:/here> ")
	p.typeKeys(keyCtrlD)
	if code := p.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	drive.stop()
}

// TestShellEndsWithTerminal: a shell whose terminal is closed ends, also while
// it waits for a key.
func TestShellEndsWithTerminal(t *testing.T) {
	drive, _ := dev(t, t.TempDir())
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		p := sitDown(t, devDirOf(drive), "")
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		p.ended()
	}
}

// signals reports whether Ctrl-C is a signal on the terminal now, as it is
// while a command runs.
func signals(t *testing.T, tty *os.File) bool {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return m.Lflag&unix.ISIG != 0
}

// TestStatusOnNarrowTerminal: on a phone's terminal the page keeps within its
// columns and rows, whatever is wrong with the cluster.
func TestStatusOnNarrowTerminal(t *testing.T) {
	drive, _ := dev(t, t.TempDir())
	c := kenCommand(t.Context(), "status", "--watch", "--dir", devDirOf(drive))
	p := atTerminal(t, c)
	p.expect("Ctrl-C ends")
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 14, Cols: 44}); err != nil {
		t.Fatal(err)
	}
	p.expect("lines more: `ken status`") // it did not fit
	p.expect("Ctrl-C ends")
	p.typeKeys(keyCtrlC)
	p.ended()
	if strings.Contains(p.seen.String(), "\x1b[2m") {
		t.Error("letters are dimmed: some cannot read them, and NO_COLOR asks for none")
	}
}
