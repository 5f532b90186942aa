package admin

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"kendfs/metadata"
)

// Times of the feed.
const (
	pollEvery   = time.Second      // between two readings of the figures
	askTimeout  = 5 * time.Second  // of one reading
	watchWait   = 30 * time.Second // a watch returns by itself after 25 s
	watchEvery  = time.Second      // between two watches
	eventsAhead = 200              // events of one reading
	againEvery  = 15 * time.Second // the verdict is told again, changed or not
)

// feed reads the cluster for everybody and says what has changed.
type feed struct {
	s     *Server
	wake  chan struct{} // something changed: read now
	last  *snapshot     // as it was published last
	event uint64        // newest that was published
	told  map[string]string
	again time.Time // when the verdict was told last
	nodes nodesTold
	queue queueTold
}

// watch wakes the poll when the nameservers say that something has changed.
func (f *feed) watch(ctx context.Context) {
	var version uint64
	for ctx.Err() == nil {
		ask, cancel := context.WithTimeout(ctx, watchWait)
		v, err := f.s.cfg.Cluster.Watch(ask, version)
		cancel()
		if err == nil && v != version {
			version = v
			select {
			case f.wake <- struct{}{}:
			default: // it is going to read anyway
			}
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
		}
	}
}

// poll reads the figures once a second and publishes what is new.
func (f *feed) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	f.told = map[string]string{}
	for {
		f.read(ctx)
		f.publish(ctx)
		select {
		case <-tick.C:
		case <-f.wake:
		case <-ctx.Done():
			return
		}
	}
}

// read makes a new snapshot. When nobody answers the old one stays, and is
// stale before long.
func (f *feed) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c := f.s.cfg.Cluster
	n := &snapshot{AsOf: time.Now().UTC()}
	var err error
	if n.Report, err = c.Report(ctx); err != nil {
		f.lost(ctx, err)
		return
	}
	if n.Nodes, err = c.Nodes(ctx); err != nil {
		f.lost(ctx, err)
		return
	}
	if n.Repairs, err = c.Repairs(ctx); err != nil {
		f.lost(ctx, err)
		return
	}
	if n.Info, err = c.Cluster(ctx); err != nil {
		f.lost(ctx, err)
		return
	}
	n.rates = ratesOf(f.s.snap.get(), n)
	f.s.snap.put(n)
}

func (f *feed) lost(ctx context.Context, err error) {
	if ctx.Err() == nil || metadata.KindOf(err) != metadata.KindCanceled {
		f.s.log.Debug("the cluster cannot be read", "err", err)
	}
}

// publish tells the streams what is new.
func (f *feed) publish(ctx context.Context) {
	n := f.s.snap.get()
	h := apiHealth(n)
	same := h
	same.AsOf, same.Report.AsOf, same.Report.LastChange, same.Report.Nameserver.Applied = time.Time{}, time.Time{}, time.Time{}, 0
	if now := time.Now(); now.Sub(f.again) >= againEvery {
		// Whoever read a verdict that was stale for a moment is not left with it.
		f.again = now
		delete(f.told, "health")
	}
	f.tell("health", h, same)
	if f.last == nil || n.AsOf != f.last.AsOf {
		f.publishNodes(n)
		f.publishQueue(n)
		tasks := apiTasks(n)
		samet := tasks
		samet.AsOf = time.Time{}
		f.tell("tasks", tasks, samet)
		f.events(ctx, n)
		f.metrics(n)
	}
	f.last = n
}

// metrics takes a sample of what is new, and saves the history now and then.
func (f *feed) metrics(n *snapshot) {
	if n.stale {
		return
	}
	f.send("metrics", f.s.sample(n))
	f.s.history.Keep(func(id metadata.NodeID) bool { return n.byID(id) != nil })
	if f.s.history.Due(time.Now()) {
		if err := f.s.saveHistory(); err != nil {
			f.s.log.Warn("the history cannot be saved", "err", err)
		}
	}
}

// tell publishes data unless same, which is data without the times of its
// counting, is as it was.
func (f *feed) tell(topic string, data, same any) {
	if !f.s.hub.Wanted(topic) {
		delete(f.told, topic)
		return
	}
	b, err := json.Marshal(same)
	if err != nil || f.told[topic] == string(b) {
		return
	}
	f.told[topic] = string(b)
	f.send(topic, data)
}

func (f *feed) send(topic string, data any) {
	if err := f.s.hub.Publish(topic, data); err != nil {
		f.s.log.Error("publish", "topic", topic, "err", err)
	}
}

// events publishes the events since the last reading, oldest first.
func (f *feed) events(ctx context.Context, n *snapshot) {
	newest := n.Info.LastEvent
	if f.event == 0 || newest < f.event || !f.s.hub.Wanted("event") {
		f.event = newest
		return
	}
	if newest == f.event {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	list, _, err := f.s.cfg.Cluster.Events(ctx, metadata.EventQuery{After: f.event, Limit: eventsAhead})
	if err != nil {
		return // again with the next reading
	}
	for _, e := range slices.Backward(list) {
		f.event = max(f.event, e.ID)
		f.send("event", apiEvent(e))
	}
}

// eventID is how ids of events appear.
func eventID(id uint64) string { return strconv.FormatUint(id, 10) }
