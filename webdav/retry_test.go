package webdav

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

func TestAgain(t *testing.T) {
	unavailable := metadata.Errorf(metadata.KindUnavailable, "no leader")
	for _, tt := range []struct {
		name    string
		fails   int // attempts that fail
		err     error
		cancel  time.Duration // 0: never
		calls   int           // 0: any
		took    time.Duration // at most
		atLeast time.Duration
		ok      bool
	}{
		{"at once", 0, nil, 0, 1, 0, 0, true},
		{"third time", 2, unavailable, 0, 3, time.Second, time.Millisecond, true},
		{"busy", 1, metadata.Errorf(metadata.KindBusy, "load"), 0, 2, time.Second, time.Millisecond, true},
		{"never", 1 << 30, unavailable, 0, 0, retryFor, retryFor - retryPauseMax, false},
		{"not retryable", 1 << 30, metadata.Errorf(metadata.KindLocked, "no"), 0, 1, 0, 0, false},
		{"outcome unknown", 1 << 30, metadata.Errorf(metadata.KindTimeout, "?"), 0, 1, 0, 0, false},
		{"stale", 1 << 30, metadata.Errorf(metadata.KindStale, "?"), 0, 1, 0, 0, false},
		{"client gone", 1 << 30, unavailable, 3 * time.Second, 0, 3 * time.Second, 3 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					defer time.AfterFunc(tt.cancel, cancel).Stop()
				}
				start, calls := time.Now(), 0
				got, err := again(ctx, func() (int, error) {
					if calls++; calls <= tt.fails {
						return 0, tt.err
					}
					return 7, nil
				})
				took := time.Since(start)
				if (err == nil) != tt.ok || tt.ok && got != 7 || !tt.ok && err != tt.err {
					t.Errorf("got %d, %v", got, err)
				}
				if tt.calls != 0 && calls != tt.calls || took > tt.took || took < tt.atLeast {
					t.Errorf("got %d calls in %v, want %d in %v to %v", calls, took, tt.calls, tt.atLeast, tt.took)
				}
			})
		})
	}
}

// Every method of the wrapped services is tried again.
func TestRetryServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{}
		c := Config{Tree: f, Changer: f, Locker: f, Directory: f}.withDefaults()
		ctx := t.Context()
		for name, call := range map[string]func() error{
			"Lookup": func() error { _, err := c.Tree.Lookup(ctx, "/", lookPlain()); return err },
			"List":   func() error { _, err := c.Tree.List(ctx, "/", listAll()); return err },
			"Quota":  func() error { _, err := c.Tree.Quota(ctx, "/"); return err },
			"Commit": func() error {
				_, err := c.Changer.Commit(ctx, "/", metadata.Guard{}, metadata.Commit{})
				return err
			},
			"Mkdir":  func() error { _, err := c.Changer.Mkdir(ctx, "/", metadata.Guard{}); return err },
			"Rename": func() error { _, err := c.Changer.Rename(ctx, "/", "/", metadata.Guard{}, true); return err },
			"Copy": func() error {
				_, err := c.Changer.Copy(ctx, "/", "/", metadata.Guard{}, metadata.CopyOptions{})
				return err
			},
			"Remove": func() error { return c.Changer.Remove(ctx, "/", metadata.Guard{}) },
			"SetAttr": func() error {
				_, err := c.Changer.SetAttr(ctx, "/", metadata.Guard{}, metadata.AttrChange{})
				return err
			},
			"Lock": func() error {
				l, created, err := c.Locker.Lock(ctx, "/", metadata.Guard{}, metadata.Lock{})
				if err == nil && (l.Token != "t" || !created) {
					t.Errorf("Lock: got %v, %v", l, created)
				}
				return err
			},
			"Refresh": func() error { _, err := c.Locker.Refresh(ctx, "/", "", "", 0); return err },
			"Unlock":  func() error { return c.Locker.Unlock(ctx, "/", "", "") },
			"User":    func() error { _, err := c.Directory.User(ctx, ""); return err },
		} {
			f.calls = 0
			if err := call(); err != nil || f.calls != 2 {
				t.Errorf("%s: got %v after %d calls, want success after 2", name, err, f.calls)
			}
		}
	})
}

// flaky fails every first call. Methods that are not overridden panic.
type flaky struct {
	metadata.Tree
	calls int
}

func (f *flaky) try() error {
	if f.calls++; f.calls == 1 {
		return metadata.Errorf(metadata.KindUnavailable, "no leader")
	}
	return nil
}

func (f *flaky) Lookup(context.Context, metadata.Path, metadata.LookupOptions) (metadata.Entry, error) {
	return metadata.Entry{}, f.try()
}

func (f *flaky) List(context.Context, metadata.Path, metadata.ListOptions) (metadata.Page, error) {
	return metadata.Page{}, f.try()
}

func (f *flaky) Quota(context.Context, metadata.Path) (metadata.Quota, error) {
	return metadata.Quota{}, f.try()
}

func (f *flaky) Commit(context.Context, metadata.Path, metadata.Guard, metadata.Commit) (metadata.Committed, error) {
	return metadata.Committed{}, f.try()
}

func (f *flaky) Stage(context.Context, metadata.Stage) (metadata.ContentID, error) { return 0, f.try() }

func (f *flaky) Mkdir(context.Context, metadata.Path, metadata.Guard) (metadata.Entry, error) {
	return metadata.Entry{}, f.try()
}

func (f *flaky) Rename(context.Context, metadata.Path, metadata.Path, metadata.Guard, bool) (bool, error) {
	return false, f.try()
}

func (f *flaky) Copy(context.Context, metadata.Path, metadata.Path, metadata.Guard, metadata.CopyOptions) (bool, error) {
	return false, f.try()
}

func (f *flaky) Remove(context.Context, metadata.Path, metadata.Guard) error { return f.try() }

func (f *flaky) SetAttr(context.Context, metadata.Path, metadata.Guard, metadata.AttrChange) (metadata.Entry, error) {
	return metadata.Entry{}, f.try()
}

func (f *flaky) Lock(context.Context, metadata.Path, metadata.Guard, metadata.Lock) (metadata.Lock, bool, error) {
	return metadata.Lock{Token: "t"}, true, f.try()
}

func (f *flaky) Refresh(context.Context, metadata.Path, string, string, time.Duration) (metadata.Lock, error) {
	return metadata.Lock{}, f.try()
}

func (f *flaky) Unlock(context.Context, metadata.Path, string, string) error { return f.try() }

func (f *flaky) User(context.Context, string) (metadata.User, error) { return metadata.User{}, f.try() }
