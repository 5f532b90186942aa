package fleet

import (
	"time"

	"kendfs/metadata"
)

// beat is when something was last heard of; the zero value is never (in this term).
type beat struct {
	heard   time.Time
	leaving bool // it said that it is about to stop
}

// liveness judges a beat. A term that began a moment ago gives the benefit of
// the doubt: who was never heard is unknown until downAfter has passed, since
// silence towards the last leader says nothing. since is when it went down.
func liveness(now, began time.Time, b beat, lim Limits) (l metadata.Liveness, since time.Time) {
	if b.heard.IsZero() {
		since = began.Add(lim.DownAfter)
		if now.Before(since) {
			return metadata.LivenessUnknown, time.Time{}
		}
		return metadata.LivenessDown, since
	}
	silent := now.Sub(b.heard)
	switch {
	case silent >= lim.DownAfter:
		return metadata.LivenessDown, b.heard.Add(lim.DownAfter)
	case silent >= lim.SuspectAfter || b.leaving:
		return metadata.LivenessSuspect, time.Time{}
	}
	return metadata.LivenessUp, time.Time{}
}

// worse returns the worse of two: down, suspect, unknown, up.
func worse(a, b metadata.Liveness) metadata.Liveness {
	rank := func(l metadata.Liveness) int {
		switch l {
		case metadata.LivenessUp:
			return 0
		case metadata.LivenessUnknown:
			return 1
		case metadata.LivenessSuspect:
			return 2
		}
		return 3
	}
	if rank(a) >= rank(b) {
		return a
	}
	return b
}

// Brake: the bounds of brakeUntil.
const (
	brakeNodesMin = 3
	brakeWindow   = 10 * time.Minute
)

// brakeUntil decides whether repair has to wait, and until when at most: when
// more than half of the storage servers, and at least three, went down within
// ten minutes or are silent now (those that fall together are not found down in
// the same moment). So many do not die at once; a switch or the power has failed,
// and the nodes will be back with their data. Copying everything in the
// meantime would fill and overload the few that are left, and be thrown away.
//
// A failure counts for ten minutes, so the brake lets go by itself: real loss
// is repaired, that much later. Fencing volumes are compared meanwhile, but no
// replica is dropped from them: writers go on with other volumes. The brake is
// never on in a cluster so small that nothing could be repaired anyhow. Nodes in maintenance and removed ones count neither way.
func brakeUntil(now time.Time, sites []*site) (until time.Time, on bool) {
	total, recent := 0, 0
	for _, s := range sites {
		if !s.storage || s.state == metadata.NodeMaintenance || s.state == metadata.NodeRemoved {
			continue
		}
		total++
		since := now
		switch {
		case s.live == metadata.LivenessDown && now.Sub(s.downSince) < brakeWindow:
			since = s.downSince
		case s.live != metadata.LivenessSuspect:
			continue
		}
		recent++
		if t := since.Add(brakeWindow); t.After(until) {
			until = t
		}
	}
	if recent < brakeNodesMin || 2*recent <= total {
		return time.Time{}, false
	}
	return until, true
}
