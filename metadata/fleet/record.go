package fleet

import (
	"context"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// recall reads what earlier leaders have told.
func (f *Fleet) recall(ctx context.Context, t *term) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	events, _, err := f.cfg.Store.Events(ctx, metadata.EventQuery{Limit: chaptersOld})
	if err != nil {
		return err
	}
	slices.Reverse(events) // they come newest first
	t.chronicle.takeOver(events, time.Now())
	return nil
}

// record has the events that are told proposed. What fails is tried again with
// the next tick, unless it is refused for what it is.
func (f *Fleet) record(ctx context.Context, t *term) {
	f.mu.Lock()
	c := t.chronicle
	n := min(len(c.pending), eventsOfCall)
	batch := slices.Clone(c.pending[:n])
	c.pending = slices.Delete(c.pending, 0, n)
	f.mu.Unlock()
	if n == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, storeTimeout)
	err := f.cfg.Store.RecordEvents(call, batch)
	cancel()
	if err == nil {
		return
	}
	f.warn(ctx, "recording events", err)
	if !metadata.KindOf(err).Retryable() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.pending = append(batch, c.pending...)
	c.pending = c.pending[max(0, len(c.pending)-pendingMax):]
}

// sampled are what is looked at from time to time for the sake of the judgement.
type sampled struct {
	used   []usedAt // bounded by usedMax
	logins []time.Time
	audit  uint64 // last record that was looked at
	asked  bool   // audit is set

	quotas  []metadata.QuotaUse // found by the last round
	round   []metadata.QuotaUse // found by this round so far
	cursor  metadata.EntryID    // where this round is; 0: none is under way
	rounded time.Time           // when the last round began
}

type usedAt struct {
	at   time.Time
	used int64
}

// Times and bounds of samples.
const (
	usedEvery     = 10 * time.Minute
	usedMax       = 145       // a day
	usedLeast     = time.Hour // before it nothing is foretold
	quotaInterval = time.Minute
	quotasMax     = 200
	loginsKept    = 1000
)

// fill remembers how many bytes the copies of all data should take, and foretells
// when no room is left. What disks report is not asked: of that a new leader knows
// nothing at first, and a server that joins or comes back would count as growth.
func (s *sampled) fill(now time.Time, used, free int64) (days *float64) {
	if n := len(s.used); n == 0 || now.Sub(s.used[n-1].at) >= usedEvery {
		s.used = append(s.used[max(0, n+1-usedMax):], usedAt{now, used})
	}
	first := s.used[0]
	span := now.Sub(first.at)
	if span < usedLeast || used <= first.used {
		return nil
	}
	d := float64(free) / (float64(used-first.used) / (span.Hours() / 24))
	return &d
}

// failures counts the failed logins in the window.
func (s *sampled) failures(now time.Time) int {
	s.logins = slices.DeleteFunc(s.logins, func(t time.Time) bool { return now.Sub(t) > health.LoginWindow })
	return len(s.logins)
}

// sample looks at the audit and at quotas, a little at a time.
func (f *Fleet) sample(ctx context.Context, t *term) {
	f.sampleLogins(ctx, t)
	f.sampleQuotas(ctx, t)
}

func (f *Fleet) sampleLogins(ctx context.Context, t *term) {
	f.mu.Lock()
	s, last, now := &t.sampled, t.info.LastAudit, t.info.Now
	q := metadata.EventQuery{After: s.audit, Text: "login.failed", Limit: metadata.EventPageMax}
	if !s.asked {
		q.Since = now.Add(-health.LoginWindow)
	}
	due := !s.asked || last > s.audit
	f.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	found, _, err := f.cfg.Store.Audit(ctx, q)
	if err != nil {
		f.warn(ctx, "reading the audit", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.asked, s.audit = true, max(s.audit, last)
	for _, r := range slices.Backward(found) {
		s.audit = max(s.audit, r.ID)
		if r.Action == "login.failed" {
			s.logins = append(s.logins[max(0, len(s.logins)+1-loginsKept):], r.Time)
		}
	}
}

func (f *Fleet) sampleQuotas(ctx context.Context, t *term) {
	f.mu.Lock()
	s := &t.sampled
	due := s.cursor != 0 || time.Since(s.rounded) >= quotaInterval
	if s.cursor == 0 && due {
		s.rounded, s.round = time.Now(), nil
	}
	after := s.cursor
	f.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	page, next, err := f.cfg.Store.Quotas(ctx, after, health.QuotaPercent)
	if err != nil {
		f.warn(ctx, "looking at quotas", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.round = append(s.round, page[:min(len(page), quotasMax-len(s.round))]...)
	s.cursor = next
	if next == 0 {
		s.quotas, s.round = s.round, nil
	}
}
