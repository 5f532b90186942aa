package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
)

// Verdict is the state of the cluster in one word.
type Verdict string

// The verdicts.
const (
	Protected      Verdict = "protected"        // every volume has all its copies
	Repairing      Verdict = "repairing"        // some lack a copy and have two or more
	AtRisk         Verdict = "at_risk"          // some have one copy and should have more
	Unavailable    Verdict = "unavailable"      // some data cannot be read now
	ReadOnly       Verdict = "read_only"        // nothing can be written
	MetadataAtRisk Verdict = "metadata_at_risk" // one more nameserver lost stops everything
	Unknown        Verdict = "unknown"          // not enough storage servers have reported yet
)

// Status is what the leader knows about the safety of the data. All byte
// figures are of block data; those of volumes that are being written are up to
// ten seconds old.
type Status struct {
	Verdict  Verdict   `json:"verdict"`
	Sentence string    `json:"sentence"`
	Since    time.Time `json:"since"` // of the verdict

	Copies      []Copies `json:"copies"` // of volumes that hold data, by live copies and target
	Unavailable Count    `json:"unavailable"`
	AtRisk      Count    `json:"at_risk"`
	Below       Count    `json:"below_target"` // at risk and unavailable ones included
	Fencing     int      `json:"fencing_volumes"`
	Leased      int      `json:"leased_volumes"`
	Volumes     Count    `json:"volumes"`

	Repair   Progress `json:"repair"`
	Nodes    Nodes    `json:"nodes"`
	Capacity int64    `json:"capacity_bytes"`
	Used     int64    `json:"used_bytes"`
	Free     int64    `json:"free_bytes"`
	Dead     int64    `json:"dead_blocks"`
	Trash    int64    `json:"trash_trees"`

	Voters        int  `json:"nameservers"`
	VotersHealthy int  `json:"nameservers_healthy"`
	ReadOnly      bool `json:"read_only"`
	Writable      bool `json:"writable"` // storage servers would take new data
}

// Count counts volumes.
type Count struct {
	Volumes int   `json:"volumes"`
	Bytes   int64 `json:"bytes"`
}

// Copies counts the volumes with so many live copies of so many wanted.
type Copies struct {
	Live   int `json:"live"`
	Target int `json:"target"`
	Count
}

// Progress says how repair gets on.
type Progress struct {
	Running    int       `json:"running"` // copies being made or checked
	Failing    int       `json:"failing"` // copies whose last attempt failed
	BytesLeft  int64     `json:"bytes_left"`
	BytesPerS  int64     `json:"bytes_per_second"`
	ETAMin     int64     `json:"eta_min_seconds"` // 0: not known
	ETAMax     int64     `json:"eta_max_seconds"`
	Stalled    Stall     `json:"stalled,omitempty"` // why nothing moves
	Paused     bool      `json:"paused"`            // many storage servers went down at once; see brakeUntil
	PausedTill time.Time `json:"paused_until,omitzero"`
}

// Nodes counts storage servers.
type Nodes struct {
	Up          int      `json:"up"`
	Suspect     int      `json:"suspect"`
	Down        int      `json:"down"`
	Unknown     int      `json:"unknown"`
	Draining    int      `json:"draining"`
	Maintenance int      `json:"maintenance"`
	Missing     []string `json:"missing,omitempty"` // names of some that are down
}

// count fills in the figures that follow from the world.
func (s *Status) count(w *world) {
	byCopies := make(map[[2]int]*Count)
	for _, v := range w.volumes {
		switch v.State {
		case metadata.VolumeFencing:
			s.Fencing++
		case metadata.VolumeLeased:
			s.Leased++
		}
		add(&s.Volumes, v)
		if v.Blocks == 0 {
			continue // an empty volume cannot be lost
		}
		c := census{live: v.Target}
		if !w.whole(v) {
			c = w.census(v)
		}
		k := [2]int{c.live, v.Target}
		if byCopies[k] == nil {
			byCopies[k] = new(Count)
		}
		add(byCopies[k], v)
		if c.live >= v.Target {
			continue
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
	for k, n := range byCopies {
		s.Copies = append(s.Copies, Copies{Live: k[0], Target: k[1], Count: *n})
	}
	slices.SortFunc(s.Copies, func(a, b Copies) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Live, b.Live))
	})
	s.countNodes(w)
	s.countOrders(w)
}

