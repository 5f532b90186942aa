package blockio

import (
	"context"
	"crypto/sha1"
	"hash"
	"io"
	"sync"

	"kendfs/metadata"
)

// Sizes of a Writer's work.
const (
	writerInFlight = 3          // blocks of one file being sent at a time
	firstBytes     = 64 << 10   // first buffer of a file of unknown size
	inlineHashMax  = 64 << 10   // up to here hashing in the writer's goroutine is cheaper than another one
	retainBytes    = 16 << 20   // a file up to this size stays in memory until it is committed
	stageBlocks    = 64         // blocks after which references are staged ahead of the commit
	sealEarlyBytes = firstBytes // smallest block made because memory is short
)

// CreateOptions say how a file is written.
type CreateOptions struct {
	Replicas int   // wanted; zero is 2, at most metadata.ReplicasMax
	Size     int64 // expected bytes, a hint; zero or less: unknown
	// Lean gives the buffers of durable blocks back at once, for a writer that
	// may pause for minutes. It cannot write them again when its leases end
	// before the commit, which fails then.
	Lean bool
}

// Writer writes one file. Its methods are called by one goroutine; who wants to
// end it from another one cancels the context of Create. Abort must be called
// in the end, also after Finish and Commit (a deferred call is right).
//
// Nothing is visible to readers before the commit, and a Writer that is
// aborted leaves no trace: its blocks are reconciled away with their lease.
type Writer struct {
	c      *Client
	ctx    context.Context // of Create; ends all transfers
	cancel context.CancelCauseFunc
	want   int // replicas
	hint   int64

	// Owned by the goroutine that writes.
	cur      *Buffer
	size     int64
	hash     hash.Hash
	hashed   chan struct{} // closed when all sealed blocks are in hash
	blocks   []*block      // sealed and not staged, in order
	index    int           // blocks staged
	staged   metadata.ContentID
	session  *session      // of the staged blocks
	retain   bool          // durable blocks keep their buffers
	slots    chan struct{} // one for each block in flight
	recalls  uint64        // of the client's leases, when last looked
	probe    [1]byte
	finished bool

	mu    sync.Mutex
	err   error // guarded by mu: the first failure of a block
	ended bool  // guarded by mu: released
	wg    sync.WaitGroup
}

// Create begins a file. No I/O happens until data comes. ctx governs all
// transfers until Abort.
func (c *Client) Create(ctx context.Context, opt CreateOptions) *Writer {
	if opt.Replicas <= 0 {
		opt.Replicas = replicasDefault
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &Writer{c: c, ctx: ctx, cancel: cancel, want: min(opt.Replicas, metadata.ReplicasMax),
		hint: opt.Size, hash: sha1.New(), retain: !opt.Lean, recalls: c.leases.recalls.Load(), slots: make(chan struct{}, writerInFlight)}
	return w
}

// Size returns the bytes written so far.
func (w *Writer) Size() int64 { return w.size }

// Write adds p to the file. It blocks while all buffers are in use. After an
// error every further call returns the same.
func (w *Writer) Write(p []byte) (int, error) {
	done := 0
	for len(p) > 0 {
		if err := w.room(); err != nil {
			return done, err
		}
		n := copy(w.cur.Data[w.cur.n:], p)
		w.cur.n += n
		w.size += int64(n)
		done += n
		p = p[n:]
	}
	return done, nil
}

// ReadFrom adds all that r gives, read straight into the blocks' buffers.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for empty := 0; ; {
		into, probing := w.probe[:], true
		if w.cur == nil || w.cur.n < len(w.cur.Data) {
			if err := w.room(); err != nil {
				return total, err
			}
			into, probing = w.cur.Data[w.cur.n:], false
		}
		// With a full buffer one byte is asked for, to tell the end of the file
		// from the need of a further buffer.
		n, err := r.Read(into)
		if n < 0 || n > len(into) {
			return total, metadata.Errorf(metadata.KindInternal, "a reader returned %d of %d bytes", n, len(into))
		}
		total += int64(n)
		switch {
		case n > 0 && probing:
			if _, err := w.Write(w.probe[:n]); err != nil {
				return total, err
			}
		case n > 0:
			w.cur.n += n
			w.size += int64(n)
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if empty++; n > 0 {
			empty = 0
		}
		if empty > 100 {
			return total, io.ErrNoProgress
		}
	}
}

