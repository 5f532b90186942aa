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
	lateEvery = time.Second // between two attempts
)

// late keeps the records of the audit that could not be written: what was done,
// or may have been, while no nameserver answered. They are written, in their
// order, as soon as one does. Of more than lateMax the oldest are lost, and
// with this process all that still wait; the log has them.
type late struct {
	mu      sync.Mutex
	waiting []lateRecord
	last    uint64 // number of the newest
	lost    int    // since the last one was written
}

type lateRecord struct {
	metadata.AuditRecord
	number uint64
	at     time.Time
}

// add keeps a record for later.
func (l *late) add(r metadata.AuditRecord, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.waiting = append(l.waiting, lateRecord{r, l.last, at})
	if over := len(l.waiting) - lateMax; over > 0 {
		l.waiting = append(l.waiting[:0:0], l.waiting[over:]...)
		l.lost += over
	}
}

// next returns the oldest one, as it is to be written.
func (l *late) next() (r lateRecord, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return r, false
	}
	r = l.waiting[0]
	r.Text = fmt.Sprintf("at %s: %s", r.at.UTC().Format(time.RFC3339), r.Text)
	if l.lost > 0 {
		r.Text = fmt.Sprintf("%d records before this one are lost; %s", l.lost, r.Text)
	}
	r.Text = auditText(r.Text)
	return r, true
}

// done forgets that one, unless it was dropped while it was being written.
func (l *late) done(r lateRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 && l.waiting[0].number == r.number {
		l.waiting, l.lost = l.waiting[1:], 0
	}
}

// keepRecords writes what waits until ctx ends. It is by itself, so that a
// nameserver which answers and takes nothing holds up no verdict.
func (s *Server) keepRecords(ctx context.Context) {
	tick := time.NewTicker(lateEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.writeLate(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// writeLate writes what waits, until one cannot be written either.
func (s *Server) writeLate(ctx context.Context) {
	for range lateMax {
		r, ok := s.late.next()
		if !ok {
			return
		}
		err := s.recordNow(ctx, r.AuditRecord)
		if err != nil && mayHaveBeen(err) {
			return
		}
		if err != nil { // it never will be
			s.log.Warn("not recorded in the audit", "action", r.Action, "user", r.Actor.User, "err", err)
		}
		s.late.done(r)
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
