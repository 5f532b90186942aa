package fleet

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Intervals of the leader's work.
const (
	heartbeatInterval = time.Second
	tickInterval      = time.Second
	gatherInterval    = 5 * time.Second
	leasedInterval    = 10 * time.Second // between looks at the counters of leased volumes
	silentInterval    = 15 * time.Second
	reapInterval      = time.Minute // between looks for expired rows when no tree waits
	storeTimeout      = 10 * time.Second
	proposalsAtOnce   = 8
)

// Config configures a Fleet. Only Store must be set.
type Config struct {
	Store  Store
	Limits Limits
	Rand   *rand.Rand   // for placement; nil: seeded at random
	Logger *slog.Logger // nil: nothing is logged
	// RepairBytesPerSecond is what each storage server may pull for repairs; 0: no limit.
	RepairBytesPerSecond int64
	// Voters counts the nameservers, and those that answer. Nil: not known.
	Voters func() (voters, healthy int)
	// Nameserver says who leads, with its id, term and index. Nil: not known.
	Nameserver func() health.Nameserver
	// Self is what this nameserver says of itself. Nil: nothing.
	Self func() metadata.Presence
}

// Limits are times and bounds of the plans. Zero fields have their defaults.
type Limits struct {
	SuspectAfter    time.Duration // silence until no new data is put there; 2.5 s, at most 3 s
	DownAfter       time.Duration // silence until repair starts; 8 s, at most 10 s
	LeaseLinger     time.Duration // a lease may go on on a volume that needs repair; 30 s
	FreeMin         int64         // bytes free on a disk that takes data; 256 MiB
	IdleVolumes     int           // idle volumes of one target before wishes are ignored; 64
	CopiesPerSource int           // repairs that read from one node at once; 4
	CopiesPerTarget int           // repairs that write to one node at once; 4
}

func (l Limits) withDefaults() Limits {
	l.SuspectAfter = orDefault(l.SuspectAfter, 2500*time.Millisecond, 3*time.Second)
	l.DownAfter = max(l.SuspectAfter, orDefault(l.DownAfter, 8*time.Second, 10*time.Second))
	l.LeaseLinger = orDefault(l.LeaseLinger, 30*time.Second, time.Hour)
	l.FreeMin = orDefault(l.FreeMin, 256<<20, 1<<50)
	l.IdleVolumes = orDefault(l.IdleVolumes, 64, 4096)
	l.CopiesPerSource = orDefault(l.CopiesPerSource, 4, 64)
	l.CopiesPerTarget = orDefault(l.CopiesPerTarget, 4, 64)
	return l
}

func orDefault[T int | int64 | time.Duration](v, def, most T) T {
	if v <= 0 {
		return def
	}
	return min(v, most)
}

// Fleet performs the leader's duties while Run runs. Its methods may be called
// by many at once; they fail with KindUnavailable when this nameserver does not
// lead.
type Fleet struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // a result is there; holds at most one

	reading chan struct{} // holds one while an unknown caller makes the leader read

	mu  sync.Mutex
	rng *rand.Rand // guarded by mu, as is all of the term
	t   *term      // nil while not leading
}

// New returns a Fleet that does nothing until Run.
func New(cfg Config) *Fleet {
	cfg.Limits = cfg.Limits.withDefaults()
	f := &Fleet{cfg: cfg, log: cfg.Logger, rng: cfg.Rand, wake: make(chan struct{}, 1), reading: make(chan struct{}, 1)}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.rng == nil {
		f.rng = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return f
}

// Run performs the duties of one term until ctx is done, and returns its error.
// The caller starts it when this nameserver has become the leader and ends it
// when it is no longer. It first loads the state, which is tried again until it
// succeeds; from then on the term counts: every session has a full time to live
// and every node the benefit of the doubt. KindConflict: it runs already.
func (f *Fleet) Run(ctx context.Context) error {
	t, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer f.end(t)
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	f.tick(ctx, t)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			f.tick(ctx, t)
		case <-f.wake:
			f.settleResults(ctx, t)
			if f.planIsCheap(t) {
				f.planAndPropose(ctx, t) // the next copy need not wait for the tick
			}
		}
	}
}

