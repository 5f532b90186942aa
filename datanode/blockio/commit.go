package blockio

import (
	"context"
	"slices"

	"kendfs/metadata"
)

// staleRetries bounds how often a commit is repeated because leases changed
// under it.
const staleRetries = 4

// Finish sends what is left and waits until every block is durable on all its
// replicas. It returns what a commit needs, without Modified. A second call
// returns the same with newer proofs. Abort must still be called.
//
// KindUnavailable: too few storage servers answer, or a lease ended while the
// file was being written; KindNoSpace; KindCanceled, KindTimeout.
func (w *Writer) Finish(ctx context.Context) (metadata.Commit, error) {
	if err := w.flush(ctx); err != nil {
		return metadata.Commit{}, err
	}
	return w.describe()
}

// flush makes all data durable.
func (w *Writer) flush(ctx context.Context) error {
	if err := w.failure(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { w.cancel(context.Cause(ctx)) })
	defer stop()
	if w.cur != nil && w.cur.n > 0 {
		if err := w.last(); err != nil {
			return err
		}
	}
	w.finished = true
	for len(w.blocks) > metadata.StageRefsMax { // stage makes progress or fails
		if err := w.stage(); err != nil {
			return err
		}
	}
	if err := w.settle(ctx, w.blocks); err != nil {
		return err
	}
	if w.hashed != nil {
		select {
		case <-w.hashed:
		case <-ctx.Done():
			return metadata.Errorf(metadata.KindOf(ctx.Err()), "hashing: %w", ctx.Err())
		}
	}
	return nil
}

// last sends the last block from this goroutine, which has nothing else to do.
func (w *Writer) last() error {
	b, err := w.detach()
	if err != nil {
		return err
	}
	if b.length > inlineHashMax || w.hashed != nil {
		w.startHash(b)
	} else {
		b.hashed = closed()
		w.hash.Write(b.buf.Data[:b.length])
	}
	w.send(b)
	return b.err
}

// closed returns a closed channel.
func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// describe returns the file as a commit.
func (w *Writer) describe() (metadata.Commit, error) {
	s, err := w.sessionOf(w.blocks)
	if err != nil {
		return metadata.Commit{}, err
	}
	m := metadata.Commit{Size: w.size, SHA1: w.hash.Sum(nil), Staged: w.staged,
		Blocks: refsOf(w.blocks), Leases: proofsOf(w.blocks)}
	if s != nil {
		m.Session = s.id
	}
	return m, nil
}

// Commit is Finish followed by commit, which is called with what Finish gives
// and again, with newer proofs or rewritten blocks, when it answers KindStale.
// It is called once more only after a KindStale, so it need not be idempotent.
// Commit returns its last error. A file of which a block is lost with its lease
// and is not in memory any more fails with KindUnavailable; the version before
// it is as it was.
func (w *Writer) Commit(ctx context.Context, commit func(context.Context, metadata.Commit) error) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	err := w.c.retryStale(ctx, w.want, w.blocks, func() error {
		m, err := w.describe()
		if err != nil {
			return err
		}
		return commit(ctx, m)
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	ended := w.ended
	w.ended = true
	w.mu.Unlock()
	if !ended {
		w.wg.Wait()
		w.free(true)
		w.cancel(nil)
	}
	return nil
}

// retryStale calls do until it answers anything but KindStale. In between it
// finds out which leases go on, and writes the blocks of those that ended
// again if they are still in memory.
func (c *Client) retryStale(ctx context.Context, want int, blocks []*block, do func() error) error {
	for attempt := 0; ; attempt++ {
		err := do()
		if err == nil || metadata.KindOf(err) != metadata.KindStale {
			return err
		}
		if attempt >= staleRetries {
			return metadata.Errorf(metadata.KindUnavailable, "leases keep changing: %w", err)
		}
		if err := c.revive(ctx, want, blocks, err); err != nil {
			return err
		}
	}
}

// revive makes blocks that a commit refused as stale fit for another attempt.
func (c *Client) revive(ctx context.Context, want int, blocks []*block, refused error) error {
	var held []*lease
	for _, b := range blocks {
		if !b.lease.over() && !slices.Contains(held, b.lease) {
			held = append(held, b.lease)
		}
	}
	if err := c.leases.confirm(ctx); err != nil {
		return metadata.Errorf(metadata.KindUnavailable, "after a refused commit: %w", err)
	}
	if err := c.leases.reconcile(ctx, held); err != nil {
		return metadata.Errorf(metadata.KindUnavailable, "after a refused commit: %w", err)
	}
	for _, b := range blocks {
		if !b.lease.over() {
			continue
		}
		if b.buf == nil {
			return metadata.Errorf(metadata.KindUnavailable,
				"the lease of %v ended before the file was complete; upload it again: %w", b.lease.volume, refused)
		}
		old := b.lease
		if err := c.place(ctx, b, want); err != nil {
			return err
		}
		old.release(b.length, false)
		c.stats.rewrites.Add(1)
	}
	return nil
}

// sessionOf returns the session that the staged blocks and these were written
// in, which must be one: KindStale if the blocks can be written again in
// another one, KindUnavailable if that would not help.
func (w *Writer) sessionOf(blocks []*block) (*session, error) {
	s := w.session
	if s != nil && s.over() {
		return nil, metadata.Errorf(metadata.KindUnavailable,
			"the session ended before the file was complete; upload it again")
	}
	for _, b := range blocks {
		if s == nil {
			s = b.lease.session
		}
		if b.lease.session != s {
			return nil, metadata.Errorf(metadata.KindStale, "the file was written in more than one session")
		}
	}
	return s, nil
}

func refsOf(blocks []*block) []metadata.BlockRef {
	refs := make([]metadata.BlockRef, len(blocks))
	for i, b := range blocks {
		refs[i] = b.ref()
	}
	return refs
}

// proofsOf returns the newest proof for each volume that the blocks are in.
func proofsOf(blocks []*block) []metadata.LeaseProof {
	var proofs []metadata.LeaseProof
	for _, b := range blocks {
		p := b.lease.proof()
		i := slices.IndexFunc(proofs, func(x metadata.LeaseProof) bool { return x.Volume == p.Volume })
		if i < 0 {
			proofs = append(proofs, p)
		} else if proofs[i].Epoch < p.Epoch {
			proofs[i] = p
		}
	}
	return proofs
}
