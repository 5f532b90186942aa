package blockstore

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fileKey names a pack, or the file of a large block when pack is 0.
type fileKey struct {
	pack uint32
	file blockFile
}

// fileCache keeps files open for reading. An open file outlives its name, so a
// reader is not disturbed by compaction or a delete.
type fileCache struct {
	fs vfs.FS

	mu    sync.Mutex // guards what follows
	open  map[fileKey]*openFile
	clock uint64
}

// openFile is one open file. Its counters are guarded by the cache.
type openFile struct {
	f       vfs.File
	refs    int
	used    uint64
	dropped bool // close with the last reference
}

func newFileCache(fs vfs.FS) *fileCache {
	return &fileCache{fs: fs, open: map[fileKey]*openFile{}}
}

// get returns the file, opening it if need be. put must be called once for it.
func (c *fileCache) get(k fileKey, path func() string) (*openFile, error) {
	c.mu.Lock()
	c.clock++
	if o := c.open[k]; o != nil {
		o.refs++
		o.used = c.clock
		c.mu.Unlock()
		return o, nil
	}
	c.mu.Unlock()
	f, err := c.fs.Open(path())
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.open[k]; o != nil { // another reader was faster
		_ = f.Close() // read only
		o.refs++
		return o, nil
	}
	o := &openFile{f: f, refs: 1, used: c.clock}
	c.open[k] = o
	c.evict()
	return o, nil
}

// put gives a file back.
func (c *fileCache) put(o *openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.refs--; o.refs == 0 && o.dropped {
		_ = o.f.Close() // read only
	}
}

// drop forgets a file whose name is gone.
func (c *fileCache) drop(k fileKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked(k)
}

func (c *fileCache) dropLocked(k fileKey) {
	o := c.open[k]
	if o == nil {
		return
	}
	delete(c.open, k)
	if o.dropped = true; o.refs == 0 {
		_ = o.f.Close() // read only
	}
}

// evict closes the file that was not used for the longest time.
func (c *fileCache) evict() {
	if len(c.open) <= fileCacheMax {
		return
	}
	var oldest fileKey
	found := false
	for k, o := range c.open {
		if o.refs == 0 && (!found || o.used < c.open[oldest].used) {
			oldest, found = k, true
		}
	}
	if found {
		c.dropLocked(oldest)
	}
}

// close closes all files; those in use close with their last reference.
func (c *fileCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.open {
		c.dropLocked(k)
	}
}
