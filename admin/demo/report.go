package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// count makes the report and the queue of repairs of what there is now. The
// lock is held.
func (d *Cluster) count() {
	before := d.report
	f := health.Figures{Facts: d.facts(), Target: d.info.Replication, Mutes: d.info.Mutes}
	if before.Verdict != "" {
		f.Previous = &before
	}
	f.LoginFailures = d.loginFailures()
	f.Machines = d.machines()
	d.queue(&f)
	d.report = health.Judge(f)
	if before.Verdict != "" && before.Verdict != d.report.Verdict {
		d.event(string(d.report.Verdict.Severity()), "VERDICT", nil, phrase.Told(d.report.SentencePhrase, d.report.Sentence))
	}
	if before.Verdict != d.report.Verdict || len(before.Checks) != len(d.report.Checks) || before.Nodes.Down != d.report.Nodes.Down {
		d.bump()
	}
}

// facts counts nodes, volumes and space.
func (d *Cluster) facts() health.Report {
	r := health.Report{
		AsOf: d.now, Cluster: d.info.ID, Voters: 3, VotersHealthy: 3, ReadOnly: d.info.ReadOnly, Writable: true,
		Nameserver: health.Nameserver{Leader: "n1", Name: "ns-1", Term: 7, Applied: 8_812_004 + uint64(d.now.Sub(d.began)/time.Second)*37},
		LastChange: d.now, Copies: []health.Copies{}, CanLose: 1, Trash: 2, Dead: 1204,
	}
	for _, n := range d.nodes {
		n.volumes, n.bytes = 0, 0
		for i := range n.Disks {
			n.Disks[i].Used, n.Disks[i].Volumes = 0, 0
		}
	}
	byCopies := map[[2]int]*health.Count{}
	for _, v := range d.volumes {
		live := 0
		for _, rep := range v.Replicas {
			d.book(rep, v.Bytes)
			if d.alive(rep) {
				live++
			}
		}
		c := byCopies[[2]int{v.Target, live}]
		if c == nil {
			c = &health.Count{}
			byCopies[[2]int{v.Target, live}] = c
		}
		add(c, v.Bytes)
		add(&r.Volumes, v.Bytes)
		if v.State == metadata.VolumeLeased {
			r.Leased++
		}
		if live >= v.Target {
			continue
		}
		add(&r.Below, v.Bytes)
		switch live {
		case 0:
			add(&r.Unavailable, v.Bytes)
		case 1:
			add(&r.AtRisk, v.Bytes)
			r.CanLose = 0
		}
	}
	for k, c := range byCopies {
		r.Copies = append(r.Copies, health.Copies{Target: k[0], Live: k[1], Count: *c})
	}
	slices.SortFunc(r.Copies, func(a, b health.Copies) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Live, b.Live))
	})
	d.countNodes(&r)
	days := float64(r.Free) / (1.2e12)
	r.DaysToFull = &days
	return r
}

func add(c *health.Count, bytes int64) {
	c.Volumes++
	c.Bytes += bytes
}

// book adds a replica to the disk that has it.
func (d *Cluster) book(rep metadata.Replica, bytes int64) {
	n := d.at(rep.Node)
	n.volumes++
	n.bytes += bytes
	for i := range n.Disks {
		if n.Disks[i].ID == rep.Disk {
			n.Disks[i].Used += bytes
			n.Disks[i].Volumes++
		}
	}
}

const missingMax = 5

func (d *Cluster) countNodes(r *health.Report) {
	for _, n := range d.nodes {
		if len(n.Disks) == 0 || n.State == metadata.NodeRemoved {
			continue
		}
		for i := range n.Disks {
			disk := &n.Disks[i]
			disk.Free = max(0, disk.Capacity-disk.Used-disk.Capacity/50)
			r.Capacity += disk.Capacity
			r.Used += disk.Used
			r.Free += disk.Free
		}
		switch n.State {
		case metadata.NodeDraining:
			r.Nodes.Draining++
		case metadata.NodeMaintenance:
			r.Nodes.Maintenance++
		}
		switch n.Liveness {
		case metadata.LivenessUp:
			r.Nodes.Up++
		case metadata.LivenessSuspect:
			r.Nodes.Suspect++
		default:
			r.Nodes.Down++
			if len(r.Nodes.Missing) < missingMax {
				r.Nodes.Missing = append(r.Nodes.Missing, n.Name)
			}
		}
	}
}

