package history

import "math"

// ring keeps the last points of some series at one resolution.
type ring struct {
	step   int64 // seconds
	points int
	series int
	data   []float32 // points × series; a slot is the time divided by step, modulo points
	last   int64     // slot of the newest point that is complete or being made; 0: none

	sum   []float64 // of the samples in the newest slot
	count []int
}

func newRing(step int64, points, series int) *ring {
	r := &ring{step: step, points: points, series: series, data: make([]float32, points*series),
		sum: make([]float64, series), count: make([]int, series)}
	for i := range r.data {
		r.data[i] = float32(math.NaN())
	}
	return r
}

// row returns the points of a slot.
func (r *ring) row(slot int64) []float32 {
	i := int(slot%int64(r.points)) * r.series
	return r.data[i : i+r.series]
}

// add takes a sample. Values beyond the ring's series are passed over.
func (r *ring) add(unix int64, values []float64) {
	slot := unix / r.step
	if slot < r.last {
		if (r.last-slot)*r.step <= backMax {
			return
		}
		r.goBack(slot)
	}
	if slot > r.last {
		// What was skipped is not known.
		for s := max(r.last+1, slot-int64(r.points)+1); s <= slot; s++ {
			row := r.row(s)
			for i := range row {
				row[i] = float32(math.NaN())
			}
		}
		r.last = slot
		clear(r.sum)
		clear(r.count)
	}
	row := r.row(slot)
	for i := range row {
		if i >= len(values) || math.IsNaN(values[i]) {
			continue
		}
		r.sum[i] += values[i]
		r.count[i]++
		row[i] = float32(r.sum[i] / float64(r.count[i]))
	}
}

// backMax is by how many seconds a clock may go back without anybody having set
// it: samples of that past are passed over.
const backMax = 120

// goBack forgets what is later than slot: the clock was wrong then, and waiting
// until it is that late again could take years.
func (r *ring) goBack(slot int64) {
	for s := max(slot, r.last-int64(r.points)+1); s <= r.last; s++ {
		row := r.row(s)
		for i := range row {
			row[i] = float32(math.NaN())
		}
	}
	r.last = slot
	clear(r.sum)
	clear(r.count)
}

// at returns a point, NaN where nothing is known.
func (r *ring) at(slot int64, series int) float64 {
	if series >= r.series || slot > r.last || slot <= r.last-int64(r.points) || slot <= 0 {
		return math.NaN()
	}
	return float64(r.row(slot)[series])
}

// column returns n points that end with the slot that unix is in, each the mean
// of group slots.
func (r *ring) column(unix int64, n, group, series int) []float64 {
	out := make([]float64, n)
	end := unix / r.step / int64(group)
	for i := range out {
		var sum float64
		known := 0
		first := (end - int64(n-1-i)) * int64(group)
		for s := first; s < first+int64(group); s++ {
			if v := r.at(s, series); !math.IsNaN(v) {
				sum += v
				known++
			}
		}
		out[i] = math.NaN()
		if known > 0 {
			out[i] = sum / float64(known)
		}
	}
	return out
}
