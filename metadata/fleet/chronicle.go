package fleet

import (
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// chronicle is what the leader has told of the cluster as events, so that each
// change is told once. A new leader takes it over from the events themselves.
type chronicle struct {
	chapters map[metadata.NodeID]*chapter
	verdict  health.Verdict   // last one told
	since    time.Time        // of it
	repair   *repairStory     // nil: no copies are missing
	pending  []metadata.Event // to be recorded
	fresh    []metadata.Event // to be logged
}

// chapter is what was told of one node.
type chapter struct {
	live   metadata.Liveness // up or down; unknown: nothing was told
	fell   time.Time         // when it was last declared down
	falls  []time.Time       // in health.FlapWindow
	failed map[metadata.DiskID]bool
	ready  bool // its drain was told to be over

	volumes int       // on it at the last look, while draining
	moved   time.Time // when that last fell, or draining began
}

// repairStory sums up a repair from the first copy on.
type repairStory struct {
	began  time.Time
	copies int
	bytes  int64
	taken  bool // over from an earlier leader: what it has copied is not counted here
}

// Codes of events besides those of checks.
const (
	eventNodeDown    = "NODE_DOWN"
	eventNodeUp      = "NODE_UP"
	eventVerdict     = "VERDICT"
	eventRepairBegan = "REPAIR_STARTED"
	eventRepairDone  = "REPAIR_DONE"
	eventDrainReady  = "DRAIN_READY"
	eventDrainBegan  = "DRAIN_STARTED"
	eventDiskFailed  = "DISK_FAILED"
	eventDiskBack    = "DISK_BACK"
)

// Bounds of the chronicle.
const (
	pendingMax   = 1000 // events that could not be recorded yet; the oldest are given up
	eventsOfCall = 200
	chaptersOld  = 500 // events that a new leader reads
)

func newChronicle() *chronicle {
	return &chronicle{chapters: make(map[metadata.NodeID]*chapter)}
}

func (c *chronicle) chapter(id metadata.NodeID) *chapter {
	if c.chapters[id] == nil {
		c.chapters[id] = &chapter{failed: make(map[metadata.DiskID]bool)}
	}
	return c.chapters[id]
}

// takeOver learns from events, oldest first, what earlier leaders have told.
func (c *chronicle) takeOver(events []metadata.Event, now time.Time) {
	for _, e := range events {
		ch := c.chapter(e.Node)
		disk, _ := metadata.ParseDiskID(e.Subject)
		switch e.Code {
		case eventNodeDown:
			ch.live, ch.fell = metadata.LivenessDown, e.Time
			ch.falls = append(ch.falls, e.Time)
		case eventNodeUp:
			ch.live = metadata.LivenessUp
		case eventVerdict:
			c.verdict, c.since = health.Verdict(e.Subject), e.Time
		case eventDrainBegan:
			ch.ready = false
		case eventDrainReady:
			ch.ready = true
		case eventDiskFailed:
			ch.failed[disk] = true
		case eventDiskBack:
			delete(ch.failed, disk)
		case eventRepairBegan:
			c.repair = &repairStory{began: e.Time, taken: true}
		case eventRepairDone:
			c.repair = nil
		}
	}
	for _, ch := range c.chapters {
		ch.forget(now)
	}
}

// forget drops falls that do not count any more.
func (ch *chapter) forget(now time.Time) {
	ch.falls = slices.DeleteFunc(ch.falls, func(t time.Time) bool { return now.Sub(t) > health.FlapWindow })
}

// tell notes an event that is to be recorded.
func (c *chronicle) tell(severity health.Severity, code string, node metadata.NodeID, subject string, p phrase.Phrase) {
	if len(c.pending) >= pendingMax {
		c.pending = slices.Delete(c.pending, 0, 1)
	}
	e := metadata.Event{
		TextPhrase: p.Key(), Severity: string(severity), Code: code, Node: node, Subject: subject,
		Text: short(p.String(), metadata.EventTextMax),
	}
	c.pending, c.fresh = append(c.pending, e), append(c.fresh, e)
}

// news returns what was told since it was last called.
func (c *chronicle) news() []metadata.Event {
	out := c.fresh
	c.fresh = nil
	return out
}

// follow compares what is with what was told. The world has been counted.
func (c *chronicle) follow(t *term, w *world) {
	for _, id := range sortedNodes(t.nodes) {
		if s := w.sites[id]; s.storage && s.state != metadata.NodeRemoved {
			c.followNode(t, s, w.now)
			c.followDisks(t, t.nodes[id])
		}
	}
}

func (c *chronicle) followNode(t *term, s *site, now time.Time) {
	ch := c.chapter(s.id)
	ch.forget(now)
	name := t.label(s.id)
	severity := health.Warning
	if s.state == metadata.NodeMaintenance {
		severity = health.Info
	}
	switch {
	case s.live == metadata.LivenessDown && ch.live != metadata.LivenessDown:
		ch.live, ch.fell = s.live, now
		ch.falls = append(ch.falls[max(0, len(ch.falls)-16):], now)
		c.tell(severity, eventNodeDown, s.id, s.id.String(), sayDown(name, s.id))
	case s.live == metadata.LivenessUp && ch.live == metadata.LivenessDown:
		c.tell(health.Info, eventNodeUp, s.id, s.id.String(),
			sayBack(name, s.id, passed(ch.fell, now)))
		fallthrough
	case s.live == metadata.LivenessUp:
		ch.live = s.live
	}
	if s.state != metadata.NodeDraining {
		ch.ready, ch.moved = false, time.Time{}
		return
	}
	if ch.moved.IsZero() || s.listed < ch.volumes {
		ch.moved = now
	}
	ch.volumes = s.listed
	if s.listed == 0 && !ch.ready {
		ch.ready = true
		c.tell(health.Info, eventDrainReady, s.id, s.id.String(), sayEmpty(name, s.id))
	}
}

func (c *chronicle) followDisks(t *term, n *node) {
	ch := c.chapter(n.ID)
	for _, d := range n.Disks {
		r := n.disks[d.ID]
		if r == nil || r.beat.heard.IsZero() {
			continue
		}
		switch failed := r.Failed != ""; {
		case failed && !ch.failed[d.ID]:
			ch.failed[d.ID] = true
			c.tell(health.Critical, eventDiskFailed, n.ID, d.ID.String(),
				sayDiskFailed(t.label(n.ID), n.ID, r.Path, r.Failed))
		case !failed && ch.failed[d.ID]:
			delete(ch.failed, d.ID)
			c.tell(health.Info, eventDiskBack, n.ID, d.ID.String(),
				sayDiskBack(t.label(n.ID), n.ID, r.Path))
		}
	}
}

// conclude tells of the verdict and of repair.
func (c *chronicle) conclude(r *health.Report) {
	if r.Verdict != health.Unknown && r.Verdict != c.verdict {
		c.verdict, c.since = r.Verdict, r.Since
		c.tell(r.Verdict.Severity(), eventVerdict, 0, string(r.Verdict), sayVerdict(r))
	}
	switch {
	case c.repair == nil && r.Below.Volumes > 0 && r.Repair.Running > 0:
		c.repair = &repairStory{began: r.AsOf}
		c.tell(health.Info, eventRepairBegan, 0, "", sayRepairBegan(r.Below))
	case c.repair != nil && r.Below.Volumes == 0 && r.Verdict != health.Unknown:
		said := sayRepairedAlone()
		switch k := c.repair; {
		case k.taken:
			said = sayRepairedAfter(passed(k.began, r.AsOf))
		case k.copies > 0:
			said = sayRepaired(k.copies, k.bytes, passed(k.began, r.AsOf))
		}
		c.repair = nil
		c.tell(health.Info, eventRepairDone, 0, "", said)
	}
}

// passed is the time from one moment to another, in whole seconds. The first may
// be another leader's, whose clock was ahead: nothing lasts less than no time.
func passed(from, to time.Time) time.Duration { return max(0, to.Sub(from)).Round(time.Second) }

// copied counts a copy that was made.
func (c *chronicle) copied(bytes int64) {
	if c.repair != nil {
		c.repair.copies++
		c.repair.bytes += bytes
	}
}
