package webdav

import (
	"context"
	"math/rand/v2"
	"time"

	"kendfs/metadata"
)

// A client maps "503" to whatever it likes: Finder to "the file vanished",
// rclone to deleting its target. So the gateway waits out an election or a
// restart of the nameserver itself, for less time than clients wait for an
// answer (30 s and more), before it gives up.
const (
	retryFor      = 20 * time.Second
	retryFirst    = 50 * time.Millisecond
	retryPauseMax = 2 * time.Second
)

// again calls f until it succeeds, fails in a way that time does not mend, or
// retryFor is over. Only errors that say that nothing was done are tried
// again: after KindTimeout the outcome is unknown, and a second MOVE or PUT
// may meet the success of the first.
func again[T any](ctx context.Context, f func() (T, error)) (T, error) {
	v, err := f()
	if err == nil || !undone(err) {
		return v, err
	}
	end := time.Now().Add(retryFor)
	for pause := retryFirst; ; pause = min(2*pause, retryPauseMax) {
		// Half of the pause is random, so that many requests do not come back
		// together.
		wait := pause/2 + rand.N(pause/2)
		if time.Now().Add(wait).After(end) {
			return v, err
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return v, err
		case <-t.C:
		}
		if v, err = f(); err == nil || !undone(err) {
			return v, err
		}
	}
}

// undone reports that an operation was not done and may be tried again.
func undone(err error) bool {
	k := metadata.KindOf(err)
	return k == metadata.KindUnavailable || k == metadata.KindBusy
}

// againErr is again for functions without a result.
func againErr(ctx context.Context, f func() error) error {
	_, err := again(ctx, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// retryTree, retryChanger, retryLocker and retryDirectory try again what they
// hand on.
type retryTree struct{ metadata.Tree }

func (t retryTree) Lookup(ctx context.Context, p metadata.Path, o metadata.LookupOptions) (metadata.Entry, error) {
	return again(ctx, func() (metadata.Entry, error) { return t.Tree.Lookup(ctx, p, o) })
}

func (t retryTree) List(ctx context.Context, p metadata.Path, o metadata.ListOptions) (metadata.Page, error) {
	return again(ctx, func() (metadata.Page, error) { return t.Tree.List(ctx, p, o) })
}

func (t retryTree) Quota(ctx context.Context, p metadata.Path) (metadata.Quota, error) {
	return again(ctx, func() (metadata.Quota, error) { return t.Tree.Quota(ctx, p) })
}

type retryChanger struct{ metadata.Changer }

func (c retryChanger) Commit(ctx context.Context, p metadata.Path, g metadata.Guard, m metadata.Commit) (
	metadata.Committed, error) {
	return again(ctx, func() (metadata.Committed, error) { return c.Changer.Commit(ctx, p, g, m) })
}

func (c retryChanger) Mkdir(ctx context.Context, p metadata.Path, g metadata.Guard) (metadata.Entry, error) {
	return again(ctx, func() (metadata.Entry, error) { return c.Changer.Mkdir(ctx, p, g) })
}

func (c retryChanger) Rename(ctx context.Context, src, dst metadata.Path, g metadata.Guard, overwrite bool) (
	bool, error) {
	return again(ctx, func() (bool, error) { return c.Changer.Rename(ctx, src, dst, g, overwrite) })
}

func (c retryChanger) Copy(ctx context.Context, src, dst metadata.Path, g metadata.Guard,
	o metadata.CopyOptions) (bool, error) {
	return again(ctx, func() (bool, error) { return c.Changer.Copy(ctx, src, dst, g, o) })
}

func (c retryChanger) Remove(ctx context.Context, p metadata.Path, g metadata.Guard) error {
	return againErr(ctx, func() error { return c.Changer.Remove(ctx, p, g) })
}

func (c retryChanger) SetAttr(ctx context.Context, p metadata.Path, g metadata.Guard, s metadata.AttrChange) (
	metadata.Entry, error) {
	return again(ctx, func() (metadata.Entry, error) { return c.Changer.SetAttr(ctx, p, g, s) })
}

type retryLocker struct{ metadata.Locker }

func (l retryLocker) Lock(ctx context.Context, p metadata.Path, g metadata.Guard, want metadata.Lock) (
	lock metadata.Lock, created bool, err error) {
	err = againErr(ctx, func() error {
		lock, created, err = l.Locker.Lock(ctx, p, g, want)
		return err
	})
	return lock, created, err
}

func (l retryLocker) Refresh(ctx context.Context, p metadata.Path, user, token string, timeout time.Duration) (
	metadata.Lock, error) {
	return again(ctx, func() (metadata.Lock, error) { return l.Locker.Refresh(ctx, p, user, token, timeout) })
}

func (l retryLocker) Unlock(ctx context.Context, p metadata.Path, user, token string) error {
	return againErr(ctx, func() error { return l.Locker.Unlock(ctx, p, user, token) })
}

type retryDirectory struct{ metadata.Directory }

func (d retryDirectory) User(ctx context.Context, name string) (metadata.User, error) {
	return again(ctx, func() (metadata.User, error) { return d.Directory.User(ctx, name) })
}
