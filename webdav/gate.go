package webdav

import (
	"context"
	"sync"
	"time"

	"kendfs/metadata"
)

// gate bounds what runs at once, and what waits for that. One user gets at
// most half of both, so that one machine's sync does not stop the others'
// saves.
type gate struct {
	slots    chan struct{}
	inMax    int // that run or wait
	userMax  int // of them, of one user
	userRuns int

	mu    sync.Mutex
	in    int
	users map[string]*gateUser
}

type gateUser struct {
	slots chan struct{}
	in    int
}

// gateWaitMax is how long a request waits for its turn.
const gateWaitMax = 20 * time.Second

func newGate(running, queue int) *gate {
	return &gate{
		slots:    make(chan struct{}, running),
		inMax:    running + queue,
		userMax:  (running + queue + 1) / 2,
		userRuns: (running + 1) / 2,
		users:    make(map[string]*gateUser),
	}
}

// enter waits for a place. KindBusy: the queue is full, or the turn did not
// come in time. The caller must call leave when it has been let in.
func (g *gate) enter(ctx context.Context, user string) (leave func(), err error) {
	u, err := g.queue(user)
	if err != nil {
		return nil, err
	}
	t := time.NewTimer(gateWaitMax)
	defer t.Stop()
	if err := place(ctx, u.slots, t.C); err != nil {
		g.forget(user, u)
		return nil, err
	}
	if err := place(ctx, g.slots, t.C); err != nil {
		<-u.slots
		g.forget(user, u)
		return nil, err
	}
	return func() {
		<-g.slots
		<-u.slots
		g.forget(user, u)
	}, nil
}

func errUploads() error {
	return metadata.Errorf(metadata.KindBusy, "too many uploads at once; try again")
}

func (g *gate) queue(user string) (*gateUser, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u := g.users[user]
	if g.in >= g.inMax || u != nil && u.in >= g.userMax {
		return nil, errUploads()
	}
	if u == nil {
		u = &gateUser{slots: make(chan struct{}, g.userRuns)}
		g.users[user] = u
	}
	g.in++
	u.in++
	return u, nil
}

func (g *gate) forget(user string, u *gateUser) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if u.in--; u.in == 0 {
		delete(g.users, user)
	}
}

// place puts a token into slots before late.
func place(ctx context.Context, slots chan struct{}, late <-chan time.Time) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return errUploads()
	}
}

// load is how many run and how many wait.
func (g *gate) load() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	running = min(len(g.slots), g.in)
	return running, g.in - running
}
