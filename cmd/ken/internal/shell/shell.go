package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"kendfs/metadata"
)

// Config is what a shell works with.
type Config struct {
	Commands []Command
	Tree     func() metadata.Tree // the drive's names; asked for each use, since a shell reconnects
	Lines    Lines
	Out, Err io.Writer

	// Interactive: a person sits at a terminal. Errors are printed and the
	// shell goes on; Ctrl-C cancels the running command only.
	Interactive bool
	// KeepGoing: a script goes on after a failed line, and fails in the end.
	KeepGoing bool
	// Echo: each line is printed before it runs.
	Echo bool
	// Attend runs a command while it watches the connection; nil just runs it.
	// It may run a command that reads again, on a new connection.
	Attend func(ctx context.Context, reads bool, run func(context.Context) error) error
}

// Shell is a place on the drive and the commands that work from there.
type Shell struct {
	cfg   Config
	place metadata.Path
	quit  bool
}

// New makes a shell at the root. The commands that are the language's own (help
// and quit) are added.
func New(cfg Config) *Shell {
	if cfg.Attend == nil {
		cfg.Attend = unattended
	}
	s := &Shell{cfg: cfg, place: metadata.Root}
	s.cfg.Commands = append(slices.Clone(cfg.Commands), helpCommand(), quitCommand())
	return s
}

func unattended(ctx context.Context, _ bool, run func(context.Context) error) error { return run(ctx) }

// Place is where the shell is.
func (s *Shell) Place() metadata.Path { return s.place }

// Short returns a path as it is seen from the place.
func (s *Shell) Short(p metadata.Path) string {
	if rest, below := strings.CutPrefix(string(p), strings.TrimSuffix(string(s.place), "/")+"/"); below && rest != "" {
		return rest
	}
	return string(p)
}

// SetPlace goes to a directory, which has to be there.
func (s *Shell) SetPlace(p metadata.Path) { s.place = p }

// Interactive reports whether a person can be asked.
func (s *Shell) Interactive() bool { return s.cfg.Interactive }

// Ask puts a question and returns the answer: what a person types, or the next
// line of the script. io.EOF: there is none.
func (s *Shell) Ask(question string) (string, error) { return s.cfg.Lines.Ask(question) }

// Failures is what is left of a script that went on after lines that failed.
// They have been printed.
type Failures struct{ Errs []error }

// Error implements error.
func (f *Failures) Error() string {
	if len(f.Errs) == 1 {
		return "1 line failed"
	}
	return fmt.Sprintf("%d lines failed", len(f.Errs))
}

// errInterrupted is that of a command that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

