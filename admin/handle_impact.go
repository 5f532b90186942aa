package admin

import (
	"context"
	"slices"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
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
		im = impact(sayMaintainMany(len(nodes), phrase.Told(f.SentencePhrase, f.Sentence)), stopFacts(&f)...)
		im.Facts = append(im.Facts, fact(labelWritable(), !f.Writable, sayYes(f.Writable)))
	}
	im.DryRun = true
	return api.ImpactOfNodes200JSONResponse(im), nil
}

// drainTogether says what draining all of these would do: the room is that of
// the servers which are left, and so is the number of copies that they can hold.
func drainTogether(n *snapshot, nodes []*metadata.Node) api.Impact {
	var used int64
	var volumes int
	var ids []metadata.NodeID
	var in []phrase.Phrase
	for _, m := range nodes {
		used, ids = used+usedOf(m), append(ids, m.ID)
		for _, d := range m.Disks {
			volumes += d.Volumes
		}
		switch {
		case m.State == metadata.NodeDraining:
			in = append(in, blockDraining(m.Name))
		case m.State == metadata.NodeRemoved:
			in = append(in, blockGone(m.Name))
		case !slices.Contains(m.Roles, metadata.NodeDatanode):
			in = append(in, blockNoData(m.Name))
		}
	}
	left, want := serversWithout(n.Nodes, ids), copiesWanted(&n.Report)
	room := roomWithout(n.Nodes, ids...)
	im := impact(sayDrain(used, volumes, sayNodes(nodes)),
		fact(labelToMove(), false, sayMove(used, volumes)),
		fact(labelFree(), room < used, figure(phrase.Bytes(room))),
		fact(labelServersLeft(), left < want, figure(phrase.Count(left))))
	if rate := n.Report.Repair.BytesPerS; rate > 0 && used > 0 {
		im.Facts = append(im.Facts, fact(labelPresentRate(), false, figure(phrase.Span(used/rate, 2*used/rate))))
	}
	if room < used {
		in = append(in, blockNoRoom())
	}
	if left < want {
		in = append(in, blockTooFew(want, left))
	}
	block(&im, in...)
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
