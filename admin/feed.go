package admin

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// Times of the feed.
const (
	pollEvery   = time.Second      // between two readings of the figures
	askTimeout  = 5 * time.Second  // of one reading
	watchWait   = 30 * time.Second // a watch returns by itself after 25 s
	watchEvery  = time.Second      // between two watches
	eventsAhead = 200              // events of one reading
	repairsLive = 100              // of the queue, in a message
	figuresLive = 25               // nodes in a message whose figures alone have changed
)

// feed reads the cluster for everybody and says what has changed.
type feed struct {
	s     *Server
	wake  chan struct{} // something changed: read now
	last  *snapshot     // as it was published last
	event uint64        // newest that was published
	told  map[string]string
	sent  map[metadata.NodeID]api.Node // as the streams know them; nil: nobody listens
	turn  int                          // where the nodes' figures go on
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
	f.tell("health", h, same)
	if f.last == nil || n.AsOf != f.last.AsOf {
		f.nodes(n)
		reps := apiRepairs(n)
		reps.Queue = reps.Queue[:min(len(reps.Queue), repairsLive)]
		samer := reps
		samer.AsOf = time.Time{}
		f.tell("repairs", reps, samer)
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

// nodes publishes the nodes that are not as they were. A changed state goes out
// at once; figures of nodes that are busy as ever go out in turn, some in each
// message, so that a thousand nodes do not fill everybody's line.
func (f *feed) nodes(n *snapshot) {
	if !f.s.hub.Wanted("nodes") {
		f.sent = nil
		return
	}
	if f.sent == nil {
		// Who opened a stream and then read the nodes has those of the snapshot
		// before, or newer ones.
		before := f.last
		if before == nil {
			before = n
		}
		f.sent = map[metadata.NodeID]api.Node{}
		for i := range before.Nodes {
			f.sent[before.Nodes[i].ID] = apiNode(before, &before.Nodes[i])
		}
	}
	ch := api.NodeChanges{Changed: []api.Node{}, Removed: []string{}}
	there := make(map[metadata.NodeID]bool, len(n.Nodes))
	quiet, first := 0, f.turn
	for k := range n.Nodes {
		m := &n.Nodes[(k+first)%len(n.Nodes)]
		there[m.ID] = true
		now, old := apiNode(n, m), f.sent[m.ID]
		switch {
		case moved(&old, &now):
		case quiet < figuresLive && stirred(&old, &now):
			if quiet++; quiet == figuresLive {
				f.turn = (k + first + 1) % len(n.Nodes)
			}
		default:
			continue
		}
		f.sent[m.ID] = now
		ch.Changed = append(ch.Changed, now)
	}
	for id := range f.sent {
		if !there[id] {
			ch.Removed = append(ch.Removed, id.String())
			delete(f.sent, id)
		}
	}
	slices.Sort(ch.Removed)
	if len(ch.Changed)+len(ch.Removed) > 0 {
		f.send("nodes", ch)
	}
}

// moved reports whether something about a node changed that people wait for.
func moved(a, b *api.Node) bool {
	x, y := *a, *b
	for _, n := range []*api.Node{&x, &y} {
		n.Heard, n.ReadBytesPerSecond, n.WriteBytesPerSecond, n.LatencyP99Ms = nil, 0, 0, nil
		n.UsedBytes, n.FreeBytes, n.Volumes, n.Drain = 0, 0, 0, nil
		n.Disks = slices.Clone(n.Disks)
		for i := range n.Disks {
			n.Disks[i].UsedBytes, n.Disks[i].FreeBytes, n.Disks[i].Volumes = 0, 0, 0
		}
	}
	return !reflect.DeepEqual(x, y)
}

// stirred reports whether a node's figures are others than they were.
func stirred(a, b *api.Node) bool {
	far := func(x, y float64) bool { return math.Abs(x-y) > 0.1*max(x, y) }
	return a.UsedBytes != b.UsedBytes || a.FreeBytes != b.FreeBytes || a.Volumes != b.Volumes || !reflect.DeepEqual(a.Drain, b.Drain) ||
		far(a.ReadBytesPerSecond, b.ReadBytesPerSecond) || far(a.WriteBytesPerSecond, b.WriteBytesPerSecond) ||
		far(deref(a.LatencyP99Ms), deref(b.LatencyP99Ms))
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
