package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// globals are the flags that every command has.
type globals struct {
	dir    string
	output string
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

Start with ` + "`ken dev`" + ` on one machine; for several, see ` + "`ken init --help`" + `.`,
		Example: `  ken dev                           # a drive on this machine, ready to mount
  ken status                        # is the data safe?
  ken fs put photos /               # copy a folder onto the drive
  ken fs ls -l /photos`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v\nsee `%s --help`", err, c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&g.dir, "dir", defaultDir(), "folder of this node ($KEN_DIR)")
	f.StringVarP(&g.output, "output", "o", "text", "output: text or json")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"},
		cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
	_ = root.MarkPersistentFlagDirname("dir") // as above
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if g.output != "text" && g.output != "json" {
			return usagef("--output %q: want text or json", g.output)
		}
		return nil
	}
	root.AddCommand(
		devCommand(g), initCommand(g), tokenCommand(g), joinCommand(g), runCommand(g),
		configCommand(g), versionCommand(g), fsCommand(g), nodeCommand(g), volumeCommand(g),
		statusCommand(g), userCommand(g),
	)
	return root
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

func between(lo, hi int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < lo || (hi >= 0 && len(args) > hi) {
			return usagef("usage: %s", c.UseLine())
		}
		return nil
	}
}
