package admin

import (
	"context"
	"fmt"
	"slices"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// ImpactOfNodes implements api.StrictServerInterface.
func (h *handlers) ImpactOfNodes(ctx context.Context, r api.ImpactOfNodesRequestObject) (api.ImpactOfNodesResponseObject, error) {
	n := h.snap.get()
	var nodes []*metadata.Node
	var ids []metadata.NodeID
	for _, who := range r.Params.Node {
		m, err := n.node(who)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, m.ID) {
			nodes, ids = append(nodes, m), append(ids, m.ID)
		}
	}
	im := drainTogether(n, nodes)
	if r.Params.Act == api.ImpactOfNodesParamsActMaintenance {
		f, err := h.cfg.Cluster.SafeToStop(ctx, ids...)
		if err != nil {
			return nil, err
		}
		im = api.Impact{
			Sentence: fmt.Sprintf("Meanwhile no repair is started for these %d nodes. If they were away together: %s", len(nodes), f.Sentence),
			Facts:    stopFacts(&f),
		}
		im.Facts = append(im.Facts, fact("New data could still be taken", !f.Writable, "%s", map[bool]string{true: "yes", false: "no"}[f.Writable]))
	}
	im.DryRun = true
	if im.Blockers == nil {
		im.Blockers = []string{}
	}
	return api.ImpactOfNodes200JSONResponse(im), nil
}

// drainTogether says what draining all of these would do: the room is that of
// the servers which are left, and so is the number of copies that they can hold.
func drainTogether(n *snapshot, nodes []*metadata.Node) api.Impact {
	var used int64
	var volumes int
	var ids []metadata.NodeID
	im := api.Impact{}
	for _, m := range nodes {
		used, ids = used+usedOf(m), append(ids, m.ID)
		for _, d := range m.Disks {
			volumes += d.Volumes
		}
		switch {
		case m.State == metadata.NodeDraining:
			im.Blockers = append(im.Blockers, m.Name+" is being drained already")
		case m.State == metadata.NodeRemoved:
			im.Blockers = append(im.Blockers, m.Name+" is removed")
		case !slices.Contains(m.Roles, metadata.NodeDatanode):
			im.Blockers = append(im.Blockers, m.Name+" keeps no data: there is nothing to drain")
		}
	}
	left, want := serversWithout(n.Nodes, ids), copiesWanted(&n.Report)
	room := roomWithout(n.Nodes, ids...)
	where := fmt.Sprintf("these %d nodes", len(nodes))
	if len(nodes) == 1 {
		where = nodes[0].Name
	}
	im.Sentence = fmt.Sprintf("%s in %d copies of volumes move from %s to the other storage servers. Everything stays readable.",
		health.Size(used), volumes, where)
	im.Facts = []api.Fact{
		fact("To move", false, "%s, %d copies of volumes", health.Size(used), volumes),
		fact("Free elsewhere", room < used, "%s", health.Size(room)),
		fact("Storage servers that are left", left < want, "%d", left),
	}
	if rate := n.Report.Repair.BytesPerS; rate > 0 {
		im.Facts = append(im.Facts, fact("At the present rate", false, "%s", health.Span(used/rate, 2*used/rate)))
	}
	if room < used {
		im.Blockers = append(im.Blockers, "the other storage servers have too little room")
	}
	if left < want {
		im.Blockers = append(im.Blockers, fmt.Sprintf("there is data that wants %d copies, and %d storage servers would be left: the drain would not end", want, left))
	}
	return im
}

// serversWithout counts the storage servers that take new data, other than those
// that leave.
func serversWithout(nodes []metadata.Node, leaving []metadata.NodeID) (left int) {
	for i := range nodes {
		if takes(&nodes[i]) && !slices.Contains(leaving, nodes[i].ID) {
			left++
		}
	}
	return left
}

// copiesWanted is the most copies that any data wants.
func copiesWanted(r *health.Report) (want int) {
	for _, c := range r.Copies {
		if c.Volumes > 0 {
			want = max(want, c.Target)
		}
	}
	return want
}
