package replica

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"kendfs/metadata"
)

// failure is the latch of a node's first fatal error (RP-3). It never opens
// again: what follows a failed fsync is unknown (Rebello et al., "Can
// Applications Recover from fsync Failures?", USENIX ATC 2020).
type failure struct {
	logger *slog.Logger
	once   sync.Once
	done   chan struct{} // closed after err is set
	err    error
	out    chan error // capacity 1, for Node.Failed
}

func newFailure(logger *slog.Logger) *failure {
	return &failure{logger: logger, done: make(chan struct{}), out: make(chan error, 1)}
}

// set records the first error; later ones are only logged.
func (f *failure) set(err error) {
	f.logger.Error("nameserver stopped: storage failed", "err", err)
	f.once.Do(func() {
		f.err = err
		f.out <- err
		close(f.done)
	})
}

// get returns the error, or nil while the node is sound.
func (f *failure) get() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}

// halt records err and ends the calling goroutine, which is raft's or
// Pebble's. They must not see the error: raft would try the write again after
// an election, or panic; Pebble does not expect its Fatalf to return.
func (f *failure) halt(err error) {
	f.set(err)
	runtime.Goexit()
}

// protect makes a panic of fn a failure that ends the goroutine. Pebble
// panics with the error when it finds its log broken by an earlier write.
func (f *failure) protect(what string) {
	if r := recover(); r != nil {
		f.halt(metadata.Errorf(metadata.KindCorrupt, "%s: %v", what, r))
	}
}

// guarded runs fn on a goroutine of its own and returns its error, or the
// failure that ended the goroutine. A panic of fn is a failure too: Pebble's
// markers panic when a folder cannot be fsynced.
func (f *failure) guarded(fn func() error) error {
	err := fmt.Errorf("storage failed")
	finished := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.protect("open or close")
		err = fn()
		finished = true
	}()
	<-done
	if cause := f.get(); cause != nil && !finished {
		return cause
	}
	return err
}

// pebbleLogger gives Pebble's messages to slog and its fatal errors to the latch.
type pebbleLogger struct {
	failure *failure
	logger  *slog.Logger
}

func (l pebbleLogger) Infof(format string, args ...any) {
	l.logger.Debug(fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.logger.Warn(fmt.Sprintf(format, args...))
}

// Fatalf does not return, as Pebble demands.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.failure.halt(metadata.Errorf(metadata.KindCorrupt, format, args...))
}
