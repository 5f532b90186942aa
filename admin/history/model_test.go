package history

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"kendfs/metadata"
)

// model is a ring that keeps every sample.
type model struct {
	step   int64
	points int64
	last   int64
	slots  map[int64][]float64 // samples of a slot
}

func (m *model) add(unix int64, v float64) {
	slot := unix / m.step
	switch {
	case slot < m.last && (m.last-slot)*m.step <= backMax:
		return
	case slot < m.last: // the clock was wrong: what is later is forgotten, and what it pushed out is gone
		for s := range m.slots {
			if s >= slot || s <= m.last-m.points {
				delete(m.slots, s)
			}
		}
	}
	m.last = slot
	if !math.IsNaN(v) {
		m.slots[slot] = append(m.slots[slot], v)
	}
}

func (m *model) at(slot int64) float64 {
	vs := m.slots[slot]
	if len(vs) == 0 || slot <= m.last-m.points || slot > m.last {
		return math.NaN()
	}
	var sum float64
	for _, v := range vs {
		sum += v
	}
	return float64(float32(sum / float64(len(vs))))
}

func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-6*max(1, math.Abs(b))
}

// TestRingAgainstModel adds samples at random times, gaps, jumps and steps back
// among them, and compares every point with a ring that forgets nothing.
func TestRingAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		step, points := []int64{1, 10, 60}[rng.IntN(3)], 5+rng.IntN(60)
		r := newRing(step, points, 2)
		m := &model{step: step, points: int64(points), slots: map[int64][]float64{}}
		now := int64(1_700_000_000)
		for range 400 {
			switch rng.IntN(12) {
			case 0:
				now += rng.Int64N(step * int64(points) * 3)
			case 1:
				now -= rng.Int64N(90) // set right
			case 2:
				now -= rng.Int64N(step*int64(points)*2 + 200) // set back
			default:
				now += rng.Int64N(step * 2)
			}
			v := rng.Float64() * 1e6
			if rng.IntN(8) == 0 {
				v = math.NaN()
			}
			r.add(now, []float64{v, 5, 6, 7})
			m.add(now, v)
			slot := now / step
			for s := slot - int64(points) - 3; s <= slot+int64(points)+3; s++ {
				if got, want := r.at(s, 0), m.at(s); !same(got, want) {
					t.Fatalf("seed %d, step %d, %d points, slot %d of %d: got %v, want %v", seed, step, points, s, slot, got, want)
				}
			}
		}
		if !math.IsNaN(r.at(r.last, 2)) {
			t.Fatal("a series that is not there has a point")
		}
	}
}

// A column of groups is the mean of the points that are known.
func TestColumnIsTheMeanOfPoints(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		r := newRing(1, 120, 1)
		begin := int64(1_700_000_000)
		for i := range int64(200) {
			if rng.IntN(3) > 0 {
				r.add(begin+i, []float64{rng.Float64() * 100})
			}
		}
		group, n := 1+rng.IntN(7), 1+rng.IntN(30)
		now := begin + 199
		for i, got := range r.column(now, n, group, 0) {
			first := (now/int64(group) - int64(n-1-i)) * int64(group)
			var sum float64
			known := 0
			for s := first; s < first+int64(group); s++ {
				if v := r.at(s, 0); !math.IsNaN(v) {
					sum, known = sum+v, known+1
				}
			}
			want := math.NaN()
			if known > 0 {
				want = sum / float64(known)
			}
			if !same(got, want) {
				t.Fatalf("seed %d, group %d, point %d: got %v, want %v", seed, group, i, got, want)
			}
		}
	}
}

// Whatever range is asked for: times are whole steps, ascending, end now, are
// bounded, and every column has as many values.
func TestEverySpan(t *testing.T) {
	h := New(3, 2)
	for i := range int64(100) {
		h.Add(at(i*30), []float64{1, 2, 3})
		h.AddNode(at(i*30), 5, []float64{1, 2})
	}
	for seconds := int64(0); seconds < 8*24*3600; seconds += 1 + seconds/7 {
		for _, nodes := range []bool{false, true} {
			now := at(3000)
			s := SpanOf(now, time.Duration(seconds)*time.Second, nodes)
			if len(s.Times) == 0 || len(s.Times) > pointsMax+1 || s.Step <= 0 || nodes && s.Step%nodeStep != 0 {
				t.Fatalf("%d s, nodes %v: %d times, step %d", seconds, nodes, len(s.Times), s.Step)
			}
			for i, at := range s.Times {
				if at%s.Step != 0 || i > 0 && at-s.Times[i-1] != s.Step {
					t.Fatalf("%d s: times %v", seconds, s.Times)
				}
			}
			if last := s.Times[len(s.Times)-1]; last > now.Unix() || last <= now.Unix()-s.Step {
				t.Fatalf("%d s: the last time is %d, now is %d", seconds, last, now.Unix())
			}
			if covered := int64(len(s.Times)) * s.Step; seconds >= s.Step && covered > seconds {
				t.Fatalf("%d s: %d s are covered", seconds, covered)
			}
			for series := range 4 {
				if n := len(h.Column(s, 0, series)); n != len(s.Times) {
					t.Fatalf("%d s: %d values for %d times", seconds, n, len(s.Times))
				}
				if nodes && len(h.Column(s, 5, series)) != len(s.Times) {
					t.Fatalf("%d s: a node has other times", seconds)
				}
			}
		}
	}
}

// What was saved and loaded goes on as if there had been no restart.
func TestSavedHistoryGoesOn(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 3))
		a := New(2, 1)
		now := int64(0)
		for range 300 {
			now += rng.Int64N(40)
			a.Add(at(now), []float64{rng.Float64(), math.NaN()})
			a.AddNode(at(now), 3, []float64{rng.Float64()})
		}
		b := New(2, 1)
		if err := b.decode(a.encode()); err != nil {
			t.Fatal(err)
		}
		now += 600 // the slot that was being made is over in both
		for range 100 {
			v := rng.Float64()
			now += rng.Int64N(40)
			for _, h := range []*History{a, b} {
				h.Add(at(now), []float64{v, v})
				h.AddNode(at(now), 3, []float64{v})
			}
		}
		for _, length := range []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
			s := SpanOf(at(now), length, false)
			x, y := a.Column(s, 0, 0), b.Column(s, 0, 0)
			for i := range x {
				if !same(x[i], y[i]) {
					t.Fatalf("seed %d, %v, point %d: %v without a restart, %v with one", seed, length, i, x[i], y[i])
				}
			}
		}
	}
}

// A large history is written less often.
func TestDue(t *testing.T) {
	small, large := New(2, 1), New(14, 9)
	for i := range 200 {
		large.AddNode(at(0), metadata.NodeID(i+1), []float64{1})
	}
	for name, c := range map[string]struct {
		h     *History
		every time.Duration
	}{"small": {small, SaveEvery}, "large": {large, 10 * SaveEvery}} {
		path := t.TempDir() + "/history.bin"
		if err := c.h.Save(path, at(0)); err != nil {
			t.Fatal(err)
		}
		if c.h.Due(at(0).Add(c.every-time.Second)) || !c.h.Due(at(0).Add(c.every)) {
			t.Errorf("%s: not due after %v", name, c.every)
		}
	}
}
