package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"kendfs/metadata"
)

// onTerminal makes the test binary be a shell over a small tree, on the
// terminal that it was started on.
const onTerminal = "KEN_TEST_HISTORY"

func TestMain(m *testing.M) {
	history, wanted := os.LookupEnv(onTerminal)
	if !wanted {
		os.Exit(m.Run())
	}
	if err := talk(history); err != nil {
		fmt.Fprintln(os.Stderr, "talk:", err)
		os.Exit(1)
	}
}

// talk is a shell whose commands print how they were called.
func talk(history string) error {
	if !CanEdit() {
		return fmt.Errorf("standard input is no terminal")
	}
	t, err := NewTerminal(history)
	if err != nil {
		return err
	}
	defer t.Close()
	paths := []string{"/alpha/", "/alpha/one", "/alpha/two words", "/beta"}
	for i := range 300 {
		paths = append(paths, fmt.Sprintf("/many%03d", i))
	}
	tree := newTree(paths...)
	tree.page = 100
	s := New(Config{
		Tree: func() metadata.Tree { return tree }, Lines: t, Out: os.Stdout, Err: os.Stdout, Interactive: true,
		Commands: []Command{
			{Name: "take", Usage: "take a", Short: "take", Min: 1, Max: -1, Kind: Each(Remote),
				Run: func(_ context.Context, c *Call) error { fmt.Printf("took %q\n", c.Args); return nil }},
			{Name: "go", Usage: "go dir", Short: "go there", Min: 1, Max: 1, Kind: Each(Remote),
				Run: func(_ context.Context, c *Call) error { c.Shell.SetPlace(c.Path(0)); return nil }},
			{Name: "ask", Usage: "ask", Short: "ask", Run: func(_ context.Context, c *Call) error {
				a, err := c.Shell.Ask("sure? ")
				fmt.Printf("answer %q %v\n", a, err)
				return nil
			}},
			{Name: "hang", Usage: "hang", Short: "wait for Ctrl-C", Run: func(ctx context.Context, _ *Call) error {
				fmt.Println("hanging")
				<-ctx.Done()
				return ctx.Err()
			}},
		},
	})
	t.SetCompleter(func(line string, pos int) (string, []string, string) {
		return s.Complete(context.Background(), line, pos)
	})
	return s.Run(context.Background())
}

// console is the other side of the terminal.
type console struct {
	t    *testing.T
	tty  *os.File
	mu   sync.Mutex
	b    bytes.Buffer
	at   int
	done chan struct{}
	code int
}

// Write implements io.Writer.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(b)
}

func open(t *testing.T, history string, columns uint16, env ...string) *console {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), onTerminal+"="+history, "TERM=xterm"), env...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, tty: tty, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		_, _ = io.Copy(c, tty) // EIO at the end
		_ = cmd.Wait()
		c.code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-c.done
		_ = tty.Close()
	})
	return c
}

func (c *console) screen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`).ReplaceAllString(c.b.String(), "")
	return strings.ReplaceAll(s, "\r", "")
}

// keys types, and waits for what must appear behind what was seen before.
func (c *console) keys(keys string, want ...string) {
	c.t.Helper()
	if _, err := c.tty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
	for _, w := range want {
		end := time.Now().Add(20 * time.Second)
		for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
			got := c.screen()[c.at:]
			if i := strings.Index(got, w); i >= 0 {
				c.at += i + len(w)
				tick.Stop()
				break
			}
			if time.Now().After(end) {
				c.t.Fatalf("after %q: no %q in\n%s", keys, w, got)
			}
		}
	}
}

func TestEditing(t *testing.T) {
	history := filepath.Join(t.TempDir(), "history")
	c := open(t, history, 80)
	c.keys("", "ken:/> ")
	c.keys("tke beta\x01\x06a\r", `took ["/beta"]`, "ken:/> ") // to the start, one right, insert
	c.keys("nothing\x15take beta x\x17\x17beta\r", `took ["/beta"]`, "ken:/> ")
	c.keys("ta\tal\t\t\t", "one")
	c.keys("tw\t\r", `took ["/alpha/two words"]`, "ken:/> ")
	c.keys("take many\t\t", "Display all 300 possibilities? (y or n) ")
	c.keys("n\x03", "^C", "ken:/> ")
	c.keys("go alpha\r", "ken:/alpha> ")
	c.keys("take o\t\r", `took ["/alpha/one"]`, "ken:/alpha> ")
	c.keys("ask\r", "sure? ")
	c.keys("so\t secret\r", `answer "so`, "ken:/alpha> ")
	c.keys("ask\r", "sure? ")
	c.keys("\x03", "the line was dropped", "ken:/alpha> ")
	c.keys("\x1b[A\x1b[A\r", `took ["/alpha/one"]`, "ken:/alpha> ")        // up over ask
	c.keys("\x12two\r", `took ["/alpha/alpha/two words"]`, "ken:/alpha> ") // searched backwards
	c.keys("nonsense\r", "there is no command nonsense", "ken:/alpha> ")
	// What a command starts finds the terminal as it was.
	c.keys("!stty -a | tr ' ' '\\n' | grep -c -x -e isig -e icanon -e echo\r", "\n3\n", "ken:/alpha> ")
	c.keys("hang\r", "hanging")
	c.keys("\x03", "interrupted", "ken:/alpha> ")
	c.keys("\x04")
	<-c.done
	if c.code != 0 {
		t.Errorf("exit code %d", c.code)
	}
	lines := readHistory(history)
	text := strings.Join(lines, "\n")
	if len(lines) < 8 || strings.Contains(text, "secret") || strings.Contains(text, "nothing") || !strings.Contains(text, `take alpha/two\ words`) {
		t.Errorf("history:\n%s", text)
	}
}

// TestHistoryOfAnotherDay: lines of an earlier shell are there.
func TestHistoryOfAnotherDay(t *testing.T) {
	history := filepath.Join(t.TempDir(), "history")
	appendHistory(history, "take beta")
	c := open(t, history, 80)
	c.keys("", "ken:/> ")
	c.keys("\x1b[A\r", `took ["/beta"]`, "ken:/> ")
	c.keys("quit\r")
	<-c.done
	if got := readHistory(history); len(got) != 3 {
		t.Errorf("history: %q", got)
	}
}

// TestNarrowTerminal: where a line cannot be edited it can still be read.
func TestNarrowTerminal(t *testing.T) {
	c := open(t, "", 14)
	c.keys("", "ken:/> ")
	c.keys("take beta\r", `took ["/beta"]`, "ken:/> ")
	c.keys("q\r")
	<-c.done
	if c.code != 0 {
		t.Errorf("exit code %d", c.code)
	}
}

// TestNoTerminal: what is none is not edited on.
func TestNoTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), onTerminal+"=", "TERM=xterm")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "no terminal") {
		t.Errorf("got %v, %s", err, out)
	}
	c := open(t, "", 80, "TERM=dumb")
	c.keys("", "no terminal")
	<-c.done
}
