package admin

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// ListNodes implements api.StrictServerInterface.
func (h *handlers) ListNodes(_ context.Context, r api.ListNodesRequestObject) (api.ListNodesResponseObject, error) {
	n := h.snap.get()
	from, err := indexOf(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	text := deref(r.Params.Text)
	var all []*metadata.Node
	for i := range n.Nodes {
		m := &n.Nodes[i]
		if m.State != metadata.NodeRemoved && contains(text, m.ID.String(), m.Name, m.Zone, m.Addr, m.Version, strings.Join(m.Roles, " ")) {
			all = append(all, m)
		}
	}
	sortNodes(all, string(deref(r.Params.Sort)))
	limit := limitOf(r.Params.Limit)
	out := api.NodeList{Items: []api.Node{}, Total: len(all), AsOf: n.AsOf, Stale: n.stale}
	for _, m := range all[min(from, len(all)):min(from+limit, len(all))] {
		out.Items = append(out.Items, apiNode(n, m))
	}
	if from+limit < len(all) {
		out.NextCursor = cursorOf(strconv.Itoa(from + limit))
	}
	return api.ListNodes200JSONResponse(out), nil
}

// sortNodes orders by a field, with "-" in front for descending; by name
// otherwise, and among equals.
func sortNodes(all []*metadata.Node, field string) {
	field, down := strings.CutPrefix(field, "-")
	slices.SortStableFunc(all, func(a, b *metadata.Node) int {
		by := compareNodes(field, a, b)
		if down {
			by = -by
		}
		return cmp.Or(by, naturalOrder(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func compareNodes(field string, a, b *metadata.Node) int {
	switch field {
	case "state": // what needs somebody comes first
		return cmp.Or(cmp.Compare(b.Liveness, a.Liveness), cmp.Compare(b.State, a.State))
	case "used":
		return cmp.Compare(usedOf(a), usedOf(b))
	case "free":
		return cmp.Compare(freeOf(a), freeOf(b))
	case "zone":
		return cmp.Compare(a.Zone, b.Zone)
	case "heard":
		return a.Heard.Compare(b.Heard)
	}
	return naturalOrder(a.Name, b.Name)
}

func usedOf(n *metadata.Node) (sum int64) {
	for _, d := range n.Disks {
		sum += d.Used
	}
	return sum
}

func freeOf(n *metadata.Node) int64 {
	_, free := metadata.RoomOf(n.Disks)
	return free
}

// takes reports whether a storage server will take data. One that was silent
// for a moment counts: what is asked is about hours.
func takes(m *metadata.Node) bool {
	return m.State == metadata.NodeActive && len(m.Disks) > 0 &&
		(m.Liveness == metadata.LivenessUp || m.Liveness == metadata.LivenessSuspect)
}

// roomWithout is what is free on the healthy disks of the storage servers that
// take new data, other than those that leave. File systems that several share
// count once.
func roomWithout(nodes []metadata.Node, leaving ...metadata.NodeID) int64 {
	var disks []metadata.Disk
	for i := range nodes {
		m := &nodes[i]
		if !takes(m) || slices.Contains(leaving, m.ID) {
			continue
		}
		for _, d := range m.Disks {
			if d.Failed == "" {
				disks = append(disks, d)
			}
		}
	}
	_, free := metadata.RoomOf(disks)
	return free
}

// naturalOrder has n9 before n10.
func naturalOrder(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			x, y := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// node finds a node of the snapshot, by id or name.
func (n *snapshot) node(who string) (*metadata.Node, error) {
	for i := range n.Nodes {
		if m := &n.Nodes[i]; m.ID.String() == who || m.Name == who {
			return m, nil
		}
	}
	return nil, errSaid(metadata.KindNotFound, sayNoNode(who))
}

// GetNode implements api.StrictServerInterface.
func (h *handlers) GetNode(_ context.Context, r api.GetNodeRequestObject) (api.GetNodeResponseObject, error) {
	n := h.snap.get()
	m, err := n.node(r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetNode200JSONResponse(apiNode(n, m)), nil
}

// ChangeNode implements api.StrictServerInterface.
func (h *handlers) ChangeNode(ctx context.Context, r api.ChangeNodeRequestObject) (api.ChangeNodeResponseObject, error) {
	m, err := h.snap.get().node(r.Id)
	if err != nil {
		return nil, err
	}
	ch := metadata.NodeChange{Name: r.Body.Name, Zone: r.Body.Zone}
	if _, err := h.cfg.Cluster.SetNode(h.acting(ctx, deref(r.Body.Reason)), m.ID, ch); err != nil {
		return nil, err
	}
	changed := *m
	if ch.Name != nil {
		changed.Name = *ch.Name
	}
	if ch.Zone != nil {
		changed.Zone, changed.ZoneSet = cmp.Or(*ch.Zone, m.MachineZone), *ch.Zone != ""
	}
	return api.ChangeNode200JSONResponse(apiNode(h.snap.get(), &changed)), nil
}

// SafeToStop implements api.StrictServerInterface.
func (h *handlers) SafeToStop(ctx context.Context, r api.SafeToStopRequestObject) (api.SafeToStopResponseObject, error) {
	m, err := h.snap.get().node(r.Id)
	if err != nil {
		return nil, err
	}
	f, err := h.cfg.Cluster.SafeToStop(ctx, m.ID)
	return api.SafeToStop200JSONResponse(f), err
}

// nodeAct is one change of a node's state, with what must be known before.
type nodeAct struct {
	id, reason string
	dry        bool
	state      metadata.NodeState
	until      *time.Time
	impact     func(m *metadata.Node, f health.StopFacts) api.Impact
}

// act says what a change would do and, unless it is a dry run or something is
// in the way, does it.
func (h *handlers) act(ctx context.Context, a nodeAct) (api.Impact, error) {
	m, err := h.snap.get().node(a.id)
	if err != nil {
		return api.Impact{}, err
	}
	f, err := h.cfg.Cluster.SafeToStop(ctx, m.ID)
	if err != nil {
		return api.Impact{}, err
	}
	im := a.impact(m, f)
	im.DryRun = a.dry
	if a.dry {
		return im, nil
	}
	if err := blocked(&im); err != nil {
		return im, err
	}
	_, err = h.cfg.Cluster.SetNode(h.acting(ctx, a.reason), m.ID, metadata.NodeChange{State: &a.state, Until: a.until})
	return im, err
}

// stopFacts are the figures of a node that goes away.
func stopFacts(f *health.StopFacts) []api.Fact {
	return []api.Fact{
		fact(labelUnreadable(), f.Unavailable.Volumes > 0, sayVolumes(f.Unavailable)),
		fact(labelOneCopy(), f.AtRisk.Volumes > 0, sayVolumes(f.AtRisk)),
		fact(labelBelow(), false, sayVolumes(f.Below)),
		fact(labelToCopy(), false, figure(phrase.Bytes(f.RepairBytes))),
	}
}

// DrainNode implements api.StrictServerInterface.
func (h *handlers) DrainNode(ctx context.Context, r api.DrainNodeRequestObject) (api.DrainNodeResponseObject, error) {
	n := h.snap.get()
	im, err := h.act(ctx, nodeAct{
		id: r.Id, reason: reasonOf(r.Body), dry: deref(r.Params.DryRun), state: metadata.NodeDraining,
		impact: func(m *metadata.Node, _ health.StopFacts) api.Impact { return drainTogether(n, []*metadata.Node{m}) },
	})
	return api.DrainNode200JSONResponse(im), err
}

func reasonOf(b *api.Reason) string {
	if b == nil {
		return ""
	}
	return deref(b.Reason)
}

// ActivateNode implements api.StrictServerInterface.
func (h *handlers) ActivateNode(ctx context.Context, r api.ActivateNodeRequestObject) (api.ActivateNodeResponseObject, error) {
	im, err := h.act(ctx, nodeAct{
		id: r.Id, reason: reasonOf(r.Body), dry: deref(r.Params.DryRun), state: metadata.NodeActive,
		impact: func(m *metadata.Node, _ health.StopFacts) api.Impact {
			im := impact(sayActivate(m.Name))
			if m.State == metadata.NodeActive {
				block(&im, blockActive(m.Name))
			}
			return im
		},
	})
	return api.ActivateNode200JSONResponse(im), err
}

// MaintainNode implements api.StrictServerInterface.
func (h *handlers) MaintainNode(ctx context.Context, r api.MaintainNodeRequestObject) (api.MaintainNodeResponseObject, error) {
	until := time.Now().Add(time.Duration(r.Body.Seconds) * time.Second).UTC().Truncate(time.Second)
	im, err := h.act(ctx, nodeAct{
		id: r.Id, reason: deref(r.Body.Reason), dry: deref(r.Params.DryRun), state: metadata.NodeMaintenance, until: &until,
		impact: func(m *metadata.Node, f health.StopFacts) api.Impact {
			return impact(sayMaintain(phrase.Clock(until), m.Name, phrase.Told(f.SentencePhrase, f.Sentence)), stopFacts(&f)...)
		},
	})
	return api.MaintainNode200JSONResponse(im), err
}

// RemoveNode implements api.StrictServerInterface.
func (h *handlers) RemoveNode(ctx context.Context, r api.RemoveNodeRequestObject) (api.RemoveNodeResponseObject, error) {
	dry, confirm, reason := deref(r.Params.DryRun), "", ""
	if r.Body != nil {
		confirm, reason = r.Body.Confirm, deref(r.Body.Reason)
	}
	m, err := h.snap.get().node(r.Id)
	if err != nil {
		return nil, err
	}
	if !dry {
		if err := confirmed(confirm, m.Name, m.ID.String()); err != nil {
			return nil, err
		}
	}
	im, err := h.act(ctx, nodeAct{
		id: r.Id, reason: reason, dry: dry, state: metadata.NodeRemoved,
		impact: func(m *metadata.Node, _ health.StopFacts) api.Impact { return h.removal(m) },
	})
	return api.RemoveNode200JSONResponse(im), err
}

// removal says what removing a node does, and what is in the way.
func (h *handlers) removal(m *metadata.Node) api.Impact {
	held := 0
	for _, d := range m.Disks {
		held += d.Volumes
	}
	im := impact(sayRemove(m.Name),
		fact(labelHeld(), held > 0, figure(phrase.Count(held))), fact(labelState(), false, sayState(m.State)))
	switch {
	case m.State == metadata.NodeRemoved:
		block(&im, blockRemoved(m.Name))
	case slices.Contains(m.Roles, metadata.NodeNameserver):
		block(&im, blockNameserver(m.Name))
	case m.ID == h.cfg.Node:
		block(&im, blockThisNode(m.Name))
	case held > 0:
		block(&im, blockHolds(m.Name, held))
	}
	return im
}

// confirmed compares what was typed with the names of what is destroyed.
func confirmed(typed string, names ...string) error {
	if !slices.Contains(names, typed) {
		return errSaid(metadata.KindInvalid, sayConfirm(names[0]))
	}
	return nil
}
