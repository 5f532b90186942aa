package blockio

import (
	"context"
	"io"

	"kendfs/metadata"
)

// cursor reads a range of a file in order. It belongs to one goroutine.
//
// The first bytes after a seek are fetched segment by segment and hedged (fetch).
// What follows comes in runs, the next of which is begun when this one is: also
// from this process, where one processor reads and verifies while another sends.
type cursor struct {
	r   *Reader
	pos int64 // of the next byte in the file
	end int64

	at    place    // the block that pos is in, once found
	seg   *segment // holds what next returned last
	run   *run     // holds pos, or nil
	ahead *run     // what follows it, or nil
	warm  bool     // something was fetched already: the reading is sequential
}

func newCursor(r *Reader, pos, end int64) *cursor {
	return &cursor{r: r, pos: pos, end: end}
}

// next returns the next verified bytes, valid until the next call, at most a
// segment; io.EOF at the end of the range.
func (c *cursor) next(ctx context.Context) ([]byte, error) {
	c.recycle()
	if c.pos >= c.end {
		return nil, io.EOF
	}
	if c.pos >= c.at.start+int64(c.at.ref.Length) || c.pos < c.at.start {
		if err := c.enter(ctx); err != nil {
			return nil, err
		}
	}
	off := c.pos - c.at.start // in the block
	end := min(c.end-c.at.start, int64(c.at.ref.Length))
	seg, err := c.read(ctx, off, end)
	if err != nil {
		return nil, err
	}
	c.seg, c.warm = seg, true
	b := seg.bytes[off-seg.off:]
	b = b[:min(int64(len(b)), end-off)]
	c.pos += int64(len(b))
	c.r.c.stats.getBytes.Add(int64(len(b)))
	return b, nil
}

// enter moves to the block that pos is in.
func (c *cursor) enter(ctx context.Context) error {
	at, err := c.r.refs.find(ctx, c.pos)
	if err == nil {
		c.at = at
	}
	return err
}

// read returns a segment that holds the byte at off of the current block; end
// is where the wanted bytes end.
func (c *cursor) read(ctx context.Context, off, end int64) (*segment, error) {
	client := c.r.c
	from := off &^ (metadata.ChunkBytes - 1)
	if c.run != nil && (c.run.at != c.at || from >= c.run.end) {
		c.run.close()
		c.run = nil
	}
	if c.run == nil {
		if c.run, c.ahead = c.ahead, nil; c.run != nil && (c.run.at != c.at || c.run.off != from) {
			c.run.close()
			c.run = nil
		}
	}
	if c.run == nil && c.warm && end-from > SegmentBytes {
		c.run = client.startRun(ctx, c.at, from, min(end, from+runBytes))
	}
	if c.run == nil {
		return client.fetch(ctx, c.at.ref, from, min(end-from, SegmentBytes))
	}
	if c.ahead == nil {
		c.lookAhead(ctx)
	}
	seg, err := c.run.next(ctx)
	if seg == nil {
		c.run.close()
		c.run = nil
	}
	if seg == nil && err == nil {
		client.shunLocal(ctx, c.at.ref.ID.Volume)
		return client.fetch(ctx, c.at.ref, from, min(end-from, SegmentBytes))
	}
	return seg, err
}

// lookAhead begins what follows the current run.
func (c *cursor) lookAhead(ctx context.Context) {
	at, off := c.at, c.run.end
	if off >= int64(at.ref.Length) {
		next := at.start + int64(at.ref.Length)
		if next >= c.end {
			return
		}
		var err error
		if at, err = c.r.refs.find(ctx, next); err != nil {
			return // found out again, and reported, when it is needed
		}
		off = 0
	}
	end := min(int64(at.ref.Length), c.end-at.start)
	if off >= end {
		return
	}
	c.ahead = c.r.c.startRun(ctx, at, off, min(end, off+runBytes))
}

// recycle gives back the segment that was returned last.
func (c *cursor) recycle() {
	if c.seg != nil {
		c.r.c.giveBack(c.seg)
		c.seg = nil
	}
}

// close ends the transfers.
func (c *cursor) close() {
	c.recycle()
	if c.run != nil {
		c.run.close()
		c.run = nil
	}
	if c.ahead != nil {
		c.ahead.close()
		c.ahead = nil
	}
}