func add(c *Count, v *volume) {
	c.Volumes++
	c.Bytes += v.Bytes
}

func (s *Status) countNodes(w *world) {
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
	for _, d := range w.disks {
		if d.site.state == metadata.NodeRemoved {
			continue
		}
		s.Capacity += d.capacity
		s.Used += d.used
		if d.live != metadata.LivenessDown {
			s.Free += max(0, d.free)
		}
	}
}

func (s *Status) countOrders(w *world) {
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

// judge sets the verdict and its sentence from the figures. The first that
// applies is the verdict: what threatens data comes before what is in the way.
func (s *Status) judge() {
	n := s.Nodes
	switch {
	case n.Unknown > 0 && s.Unavailable.Volumes == 0 && s.AtRisk.Volumes == 0:
		s.Verdict = Unknown
		s.Sentence = fmt.Sprintf("Counting: %s not reported yet.", servers(n.Unknown, "has", "have"))
	case n.Up+n.Suspect+n.Down+n.Unknown == 0:
		s.Verdict = Unknown
		s.Sentence = "No storage server has joined yet."
	case s.Unavailable.Volumes > 0:
		s.Verdict = Unavailable
		s.Sentence = fmt.Sprintf("%s cannot be read now: no storage server that has them answers%s.",
			size(s.Unavailable.Bytes), s.missing())
	case s.AtRisk.Volumes > 0:
		s.Verdict = AtRisk
		s.Sentence = fmt.Sprintf("%s have one live copy%s. %s", size(s.AtRisk.Bytes), s.missing(), s.progress())
	case s.Voters > 1 && s.VotersHealthy <= s.Voters/2+1 && s.VotersHealthy < s.Voters:
		s.Verdict = MetadataAtRisk
		s.Sentence = fmt.Sprintf("%d of %d nameservers answer; if one more fails, nothing can be read or written.", s.VotersHealthy, s.Voters)
	case s.ReadOnly:
		s.Verdict = ReadOnly
		s.Sentence = "Writing is switched off."
	case !s.Writable:
		s.Verdict = ReadOnly
		s.Sentence = "Nothing can be written: too few storage servers answer and have room" + s.missing() + "."
	case s.Below.Volumes > 0:
		s.Verdict = Repairing
		s.Sentence = fmt.Sprintf("%s lack a copy%s. %s", size(s.Below.Bytes), s.missing(), s.progress())
	default:
		s.Verdict = Protected
		s.Sentence = "All data has all its copies" + s.missing() + "."
	}
}

// missing names the storage servers that are down, if there are any.
func (s *Status) missing() string {
	if s.Nodes.Down == 0 {
		return ""
	}
	names := strings.Join(s.Nodes.Missing, ", ")
	if more := s.Nodes.Down - len(s.Nodes.Missing); more > 0 {
		names = strings.TrimPrefix(fmt.Sprintf("%s and %d more", names, more), " and ")
	}
	return fmt.Sprintf(" (down: %s)", names)
}

// progress says how repair gets on.
func (s *Status) progress() string {
	r := s.Repair
	switch {
	case r.Paused:
		return "Repair is paused: " + string(StallBrake) + "."
	case r.Running == 0 && r.BytesLeft == 0 && s.Nodes.Maintenance > 0:
		return "Nothing is copied: the others are on nodes in maintenance."
	case r.Running == 0 && r.Stalled != "":
		return "Repair waits: " + string(r.Stalled) + "."
	case r.ETAMax > 0:
		return fmt.Sprintf("Repairing at %s/s, %s left.", size(r.BytesPerS), span(r.ETAMin, r.ETAMax))
	}
	return "Repair is starting."
}

func servers(n int, one, many string) string {
	if n == 1 {
		return "1 storage server " + one
	}
	return fmt.Sprintf("%d storage servers %s", n, many)
}

// size writes bytes for people, in IEC units.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), "KMGTPE"
	i := -1
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// span writes a range of seconds for people.
func span(least, most int64) string {
	switch {
	case most < 90:
		return "about a minute"
	case most < 2*3600:
		return fmt.Sprintf("%d-%d min", max(1, least/60), (most+59)/60)
	}
	return fmt.Sprintf("%d-%d h", max(1, least/3600), (most+3599)/3600)
}
