package replica

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// batchVersion is the version of metapb.Batch that this program writes and reads.
const batchVersion = 1

// state is raft's FSM: the namespace's rows in Pebble.
//
// Rows are committed without fsync. After a crash Pebble holds some prefix of
// the applied entries, the applied row says which, and raft applies the rest
// again from its fsynced log. The log is shortened only after an fsync here.
type state struct {
	machine *machine
	folders *folders
	logs    *logStore
	failure *failure
	stats   *counters

	// mu guards db against being replaced by install while others read it.
	mu  sync.RWMutex
	db  *pebble.DB
	hot *hotRows

	// progressMu orders apply and Persist; it guards progress.
	progressMu sync.Mutex
	progress   progress
	index      atomic.Uint64 // progress.index
}

var (
	_ raft.FSM         = (*state)(nil)
	_ raft.BatchingFSM = (*state)(nil)
)

// openState opens the current state of the folder.
func openState(f *folders, logs *logStore, m *machine, fail *failure, stats *counters) (*state, error) {
	db, err := f.openCurrent()
	if err != nil {
		return nil, err
	}
	s := &state{machine: m, folders: f, logs: logs, failure: fail, stats: stats, db: db}
	if s.progress, err = readProgress(db); err != nil {
		_ = db.Close() // nothing was written
		return nil, err
	}
	s.index.Store(s.progress.index)
	s.hot = newHotRows(s.progress.index)
	return s, nil
}

// applied returns the index of the last applied entry.
func (s *state) applied() uint64 { return s.index.Load() }

// Apply implements raft.FSM; raft uses ApplyBatch.
func (s *state) Apply(l *raft.Log) any { return s.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch applies committed entries in one Pebble batch. Raft passes
// commands and configurations; it gets []*metapb.Result for a command. After a
// failure nothing is applied any more.
func (s *state) ApplyBatch(logs []*raft.Log) []any {
	if err := s.failure.get(); err != nil {
		s.failure.halt(err)
	}
	defer s.failure.protect("apply")
	out := make([]any, len(logs))
	if err := s.apply(logs, out); err != nil {
		s.failure.halt(metadata.Errorf(metadata.KindOf(err), "apply entries %d to %d: %w",
			logs[0].Index, logs[len(logs)-1].Index, err))
	}
	return out
}

func (s *state) apply(logs []*raft.Log, out []any) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.progressMu.Lock()
	defer s.progressMu.Unlock()
	next := s.progress
	w := newRowWriter(s.db, s.hot, next.index)
	b := w.b
	for i, l := range logs {
		if l.Index <= next.index {
			continue // already in the state when it was opened
		}
		next.index, next.term = l.Index, l.Term
		switch l.Type {
		case raft.LogConfiguration:
			next.members, next.membersIndex = raft.DecodeConfiguration(l.Data), l.Index
			if err := next.writeMembers(b); err != nil {
				return errors.Join(err, b.Close())
			}
		case raft.LogCommand:
			results, err := s.applyEntry(w, l)
			if err != nil {
				return errors.Join(err, b.Close())
			}
			out[i] = results
		}
	}
	if err := next.writeIndex(b); err != nil {
		return errors.Join(err, b.Close())
	}
	if err := w.commit(next.index); err != nil {
		return err
	}
	s.progress = next
	s.index.Store(next.index)
	return b.Close()
}

// applyEntry runs the commands of one entry.
func (s *state) applyEntry(w *rowWriter, l *raft.Log) ([]*metapb.Result, error) {
	var batch metapb.Batch
	if err := proto.Unmarshal(l.Data, &batch); err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "entry %d: %w", l.Index, err)
	}
	if batch.Version != batchVersion {
		return nil, metadata.Errorf(metadata.KindUnsupported,
			"entry %d has version %d; this program knows version %d", l.Index, batch.Version, batchVersion)
	}
	results, err := s.machine.apply(w, l.Index, &batch)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "entry %d: %w", l.Index, err)
	}
	if len(results) != len(batch.Commands) {
		return nil, metadata.Errorf(metadata.KindInternal, "entry %d: %d results for %d commands",
			l.Index, len(results), len(batch.Commands))
	}
	return results, nil
}

// view calls fn with one consistent state, which is at least as new as index.
func (s *state) view(fn func(r rowReader, index uint64) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil || s.failure.get() != nil {
		return metadata.Errorf(metadata.KindUnavailable, "this nameserver is closed or has failed")
	}
	index := s.applied()
	snap := s.db.NewSnapshot()
	defer func() { err = errors.Join(err, snap.Close()) }()
	return fn(rowReader{snap}, index)
}

