// Package shell is the language of `ken shell`: it reads lines from a terminal
// or a script, cuts them into words, expands patterns over the drive's names,
// and runs commands that others give it. It draws nothing and moves no data.
//
// A line is a command and its arguments. Words are separated by blanks; quotes
// ('…' literal, "…" with \" and \\) and \ before a character keep it as it is;
// # at the start of a word begins a comment. In arguments that name something
// on the drive, * ? and […] that are not quoted stand for names; a pattern that
// matches nothing is an error, so that no command runs on less than was meant.
// !command gives the rest of the line to this machine's shell.
//
// Invariants:
//
//   - A command sees absolute, clean paths: "." and ".." are resolved against
//     the place, and never lead above the root.
//   - A failed line of a script ends it (unless KeepGoing), with its number.
//   - Ctrl-C cancels the command that runs, and only at a script's hand the shell.
//
// It refuses what has no bound: lines over LineBytesMax, patterns with more than
// MatchesMax matches; completion reads one page of names; the history keeps
// HistoryMax lines.
//
// One goroutine runs commands; the line editor has one more while it waits for
// keys. Nothing here may be used by two goroutines at once.
package shell
