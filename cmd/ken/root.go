package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// globals are the flags that every command has.
type globals struct {
	dir    string
	output string
	json   bool // short for output json
}

// newRoot builds the whole command tree. Nothing is shared between two calls,
// so tests may run commands side by side.
func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "ken",
		Short: "A replicated network drive that its owner runs",
		Long: `KenDFS keeps one drive on a few machines: replicated, mounted over WebDAV by
every operating system, healing by itself, never losing an acknowledged byte.

Start with ` + "`ken dev`" + ` on one machine; for several, see ` + "`ken init --help`" + `.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict or exists,
5 denied, 6 unavailable.`,
		Example: `  ken dev                           # a drive on this machine, ready to mount
  ken status                        # is the data safe?
  ken fs put -r photos /            # copy a folder onto the drive
  ken fs ls -l /photos`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s\nsee `%s --help`", flagText(err), c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&g.dir, "dir", defaultDir(), "folder of this node ($KEN_DIR)")
	f.StringVarP(&g.output, "output", "o", "text", "output: text or json")
	f.BoolVar(&g.json, "json", false, "short for --output json")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"},
		cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
	_ = root.MarkPersistentFlagDirname("dir") // as above
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return g.check() }
	root.AddCommand(
		devCommand(g), initCommand(g), tokenCommand(g), joinCommand(g), runCommand(g),
		configCommand(g), versionCommand(g), fsCommand(g), nodeCommand(g), volumeCommand(g),
		statusCommand(g), eventsCommand(g), auditCommand(g), repairCommand(g), settingCommand(g),
		userCommand(g), shellCommand(g), adminCommand(g),
	)
	completeNothing(root)
	return root
}

func (g *globals) check() error {
	if g.json {
		g.output = "json"
	}
	if g.output != "text" && g.output != "json" {
		return usagef("--output %q: want text or json", g.output)
	}
	return nil
}

// flagText is what pflag has against a flag, without the words of strconv.
func flagText(err error) string {
	text, _, _ := strings.Cut(err.Error(), ": strconv.")
	return text
}

// group makes a command that only has others below it.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(sub...)
	return c
}

// noSuchCommand is for commands that have others below them: an argument is the
// name of one that does not exist.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command `%s %s`", c.CommandPath(), args[0])
	if c.SuggestionsMinimumDistance <= 0 {
		c.SuggestionsMinimumDistance = 2
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += ", but: " + strings.Join(near, ", ")
	}
	return usagef("%s\nsee `%s --help`", text, c.CommandPath())
}

// completeNothing keeps the shell from offering local files as arguments of
// commands that take none.
func completeNothing(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.ValidArgsFunction == nil && !sub.HasSubCommands() {
			sub.ValidArgsFunction = cobra.NoFileCompletions
		}
		completeNothing(sub)
	}
}

func defaultDir() string {
	if d := os.Getenv("KEN_DIR"); d != "" {
		return d
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "ken-data"
	}
	return filepath.Join(home, ".local", "share", "ken")
}

// exact is cobra.ExactArgs with the exit code for wrong usage and the usage line.
func exact(n int) cobra.PositionalArgs { return between(n, n) }

// between wants lo to hi arguments; hi < 0 is no limit.
func between(lo, hi int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < lo || (hi >= 0 && len(args) > hi) {
			return usagef("usage: %s\nsee `%s --help`", c.UseLine(), c.CommandPath())
		}
		return nil
	}
}
