package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// resultsMax bounds the results kept for one session.
const resultsMax = 4096

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
	floor, err := s.floor(session)
	if err != nil {
		return nil, err
	}
	switch {
	case sequence < floor:
		return nil, refuse(metadata.KindStale, "the result of command %d is forgotten", sequence)
	case sequence-max(floor, cmd.GetAcked()) >= resultsMax && sequence >= cmd.GetAcked():
		return nil, refuse(metadata.KindBusy, "more than %d commands without acknowledgement", resultsMax)
	}
	return getRow[metapb.Result](s.r, keyResult(session, sequence))
}

// remember keeps the result of a command and forgets those that its client has got.
func (s *state) remember(cmd *metapb.Command, res *metapb.Result) error {
	session, sequence := cmd.GetSession(), cmd.GetSequence()
	if session == 0 || sequence == 0 || s.cluster == nil {
		return nil
	}
	if err := putRow(s.kv, keyResult(session, sequence), res); err != nil {
		return err
	}
	floor, err := s.floor(session)
	if err != nil {
		return err
	}
	to := min(cmd.GetAcked(), sequence)
	if to <= floor {
		return nil
	}
	s.floors[session] = to
	keys, err := scanKeys(s.r, keyResult(session, max(floor, 1)), keyResult(session, to), 2*resultsMax)
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
		return f, nil
	}
	val, err := s.r.Get(keyResult(session, 0))
	if err != nil {
		return 0, fault{err}
	}
	s.floors[session] = u64Of(val)
	return u64Of(val), nil
}
