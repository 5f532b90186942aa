package blockio

import (
	"context"
	"math/rand/v2"
	"time"

	"kendfs/metadata"
)

// Sizes and times of placing a block.
const (
	starBytesMax = 1 << 20              // up to here each replica is sent to directly, above in a chain
	retryPause   = 5 * time.Millisecond // before a block is tried again, doubling
	retryMax     = 2 * time.Second
)

// block is one block of a file being written.
type block struct {
	buf    *Buffer       // nil once given back
	length int           // bytes
	hashed chan struct{} // closed when its bytes are in the file's SHA-1
	placed chan struct{} // closed when it is durable or has failed

	// Set when placed.
	id    metadata.BlockID
	lease *lease // holds one reference
	err   error
}

func (b *block) ref() metadata.BlockRef {
	return metadata.BlockRef{ID: b.id, Length: uint32(b.length)}
}

// place makes b durable on all replicas of some volume, trying other volumes
// until the retry window has passed.
func (c *Client) place(ctx context.Context, b *block, want int) error {
	if len(b.buf.Sums) == 0 {
		b.buf.Sums = AppendSums(b.buf.Sums, b.buf.Data[:b.length])
	}
	end := time.Now().Add(c.cfg.RetryWindow)
	pause := retryPause
	for {
		err := c.placeOnce(ctx, b, want)
		if err == nil {
			return nil
		}
		c.stats.putRetries.Add(1)
		if ctx.Err() != nil || final(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return metadata.Errorf(metadata.KindOf(ctx.Err()), "writing a block: %w", ctx.Err())
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, retryMax)
	}
}

// final reports whether writing the block elsewhere cannot help.
func final(err error) bool {
	switch metadata.KindOf(err) {
	case metadata.KindDenied, metadata.KindNoAuth, metadata.KindInvalid, metadata.KindReadOnly,
		metadata.KindUnsupported, metadata.KindQuota:
		return true
	case metadata.KindNoSpace:
		// A full disk is retired with its lease; when no volume is to be had at all
		// the cluster is full.
		return !onDisk(err)
	}
	return false
}

// placeOnce tries one volume.
func (c *Client) placeOnce(ctx context.Context, b *block, want int) error {
	l, err := c.leases.acquire(ctx, want, b.length)
	if err != nil {
		return err
	}
	err = c.placeOn(ctx, l, b)
	l.busy.Add(-int64(b.length))
	if err != nil {
		l.release(b.length, false)
		return err
	}
	b.lease = l
	return nil
}

// placeOn puts b on all replicas of the leased volume, dropping those that
// fail as long as enough remain. It returns nil once b is durable on every
// replica that the volume then has.
func (c *Client) placeOn(ctx context.Context, l *lease, b *block) error {
	id, ok := l.take()
	if !ok {
		l.retire(false)
		return metadata.Errorf(metadata.KindStale, "the lease of %v has no ids left", l.volume)
	}
	durable := make(map[metadata.Replica]bool, 2)
	retried := make(map[metadata.Replica]bool)
	for {
		epoch, replicas := l.view()
		var missing []metadata.Located
		for _, r := range replicas {
			if !durable[r.Replica] {
				missing = append(missing, r)
			}
		}
		if len(missing) == 0 && len(durable) > 0 {
			b.id = id
			return nil
		}
		put := putJob{id: id, epoch: epoch, lease: l, block: b, direct: len(retried) > 0}
		for _, o := range c.putAll(ctx, put, missing) {
			if o.Err == nil {
				durable[o.Replica] = true
				c.nodes.ok(o.Node)
				continue
			}
			if ctx.Err() != nil {
				return o.Err
			}
			again := !retried[o.Replica] && (o.Skipped || transient(o.Err))
			retried[o.Replica] = true
			if again {
				continue
			}
			if err := c.failed(ctx, l, o); err != nil {
				return err
			}
		}
	}
}

// transient reports whether the same put may succeed at once on a new
// connection: a reset one says nothing about the server that it led to.
func transient(err error) bool {
	switch metadata.KindOf(err) {
	case metadata.KindUnavailable, metadata.KindCorrupt, metadata.KindBusy:
		return true
	}
	return false
}

// failed deals with a replica that did not take a block. Nil means that the
// volume goes on without it.
func (c *Client) failed(ctx context.Context, l *lease, o Outcome) error {
	c.stats.putFailures.Add(1)
	switch metadata.KindOf(o.Err) {
	case metadata.KindStale:
		// The volume was fenced: the lease ended without our knowing, and maybe all
		// of them with the session. An error says that it cannot be found out now.
		l.retire(true)
		_ = c.leases.confirm(ctx)
		return o.Err
	case metadata.KindNoSpace:
		l.retire(false)
		return &diskError{o.Err}
	case metadata.KindBusy, metadata.KindInvalid, metadata.KindUnsupported, metadata.KindDenied:
		// The server works; it is this volume that is better left alone.
		l.retire(false)
		return &diskError{o.Err}
	}
	c.nodes.fail(o.Node)
	c.cfg.Logger.Warn("replica failed while writing", "volume", uint64(l.volume),
		"node", uint64(o.Node), "disk", o.Disk.String(), "err", o.Err)
	return c.leases.drop(ctx, l, o.Replica)
}

// diskError marks an error as one disk's, not the cluster's.
type diskError struct{ err error }

func (e *diskError) Error() string { return e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }
