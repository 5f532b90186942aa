package blockio

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"kendfs/metadata"
)

// Rounds of trying all replicas of a block; each waits longer than the one before.
const (
	readRounds = 4
	readPause  = 50 * time.Millisecond
)

// segment is a verified piece of a block in a pooled buffer.
type segment struct {
	off   int64  // in the block, a multiple of ChunkBytes
	bytes []byte // verified
	data  []byte // the buffer
	sums  []uint32
}

// segmentPool keeps buffers of two sizes, since most files fit into one chunk.
type segmentPool struct{ small, large sync.Pool }

// segment returns a buffer for n bytes, at most SegmentBytes.
func (c *Client) segment(n int64) *segment {
	pool, size := &c.segments.large, SegmentBytes
	if n <= metadata.ChunkBytes {
		pool, size = &c.segments.small, metadata.ChunkBytes
	}
	if s, ok := pool.Get().(*segment); ok {
		return s
	}
	return &segment{data: make([]byte, size), sums: make([]uint32, chunks(size))}
}

// giveBack returns a segment to its pool.
func (c *Client) giveBack(s *segment) {
	s.bytes = nil
	if len(s.data) == SegmentBytes {
		c.segments.large.Put(s)
		return
	}
	c.segments.small.Put(s)
}

// source is a range of a block as a stream that survives its replicas: when one
// fails, another goes on at the same offset.
type source struct {
	c   *Client
	ref metadata.BlockRef
	off int64 // next byte, a multiple of ChunkBytes
	end int64

	seg    Segments // open at off, or nil
	from   metadata.Located
	asked  time.Time // when it was opened; zero after the first byte
	choice choice
}

func newSource(c *Client, ref metadata.BlockRef, off, end int64) *source {
	return &source{c: c, ref: ref, off: off, end: end, choice: choice{c: c, volume: ref.ID.Volume}}
}

// next returns the next segment.
func (s *source) next(ctx context.Context) (*segment, error) {
	if s.off >= s.end {
		return nil, io.EOF
	}
	buf := s.c.segment(min(s.end-s.off, SegmentBytes))
	for {
		if err := s.open(ctx); err != nil {
			s.c.giveBack(buf)
			return nil, err
		}
		n, err := s.seg.Next(buf.data, buf.sums)
		if err == io.EOF || err == nil && n == 0 {
			err = metadata.Errorf(metadata.KindCorrupt, "%v of %v ends at %d, not %d", s.ref.ID, s.from.Node, s.off, s.end)
		}
		if err == nil {
			s.firstByte()
			n, err = Verify(buf.data[:n], buf.sums[:chunks(n)])
			if err != nil {
				s.c.corrupt(s.ref.ID, s.from)
			}
		}
		if err != nil {
			s.leave(ctx, err)
		}
		if n > 0 {
			buf.off, buf.bytes = s.off, buf.data[:n]
			s.off += int64(n)
			if err == nil {
				s.choice.reset()
			}
			return buf, nil
		}
		if err := ctx.Err(); err != nil {
			s.c.giveBack(buf)
			return nil, metadata.Errorf(metadata.KindOf(err), "reading %v: %w", s.ref.ID, err)
		}
	}
}

// open opens the range at off on the best replica not tried yet.
func (s *source) open(ctx context.Context) error {
	for s.seg == nil {
		r, stall, err := s.choice.next(ctx)
		if err != nil {
			return err
		}
		target, err := s.c.target(r.Node, r.Addr)
		if err == nil {
			s.c.nodes.begin(r.Node)
			s.asked, s.from = time.Now(), r
			s.seg, err = target.Get(ctx, GetRequest{Block: s.ref.ID, Disk: r.Disk,
				Offset: s.off, Length: s.end - s.off, Stall: stall})
			if err == nil && s.seg.BlockLength() != int64(s.ref.Length) {
				err = metadata.Errorf(metadata.KindCorrupt, "%v of %v has %d bytes, want %d",
					s.ref.ID, r.Node, s.seg.BlockLength(), s.ref.Length)
				_ = s.seg.Close() // it is another block
			}
			if err != nil {
				s.seg = nil
				s.c.nodes.end(r.Node, 0, false)
			}
		}
		if err != nil {
			s.choice.failed(ctx, r, err)
		}
	}
	return nil
}

// firstByte records how long the server took.
func (s *source) firstByte() {
	if !s.asked.IsZero() {
		s.c.nodes.end(s.from.Node, time.Since(s.asked), false)
		s.c.nodes.begin(s.from.Node)
		s.asked = time.Time{}
	}
}

