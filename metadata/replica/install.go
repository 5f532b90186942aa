package replica

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// bootstrap writes the first term and configuration, in one step so that a
// crash leaves all of it or nothing.
func (s *logStore) bootstrap(first raft.Server) error {
	entry := &raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration,
		Data: raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{first}})}
	val := make([]byte, entrySize(entry))
	encodeEntry(val, entry)
	b := s.db.NewBatch()
	if err := b.Set(entryKey(1), val, nil); err != nil {
		return err
	}
	if err := b.Set(stableKey([]byte(keyCurrentTerm)), binary.BigEndian.AppendUint64(nil, 1), nil); err != nil {
		return err
	}
	return s.commit(b)
}

// beginInstall notes that the state called name is about to become current
// and that the log ends with it.
func (s *logStore) beginInstall(name string) error {
	b := s.db.NewBatch()
	if err := b.Set(ownKey(rowInstall), []byte(name), nil); err != nil {
		return err
	}
	return s.commit(b)
}

// finishInstall empties the log and removes the note. What was in the log is
// older than the installed state or was never committed.
func (s *logStore) finishInstall() error {
	b := s.db.NewBatch()
	if err := b.DeleteRange([]byte{entryTable}, []byte{entryEnd}, nil); err != nil {
		return err
	}
	if err := b.Delete(ownKey(rowInstall), nil); err != nil {
		return err
	}
	s.pending.Store(0)
	return s.commit(b)
}

// recoverInstall completes or forgets an installation that a crash broke off.
func (s *logStore) recoverInstall(current string) error {
	name, err := getRow(s.db, ownKey(rowInstall))
	switch {
	case err != nil:
		return err
	case name == nil:
		return nil
	case string(name) == current:
		return s.finishInstall()
	}
	b := s.db.NewBatch()
	if err := b.Delete(ownKey(rowInstall), nil); err != nil {
		return err
	}
	return s.commit(b)
}

// check compares the log with the state it belongs to and reads every entry
// that the state does not have yet. A hole or a damaged entry is refused:
// cutting the log there could lose acknowledged commands (Alagappan et al.,
// "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018).
func (s *logStore) check(p progress) error {
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	term, err := s.GetUint64([]byte(keyCurrentTerm))
	if err != nil {
		return err
	}
	switch {
	case last == 0 && p.index == 0:
		return nil
	case term == 0 || term < p.term:
		return metadata.Errorf(metadata.KindCorrupt,
			"%s knows term %d but the state is of term %d: the log was lost or replaced", s.dir, term, p.term)
	case last == 0:
		return nil // right after a state was installed
	case first > p.index+1:
		return metadata.Errorf(metadata.KindCorrupt,
			"%s starts at entry %d but the state ends at %d: entries between are missing", s.dir, first, p.index)
	case last < p.index:
		return metadata.Errorf(metadata.KindCorrupt,
			"%s ends at entry %d but the state has %d: the end of the log was lost", s.dir, last, p.index)
	}
	for index := max(first, p.index); index <= last && index > 0; index++ {
		if err := s.checkEntry(index, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *logStore) checkEntry(index uint64, p progress) error {
	val, closer, err := s.db.Get(entryKey(index))
	if err != nil {
		return metadata.Errorf(metadata.KindCorrupt, "%s: entry %d: %w", s.dir, index, err)
	}
	term, err := checkEntry(val, index)
	err = errors.Join(err, closer.Close())
	if err == nil && index == p.index && term != p.term {
		err = metadata.Errorf(metadata.KindCorrupt, "entry %d is of term %d, the state has it of term %d", index, term, p.term)
	}
	if err != nil {
		return metadata.Errorf(metadata.KindOf(err), "%s: %w", s.dir, err)
	}
	return nil
}

// openReadOnly opens a checkpoint for reading.
func (f *folders) openReadOnly(name string) (*pebble.DB, error) {
	o := f.stateOptions()
	o.readOnly, o.cache = true, 1<<20
	return openDatabase(f.path(name), o)
}
