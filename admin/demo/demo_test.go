package demo

import (
	"context"
	"reflect"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/metadata/health"
)

var (
	_ admin.Cluster = (*Cluster)(nil)
	_ admin.Content = (*Cluster)(nil)
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newDemo(t testing.TB, cfg Config) (*Cluster, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg.Now = c.now
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

// In one cycle the verdict goes through everything, and at its end the data is
// safe again.
func TestCycle(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 200, Files: 10})
	seen := map[health.Verdict]int{}
	states, classes := map[string]int{}, map[string]int{}
	for range 300 {
		c.at = c.at.Add(time.Second)
		r, err := d.Report(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Verdict]++
		reps, _ := d.Repairs(context.Background())
		for _, q := range reps.Queue {
			states[q.State]++
			classes[q.Class]++
		}
	}
	t.Log(seen, states, classes, d.report.Sentence)
	for _, c := range d.report.Checks {
		t.Log(c.Code, c.Count, c.Affected)
	}
}

func TestSame(t *testing.T) {
	a, ca := newDemo(t, Config{Seed: 7, Nodes: 100, Files: 10})
	b, cb := newDemo(t, Config{Seed: 7, Nodes: 100, Files: 10})
	for range 60 {
		ca.at, cb.at = ca.at.Add(time.Second), cb.at.Add(time.Second)
		ra, _ := a.Report(context.Background())
		rb, _ := b.Report(context.Background())
		if !reflect.DeepEqual(ra, rb) {
			t.Fatalf("two demos of one seed differ:\n%+v\n%+v", ra, rb)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	d, c := newDemo(b, Config{Seed: 1})
	for b.Loop() {
		c.at = c.at.Add(time.Second)
		if _, err := d.Report(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
