package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// resultsMax bounds the results kept for one session.
const resultsMax = 4096

// floor is the first sequence of a session whose result is kept.
type floor struct {
	at    uint64
	dirty bool
}

// earlier returns the kept result of a command that was applied before, nil for
// a new one. A command of a session that has ended, or whose result was
// forgotten, is refused: whether it was applied is not known any more.
func (s *state) earlier(cmd *metapb.Command) (*metapb.Result, error) {
	session, sequence := cmd.GetSession(), cmd.GetSequence()
	if session == 0 || sequence == 0 || s.cluster == nil {
		return nil, nil
	}
	alive, err := s.sessionExists(session)
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, refuse(metadata.KindStale, "session %d is over", session)
	}
	from, err := s.floor(session)
	if err != nil {
		return nil, err
	}
	if sequence < from {
		return nil, refuse(metadata.KindStale, "the result of command %d is forgotten", sequence)
	}
	if sequence-max(from, min(cmd.GetAcked(), sequence)) >= resultsMax {
		return nil, refuse(metadata.KindBusy, "more than %d commands without acknowledgement", resultsMax)
	}
	return getRow[metapb.Result](s.r, keyResult(session, sequence))
}

// remember keeps the result of a command, a refusal too: a late repetition must
// not be executed. It forgets the results that the client has acknowledged.
func (s *state) remember(cmd *metapb.Command, res *metapb.Result) error {
	session, sequence := cmd.GetSession(), cmd.GetSequence()
	if session == 0 || sequence == 0 || s.cluster == nil {
		return nil
	}
	if err := putRow(s.kv, keyResult(session, sequence), res); err != nil {
		return err
	}
	from, err := s.floor(session)
	if err != nil {
		return err
	}
	to := min(cmd.GetAcked(), sequence)
	if to <= from {
		return nil
	}
	s.floors[session] = floor{to, true}
	return s.forget(session, max(from, 1), to)
}

// forget deletes the results of from ≤ sequence < to. The usual few are deleted
// blindly, which costs less than to look which are there.
func (s *state) forget(session, from, to uint64) error {
	if to-from <= 8 {
		for ; from < to; from++ {
			if err := deleteRow(s.kv, keyResult(session, from)); err != nil {
				return err
			}
		}
		return nil
	}
	keys, err := scanKeys(s.r, keyResult(session, from), keyResult(session, to), resultsMax)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := deleteRow(s.kv, key); err != nil {
			return err
		}
	}
	return nil
}

// floor returns the first sequence of a session whose result is kept.
func (s *state) floor(session uint64) (uint64, error) {
	if f, ok := s.floors[session]; ok {
		return f.at, nil
	}
	val, err := s.r.Get(keyResult(session, 0))
	if err != nil {
		return 0, fault{err}
	}
	s.floors[session] = floor{at: u64Of(val)}
	return u64Of(val), nil
}

// flushFloors writes the floors that were raised.
func (s *state) flushFloors() error {
	for _, session := range sortedKeys(s.floors) {
		if f := s.floors[session]; f.dirty {
			if err := setRow(s.kv, keyResult(session, 0), u64Row(f.at)); err != nil {
				return err
			}
		}
	}
	return nil
}
