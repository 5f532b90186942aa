package admin

import (
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"kendfs/metadata"
)

// Rates of what clients may do.
const (
	signInPerMinute = 5
	signInBurst     = 5
	apiPerSecond    = 50
	apiBurst        = 200
	limitedMax      = 8192 // identities that are remembered
)

// limiter is a token bucket for each identity.
type limiter struct {
	perSecond, burst float64

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(perSecond, burst float64) *limiter {
	return &limiter{perSecond: perSecond, burst: burst, buckets: map[string]bucket{}}
}

// take takes a token, if there is one.
func (l *limiter) take(who string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[who]
	if !ok {
		if len(l.buckets) >= limitedMax {
			l.makeRoom(now)
		}
		b = bucket{l.burst, now}
	}
	b.tokens = min(l.burst, b.tokens+now.Sub(b.at).Seconds()*l.perSecond)
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	l.buckets[who] = b
	return allowed
}

// giveBack undoes a take.
func (l *limiter) giveBack(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[who]; ok {
		b.tokens = min(l.burst, b.tokens+1)
		l.buckets[who] = b
	}
}

// makeRoom drops the buckets that are full again, and if there are none, any
// one (map order is random).
func (l *limiter) makeRoom(now time.Time) {
	for who, b := range l.buckets {
		if b.tokens+now.Sub(b.at).Seconds()*l.perSecond >= l.burst {
			delete(l.buckets, who)
		}
	}
	for who := range l.buckets {
		if len(l.buckets) < limitedMax {
			break
		}
		delete(l.buckets, who)
	}
}

// limitRate bounds how often one address tries a password, and how often one
// session calls. A password that was right costs nothing: only guessing is
// slowed down.
func (s *Server) limitRate() echo.MiddlewareFunc {
	tries, calls := newLimiter(signInPerMinute/60.0, signInBurst), newLimiter(apiPerSecond, apiBurst)
	tooMany := func() error {
		return refuse(http.StatusTooManyRequests, "busy", sayTooMany(), adviceOf(metadata.KindBusy))
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if takesPassword(c) {
				who := hostOf(c.RealIP())
				if !tries.take(who, time.Now()) {
					c.Response().Header().Set(echo.HeaderRetryAfter, "12")
					return tooMany()
				}
				err := next(c)
				if err == nil {
					tries.giveBack(who)
				}
				return err
			}
			who := callerOf(c.Request().Context()).session.ID
			if who == "" {
				who = hostOf(c.RealIP())
			}
			if !calls.take(who, time.Now()) {
				return tooMany()
			}
			return next(c)
		}
	}
}

// takesPassword reports whether a request tries a password or a code.
func takesPassword(c echo.Context) bool {
	switch c.Request().Method + " " + c.Path() {
	case "POST " + base + "/session", "POST " + base + "/session/sudo", "POST " + base + "/setup", "PUT " + base + "/me/password":
		return true
	}
	return false
}
