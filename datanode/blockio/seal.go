package blockio

import (
	"context"

	"kendfs/metadata"
)

// seal ends the current block and starts sending it.
func (w *Writer) seal() error {
	b, err := w.detach()
	if err != nil {
		return err
	}
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return w.fail(w.cause())
	}
	w.startHash(b)
	w.wg.Go(func() {
		defer func() { <-w.slots }()
		w.send(b)
	})
	if len(w.blocks) > stageBlocks {
		return w.stage()
	}
	return nil
}

// detach turns the current buffer into the next block of the file.
func (w *Writer) detach() (*block, error) {
	if err := w.failure(); err != nil {
		return nil, err
	}
	b := &block{buf: w.cur, length: w.cur.n, placed: make(chan struct{})}
	w.cur = nil
	w.blocks = append(w.blocks, b)
	if w.size > retainBytes {
		w.unretain()
	}
	return b, nil
}

// startHash adds b's bytes to the file's SHA-1, after those of the blocks
// before it and beside everything else.
func (w *Writer) startHash(b *block) {
	before, done := w.hashed, make(chan struct{})
	w.hashed, b.hashed = done, done
	w.wg.Go(func() {
		if before != nil {
			<-before
		}
		w.hash.Write(b.buf.Data[:b.length])
		close(done)
	})
}

// send makes b durable and then gives its buffer back, unless small files keep
// theirs until the commit.
func (w *Writer) send(b *block) {
	err := w.c.place(w.ctx, b, w.want)
	if err != nil {
		b.err = w.fail(err)
	} else {
		w.c.stats.putBlocks.Add(1)
		w.c.stats.putBytes.Add(int64(b.length))
	}
	<-b.hashed
	w.mu.Lock()
	if !w.retain {
		w.drop(b)
	}
	close(b.placed)
	w.mu.Unlock()
}

// unretain gives back the buffers of durable blocks, now and from now on.
func (w *Writer) unretain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retain = false
	for _, b := range w.blocks {
		select {
		case <-b.placed:
			w.drop(b)
		default: // send does it
		}
	}
}

// drop gives back a block's buffer. w.mu is held.
func (w *Writer) drop(b *block) {
	if b.buf != nil {
		w.c.pool.Put(b.buf)
		b.buf = nil
	}
}

// stage records the references of blocks that are durable ahead of the commit:
// no command is large, and their leases may end. It waits for the older half
// of the blocks only, so that sending goes on.
func (w *Writer) stage() error {
	n := len(w.blocks) - writerInFlight
	if n <= 0 {
		return nil
	}
	return w.stageFirst(n)
}

// yield stages the blocks in leases that the leader wants back: their volumes
// need repair, which cannot wait for the end of a slow upload.
func (w *Writer) yield() error {
	n := w.c.leases.recalls.Load()
	if n == w.recalls || w.c.cfg.Stager == nil {
		return nil
	}
	w.recalls = n
	if err := w.settle(w.ctx, w.blocks); err != nil {
		return w.fail(err)
	}
	for last := len(w.blocks) - 1; last >= 0; last-- {
		if w.blocks[last].lease.wanted() {
			for rest := last + 1; rest > 0; { // stageFirst makes progress or fails
				before := len(w.blocks)
				if err := w.stageFirst(rest); err != nil {
					return err
				}
				rest -= before - len(w.blocks)
			}
			break
		}
	}
	return nil
}

// stageFirst stages the first n blocks, or as many as one command takes.
func (w *Writer) stageFirst(n int) error {
	if w.c.cfg.Stager == nil {
		return w.fail(metadata.Errorf(metadata.KindTooLarge, "the file has more than %d blocks", stageBlocks))
	}
	n = min(n, metadata.StageRefsMax)
	if err := w.settle(w.ctx, w.blocks[:n]); err != nil {
		return err
	}
	part := w.blocks[:n]
	var s *session
	err := w.c.retryStale(w.ctx, w.want, part, func() (err error) {
		if s, err = w.sessionOf(part); err != nil {
			return err
		}
		id, err := w.c.cfg.Stager.Stage(w.ctx, metadata.Stage{Session: s.id, Content: w.staged,
			Index: w.index, Blocks: refsOf(part), Leases: proofsOf(part)})
		if err == nil {
			w.staged = id
		}
		return err
	})
	if err != nil {
		return w.fail(err)
	}
	w.session = s
	w.index += n
	for _, b := range part {
		w.discard(b, true)
	}
	w.blocks = append(w.blocks[:0:0], w.blocks[n:]...)
	return nil
}

// settle waits until the blocks are durable.
func (w *Writer) settle(ctx context.Context, blocks []*block) error {
	for _, b := range blocks {
		select {
		case <-b.placed:
		case <-ctx.Done():
			return metadata.Errorf(metadata.KindOf(ctx.Err()), "waiting for blocks: %w", ctx.Err())
		}
		if b.err != nil {
			return b.err
		}
	}
	return nil
}

// cause is why the writer's context ended.
func (w *Writer) cause() error {
	err := context.Cause(w.ctx)
	return metadata.Errorf(metadata.KindOf(err), "writing: %w", err)
}
