package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// TestPrintable: what upsets a terminal goes, what people write stays.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "naïve 日本 👩‍👧": "naïve 日本 👩‍👧", "a\x1b[2Jb": "a\uFFFD[2Jb", "\u009b2J": "\uFFFD2J", "a\nb": "a\uFFFDb",
		"\x7f\t\r": "\uFFFD\uFFFD\uFFFD", "photo\u202egpj.exe": "photo\uFFFDgpj.exe", "\u2066x\u2069": "\uFFFDx\uFFFD", "\xff": "\uFFFD",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := ErrorText(errors.New("a\x1b\nusage: b\n")); got != "a\uFFFD\nusage: b\n" {
		t.Errorf("got %q", got)
	}
}

// TestHostileLines: no line, however odd, ends in anything but an answer or an
// error that says what to do.
func TestHostileLines(t *testing.T) {
	for line, want := range map[string]string{
		"take":                  "needs an argument\nusage: take",
		"send x":                "needs one more argument\nusage: send",
		"new a b":               "takes no second argument",
		"go a b":                "takes no second argument",
		"take -f x":             "has no option -f", // two flags begin so
		"take -fo x":            `["/x"] force`,
		"take --fast --force x": `["/x"] force fast`,
		"take -- -x":            `["/-x"]`,
		"take -slow x":          "written ./-slow",
		"new a*":                "cannot be a pattern",
		"tkae x":                "there is no command tkae",
		"tak x":                 "but: take",
		"take ''":               "an empty name stands for nothing",
		"take [":                "a [ has no ]",
		"take 'x":               "the quote ' is not closed",
		`take x\`:               "ends in a backslash",
		"take \xff":             "not valid UTF-8",
		"take a\x00b":           "not allowed",
		"send ~/no*such* /":     "nothing on this machine matches",
		"!":                     "needs a command of this machine",
		"!exit 3":               "exit status 3",
		"help take":             "usage: take",
		"help nothing":          "there is no command nothing",
	} {
		w := newWorld(t, "", newTree("/x", "/-x"))
		err := w.Do(t.Context(), line)
		if got := w.out.String() + fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q in it", line, got, want)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "first", 2: "second", 3: "third", 4: "4th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// TestLocalNames: ~ and patterns stand for files of this machine, and quotes
// take their meaning away.
func TestLocalNames(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"a.txt", "b.txt", "c d"} {
		if err := os.WriteFile(filepath.Join(home, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"send ~/*.txt /to":  fmt.Sprintf("%q", []string{filepath.Join(home, "a.txt"), filepath.Join(home, "b.txt"), "/to"}),
		"send ~ /to":        fmt.Sprintf("%q", []string{home, "/to"}),
		"send '~'/x /to":    `["~/x" "/to"]`,
		"send ~other /to":   `["~other" "/to"]`,
		"send '*.txt' /to":  `["*.txt" "/to"]`,
		`send ~/c\ d /to`:   fmt.Sprintf("%q", []string{"~/c d", "/to"}),
		"fetch /x ~/a.txt":  fmt.Sprintf("%q", []string{"/x", filepath.Join(home, "a.txt")}),
		"send 'no'*.txt /t": "nothing on this machine matches no*.txt",
	} {
		w := newWorld(t, "", newTree("/x"))
		err := w.Do(t.Context(), line)
		if got := w.out.String() + fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// TestKeepGoing: a script that goes on tells in the end how much failed, and
// shows hostile names harmlessly.
func TestKeepGoing(t *testing.T) {
	for script, want := range map[string]string{"fail\ntake x\nfail\n": "2 lines failed", "fail\ntake x\n": "1 line failed"} {
		w := newWorld(t, script, newTree("/x"))
		w.cfg.KeepGoing, w.cfg.Echo = true, true
		err := w.Run(t.Context())
		var failed *Failures
		if !errors.As(err, &failed) || err.Error() != want || metadata.KindOf(failed.Errs[0]) != metadata.KindConflict {
			t.Errorf("got %v, want %s", err, want)
		}
		if out := w.out.String(); !strings.Contains(out, "> take x\n[\"/x\"]\n") || !strings.Contains(out, "line 1: it failed") {
			t.Errorf("got %s", out)
		}
	}
}

// TestBigScriptLines: a line without end is refused by its number, not read on
// and on.
func TestBigScriptLines(t *testing.T) {
	w := newWorld(t, "take x\n"+strings.Repeat("y", LineBytesMax+1)+"\n", newTree("/x"))
	err := w.Run(t.Context())
	if metadata.KindOf(err) != metadata.KindTooLarge || !strings.Contains(err.Error(), "line 2: ") {
		t.Errorf("got %v", err)
	}
	if _, err := scan(strings.Repeat("y", LineBytesMax+1)); metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("a typed line: got %v", err)
	}
	w = newWorld(t, "ask", newTree())
	if err := w.Run(t.Context()); metadata.KindOf(err) != metadata.KindInvalid || !strings.Contains(err.Error(), `answer "sure?"`) {
		t.Errorf("a question at the end: got %v", err)
	}
}

// TestInterruptedCommand: a person's Ctrl-C ends the command and not the shell;
// a local command is asked to end.
func TestInterruptedCommand(t *testing.T) {
	w := newWorld(t, "", newTree())
	ctx, cancel := context.WithCancel(t.Context())
	w.cfg.Commands = append(w.cfg.Commands, Command{Name: "wait", Usage: "wait", Short: "wait", Run: func(ctx context.Context, _ *Call) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}})
	if err := w.Do(ctx, "wait"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ended, end := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer end()
	began := time.Now()
	if err := w.Do(ended, "!exec sleep 600"); err == nil || time.Since(began) > time.Minute {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
	w.cfg.Interactive = true
	if err := w.Do(t.Context(), "!exit 3"); err != nil {
		t.Errorf("a person has seen what was wrong: got %v", err)
	}
	if !w.Interactive() || w.Place() != metadata.Root {
		t.Errorf("interactive %v at %s", w.Interactive(), w.Place())
	}
}

// TestHistoryIsOptional: whatever is wrong with its file costs the history only.
func TestHistoryIsOptional(t *testing.T) {
	dir := t.TempDir()
	appendHistory("", "x")
	appendHistory(filepath.Join(dir, "h"), strings.Repeat("x", historyLineMax+1))
	if es, err := os.ReadDir(dir); err != nil || len(es) != 0 {
		t.Errorf("written: %v, %v", es, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	appendHistory(filepath.Join(file, "h"), "x") // its folder is a file
	replaceFile(filepath.Join(file, "h"), "x")
	if got := readHistory(filepath.Join(dir, "none")); got != nil {
		t.Errorf("got %v", got)
	}
	bad := filepath.Join(dir, "bad")
	long := strings.Repeat("y", historyLineMax+1)
	if err := os.WriteFile(bad, []byte("one\n\xff\xfe\n\n"+long+"\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readHistory(bad); len(got) != 2 || got[0] != "one" || got[1] != "two" {
		t.Errorf("got %q", got)
	}
}