// machines are the nodes as the judgement wants them.
func (d *Cluster) machines() []health.Machine {
	var all []health.Machine
	for _, n := range d.nodes {
		if n.State == metadata.NodeRemoved {
			continue
		}
		m := health.Machine{
			ID: n.ID.String(), Name: n.Name, Storage: len(n.Disks) > 0, Nameserver: n.Roles[0] == metadata.NodeNameserver,
			State: n.State, StateSince: n.StateSince, Until: n.Until, Live: n.Liveness, DownSince: n.downSince, Falls: n.falls,
			Volumes: n.volumes, Bytes: n.bytes, Moved: n.movedAt, Version: n.Version, CertExpires: n.CertExpires, Skew: n.ClockSkew,
		}
		for _, disk := range n.Disks {
			m.Disks = append(m.Disks, health.Disk{ID: disk.ID.String(), Path: disk.Path, Failed: disk.Failed,
				Capacity: disk.Capacity, Free: disk.Free, Used: disk.Used, FileSystem: disk.FileSystem})
		}
		all = append(all, m)
	}
	return all
}

// queue makes the list of repairs and the figures of their progress.
func (d *Cluster) queue(f *health.Figures) {
	p := &f.Facts.Repair
	p.Limit, p.Paused = d.info.RepairBytesPerSecond, d.paused()
	if p.Paused {
		p.PausedTill, p.PausedBy = d.info.RepairPausedUntil, health.PausedByOperator
		p.Stalled, p.StalledPhrase = fleet.StallPaused.Phrase().String(), fleet.StallPaused.Phrase().Key()
	}
	reps := health.Repairs{AsOf: d.now, Queue: []health.Repair{}, Drains: []health.Drain{}}
	for _, v := range d.volumes {
		j := v.job
		if j == nil {
			continue
		}
		reps.Total++
		p.BytesLeft += max(0, v.Bytes-j.done)
		switch j.state {
		case "running":
			p.Running++
		case "failed":
			p.Failing++
			f.LastError = j.err
		}
		reps.Queue = append(reps.Queue, d.repairOf(v))
	}
	slices.SortStableFunc(reps.Queue, func(a, b health.Repair) int {
		return cmp.Or(cmp.Compare(d.rank(a), d.rank(b)), a.Since.Compare(b.Since))
	})
	reps.Queue = reps.Queue[:min(len(reps.Queue), health.RepairsMax)]
	reps.Drains = d.drains()
	d.repairs = reps
	d.rate += (float64(int64(p.Running)*d.rateOf()) - d.rate) * 0.3
	if p.BytesPerS = int64(d.rate); p.BytesPerS > 1<<20 && p.BytesLeft > 0 && !p.Paused {
		eta := p.BytesLeft / p.BytesPerS
		p.ETAMin, p.ETAMax = eta*4/5, eta*3/2+20
	}
}

// rank orders repairs: what was asked for, then what has the fewest copies.
func (d *Cluster) rank(r health.Repair) int {
	id, _ := metadata.ParseVolumeID(r.Volume)
	if d.urgent[id] {
		return -1
	}
	n := r.Live * 10
	switch r.State {
	case "failed":
		n++
	case "waiting":
		n += 2
	}
	return n
}

