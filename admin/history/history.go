package history

import (
	"math"
	"sync"
	"time"

	"kendfs/metadata"
)

// NodesMax bounds the nodes that are kept: 52 KB each with nine series.
const NodesMax = 1024

// resolutions of the whole cluster, and of a node.
func resolutions() []struct{ step, points int64 } {
	return []struct{ step, points int64 }{{1, 900}, {10, 2160}, {60, 10080}}
}

const (
	nodeStep   = 60
	nodePoints = 1440
)

// History keeps the series. Safe for concurrent use.
type History struct {
	series, nodeSeries int

	mu      sync.Mutex
	cluster []*ring // fine to coarse
	nodes   map[metadata.NodeID]*ring
	saved   time.Time
}

// New makes a History of so many series of the cluster and of each node.
func New(series, nodeSeries int) *History {
	h := &History{series: series, nodeSeries: nodeSeries, nodes: map[metadata.NodeID]*ring{}}
	for _, r := range resolutions() {
		h.cluster = append(h.cluster, newRing(r.step, int(r.points), series))
	}
	return h
}

// Add takes a sample of the whole cluster; NaN is not known.
func (h *History) Add(at time.Time, values []float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.cluster {
		r.add(at.Unix(), values)
	}
}

// AddNode takes a sample of a node.
func (h *History) AddNode(at time.Time, id metadata.NodeID, values []float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.nodes[id]
	if r == nil {
		if len(h.nodes) >= NodesMax {
			return
		}
		r = newRing(nodeStep, nodePoints, h.nodeSeries)
		h.nodes[id] = r
	}
	r.add(at.Unix(), values)
}

// Keep forgets the nodes that are no more.
func (h *History) Keep(there func(metadata.NodeID) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.nodes {
		if !there(id) {
			delete(h.nodes, id)
		}
	}
}

// Span is a range of time and how it is shown.
type Span struct {
	Step  int64 // seconds between points
	Times []int64
	ring  int // of the cluster
	group int // of its slots, in a point
	end   int64
}

// pointsMax bounds a column.
const pointsMax = 2160

// SpanOf says which points cover the time before now. forNodes: nodes are
// asked for, too, which have no fine ones.
func SpanOf(now time.Time, length time.Duration, forNodes bool) Span {
	return SpanBefore(now, 0, length, forNodes)
}

// SpanBefore says which points cover a length of time that ended so long before
// now: those of the finest resolution that is kept for so long, else of the
// coarsest.
func SpanBefore(now time.Time, before, length time.Duration, forNodes bool) Span {
	seconds, ago := int64(length/time.Second), int64(before/time.Second)
	s := Span{end: now.Unix() - ago}
	all := resolutions()
	for s.ring = range all { // the last one when none is kept for so long
		r := all[s.ring]
		if seconds+ago <= r.step*r.points && (!forNodes || r.step >= nodeStep) {
			break
		}
	}
	s.group = 1
	step := all[s.ring].step
	for seconds/(step*int64(s.group)) > pointsMax {
		s.group++
	}
	s.Step = step * int64(s.group)
	n := max(1, seconds/s.Step)
	last := s.end / s.Step
	for i := range n {
		s.Times = append(s.Times, (last-n+1+i)*s.Step)
	}
	return s
}

// HeatSpan says which points of nodes cover the time before now, so many at most.
func HeatSpan(now time.Time, length time.Duration, points int) Span {
	steps := max(1, int64(length/time.Second)/nodeStep)
	group := (steps + int64(points) - 1) / int64(points)
	s := Span{Step: nodeStep * group, ring: len(resolutions()) - 1, group: int(group), end: now.Unix()}
	last := s.end / s.Step
	n := max(1, steps/group)
	for i := range n {
		s.Times = append(s.Times, (last-n+1+i)*s.Step)
	}
	return s
}

// Column returns the points of one series, NaN where nothing is known. Node 0
// is the whole cluster.
func (h *History) Column(s Span, node metadata.NodeID, series int) []float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if node == 0 {
		return h.cluster[s.ring].column(s.end, len(s.Times), s.group, series)
	}
	r := h.nodes[node]
	if r == nil {
		out := make([]float64, len(s.Times))
		for i := range out {
			out[i] = math.NaN()
		}
		return out
	}
	return r.column(s.end, len(s.Times), int(s.Step/nodeStep), series)
}
