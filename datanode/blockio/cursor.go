package blockio

import (
	"context"
	"io"

	"kendfs/metadata"
)

// cursor reads a range of a file in order. It belongs to one goroutine.
//
// The first bytes after a seek, and all bytes of replicas in this process, are
// fetched segment by segment and hedged (fetch). What follows in a block of
// another server comes as one stream (source); the stream of the next block is
// opened when half of this one has been read, and its window is the read-ahead.
type cursor struct {
	r   *Reader
	pos int64 // of the next byte in the file
	end int64

	at    place    // the block that pos is in, once found
	seg   *segment // holds what next returned last
	src   *source  // of the block at
	ahead *ahead   // of the block after it
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
	c.lookAhead(ctx)
	return b, nil
}

// enter moves to the block that pos is in.
func (c *cursor) enter(ctx context.Context) error {
	at, err := c.r.refs.find(ctx, c.pos)
	if err != nil {
		return err
	}
	c.at = at
	if c.src != nil {
		c.src.close()
		c.src = nil
	}
	if c.ahead != nil {
		c.src = c.ahead.take(at)
		c.ahead = nil
	}
	return nil
}

// read returns a segment that holds the byte at off of the current block; end
// is where the wanted bytes end.
func (c *cursor) read(ctx context.Context, off, end int64) (*segment, error) {
	client := c.r.c
	from := off &^ (metadata.ChunkBytes - 1)
	if c.src == nil && c.warm && end-from > SegmentBytes && !client.prefersLocal(ctx, c.at.ref.ID.Volume) {
		c.src = newSource(client, c.at.ref, from, end)
	}
	if c.src != nil {
		return c.src.next(ctx)
	}
	return client.fetch(ctx, c.at.ref, from, min(end-from, SegmentBytes))
}

// lookAhead opens the next block's stream in time.
func (c *cursor) lookAhead(ctx context.Context) {
	blockEnd := c.at.start + int64(c.at.ref.Length)
	if c.src == nil || c.ahead != nil || blockEnd >= c.end || c.pos < c.at.start+int64(c.at.ref.Length)/2 {
		return
	}
	next, err := c.r.refs.find(ctx, blockEnd)
	if err != nil {
		return // found out again, and reported, when it is needed
	}
	client := c.r.c
	if client.prefersLocal(ctx, next.ref.ID.Volume) {
		return
	}
	c.ahead = openAhead(ctx, newSource(client, next.ref, 0, min(c.end-next.start, int64(next.ref.Length))), next)
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
	if c.src != nil {
		c.src.close()
		c.src = nil
	}
	if c.ahead != nil {
		if s := c.ahead.take(place{}); s != nil {
			s.close()
		}
		c.ahead = nil
	}
}

// ahead is a stream being opened for the block after the current one.
type ahead struct {
	src    *source
	at     place
	cancel context.CancelFunc
	done   chan struct{}
}

// openAhead opens src in a goroutine that ends with its stall time.
func openAhead(ctx context.Context, src *source, at place) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{src: src, at: at, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		// An error shows again, and is dealt with, at the first read.
		_ = src.open(ctx)
	}()
	return a
}

// take returns the source if it is that of at; otherwise it is ended.
func (a *ahead) take(at place) *source {
	if a.at != at {
		a.cancel()
		go func() { // the opening goroutine owns the source until it is done
			<-a.done
			a.src.close()
		}()
		return nil
	}
	<-a.done
	a.src.stop = a.cancel
	return a.src
}
