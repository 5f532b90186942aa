package blockio

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"kendfs/metadata"
)

// grantPause is the shortest time between two grants that did not bring what
// was hoped for.
const grantPause = time.Second

// leases is the stock of leased volumes of a client. Blocks are placed with
// what is in stock; one goroutine (tend) replenishes it, another (keep) renews
// the session.
type leases struct {
	cfg     Config
	nodes   *nodes
	volumes *volumes
	kick    chan struct{} // capacity 1: tend has something to look at
	recalls atomic.Uint64 // leases recalled so far

	mu      sync.Mutex
	started bool // guarded by mu, as all below
	closed  bool
	stop    context.CancelFunc
	done    sync.WaitGroup
	session *session
	all     map[*lease]struct{} // not yet released
	sets    map[int]*leaseSet   // by replicas wanted; at most ReplicasMax

	abandoned []abandoned
}

// leaseSet is the stock for one number of replicas.
type leaseSet struct {
	leases  []*lease
	waiting int           // acquirers waiting for the round to end
	round   chan struct{} // closed at the end of the next attempt to grant
	err     error         // of the last attempt
	next    time.Time     // no topping up before
	used    time.Time     // last asked for: an idle client holds no leases
	nonce   uint64        // of the request for a lease that was not answered with one; zero: none
}

func newLeases(cfg Config, n *nodes, v *volumes) *leases {
	return &leases{cfg: cfg, nodes: n, volumes: v, kick: make(chan struct{}, 1),
		all: make(map[*lease]struct{}), sets: make(map[int]*leaseSet)}
}

// wake makes tend look around soon.
func (l *leases) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// acquire returns a lease that holds one more block of n bytes; the caller
// releases it. Without stock it waits for one attempt to get some.
func (l *leases) acquire(ctx context.Context, want, n int) (*lease, error) {
	for waited := false; ; waited = true {
		l.mu.Lock()
		if err := l.start(); err != nil {
			l.mu.Unlock()
			return nil, err
		}
		set := l.set(want)
		set.used = time.Now()
		best, healthy := l.pick(set, n)
		// A lease in trouble is used only if there was no better one to be had.
		if best != nil && (healthy || waited || time.Now().Before(set.next)) && best.hold(n) {
			best.busy.Add(int64(n))
			l.mu.Unlock()
			return best, nil
		}
		if waited && set.err != nil {
			err := set.err
			l.mu.Unlock()
			return nil, err
		}
		set.waiting++
		round := set.round
		l.mu.Unlock()
		l.wake()
		select {
		case <-round:
		case <-ctx.Done():
		}
		l.mu.Lock()
		set.waiting--
		l.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return nil, metadata.Errorf(metadata.KindOf(err), "waiting for a volume: %w", err)
		}
	}
}

// start starts the goroutines at the first use. l.mu is held.
func (l *leases) start() error {
	if l.closed {
		return metadata.Errorf(metadata.KindUnavailable, "the client is closed")
	}
	if l.started {
		return nil
	}
	l.started = true
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.keep(ctx) })
	l.done.Go(func() { l.tend(ctx) })
	return nil
}

// set returns the stock for want replicas. l.mu is held.
func (l *leases) set(want int) *leaseSet {
	set := l.sets[want]
	if set == nil {
		set = &leaseSet{round: make(chan struct{})}
		l.sets[want] = set
	}
	return set
}

// pick returns the best lease of the set for a block of n bytes, healthy ones
// first, and drops those that take no blocks any more. l.mu is held.
func (l *leases) pick(set *leaseSet, n int) (best *lease, healthy bool) {
	kept := set.leases[:0]
	good := 0
	for _, x := range set.leases {
		ok, fine := x.usable(l.nodes.failed)
		if !ok {
			continue
		}
		kept = append(kept, x)
		if fine {
			good++
		}
		if best == nil || fine && !healthy || fine == healthy && x.load(n) < best.load(n) {
			best, healthy = x, fine
		}
	}
	clear(set.leases[len(kept):])
	set.leases = kept
	if len(kept) > 1 {
		// Rotate, so that equally idle leases take turns.
		first := kept[0]
		copy(kept, kept[1:])
		kept[len(kept)-1] = first
	}
	if good < l.cfg.Leases {
		l.wake()
	}
	return best, healthy
}

