package blockio

import (
	"context"
	"sync"

	"kendfs/metadata"
)

// Buffers come in classes of bufferMin·4ⁿ, the last one a full block: a file of
// 4 KiB holds 4 KiB while it is written, not a block.
const bufferMin = 4 << 10

// buffer holds one block while it is filled and until it is durable.
type buffer struct {
	data []byte   // its class's size
	n    int      // bytes filled
	sums []uint32 // of data[:n], set when the block is sealed
}

// pool bounds the bytes of all blocks being written. Those who wait are served
// in order, so that a full block is not starved by small ones.
type pool struct {
	sizes []int       // ascending
	idle  []sync.Pool // of *buffer, by class

	mu      sync.Mutex
	free    int64 // guarded by mu, as below
	waiting []*waiter
}

type waiter struct {
	bytes int64
	ready chan struct{} // closed when the bytes are the waiter's
}

func newPool(total int64, block int) *pool {
	p := &pool{free: total}
	for size := bufferMin; size < block; size *= 4 {
		p.sizes = append(p.sizes, size)
	}
	p.sizes = append(p.sizes, block)
	p.idle = make([]sync.Pool, len(p.sizes))
	return p
}

// class returns the index of the smallest class that holds n bytes, or the largest.
func (p *pool) class(n int) int {
	for i, size := range p.sizes {
		if n <= size {
			return i
		}
	}
	return len(p.sizes) - 1
}

// get returns an empty buffer of at least size bytes (or a full block's size),
// waiting for its turn until ctx is done.
func (p *pool) get(ctx context.Context, size int) (*buffer, error) {
	class := p.class(size)
	bytes := int64(p.sizes[class])
	p.mu.Lock()
	if len(p.waiting) == 0 && p.free >= bytes {
		p.free -= bytes
		p.mu.Unlock()
		return p.take(class), nil
	}
	w := &waiter{bytes: bytes, ready: make(chan struct{})}
	p.waiting = append(p.waiting, w)
	p.mu.Unlock()
	select {
	case <-w.ready:
		return p.take(class), nil
	case <-ctx.Done():
		p.forget(w)
		return nil, metadata.Errorf(metadata.KindOf(ctx.Err()), "waiting for memory to write: %w", ctx.Err())
	}
}

// tryGet is get for those who have something else to do than to wait.
func (p *pool) tryGet(size int) *buffer {
	class := p.class(size)
	bytes := int64(p.sizes[class])
	p.mu.Lock()
	ok := len(p.waiting) == 0 && p.free >= bytes
	if ok {
		p.free -= bytes
	}
	p.mu.Unlock()
	if !ok {
		return nil
	}
	return p.take(class)
}

func (p *pool) take(class int) *buffer {
	if b, ok := p.idle[class].Get().(*buffer); ok {
		return b
	}
	size := p.sizes[class]
	return &buffer{data: make([]byte, size), sums: make([]uint32, 0, chunks(size))}
}

// put gives a buffer back. Nobody may use it any more.
func (p *pool) put(b *buffer) {
	class := p.class(len(b.data))
	b.n, b.sums = 0, b.sums[:0]
	p.idle[class].Put(b)
	p.mu.Lock()
	p.free += int64(p.sizes[class])
	p.serve()
	p.mu.Unlock()
}

// serve hands free bytes to those who wait, in order. p.mu is held.
func (p *pool) serve() {
	for len(p.waiting) > 0 && p.free >= p.waiting[0].bytes {
		p.free -= p.waiting[0].bytes
		close(p.waiting[0].ready)
		p.waiting = p.waiting[1:]
	}
}

// forget withdraws a waiter; bytes that it got in the same moment go back.
func (p *pool) forget(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, x := range p.waiting {
		if x == w {
			p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
			p.serve()
			return
		}
	}
	p.free += w.bytes
	p.serve()
}

// crowded reports whether somebody waits.
func (p *pool) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) > 0
}
