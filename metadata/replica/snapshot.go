package replica

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// liveSnapshot is the id of the one snapshot there always is: the state itself.
const liveSnapshot = "live"

// snapshots is raft's SnapshotStore. Taking a snapshot writes nothing, because
// the state is on disk already (after HashiCorp Vault's physical/raft); a copy
// is made only when one is sent, as a Pebble checkpoint.
type snapshots struct {
	state *state
	// arrived is the state that raft is about to pass to Restore. Only raft's
	// main goroutine and, while that waits, its FSM goroutine use it.
	arrived *received
}

var _ raft.SnapshotStore = (*snapshots)(nil)

// List returns the state as the only snapshot; none before the first entry.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	s.state.progressMu.Lock()
	p := s.state.progress
	s.state.progressMu.Unlock()
	if p.index == 0 {
		return nil, nil
	}
	return []*raft.SnapshotMeta{p.meta()}, nil
}

// meta describes the state as raft wants it. The size is known only in Open.
func (p *progress) meta() *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: liveSnapshot, Index: p.index, Term: p.term,
		Configuration: p.members, ConfigurationIndex: p.membersIndex,
	}
}

// Create begins a snapshot. Raft calls it for the local state, when nothing is
// written to the sink, and for one that comes from the leader.
func (s *snapshots) Create(version raft.SnapshotVersion, index, term uint64, members raft.Configuration,
	membersIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != raft.SnapshotVersionMax {
		return nil, metadata.Errorf(metadata.KindUnsupported, "snapshot version %d", version)
	}
	return &sinkFile{store: s, meta: raft.SnapshotMeta{
		Version: version, ID: liveSnapshot, Index: index, Term: term,
		Configuration: members, ConfigurationIndex: membersIndex,
	}}, nil
}

// Open streams the live state, or hands a received one to Restore.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if id != liveSnapshot {
		if s.arrived == nil || s.arrived.name != id {
			return nil, nil, metadata.Errorf(metadata.KindNotFound, "there is no snapshot %q", id)
		}
		return &s.arrived.meta, s.arrived, nil
	}
	meta, r, err := s.state.openCheckpoint()
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: %w", err)
	}
	s.state.stats.sent.Add(1)
	return meta, r, nil
}

// openCheckpoint makes a checkpoint and returns it as a stream. The meta data
// is read from the checkpoint, so that both are of one moment.
func (s *state) openCheckpoint() (meta *raft.SnapshotMeta, r io.ReadCloser, err error) {
	defer s.failure.protect("checkpoint")
	name := s.folders.side(checkpointPrefix)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.folders.remove(name))
		}
	}()
	if err := s.checkpoint(name); err != nil {
		return nil, nil, err
	}
	db, err := s.folders.openReadOnly(name)
	if err != nil {
		return nil, nil, err
	}
	p, err := readProgress(db)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, nil, err
	}
	stream, err := openStream(s.folders, name)
	if err != nil {
		return nil, nil, err
	}
	meta = p.meta()
	meta.Size = stream.size
	return meta, stream, nil
}

func (s *state) checkpoint(name string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return metadata.Errorf(metadata.KindUnavailable, "this nameserver is closed")
	}
	return s.db.Checkpoint(s.folders.path(name), pebble.WithFlushedWAL())
}

// sinkFile receives a snapshot. It makes a folder at the first Write.
type sinkFile struct {
	store *snapshots
	meta  raft.SnapshotMeta
	in    *receiver // nil until the first Write
}

// ID names the snapshot for Open.
func (k *sinkFile) ID() string {
	if k.in == nil {
		return liveSnapshot
	}
	return k.in.target
}

// Write takes the next bytes of the stream.
func (k *sinkFile) Write(b []byte) (int, error) {
	if k.in == nil {
		k.in = startReceiver(k.store.state.folders)
	}
	return k.in.Write(b)
}

// Close ends the stream and makes what was received durable.
func (k *sinkFile) Close() error {
	if k.in == nil {
		return nil
	}
	if err := k.in.finish(); err != nil {
		return err
	}
	k.meta.ID = k.in.target
	k.store.arrived = &received{name: k.in.target, meta: k.meta}
	return nil
}

// Cancel drops what was received.
func (k *sinkFile) Cancel() error {
	if k.in == nil {
		return nil
	}
	return k.in.cancel()
}

// received is a complete, durable state beside the current one. It passes
// through raft as a ReadCloser without bytes.
type received struct {
	name string
	meta raft.SnapshotMeta
}

// Read implements io.Reader; there is nothing to read.
func (*received) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements io.Closer.
func (*received) Close() error { return nil }