// room makes sure that the current buffer has room for a byte.
func (w *Writer) room() error {
	if err := w.failure(); err != nil {
		return err
	}
	if w.finished {
		return metadata.Errorf(metadata.KindInvalid, "writing to a finished file")
	}
	if err := w.yield(); err != nil {
		return err
	}
	if w.cur != nil && w.cur.n < len(w.cur.Data) {
		return nil
	}
	if w.cur == nil {
		return w.fresh(w.firstSize())
	}
	if len(w.cur.Data) < w.c.cfg.BlockBytes {
		if w.grow() {
			return nil
		}
		// Memory is short. Waiting for a larger buffer while holding this one
		// could be waiting for oneself, so the block stays small.
	}
	if err := w.seal(); err != nil {
		return err
	}
	return w.fresh(w.nextSize())
}

// firstSize is the size of the file's first buffer.
func (w *Writer) firstSize() int {
	if w.hint > 0 {
		return int(min(w.hint, int64(w.c.cfg.BlockBytes)))
	}
	return min(firstBytes, w.c.cfg.BlockBytes)
}

// nextSize is the size of a later one.
func (w *Writer) nextSize() int {
	if left := w.hint - w.size; left > 0 {
		return int(min(left, int64(w.c.cfg.BlockBytes)))
	}
	if w.c.pool.crowded() {
		return min(sealEarlyBytes, w.c.cfg.BlockBytes)
	}
	return w.c.cfg.BlockBytes
}

// fresh gets the next buffer, a smaller one if memory is short. While it waits,
// blocks that are durable give theirs up: with them all writers could wait for
// each other.
func (w *Writer) fresh(size int) error {
	for try := size; try == size || try >= sealEarlyBytes; try /= 4 {
		if w.cur = w.c.pool.tryGet(try); w.cur != nil {
			return nil
		}
	}
	w.unretain()
	b, err := w.c.pool.Get(w.ctx, size)
	if err != nil {
		return w.fail(err)
	}
	w.cur = b
	return nil
}

// grow moves the current block to a buffer of the next class, if there is one free.
func (w *Writer) grow() bool {
	size := min(4*len(w.cur.Data), w.c.cfg.BlockBytes)
	if left := w.hint - w.size; left > 0 {
		size = int(min(int64(size), int64(w.cur.n)+left))
	}
	b := w.c.pool.tryGet(max(size, w.cur.n+1))
	if b == nil || len(b.Data) <= w.cur.n {
		return false
	}
	b.n = copy(b.Data, w.cur.Data[:w.cur.n])
	w.c.pool.Put(w.cur)
	w.cur = b
	return true
}

// failure returns the error that ended the file, if any.
func (w *Writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// fail records err as the end of the file, unless there was one before, and
// returns that which counts.
func (w *Writer) fail(err error) error {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	err = w.err
	w.mu.Unlock()
	w.cancel(err)
	return err
}

// Abort ends the file: what was not committed is given up. It waits for
// transfers to end and is harmless after Commit.
func (w *Writer) Abort() {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return
	}
	w.ended = true
	if w.err == nil {
		w.err = errAborted()
	}
	w.mu.Unlock()
	w.cancel(errAborted())
	w.wg.Wait()
	w.free(false)
	if w.staged != 0 {
		w.c.leases.abandon(w.session, w.staged)
	}
}

func errAborted() error {
	return metadata.Errorf(metadata.KindCanceled, "writing was given up: %w", context.Canceled)
}

// free gives back buffers and leases. No transfer is running.
func (w *Writer) free(committed bool) {
	if w.cur != nil {
		w.c.pool.Put(w.cur)
		w.cur = nil
	}
	for _, b := range w.blocks {
		w.discard(b, committed)
	}
	w.blocks = nil
}

// discard gives back what a block holds.
func (w *Writer) discard(b *block, committed bool) {
	if b.buf != nil {
		w.c.pool.Put(b.buf)
		b.buf = nil
	}
	if b.lease != nil {
		b.lease.release(b.length, committed)
		b.lease = nil
	}
}
