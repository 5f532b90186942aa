package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// Store is one disk, open. All methods may be called at the same time.
type Store struct {
	cfg       Config
	fs        vfs.FS
	dir       string
	direct    bool // fs is the operating system's: descriptors may be used
	id        identity
	secret    uint32
	log       *slog.Logger
	lock      io.Closer
	packLimit int64

	index *index
	state *state
	files *fileCache
	space spaceMeter
	stats storeStats

	active *activePack // owned by the append loop
	queue  chan *op
	rename chan *renaming
	slots  chan struct{} // bounds the block files that are written at once

	users  sync.WaitGroup // calls of the outside that are under way
	gate   sync.Mutex     // guards closed, and users against a late Add
	closed bool
	// removed are directories in which files were removed and that are not
	// synced yet; guarded by gate.
	removed map[string]bool
	// litter are files (directory, name) that could not be removed; littered says
	// that there are more than litterMax. Guarded by gate.
	litter   map[[2]string]bool
	littered bool

	failure    atomic.Pointer[failure]
	failed     chan struct{}           // closed when failure is set
	indexBad   atomic.Bool             // the index must be rebuilt at the next Open
	indexDead  atomic.Bool             // what the index answers cannot be trusted
	indexFull  atomic.Pointer[failure] // a flush found the disk full; Pebble tries again
	indexFails atomic.Int64            // failed flushes and compactions of the index
	compacting sync.Mutex
	stuck      map[uint32]int64 // packs that compaction cannot empty, and their live bytes; guarded by compacting
	stop       chan struct{}    // ends the background pass
	tasks      sync.WaitGroup
	upkeep     sync.WaitGroup
}

// failure is why the disk takes no more writes, or no puts for a moment.
type failure struct {
	err error
	at  time.Time
}

// fullMoment is how long puts are refused after the index found the disk full.
// Pebble tries again much sooner and renews it; when it has nothing to write any
// more, a put must be let through to find out.
const fullMoment = time.Second

// storeStats count since Open.
type storeStats struct {
	puts, putBytes, reads, readBytes, deletes, groups, corrupt, compacted, copied, damages atomic.Int64
}

// Open opens the disk in cfg.Dir, recovering from whatever ended the process
// before. KindNotFound: not a disk. KindUnsupported: of a newer version.
// KindCorrupt: the id is damaged. KindUnavailable: another process has it open,
// or the file system returned an error.
func Open(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	id, err := readIdentity(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := cfg.FS.Lock(cfg.FS.PathJoin(cfg.Dir, lockName))
	if err != nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "%s is in use by another process, or cannot be locked: %w", cfg.Dir, err)
	}
	s := &Store{
		cfg: cfg, fs: cfg.FS, dir: cfg.Dir, direct: cfg.FS == vfs.Default, id: id, secret: id.secretCRC(),
		log: cfg.Logger.With("disk", id.disk.String()), lock: lock,
		queue: make(chan *op, queueMax), rename: make(chan *renaming, queueMax),
		slots: make(chan struct{}, filePutsMax), stuck: map[uint32]int64{}, removed: map[string]bool{},
		litter: map[[2]string]bool{},
		stop:   make(chan struct{}), failed: make(chan struct{}),
	}
	s.files = newFileCache(s.fs)
	s.space.init(s)
	s.packLimit = cfg.packLimit(s.space.capacity())
	if err := s.start(); err != nil {
		s.release()
		return nil, diskError("open disk "+cfg.Dir, err)
	}
	return s, nil
}

// start recovers and starts the goroutines.
func (s *Store) start() error {
	adopt, err := s.recover()
	if err != nil {
		return err
	}
	s.tasks.Add(2)
	go s.appendLoop()
	go s.renameLoop()
	if err := s.adopt(adopt); err != nil {
		s.stopLoops()
		return err
	}
	s.upkeep.Add(1)
	go s.compactLoop()
	return nil
}

// release gives back what a failed Open, or Close, still holds.
func (s *Store) release() {
	s.files.close()
	if s.active != nil {
		_ = s.active.f.Close() // every acknowledged byte is synced
	}
	if s.index != nil {
		_ = s.index.close() // derived; what is not flushed is read again from the packs
	}
	_ = s.lock.Close() // ends with the process in any case
}

// enter begins a call from outside, leave ends it: Close waits for all of them.
func (s *Store) enter() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return metadata.Errorf(metadata.KindUnavailable, "the disk is closed")
	}
	s.users.Add(1)
	return nil
}

func (s *Store) leave() { s.users.Done() }

