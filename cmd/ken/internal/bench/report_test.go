package main

import (
	"math"
	"strings"
	"testing"
)

// measured is two rounds of three workloads, one of them on one side only.
func measured() *rounds {
	var r rounds
	for _, m := range []struct {
		round int
		ours  bool
		f     figure
	}{
		{0, true, figure{"put-small op/s", 100, 100}},
		{0, true, figure{"get-large MB/s", 300, 300}},
		{0, true, figure{"get-large MB/s", 400, 400}}, // the better one of a round
		{0, true, figure{"fill op/s", 7, 7}},
		{0, false, figure{"put-small op/s", 200, 200}},
		{0, false, figure{"get-large MB/s", 500, 500}},
		{1, false, figure{"put-small op/s", 50, 50}},
		{1, false, figure{"get-large MB/s", 400, 400}},
		{1, true, figure{"put-small op/s", 120, 120}},
		{1, true, figure{"get-large MB/s", 100, 100}},
	} {
		r.add(m.round, m.ours, m.f)
	}
	return &r
}

func TestResults(t *testing.T) {
	want := []result{
		{"put-small op/s", 120, 200, 0.5, 2.4, [2]float64{100, 50}},
		{"get-large MB/s", 400, 500, 0.25, 0.8, [2]float64{100, 400}},
		{"fill op/s", 7, 0, math.Inf(1), 0, [2]float64{7, 0}},
	}
	got := measured().results()
	if len(got) != len(want) {
		t.Fatalf("%d results, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("result %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestPrint(t *testing.T) {
	var out strings.Builder
	if err := measured().print(&out, apacheTarget); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0.60  0.50..2.40  1 MISSED", "0.80  0.25..0.80    0.8 ok", "fill op/s    7.0    0.0      -"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		find   func(string) target
		line   result
		want   string
		reason string
	}{
		{apacheTarget, result{name: "copy-large MB/s", ours: 5000, theirs: 100}, "50 ok", "exactly"},
		{apacheTarget, result{name: "copy op/s", ours: 1, theirs: 100}, "", "has none"},
		{apacheTarget, result{name: "move op/s", ours: 149, theirs: 100}, "1.5 MISSED", "nearly"},
		{apacheTarget, result{name: "move op/s", ours: 149}, "", "no peer"},
		{quicTarget, result{name: "put-small op/s", ours: 1500}, "1500 ok", "a rate needs no peer"},
		{quicTarget, result{name: "put-small op/s", ours: 1499, theirs: 1}, "1500 MISSED", "a rate, not a ratio"},
		{quicTarget, result{name: "get-large MB/s", ours: 80, theirs: 100}, "0.8 ok", "of raw"},
	} {
		if got := tt.find(tt.line.name).verdict(tt.line); got != tt.want {
			t.Errorf("%+v (%s): %q, want %q", tt.line, tt.reason, got, tt.want)
		}
	}
}
