package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"kendfs/metadata"
)

// Kind is what an argument names.
type Kind int

// The kinds of arguments.
const (
	Plain     Kind = iota // a word, given as it is
	Remote                // something on the drive: patterns are expanded, the path is made absolute
	RemoteNew             // something that may not be there yet: no patterns
	Local                 // a file or folder of this machine: ~ and patterns are expanded
	Name                  // the name of a command
)

// Command is one command of the shell.
type Command struct {
	Name    string
	Aliases []string
	Usage   string   // with its arguments: "delete [-force] file1 [file2 …]"
	Short   string   // one line, for the list
	Long    string   // what else there is to say
	Flags   []string // without the dash; -f is short for -force where only one begins so

	// Min and Max bound the arguments as they are typed; Max < 0 is no bound.
	Min, Max int
	// Kind says what the argument with index i of n names; nil: all are Plain.
	Kind func(i, n int) Kind
	// Whole gives the words as they are, flags included, none of them expanded.
	Whole bool
	// Reads marks a command that changes nothing, which is repeated when the
	// nameserver was away.
	Reads bool
	// Offline marks a command that needs no nameserver.
	Offline bool

	Run func(ctx context.Context, c *Call) error
}

// Call is one run of a command.
type Call struct {
	Shell    *Shell
	Args     []string
	Out, Err io.Writer

	flags []string
	words []word // of a command that takes them whole
}

// Has reports whether the flag was given.
func (c *Call) Has(flag string) bool { return slices.Contains(c.flags, flag) }

// Path returns an argument that names something on the drive.
func (c *Call) Path(i int) metadata.Path { return metadata.Path(c.Args[i]) }

// Paths returns all arguments as paths on the drive.
func (c *Call) Paths() []metadata.Path {
	out := make([]metadata.Path, len(c.Args))
	for i := range out {
		out[i] = c.Path(i)
	}
	return out
}

// kind returns what the argument with index i of n names.
func (c *Command) kind(i, n int) Kind {
	if c.Kind == nil {
		return Plain
	}
	return c.Kind(i, n)
}

// Each is the Kind of commands all of whose arguments name the same.
func Each(k Kind) func(i, n int) Kind { return func(int, int) Kind { return k } }

// Last is the Kind of commands whose last argument names something else than
// those before it.
func Last(others, last Kind) func(i, n int) Kind {
	return func(i, n int) Kind {
		if i > 0 && i == n-1 {
			return last
		}
		return others
	}
}

// Misuse is the error for a command that was given wrongly: what was wrong, and
// how it is used.
func (c *Command) Misuse(format string, args ...any) error {
	return metadata.Errorf(metadata.KindInvalid, "%s\nusage: %s", fmt.Sprintf(format, args...), c.Usage)
}

// flag returns the flag that a word beginning with a dash stands for.
func (c *Command) flag(w string) (string, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(w, "-"), "-")
	var found []string
	for _, f := range c.Flags {
		if f == name {
			return f, nil
		}
		if len(name) > 0 && strings.HasPrefix(f, name) {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		return "", c.Misuse("%s has no option %s (a name that begins with a dash is written ./%s)", c.Name, w, w)
	}
	return found[0], nil
}

// arguments divides the words behind a command's name into flags and the rest.
func (c *Command) arguments(words []word) (flags []string, args []word, err error) {
	for i, w := range words {
		switch {
		case w.bare && w.text == "--":
			args = append(args, words[i+1:]...)
			return flags, args, c.count(len(args))
		case w.bare && len(w.text) > 1 && w.text[0] == '-':
			f, err := c.flag(w.text)
			if err != nil {
				return nil, nil, err
			}
			flags = append(flags, f)
		default:
			args = append(args, w)
		}
	}
	return flags, args, c.count(len(args))
}

func (c *Command) count(n int) error {
	switch {
	case n < c.Min && n == 0:
		return c.Misuse("%s needs an argument", c.Name)
	case n < c.Min:
		return c.Misuse("%s needs one more argument", c.Name)
	case c.Max >= 0 && n > c.Max:
		return c.Misuse("%s takes no %s argument", c.Name, ordinal(c.Max+1))
	}
	return nil
}

// ordinal is good for the small numbers of arguments.
func ordinal(n int) string {
	switch n {
	case 1:
		return "first"
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}
