package namespace

import (
	"bytes"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// checkLocks: every lock is on an entry of the tree at the path it says, all its
// rows agree, the counters are right, and no lock excludes another.
func (c *checker) checkLocks() error {
	var locks []*metapb.LockRow
	perUser := map[string]uint64{}
	err := c.each(tableLock, func(key, val []byte) error {
		l, err := decodeRow[metapb.LockRow](key, val)
		if err != nil {
			return err
		}
		locks = append(locks, l)
		perUser[l.User]++
		if !bytes.Equal(key, keyLock(l.Entry, l.Token)) {
			c.errorf("lock %s of entry %d is under the key %q", l.Token, l.Entry, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if uint64(len(locks)) != c.v.cluster.Locks {
		c.errorf("%d locks are counted, there are %d", c.v.cluster.Locks, len(locks))
	}
	if err := c.checkLockIndexes(locks); err != nil {
		return err
	}
	for _, l := range locks {
		c.checkLock(l)
	}
	return c.each(tableLockUser, func(key, val []byte) error {
		user := string(key[1:])
		if u64Of(val) != perUser[user] || perUser[user] == 0 {
			c.errorf("user %q is said to have %d locks, has %d", user, u64Of(val), perUser[user])
		}
		delete(perUser, user)
		return nil
	})
}

// checkLockIndexes compares the three ways to a lock with the locks.
func (c *checker) checkLockIndexes(locks []*metapb.LockRow) error {
	want := map[string]uint64{}
	for _, l := range locks {
		want[string(keyLockToken(l.Token))] = l.Entry
		want[string(keyLockPath(nfcPath(l.Root), l.Token))] = l.Entry
		want[string(keyLockExpiry(l.Expires, l.Token))] = l.Entry
	}
	see := func(key []byte, entry uint64) {
		if want[string(key)] != entry || entry == 0 {
			c.errorf("row %q is for no lock of entry %d", key, entry)
		}
		delete(want, string(key))
	}
	err := c.each(tableLockToken, func(key, val []byte) error {
		ref, err := decodeRow[metapb.LockRow](key, val)
		see(key, ref.GetEntry())
		return err
	})
	for _, table := range []byte{tableLockPath, tableLockExpiry} {
		if err == nil {
			err = c.each(table, func(key, val []byte) error {
				see(key, u64Of(val))
				return nil
			})
		}
	}
	if len(want) > 0 {
		c.errorf("%d rows that lead to locks are missing", len(want))
	}
	return err
}

// checkLock checks one lock against the tree and against the locks that cover it.
func (c *checker) checkLock(l *metapb.LockRow) {
	f := c.entries[l.Entry]
	if f == nil || !f.alive {
		c.errorf("lock %s is on entry %d, which is not in the tree", l.Token, l.Entry)
		return
	}
	if f.row.Id == rootID {
		f.path = "/"
	}
	if nfcPath(l.Root) != f.path {
		c.errorf("lock %s is on %s, which is at %s", l.Token, l.Root, f.path)
	}
	if len(l.Owner) > metadata.LockOwnerBytesMax || l.Timeout <= 0 || l.Timeout > int64(metadata.LockTimeoutMax) {
		c.errorf("lock %s: owner of %d bytes, timeout %d", l.Token, len(l.Owner), l.Timeout)
	}
	if l.Expires <= c.v.now {
		return
	}
	p, err := c.v.walk(l.Root)
	if err != nil {
		c.errorf("lock %s on %s: %v", l.Token, l.Root, err)
		return
	}
	others, err := c.v.covering(p)
	if err != nil {
		c.errs = append(c.errs, err)
		return
	}
	for _, other := range others {
		if other.Token != l.Token && (!other.Shared || !l.Shared) {
			c.errorf("locks %s and %s exclude each other", l.Token, other.Token)
		}
	}
}
