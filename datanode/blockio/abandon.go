package blockio

import (
	"context"

	"kendfs/metadata"
)

// abandonedMax bounds the contents that wait to be given up; beyond it they are
// released with their session.
const abandonedMax = 4096

// abandoned is what an upload had staged when it failed.
type abandoned struct {
	session *session
	content metadata.ContentID
}

// abandon has a staged content released soon. Nobody waits for it: what the
// nameserver does not hear of ends with the session.
func (l *leases) abandon(s *session, content metadata.ContentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.abandoned) >= abandonedMax {
		return
	}
	l.abandoned = append(l.abandoned, abandoned{s, content})
	l.wake()
}

// unstage gives up what failed uploads have staged. A content that was
// committed after all is refused as stale and stays.
func (l *leases) unstage(ctx context.Context) {
	l.mu.Lock()
	todo := l.abandoned
	l.abandoned = nil
	l.mu.Unlock()
	for i, a := range todo {
		if a.session.over() {
			continue
		}
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		_, err := l.cfg.Stager.Stage(callCtx, metadata.Stage{Session: a.session.id, Content: a.content, Abandon: true})
		cancel()
		if err != nil && metadata.KindOf(err).Retryable() && metadata.KindOf(err) != metadata.KindStale {
			l.mu.Lock()
			l.abandoned = append(l.abandoned, todo[i:]...) // the next round tries again
			l.mu.Unlock()
			return
		}
	}
}
