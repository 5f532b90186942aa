package credential

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
)

// CacheTTL is how long a verified password is believed without a new hashing.
const CacheTTL = time.Minute

// Config configures a Verifier. Only Directory must be set.
type Config struct {
	Directory metadata.Directory
	Hashings  int // at once; 0: 2
	Queue     int // attempts that may wait for a hashing; 0: 64
	Entries   int // remembered passwords, and remembered failures; 0: 4096
	// Failed is told of every wrong password that was checked, with the address
	// it came from. It must not block. Nil: nobody is.
	Failed func(name, remoteAddr string)
}

// Verifier checks the passwords that clients send to a gateway.
type Verifier struct {
	cfg    Config
	secret [32]byte      // of the HMAC; drawn at random by New
	slots  chan struct{} // one token per running hashing
	decoy  params        // hashed for users that do not exist

	mu       sync.Mutex
	good     map[digest]verified
	inflight map[digest]*attempt
	waiting  int // attempts that hold or want a slot
	failures failures
}

// digest names a user together with a password.
type digest [sha256.Size]byte

type verified struct {
	user    metadata.User
	expires time.Time
}

// attempt is one hashing; equal ones share it. user and err are set before
// done is closed.
type attempt struct {
	done chan struct{}
	user metadata.User
	err  error
}

// NewVerifier returns a Verifier.
func NewVerifier(cfg Config) *Verifier {
	cfg.Hashings = orDefault(cfg.Hashings, 2)
	cfg.Queue = orDefault(cfg.Queue, 64)
	cfg.Entries = orDefault(cfg.Entries, 4096)
	v := &Verifier{
		cfg:      cfg,
		slots:    make(chan struct{}, cfg.Hashings),
		decoy:    params{memoryKiB: newMemoryKiB, passes: newPasses, lanes: newLanes, salt: make([]byte, newSaltBytes)},
		good:     make(map[digest]verified),
		inflight: make(map[digest]*attempt),
		failures: failures{byWho: make(map[who]failure), entriesMax: cfg.Entries},
	}
	// crypto/rand.Read never returns an error since Go 1.24: it crashes the
	// process instead.
	_, _ = rand.Read(v.secret[:])
	return v
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// Verify returns the user if the password is right. remote is the client's
// address, with or without a port; failures are counted by user and address.
//
// KindNoAuth: unknown user, disabled user or wrong password, not told apart.
// KindBusy: too many failures from there, or too many attempts at once.
// Anything else is the Directory's error; it does not count as a failure.
func (v *Verifier) Verify(ctx context.Context, name, password, remote string) (metadata.User, error) {
	if name == "" || len(name) > metadata.NameBytesMax || !utf8.ValidString(name) || CheckPassword(password) != nil {
		return metadata.User{}, errNoAuth()
	}
	d := v.digest(name, password)
	from := who{user: name, host: hostOf(remote)}

	v.mu.Lock()
	now := time.Now()
	if g, ok := v.good[d]; ok && now.Before(g.expires) {
		v.mu.Unlock()
		return g.user, nil
	}
	if a, ok := v.inflight[d]; ok {
		v.mu.Unlock()
		return a.wait(ctx)
	}
	if wait := v.failures.wait(from, now); wait > 0 {
		v.mu.Unlock()
		return metadata.User{}, metadata.Errorf(metadata.KindBusy,
			"too many failed attempts for this user from this address; try again in %s", wait.Round(time.Second))
	}
	if v.waiting >= v.cfg.Hashings+v.cfg.Queue {
		v.mu.Unlock()
		return metadata.User{}, metadata.Errorf(metadata.KindBusy, "too many sign-ins at once; try again")
	}
	// The failure is booked before the work and taken back on success, so
	// that guesses made in parallel count like guesses made in turn.
	v.failures.add(from, now)
	v.waiting++
	a := &attempt{done: make(chan struct{})}
	v.inflight[d] = a
	v.mu.Unlock()

	a.user, a.err = v.check(ctx, name, password)
	v.finish(d, from, a)
	if v.cfg.Failed != nil && a.err != nil && metadata.KindOf(a.err) == metadata.KindNoAuth {
		v.cfg.Failed(name, remote)
	}
	return a.user, a.err
}

// Forget drops what is remembered about a user, after a change of password or
// rights that should be seen at once.
func (v *Verifier) Forget(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for d, g := range v.good {
		if g.user.Name == name {
			delete(v.good, d)
		}
	}
}

func errNoAuth() error {
	return metadata.Errorf(metadata.KindNoAuth, "unknown user or wrong password")
}

// digest is an HMAC, so that the map's keys do not allow guessing passwords
// without the process's secret.
func (v *Verifier) digest(name, password string) (d digest) {
	m := hmac.New(sha256.New, v.secret[:])
	m.Write(binary.BigEndian.AppendUint32(nil, uint32(len(name))))
	m.Write([]byte(name))
	m.Write([]byte(password))
	m.Sum(d[:0])
	return d
}

// wait returns the outcome of an attempt that another request started. If
// that request was given up, so is this one: the client repeats it.
func (a *attempt) wait(ctx context.Context) (metadata.User, error) {
	select {
	case <-a.done:
		if a.err != nil && metadata.KindOf(a.err) == metadata.KindCanceled && ctx.Err() == nil {
			return metadata.User{}, metadata.Errorf(metadata.KindBusy, "the sign-in was interrupted; try again")
		}
		return a.user, a.err
	case <-ctx.Done():
		return metadata.User{}, ctx.Err()
	}
}

// check looks the user up and hashes, holding a slot. Every outcome but an
// error of the Directory or the context costs exactly one hashing.
func (v *Verifier) check(ctx context.Context, name, password string) (metadata.User, error) {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return metadata.User{}, ctx.Err()
	}
	u, err := v.cfg.Directory.User(ctx, name)
	if err != nil && metadata.KindOf(err) != metadata.KindNotFound {
		return metadata.User{}, err
	}
	if err != nil {
		v.decoy.derive(password, newKeyBytes)
		return metadata.User{}, errNoAuth()
	}
	ok, err := Verify(password, u.Hash)
	switch {
	case err != nil:
		return metadata.User{}, err
	case !ok || u.Disabled:
		return metadata.User{}, errNoAuth()
	}
	return u, nil
}

// finish books the outcome of an attempt and wakes who waits for it.
func (v *Verifier) finish(d digest, from who, a *attempt) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	v.waiting--
	delete(v.inflight, d)
	switch {
	case a.err == nil:
		v.failures.forget(from)
		v.remember(d, verified{user: a.user, expires: now.Add(CacheTTL)}, now)
	case metadata.KindOf(a.err) != metadata.KindNoAuth:
		v.failures.takeBack(from)
	}
	close(a.done)
}

// remember adds to the cache. When it is full the expired go; if there are
// none, any one (Go's map order is random) makes room.
func (v *Verifier) remember(d digest, g verified, now time.Time) {
	if len(v.good) >= v.cfg.Entries {
		for k, old := range v.good {
			if !now.Before(old.expires) {
				delete(v.good, k)
			}
		}
	}
	for k := range v.good {
		if len(v.good) < v.cfg.Entries {
			break
		}
		delete(v.good, k)
	}
	v.good[d] = g
}
