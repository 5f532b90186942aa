package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kendfs/metadata"
)

// Bounds of a heartbeat beyond those of package metadata.
const (
	heartbeatDisksMax  = 64
	heartbeatOrdersMax = 4096 // results, and running orders
)

// Heartbeat takes a storage server's report and returns its orders: all that it
// does not say it is working on, so that a lost reply costs nothing.
//
// KindDenied: the node is removed or is no storage server. KindNotFound: it is
// not enrolled. KindConflict: another process is this node. KindTooLarge. The caller has checked that the node itself calls.
func (f *Fleet) Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	if len(h.Disks) > heartbeatDisksMax || len(h.Digests) > metadata.HeartbeatDigestsMax ||
		len(h.Done) > heartbeatOrdersMax || len(h.Running) > heartbeatOrdersMax {
		return metadata.HeartbeatReply{}, metadata.Errorf(metadata.KindTooLarge, "the heartbeat is over its bounds")
	}
	t, err := f.knowNode(ctx, h.Node)
	if err != nil {
		return metadata.HeartbeatReply{}, err
	}
	if err := f.onlyInstance(t, h); err != nil {
		return metadata.HeartbeatReply{}, err
	}
	foreign, err := f.announce(ctx, t, h)
	if err != nil {
		return metadata.HeartbeatReply{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.t != t {
		_, err := f.leading()
		if err == nil {
			err = metadata.Errorf(metadata.KindUnavailable, "the leader's term has just changed; try again")
		}
		return metadata.HeartbeatReply{}, err
	}
	now := time.Now()
	n := t.nodes[h.Node]
	n.heard(h, foreign, now)
	w := t.world(now, f.limits(t))
	for _, d := range h.Digests {
		if disk := w.disks[d.Disk]; disk != nil && disk.site.id == h.Node {
			w.observe(d)
		}
	}
	for _, r := range h.Done {
		f.finish(t, h.Node, r, now)
	}
	running := make(map[uint64]bool, len(h.Running))
	for _, r := range h.Running {
		if t.progress(h.Node, r, now) {
			running[r.ID] = true
		}
	}
	if len(t.results) > 0 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
	return metadata.HeartbeatReply{
		Orders: t.orders.of(h.Node, running), Interval: heartbeatInterval,
		RepairBytesPerSecond: f.repairRate(t),
	}, nil
}

// instanceQuiet is how long a storage server must have been silent until another
// process may be it: longer than the time between two of its heartbeats.
const instanceQuiet = 3 * heartbeatInterval / 2

// onlyInstance refuses a process that says it is a node as which another one
// reports: somebody runs a copy of its folder, whose disks pass for the node's
// and hold what they held then. One that was killed and started again is
// refused for a moment, too.
func (f *Fleet) onlyInstance(t *term, h metadata.Heartbeat) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := t.nodes[h.Node]
	ago := time.Since(n.beat.heard)
	if h.Started.IsZero() || n.instance.IsZero() || h.Started.Equal(n.instance) || n.beat.leaving || ago >= instanceQuiet {
		return nil
	}
	return metadata.Errorf(metadata.KindConflict,
		"another process, at %s, reported as node %s %.1f s ago: unless it has just ended, one of the two runs in a copy of the node's folder and must be stopped",
		n.Addr, h.Node, ago.Seconds())
}

