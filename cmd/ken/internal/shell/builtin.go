package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"

	"kendfs/metadata"
)

func helpCommand() Command {
	return Command{
		Name: "help", Aliases: []string{"?"}, Usage: "help [command]", Short: "list the commands, or explain one",
		Max: 1, Kind: Each(Name), Offline: true,
		Run: func(_ context.Context, c *Call) error {
			if len(c.Args) == 0 {
				c.Shell.list()
				return nil
			}
			cmd, err := c.Shell.command(c.Args[0])
			if err != nil {
				return err
			}
			cmd.explain(c)
			return nil
		},
	}
}

// explain prints all there is to say about a command.
func (c *Command) explain(to *Call) {
	fmt.Fprintf(to.Out, "usage: %s\n\n%s.\n", c.Usage, upper(c.Short))
	if c.Long != "" {
		fmt.Fprintf(to.Out, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(to.Out, "\nAlso: %s\n", strings.Join(c.Aliases, ", "))
	}
}

func upper(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// list prints all commands with a line each.
func (s *Shell) list() {
	width := 0
	for _, c := range s.cfg.Commands {
		width = max(width, len([]rune(c.Usage)))
	}
	for _, c := range s.cfg.Commands {
		fmt.Fprintf(s.cfg.Out, "%-*s  %s\n", width, c.Usage, c.Short)
	}
	fmt.Fprintf(s.cfg.Out, "%-*s  %s\n", width, "!command", "run a command on this machine")
	fmt.Fprint(s.cfg.Out, `
Names are relative to the place in the prompt; * ? [a-z] stand for others, quotes
and \ keep characters as they are. Tab completes, Ctrl-C cancels, Ctrl-D ends.
`)
}

func quitCommand() Command {
	return Command{
		Name: "quit", Aliases: []string{"exit", "x", "q"}, Usage: "quit", Short: "leave (also exit, x, q and Ctrl-D)",
		Offline: true,
		Run: func(_ context.Context, c *Call) error {
			c.Shell.quit = true
			return nil
		},
	}
}

// localEndMax is how long a local command may take to end once it was told to.
const localEndMax = 2 * time.Second

// local gives a line to this machine's shell. A person's Ctrl-C reaches it from
// the terminal; a script that ends asks it to end.
func (s *Shell) local(ctx context.Context, line string) error {
	if strings.TrimSpace(line) == "" {
		return metadata.Errorf(metadata.KindInvalid, "! needs a command of this machine\nusage: !command")
	}
	c := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	c.Stdout, c.Stderr = s.cfg.Out, s.cfg.Err
	if s.cfg.Interactive {
		c.Stdin = os.Stdin
	}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = localEndMax
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && s.cfg.Interactive:
		return nil // it has said itself what was wrong
	case errors.As(err, &exit):
		return metadata.Errorf(metadata.KindInternal, "!%s: %s", strings.TrimSpace(line), exit)
	}
	return err
}

// Printable replaces what would upset a terminal or make a text look like
// another: control characters, also those of C1 and broken UTF-8, and marks that
// turn the direction of what follows.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printableLines is Printable for a text of several lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Printable(l)
	}
	return strings.Join(lines, "\n")
}

// ErrorText is an error as it is shown: names in it may be anybody's.
func ErrorText(err error) string { return printableLines(err.Error()) }
