package admin

import (
	"math"
	"reflect"
	"slices"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Bounds of a message.
const (
	repairsLive = 100 // of the queue
	figuresLive = 30  // nodes of which the figures alone have changed
	wholeLive   = 500 // nodes; a browser takes no message of more than 4 MiB
)

// nodesTold is what the streams know of the nodes.
type nodesTold struct {
	sent map[metadata.NodeID]api.Node // nil: nobody listens
	owed map[metadata.NodeID]bool     // whose figures have been others meanwhile
	turn int                          // where the figures go on
}

// publishNodes publishes the nodes that are not as they were. A changed state
// goes out whole and at once; figures of nodes that are busy as ever go out as
// bare numbers and in turn, some in each message, so that a thousand nodes do
// not fill everybody's line.
func (f *feed) publishNodes(n *snapshot) {
	if !f.s.hub.Wanted("nodes") {
		f.nodes = nodesTold{}
		return
	}
	if f.nodes.sent == nil {
		// Who opened a stream and then read the nodes has those of the snapshot
		// before, or newer ones.
		before := f.last
		if before == nil {
			before = n
		}
		f.nodes.begin(before)
	}
	ch := f.nodes.changes(n)
	for rest := range slices.Chunk(ch.Changed[min(len(ch.Changed), wholeLive):], wholeLive) {
		f.send("nodes", api.NodeChanges{Changed: rest, Removed: []string{}})
	}
	ch.Changed = ch.Changed[:min(len(ch.Changed), wholeLive)]
	if len(ch.Changed)+len(ch.Removed)+len(deref(ch.Figures)) > 0 {
		f.send("nodes", ch)
	}
}

func (t *nodesTold) begin(n *snapshot) {
	t.sent, t.owed = make(map[metadata.NodeID]api.Node, len(n.Nodes)), map[metadata.NodeID]bool{}
	for i := range n.Nodes {
		t.sent[n.Nodes[i].ID] = apiNode(n, &n.Nodes[i])
	}
}

// changes is what has to be told, and is known from now on.
func (t *nodesTold) changes(n *snapshot) api.NodeChanges {
	ch := api.NodeChanges{Changed: []api.Node{}, Removed: []string{}}
	var figures []api.NodeFigures
	there := make(map[metadata.NodeID]bool, len(n.Nodes))
	first := t.turn
	for k := range n.Nodes {
		at := (k + first) % len(n.Nodes)
		id := n.Nodes[at].ID
		there[id] = true
		now, old := apiNode(n, &n.Nodes[at]), t.sent[id]
		switch {
		case moved(&old, &now):
			ch.Changed = append(ch.Changed, now)
		case !t.owed[id] && !stirred(&old, &now):
			continue
		case len(figures) == figuresLive:
			// Even if they are in their turn what they were: somebody may have
			// read the nodes meanwhile.
			t.owed[id] = true
			continue
		default:
			figures = append(figures, figuresOf(&now))
			t.turn = (at + 1) % len(n.Nodes)
		}
		t.sent[id] = now
		delete(t.owed, id)
	}
	for id := range t.sent {
		if !there[id] {
			ch.Removed = append(ch.Removed, id.String())
			delete(t.sent, id)
			delete(t.owed, id)
		}
	}
	slices.Sort(ch.Removed)
	if figures != nil {
		ch.Figures = &figures
	}
	return ch
}

// figuresOf are a node's figures as the document orders them.
func figuresOf(n *api.Node) api.NodeFigures {
	heard, p99 := 0.0, -1.0
	if n.Heard != nil {
		heard = float64(n.Heard.UnixMilli())
	}
	if n.LatencyP99Ms != nil {
		p99 = *n.LatencyP99Ms
	}
	out := api.NodeFigures{Id: n.Id, Drain: n.Drain, Figures: []float64{
		heard, n.ReadBytesPerSecond, n.WriteBytesPerSecond, p99, float64(n.UsedBytes), float64(n.FreeBytes), float64(n.Volumes),
	}}
	for i := range n.Disks {
		d := &n.Disks[i]
		out.Figures = append(out.Figures, float64(d.UsedBytes), float64(d.FreeBytes), float64(d.Volumes))
	}
	return out
}

// moved reports whether something about a node changed that people wait for.
func moved(a, b *api.Node) bool {
	x, y := *a, *b
	for _, n := range []*api.Node{&x, &y} {
		n.Heard, n.ReadBytesPerSecond, n.WriteBytesPerSecond, n.LatencyP99Ms = nil, 0, 0, nil
		n.UsedBytes, n.FreeBytes, n.Volumes = 0, 0, 0
		n.Disks = slices.Clone(n.Disks)
		for i := range n.Disks {
			n.Disks[i].UsedBytes, n.Disks[i].FreeBytes, n.Disks[i].Volumes = 0, 0, 0
		}
		if n.Drain != nil {
			n.Drain = &health.Drain{Ready: n.Drain.Ready}
		}
	}
	return !reflect.DeepEqual(x, y)
}

// stirred reports whether a node's figures are others than they were.
func stirred(a, b *api.Node) bool {
	far := func(x, y float64) bool { return math.Abs(x-y) > 0.1*max(x, y) }
	return a.UsedBytes != b.UsedBytes || a.FreeBytes != b.FreeBytes || a.Volumes != b.Volumes || !reflect.DeepEqual(a.Drain, b.Drain) ||
		far(a.ReadBytesPerSecond, b.ReadBytesPerSecond) || far(a.WriteBytesPerSecond, b.WriteBytesPerSecond) ||
		far(deref(a.LatencyP99Ms), deref(b.LatencyP99Ms))
}

// queueTold is what the streams know of the queue of repairs, by volume and
// without the bytes that are done.
type queueTold map[string]health.Repair

// publishQueue publishes the front of the queue: its order and progress as bare
// lists, and whole what is new there or not as it was.
func (f *feed) publishQueue(n *snapshot) {
	if !f.s.hub.Wanted("repairs") {
		f.queue = nil
		delete(f.told, "repairs")
		return
	}
	var ch api.RepairChanges
	ch, f.queue = f.queue.changes(apiRepairs(n))
	same := ch
	same.AsOf, same.Changed = time.Time{}, nil
	if len(ch.Changed) > 0 {
		delete(f.told, "repairs")
	}
	f.tell("repairs", ch, same)
}

// changes compares the front of the queue with what was told; next is told then.
func (q queueTold) changes(r health.Repairs) (ch api.RepairChanges, next queueTold) {
	head := r.Queue[:min(len(r.Queue), repairsLive)]
	next = make(queueTold, len(head))
	ch = api.RepairChanges{AsOf: r.AsOf, Total: r.Total, Drains: r.Drains, Order: []string{}, Done: []int64{}, Changed: []health.Repair{}}
	for _, now := range head {
		ch.Order, ch.Done = append(ch.Order, now.Volume), append(ch.Done, now.BytesDone)
		bare := now
		bare.BytesDone = 0
		if old, ok := q[now.Volume]; !ok || !reflect.DeepEqual(old, bare) {
			ch.Changed = append(ch.Changed, now)
		}
		next[now.Volume] = bare
	}
	return ch, next
}
