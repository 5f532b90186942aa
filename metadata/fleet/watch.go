package fleet

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// watchMax is how long a Watch waits at most, bumpEvery how often it may be woken.
const (
	watchMax  = 25 * time.Second
	bumpEvery = 500 * time.Millisecond
)

// version counts the changes of what people look at. It starts at the time, so
// that the numbers of two leaders are not taken for one another.
type version struct {
	at      uint64
	seen    uint64 // signature of the state that at is of
	bumped  time.Time
	changed chan struct{} // closed with the next bump
}

// see takes the state's signature and wakes who waits if it is another one.
// What comes too early is found by the next call.
func (v *version) see(signature uint64, now time.Time) {
	if v.changed == nil {
		v.changed = make(chan struct{})
		v.at, v.seen, v.bumped = uint64(now.UnixNano()), signature, now
		return
	}
	if signature == v.seen || now.Sub(v.bumped) < bumpEvery {
		return
	}
	v.at++
	v.seen, v.bumped = signature, now
	close(v.changed)
	v.changed = make(chan struct{})
}

// signature sums up verdict, checks, states of nodes and the fleet version.
func signature(t *term, w *world) uint64 {
	h := fnv.New64a()
	r := &t.status
	fmt.Fprint(h, r.Verdict, r.Since.UnixNano(), r.Repair.Paused, r.Repair.Running > 0, t.info.FleetVersion,
		t.info.LastEvent, t.info.LastAudit)
	for _, c := range r.Checks {
		fmt.Fprint(h, c.Code, c.Count, c.Affected, c.Muted.UnixNano(), ";")
	}
	for _, id := range sortedNodes(t.nodes) {
		s := w.sites[id]
		fmt.Fprint(h, id, s.live, s.state, ";")
	}
	return h.Sum64()
}

// Watch returns when the state of the cluster is of another version than after,
// with that version: a verdict, a check, a node's state, an operator's setting
// or an event has changed. It waits 25 s at most and then returns after.
func (f *Fleet) Watch(ctx context.Context, after uint64) (uint64, error) {
	timer := time.NewTimer(watchMax)
	defer timer.Stop()
	for {
		f.mu.Lock()
		t, err := f.leading()
		if err != nil {
			f.mu.Unlock()
			return 0, err
		}
		if t.version.changed == nil {
			t.version.see(0, time.Now()) // no plan was made yet
		}
		at, changed := t.version.at, t.version.changed
		f.mu.Unlock()
		if at != after {
			return at, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return after, nil
		case <-t.over:
			return 0, metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead any more; try again")
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Report returns the judgement as of the last plan, at most about a second old.
func (f *Fleet) Report(context.Context) (health.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return health.Report{}, err
	}
	if t.status.Verdict == "" {
		return health.Report{
			Verdict: health.Unknown, Sentence: "The leader has just begun its term.", Since: t.began.UTC(),
			AsOf: time.Now().UTC(), Cluster: t.info.ID, CanLose: -1, Copies: []health.Copies{}, Checks: []health.Check{},
		}, nil
	}
	return t.status, nil
}
