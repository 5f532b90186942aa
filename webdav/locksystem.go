package webdav

import (
	"context"
	"strings"
	"sync"
	"time"

	dav "golang.org/x/net/webdav"

	"kendfs/metadata"
)

// LockSystem returns the drive's locks as the LockSystem of
// golang.org/x/net/webdav, with the rights of that user. Together with
// FileSystem it lets the stock Handler serve the drive; the served handler
// does without (WD-1).
//
// That interface knows no path when it refreshes or ends a lock, so this
// process has to have seen the lock, by Create or Confirm. And the stock
// handler takes a lock for the time of every change without tokens: depth 0,
// infinite, no owner. Such a one is checked against the drive's locks and
// never written, as the change itself is guarded anyway; a client's own LOCK
// of exactly that form protects nothing.
func (h *Handler) LockSystem(user string) dav.LockSystem {
	return &lockSystem{h: h, user: user, seen: &h.seen}
}

// lockSystemTimeout bounds each call, as the interface carries no context.
const lockSystemTimeout = 30 * time.Second

// passingPrefix marks tokens of locks that were only checked.
const passingPrefix = "urn:kendfs:passing:"

type lockSystem struct {
	h    *Handler
	user string
	seen *seenLocks
}

func callContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), lockSystemTimeout)
}

// Confirm checks conditions and that they open the locks on both names. The
// tokens are submitted with what FileSystem changes until release is called.
func (s *lockSystem) Confirm(_ time.Time, name0, name1 string, conds ...dav.Condition) (func(), error) {
	ctx, cancel := callContext()
	defer cancel()
	list := metadata.IfList{}
	var tokens []string
	for _, c := range conds {
		list.Conds = append(list.Conds, metadata.IfCond{Not: c.Not, Token: c.Token, ETag: c.ETag})
		if c.Token != "" {
			tokens = append(tokens, c.Token)
		}
	}
	first := true
	for _, name := range []string{name0, name1} {
		if name == "" {
			continue
		}
		tag, locks, err := s.look(ctx, name)
		if err != nil {
			return nil, err
		}
		if first && !listHolds(&list, tag, locks) {
			return nil, dav.ErrConfirmationFailed
		}
		first = false
		if len(locks) > 0 && !submitted(&metadata.Guard{Tokens: tokens}, locks) {
			return nil, dav.ErrConfirmationFailed
		}
		for i := range locks {
			s.seen.learn(&locks[i])
		}
	}
	s.seen.hold(s.user, tokens)
	return sync.OnceFunc(func() { s.seen.drop(s.user, tokens) }), nil
}

// look returns the ETag of what a name is of, and the locks that protect it.
func (s *lockSystem) look(ctx context.Context, name string) (tag string, locks []metadata.Lock, err error) {
	p, err := metadata.ParsePath(name)
	if err != nil {
		return "", nil, err
	}
	opt := metadata.LookupOptions{User: s.user, Locks: true}
	e, err := s.h.cfg.Tree.Lookup(ctx, p, opt)
	if err == nil {
		return e.ETag(), e.Locks, nil
	}
	if metadata.KindOf(err) == metadata.KindNotFound {
		dir, _ := p.Split()
		if e, err = s.h.cfg.Tree.Lookup(ctx, dir, opt); err == nil {
			return "", e.Locks, nil
		}
	}
	if k := metadata.KindOf(err); k == metadata.KindNotFound || k == metadata.KindNotDir {
		return "", nil, nil // nothing there can be locked; the change will say what is wrong
	}
	return "", nil, err
}

