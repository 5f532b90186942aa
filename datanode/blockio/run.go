package blockio

import (
	"context"
	"time"

	"kendfs/metadata"
)

// Read-ahead. A run is read from its server as fast as it comes, whether or not
// the reader is ready for it: a stream that is left unread would hold a part of
// its connection's flow control window, and a few slow readers would stop all
// others (BIO-7). So runs are short, and their memory is bounded.
const (
	runBytes         = 1 << 20
	runSegments      = runBytes / SegmentBytes
	runBytesOfClient = 128 << 20 // of all runs; beyond it Readers fetch segment by segment
)

// run is a range of one block being fetched ahead of its reader.
type run struct {
	c      *Client
	at     place
	off    int64 // in the block, as end
	end    int64
	cancel context.CancelFunc
	out    chan fetched // has room for all, so that the goroutine never waits for the reader
}

// fetched is a segment of a run, or why there is none.
type fetched struct {
	seg *segment
	err error
}

// startRun begins to fetch [off, end) of a block, off being a multiple of
// ChunkBytes and the range at most runBytes long. It returns nil when too many
// runs are under way.
func (c *Client) startRun(ctx context.Context, at place, off, end int64) *run {
	select {
	case c.runs <- struct{}{}:
	default:
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	// The extra places are for pieces shortened by a wrong checksum, and an error.
	r := &run{c: c, at: at, off: off, end: end, cancel: cancel, out: make(chan fetched, 2*runBytes/metadata.ChunkBytes)}
	go r.fetch(ctx)
	return r
}

// fetch is the run's goroutine.
func (r *run) fetch(ctx context.Context) {
	defer close(r.out)
	src := newSource(r.c, r.at.ref, r.off, r.end)
	defer src.hangUp()
	for src.off < r.end {
		seg, err := src.next(ctx)
		r.out <- fetched{seg, err}
		if err != nil {
			return
		}
	}
}

// next returns the next segment, or nil without an error when none has come for
// so long that the caller had better ask for it in another way: a read from a
// disk that hangs cannot be ended.
func (r *run) next(ctx context.Context) (*segment, error) {
	select {
	case f, ok := <-r.out:
		return r.deliver(f, ok)
	default:
	}
	patience := time.NewTimer(2 * r.c.cfg.StallGet)
	defer patience.Stop()
	select {
	case f, ok := <-r.out:
		return r.deliver(f, ok)
	case <-patience.C:
		return nil, nil
	case <-ctx.Done():
		return nil, metadata.Errorf(metadata.KindOf(ctx.Err()), "reading %v: %w", r.at.ref.ID, ctx.Err())
	}
}

func (r *run) deliver(f fetched, ok bool) (*segment, error) {
	if !ok {
		return nil, metadata.Errorf(metadata.KindInternal, "a run of %v was read past its end", r.at.ref.ID)
	}
	return f.seg, f.err
}

// close ends the run and gives back what was not read; the goroutine ends soon.
func (r *run) close() {
	r.cancel()
	go func() {
		for f := range r.out {
			if f.seg != nil {
				r.c.giveBack(f.seg)
			}
		}
		<-r.c.runs
	}()
}
