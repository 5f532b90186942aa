package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"kendfs/admin/session"
	"kendfs/metadata"
)

// Bounds of the cache of users.
const (
	userFresh   = 3 * time.Second // a disabled user is seen after at most so long
	userRetry   = 2 * time.Second // between two attempts to ask nameservers that are away
	usersCached = 1024
)

// userCache re-reads the users who are signed in every few seconds.
type userCache struct {
	dir metadata.Directory

	mu   sync.Mutex
	rows map[string]userRow
}

type userRow struct {
	user  metadata.User
	asked time.Time
	gone  bool
	known bool          // false: nobody has answered yet
	first chan struct{} // closed when the first question has been answered, or not; nil: nobody asks
}

func newUserCache(dir metadata.Directory) *userCache {
	return &userCache{dir: dir, rows: map[string]userRow{}}
}

// stampOf is what a session remembers of its user's password.
func stampOf(u *metadata.User) string {
	sum := sha256.Sum256([]byte(u.Hash))
	return hex.EncodeToString(sum[:16])
}

// check returns the session's user as of a few seconds ago. KindNoAuth: the
// user is gone or disabled or has a new password. When nobody can be asked,
// what was known last counts; at worst, what the session began with.
func (c *userCache) check(ctx context.Context, d *session.Data) (metadata.User, error) {
	row := c.row(ctx, d.User)
	switch {
	case !row.known:
		role, err := metadata.ParseRole(d.Role)
		return metadata.User{Name: d.User, Role: role}, err
	case row.gone || row.user.Disabled || stampOf(&row.user) != d.Stamp:
		return metadata.User{}, metadata.Errorf(metadata.KindNoAuth, "the session is over")
	}
	return row.user, nil
}

func (c *userCache) row(ctx context.Context, name string) userRow {
	now := time.Now()
	c.mu.Lock()
	row, ok := c.rows[name]
	if ok && now.Sub(row.asked) < userFresh {
		c.mu.Unlock()
		if row.known || row.first == nil {
			return row
		}
		return c.wait(ctx, name, row)
	}
	// Others go on with the old row while this request asks, or wait for it when
	// there is none.
	row.asked, row.first = now, make(chan struct{})
	c.put(name, row)
	c.mu.Unlock()
	// Not with the request's end: who breaks off every request must not keep
	// what is known of him from getting newer.
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), userRetry)
	defer cancel()
	u, err := c.dir.User(ask, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(row.first)
	latest, kept := c.rows[name]
	if kept && latest.first != row.first {
		return latest // set meanwhile, by who knows better
	}
	row.first = nil
	switch {
	case err == nil:
		row = userRow{user: u, asked: now, known: true}
	case metadata.KindOf(err) == metadata.KindNotFound:
		row = userRow{asked: now, gone: true, known: true}
	}
	if kept { // forgotten meanwhile: the answer may be older than the reason for that
		c.put(name, row)
	}
	return row
}

// wait returns the row when the first question about the user is answered.
func (c *userCache) wait(ctx context.Context, name string, row userRow) userRow {
	select {
	case <-row.first:
	case <-ctx.Done():
		return userRow{gone: true, known: true} // the request is over
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, ok := c.rows[name]; ok {
		return now
	}
	return row
}

// put keeps a row. Map order is random: any other one makes room.
func (c *userCache) put(name string, row userRow) {
	if _, ok := c.rows[name]; !ok && len(c.rows) >= usersCached {
		for other := range c.rows {
			delete(c.rows, other)
			break
		}
	}
	c.rows[name] = row
}

// set keeps what is known better now.
func (c *userCache) set(u metadata.User) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(u.Name, userRow{user: u, asked: time.Now(), known: true})
}

// forget has a user asked for again.
func (c *userCache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rows, name)
}