func (d *Cluster) repairOf(v *volume) health.Repair {
	j := v.job
	r := health.Repair{
		Volume: v.ID.String(), Class: j.class, State: j.state, Live: d.live(v), Target: v.Target, Bytes: v.Bytes,
		BytesDone: min(j.done, v.Bytes), Blocks: v.Blocks, Since: j.since, Tries: j.tries, NextTry: j.nextTry,
		LastError: j.err, WaitReason: j.wait.Phrase().String(), WaitPhrase: j.wait.Phrase().Key(), On: []string{},
	}
	if j.state != "failed" {
		r.NextTry = time.Time{}
	}
	for _, rep := range v.Replicas {
		r.On = append(r.On, rep.Node.String())
	}
	if j.state == "running" || j.state == "failed" {
		r.From, r.To = j.from.ID.String(), j.to.ID.String()
	}
	return r
}

func (d *Cluster) drains() []health.Drain {
	out := []health.Drain{}
	for _, n := range d.nodes {
		if n.State == metadata.NodeDraining {
			out = append(out, health.Drain{Node: n.ID.String(), Name: n.Name, Volumes: n.volumes, Bytes: n.bytes, Ready: n.volumes == 0})
		}
	}
	return out
}

// Report implements admin.Cluster.
func (d *Cluster) Report(context.Context) (health.Report, error) {
	defer d.look()()
	return d.report, nil
}

// Repairs implements admin.Cluster.
func (d *Cluster) Repairs(context.Context) (health.Repairs, error) {
	defer d.look()()
	return d.repairs, nil
}

// Nodes implements admin.Cluster.
func (d *Cluster) Nodes(context.Context) ([]metadata.Node, error) {
	defer d.look()()
	out := make([]metadata.Node, len(d.nodes))
	for i, n := range d.nodes {
		out[i] = n.Node
		out[i].Disks = slices.Clone(n.Disks)
		out[i].Traffic.Latency = slices.Clone(n.Traffic.Latency)
	}
	return out, nil
}

// SafeToStop implements admin.Cluster.
func (d *Cluster) SafeToStop(_ context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	defer d.look()()
	if len(ids) == 0 {
		return health.StopFacts{}, metadata.Errorf(metadata.KindInvalid, "no node is named")
	}
	f := health.StopFigures{Now: d.report, Down: true}
	f.Facts.Writable = true
	var numbers, names []string
	for _, id := range ids {
		n := d.at(id)
		if n == nil {
			return health.StopFacts{}, errNoNode(id)
		}
		numbers, names = append(numbers, n.ID.String()), append(names, n.Name)
		f.Down = f.Down && n.Liveness == metadata.LivenessDown
		f.Facts.RepairBytes += n.bytes
		if n.Roles[0] == metadata.NodeNameserver {
			f.Nameserver++
		}
	}
	f.Facts.Node, f.Facts.Name = strings.Join(numbers, ", "), strings.Join(names, ", ")
	for _, v := range d.volumes {
		left, here := 0, false
		for _, rep := range v.Replicas {
			if slices.Contains(ids, rep.Node) {
				here = true
			} else if d.alive(rep) {
				left++
			}
		}
		switch {
		case !here:
		case left == 0:
			add(&f.Facts.Unavailable, v.Bytes)
		case left == 1 && v.Target > 1:
			add(&f.Facts.AtRisk, v.Bytes)
			add(&f.Facts.Below, v.Bytes)
		case left < v.Target:
			add(&f.Facts.Below, v.Bytes)
		}
	}
	return health.JudgeStop(f), nil
}

func errNoNode(id metadata.NodeID) error {
	return metadata.Errorf(metadata.KindNotFound, "there is no node %s", id)
}