// Run reads and runs lines until their end, quit or, in a script, the first
// error. The error names the line.
func (s *Shell) Run(ctx context.Context) error {
	var failed []error
	for !s.quit && ctx.Err() == nil {
		line, err := s.cfg.Lines.Line(s.prompt())
		switch {
		case errors.Is(err, io.EOF):
			s.quit = true
			continue
		case errors.Is(err, ErrInterrupted):
			continue
		case err != nil:
			return s.located(err)
		}
		if s.cfg.Echo {
			fmt.Fprintf(s.cfg.Out, "> %s\n", line)
		}
		if err = s.Do(ctx, line); err == nil {
			continue
		}
		err = s.located(err)
		if !s.cfg.Interactive && !s.cfg.KeepGoing {
			return err
		}
		fmt.Fprintln(s.cfg.Err, ErrorText(err))
		if !s.cfg.Interactive {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return &Failures{failed}
	}
	return ctx.Err()
}

// located adds the number of a script's line.
func (s *Shell) located(err error) error {
	if n := s.cfg.Lines.Number(); n > 0 {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return err
}

// Do runs one line.
func (s *Shell) Do(ctx context.Context, line string) error {
	if !s.cfg.Interactive {
		return s.do(ctx, line)
	}
	of, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := s.do(of, line)
	if err != nil && of.Err() != nil && ctx.Err() == nil {
		return errInterrupted
	}
	return err
}

func (s *Shell) do(ctx context.Context, line string) error {
	if rest, local := strings.CutPrefix(strings.TrimSpace(line), "!"); local {
		return s.local(ctx, rest)
	}
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	return s.exec(ctx, words)
}

// exec runs a command that is given as words.
func (s *Shell) exec(ctx context.Context, words []word) error {
	c, err := s.command(words[0].text)
	if err != nil {
		return err
	}
	call := &Call{Shell: s, Out: s.cfg.Out, Err: s.cfg.Err}
	args := words[1:]
	if c.Whole {
		call.words = args
	} else if call.flags, args, err = c.arguments(args); err != nil {
		return err
	}
	attend := s.cfg.Attend
	if c.Offline || c.Whole { // what it runs is attended itself
		attend = unattended
	}
	return attend(ctx, c.Reads, func(ctx context.Context) error {
		call.Args = nil // of an earlier try
		for i, w := range args {
			more, err := s.argument(ctx, w, c.kind(i, len(args)))
			if err != nil {
				return err
			}
			if call.Args = append(call.Args, more...); len(call.Args) > MatchesMax {
				return metadata.Errorf(metadata.KindTooLarge, "more than %d arguments: use narrower patterns", MatchesMax)
			}
		}
		return c.Run(ctx, call)
	})
}

// Rest runs the arguments of a command that takes them whole as a command.
func (s *Shell) Rest(ctx context.Context, c *Call) error {
	if len(c.words) == 0 {
		return nil
	}
	return s.exec(ctx, c.words)
}

// command finds a command by its name or an alias.
func (s *Shell) command(name string) (*Command, error) {
	for i := range s.cfg.Commands {
		if c := &s.cfg.Commands[i]; c.Name == name || slices.Contains(c.Aliases, name) {
			return c, nil
		}
	}
	text := "there is no command " + name
	if near := s.near(name); near != "" {
		text += ", but: " + near
	}
	return nil, metadata.Errorf(metadata.KindInvalid, "%s\n`help` lists the commands", text)
}

// near returns the command that was probably meant: the one that a name begins
// or that lacks, adds or changes one letter.
func (s *Shell) near(name string) string {
	for _, c := range s.cfg.Commands {
		if len(name) > 1 && strings.HasPrefix(c.Name, name) || oneOff(c.Name, name) || oneOff(name, c.Name) {
			return c.Name
		}
	}
	return ""
}

// oneOff reports whether a without one letter is b, or b with one letter changed.
func oneOff(a, b string) bool {
	for i := range a {
		if a[:i]+a[i+1:] == b || len(a) == len(b) && len(a) > 2 && a[:i] == b[:i] && a[i+1:] == b[i+1:] {
			return true
		}
	}
	return false
}

// argument returns what a word stands for.
func (s *Shell) argument(ctx context.Context, w word, k Kind) ([]string, error) {
	switch k {
	case Remote:
		return s.expand(ctx, w)
	case RemoteNew:
		if w.glob {
			return nil, metadata.Errorf(metadata.KindInvalid,
				"%s: a new name cannot be a pattern; put it in quotes if these characters are part of it", w.text)
		}
		p, err := resolve(s.place, w.text)
		return []string{string(p)}, err
	case Local:
		return localNames(w)
	}
	return []string{w.text}, nil
}

// localNames returns the files of this machine that a word stands for.
func localNames(w word) ([]string, error) {
	text, pattern := w.text, w.pattern
	if rest, home := strings.CutPrefix(text, "~"); home && (rest == "" || rest[0] == '/') && w.bare {
		dir, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		text, pattern = dir+rest, escape(dir, 0)+strings.TrimPrefix(pattern, "~")
	}
	if !w.glob {
		return []string{text}, nil
	}
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) == 0 {
		return nil, metadata.Errorf(metadata.KindNotFound,
			"nothing on this machine matches %s: put it in quotes if these characters are part of a name", w.text)
	}
	return all, nil
}

// promptMax keeps room for the line beside a long path.
const promptMax = 40

// prompt shows the place.
func (s *Shell) prompt() string {
	at := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // the line editor counts columns, and takes nothing else
			return unicode.ReplacementChar
		}
		return r
	}, string(s.place)))
	if len(at) > promptMax {
		at = append([]rune("…"), at[len(at)-promptMax+1:]...)
	}
	return "ken:" + string(at) + "> "
}