// stopLoops ends the goroutines after what is queued.
func (s *Store) stopLoops() {
	close(s.queue)
	close(s.rename)
	s.tasks.Wait()
}

// Close finishes what was begun and closes the disk. After a clean Close the
// next Open has nothing to recover. It returns Failed's error, if any. A second
// Close does nothing.
func (s *Store) Close() error {
	s.gate.Lock()
	closed := s.closed
	s.closed = true
	s.gate.Unlock()
	if closed {
		return nil
	}
	close(s.stop)
	s.upkeep.Wait()
	s.users.Wait()
	s.stopLoops()
	err := s.Failed()
	if err == nil {
		err = s.closeClean()
	}
	s.release()
	return err
}

// closeClean flushes the index and takes away the mark of an open disk.
func (s *Store) closeClean() error {
	if err := s.flushIndex(context.Background()); err != nil {
		return err
	}
	if s.direct {
		_ = trim(s.active.f, s.active.end) // gives back what was preallocated
	}
	s.clearLitter()
	if err := s.syncRemoved(); err != nil {
		return diskError("sync removals", err)
	}
	s.gate.Lock()
	littered := s.littered || len(s.litter) > 0
	s.gate.Unlock()
	if s.indexBad.Load() || littered {
		return nil // leave the mark: the next Open rebuilds, or sweeps
	}
	if err := s.fs.Remove(s.fs.PathJoin(s.dir, dirtyName)); err != nil {
		return diskError("remove mark", err)
	}
	return diskError("sync directory", syncDir(s.fs, s.dir))
}

// Disk returns the disk's id.
func (s *Store) Disk() metadata.DiskID { return s.id.disk }

// Cluster returns the cluster that the disk was formatted for, "" for none.
func (s *Store) Cluster() string { return s.id.cluster }

// Failed returns why the disk takes no more writes, nil while it does. A disk
// never recovers by itself: after a failed write or sync nobody knows what is
// on it until it was opened, and read, again.
func (s *Store) Failed() error {
	if f := s.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// writable returns Failed's error.
func (s *Store) writable() error { return s.Failed() }

// fail switches writing off for good. The first reason stays.
func (s *Store) fail(err error) {
	if errors.Is(err, errIndex) {
		s.breakIndex(err)
	}
	f := &failure{err: metadata.Errorf(metadata.KindUnavailable, "disk %v has failed and takes no more writes: %w", s.id.disk, err), at: time.Now()}
	if s.failure.CompareAndSwap(nil, f) {
		close(s.failed)
		s.log.Error("disk failed: reads are still tried, writes are refused", "err", err)
	}
}

// breakIndex notes, durably if possible, that the index must be rebuilt.
func (s *Store) breakIndex(err error) {
	if s.indexBad.Swap(true) {
		return
	}
	s.log.Error("index is damaged: it is rebuilt at the next start", "err", err)
	if err := writeFile(s.fs, s.fs.PathJoin(s.dir, brokenName), []byte("the index is rebuilt at the next start\n")); err == nil {
		_ = syncDir(s.fs, s.dir) // best effort: the damage would be found again
	}
}

// indexEvents are the store's ears on the index.
func (s *Store) indexEvents() indexEvents {
	return indexEvents{
		fatal:   func(err error) { s.indexDead.Store(true); s.fail(err) },
		damaged: func(err error) { s.fail(err) },
		trouble: func(err error) {
			s.indexFails.Add(1)
			if !isNoSpace(err) && !isShort(err) {
				s.fail(fmt.Errorf("index: %w", err))
				return
			}
			s.indexFull.Store(&failure{diskError("write index", err), time.Now()})
		},
		flushed: func() { s.indexFull.Store(nil) },
		full:    func() bool { return s.full() != nil },
		failed:  func() bool { return s.Failed() != nil },
	}
}

// full returns the error of a disk on which the index found no room just now.
func (s *Store) full() error {
	if f := s.indexFull.Load(); f != nil && time.Since(f.at) < fullMoment {
		return f.err
	}
	return nil
}

// flushIndex makes the index durable. It gives up when the disk fails, or is
// full, for then Pebble would try for ever.
func (s *Store) flushIndex(ctx context.Context) error {
	before := s.indexFails.Load()
	done, err := s.index.db.AsyncFlush()
	if err != nil {
		return diskError("flush index", err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-done:
			return s.writable()
		case <-s.failed:
			return s.writable()
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			if err := s.full(); err != nil && s.indexFails.Load() > before {
				return err
			}
		}
	}
}

// exists reports whether a file is there.
func exists(fs vfs.FS, name string) (bool, error) {
	_, err := fs.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
