package admin

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// Bounds of downloads under way: each holds a reader's buffers, and one user
// must not hold everybody's.
const (
	downloadsMax     = 128
	downloadsUserMax = 16
)

// downloads counts what is being read, by user. The zero value is ready.
type downloads struct {
	mu   sync.Mutex
	all  int
	mine map[string]int
}

// begin takes a place for the user until ctx, which is the request's, is over.
func (d *downloads) begin(ctx context.Context, user string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.mine[user] >= downloadsUserMax:
		return refuse(http.StatusTooManyRequests, "busy", fmt.Sprintf("%d of your downloads are running, which is the most.", d.mine[user]),
			"Wait until one of them is done, or cancel one. Many files come faster as one archive.")
	case d.all >= downloadsMax:
		return refuse(http.StatusTooManyRequests, "busy", fmt.Sprintf("%d downloads of all users are running, which is the most.", d.all),
			"Wait until one of them is done and try again.")
	}
	if d.mine == nil {
		d.mine = map[string]int{}
	}
	d.all++
	d.mine[user]++
	context.AfterFunc(ctx, func() { d.end(user) })
	return nil
}

func (d *downloads) end(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.mine[user]--; d.mine[user] == 0 {
		delete(d.mine, user)
	}
}
