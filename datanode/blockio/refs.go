package blockio

import (
	"context"
	"sync"

	"kendfs/metadata"
)

// refPagesMax bounds the pages of block references that a Client keeps: about
// 100 KB each.
const refPagesMax = 64

// refs finds the block of a file that an offset is in. References of large
// files are fetched in pages when they are needed. It may be used by several
// goroutines.
type refs struct {
	cache   *refCache
	content metadata.ContentID
	inline  []metadata.BlockRef
	count   int // blocks of the file

	mu    sync.Mutex
	pages []pageStart // guarded by mu: known so far, without gaps from the start
}

// pageStart is where a page of references begins.
type pageStart struct {
	index int   // of its first block
	start int64 // that block's offset in the file
}

// place is one block's place in a file.
type place struct {
	ref   metadata.BlockRef
	start int64 // offset in the file
}

func newRefs(cache *refCache, e metadata.Entry) *refs {
	r := &refs{cache: cache, content: e.Content, inline: e.Blocks, count: e.BlockCount}
	if r.count < len(e.Blocks) {
		r.count = len(e.Blocks)
	}
	r.pages = []pageStart{{}}
	return r
}

// find returns the block that holds the byte at off.
func (r *refs) find(ctx context.Context, off int64) (place, error) {
	if len(r.inline) >= r.count {
		p, _, ok := search(r.inline, 0, off)
		if !ok {
			return place{}, r.short(off)
		}
		return p, nil
	}
	at := r.before(off)
	for at.index < r.count {
		page, err := r.cache.page(ctx, r.content, at.index)
		if err != nil {
			return place{}, err
		}
		if len(page) == 0 {
			break
		}
		p, end, ok := search(page, at.start, off)
		if ok {
			return p, nil
		}
		at = pageStart{index: at.index + len(page), start: end}
		r.learn(at)
	}
	return place{}, r.short(off)
}

func (r *refs) short(off int64) error {
	return metadata.Errorf(metadata.KindCorrupt, "the block references of content %d end before offset %d", r.content, off)
}

// search finds off in refs, the first of which starts at start; end is where
// they all end.
func search(refs []metadata.BlockRef, start, off int64) (p place, end int64, ok bool) {
	for _, ref := range refs {
		next := start + int64(ref.Length)
		if off >= start && off < next {
			return place{ref, start}, 0, true
		}
		start = next
	}
	return place{}, start, false
}

// before returns the last known page that starts at or before off.
func (r *refs) before(off int64) pageStart {
	r.mu.Lock()
	defer r.mu.Unlock()
	best := r.pages[0]
	for _, p := range r.pages {
		if p.start <= off {
			best = p
		}
	}
	return best
}

// learn notes where the next page starts.
func (r *refs) learn(p pageStart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.pages[len(r.pages)-1]; p.index > last.index {
		r.pages = append(r.pages, p)
	}
}

// refCache keeps pages of block references. Contents never change, so nothing
// in it grows old; the page unused for longest makes way.
type refCache struct {
	from Referrer

	mu    sync.Mutex
	clock uint64 // guarded by mu, as below
	pages map[pageKey]*refPage
}

type pageKey struct {
	content metadata.ContentID
	index   int
}

type refPage struct {
	refs []metadata.BlockRef
	used uint64
}

func newRefCache(from Referrer) *refCache {
	return &refCache{from: from, pages: make(map[pageKey]*refPage)}
}

// page returns the references of a content from index on, as many as one call gives.
func (c *refCache) page(ctx context.Context, content metadata.ContentID, index int) ([]metadata.BlockRef, error) {
	key := pageKey{content, index}
	c.mu.Lock()
	c.clock++
	if p := c.pages[key]; p != nil {
		p.used = c.clock
		c.mu.Unlock()
		return p.refs, nil
	}
	c.mu.Unlock()
	if c.from == nil {
		return nil, metadata.Errorf(metadata.KindUnsupported, "no way to ask for the blocks of large files")
	}
	got, err := c.from.Blocks(ctx, content, index)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pages) >= refPagesMax {
		c.evict()
	}
	c.pages[key] = &refPage{refs: got, used: c.clock}
	return got, nil
}

// evict drops the page unused for longest. c.mu is held.
func (c *refCache) evict() {
	var victim pageKey
	oldest := ^uint64(0)
	for key, p := range c.pages {
		if p.used < oldest {
			victim, oldest = key, p.used
		}
	}
	delete(c.pages, victim)
}