// tend grants, drops and releases leases until ctx is done.
func (l *leases) tend(ctx context.Context) {
	tick := time.NewTicker(grantPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
		case <-tick.C:
			l.heed(ctx)
		}
		for _, want := range l.short() {
			l.grant(ctx, want)
		}
		l.giveBack(ctx)
		l.unstage(ctx)
		l.dropDead(ctx)
	}
}

// short lists the sets that need a lease now.
func (l *leases) short() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wants []int
	for want, set := range l.sets {
		good, usable := 0, 0
		for _, x := range set.leases {
			ok, fine := x.usable(l.nodes.failed)
			if ok {
				usable++
			}
			if fine {
				good++
			}
		}
		topUp := good < l.cfg.Leases && usable < 2*l.cfg.Leases && !time.Now().Before(set.next) &&
			time.Since(set.used) < leaseIdle
		if topUp || set.waiting > 0 && (good == 0 || !time.Now().Before(set.next)) {
			wants = append(wants, want)
		}
	}
	return wants
}

// grant makes one attempt to lease a volume for the set and ends its round. An
// attempt that brought nothing may have been granted without an answer, so the
// next one is its repetition: a lease that is not known here would never be
// given back, and a session has only so many.
func (l *leases) grant(ctx context.Context, want int) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l.mu.Lock()
	set := l.set(want)
	if set.nonce == 0 {
		set.nonce = rand.Uint64() | 1
	}
	nonce := set.nonce
	l.mu.Unlock()
	x, err := l.tryGrant(ctx, want, nonce)
	l.mu.Lock()
	defer l.mu.Unlock()
	set.err = err
	healthy := false
	if err == nil {
		set.nonce = 0
		l.all[x] = struct{}{}
		set.leases = append(set.leases, x)
		_, healthy = x.usable(l.nodes.failed)
	}
	if !healthy {
		set.next = time.Now().Add(grantPause)
	} else if len(set.leases) < l.cfg.Leases {
		l.wake()
	}
	close(set.round)
	set.round = make(chan struct{})
}

func (l *leases) tryGrant(ctx context.Context, want int, nonce uint64) (*lease, error) {
	for attempt := 0; ; attempt++ {
		s, err := l.open(ctx)
		if err != nil {
			return nil, err
		}
		got, err := l.cfg.Leaser.Grant(ctx, metadata.GrantRequest{
			Session: s.id, Replicas: want, Near: l.cfg.Node, Avoid: l.nodes.avoid(), Nonce: nonce})
		switch {
		case err == nil:
			l.volumes.prime(got)
			return newLease(got, s, l.wake), nil
		case metadata.KindOf(err) == metadata.KindStale && attempt == 0:
			l.lose(s)
		default:
			return nil, err
		}
	}
}

// giveBack releases what is retired and not needed for a commit any more.
func (l *leases) giveBack(ctx context.Context) {
	now := time.Now()
	l.mu.Lock()
	var back []*lease
	for x := range l.all {
		if x.retireOld(now) || x.releasable() {
			back = append(back, x)
		}
	}
	l.mu.Unlock()
	for _, x := range back {
		if !x.over() {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			err := l.cfg.Leaser.Release(ctx, x.session.id, x.volume)
			cancel()
			if err != nil && metadata.KindOf(err).Retryable() && metadata.KindOf(err) != metadata.KindStale {
				continue // the next round tries again
			}
		}
		l.mu.Lock()
		delete(l.all, x)
		l.mu.Unlock()
	}
}

// close ends the session and the goroutines.
func (l *leases) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	stop, s := l.stop, l.session
	l.session = nil
	for _, set := range l.sets { // whoever waits learns that it is in vain
		close(set.round)
		set.round = make(chan struct{})
	}
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	l.done.Wait()
	if s == nil {
		return nil
	}
	s.end()
	if err := l.cfg.Leaser.CloseSession(ctx, s.id); err != nil && metadata.KindOf(err) != metadata.KindStale {
		return err
	}
	return nil
}