// Create takes a lock.
func (s *lockSystem) Create(_ time.Time, d dav.LockDetails) (string, error) {
	ctx, cancel := callContext()
	defer cancel()
	p, err := metadata.ParsePath(d.Root)
	if err != nil {
		return "", err
	}
	if d.Duration < 0 && d.ZeroDepth && d.OwnerXML == "" {
		_, locks, err := s.look(ctx, d.Root)
		if err == nil && len(locks) > 0 {
			err = dav.ErrLocked
		}
		return passingPrefix + newLockToken(), err
	}
	timeout := d.Duration
	if timeout < 0 || timeout > metadata.LockTimeoutMax {
		timeout = metadata.LockTimeoutMax
	}
	l, _, err := s.h.cfg.Locker.Lock(ctx, p, metadata.Guard{User: s.user}, metadata.Lock{
		Token: newLockToken(), Root: p, Owner: standalone(d.OwnerXML), User: s.user, Infinite: !d.ZeroDepth, Timeout: timeout,
	})
	if err != nil {
		return "", stockError(err)
	}
	s.seen.learn(&l)
	return l.Token, nil
}

// Refresh restarts a lock's time.
func (s *lockSystem) Refresh(_ time.Time, token string, d time.Duration) (dav.LockDetails, error) {
	ctx, cancel := callContext()
	defer cancel()
	p, ok := s.seen.root(token)
	if !ok {
		return dav.LockDetails{}, dav.ErrNoSuchLock
	}
	if d < 0 || d > metadata.LockTimeoutMax {
		d = metadata.LockTimeoutMax
	}
	l, err := s.h.cfg.Locker.Refresh(ctx, p, s.user, token, d)
	if err != nil {
		return dav.LockDetails{}, stockError(err)
	}
	return dav.LockDetails{
		Root: string(l.Root), Duration: l.Timeout, OwnerXML: l.Owner, ZeroDepth: !l.Infinite,
	}, nil
}

// Unlock ends a lock.
func (s *lockSystem) Unlock(_ time.Time, token string) error {
	if strings.HasPrefix(token, passingPrefix) {
		return nil
	}
	ctx, cancel := callContext()
	defer cancel()
	p, ok := s.seen.root(token)
	if !ok {
		return dav.ErrNoSuchLock
	}
	if err := s.h.cfg.Locker.Unlock(ctx, p, s.user, token); err != nil {
		return stockError(err)
	}
	s.seen.forget(token)
	return nil
}

// stockError translates to the errors that the stock handler compares with.
func stockError(err error) error {
	switch metadata.KindOf(err) {
	case metadata.KindLocked:
		return dav.ErrLocked
	case metadata.KindDenied:
		return dav.ErrForbidden
	case metadata.KindConflict, metadata.KindPrecondition, metadata.KindNotFound:
		return dav.ErrNoSuchLock
	}
	return err
}

// seenLocksMax bounds the locks whose place is remembered.
const seenLocksMax = 10_000

// seenLocks remembers where locks are, and which tokens running requests of the
// stock handler have confirmed. The zero value is ready.
type seenLocks struct {
	mu    sync.Mutex
	roots map[string]metadata.Path
	held  map[userToken]int // number of requests
}

type userToken struct{ user, token string }

func (s *seenLocks) learn(l *metadata.Lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roots == nil {
		s.roots = make(map[string]metadata.Path)
	}
	if _, ok := s.roots[l.Token]; !ok && len(s.roots) >= seenLocksMax {
		for token := range s.roots { // any one
			delete(s.roots, token)
			break
		}
	}
	s.roots[l.Token] = l.Root
}

func (s *seenLocks) root(token string) (metadata.Path, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.roots[token]
	return p, ok
}

func (s *seenLocks) forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.roots, token)
}

func (s *seenLocks) hold(user string, tokens []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = make(map[userToken]int)
	}
	for _, t := range tokens {
		s.held[userToken{user, t}]++
	}
}

func (s *seenLocks) drop(user string, tokens []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tokens {
		k := userToken{user, t}
		if s.held[k]--; s.held[k] <= 0 {
			delete(s.held, k)
		}
	}
}

// tokens returns those that running requests of the user have confirmed.
func (s *seenLocks) tokens(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tokens []string
	for k := range s.held {
		if k.user == user {
			tokens = append(tokens, k.token)
		}
	}
	return tokens
}
