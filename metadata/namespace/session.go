package namespace

import (
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// sessionsMax bounds the sessions of the cluster, so that a scan over them is cheap.
const sessionsMax = 10_000

// sessionExists reports whether a session is open.
func (s *state) sessionExists(id uint64) (bool, error) { return hasRow(s.r, keySession(id)) }

// openSession starts a session. Earlier ones of the same node and instance are
// over: their process is.
func (s *state) openSession(op *metapb.OpenSession) (*metapb.Result, error) {
	if len(op.GetInstance()) > metadata.NameBytesMax {
		return nil, refuse(metadata.KindTooLarge, "the instance's name is longer than %d bytes", metadata.NameBytesMax)
	}
	if err := s.checkEnrolled(op.GetNode()); err != nil {
		return nil, err
	}
	rows, err := s.sessions()
	if err != nil {
		return nil, err
	}
	earlier := slices.DeleteFunc(slices.Clone(rows), func(r *metapb.SessionRow) bool {
		return r.Node != op.GetNode() || r.Instance != op.GetInstance()
	})
	if len(rows)-len(earlier) >= sessionsMax {
		return nil, refuse(metadata.KindBusy, "%d sessions are open already", len(rows))
	}
	for _, r := range earlier {
		if err := s.endSession(r.Id); err != nil {
			return nil, err
		}
	}
	row := &metapb.SessionRow{Id: s.cluster.NextSession, Node: op.GetNode(), Instance: op.GetInstance(), Opened: s.now}
	s.cluster.NextSession++
	s.cluster.FleetVersion++
	return &metapb.Result{Id: row.Id}, putRow(s.kv, keySession(row.Id), row)
}

// closeSession ends a session and all its leases.
func (s *state) closeSession(op *metapb.CloseSession) (*metapb.Result, error) {
	alive, err := s.sessionExists(op.GetSession())
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, refuse(metadata.KindNotFound, "there is no session %d", op.GetSession())
	}
	return nil, s.endSession(op.GetSession())
}

// endSession ends a session that exists: its volumes are fenced and its kept
// results go. References it has staged are left to the reaper.
func (s *state) endSession(id uint64) error {
	leases, err := scanKeys(s.r, keyLeaseOf(id, 0), prefixEnd(key1(tableLeaseOf, id)), leasesOfSessionMax)
	if err != nil {
		return err
	}
	for _, key := range leases {
		vol, err := s.volume(keyID(key, 1))
		if err != nil {
			return err
		}
		if vol == nil || vol.Lessee != id { // Check reports it
			if err := deleteRow(s.kv, key); err != nil {
				return err
			}
			continue
		}
		if err := s.endLease(vol); err != nil {
			return err
		}
		if err := s.changeVolume(vol); err != nil {
			return err
		}
	}
	if err := s.dropResults(id); err != nil {
		return err
	}
	s.cluster.FleetVersion++
	return deleteRow(s.kv, keySession(id))
}

// dropResults forgets the results kept for a session.
func (s *state) dropResults(session uint64) error {
	delete(s.floors, session)
	keys, err := scanKeys(s.r, keyResult(session, 0), prefixEnd(key1(tableResult, session)), 2*resultsMax)
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

// sessions returns all sessions in order of id.
func (v view) sessions() ([]*metapb.SessionRow, error) {
	return allRows[metapb.SessionRow](v.r, tableSession)
}

func (v view) listSessions(*metapb.ListSessions) (*metapb.Answer, error) {
	rows, err := v.sessions()
	return &metapb.Answer{Sessions: rows}, err
}

// allRows returns every row of a small table in order of its key.
func allRows[T any, P message[T]](r Reader, table byte) ([]P, error) {
	var rows []P
	err := scanRows(r, []byte{table}, prefixEnd([]byte{table}), func(key, val []byte) (bool, error) {
		row, err := decodeRow[T, P](key, val)
		if err != nil {
			return false, err
		}
		rows = append(rows, row)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}