// planIsCheap reports whether plans may be made more often than every tick.
func (f *Fleet) planIsCheap(t *term) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return t.planCost < tickInterval/50
}

// begin loads the state and starts the term.
func (f *Fleet) begin(ctx context.Context) (*term, error) {
	f.mu.Lock()
	running := f.t != nil
	f.mu.Unlock()
	if running {
		return nil, metadata.Errorf(metadata.KindConflict, "the leader's duties are being performed already")
	}
	t := newTerm()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f.refresh(ctx, t)
		if err == nil {
			err = f.recall(ctx, t)
		}
		if err == nil {
			break
		}
		f.log.Warn("loading the state of the fleet", "err", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	t.began = now
	t.orders = newOrders(latest(now, t.info.Now)) // the leader before may have a clock that is ahead
	for _, s := range t.sessions {
		s.deadline = now.Add(metadata.SessionTTL)
	}
	f.t = t
	return t, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (f *Fleet) end(t *term) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.t == t {
		f.t = nil
		close(t.over)
	}
}

// leading returns the current term. The caller holds mu.
func (f *Fleet) leading() (*term, error) {
	if f.t == nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead; try again")
	}
	return f.t, nil
}

// tick does everything that time brings about.
func (f *Fleet) tick(ctx context.Context, t *term) {
	if err := f.refresh(ctx, t); err != nil {
		f.warn(ctx, "refreshing the state of the fleet", err)
		return // plans on a state that cannot be read would be guesses
	}
	f.endSessions(ctx, t)
	f.settleResults(ctx, t)
	f.gatherDead(ctx, t)
	f.sample(ctx, t)
	f.planAndPropose(ctx, t)
	f.record(ctx, t)
	f.reapTrash(ctx, t)
}

// warn logs an error unless the term is over.
func (f *Fleet) warn(ctx context.Context, what string, err error, args ...any) {
	if ctx.Err() == nil {
		f.log.Warn(what, append(args, "err", err)...)
	}
}

// endSessions closes the sessions that were not renewed in time.
func (f *Fleet) endSessions(ctx context.Context, t *term) {
	f.mu.Lock()
	expired := t.expiredSessions(time.Now())
	f.mu.Unlock()
	var calls []func(context.Context)
	for _, id := range expired {
		calls = append(calls, func(ctx context.Context) {
			err := f.cfg.Store.CloseSession(ctx, id)
			f.mu.Lock()
			defer f.mu.Unlock()
			if err != nil && metadata.KindOf(err) != metadata.KindNotFound {
				f.warn(ctx, "ending a session", err, "session", id)
				return // tried again at the next tick; it stays closed for renewals
			}
			delete(t.sessions, id)
			f.log.Info("session ended: it was not renewed", "session", id)
		})
	}
	f.propose(ctx, calls)
	if len(expired) > 0 {
		// Their volumes are fencing now.
		if err := f.refresh(ctx, t); err != nil {
			f.warn(ctx, "refreshing the state of the fleet", err)
		}
	}
}

// propose runs calls that change the namespace, a few at once, and waits.
func (f *Fleet) propose(ctx context.Context, calls []func(context.Context)) {
	slots := make(chan struct{}, proposalsAtOnce)
	var wg sync.WaitGroup
	for _, call := range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, storeTimeout)
			defer cancel()
			call(ctx)
		})
	}
	wg.Wait()
}

// reapTrash clears unlinked trees while there are some, and from time to time
// whatever else has expired.
func (f *Fleet) reapTrash(ctx context.Context, t *term) {
	const rows, rounds = 1000, 10
	f.mu.Lock()
	due := t.info.Trash > 0 || time.Since(t.reaped) >= reapInterval
	if due {
		t.reaped = time.Now()
	}
	f.mu.Unlock()
	for range rounds {
		if !due || ctx.Err() != nil {
			return
		}
		call, cancel := context.WithTimeout(ctx, storeTimeout)
		more, err := f.cfg.Store.Reap(call, rows)
		cancel()
		if err != nil {
			f.warn(ctx, "reaping unlinked trees", err)
			return
		}
		due = more
	}
}
