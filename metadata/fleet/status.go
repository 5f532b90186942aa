package fleet

import (
	"cmp"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// counting adds up what the judgement follows from.
type counting struct {
	*health.Report
	least  int   // nodes with a live copy of the volume that has the fewest; -1: no volume holds data
	wanted int64 // bytes of all copies that should be
}

// count fills in the figures that follow from the world.
func (w *world) count(r *health.Report) counting {
	s := counting{Report: r, least: -1}
	byCopies := make(map[[2]int]*health.Count)
	for _, v := range w.volumes {
		switch v.State {
		case metadata.VolumeFencing:
			s.Fencing++
		case metadata.VolumeLeased:
			s.Leased++
		}
		add(&s.Volumes, v)
		s.wanted += v.Bytes * int64(v.Target)
		for _, r := range v.Replicas {
			if site := w.sites[r.Node]; site != nil {
				site.listed++
			}
		}
		if v.Blocks > 0 { // an empty volume cannot be lost
			s.countCopies(w, v, byCopies)
		}
	}
	s.Copies = make([]health.Copies, 0, len(byCopies))
	for k, n := range byCopies {
		s.Copies = append(s.Copies, health.Copies{Live: k[0], Target: k[1], Count: *n})
	}
	slices.SortFunc(s.Copies, func(a, b health.Copies) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Live, b.Live))
	})
	s.countNodes(w)
	s.countOrders(w)
	s.CanLose = max(0, s.least-1)
	if s.least < 0 {
		s.CanLose = s.Nodes.Up
	}
	return s
}

func add(c *health.Count, v *volume) {
	c.Volumes++
	c.Bytes += v.Bytes
}

// countCopies sorts a volume that holds data by its live copies.
func (s *counting) countCopies(w *world, v *volume, byCopies map[[2]int]*health.Count) {
	c := census{live: v.Target}
	whole := w.whole(v)
	if !whole {
		c = w.census(v)
	}
	for _, r := range v.Replicas {
		if site := w.sites[r.Node]; site != nil {
			site.volumes++
			site.bytes += v.Bytes
		}
	}
	if n := w.nodesWith(v); s.least < 0 || n < s.least {
		s.least = n
	}
	k := [2]int{c.live, v.Target}
	if byCopies[k] == nil {
		byCopies[k] = new(health.Count)
	}
	add(byCopies[k], v)
	if c.live >= v.Target {
		v.below = time.Time{}
		return
	}
	if v.below.IsZero() {
		v.below = w.now
	}
	add(&s.Below, v)
	if missing := c.missing(v.Target); missing > 0 {
		s.Repair.BytesLeft += int64(missing) * v.Bytes
	}
	switch {
	case c.live == 0:
		add(&s.Unavailable, v)
	case c.live == 1:
		add(&s.AtRisk, v)
	}
}

// nodesWith counts the nodes that have a copy of v which is there: two copies
// on disks of one node are lost together.
func (w *world) nodesWith(v *volume) int {
	n := 0
	for i, r := range v.Replicas {
		if !w.there(r) {
			continue
		}
		again := slices.ContainsFunc(v.Replicas[:i], func(o metadata.Replica) bool { return o.Node == r.Node && w.there(o) })
		if !again {
			n++
		}
	}
	return n
}

// there reports whether a replica counts as a live copy.
func (w *world) there(r metadata.Replica) bool {
	d, s := w.disks[r.Disk], w.sites[r.Node]
	return d != nil && s != nil && s.state != metadata.NodeRemoved && d.live != metadata.LivenessDown
}

func (s *counting) countNodes(w *world) {
	for _, n := range w.sites {
		if !n.storage || n.state == metadata.NodeRemoved {
			continue
		}
		switch n.state {
		case metadata.NodeDraining:
			s.Nodes.Draining++
		case metadata.NodeMaintenance:
			s.Nodes.Maintenance++
		}
		switch n.live {
		case metadata.LivenessUp:
			s.Nodes.Up++
		case metadata.LivenessSuspect:
			s.Nodes.Suspect++
		case metadata.LivenessDown:
			s.Nodes.Down++
		default:
			s.Nodes.Unknown++
		}
	}
	var all []metadata.Disk
	for _, d := range w.disks {
		if d.site.state == metadata.NodeRemoved {
			continue
		}
		s.Used += d.used
		room := metadata.Disk{Capacity: d.capacity, FileSystem: d.fileSystem}
		if d.live != metadata.LivenessDown {
			room.Free = d.free
		}
		all = append(all, room)
	}
	s.Capacity, s.Free = metadata.RoomOf(all)
}

