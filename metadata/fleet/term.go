package fleet

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// term is what a leader knows in its term: a copy of the namespace's fleet
// records, and what it was told since. All of it is guarded by Fleet.mu.
type term struct {
	began time.Time
	over  chan struct{} // closed when it ends
	info  metadata.ClusterInfo

	nodes    map[metadata.NodeID]*node
	sessions map[metadata.SessionID]*session
	volumes  map[metadata.VolumeID]*volume
	orders   *orders
	strays   map[copyKey]stray
	suspects map[copyKey]suspect
	reapings map[metadata.VolumeID]*reaping
	results  []*order // successful, to be proposed; bounded by ordersMax

	gathered   time.Time           // last look for dead blocks
	cursor     *metadata.DeadBlock // where the next look begins; nil: at the oldest
	reaped     time.Time           // last Reap
	leasedSeen time.Time           // last look at the counters of leased volumes
	silentSeen time.Time           // last look for copies that are not reported
	nodesRead  time.Time           // last reload for an unknown node or session
	planCost   time.Duration       // that the last plan took
	meter      meter
	status     health.Report
	version    version
	chronicle  *chronicle
	sampled    sampled
	waits      map[metadata.VolumeID]Stall  // of the last plan
	lastError  string                       // of a copy that failed
	urgent     map[metadata.VolumeID]bool   // volumes that an operator wants repaired first
	self       metadata.Presence            // this nameserver's own
	present    map[metadata.NodeID]presence // of nodes without disks
}

// node is a node's row, and what its heartbeats say.
type node struct {
	metadata.Node           // without Liveness, Heard; Disks hold the ids only
	instance      time.Time // when the process that reports as this node was started
	beat          beat
	disks         map[metadata.DiskID]*reported
}

// reported is a disk as its node last reported it.
type reported struct {
	metadata.Disk
	beat beat
}

type session struct {
	metadata.Session
	deadline time.Time
	renewed  time.Time // zero: not in this term
	closing  bool      // expired: it cannot be renewed any more
}

func newTerm() *term {
	return &term{
		over: make(chan struct{}), chronicle: newChronicle(),
		nodes:    make(map[metadata.NodeID]*node),
		sessions: make(map[metadata.SessionID]*session),
		volumes:  make(map[metadata.VolumeID]*volume),
		orders:   newOrders(time.Time{}),
		strays:   make(map[copyKey]stray),
		suspects: make(map[copyKey]suspect),
		reapings: make(map[metadata.VolumeID]*reaping),
		urgent:   make(map[metadata.VolumeID]bool),
		present:  make(map[metadata.NodeID]presence),
	}
}

// world builds what plans depend on. Its sites and disks are new, the rest is
// the term's own.
func (t *term) world(now time.Time, lim Limits) *world {
	w := &world{
		now: now, lim: lim, volumes: t.volumes, orders: t.orders,
		strays: t.strays, suspects: t.suspects, reapings: t.reapings, next: t.info.NextVolume,
		paused: t.paused(now), urgent: t.urgent,
		sites: make(map[metadata.NodeID]*site, len(t.nodes)),
		disks: make(map[metadata.DiskID]*disk, 2*len(t.nodes)),
	}
	for id, n := range t.nodes {
		s := &site{
			id: id, addr: n.Addr, zone: n.Zone, state: n.State,
			storage: slices.Contains(n.Roles, metadata.NodeDatanode),
		}
		s.live, s.downSince = liveness(now, t.began, n.beat, lim)
		w.sites[id] = s
		for _, d := range n.Disks {
			w.disks[d.ID] = t.disk(now, lim, s, n, d.ID)
		}
	}
	for _, o := range t.orders.byID {
		if d := w.disks[o.Disk]; d != nil && o.class == classRepair {
			w.reserve(d, max(0, o.bytes-o.done))
		}
	}
	_, w.braked = brakeUntil(now, slices.Collect(maps.Values(w.sites)))
	return w
}

func (t *term) disk(now time.Time, lim Limits, s *site, n *node, id metadata.DiskID) *disk {
	d := &disk{id: id, site: s}
	r := n.disks[id]
	if r == nil {
		d.live, _ = liveness(now, t.began, beat{}, lim)
		d.live = worse(d.live, s.live)
		return d
	}
	d.free, d.capacity, d.used, d.fileSystem = r.Free, r.Capacity, r.Used, r.FileSystem
	d.live, _ = liveness(now, t.began, r.beat, lim)
	d.live = worse(d.live, s.live)
	if r.Failed != "" {
		d.live = metadata.LivenessDown
	}
	return d
}

