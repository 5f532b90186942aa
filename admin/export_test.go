package admin

import (
	"time"

	"kendfs/admin/session"
)

// Sessions is for tests that look behind the desktop.
func (s *Server) Sessions() *session.Manager { return s.sessions }

// StaleAfter is when a snapshot is called stale.
const StaleAfter = staleAfter

// Quantile, NaturalOrder and RateOf are pure.
var (
	Quantile     = quantile
	NaturalOrder = naturalOrder
)

// SnapshotAge is how old the snapshot is.
func (s *Server) SnapshotAge() (time.Duration, bool) { return s.snap.age() }
