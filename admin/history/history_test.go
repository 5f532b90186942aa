package history

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kendfs/metadata"
)

func at(seconds int64) time.Time { return time.Unix(1_700_000_000+seconds, 0).UTC() }

func known(values []float64) (n int) {
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n
}

func TestResolutions(t *testing.T) {
	h := New(2, 1)
	for i := range int64(4 * 3600) { // four hours, a gap of one hour in it
		if i >= 3600 && i < 7200 {
			continue
		}
		h.Add(at(i), []float64{float64(i), math.NaN()})
	}
	now := at(4*3600 - 1)
	for _, c := range []struct {
		length  time.Duration
		step    int64
		points  int
		known   int
		atLeast float64 // of the newest point
	}{
		{5 * time.Minute, 1, 300, 300, 4*3600 - 1},
		{15 * time.Minute, 1, 900, 900, 4*3600 - 1},
		{time.Hour, 10, 360, 360, 4*3600 - 10},
		{6 * time.Hour, 10, 2160, 1080, 4*3600 - 10},
		{24 * time.Hour, 60, 1440, 180, 4*3600 - 60},
		{7 * 24 * time.Hour, 300, 2016, 36, 4*3600 - 300},
	} {
		s := SpanOf(now, c.length, false)
		col := h.Column(s, 0, 0)
		if s.Step != c.step || len(s.Times) != c.points || len(col) != c.points {
			t.Errorf("%v: got step %d, %d times, %d values", c.length, s.Step, len(s.Times), len(col))
			continue
		}
		if n := known(col); n < c.known-1 || n > c.known+2 {
			t.Errorf("%v: %d points are known, want about %d", c.length, n, c.known)
		}
		if last := col[len(col)-1]; last < c.atLeast || last > 4*3600 {
			t.Errorf("%v: the newest is %v, want %v or a little more", c.length, last, c.atLeast)
		}
		if last := s.Times[len(s.Times)-1]; last > now.Unix() || last <= now.Unix()-s.Step || last%s.Step != 0 {
			t.Errorf("%v: the last time is %d, now is %d", c.length, last, now.Unix())
		}
		if known(h.Column(s, 0, 1)) != 0 || known(h.Column(s, 0, 9)) != 0 {
			t.Errorf("%v: a series of which nothing is known has points", c.length)
		}
	}
}

// A point of ten seconds is the mean of its samples, and samples of the past
// change nothing.
func TestMeans(t *testing.T) {
	h := New(1, 1)
	for i := range int64(20) {
		h.Add(at(i), []float64{float64(i % 10)})
	}
	h.Add(at(3), []float64{1e9})
	s := SpanOf(at(19), time.Hour, false)
	col := h.Column(s, 0, 0)
	if got := col[len(col)-1]; got != 4.5 {
		t.Errorf("got %v, want 4.5", got)
	}
	// After a long silence nothing old is taken for new.
	h.Add(at(100_000), []float64{1})
	if n := known(h.Column(SpanOf(at(100_000), 15*time.Minute, false), 0, 0)); n != 1 {
		t.Errorf("%d points, want 1", n)
	}
}

func TestNodes(t *testing.T) {
	h := New(1, 2)
	for i := range int64(600) {
		h.AddNode(at(i), 7, []float64{1, float64(i), 99})
	}
	s := SpanOf(at(599), 15*time.Minute, true)
	if s.Step != 60 || len(s.Times) != 15 {
		t.Errorf("got step %d, %d times", s.Step, len(s.Times))
	}
	if n := known(h.Column(s, 7, 1)); n < 10 || n > 11 {
		t.Errorf("%d points of the node, want 10 or 11", n)
	}
	if known(h.Column(s, 8, 0)) != 0 || known(h.Column(s, 7, 2)) != 0 {
		t.Error("a node or a series that is not there has points")
	}
	for i := range NodesMax + 50 {
		h.AddNode(at(600), metadata.NodeID(i+100), []float64{1})
	}
	if len(h.nodes) != NodesMax {
		t.Errorf("%d nodes, want %d", len(h.nodes), NodesMax)
	}
	h.Keep(func(id metadata.NodeID) bool { return id == 7 })
	if len(h.nodes) != 1 {
		t.Errorf("%d nodes are left", len(h.nodes))
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.bin")
	h := New(3, 2)
	if err := h.Load(path); err != nil {
		t.Errorf("no file yet: %v", err)
	}
	for i := range int64(100) {
		h.Add(at(i), []float64{float64(i), 2, math.NaN()})
		h.AddNode(at(i), 9, []float64{5})
	}
	if !h.Due(at(100)) {
		t.Error("not due before the first save")
	}
	if err := h.Save(path, at(100)); err != nil {
		t.Fatal(err)
	}
	if h.Due(at(130)) || !h.Due(at(161)) {
		t.Error("due too early, or too late")
	}
	again := New(3, 2)
	if err := again.Load(path); err != nil {
		t.Fatal(err)
	}
	s := SpanOf(at(99), 5*time.Minute, false)
	for series := range 3 {
		a, b := h.Column(s, 0, series), again.Column(s, 0, series)
		for i := range a {
			if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
				t.Fatalf("series %d, point %d: %v became %v", series, i, a[i], b[i])
			}
		}
	}
	if known(again.Column(SpanOf(at(99), time.Hour, true), 9, 0)) == 0 {
		t.Error("the node is lost")
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 7, 8, 20, len(good) / 2, len(good) - 1} {
		bad := append([]byte{}, good...)
		bad[i] ^= 1
		if err := again.decode(bad); err == nil {
			t.Errorf("byte %d is damaged, and it was read", i)
		}
		if err := again.decode(good[:i]); err == nil {
			t.Errorf("%d bytes were read", i)
		}
	}
	if err := New(4, 2).Load(path); err == nil {
		t.Error("a file of other series was read")
	}
	if err := h.Save(filepath.Join(path, "x"), at(0)); err == nil {
		t.Error("saved into a file")
	}
}

