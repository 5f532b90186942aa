package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// figure is what one workload reached: operations or megabytes a second.
type figure struct {
	name string
	rate float64
	cpu  float64 // the server's processor time, microseconds for an operation or megabyte
}

// rounds gathers the figures of two sides, ours and the other one.
type rounds struct {
	order []string
	rates map[string]*[2][]float64 // by workload and side, the best of each round
	cpu   map[string]*[2]float64   // as above, the least of all rounds
}

// add notes a figure of a round. Of several the best counts.
func (r *rounds) add(round int, ours bool, f figure) {
	if r.rates == nil {
		r.rates, r.cpu = map[string]*[2][]float64{}, map[string]*[2]float64{}
	}
	both := r.rates[f.name]
	if both == nil {
		both = new([2][]float64)
		r.rates[f.name], r.cpu[f.name] = both, new([2]float64)
		r.order = append(r.order, f.name)
	}
	side := 1
	if ours {
		side = 0
	}
	for len(both[side]) <= round {
		both[side] = append(both[side], 0)
	}
	both[side][round] = max(both[side][round], f.rate)
	if cpu := &r.cpu[f.name][side]; *cpu == 0 || f.cpu < *cpu {
		*cpu = f.cpu
	}
}

// result is one line of the report.
type result struct {
	name         string
	ours, theirs float64 // best; zero: not measured
	low, high    float64 // ratios of single rounds
	cpu          [2]float64
}

// ratio is ours by theirs; NaN if there is none.
func (r result) ratio() float64 {
	if r.ours == 0 || r.theirs == 0 {
		return math.NaN()
	}
	return r.ours / r.theirs
}

// results returns the lines in the order in which the workloads ran.
func (r *rounds) results() []result {
	var out []result
	for _, name := range r.order {
		both := r.rates[name]
		line := result{name: name, low: math.Inf(1), cpu: *r.cpu[name]}
		for i, ours := range both[0] {
			line.ours = max(line.ours, ours)
			if i < len(both[1]) && both[1][i] > 0 && ours > 0 { // a round of both
				line.low = min(line.low, ours/both[1][i])
				line.high = max(line.high, ours/both[1][i])
			}
		}
		for _, theirs := range both[1] {
			line.theirs = max(line.theirs, theirs)
		}
		out = append(out, line)
	}
	return out
}

// target is what a workload must reach: a ratio or, if that is zero, a rate.
type target struct {
	prefix string
	ratio  float64
	rate   float64
}

// print writes the table. find returns the target of a workload, if it has one.
func (r *rounds) print(to io.Writer, find func(name string) target) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tken\tother\tratio\tof rounds\ttarget\tken CPU µs\tother's\t")
	for _, line := range r.results() {
		ratio, spread := "-", "-"
		if !math.IsNaN(line.ratio()) {
			ratio = fmt.Sprintf("%.2f", line.ratio())
		}
		if line.high > 0 {
			spread = fmt.Sprintf("%.2f..%.2f", line.low, line.high)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%s\t%s\t%s\t%.0f\t%.0f\t\n", line.name, line.ours, line.theirs, ratio, spread,
			find(line.name).verdict(line), line.cpu[0], line.cpu[1])
	}
	return w.Flush()
}

// verdict says whether the target is reached.
func (t target) verdict(r result) string {
	want, got := t.ratio, r.ratio()
	if t.ratio == 0 {
		want, got = t.rate, r.ours
	}
	switch {
	case want == 0 || math.IsNaN(got):
		return ""
	case got < want:
		return fmt.Sprintf("%g MISSED", want)
	}
	return fmt.Sprintf("%g ok", want)
}

// apacheTarget is what one process must reach beside Apache.
func apacheTarget(name string) target {
	return lookup(name, []target{
		{prefix: "copy-large", ratio: 50}, {prefix: "put-large", ratio: 0.8}, {prefix: "put-chunked", ratio: 0.8},
		{prefix: "get-large", ratio: 0.8}, {prefix: "move", ratio: 1.5}, {prefix: "delete", ratio: 1.5},
		{prefix: "mkcol", ratio: 1.5}, {prefix: "list", ratio: 1.5}, {prefix: "put-small", ratio: 1},
		{prefix: "overwrite", ratio: 1}, {prefix: "get-small", ratio: 1}, {prefix: "stat", ratio: 1},
	})
}

// quicTarget is what separate processes must reach beside a raw stream.
func quicTarget(name string) target {
	return lookup(name, []target{
		{prefix: "put-large", ratio: 0.5}, {prefix: "get-large", ratio: 0.8}, {prefix: "put-small", rate: 1500},
	})
}

func lookup(name string, all []target) target {
	for _, t := range all {
		if strings.HasPrefix(name, t.prefix) {
			return t
		}
	}
	return target{}
}
