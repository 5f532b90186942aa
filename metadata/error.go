package metadata

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Kind says what went wrong, in a closed, append-only set: the numbers cross
// the wire and are mapped once to HTTP statuses and once to exit codes.
type Kind uint8

// The kinds. A number is never reused.
const (
	KindInternal      Kind = iota // a defect or an unforeseen error; details are in the log
	KindInvalid                   // the request makes no sense as it stands
	KindNotFound                  // the entry (or node, volume, user) does not exist
	KindExists                    // something of that name exists already
	KindNotDir                    // a directory is needed here, this is a file
	KindIsDir                     // a file is needed here, this is a directory
	KindParentMissing             // the directory that should hold the entry does not exist
	KindPrecondition              // If-Match, If-None-Match, If or another condition is false
	KindLocked                    // a lock protects the entry and its token was not submitted
	KindDenied                    // this user (or node) may not do that
	KindNoAuth                    // no or wrong credentials
	KindNoSpace                   // no storage server has room
	KindQuota                     // a directory's quota is used up
	KindTooLarge                  // a name, body, list or tree is over its bound
	KindUnavailable               // a needed server does not answer now; try again
	KindTimeout                   // the deadline passed before an answer came; the outcome is unknown
	KindStale                     // a lease, epoch or session is over; get a new one and redo the work
	KindCorrupt                   // stored data does not match its checksum
	KindBusy                      // over a limit of load; try again later
	KindCanceled                  // the caller gave up
	KindReadOnly                  // writing is switched off
	KindUnsupported               // an unknown version or a feature that is not offered
	KindConflict                  // the request contradicts the current state (a cycle, a lock of another kind)
	kindEnd
)

// kindNames is indexed by Kind; String and ParseKind read it.
func kindNames() [kindEnd]string {
	return [kindEnd]string{
		"internal", "invalid", "not found", "exists", "not a directory", "is a directory",
		"parent missing", "precondition failed", "locked", "denied", "not authenticated",
		"no space", "quota exceeded", "too large", "unavailable", "timeout", "stale", "corrupt",
		"busy", "canceled", "read-only", "unsupported", "conflict",
	}
}

// String returns the kind in words.
func (k Kind) String() string {
	if k >= kindEnd {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames()[k]
}

// Retryable reports whether the same request may succeed later without the
// user's help. A retry after KindTimeout needs an idempotent request.
func (k Kind) Retryable() bool {
	return k == KindUnavailable || k == KindTimeout || k == KindBusy || k == KindStale
}

// Error is the error of every KenDFS service. It survives the wire: Kind and
// Msg are sent, Err is not.
type Error struct {
	Kind Kind
	Msg  string // what was wrong and, where there is something to do, what to do
	Err  error  // the cause, if it is of this process
}

// Errorf makes an Error. A %w verb sets the cause, several set all of them.
func Errorf(k Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		cause = errors.Join(many.Unwrap()...)
	}
	return &Error{Kind: k, Msg: err.Error(), Err: cause}
}

// Error returns the message, or the kind in words when there is none.
func (e *Error) Error() string {
	if e.Msg == "" {
		return e.Kind.String()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, fs.ErrNotExist) and its like true for the kinds that
// have such a twin.
func (e *Error) Is(target error) bool {
	switch target {
	case os.ErrNotExist:
		return e.Kind == KindNotFound || e.Kind == KindParentMissing
	case os.ErrExist:
		return e.Kind == KindExists
	case os.ErrPermission:
		return e.Kind == KindDenied || e.Kind == KindNoAuth
	case context.DeadlineExceeded:
		return e.Kind == KindTimeout
	case context.Canceled:
		return e.Kind == KindCanceled
	}
	return false
}

// KindOf returns the kind of an error: of the first Error in its chain, or of
// the context's errors; else KindInternal. KindOf(nil) is not meaningful.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case errors.Is(err, context.Canceled):
		return KindCanceled
	}
	return KindInternal
}
