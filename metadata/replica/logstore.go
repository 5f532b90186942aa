package replica

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// Tables of the log database.
const (
	entryTable  = 'l' // index, 8 bytes big-endian
	stableTable = 's' // raft's key
	entryEnd    = entryTable + 1
)

// logStore is raft's LogStore and StableStore: everything raft writes is
// fsynced before the call returns.
//
// A write that fails is the end of the store: the error goes to the failure
// latch and the calling goroutine ends (see failure.halt). While opening, the
// caller is inside failure.guarded and gets the error there.
type logStore struct {
	db      *pebble.DB
	dir     string
	failure *failure
	stats   *counters

	// pending counts bytes of entries since the last truncation; full is
	// signalled when it passes snapshotBytes.
	pending atomic.Int64
	full    chan struct{}
}

var (
	_ raft.LogStore          = (*logStore)(nil)
	_ raft.StableStore       = (*logStore)(nil)
	_ raft.MonotonicLogStore = (*logStore)(nil)
)

// openLogStore opens or makes the log of node in dir.
func openLogStore(dir string, fs vfs.FS, node metadata.NodeID, f *failure, stats *counters) (*logStore, error) {
	db, err := openDatabase(dir, databaseOptions{
		fs: fs, failure: f, magic: "KLOG", cache: logCacheBytes, memtable: logMemtableBytes,
	})
	if err != nil {
		return nil, err
	}
	s := &logStore{db: db, dir: dir, failure: f, stats: stats, full: make(chan struct{}, 1)}
	if err := s.checkNode(node); err != nil {
		_ = db.Close() // nothing was written
		return nil, err
	}
	return s, nil
}

// checkNode refuses the folder of another node.
func (s *logStore) checkNode(node metadata.NodeID) error {
	val, err := getRow(s.db, ownKey(rowNode))
	switch {
	case err != nil:
		return metadata.Errorf(metadata.KindCorrupt, "read %s: %w", s.dir, err)
	case val == nil:
		return s.db.Set(ownKey(rowNode), binary.BigEndian.AppendUint64(nil, uint64(node)), pebble.Sync)
	case len(val) != 8:
		return metadata.Errorf(metadata.KindCorrupt, "%s: node row has %d bytes", s.dir, len(val))
	}
	if owner := metadata.NodeID(binary.BigEndian.Uint64(val)); owner != node {
		return metadata.Errorf(metadata.KindConflict, "%s belongs to node %v, this is node %v", s.dir, owner, node)
	}
	return nil
}

// IsMonotonic makes raft empty the log when it installs a snapshot rather than
// leave a gap in it.
func (s *logStore) IsMonotonic() bool { return true }

// FirstIndex returns the index of the oldest entry, or 0.
func (s *logStore) FirstIndex() (uint64, error) { return s.edge((*pebble.Iterator).First) }

// LastIndex returns the index of the newest entry, or 0.
func (s *logStore) LastIndex() (uint64, error) { return s.edge((*pebble.Iterator).Last) }

func (s *logStore) edge(seek func(*pebble.Iterator) bool) (uint64, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{entryTable}, UpperBound: []byte{entryEnd}})
	if err != nil {
		return 0, s.broken("find the ends of the log", err)
	}
	var index uint64
	if seek(it) {
		if len(it.Key()) != 9 {
			err = metadata.Errorf(metadata.KindCorrupt, "log entry's key has %d bytes", len(it.Key()))
		} else {
			index = binary.BigEndian.Uint64(it.Key()[1:])
		}
	}
	if err = errors.Join(err, it.Close()); err != nil {
		return 0, s.broken("find the ends of the log", err)
	}
	return index, nil
}

// GetLog reads an entry; raft.ErrLogNotFound when there is none. A damaged
// entry is a failure of the node.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	val, closer, err := s.db.Get(entryKey(index))
	if errors.Is(err, pebble.ErrNotFound) {
		return raft.ErrLogNotFound
	}
	if err != nil {
		return s.broken("read the log", err)
	}
	err = errors.Join(decodeEntry(val, index, l), closer.Close())
	if err != nil {
		return s.broken("read the log", err)
	}
	return nil
}

// StoreLog appends one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs appends entries with one fsync.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	b := s.db.NewBatch()
	var size int64
	for _, l := range logs {
		n := entrySize(l)
		size += int64(n)
		op := b.SetDeferred(9, n)
		op.Key[0] = entryTable
		binary.BigEndian.PutUint64(op.Key[1:], l.Index)
		encodeEntry(op.Value, l)
		if err := op.Finish(); err != nil {
			return s.broken("write the log", err)
		}
	}
	if err := s.commit(b); err != nil {
		return err
	}
	if s.pending.Add(size) > snapshotBytes {
		select {
		case s.full <- struct{}{}:
		default: // already signalled
		}
	}
	return nil
}

// DeleteRange removes the entries from first to last, both included.
func (s *logStore) DeleteRange(first, last uint64) error {
	b := s.db.NewBatch()
	if err := b.DeleteRange(entryKey(first), entryKeyAfter(last), nil); err != nil {
		return s.broken("truncate the log", err)
	}
	s.pending.Store(0)
	return s.commit(b)
}

// Set stores a stable value.
func (s *logStore) Set(key, val []byte) error {
	b := s.db.NewBatch()
	if err := b.Set(stableKey(key), val, nil); err != nil {
		return s.broken("write the vote", err)
	}
	return s.commit(b)
}

// Get returns a stable value, or nil.
func (s *logStore) Get(key []byte) ([]byte, error) {
	val, err := getRow(s.db, stableKey(key))
	if err != nil {
		return nil, s.broken("read the vote", err)
	}
	return val, nil
}

// SetUint64 stores a stable number.
func (s *logStore) SetUint64(key []byte, val uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, val))
}

// GetUint64 returns a stable number, or 0.
func (s *logStore) GetUint64(key []byte) (uint64, error) {
	val, err := s.Get(key)
	if err != nil || val == nil {
		return 0, err
	}
	if len(val) != 8 {
		return 0, s.broken("read the vote", metadata.Errorf(metadata.KindCorrupt, "%s has %d bytes, want 8", key, len(val)))
	}
	return binary.BigEndian.Uint64(val), nil
}

// close closes the store; a broken one is left to the end of the process.
func (s *logStore) close() error {
	if s.failure.get() != nil {
		return nil
	}
	return s.db.Close()
}

// commit makes b durable and times it.
func (s *logStore) commit(b *pebble.Batch) error {
	if err := s.failure.get(); err != nil {
		s.failure.halt(err)
	}
	defer s.failure.protect("write " + s.dir)
	start := time.Now()
	if err := b.Commit(pebble.Sync); err != nil {
		return s.broken("write", err)
	}
	s.stats.fsync.observe(time.Since(start))
	return b.Close()
}

// broken reports err as the failure of the node and ends the goroutine.
func (s *logStore) broken(op string, err error) error {
	err = metadata.Errorf(metadata.KindCorrupt, "%s: %s: %w", s.dir, op, err)
	s.failure.halt(err)
	return err
}

func entryKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{entryTable}, index)
}

// entryKeyAfter is the first key after that of index.
func entryKeyAfter(index uint64) []byte { return append(entryKey(index), 0) }

func stableKey(key []byte) []byte { return append([]byte{stableTable}, key...) }