// leave gives up the present replica.
func (s *source) leave(ctx context.Context, err error) {
	s.hangUp()
	s.choice.failed(ctx, s.from, err)
}

// hangUp ends the transfer.
func (s *source) hangUp() {
	if s.seg != nil {
		_ = s.seg.Close() // what came was verified; nothing else is wanted of it
		s.seg = nil
		s.c.nodes.end(s.from.Node, 0, false)
	}
}

// choice picks replicas of a volume one after the other: all of them, then,
// with new locations and more patience, all of them again.
type choice struct {
	c      *Client
	volume metadata.VolumeID
	tried  []metadata.Replica
	round  int
	err    error // the most telling failure so far
}

// reset is called when a replica works: later trouble gets all rounds again.
func (h *choice) reset() { h.tried, h.round, h.err = h.tried[:0], 0, nil }

// next returns the replica to try now and how long to wait for its bytes.
func (h *choice) next(ctx context.Context) (metadata.Located, time.Duration, error) {
	for {
		if err := ctx.Err(); err != nil {
			return metadata.Located{}, 0, metadata.Errorf(metadata.KindOf(err), "reading from %v: %w", h.volume, err)
		}
		replicas, err := h.locate(ctx)
		if err != nil {
			return metadata.Located{}, 0, err
		}
		if r, ok := h.c.best(replicas, h.tried); ok {
			h.tried = append(h.tried, r.Replica)
			return r, h.c.cfg.StallGet << h.round, nil
		}
		if h.round++; h.round >= readRounds || len(replicas) == 0 {
			return metadata.Located{}, 0, h.verdict()
		}
		h.tried = h.tried[:0]
		select {
		case <-ctx.Done():
		case <-time.After(readPause << h.round):
		}
	}
}

func (h *choice) locate(ctx context.Context) ([]metadata.Located, error) {
	if h.round > 0 && len(h.tried) == 0 {
		return h.c.volumes.relocate(ctx, h.volume)
	}
	return h.c.volumes.locate(ctx, h.volume)
}

// failed notes why a replica did not do.
func (h *choice) failed(ctx context.Context, r metadata.Located, err error) {
	if ctx.Err() != nil {
		return // it was this side that broke it off
	}
	h.c.stats.getFailures.Add(1)
	kind := metadata.KindOf(err)
	if kind != metadata.KindNotFound && kind != metadata.KindCorrupt {
		h.c.nodes.shun(r.Node)
	}
	if h.err == nil || kind == metadata.KindCorrupt || metadata.KindOf(h.err) == metadata.KindNotFound {
		h.err = err
	}
}

// verdict is the error after all rounds.
func (h *choice) verdict() error {
	if h.err == nil {
		return metadata.Errorf(metadata.KindUnavailable, "no replica of %v is known", h.volume)
	}
	return metadata.Errorf(metadata.KindOf(h.err), "no replica of %v delivers: %w", h.volume, h.err)
}

// best returns the replica to read from: one in this process (unless its disk
// hangs), else one that the
// leader hears from, else any; of two of them, taken at random, the better one.
func (c *Client) best(replicas []metadata.Located, tried []metadata.Replica) (metadata.Located, bool) {
	var classes [3][metadata.ReplicasMax]metadata.Located // in order of preference
	var count [3]int
	for _, r := range replicas {
		class := 2
		switch {
		case has(tried, r.Replica):
			continue
		case c.local(r.Node):
			if !c.nodes.shunned(r.Node) {
				class = 0
			}
		case r.Live:
			class = 1
		}
		if n := count[class]; n < metadata.ReplicasMax {
			classes[class][n] = r
			count[class]++
		}
	}
	for class, n := range count {
		switch n {
		case 0:
			continue
		case 1:
			return classes[class][0], true
		}
		i := rand.IntN(n)
		a, b := classes[class][i], classes[class][(i+1+rand.IntN(n-1))%n] // never the same
		if c.nodes.score(b.Node) < c.nodes.score(a.Node) {
			a = b
		}
		return a, true
	}
	return metadata.Located{}, false
}

// shunLocal notes that the disks of this process that hold the volume deliver
// nothing. Servers elsewhere are noted by those who wait for them.
func (c *Client) shunLocal(ctx context.Context, v metadata.VolumeID) {
	replicas, err := c.volumes.locate(ctx, v)
	if err != nil {
		return // then nobody knows who it was
	}
	for _, r := range replicas {
		if c.local(r.Node) {
			c.nodes.shun(r.Node)
		}
	}
}

func has(tried []metadata.Replica, r metadata.Replica) bool {
	for _, t := range tried {
		if t == r {
			return true
		}
	}
	return false
}
