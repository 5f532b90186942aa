// Package transfer moves trees of files between this machine and the drive:
// upload, download, and the walks behind the other commands of `ken fs`.
//
// It works on the contracts of package metadata and on a blockio.Client, so
// names go to the nameserver and data directly to the storage servers.
//
// Invariants:
//
//   - A file appears whole or not at all: an upload is one commit, a download
//     is written beside its target, synced and renamed.
//   - A failed file does not stop the others; all errors are reported together.
//   - Local names are joined below the chosen folder only; a name on the drive
//     can never lead out of it.
//
// Limits: Options.Parallel files at once; directories are read in pages, so a
// tree of any size takes bounded memory, but for one queue of pending names.
// Goroutines live no longer than the call that started them.
package transfer
