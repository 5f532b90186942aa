package namespace

import (
	"strings"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// lockTokenBytesMax bounds a lock token.
const lockTokenBytesMax = 256

// lock takes a lock (RFC 4918 §9.10). On a path where nothing is it makes an
// empty file first, if the command says so.
func (s *state) lock(op *metapb.Lock) (*metapb.Result, error) {
	g, err := s.begin(op.GetGuard(), metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	l, err := s.newLock(g, op.GetLock())
	if err != nil {
		return nil, err
	}
	p, err := s.walk(op.GetPath())
	switch {
	case err != nil:
		return nil, err
	case p.row == nil && !op.GetCreate():
		return nil, p.missing()
	case p.problem != nil:
		return nil, p.problem
	}
	if err := s.conditions(g, p); err != nil {
		return nil, err
	}
	if p.row == nil {
		if err := s.mayChangeMember(g, p); err != nil {
			return nil, err
		}
	}
	if err := s.conflicts(p, l); err != nil {
		return nil, err
	}
	// From here on only faults stop the command.
	res := &metapb.Result{}
	if p.row == nil {
		row := s.newFile(p, g.GetUser())
		row.Content = s.cluster.NextContent
		s.cluster.NextContent++
		if res, err = s.putFile(p, row, move{to: p.chain, come: usage{files: 1}}, true); err != nil {
			return nil, err
		}
		p.row = row
	}
	l.Entry, l.Root = p.row.Id, string(p.path)
	if res.Entry == nil {
		if res.Entry, err = s.entry(p.row, p.base); err != nil {
			return nil, err
		}
	}
	res.Lock = l
	return res, s.putLock(p.key, l)
}

// newLock checks a wanted lock and the bounds, and makes its row.
func (s *state) newLock(g *guard, want *metapb.LockRow) (*metapb.LockRow, error) {
	if err := checkToken(want.GetToken()); err != nil {
		return nil, err
	}
	if len(want.GetOwner()) > metadata.LockOwnerBytesMax {
		return nil, refuse(metadata.KindTooLarge, "a lock's owner is longer than %d bytes", metadata.LockOwnerBytesMax)
	}
	if !utf8.ValidString(want.GetOwner()) {
		return nil, refuse(metadata.KindInvalid, "a lock's owner is not valid UTF-8")
	}
	used, err := hasRow(s.r, keyLockToken(want.GetToken()))
	if err != nil {
		return nil, err
	}
	if used {
		return nil, refuse(metadata.KindExists, "lock token %s is in use", want.GetToken())
	}
	own, err := s.userLocks(g.GetUser())
	if err != nil {
		return nil, err
	}
	if s.cluster.Locks >= metadata.LocksMax || g.GetUser() != "" && own >= metadata.LocksPerUserMax {
		return nil, refuse(metadata.KindBusy, "too many locks: at most %d for a user, %d in all",
			metadata.LocksPerUserMax, metadata.LocksMax)
	}
	timeout := lockTimeout(want.GetTimeout())
	return &metapb.LockRow{
		Token: want.GetToken(), Owner: want.GetOwner(), User: g.GetUser(),
		Shared: want.GetShared(), Infinite: want.GetInfinite(),
		Timeout: timeout, Expires: addTime(s.now, timeout),
	}, nil
}

// checkToken refuses what cannot be a lock token: an absolute URI, roughly.
func checkToken(token string) error {
	bad := strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
	if token == "" || len(token) > lockTokenBytesMax || bad || !strings.Contains(token, ":") {
		return refuse(metadata.KindInvalid, "%.80q cannot be a lock token", token)
	}
	return nil
}

// lockTimeout is the timeout that is granted for a wanted one; nanoseconds.
func lockTimeout(want int64) int64 {
	if want <= 0 {
		want = int64(metadata.LockTimeoutDefault)
	}
	return min(max(want, int64(time.Second)), int64(metadata.LockTimeoutMax))
}

// conflicts refuses a lock that another one excludes: on the entry, from above,
// or for an infinite one below (RFC 4918 §6.1, §7.4).
func (s *state) conflicts(p *place, l *metapb.LockRow) error {
	others, err := s.covering(p)
	if err != nil {
		return err
	}
	if l.Infinite {
		below, err := s.locksBelow(p)
		if err != nil {
			return err
		}
		others = append(others, below...)
	}
	for _, other := range others {
		if !l.Shared || !other.Shared {
			return refuse(metadata.KindLocked, "%s is locked", other.Root)
		}
	}
	return nil
}

// ownLock returns the lock with token that covers path, for its user or an
// administrator. KindDenied: it is somebody else's. None is the kind.
func (s *state) ownLock(path, user, token string, none metadata.Kind) (*metapb.LockRow, error) {
	has, err := s.authorize(user, metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	clean, err := metadata.ParsePath(path)
	if err != nil {
		return nil, err
	}
	l, err := s.lockByToken(token)
	if err != nil {
		return nil, err
	}
	root := metadata.Path(l.GetRoot())
	if l == nil || nfcPath(l.Root) != nfcPath(string(clean)) && !(l.Infinite && root.Contains(clean)) {
		return nil, refuse(none, "no lock with that token covers %s", clean)
	}
	if l.User != user && has != metadata.RoleAdmin {
		return nil, refuse(metadata.KindDenied, "the lock belongs to another user")
	}
	return l, nil
}

// refresh restarts the timeout of a lock.
func (s *state) refresh(op *metapb.Refresh) (*metapb.Result, error) {
	l, err := s.ownLock(op.GetPath(), op.GetUser(), op.GetToken(), metadata.KindPrecondition)
	if err != nil {
		return nil, err
	}
	if err := deleteRow(s.kv, keyLockExpiry(l.Expires, l.Token)); err != nil {
		return nil, err
	}
	if op.GetTimeout() > 0 {
		l.Timeout = lockTimeout(op.GetTimeout())
	}
	l.Expires = addTime(s.now, l.Timeout)
	return &metapb.Result{Lock: l}, s.putLockRow(l)
}

// unlock ends a lock.
func (s *state) unlock(op *metapb.Unlock) (*metapb.Result, error) {
	l, err := s.ownLock(op.GetPath(), op.GetUser(), op.GetToken(), metadata.KindConflict)
	if err != nil {
		return nil, err
	}
	return nil, s.dropLock(l)
}

// lockList answers all locks in order of token.
func (v view) lockList(q *metapb.LockList) (*metapb.Answer, error) {
	limit := limitOf(q.GetLimit(), metadata.ListLimitMax)
	lower := append(keyLockToken(q.GetAfter()), 0)
	if q.GetAfter() == "" {
		lower = key1(tableLockToken)
	}
	keys, err := scanKeys(v.r, lower, []byte{tableLockToken + 1}, limit+1)
	if err != nil {
		return nil, err
	}
	a := &metapb.Answer{More: len(keys) > limit}
	for _, key := range keys[:min(limit, len(keys))] {
		l, err := v.lockByToken(string(key[1:]))
		if err != nil {
			return nil, err
		}
		if l != nil {
			a.Locks = append(a.Locks, l)
		}
	}
	return a, nil
}
