// Package demo is a cluster that does not exist: what `ken admin --demo` shows,
// so that the desktop can be tried, built and measured at a size that nobody
// has at hand.
//
// It has a thousand nodes in racks, twenty thousand volumes, a folder of a
// hundred thousand files, users of every role, events, an audit, and repairs in
// every state. Storage servers fail and come back in a cycle of five minutes;
// the verdict, as health.Judge gives it, goes from protected to repairing, at
// risk, data unavailable and back. What a person changes (a drain, a file, a
// user, a setting) is really changed, until the process ends.
//
// What it refuses to be: a part of a real cluster. Nothing but the command
// `ken admin --demo` and tests import it; it opens no socket and no file.
//
// Invariants:
//
//   - The state is a function of the seed, the seconds since New and the changes
//     that were made: two demos with one seed show the same.
//   - Figures agree with each other: what a node uses is the sum of the volumes
//     on it, what the report counts is what the lists show.
//
// Goroutines: none. Time passes when somebody looks. All methods may be called
// concurrently; one lock guards everything.
//
// Limits: written files are kept in memory, UploadBytesMax in total; a tree of
// at most entriesMax entries.
package demo