func (s *counting) countOrders(w *world) {
	for _, o := range w.orders.byID {
		if o.sync() {
			s.Repair.Running++
		}
		if o.class == classRepair {
			s.Repair.BytesLeft -= min(o.done, o.bytes)
		}
	}
	s.Repair.BytesLeft = max(0, s.Repair.BytesLeft)
	for _, f := range w.orders.failed {
		if w.now.Before(f.until) {
			s.Repair.Failing++
		}
	}
}

// renewStatus makes the judgement anew. The caller holds mu.
func (f *Fleet) renewStatus(t *term, w *world, p plan) {
	if f.cfg.Self != nil {
		t.self = f.cfg.Self()
		t.self.Sent = w.now
	}
	for id := range t.urgent {
		if v := t.volumes[id]; v == nil || w.whole(v) {
			delete(t.urgent, id)
		}
	}
	r := health.Judge(f.figures(t, w, p))
	if r.Verdict != t.status.Verdict {
		f.log.Info("state of the data", "verdict", r.Verdict, "sentence", r.Sentence)
	}
	t.chronicle.conclude(&r)
	for _, e := range t.chronicle.news() {
		if e.Code != eventVerdict {
			f.log.Info(e.Text, "event", e.Code)
		}
	}
	t.status, t.waits = r, p.waits
	t.version.see(signature(t, w), w.now)
}

// figures counts everything.
func (f *Fleet) figures(t *term, w *world, p plan) health.Figures {
	r := health.Report{
		AsOf: w.now.UTC(), Cluster: t.info.ID, Dead: t.info.Dead, Trash: t.info.Trash, ReadOnly: t.info.ReadOnly,
		LastChange: t.info.Now,
	}
	if f.cfg.Voters != nil {
		r.Voters, r.VotersHealthy = f.cfg.Voters()
	}
	if f.cfg.Nameserver != nil {
		r.Nameserver = f.cfg.Nameserver()
		r.Nameserver.Name = t.nameOf(r.Nameserver.Leader)
	}
	counted := w.count(&r)
	t.chronicle.follow(t, w)
	r.DaysToFull = t.sampled.fill(w.now, counted.wanted, r.Free)
	open, _ := w.openDisks()
	r.Writable = nodesOf(open) >= writeReplicasMin(max(1, t.info.Replication))
	t.repairProgress(w, p, &r)
	r.Repair.Limit = f.repairRate(t)
	r.Nodes.Missing = t.downNames(w)
	out := health.Figures{
		Facts: r, Machines: t.machines(w), Target: t.info.Replication, Mutes: t.info.Mutes,
		Known: t.chronicle.verdict, KnownSince: t.chronicle.since, Quotas: t.sampled.quotas,
		LoginFailures: t.sampled.failures(w.now), LastError: t.lastError, Short: p.short, Why: p.shortWhy.Phrase(),
	}
	if t.status.Verdict != "" {
		out.Previous = &t.status
	}
	for _, v := range w.volumes {
		for range v.damaged {
			add(&out.Corrupt, v)
		}
	}
	for k, s := range w.suspects {
		if v := w.volumes[k.volume]; s.confirmed && v != nil && !slices.Contains(v.damaged, k.disk) {
			add(&out.Corrupt, v)
		}
	}
	return out
}

