package admin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/admin/session"
	"kendfs/metadata"
)

// people is a directory that answers when it is told to.
type people struct {
	mu    sync.Mutex
	users map[string]metadata.User
	err   error
	hold  chan struct{} // nil: answers at once
	asked atomic.Int64
}

func (p *people) User(ctx context.Context, name string) (metadata.User, error) {
	p.asked.Add(1)
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return metadata.User{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return metadata.User{}, p.err
	}
	u, ok := p.users[name]
	if !ok {
		return u, metadata.Errorf(metadata.KindNotFound, "nobody")
	}
	return u, nil
}

func (p *people) set(edit func(u *metadata.User)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.users["ann"]
	edit(&u)
	p.users["ann"] = u
}

func newPeople() (*people, *userCache, *session.Data) {
	ann := metadata.User{Name: "ann", Role: metadata.RoleAdmin, Hash: "h"}
	p := &people{users: map[string]metadata.User{"ann": ann}}
	return p, newUserCache(p), &session.Data{User: "ann", Role: "admin", Stamp: stampOf(&ann)}
}

// What an administrator changes elsewhere is seen after userFresh.
func TestUserCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		for name, c := range map[string]struct {
			change func(p *people)
			role   string // "": the session is over
		}{
			"nothing":        {func(*people) {}, "admin"},
			"another role":   {func(p *people) { p.set(func(u *metadata.User) { u.Role = metadata.RoleViewer }) }, "viewer"},
			"disabled":       {func(p *people) { p.set(func(u *metadata.User) { u.Disabled = true }) }, ""},
			"a new password": {func(p *people) { p.set(func(u *metadata.User) { u.Hash = "x" }) }, ""},
			"deleted":        {func(p *people) { delete(p.users, "ann") }, ""},
			"nobody answers": {func(p *people) { p.err = metadata.Errorf(metadata.KindUnavailable, "away") }, "admin"},
		} {
			p, cache, d := newPeople()
			check := func() string {
				u, err := cache.check(ctx, d)
				if err != nil {
					if metadata.KindOf(err) != metadata.KindNoAuth {
						t.Errorf("%s: got %v", name, err)
					}
					return ""
				}
				return u.Role.String()
			}
			if got := check(); got != "admin" {
				t.Fatalf("%s: at first %q", name, got)
			}
			c.change(p)
			if got := check(); got != "admin" || p.asked.Load() != 1 {
				t.Errorf("%s: within the time got %q, asked %d times", name, got, p.asked.Load())
			}
			time.Sleep(userFresh)
			if got := check(); got != c.role {
				t.Errorf("%s: after the time got %q, want %q", name, got, c.role)
			}
		}
	})
}

// Who breaks off every request must not keep what is known of him as it was.
func TestBrokenOffRequestsAskAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, cache, d := newPeople()
		if _, err := cache.check(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		p.set(func(u *metadata.User) { u.Disabled = true })
		p.hold = make(chan struct{})
		time.Sleep(userFresh)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { _, err := cache.check(ctx, d); done <- err }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(p.hold)
		if err := <-done; metadata.KindOf(err) != metadata.KindNoAuth {
			t.Errorf("the request that broke off learnt %v", err)
		}
		if _, err := cache.check(context.Background(), d); metadata.KindOf(err) != metadata.KindNoAuth {
			t.Errorf("the next one got %v, want the session to be over", err)
		}
	})
}

// As long as nobody has answered, the second request waits for the first one's
// answer: what the session began with is older than whatever comes.
func TestFirstQuestionIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, cache, d := newPeople()
		p.set(func(u *metadata.User) { u.Role = metadata.RoleViewer })
		p.hold = make(chan struct{})
		roles := make(chan string, 5)
		for range 5 {
			go func() {
				u, err := cache.check(context.Background(), d)
				roles <- fmt.Sprint(u.Role, err)
			}()
		}
		synctest.Wait()
		if len(roles) != 0 {
			t.Fatalf("%d did not wait", len(roles))
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := cache.check(gone, d); metadata.KindOf(err) != metadata.KindNoAuth {
			t.Errorf("a request that is over got %v", err)
		}
		close(p.hold)
		for range 5 {
			if got := <-roles; got != "viewer <nil>" {
				t.Errorf("got %s", got)
			}
		}
		if p.asked.Load() != 1 {
			t.Errorf("asked %d times", p.asked.Load())
		}
	})
}

// An answer that was under way when the row was forgotten is not kept.
func TestForgottenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, cache, d := newPeople()
		p.hold = make(chan struct{})
		done := make(chan struct{})
		go func() { _, _ = cache.check(context.Background(), d); close(done) }()
		synctest.Wait()
		cache.forget("ann")
		close(p.hold)
		<-done
		if len(cache.rows) != 0 {
			t.Errorf("kept: %+v", cache.rows)
		}
		p.hold = make(chan struct{})
		go func() { _, _ = cache.check(context.Background(), d) }()
		synctest.Wait()
		cache.set(metadata.User{Name: "ann", Hash: "new"})
		close(p.hold)
		synctest.Wait()
		if got := cache.rows["ann"].user.Hash; got != "new" {
			t.Errorf("an older answer replaced what was set: %q", got)
		}
	})
}

func TestUserCacheIsBounded(t *testing.T) {
	_, cache, _ := newPeople()
	for i := range usersCached + 50 {
		cache.set(metadata.User{Name: fmt.Sprint(i)})
	}
	if len(cache.rows) > usersCached {
		t.Errorf("%d users are kept", len(cache.rows))
	}
	d := session.Data{User: "zoe", Role: "nonsense"}
	p, c, _ := newPeople()
	p.err = errors.New("away")
	if _, err := c.check(context.Background(), &d); err == nil {
		t.Error("a session of a role that is none goes on")
	}
}