// query is view for reading that is cheap to repeat: as long as all rows are in
// memory there is no snapshot of Pebble.
func (s *state) query(fn func(r namespace.Reader, index uint64) error) error {
	s.mu.RLock()
	if s.db == nil || s.failure.get() != nil {
		s.mu.RUnlock()
		return metadata.Errorf(metadata.KindUnavailable, "this nameserver is closed or has failed")
	}
	index, _ := s.hot.at()
	r := &hotReader{db: s.db, rows: s.hot, index: index}
	err := fn(r, index)
	err = errors.Join(err, r.close())
	s.mu.RUnlock()
	if r.moved {
		return s.view(func(r rowReader, index uint64) error { return fn(r, index) })
	}
	return err
}

// Snapshot implements raft.FSM: the state on disk is the snapshot.
func (s *state) Snapshot() (raft.FSMSnapshot, error) {
	if err := s.failure.get(); err != nil {
		return nil, err
	}
	return pointer{s}, nil
}

// pointer is raft's handle of a snapshot that is nothing but the live state.
type pointer struct{ state *state }

// Persist makes the state durable up to what the sink names, after which raft
// may remove those entries from the log.
func (p pointer) Persist(sink raft.SnapshotSink) error {
	defer p.state.failure.protect("fsync the state")
	k := sink.(*sinkFile)
	if err := p.state.persist(k.meta); err != nil {
		p.state.failure.halt(metadata.Errorf(metadata.KindCorrupt, "fsync the state: %w", err))
	}
	p.state.stats.snapshots.Add(1)
	return nil
}

// Release implements raft.FSMSnapshot.
func (pointer) Release() {}

// persist records that the state includes every entry up to m.Index (the last
// ones may be barriers, which are not applied) and fsyncs.
func (s *state) persist(m raft.SnapshotMeta) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.advance(m); err != nil {
		return err
	}
	return s.db.LogData(nil, pebble.Sync)
}

func (s *state) advance(m raft.SnapshotMeta) error {
	s.progressMu.Lock()
	defer s.progressMu.Unlock()
	if s.progress.index > m.Index {
		return nil
	}
	next := progress{index: m.Index, term: m.Term, members: m.Configuration, membersIndex: m.ConfigurationIndex}
	b := s.db.NewBatch()
	if err := errors.Join(next.writeIndex(b), next.writeMembers(b)); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	s.hot.finish(nil, next.index)
	s.progress = next
	s.index.Store(next.index)
	return b.Close()
}

// Restore implements raft.FSM: it switches to a received state. Raft passes
// what Open of the snapshot store returned.
func (s *state) Restore(r io.ReadCloser) error {
	if w, ok := r.(raft.ReadCloserWrapper); ok {
		r = w.WrappedReadCloser()
	}
	rec, ok := r.(*received)
	if !ok {
		return metadata.Errorf(metadata.KindInternal, "restore from %T", r)
	}
	defer s.failure.protect("install a state")
	if err := s.install(rec); err != nil {
		s.failure.halt(metadata.Errorf(metadata.KindOf(err), "install the state of entry %d: %w", rec.meta.Index, err))
	}
	s.stats.received.Add(1)
	return nil
}

// install makes rec the current state. The steps and what a crash between
// them leads to are in DESIGN.md.
func (s *state) install(rec *received) error {
	db, err := s.folders.openState(rec.name)
	if err != nil {
		return err
	}
	p, err := readProgress(db)
	if err == nil && (p.index != rec.meta.Index || p.term != rec.meta.Term) {
		err = metadata.Errorf(metadata.KindCorrupt, "received state ends at entry %d of term %d, announced were %d of %d",
			p.index, p.term, rec.meta.Index, rec.meta.Term)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if err := s.logs.beginInstall(rec.name); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := s.folders.switchTo(rec.name); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := s.logs.finishInstall(); err != nil {
		return errors.Join(err, db.Close())
	}
	s.mu.Lock()
	old := s.db
	s.db = db
	s.progressMu.Lock()
	s.progress = p
	s.progressMu.Unlock()
	s.index.Store(p.index)
	s.hot.reset(p.index)
	s.mu.Unlock()
	return errors.Join(old.Close(), s.folders.clean())
}

// close fsyncs and closes the state. Readers get KindUnavailable afterwards. A
// broken database is left to the end of the process: somebody may hang in it.
func (s *state) close() error {
	if s.failure.get() != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.db
	s.db = nil
	if db == nil {
		return nil
	}
	return errors.Join(db.LogData(nil, pebble.Sync), db.Close())
}
