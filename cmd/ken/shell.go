package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

func shellCommand(g *globals) *cobra.Command {
	var keepGoing, yes, echo bool
	var history string
	c := &cobra.Command{
		Use:   "shell [SCRIPT]",
		Short: "Work on the drive line by line: a prompt with history and completion, or a script",
		Long: `Work on the drive line by line. On a terminal there is a prompt with editing,
history and Tab completion; otherwise lines are read from standard input, or from
the file SCRIPT. A script ends at the first line that fails and says which.

` + "`help`" + ` lists the commands. Names are relative to the place that the prompt
shows; * ? [a-z] stand for others, quotes and \ keep characters as they are, #
begins a comment, and !command runs on this machine. When the nameserver is away
the shell waits for it, says so, and connects again.

init -force, which deletes everything, asks for a confirmation: in a script that
is the next line, unless --yes or init's own -yes is given.`,
		Example: `  ken shell
  ken shell nightly.ken
  printf 'cd /photos\ninfo\n' | ken shell`,
		Args: between(0, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			// Ctrl-C is for the command that runs in the shell, not for the shell.
			ctx, stop := signal.NotifyContext(context.WithoutCancel(c.Context()), syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if !onTerminal(c, args) {
				ctx = c.Context()
			}
			d := newShellDrive(c, g)
			defer d.close(ctx)
			d.yes = yes
			cfg := shell.Config{
				Commands: d.commands(), Tree: d.tree, Out: c.OutOrStdout(), Err: c.ErrOrStderr(),
				KeepGoing: keepGoing, Echo: echo, Attend: d.attend,
			}
			if onTerminal(c, args) {
				return d.talk(ctx, cfg, history)
			}
			return runLines(ctx, c, cfg, args)
		},
	}
	c.Flags().BoolVarP(&keepGoing, "keep-going", "k", false, "go on after a line that fails; the exit code tells")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "answer yes to every confirmation")
	c.Flags().BoolVarP(&echo, "echo", "x", false, "print each line before it runs")
	c.Flags().StringVar(&history, "history", defaultHistory(), "file that keeps the last lines; empty: none")
	return c
}

// defaultHistory is where lines are kept, as the XDG base directories say.
func defaultHistory() string {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "ken", "shell_history")
}

// onTerminal reports whether a person types the lines.
func onTerminal(c *cobra.Command, args []string) bool {
	return len(args) == 0 && c.InOrStdin() == os.Stdin && shell.CanEdit() && isTerminal(c.OutOrStdout())
}

// isTerminal reports whether w shows a person what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(st, null)
}

func runLines(ctx context.Context, c *cobra.Command, cfg shell.Config, args []string) error {
	in := c.InOrStdin()
	if len(args) > 0 {
		f, err := os.Open(args[0])
		if err != nil {
			return metadata.Errorf(metadata.KindNotFound, "%w", err)
		}
		defer func() { _ = f.Close() }() // read only
		in = f
	}
	cfg.Lines = shell.NewScript(in)
	return shell.New(cfg).Run(ctx)
}

// talk is the shell on a terminal.
func (d *shellDrive) talk(ctx context.Context, cfg shell.Config, history string) error {
	t, err := shell.NewTerminal(history)
	if err != nil {
		return err
	}
	cfg.Lines, cfg.Interactive = t, true
	d.interactive = true
	s := shell.New(cfg)
	t.SetCompleter(func(line string, pos int) (string, []string, string) { return s.Complete(ctx, line, pos) })
	d.greet(ctx, cfg.Out)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // a signal must not wait for a key
	select {
	case err = <-ended:
		fmt.Fprintln(cfg.Out)
	case <-ctx.Done():
	}
	return errors.Join(err, t.Close())
}

// greet says where one is.
func (d *shellDrive) greet(ctx context.Context, w io.Writer) {
	fmt.Fprintf(w, "KenDFS %s. `help` lists the commands, Tab completes, Ctrl-D ends.\n", version)
	err := d.attend(ctx, true, func(ctx context.Context) error {
		text, err := d.spaceText(ctx, metadata.Root)
		if err == nil {
			fmt.Fprintln(w, text)
		}
		return err
	})
	if err != nil {
		fmt.Fprintln(w, err)
	}
}
