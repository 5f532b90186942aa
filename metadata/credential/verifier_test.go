package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
)

// directory is a fake metadata.Directory. If gate is not nil, every lookup
// waits for it.
type directory struct {
	lookups atomic.Int64
	gate    chan struct{}
	mu      sync.Mutex
	users   map[string]metadata.User
	err     error
}

func (d *directory) User(ctx context.Context, name string) (metadata.User, error) {
	d.lookups.Add(1)
	if d.gate != nil {
		select {
		case <-d.gate:
		case <-ctx.Done():
			return metadata.User{}, ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !utf8.ValidString(name) { // no message could carry it to a nameserver
		return metadata.User{}, metadata.Errorf(metadata.KindInvalid, "the name is not UTF-8")
	}
	if d.err != nil {
		return metadata.User{}, d.err
	}
	u, ok := d.users[name]
	if !ok {
		return u, metadata.Errorf(metadata.KindNotFound, "no user %q", name)
	}
	return u, nil
}

func (d *directory) put(u metadata.User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[u.Name] = u
}

func newDirectory(t *testing.T) *directory {
	return &directory{users: map[string]metadata.User{
		"ann": {Name: "ann", Hash: cheap(t, "good"), Role: metadata.RoleWriter},
		"bob": {Name: "bob", Hash: cheap(t, "good"), Role: metadata.RoleAdmin, Disabled: true},
		"cy":  {Name: "cy", Hash: "not a hash"},
	}}
}

func TestVerifierOutcomes(t *testing.T) {
	d := newDirectory(t)
	v := NewVerifier(Config{Directory: d})
	long := make([]byte, PasswordBytesMax+1)
	for _, c := range []struct {
		user, password string
		want           metadata.Kind
		ok             bool
	}{
		{user: "ann", password: "good", ok: true},
		{user: "ann", password: "bad", want: metadata.KindNoAuth},
		{user: "ann", password: "", want: metadata.KindNoAuth},
		{user: "", password: "good", want: metadata.KindNoAuth},
		{user: "ann", password: string(long), want: metadata.KindNoAuth},
		{user: "nobody", password: "good", want: metadata.KindNoAuth},
		{user: "bob", password: "good", want: metadata.KindNoAuth},
		{user: "an\xff", password: "good", want: metadata.KindNoAuth},
		{user: "cy", password: "good", want: metadata.KindCorrupt},
	} {
		u, err := v.Verify(t.Context(), c.user, c.password, "192.0.2.1:1")
		if (err == nil) != c.ok || err != nil && metadata.KindOf(err) != c.want {
			t.Errorf("Verify(%q, %.9q) = %v, want %v", c.user, c.password, err, c.want)
		}
		if c.ok && u.Role != metadata.RoleWriter {
			t.Errorf("Verify(%q) = %+v, want ann's record", c.user, u)
		}
	}
	d.mu.Lock()
	d.err = metadata.Errorf(metadata.KindUnavailable, "no leader")
	d.mu.Unlock()
	if _, err := v.Verify(t.Context(), "ann", "other", "x"); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("Verify without a directory = %v, want KindUnavailable", err)
	}
	if len(v.inflight) != 0 || v.waiting != 0 {
		t.Errorf("%d attempts in flight, %d waiting, want none", len(v.inflight), v.waiting)
	}
}

func TestVerifierRemembersForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(t)
		v := NewVerifier(Config{Directory: d})
		lookups := func(step string, password string, want int64, ok bool) {
			t.Helper()
			_, err := v.Verify(t.Context(), "ann", password, "192.0.2.1:1")
			if got := d.lookups.Load(); got != want || (err == nil) != ok {
				t.Errorf("%s: %d lookups, err %v, want %d, ok %v", step, got, err, want, ok)
			}
		}
		lookups("first", "good", 1, true)
		lookups("again", "good", 1, true)
		lookups("wrong", "bad", 2, false)
		lookups("wrong again", "bad", 3, false)
		time.Sleep(CacheTTL - time.Nanosecond)
		lookups("just before it expires", "good", 3, true)
		d.put(metadata.User{Name: "ann", Hash: cheap(t, "new")})
		time.Sleep(time.Nanosecond)
		lookups("the old password after its time", "good", 4, false)
		lookups("the new one", "new", 5, true)
		v.Forget("bob")
		lookups("another user forgotten", "new", 5, true)
		v.Forget("ann")
		lookups("forgotten", "new", 6, true)
	})
}

func TestVerifierBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := NewVerifier(Config{Directory: newDirectory(t)})
		try := func(password, remote string) metadata.Kind {
			_, err := v.Verify(t.Context(), "ann", password, remote)
			if err == nil {
				return 0
			}
			return metadata.KindOf(err)
		}
		for i := range failuresFree {
			if got := try("bad", "192.0.2.1:99"); got != metadata.KindNoAuth {
				t.Fatalf("failure %d: %v, want not authenticated", i, got)
			}
		}
		if got := try("good", "192.0.2.1:77"); got != metadata.KindBusy {
			t.Errorf("right password while backing off: %v, want busy", got)
		}
		if got := try("good", "192.0.2.2:77"); got != 0 {
			t.Errorf("right password from elsewhere: %v, want ok", got)
		}
		if got := try("good", "192.0.2.1:77"); got != 0 {
			t.Errorf("remembered password while backing off: %v, want ok", got)
		}
		for wait := failureWait; wait < failureWaitBy; wait *= 2 {
			time.Sleep(wait - time.Nanosecond)
			if got := try("bad", "192.0.2.1:1"); got != metadata.KindBusy {
				t.Fatalf("before %v: %v, want busy", wait, got)
			}
			time.Sleep(time.Nanosecond)
			if got := try("bad", "192.0.2.1:1"); got != metadata.KindNoAuth {
				t.Fatalf("after %v: %v, want not authenticated", wait, got)
			}
		}
		time.Sleep(failureWaitBy)
		if got := try("good", "192.0.2.1:1"); got != 0 {
			t.Errorf("right password after the wait: %v, want ok", got)
		}
		if len(v.failures.byWho) != 0 {
			t.Errorf("%d failures kept after success", len(v.failures.byWho))
		}
	})
}

func TestVerifierParallelGuessesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(t)
		d.gate = make(chan struct{})
		v := NewVerifier(Config{Directory: d})
		kinds := make([]metadata.Kind, 50)
		var wg sync.WaitGroup
		for i := range kinds {
			wg.Go(func() {
				_, err := v.Verify(t.Context(), "ann", fmt.Sprint("guess", i), "192.0.2.1:1")
				kinds[i] = metadata.KindOf(err)
			})
		}
		synctest.Wait()
		close(d.gate)
		wg.Wait()
		hashed := 0
		for _, k := range kinds {
			if k == metadata.KindNoAuth {
				hashed++
			}
		}
		if hashed != failuresFree {
			t.Errorf("%d of 50 parallel guesses were tried, want %d", hashed, failuresFree)
		}
	})
}

func TestVerifierSharesAndBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(t)
		d.gate = make(chan struct{})
		v := NewVerifier(Config{Directory: d, Hashings: 1, Queue: 2})
		var wg sync.WaitGroup
		for range 100 { // one client, many connections: one hashing
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), "ann", "good", "192.0.2.1:1"); err != nil {
					t.Errorf("shared attempt: %v", err)
				}
			})
		}
		synctest.Wait()
		for i := range 2 {
			wg.Go(func() {
				_, err := v.Verify(t.Context(), fmt.Sprint("u", i), "x", "192.0.2.1:1")
				if metadata.KindOf(err) != metadata.KindNoAuth {
					t.Errorf("queued attempt: %v, want not authenticated", err)
				}
			})
		}
		synctest.Wait()
		if _, err := v.Verify(t.Context(), "u9", "x", "192.0.2.1:1"); metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("attempt over the queue: %v, want busy", err)
		}
		close(d.gate)
		wg.Wait()
		if got := d.lookups.Load(); got != 3 {
			t.Errorf("%d lookups, want 3", got)
		}
	})
}

func TestVerifierCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(t)
		d.gate = make(chan struct{})
		v := NewVerifier(Config{Directory: d, Hashings: 1})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make([]error, 3)
		var wg sync.WaitGroup
		for i, c := range []struct {
			ctx  context.Context
			user string
		}{{ctx, "ann"}, {t.Context(), "ann"}, {ctx, "dan"}} {
			wg.Go(func() { _, errs[i] = v.Verify(c.ctx, c.user, "good", "192.0.2.1:1") })
			synctest.Wait()
		}
		cancel()
		wg.Wait()
		if !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[2], context.Canceled) {
			t.Errorf("canceled attempts: %v and %v", errs[0], errs[2])
		}
		if metadata.KindOf(errs[1]) != metadata.KindBusy {
			t.Errorf("attempt that shared a canceled one: %v, want busy", errs[1])
		}
		if len(v.failures.byWho) != 0 || v.waiting != 0 || len(v.slots) != 0 {
			t.Errorf("left behind: %d failures, %d waiting, %d slots", len(v.failures.byWho), v.waiting, len(v.slots))
		}
	})
}

func TestTablesAreBounded(t *testing.T) {
	d := newDirectory(t)
	v := NewVerifier(Config{Directory: d, Entries: 8})
	for i := range 40 {
		name := fmt.Sprint("user", i)
		d.put(metadata.User{Name: name, Hash: d.users["ann"].Hash})
		if _, err := v.Verify(t.Context(), name, "good", "h"); err != nil {
			t.Fatal(err)
		}
		_, _ = v.Verify(t.Context(), fmt.Sprint("ghost", i), "bad", "h")
		if len(v.good) > 8 || len(v.failures.byWho) > 8 {
			t.Fatalf("%d passwords and %d failures kept, want at most 8", len(v.good), len(v.failures.byWho))
		}
	}
}

func TestFailuresEvict(t *testing.T) {
	now := time.Unix(1000, 0)
	f := failures{byWho: make(map[who]failure), entriesMax: 4}
	guesser := who{"root", "h"}
	for range 9 {
		f.add(guesser, now)
	}
	for i := range 100 {
		f.add(who{fmt.Sprint("flood", i), "h"}, now)
	}
	if f.wait(guesser, now) == 0 {
		t.Error("a flood of other names flushed the guesser's record")
	}
	if got := f.wait(guesser, now.Add(failureTTL)); got != 0 {
		t.Errorf("wait after %v = %v, want 0", failureTTL, got)
	}
	f.byWho = map[who]failure{guesser: {count: 1 << 40, last: now}}
	if got := f.wait(guesser, now); got != failureWaitBy {
		t.Errorf("wait after very many failures = %v, want %v", got, failureWaitBy)
	}
}

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:80":                 "192.0.2.1",
		"192.0.2.1":                    "192.0.2.1",
		"[::ffff:192.0.2.1]:80":        "192.0.2.1",
		"[2001:db8:1:2:3::4]:80":       "2001:db8:1:2::/64",
		"2001:db8:1:2:9::9":            "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":            "fe80::/64",
		"pipe":                         "pipe",
		"":                             "",
		"x" + string(make([]byte, 99)): "x" + string(make([]byte, 63)),
	} {
		if got := hostOf(in); got != want {
			t.Errorf("hostOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func BenchmarkVerifyRemembered(b *testing.B) {
	d := &directory{users: map[string]metadata.User{"ann": {Name: "ann", Hash: cheap(b, "good")}}}
	v := NewVerifier(Config{Directory: d})
	for b.Loop() {
		if _, err := v.Verify(b.Context(), "ann", "good", "192.0.2.1:1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		_, _ = Hash("correct horse")
	}
}

// TestFailedIsTold tells of what was checked and wrong, and of nothing else.
func TestFailedIsTold(t *testing.T) {
	d := newDirectory(t)
	var told []string
	v := NewVerifier(Config{Directory: d, Failed: func(name, remote string) { told = append(told, name+" "+remote) }})
	for _, try := range [][2]string{{"ann", "good"}, {"ann", "bad"}, {"nobody", "x"}, {"bob", "good"}, {"", "x"}} {
		_, _ = v.Verify(t.Context(), try[0], try[1], "10.0.0.1:5")
	}
	d.mu.Lock()
	d.err = metadata.Errorf(metadata.KindUnavailable, "no nameserver")
	d.mu.Unlock()
	_, _ = v.Verify(t.Context(), "cy", "x", "10.0.0.1:5")
	if got, want := fmt.Sprint(told), "[ann 10.0.0.1:5 nobody 10.0.0.1:5 bob 10.0.0.1:5]"; got != want {
		t.Errorf("told of %s, want %s", got, want)
	}
}
