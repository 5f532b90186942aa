package admin

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Bounds of downloads under way: each holds a reader's buffers, and one user
// must not hold everybody's.
const (
	downloadsMax     = 128
	downloadsUserMax = 16
	viewWait         = 20 * time.Second // for a place, of what a page shows
)

// downloads counts what is being read, by user. The zero value is ready.
type downloads struct {
	mu    sync.Mutex
	all   int
	mine  map[string]int
	freed chan struct{} // closed with the next place that is given back
}

// begin takes a place for the user until ctx, which is the request's, is over.
// A page that shows a hundred pictures asks for all of them at once: what is
// shown waits for its turn, what is downloaded is refused.
func (d *downloads) begin(ctx context.Context, user string, shown bool) error {
	late := time.NewTimer(viewWait)
	defer late.Stop()
	for {
		freed, err := d.take(ctx, user)
		if err == nil || !shown {
			return err
		}
		select {
		case <-freed:
		case <-late.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take takes a place, or says why there is none and when to try again.
func (d *downloads) take(ctx context.Context, user string) (freed <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mine == nil {
		d.mine, d.freed = map[string]int{}, make(chan struct{})
	}
	switch {
	case d.mine[user] >= downloadsUserMax:
		return d.freed, refuse(http.StatusTooManyRequests, "busy", sayMyDownloads(d.mine[user]), adviceDownloads())
	case d.all >= downloadsMax:
		return d.freed, refuse(http.StatusTooManyRequests, "busy", sayAllDownloads(d.all), adviceDownloads())
	}
	d.all++
	d.mine[user]++
	context.AfterFunc(ctx, func() { d.end(user) })
	return nil, nil
}

func (d *downloads) end(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.mine[user]--; d.mine[user] == 0 {
		delete(d.mine, user)
	}
	close(d.freed)
	d.freed = make(chan struct{})
}
