package blockio

import (
	"context"
	"sync"

	"kendfs/metadata"
)

// Buffers come in classes: a file of 4 KiB holds 4 KiB while it is written, not
// a block. Up to bufferCoarse each is four times the one before, then twice.
const (
	bufferMin    = 4 << 10
	bufferCoarse = 1 << 20
)

// Buffer holds one block while it is filled and until it is durable.
type Buffer struct {
	Data []byte   // its class's size
	Sums []uint32 // room for the checksums of Data; how many count is the user's business
	n    int      // bytes filled by a Writer
}

// Pool bounds the memory for blocks in flight, at both ends of a put. Those who
// wait are served in order, so that a full block is not starved by small ones.
type Pool struct {
	sizes []int       // ascending
	idle  []sync.Pool // of *Buffer, by class

	mu      sync.Mutex
	free    int64 // guarded by mu, as below
	waiting []*waiter
}

type waiter struct {
	bytes int64
	ready chan struct{} // closed when the bytes are the waiter's
}

// NewPool returns a pool of total bytes for blocks of up to block bytes.
func NewPool(total int64, block int) *Pool {
	p := &Pool{free: max(total, int64(block))}
	for size := bufferMin; size < block; size *= 2 {
		p.sizes = append(p.sizes, size)
		if size < bufferCoarse {
			size *= 2
		}
	}
	p.sizes = append(p.sizes, block)
	p.idle = make([]sync.Pool, len(p.sizes))
	return p
}

// class returns the index of the smallest class that holds n bytes, or the largest.
func (p *Pool) class(n int) int {
	for i, size := range p.sizes {
		if n <= size {
			return i
		}
	}
	return len(p.sizes) - 1
}

// Get returns an empty buffer of at least size bytes (or a full block's size),
// waiting for its turn until ctx is done.
func (p *Pool) Get(ctx context.Context, size int) (*Buffer, error) {
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

// tryGet is Get for those who have something else to do than to wait.
func (p *Pool) tryGet(size int) *Buffer {
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

func (p *Pool) take(class int) *Buffer {
	if b, ok := p.idle[class].Get().(*Buffer); ok {
		return b
	}
	size := p.sizes[class]
	return &Buffer{Data: make([]byte, size), Sums: make([]uint32, 0, chunks(size))}
}

// Put gives a buffer back. Nobody may use it any more.
func (p *Pool) Put(b *Buffer) {
	class := p.class(len(b.Data))
	b.n, b.Sums = 0, b.Sums[:0]
	p.idle[class].Put(b)
	p.mu.Lock()
	p.free += int64(p.sizes[class])
	p.serve()
	p.mu.Unlock()
}

// serve hands free bytes to those who wait, in order. p.mu is held.
func (p *Pool) serve() {
	for len(p.waiting) > 0 && p.free >= p.waiting[0].bytes {
		p.free -= p.waiting[0].bytes
		close(p.waiting[0].ready)
		p.waiting = p.waiting[1:]
	}
}

// forget withdraws a waiter; bytes that it got in the same moment go back.
func (p *Pool) forget(w *waiter) {
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
func (p *Pool) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) > 0
}
