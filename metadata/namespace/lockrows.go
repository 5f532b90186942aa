package namespace

import (
	"bytes"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// A lock is five rows: the lock itself by entry, and four ways to find it: by
// token, by path (for the locks below a directory), by the time it expires, and
// a counter for each user. Because a rename drops the locks of what it moves,
// LockRow.root is always the path at which the entry is now (NS-5).

// locksOf returns the locks on an entry itself, in order of token; expired ones
// are left out.
func (v view) locksOf(entry uint64) ([]*metapb.LockRow, error) {
	if v.cluster.Locks == 0 || entry == 0 {
		return nil, nil
	}
	var locks []*metapb.LockRow
	prefix := key1(tableLock, entry)
	err := scanRows(v.r, prefix, prefixEnd(prefix), func(key, val []byte) (bool, error) {
		l, err := decodeRow[metapb.LockRow](key, val)
		if err == nil && l.Expires > v.now {
			locks = append(locks, l)
		}
		return true, err
	})
	return locks, err
}

// inherited returns the infinite locks on the directories above p and, with
// member, all locks on its own directory.
func (v view) inherited(p *place, member bool) ([]*metapb.LockRow, error) {
	if v.cluster.Locks == 0 {
		return nil, nil
	}
	var locks []*metapb.LockRow
	for i, dir := range p.chain {
		own, err := v.locksOf(dir)
		if err != nil {
			return nil, err
		}
		// An unresolved path ends its chain early: its last directory is then
		// not the entry's own.
		last := member && i == len(p.chain)-1 && p.problem == nil
		for _, l := range own {
			if l.Infinite || last {
				locks = append(locks, l)
			}
		}
	}
	return locks, nil
}

// covering returns the locks in whose scope p is, whether or not an entry is
// there: its own and the infinite ones from above.
func (v view) covering(p *place) ([]*metapb.LockRow, error) {
	locks, err := v.inherited(p, false)
	if err != nil {
		return nil, err
	}
	own, err := v.locksOf(p.row.GetId())
	return append(locks, own...), err
}

// locksBelow returns the locks on everything below p, in order of path.
func (v view) locksBelow(p *place) ([]*metapb.LockRow, error) {
	if v.cluster.Locks == 0 || !p.row.GetDir() {
		return nil, nil
	}
	type ref struct {
		entry uint64
		token string
	}
	var refs []ref
	prefix := p.key + "/"
	if p.isRoot() {
		prefix = "/"
	}
	lower := keyString(tableLockPath, prefix)
	err := scanRows(v.r, lower, prefixEnd(lower), func(key, val []byte) (bool, error) {
		if entry := u64Of(val); entry != p.row.Id {
			refs = append(refs, ref{entry, string(key[bytes.IndexByte(key, 0)+1:])})
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	var locks []*metapb.LockRow
	for _, r := range refs {
		l, err := getRow[metapb.LockRow](v.r, keyLock(r.entry, r.token))
		if err != nil {
			return nil, err
		}
		if l != nil && l.Expires > v.now {
			locks = append(locks, l)
		}
	}
	return locks, nil
}

// putLock writes all rows of a new lock whose root has the NFC path.
func (s *state) putLock(path string, l *metapb.LockRow) error {
	if err := s.putLockRow(l); err != nil {
		return err
	}
	byToken := &metapb.LockRow{Entry: l.Entry}
	if err := putRow(s.kv, keyLockToken(l.Token), byToken); err != nil {
		return err
	}
	if err := setRow(s.kv, keyLockPath(path, l.Token), u64Row(l.Entry)); err != nil {
		return err
	}
	s.cluster.Locks++
	return s.countLock(l.User, +1)
}

// putLockRow writes the lock and its place in the order of expiry.
func (s *state) putLockRow(l *metapb.LockRow) error {
	if err := putRow(s.kv, keyLock(l.Entry, l.Token), l); err != nil {
		return err
	}
	return setRow(s.kv, keyLockExpiry(l.Expires, l.Token), u64Row(l.Entry))
}

// dropLock deletes all rows of a lock.
func (s *state) dropLock(l *metapb.LockRow) error {
	path := nfcPath(l.Root)
	for _, key := range [][]byte{
		keyLock(l.Entry, l.Token), keyLockToken(l.Token),
		keyLockPath(path, l.Token), keyLockExpiry(l.Expires, l.Token),
	} {
		if err := deleteRow(s.kv, key); err != nil {
			return err
		}
	}
	if s.cluster.Locks > 0 {
		s.cluster.Locks--
	}
	return s.countLock(l.User, -1)
}

// dropLocks deletes the locks, expired ones too, on the tree at p.
func (s *state) dropLocks(p *place) error {
	if s.cluster.Locks == 0 || p.row == nil {
		return nil
	}
	all := s.view
	all.now = -1 // nothing has expired
	locks, err := all.locksOf(p.row.Id)
	if err != nil {
		return err
	}
	below, err := all.locksBelow(p)
	if err != nil {
		return err
	}
	for _, l := range append(locks, below...) {
		if err := s.dropLock(l); err != nil {
			return err
		}
	}
	return nil
}

// userLocks returns how many locks a user has.
func (v view) userLocks(user string) (uint64, error) {
	val, err := v.r.Get(keyLockUser(user))
	if err != nil {
		return 0, fault{err}
	}
	return u64Of(val), nil
}

// countLock changes the number of a user's locks.
func (s *state) countLock(user string, by int) error {
	n, err := s.userLocks(user)
	if err != nil {
		return err
	}
	n += uint64(by) // wraps for -1 as it should; Check compares with the rows
	if n == 0 {
		return deleteRow(s.kv, keyLockUser(user))
	}
	return setRow(s.kv, keyLockUser(user), u64Row(n))
}

// lockByToken returns a lock that has not expired, nil when there is none.
func (v view) lockByToken(token string) (*metapb.LockRow, error) {
	ref, err := getRow[metapb.LockRow](v.r, keyLockToken(token))
	if ref == nil || err != nil {
		return nil, err
	}
	l, err := getRow[metapb.LockRow](v.r, keyLock(ref.Entry, token))
	if l == nil || err != nil || l.Expires <= v.now {
		return nil, err
	}
	return l, nil
}

// nfcPath is the path of a lock's root as keys have it.
func nfcPath(root string) string { return metadata.NameKey(root) }

// reapLocks deletes up to limit locks whose time is over and returns how many.
func (s *state) reapLocks(limit int) (int, error) {
	if s.cluster.Locks == 0 {
		return 0, nil
	}
	upper := key1(tableLockExpiry, timeKey(addTime(s.now, 1)))
	keys, err := scanKeys(s.r, key1(tableLockExpiry), upper, limit)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		val, err := s.r.Get(key)
		if err != nil {
			return 0, fault{err}
		}
		l, err := getRow[metapb.LockRow](s.r, keyLock(u64Of(val), string(key[9:])))
		switch {
		case err != nil:
		case l == nil: // cannot be; Check would have said so
			err = deleteRow(s.kv, key)
		default:
			err = s.dropLock(l)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