func FuzzDecode(f *testing.F) {
	h := New(1, 1)
	h.cluster = h.cluster[:1]
	f.Add(h.encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := New(1, 1)
		if h.decode(b) == nil {
			h.Add(at(0), []float64{1})
		}
	})
}

// A clock that was years ahead for a while does not stop the history for years.
func TestClockThatWasWrong(t *testing.T) {
	h := New(1, 1)
	for i := range int64(300) {
		h.Add(at(i), []float64{1})
		h.AddNode(at(i), 4, []float64{1})
	}
	const years = 4 * 365 * 24 * 3600
	h.Add(at(years), []float64{9})
	h.AddNode(at(years), 4, []float64{9})
	for i := range int64(300) {
		h.Add(at(300+i), []float64{2})
		h.AddNode(at(300+i), 4, []float64{2})
	}
	for _, length := range []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour} {
		col := h.Column(SpanOf(at(599), length, false), 0, 0)
		if last := col[len(col)-1]; last != 2 {
			t.Errorf("%v: the newest is %v, want 2", length, last)
		}
		for _, v := range col {
			if v == 9 {
				t.Errorf("%v: a point of the future is shown", length)
			}
		}
	}
	if col := h.Column(SpanOf(at(599), 24*time.Hour, true), 4, 0); col[len(col)-1] != 2 {
		t.Errorf("the node's newest is %v, want 2", col[len(col)-1])
	}
	// Some seconds back are the clock being set right, not being wrong.
	h.Add(at(560), []float64{7})
	if col := h.Column(SpanOf(at(599), 5*time.Minute, false), 0, 0); col[len(col)-40] != 2 {
		t.Errorf("a sample of the past was taken: %v", col[len(col)-40])
	}
}

// An earlier time is shown by what is still kept of it.
func TestSpanBefore(t *testing.T) {
	h := New(1, 1)
	for i := range int64(26 * 3600 / 10) {
		h.Add(at(i*10), []float64{float64(i * 10)})
	}
	now := at(26*3600 - 10)
	for _, c := range []struct {
		before, length time.Duration
		step           int64
		points         int
	}{
		{0, 15 * time.Minute, 1, 900},
		{5 * time.Minute, 5 * time.Minute, 1, 300},
		{15 * time.Minute, 15 * time.Minute, 10, 90},
		{time.Hour, time.Hour, 10, 360},
		{24 * time.Hour, time.Hour, 60, 60},
		{7 * 24 * time.Hour, time.Hour, 60, 60},
	} {
		s := SpanBefore(now, c.before, c.length, false)
		col := h.Column(s, 0, 0)
		if s.Step != c.step || len(s.Times) != c.points || len(col) != c.points {
			t.Errorf("%v before: got step %d, %d times, %d values", c.before, s.Step, len(s.Times), len(col))
			continue
		}
		last, end := s.Times[len(s.Times)-1], now.Add(-c.before).Unix()
		if last > end || last <= end-s.Step {
			t.Errorf("%v before: the last time is %d, want the one of %d", c.before, last, end)
		}
		v := col[len(col)-1]
		if c.before > 26*time.Hour {
			if known(col) != 0 {
				t.Errorf("%v before: something is known", c.before)
			}
		} else if c.step > 1 && math.Abs(v-float64(last-at(0).Unix())) > float64(c.step) {
			t.Errorf("%v before: got %v at %d", c.before, v, last-at(0).Unix())
		}
	}
}

func TestHeatSpan(t *testing.T) {
	h := New(1, 1)
	for i := range int64(24 * 60) {
		h.AddNode(at(i*60), 7, []float64{float64(i)})
	}
	now := at(24*3600 - 60)
	for length, step := range map[time.Duration]int64{time.Hour: 60, 6 * time.Hour: 360, 24 * time.Hour: 1440, time.Second: 60} {
		s := HeatSpan(now, length, 60)
		col := h.Column(s, 7, 0)
		if s.Step != step || len(s.Times) > 60 || len(col) != len(s.Times) || len(col) == 0 {
			t.Errorf("%v: got step %d, %d times, %d values", length, s.Step, len(s.Times), len(col))
			continue
		}
		if known(col) < len(col)-1 {
			t.Errorf("%v: %d of %d points are known", length, known(col), len(col))
		}
		if last := s.Times[len(s.Times)-1]; last > now.Unix() || last <= now.Unix()-s.Step {
			t.Errorf("%v: the last time is %d, now is %d", length, last, now.Unix())
		}
	}
}
