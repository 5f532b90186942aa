package demo

import (
	"fmt"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
	"kendfs/metadata/health"
)

// Times of the demo's liveness, as those of a cluster.
const (
	suspectAfter = 3 * time.Second
	downAfter    = 8 * time.Second
)

// Rates of the demo's work.
const (
	repairBytesPerSecond = 90 << 20 // of one job
	jobsMax              = 40       // that run at a time
	drainsMax            = 12       // of them, that are not urgent
	gatewayLoad          = 12       // of a gateway, compared with a storage server
)

// fault is a part of the cycle: from a moment on (in thousandths of the period)
// some storage servers are away.
type fault struct {
	from, till int
	servers    []*node
}

// faults are the same in every cycle: one server for long, another one beside
// it, and in the end for a moment all that have the copies of some volume.
func (d *Cluster) faults() []fault {
	storage := d.storage()
	both := d.volumes[0].Replicas // of a volume that wants two copies
	return []fault{
		{100, 420, []*node{storage[57%len(storage)]}},
		{180, 400, []*node{storage[133%len(storage)]}},
		{700, 770, []*node{d.at(both[0].Node), d.at(both[1].Node)}},
	}
}

// step lets one second pass.
func (d *Cluster) step() {
	period := int64(d.cfg.Period / time.Second)
	at := int(int64(d.now.Sub(d.began)/time.Second) % period * 1000 / period)
	for _, f := range d.faults() {
		for _, n := range f.servers {
			d.apply(n, at >= f.from && at < f.till)
		}
	}
	for _, n := range d.nodes {
		d.live1(n)
		d.traffic(n)
	}
	for _, v := range d.volumes {
		d.work(v)
	}
	d.chatter()
}

// apply makes a node go or come back, unless a person has other plans with it.
func (d *Cluster) apply(n *node, away bool) {
	if n.State != metadata.NodeActive {
		return
	}
	switch {
	case away && n.downAt.IsZero():
		n.downAt = d.now
	case !away && !n.downAt.IsZero():
		n.downAt, n.downSince, n.Started = time.Time{}, time.Time{}, d.now
		n.Traffic = metadata.Traffic{Started: d.now, Latency: make([]int64, metadata.TrafficBuckets)}
		if n.Liveness == metadata.LivenessDown {
			d.event("info", "NODE_UP", n, sayUp(n.Name))
		}
		n.Liveness, n.Heard = metadata.LivenessUp, d.now
	}
}

// live1 moves a node's liveness on.
func (d *Cluster) live1(n *node) {
	if n.downAt.IsZero() {
		n.Heard = d.now
		return
	}
	switch silent := d.now.Sub(n.downAt); {
	case silent >= downAfter && n.Liveness != metadata.LivenessDown:
		n.Liveness, n.downSince = metadata.LivenessDown, d.now
		n.falls++
		d.event("warning", health.NodeDown, n, sayDown(n.Name, downAfter))
	case silent >= suspectAfter && n.Liveness == metadata.LivenessUp:
		n.Liveness = metadata.LivenessSuspect
	}
}

// traffic adds a second's worth of requests.
func (d *Cluster) traffic(n *node) {
	if !n.downAt.IsZero() || n.Roles[0] == metadata.NodeNameserver {
		return
	}
	busy := n.busy * (0.7 + 0.6*d.rng.Float64())
	if n.Roles[0] == metadata.NodeWebDAV {
		busy *= gatewayLoad
	}
	t := &n.Traffic
	reads, writes := int64(busy*120), int64(busy*35)
	t.Reads += reads
	t.Writes += writes
	t.BytesRead += reads * (300<<10 + int64(n.busy*(200<<10)))
	t.BytesWritten += writes * (400 << 10)
	if d.rng.IntN(400) == 0 {
		t.Errors++
	}
	for i, share := range []float64{0.30, 0.34, 0.2, 0.1, 0.04, 0.015, 0.004, 0.001} {
		t.Latency[i] += int64(share * float64(reads+writes))
	}
}

// work moves the repair of one volume on by a second.
func (d *Cluster) work(v *volume) {
	class, need := d.needs(v)
	if v.job == nil && need {
		d.begin(v, class)
	}
	j := v.job
	if j == nil {
		return
	}
	if !need && (j.class == "repair" || j.class == "drain") {
		v.job = nil
		return
	}
	if j.state == "failed" && d.now.After(j.nextTry) {
		j.state, j.err = "waiting", ""
	}
	if j.state == "waiting" && !d.paused() && (d.running() < d.slots(j) || d.urgent[v.ID]) && d.sourceOf(v) != nil {
		d.start(v)
	}
	if j.state != "running" {
		return
	}
	if d.paused() {
		j.state, j.wait = "waiting", fleet.StallPaused
		return
	}
	j.done += d.rateOf()
	if j.done >= v.Bytes {
		d.finish(v)
	}
}

