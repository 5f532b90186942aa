package admin

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/history"
	"kendfs/metadata"
)

// A heat map holds so many nodes and points at most: 3840 cells are what a
// screen can show and a person can look over.
const (
	heatRows   = 64
	heatPoints = 60
)

// HeatOfNodes implements api.StrictServerInterface.
func (h *handlers) HeatOfNodes(_ context.Context, r api.HeatOfNodesRequestObject) (api.HeatOfNodesResponseObject, error) {
	n := h.snap.get()
	span := history.HeatSpan(time.Now(), spanOf(string(r.Params.Range)), heatPoints)
	series := slices.Index(seriesNames(), string(r.Params.Series))
	type row struct {
		node   *metadata.Node
		values []float64
		top    float64
	}
	var rows []row
	for i := range n.Nodes {
		m := &n.Nodes[i]
		if m.State == metadata.NodeRemoved {
			continue
		}
		values := h.history.Column(span, m.ID, series)
		if top, ok := highest(values); ok {
			rows = append(rows, row{m, values, top})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.top, a.top), naturalOrder(a.node.Name, b.node.Name), cmp.Compare(a.node.ID, b.node.ID))
	})
	out := api.Heat{StepSeconds: int(span.Step), Times: span.Times, Total: len(rows), Rows: []api.HeatRow{}}
	for _, x := range rows[:min(len(rows), heatRows)] {
		out.Rows = append(out.Rows, api.HeatRow{Node: x.node.ID.String(), Name: x.node.Name, Values: orNull(x.values)})
	}
	return api.HeatOfNodes200JSONResponse(out), nil
}

// highest is the largest value that is known; false: none is.
func highest(values []float64) (top float64, ok bool) {
	for _, v := range values {
		if !math.IsNaN(v) && (!ok || v > top) {
			top, ok = v, true
		}
	}
	return top, ok
}

// orNull has nil for what is not known: JSON has no NaN.
func orNull(values []float64) []*float64 {
	out := make([]*float64, len(values))
	for i, v := range values {
		if !math.IsNaN(v) {
			out[i] = &v
		}
	}
	return out
}
