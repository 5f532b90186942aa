package fleet

import (
	"context"
	"strings"
	"time"

	"kendfs/metadata"
)

// presence is what a node without disks said of itself, and when.
type presence struct {
	metadata.Presence
	heard time.Time
}

// presentMax bounds the nodes that are remembered so.
const presentMax = 4096

// Renew keeps a session and its leases for another SessionTTL, and takes what
// the caller says of itself. Session 0 is a sign of life only, of a node that
// writes nothing. KindStale: the session is over.
func (f *Fleet) Renew(ctx context.Context, id metadata.SessionID, p metadata.Presence) error {
	if id == 0 {
		return f.present(p)
	}
	t, err := f.knowSession(ctx, id)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := t.sessions[id]
	if s == nil || s.closing {
		return errSessionOver(id)
	}
	s.renewed = time.Now()
	s.deadline = s.renewed.Add(metadata.SessionTTL)
	if p.Node == s.Session.Node {
		t.hear(p, s.renewed)
	}
	return nil
}

// present takes a sign of life.
func (f *Fleet) present(p metadata.Presence) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return err
	}
	if n := t.nodes[p.Node]; n != nil && n.State == metadata.NodeRemoved {
		return metadata.Errorf(metadata.KindDenied, "node %s is removed", p.Node)
	}
	t.hear(p, time.Now())
	return nil
}

// hear keeps what a node says of itself. Without a time it says nothing.
func (t *term) hear(p metadata.Presence, now time.Time) {
	_, known := t.present[p.Node]
	if p.Node == 0 || p.Sent.IsZero() || !known && len(t.present) >= presentMax {
		return
	}
	p.Version = short(p.Version, versionBytesMax)
	p.Traffic = bounded(p.Traffic)
	if len(p.Drive.URL) > metadata.DriveURLBytesMax {
		p.Drive = metadata.Drive{} // half an address is none
	}
	t.present[p.Node] = presence{p, now}
}

// addPresence adds what a node says of itself without a heartbeat, and with it
// whether it lives, if it keeps no data.
func (t *term) addPresence(n *metadata.Node, storage bool, now time.Time) {
	p := t.present[n.ID]
	n.Gateway, n.Drive = p.Traffic, p.Drive
	if t.self.Node == n.ID && n.ID != 0 {
		n.Commands = t.self.Traffic
		if p.heard.IsZero() {
			p = presence{t.self, now}
			p.Sent = now // its clock is the one that others are compared with
		}
	}
	if storage {
		return
	}
	n.ClockSkew = skew(p.Sent, p.heard) // before another sign of life, which shows no clock, is taken for it
	for _, s := range t.sessions {
		if s.Session.Node == n.ID && s.renewed.After(p.heard) {
			p.heard = s.renewed
		}
	}
	n.Heard, n.Liveness = p.heard, clientLiveness(now, p.heard)
	n.Version, n.Started, n.CertExpires = p.Version, p.Started, p.CertExpires
}

// clientLiveness judges a node that keeps no data by its signs of life.
func clientLiveness(now, heard time.Time) metadata.Liveness {
	switch silent := now.Sub(heard); {
	case heard.IsZero():
		return metadata.LivenessUnknown
	case silent < 2*metadata.SessionRenew:
		return metadata.LivenessUp
	case silent < metadata.SessionTTL:
		return metadata.LivenessSuspect
	}
	return metadata.LivenessDown
}

// Bounds of what a node says of itself, in bytes.
const (
	versionBytesMax = 64
	diskTextMax     = 512     // path, and why it failed
	diskBytesMax    = 1 << 56 // of one disk: sums of all disks stay far from an overflow
)

// short cuts a text to n bytes, at a rune: a broken one would keep
// the answer that it is in from being encoded.
func short(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}

// plausible cuts what a node says of its disk to its bounds.
func plausible(d metadata.Disk) metadata.Disk {
	d.Path, d.Failed = short(d.Path, diskTextMax), short(d.Failed, diskTextMax)
	for _, n := range []*int64{&d.Capacity, &d.Free, &d.Used} {
		*n = min(max(*n, 0), diskBytesMax)
	}
	d.Volumes = max(d.Volumes, 0)
	return d
}

// bounded cuts figures from outside to their bounds.
func bounded(t metadata.Traffic) metadata.Traffic {
	t.Latency = t.Latency[:min(len(t.Latency), metadata.TrafficBuckets)]
	return t
}

// skew is how far a clock that showed sent is ahead. The way of the message
// counts in it, so that only much of it says something.
func skew(sent, now time.Time) time.Duration {
	if sent.IsZero() || now.IsZero() {
		return 0
	}
	return sent.Sub(now)
}
