package shell

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/peterh/liner"
)

// HistoryMax is how many lines the history keeps.
const HistoryMax = liner.HistoryLimit

// Terminal is Lines that a person types, with editing, history and completion.
// Between lines the terminal is as it was, so that what commands start finds it
// so and Ctrl-C is a signal.
type Terminal struct {
	state       *liner.State
	cooked, raw liner.ModeApplier
	history     string // file; "": none
	complete    liner.WordCompleter
}

// CanEdit reports whether standard input is a terminal on which a line can be
// edited.
func CanEdit() bool {
	_, err := liner.TerminalMode()
	return err == nil && liner.TerminalSupported()
}

// NewTerminal takes over standard input, which has to be a terminal. history is
// the file with earlier lines; Close gives the terminal back.
func NewTerminal(history string) (*Terminal, error) {
	cooked, err := liner.TerminalMode()
	if err != nil {
		return nil, err
	}
	t := &Terminal{state: liner.NewLiner(), cooked: cooked, history: history}
	t.state.SetCtrlCAborts(true)
	t.state.SetTabCompletionStyle(liner.TabPrints)
	t.state.SetBeep(false)
	if t.raw, err = liner.TerminalMode(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	for _, line := range readHistory(history) {
		t.state.AppendHistory(line)
	}
	return t, t.cooked.ApplyMode()
}

// SetCompleter sets what Tab does: see Shell.Complete.
func (t *Terminal) SetCompleter(f func(line string, pos int) (head string, options []string, tail string)) {
	t.complete = f
}

// Line implements Lines.
func (t *Terminal) Line(prompt string) (string, error) {
	t.state.SetWordCompleter(t.complete)
	line, err := t.read(prompt)
	if err == nil && strings.TrimSpace(line) != "" {
		t.state.AppendHistory(line)
		appendHistory(t.history, line)
	}
	return line, err
}

// Ask implements Lines. Answers are not kept.
func (t *Terminal) Ask(question string) (string, error) {
	t.state.SetWordCompleter(nil)
	line, err := t.read(question)
	return strings.TrimSpace(line), err
}

func (t *Terminal) read(prompt string) (string, error) {
	if err := t.raw.ApplyMode(); err != nil {
		return "", err
	}
	line, err := t.state.Prompt(prompt)
	if errors.Is(err, liner.ErrPromptAborted) {
		err = ErrInterrupted
	}
	return line, errors.Join(err, t.cooked.ApplyMode())
}

// Number implements Lines: a person's lines have none.
func (t *Terminal) Number() int { return 0 }

// Close gives the terminal back.
func (t *Terminal) Close() error { return t.state.Close() }

// historyBytesMax bounds what is read of the file, and historyLineMax a line.
const (
	historyBytesMax = 1 << 20
	historyLineMax  = 4 << 10
)

// readHistory returns the last lines of the file, and cuts the file down to
// them when it has grown to more than twice as many. Whatever is wrong with it
// only costs the history.
func readHistory(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if over := len(b) - historyBytesMax; over > 0 {
		b = b[over:]
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if line := s.Text(); line != "" && len(line) <= historyLineMax && utf8.ValidString(line) {
			lines = append(lines, line)
		}
	}
	all := len(lines)
	lines = lines[max(all-HistoryMax, 0):]
	if all > 2*HistoryMax {
		replaceFile(path, strings.Join(lines, "\n")+"\n")
	}
	return lines
}

func replaceFile(path, text string) {
	f, err := os.CreateTemp(filepath.Dir(path), ".history.*")
	if err != nil {
		return
	}
	_, err = f.WriteString(text)
	if errors.Join(err, f.Close()) == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // nothing more can be done
	}
}

// appendHistory adds a line to the file at once, so that several shells and one
// that is killed keep theirs. Only the owner may read it.
func appendHistory(path, line string) {
	if path == "" || len(line) > historyLineMax {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(line + "\n") // without it only the history is shorter
	_ = f.Close()
}

// ReadSecret asks on the terminal for what nobody may read over a shoulder.
func ReadSecret(question string) (string, error) {
	l := liner.NewLiner()
	l.SetCtrlCAborts(true)
	text, err := l.PasswordPrompt(question)
	if errors.Is(err, liner.ErrPromptAborted) {
		err = ErrInterrupted
	}
	return text, errors.Join(err, l.Close())
}