// SetNode implements admin.Cluster.
func (d *Cluster) SetNode(ctx context.Context, id metadata.NodeID, c metadata.NodeChange) (metadata.Node, error) {
	defer d.look()()
	n := d.at(id)
	if n == nil {
		return metadata.Node{}, errNoNode(id)
	}
	if n.State == metadata.NodeRemoved {
		return metadata.Node{}, metadata.Errorf(metadata.KindConflict, "node %s is removed and cannot come back; let it join anew", id)
	}
	if err := d.checkChange(n, c); err != nil {
		return metadata.Node{}, err
	}
	action := "node.put"
	if c.State != nil {
		n.State, n.StateSince, n.Until, n.movedAt = *c.State, d.now, time.Time{}, d.now
		action = "node." + n.State.String()
	}
	if c.Until != nil && n.State == metadata.NodeMaintenance {
		n.Until = *c.Until
	}
	if c.Zone != nil {
		n.Zone, n.ZoneSet = cmp.Or(*c.Zone, n.MachineZone), *c.Zone != ""
		if c.State == nil && c.Name == nil {
			action = "node.zone"
		}
	}
	if c.Name != nil {
		n.Name = *c.Name
	}
	d.did(ctx, action, n.ID.String(), fmt.Sprintf("state %s, zone %s", n.State, n.Zone))
	d.count()
	d.bump()
	return n.Node, nil
}

// checkChange refuses what the namespace would, before anything is changed.
func (d *Cluster) checkChange(n *node, c metadata.NodeChange) error {
	state := n.State
	if c.State != nil {
		state = *c.State
	}
	switch {
	case state > metadata.NodeRemoved:
		return metadata.Errorf(metadata.KindInvalid, "%d is not a node's state", state)
	case state == metadata.NodeRemoved && n.volumes > 0:
		return metadata.Errorf(metadata.KindConflict, "%s still holds replicas of %d volumes: drain it first", n.Name, n.volumes)
	case c.Until == nil || c.Until.IsZero():
	case state != metadata.NodeMaintenance:
		return metadata.Errorf(metadata.KindInvalid, "node %s is not in maintenance: there is no end to set", n.ID)
	case !c.Until.After(d.now):
		return metadata.Errorf(metadata.KindInvalid, "the end of the maintenance, %s, is past", c.Until.Format(time.RFC3339))
	}
	if c.Name != nil && slices.ContainsFunc(d.nodes, func(m *node) bool {
		return m != n && m.State != metadata.NodeRemoved && m.Name == *c.Name
	}) {
		return metadata.Errorf(metadata.KindExists, "another node is called %q", *c.Name)
	}
	return nil
}

// Prioritise implements admin.Cluster.
func (d *Cluster) Prioritise(ctx context.Context, id metadata.VolumeID) error {
	defer d.look()()
	if id == 0 || id > metadata.VolumeID(len(d.volumes)) {
		return metadata.Errorf(metadata.KindNotFound, "there is no volume %s", id)
	}
	v := d.volumes[id-1]
	if v.job == nil {
		return metadata.Errorf(metadata.KindConflict, "%s wants no work", id)
	}
	if v.job.state == "failed" {
		v.job.state, v.job.err = "waiting", ""
	}
	d.urgent[id] = true
	d.did(ctx, "volume.prioritise", id.String(), "")
	d.count()
	return nil
}

// ListVolumes implements admin.Cluster.
func (d *Cluster) ListVolumes(_ context.Context, after metadata.VolumeID, limit int) ([]metadata.Volume, bool, error) {
	defer d.look()()
	var out []metadata.Volume
	for i := int(min(after, metadata.VolumeID(len(d.volumes)))); i < len(d.volumes); i++ {
		if len(out) == limit {
			return out, true, nil
		}
		out = append(out, d.copyOf(i))
	}
	return out, false, nil
}

func (d *Cluster) copyOf(i int) metadata.Volume {
	v := d.volumes[i].Volume
	v.Replicas = slices.Clone(v.Replicas)
	return v
}

// Volumes implements admin.Cluster.
func (d *Cluster) Volumes(_ context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	defer d.look()()
	var out []metadata.VolumeView
	for _, id := range ids {
		if id == 0 || id > metadata.VolumeID(len(d.volumes)) {
			continue
		}
		view := metadata.VolumeView{Volume: d.copyOf(int(id) - 1)}
		for _, r := range view.Replicas {
			n := d.at(r.Node)
			view.Located = append(view.Located, metadata.Located{Replica: r, Addr: n.Addr, Zone: n.Zone, Live: d.alive(r)})
		}
		out = append(out, view)
	}
	return out, nil
}