// mergeVolume takes over a volume's record unless a newer one is known.
func (t *term) mergeVolume(v metadata.Volume) *volume {
	known := t.volumes[v.ID]
	if known == nil {
		known = &volume{}
		t.volumes[v.ID] = known
	}
	if v.Changed > known.Changed || v.Changed == known.Changed && v.Epoch >= known.Epoch {
		known.Volume = v
	}
	return known
}

// mergeNodes takes over the nodes' rows and keeps what heartbeats said.
func (t *term) mergeNodes(rows []metadata.Node) {
	for _, row := range rows {
		n := t.nodes[row.ID]
		if n == nil {
			n = &node{disks: make(map[metadata.DiskID]*reported)}
			t.nodes[row.ID] = n
		}
		said := n.Node
		n.Node = row
		n.Version, n.Started, n.CertExpires = said.Version, said.Started, said.CertExpires
		n.ClockSkew, n.Traffic = said.ClockSkew, said.Traffic
	}
}

// mergeSessions takes over the list of sessions; new ones have a full time to live.
func (t *term) mergeSessions(rows []metadata.Session, now time.Time) {
	open := make(map[metadata.SessionID]bool, len(rows))
	for _, row := range rows {
		open[row.ID] = true
		if t.sessions[row.ID] == nil {
			t.sessions[row.ID] = &session{Session: row, deadline: now.Add(metadata.SessionTTL)}
		}
	}
	maps.DeleteFunc(t.sessions, func(id metadata.SessionID, _ *session) bool { return !open[id] })
}

// expiredSessions returns the sessions that are to be ended. From now on they
// cannot be renewed.
func (t *term) expiredSessions(now time.Time) []metadata.SessionID {
	var out []metadata.SessionID
	for id, s := range t.sessions {
		if s.closing || !now.Before(s.deadline) {
			s.closing = true
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// nodeViews returns the nodes as people want to see them, in order of id.
func (t *term) nodeViews(w *world) []metadata.Node {
	out := make([]metadata.Node, 0, len(t.nodes))
	for id, n := range t.nodes {
		row := n.Node
		row.Disks = make([]metadata.Disk, 0, len(n.Disks))
		for _, d := range n.Disks {
			if r := n.disks[d.ID]; r != nil {
				d = r.Disk
				if r.beat.heard.Before(n.beat.heard) && d.Failed == "" {
					// What it said when it was last there is not so any more.
					d = metadata.Disk{ID: d.ID, Path: d.Path, Failed: "not reported by its server any more"}
				}
			}
			row.Disks = append(row.Disks, d)
		}
		for _, r := range n.disks { // another node's: shown with the reason
			if !slices.ContainsFunc(n.Disks, func(d metadata.Disk) bool { return d.ID == r.ID }) {
				row.Disks = append(row.Disks, r.Disk)
			}
		}
		slices.SortFunc(row.Disks, func(a, b metadata.Disk) int { return cmp.Compare(a.ID, b.ID) })
		row.Heard = n.beat.heard
		row.Liveness = w.sites[id].live
		t.addPresence(&row, w.sites[id].storage, w.now)
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b metadata.Node) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// meter measures how fast copies are made: two exponentially weighted means,
// whose distance gives the width of an estimate.
type meter struct {
	bytes      int64 // since last
	last       time.Time
	fast, slow float64 // bytes per second over about 15 s and 2 min
	since      time.Time
	moved      time.Time // when bytes last came
}

// meterIdle is how long nothing is copied until a measurement is over: the
// next repair's speed is not averaged with the rest before it.
const meterIdle = 30 * time.Second

func (m *meter) tick(now time.Time) {
	if m.last.IsZero() {
		m.last, m.since = now, now
		return
	}
	dt := now.Sub(m.last).Seconds()
	if dt <= 0 {
		return
	}
	switch {
	case m.bytes > 0:
		m.moved = now
	case now.Sub(m.moved) >= meterIdle:
		*m = meter{last: now, since: now, moved: m.moved}
		return
	}
	rate := float64(m.bytes) / dt
	// A mean over less than its span so far is the plain mean of what there is.
	age := now.Sub(m.since).Seconds()
	m.fast += (rate - m.fast) * min(1, dt/min(15, max(age, dt)))
	m.slow += (rate - m.slow) * min(1, dt/min(120, max(age, dt)))
	m.bytes, m.last = 0, now
}

// eta estimates the seconds that so many bytes take; 0, 0 when nothing moves.
func (m *meter) eta(left int64) (least, most int64) {
	high, low := max(m.fast, m.slow), min(m.fast, m.slow)
	if left <= 0 || low < 1 || low < high/100 {
		return 0, 0
	}
	return int64(float64(left) / high / 1.15), int64(float64(left)/low*1.15) + 1
}