// knowNode returns the term if the node may report to it.
func (f *Fleet) knowNode(ctx context.Context, id metadata.NodeID) (*term, error) {
	f.mu.Lock()
	t, err := f.leading()
	known := err == nil && t.nodes[id] != nil
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !known {
		if err := f.reloadClients(ctx, t); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := t.nodes[id]
	switch {
	case n == nil:
		return nil, metadata.Errorf(metadata.KindNotFound, "node %s is not enrolled", id)
	case n.State == metadata.NodeRemoved:
		return nil, metadata.Errorf(metadata.KindDenied, "node %s is removed", id)
	case !slices.Contains(n.Roles, metadata.NodeDatanode):
		return nil, metadata.Errorf(metadata.KindDenied, "node %s is not enrolled as a storage server", id)
	}
	return t, nil
}

// announce records the node's address, zone and new disks if they differ from
// its row. It returns the disks that belong to other nodes: they are not used.
func (f *Fleet) announce(ctx context.Context, t *term, h metadata.Heartbeat) (foreign []metadata.DiskID, err error) {
	f.mu.Lock()
	n := t.nodes[h.Node]
	var fresh []metadata.DiskID
	for _, d := range h.Disks {
		if d.ID == 0 {
			continue // could not be opened so far as to know its id: only shown
		}
		if !slices.ContainsFunc(n.Disks, func(o metadata.Disk) bool { return o.ID == d.ID }) {
			fresh = append(fresh, d.ID)
		}
	}
	moved := h.Addr != "" && h.Addr != n.Addr || h.Zone != "" && h.Zone != n.MachineZone
	f.mu.Unlock()
	if len(fresh) == 0 && !moved {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err = f.cfg.Store.AnnounceDisks(ctx, h.Node, h.Addr, h.Zone, fresh)
	if err != nil && metadata.KindOf(err) == metadata.KindDenied && len(fresh) > 0 {
		fresh, foreign, err = f.announceEach(ctx, h, fresh)
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range fresh {
		if !slices.ContainsFunc(n.Disks, func(o metadata.Disk) bool { return o.ID == d }) {
			n.Disks = append(slices.Clone(n.Disks), metadata.Disk{ID: d})
		}
	}
	if h.Addr != "" {
		n.Addr = h.Addr
	}
	if h.Zone != "" {
		n.MachineZone = h.Zone
	}
	if h.Zone != "" && !n.ZoneSet { // an operator's word counts more
		n.Zone = h.Zone
	}
	return foreign, nil
}

// announceEach announces one disk after the other, since one of them is
// another node's.
func (f *Fleet) announceEach(ctx context.Context, h metadata.Heartbeat, disks []metadata.DiskID) (own, foreign []metadata.DiskID, err error) {
	for _, d := range disks {
		err := f.cfg.Store.AnnounceDisks(ctx, h.Node, h.Addr, h.Zone, []metadata.DiskID{d})
		switch {
		case err == nil:
			own = append(own, d)
		case metadata.KindOf(err) == metadata.KindDenied:
			f.warn(ctx, "a disk is not used", err, "node", h.Node, "disk", d)
			foreign = append(foreign, d)
		default:
			return nil, nil, err
		}
	}
	return own, foreign, nil
}

// heard takes over what the node says about itself.
func (n *node) heard(h metadata.Heartbeat, foreign []metadata.DiskID, now time.Time) {
	n.beat, n.instance = beat{heard: now, leaving: h.Leaving}, h.Started
	n.Version, n.Started, n.CertExpires, n.Traffic = short(h.Version, versionBytesMax), h.Started, h.CertExpires, bounded(h.Traffic)
	n.ClockSkew = skew(h.Sent, now)
	disks := make(map[metadata.DiskID]*reported, len(h.Disks))
	for _, d := range h.Disks {
		if slices.Contains(foreign, d.ID) {
			d.Failed = "the disk belongs to another node"
		}
		disks[d.ID] = &reported{Disk: plausible(d), beat: n.beat}
	}
	for id, old := range n.disks {
		// A disk that is not reported any more goes down in its own time.
		if disks[id] == nil && now.Sub(old.beat.heard) < time.Hour {
			disks[id] = old
		}
	}
	if len(disks) <= 4*heartbeatDisksMax {
		n.disks = disks
	}
}

// progress books how far a running order is; false if the order is not ours.
func (t *term) progress(n metadata.NodeID, r metadata.OrderProgress, now time.Time) bool {
	o := t.orders.byID[r.ID]
	if o == nil || o.node != n || o.Disk != r.Disk || o.Volume != r.Volume {
		return false
	}
	if r.BytesTotal > 0 && o.class == classRepair {
		o.bytes = r.BytesTotal
	}
	if r.BytesDone > o.done {
		t.meter.bytes += r.BytesDone - o.done
		o.done, o.moved = r.BytesDone, now
	}
	return true
}

// finish takes an order's outcome. An outcome of an order that is not known (of
// another term, expired, answered before) is passed over. The caller holds mu.
func (f *Fleet) finish(t *term, n metadata.NodeID, r metadata.OrderResult, now time.Time) {
	o := t.orders.byID[r.ID]
	if o == nil || o.closing || o.node != n || o.Kind != r.Kind || o.Disk != r.Disk || o.Volume != r.Volume {
		return
	}
	k := o.key()
	if r.Err != "" {
		t.orders.remove(o)
		t.orders.fail(k, now)
		t.orders.note(k, fmt.Sprintf("%.160s", r.Err))
		t.lastError = fmt.Sprintf("%s on %s: %.300s", o.Volume, t.label(n), r.Err)
		f.log.Warn("order failed", "node", n, "disk", o.Disk, "volume", o.Volume, "kind", r.ErrKind, "err", r.Err)
		return
	}
	t.orders.succeed(k)
	if o.sync() {
		t.meter.bytes += max(0, r.Fetched-o.done)
	}
	switch o.class {
	case classFence, classRepair:
		o.closing = true
		t.results = append(t.results, o)
		return
	case classCheck:
		delete(t.suspects, k)
		if v := t.volumes[o.Volume]; v != nil {
			v.saw(o.Disk, now)
		}
	case classDelete:
		if b := t.reapings[o.Volume]; b != nil && b.epoch == o.Epoch {
			b.confirmed[o.Disk] = true
		}
	case classDrop:
		delete(t.strays, k)
	}
	t.orders.remove(o)
}
