package datanode

import (
	"context"
	"sync"
	"time"

	"kendfs/metadata"
)

// limiter spaces out bytes so that on average no more than so many pass in a
// second. The zero value lets everything through.
type limiter struct {
	mu   sync.Mutex
	rate int64     // guarded by mu, as below: bytes a second; zero is no limit
	next time.Time // when the next bytes may pass
}

// set changes the rate for those who come from now on.
func (l *limiter) set(bytesPerSecond int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = max(bytesPerSecond, 0)
}

// wait waits until n bytes may pass.
func (l *limiter) wait(ctx context.Context, n int64) error {
	l.mu.Lock()
	now := time.Now()
	if l.rate == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.next.Before(now) {
		l.next = now
	}
	pause := l.next.Sub(now)
	l.next = l.next.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	l.mu.Unlock()
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return metadata.Errorf(metadata.KindOf(ctx.Err()), "waiting for bandwidth: %w", ctx.Err())
	}
}
