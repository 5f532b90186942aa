package blockio

import (
	"context"
	"io"
	"time"

	"kendfs/metadata"
)

// attempt is the outcome of asking one replica for a small range.
type attempt struct {
	seg *segment
	err error
	r   metadata.Located
}

// fetch reads length bytes (at most SegmentBytes) of a block from off, a
// multiple of ChunkBytes. When the first replica takes longer than most reads
// do, a second one is asked as well and the faster one wins (Dean & Barroso,
// The Tail at Scale, CACM 2013); a replica that fails is replaced at once.
func (c *Client) fetch(ctx context.Context, ref metadata.BlockRef, off, length int64) (*segment, error) {
	h := choice{c: c, volume: ref.ID.Volume}
	r, stall, err := h.next(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the losers
	results := make(chan attempt, readRounds*metadata.ReplicasMax)
	start := func(r metadata.Located, stall time.Duration) {
		go func() { results <- c.fetchFrom(ctx, r, ref, off, length, stall) }()
	}
	start(r, stall)
	hedge := time.NewTimer(c.nodes.hedgeAfter())
	defer hedge.Stop()
	for running := 1; ; {
		select {
		case a := <-results:
			running--
			if a.err == nil {
				go c.sweep(results, running)
				return a.seg, nil
			}
			h.failed(ctx, a.r, a.err)
			if running > 0 {
				continue
			}
		case <-hedge.C:
			replicas, err := c.volumes.locate(ctx, ref.ID.Volume)
			if err != nil || len(replicas) <= len(h.tried) {
				continue
			}
			c.stats.getHedges.Add(1)
		}
		r, stall, err := h.next(ctx)
		if err != nil {
			go c.sweep(results, running)
			return nil, err
		}
		start(r, stall)
		running++
	}
}

// sweep gives back what the losers bring.
func (c *Client) sweep(results <-chan attempt, running int) {
	for range running {
		if a := <-results; a.seg != nil {
			c.giveBack(a.seg)
		}
	}
}

// fetchFrom reads and verifies the range from one replica.
func (c *Client) fetchFrom(ctx context.Context, r metadata.Located, ref metadata.BlockRef, off, length int64,
	stall time.Duration) attempt {
	began := time.Now()
	c.nodes.begin(r.Node)
	seg, err := c.transfer(ctx, r, GetRequest{Block: ref.ID, Disk: r.Disk, Offset: off, Length: length, Stall: stall},
		int64(ref.Length))
	took := time.Since(began)
	if err != nil {
		took = 0
	}
	c.nodes.end(r.Node, took, true)
	return attempt{seg: seg, err: err, r: r}
}

// transfer does one small get.
func (c *Client) transfer(ctx context.Context, r metadata.Located, req GetRequest, block int64) (*segment, error) {
	target, err := c.target(r.Node, r.Addr)
	if err != nil {
		return nil, err
	}
	in, err := target.Get(ctx, req)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	want := min((req.Length+metadata.ChunkBytes-1)&^(metadata.ChunkBytes-1), block-req.Offset)
	seg := c.segment(want)
	n := 0
	for int64(n) < want {
		m, err := in.Next(seg.data[n:], seg.sums[n/metadata.ChunkBytes:])
		if err == nil && m > 0 {
			n += m
			continue
		}
		if err == io.EOF || err == nil {
			err = metadata.Errorf(metadata.KindCorrupt, "%v of %v ends at %d", req.Block, r.Node, req.Offset+int64(n))
		}
		c.giveBack(seg)
		return nil, err
	}
	if in.BlockLength() != block {
		c.giveBack(seg)
		return nil, metadata.Errorf(metadata.KindCorrupt, "%v of %v has %d bytes, want %d",
			req.Block, r.Node, in.BlockLength(), block)
	}
	if _, err := Verify(seg.data[:n], seg.sums[:chunks(n)]); err != nil {
		c.corrupt(req.Block, r)
		c.giveBack(seg)
		return nil, err
	}
	seg.off, seg.bytes = req.Offset, seg.data[:n]
	return seg, nil
}
