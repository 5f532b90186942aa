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
// KEN_DIR, else ~/.local/share/ken. Every command that prints has -o json.
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict or
// exists, 5 denied, 6 unavailable.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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
		fmt.Fprintln(os.Stderr, "ken:", err)
	}
	stop()
	os.Exit(exitCode(err))
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
