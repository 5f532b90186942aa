package blockio

import (
	"context"
	"sync"
	"time"

	"kendfs/metadata"
)

// callTimeout bounds one call to the nameserver made in the background.
const callTimeout = 5 * time.Second

// session is one session with the nameserver, from its opening until it is over.
type session struct {
	id   metadata.SessionID
	once sync.Once
	lost chan struct{} // closed when it is over
}

func newSession(id metadata.SessionID) *session {
	return &session{id: id, lost: make(chan struct{})}
}

// end marks the session as over: everything uncommitted in it is lost.
func (s *session) end() { s.once.Do(func() { close(s.lost) }) }

func (s *session) over() bool {
	select {
	case <-s.lost:
		return true
	default:
		return false
	}
}

// keep renews the current session every SessionRenew until ctx is done. Only
// the nameserver decides that a session is over: while it cannot be asked the
// session goes on, because a new leader grants every session a full term.
func (l *leases) keep(ctx context.Context) {
	tick := time.NewTicker(metadata.SessionRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s := l.current()
		if s == nil {
			continue
		}
		if err := l.renew(ctx, s); err != nil {
			l.cfg.Logger.Warn("session not renewed", "session", uint64(s.id), "err", err)
		}
		l.wake()
	}
}

// renew asks the nameserver to keep s; KindStale ends it.
func (l *leases) renew(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := l.cfg.Leaser.RenewSession(ctx, s.id)
	if err != nil && metadata.KindOf(err) == metadata.KindStale {
		l.lose(s)
	}
	return err
}

// open returns the session, opening one when there is none. Only the granting
// goroutine calls it.
func (l *leases) open(ctx context.Context) (*session, error) {
	if s := l.current(); s != nil {
		return s, nil
	}
	id, err := l.cfg.Leaser.OpenSession(ctx, l.cfg.Node, l.cfg.Instance)
	if err != nil {
		return nil, err
	}
	s := newSession(id)
	l.mu.Lock()
	l.session = s
	l.mu.Unlock()
	return s, nil
}

// current returns the session that lasts, or nil.
func (l *leases) current() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// lose ends s and all its leases.
func (l *leases) lose(s *session) {
	s.end()
	l.mu.Lock()
	if l.session == s {
		l.session = nil
	}
	var gone []*lease
	for x := range l.all {
		if x.session == s {
			gone = append(gone, x)
		}
	}
	l.mu.Unlock()
	for _, x := range gone {
		x.retire(true)
	}
}

// confirm asks the nameserver whether the session lasts; if not, it is ended
// here too. An error means that it could not be found out.
func (l *leases) confirm(ctx context.Context) error {
	s := l.current()
	if s == nil {
		return nil
	}
	if err := l.renew(ctx, s); err != nil && metadata.KindOf(err) != metadata.KindStale {
		return err
	}
	return nil
}
