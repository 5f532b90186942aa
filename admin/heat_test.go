package admin_test

import (
	"slices"
	"testing"
)

type heat struct {
	Times []int64
	Total int
	Rows  []struct {
		Node, Name string
		Values     []*float64
	}
}

// The hottest nodes come first, and no more cells than a person can look over.
func TestHeatOfNodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("vera")
	d.until("nodes have figures", func() bool {
		return get[heat](b, "/api/v1/metrics/heat?range=1h&series=used_bytes").Total > 20
	})
	got := get[heat](b, "/api/v1/metrics/heat?range=1h&series=used_bytes")
	if len(got.Times) != 60 || len(got.Rows) > 64 || len(got.Rows) > got.Total {
		t.Fatalf("got %d times, %d rows of %d", len(got.Times), len(got.Rows), got.Total)
	}
	var tops []float64
	for _, r := range got.Rows {
		top := 0.0
		for _, v := range r.Values {
			if v != nil {
				top = max(top, *v)
			}
		}
		tops = append(tops, -top)
		if len(r.Values) != len(got.Times) || r.Name == "" || r.Node == "" {
			t.Errorf("row %q (%s) has %d values", r.Name, r.Node, len(r.Values))
		}
	}
	if !slices.IsSorted(tops) {
		t.Errorf("the hottest do not come first: %v", tops)
	}
	b.refused("GET", "/api/v1/metrics/heat?range=7d&series=used_bytes", nil, 400, "invalid")
	b.refused("GET", "/api/v1/metrics/heat?range=1h&series=commands", nil, 400, "invalid")
	// A time of which nothing is kept is told as such.
	m := get[struct {
		Times   []int64
		Columns []struct{ Values []*float64 }
	}](b, "/api/v1/metrics/query?range=1h&series=read_bytes&before=86400")
	for _, v := range m.Columns[0].Values {
		if v != nil {
			t.Fatalf("a desk that has just begun knows yesterday: %v", *v)
		}
	}
	if len(m.Times) != 60 {
		t.Errorf("yesterday has %d points", len(m.Times))
	}
	b.refused("GET", "/api/v1/metrics/query?range=1h&series=read_bytes&before=-1", nil, 400, "invalid")
}