func (d *Cluster) rateOf() int64 {
	if l := d.info.RepairBytesPerSecond; l > 0 && l < repairBytesPerSecond {
		return l
	}
	return repairBytesPerSecond
}

func (d *Cluster) paused() bool { return d.now.Before(d.info.RepairPausedUntil) }

// slots is how many jobs may run beside one of its class.
func (d *Cluster) slots(j *job) int {
	if j.class == "repair" {
		return jobsMax
	}
	return drainsMax
}

// running counts jobs that run, as of the last count.
func (d *Cluster) running() int { return d.report.Repair.Running }

// leaseEnds is after how long nobody writes into a draining node's volumes any more.
const leaseEnds = 20 * time.Second

// needs says what a volume needs, if anything.
func (d *Cluster) needs(v *volume) (class string, need bool) {
	lost, draining, ending := 0, false, false
	for _, r := range v.Replicas {
		n := d.at(r.Node)
		switch {
		case n.State == metadata.NodeMaintenance:
		case !d.alive(r):
			lost++
		case n.State == metadata.NodeDraining:
			draining, ending = true, ending || d.now.Sub(n.StateSince) > leaseEnds
		}
	}
	if draining && ending && v.State == metadata.VolumeLeased {
		v.State = metadata.VolumeIdle // its gateway writes elsewhere by now
	}
	switch {
	case len(v.Replicas)-lost < v.Target:
		return "repair", true
	case draining && v.State != metadata.VolumeLeased:
		return "drain", true
	}
	return "", false
}

func (d *Cluster) begin(v *volume, class string) {
	v.job = &job{class: class, state: "waiting", since: d.now, wait: fleet.StallBusy}
}

// sourceOf returns a node that can be copied from.
func (d *Cluster) sourceOf(v *volume) *node {
	for _, r := range v.Replicas {
		if d.alive(r) {
			return d.at(r.Node)
		}
	}
	v.job.wait = fleet.StallNoSource
	return nil
}

func (d *Cluster) start(v *volume) {
	j := v.job
	if j.class == "surplus" {
		if j.wait = fleet.StallBusy; d.now.Sub(j.since) > 20*time.Second {
			d.finish(v)
		}
		return
	}
	to := d.pick(v)
	if j.class == "sync" {
		to = d.at(v.Replicas[0].Node)
	}
	if to == nil {
		j.wait = fleet.StallNoTarget
		return
	}
	j.from, j.to, j.wait = d.sourceOf(v), to, ""
	j.tries++
	if j.tries == 1 && v.ID%23 == 0 {
		j.state, j.err = "failed", fmt.Sprintf("%s: connection lost after 120 MiB", to.Name)
		j.nextTry = d.now.Add(20 * time.Second)
		return
	}
	j.state = "running"
	d.report.Repair.Running++
}

// finish makes the copy part of the volume.
func (d *Cluster) finish(v *volume) {
	j := v.job
	v.job = nil
	delete(d.urgent, v.ID)
	v.Epoch++
	v.Repaired = d.now
	gone := -1
	for i, r := range v.Replicas {
		if n := d.at(r.Node); !d.alive(r) && n.State != metadata.NodeMaintenance || n.State == metadata.NodeDraining && gone < 0 {
			gone = i
		}
	}
	switch j.class {
	case "sync", "surplus":
		return
	case "balance":
		gone = 0
	}
	r := metadata.Replica{Node: j.to.ID, Disk: j.to.Disks[0].ID}
	if gone >= 0 {
		d.at(v.Replicas[gone].Node).movedAt = d.now
		v.Replicas[gone] = r
		return
	}
	v.Replicas = append(v.Replicas, r)
}

// housekeeping gives some volume the work that has nothing to do with faults.
func (d *Cluster) housekeeping() {
	v := d.volumes[d.rng.IntN(len(d.volumes))]
	if v.job == nil && v.State != metadata.VolumeLeased && d.live(v) == v.Target {
		d.begin(v, []string{"balance", "sync", "surplus"}[d.rng.IntN(3)])
	}
}

// chatter adds the events of an ordinary day.
func (d *Cluster) chatter() {
	if d.rng.IntN(8) == 0 {
		d.housekeeping()
	}
	if d.rng.IntN(45) != 0 {
		return
	}
	n := d.storage()[d.rng.IntN(len(d.storage()))]
	switch d.rng.IntN(3) {
	case 0:
		d.event("info", "SCRUB_DONE", n, sayScrubbed(n.Name))
	case 1:
		d.event("info", "CERT_RENEWED", n, sayRenewed(n.Name))
	default:
		d.event("info", "REPAIR_DONE", n, sayRepaired(n.Name))
	}
}