// repairProgress says how the copies get on.
func (t *term) repairProgress(w *world, p plan, r *health.Report) {
	if till, on := brakeUntil(w.now, sitesOf(w)); on {
		r.Repair.Paused, r.Repair.PausedTill, r.Repair.PausedBy = true, till.UTC(), health.PausedByBrake
	}
	if w.paused {
		r.Repair.Paused, r.Repair.PausedTill, r.Repair.PausedBy = true, t.info.RepairPausedUntil, health.PausedByOperator
	}
	r.Repair.BytesPerS = int64(t.meter.fast)
	r.Repair.ETAMin, r.Repair.ETAMax = t.meter.eta(r.Repair.BytesLeft)
	if r.Repair.Running == 0 && r.Below.Volumes > 0 {
		why := p.mostly().Phrase()
		r.Repair.Stalled, r.Repair.StalledPhrase = why.String(), why.Key()
	}
}

// machines returns what checks look at, in order of id.
func (t *term) machines(w *world) []health.Machine {
	out := make([]health.Machine, 0, len(t.nodes))
	for _, id := range sortedNodes(t.nodes) {
		n, s, ch := t.nodes[id], w.sites[id], t.chronicle.chapters[id]
		if n.State == metadata.NodeRemoved {
			continue
		}
		row := n.Node
		t.addPresence(&row, s.storage, w.now)
		m := health.Machine{
			ID: id.String(), Name: n.Name, Storage: s.storage, Nameserver: slices.Contains(n.Roles, metadata.NodeNameserver),
			State: n.State, StateSince: n.StateSince, Until: n.Until, Live: s.live, DownSince: s.downSince.UTC(),
			Volumes: s.listed, Bytes: s.bytes, Version: row.Version, CertExpires: row.CertExpires, Skew: row.ClockSkew,
		}
		if ch != nil {
			m.Falls, m.Moved = len(ch.falls), ch.moved
			if ch.live == metadata.LivenessDown && s.live == metadata.LivenessDown {
				m.DownSince = ch.fell.UTC()
			}
		}
		for _, d := range n.Disks {
			if r := n.disks[d.ID]; r != nil {
				m.Disks = append(m.Disks, health.Disk{
					ID: d.ID.String(), Path: r.Path, Failed: r.Failed, Capacity: r.Capacity, Free: r.Free, Used: r.Used,
					FileSystem: r.FileSystem,
				})
			}
		}
		out = append(out, m)
	}
	return out
}

func sortedNodes(nodes map[metadata.NodeID]*node) []metadata.NodeID {
	ids := make([]metadata.NodeID, 0, len(nodes))
	for id := range nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// nameOf returns the name of the node with that id.
func (t *term) nameOf(id string) string {
	parsed, err := metadata.ParseNodeID(id)
	if n := t.nodes[parsed]; err == nil && n != nil {
		return n.Name
	}
	return ""
}

func sitesOf(w *world) []*site {
	out := make([]*site, 0, len(w.sites))
	for _, s := range w.sites {
		out = append(out, s)
	}
	return out
}

// mostly returns the reason that holds up the most volumes.
func (p *plan) mostly() (why Stall) {
	for stall, n := range p.stalls {
		if n > p.stalls[why] || n == p.stalls[why] && stall < why {
			why = stall
		}
	}
	return why
}

// downNames returns the names of up to three storage servers that are down.
func (t *term) downNames(w *world) []string {
	var ids []metadata.NodeID
	for id, s := range w.sites {
		if s.storage && s.state != metadata.NodeRemoved && s.live == metadata.LivenessDown {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var names []string
	for _, id := range ids[:min(len(ids), 3)] {
		names = append(names, t.nodes[id].Name)
	}
	return names
}

// repairRate is what each storage server may pull: the operators' setting, else
// that of the configuration.
func (f *Fleet) repairRate(t *term) int64 {
	if t.info.RepairBytesPerSecond > 0 {
		return t.info.RepairBytesPerSecond
	}
	return f.cfg.RepairBytesPerSecond
}

// limits are the configured ones with the operators' settings over them.
func (f *Fleet) limits(t *term) Limits {
	l := f.cfg.Limits
	l.SuspectAfter = cmp.Or(t.info.SuspectAfter, l.SuspectAfter)
	l.DownAfter = max(l.SuspectAfter, cmp.Or(t.info.DownAfter, l.DownAfter))
	return l
}

// paused reports whether an operator has paused repair.
func (t *term) paused(now time.Time) bool { return t.info.RepairPausedUntil.After(now) }
