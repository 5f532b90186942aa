// Command ken is KenDFS: a replicated network drive that its owner runs.
//
// One binary holds everything: the nameserver, storage servers, the WebDAV
// gateway, a native client and the operator's commands. This package reads
// flags, environment and signals and prints; what it starts is built by
// cmd/ken/internal/cluster, what it moves by cmd/ken/internal/transfer.
//
//	ken dev                       a whole drive in one process
//	ken init, token, join, run    a drive on several machines
//	ken status, node, volume      what is there and whether it is safe
//	ken fs                        files, moved directly with storage servers
//
// Every command finds its cluster and its identity in a folder: --dir, else
// KEN_DIR, else ~/.local/share/ken. Every command that prints has -o json (or --json).
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict or
// exists, 5 denied, 6 unavailable.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// quicwire says so itself, once and with what to do about it.
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") // fails for malformed names only
	err := newRoot().ExecuteContext(ctx)
	if err != nil {
		complain(os.Stderr, err, ctx.Err() != nil)
	}
	stop()
	os.Exit(exitCode(err))
}

// complain prints an error, each of several on a line of its own. What a signal
// broke off needs no details; what went wrong while stopping does.
func complain(w io.Writer, err error, interrupted bool) {
	var stop stopError
	if interrupted && !errors.As(err, &stop) {
		fmt.Fprintln(w, "ken: interrupted")
		return
	}
	for _, e := range flatten(err) {
		fmt.Fprintln(w, "ken:", shell.ErrorText(e))
	}
}

// stopError is what went wrong when something that runs until a signal ended.
type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

// flatten returns the errors that errors.Join joined.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

// usageError marks wrong usage (exit code 2).
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode maps an error to what the shell sees.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return 2
	}
	var failures *shell.Failures
	if errors.As(err, &failures) {
		err = errors.Join(failures.Errs...)
	}
	if all := flatten(err); len(all) > 1 {
		code := exitCode(all[0])
		for _, e := range all[1:] {
			if exitCode(e) != code {
				return 1 // several things went wrong in several ways
			}
		}
		return code
	}
	switch metadata.KindOf(err) {
	case metadata.KindInvalid, metadata.KindTooLarge:
		return 2
	case metadata.KindNotFound, metadata.KindParentMissing:
		return 3
	case metadata.KindExists, metadata.KindConflict, metadata.KindPrecondition, metadata.KindLocked,
		metadata.KindIsDir, metadata.KindNotDir:
		return 4
	case metadata.KindDenied, metadata.KindNoAuth:
		return 5
	case metadata.KindUnavailable, metadata.KindTimeout, metadata.KindBusy:
		return 6
	}
	return 1
}
