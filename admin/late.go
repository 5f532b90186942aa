package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of records that wait for a nameserver.
const (
	lateMax   = 1024
	lateBatch = 50 // written after one reading of the cluster
)

// late keeps the records of the audit that could not be written: what was done,
// or may have been, while no nameserver answered. They are written, in their
// order, as soon as one does. Of more than lateMax the oldest are lost, and
// with this process all that still wait; the log has them.
type late struct {
	mu      sync.Mutex
	waiting []lateRecord
	lost    int // since the last one was written
}

type lateRecord struct {
	metadata.AuditRecord
	at time.Time
}

// add keeps a record for later.
func (l *late) add(r metadata.AuditRecord, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, lateRecord{r, at})
	if over := len(l.waiting) - lateMax; over > 0 {
		l.waiting = append(l.waiting[:0:0], l.waiting[over:]...)
		l.lost += over
	}
}

// next returns the oldest one.
func (l *late) next() (r metadata.AuditRecord, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return r, false
	}
	w := l.waiting[0]
	w.Text = fmt.Sprintf("at %s: %s", w.at.UTC().Format(time.RFC3339), w.Text)
	if l.lost > 0 {
		w.Text = fmt.Sprintf("%d records before this one are lost; %s", l.lost, w.Text)
	}
	w.Text = auditText(w.Text)
	return w.AuditRecord, true
}

// done forgets the oldest one.
func (l *late) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting, l.lost = l.waiting[1:], 0
}

// writeLate writes what waits, until one cannot be written either. Only the
// feed calls it.
func (s *Server) writeLate(ctx context.Context) {
	for range lateBatch {
		r, ok := s.late.next()
		if !ok {
			return
		}
		err := s.recordNow(ctx, r)
		if err != nil && mayHaveBeen(err) {
			return
		}
		if err != nil { // it never will be
			s.log.Warn("not recorded in the audit", "action", r.Action, "user", r.Actor.User, "err", err)
		}
		s.late.done()
	}
}

// recordNow writes a record within its own time.
func (s *Server) recordNow(ctx context.Context, r metadata.AuditRecord) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return s.cfg.Cluster.RecordAudit(s.cfg.Cluster.WithActor(ctx, r.Actor), r)
}

// mayHaveBeen reports whether what failed so may have been done all the same:
// the answer is missing, not the act.
func mayHaveBeen(err error) bool {
	switch metadata.KindOf(err) {
	case metadata.KindUnavailable, metadata.KindTimeout, metadata.KindCanceled:
		return true
	}
	return false
}
