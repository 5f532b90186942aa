package admin

import (
	"time"

	"kendfs/metadata"
)

// nodeRate is what a node does per second, from the difference of what it had
// done at two moments.
type nodeRate struct {
	at                    time.Time
	seconds               float64 // between the two; 0: there is only one
	traffic               metadata.Traffic
	latency               []int64 // requests by bucket, between the two
	readBytes, writeBytes float64
	reads, writes, errors float64
	p50, p95, p99         float64 // ms; 0: no requests
}

// rateSpan is between which moments a rate is taken: figures of a node come
// about once a second, and one reading may see none or two of them.
const rateSpan = 3 * time.Second

// ratesOf compares two snapshots. A node that started again, or is new, has no
// rate until the next one.
func ratesOf(before, now *snapshot) map[metadata.NodeID]nodeRate {
	out := make(map[metadata.NodeID]nodeRate, len(now.Nodes))
	for i := range now.Nodes {
		n := &now.Nodes[i]
		old, ok := before.rates[n.ID]
		switch {
		case !ok || !old.traffic.Started.Equal(n.Traffic.Started) || n.Traffic.Reads < old.traffic.Reads:
			out[n.ID] = nodeRate{at: now.AsOf, traffic: n.Traffic}
		case now.AsOf.Sub(old.at) < rateSpan:
			out[n.ID] = old
		default:
			out[n.ID] = rateOf(&old.traffic, &n.Traffic, now.AsOf.Sub(old.at).Seconds(), now.AsOf)
		}
	}
	return out
}

func rateOf(old, now *metadata.Traffic, seconds float64, at time.Time) nodeRate {
	per := func(a, b int64) float64 { return max(0, float64(b-a)/seconds) }
	r := nodeRate{
		at: at, traffic: *now, readBytes: per(old.BytesRead, now.BytesRead), writeBytes: per(old.BytesWritten, now.BytesWritten),
		reads: per(old.Reads, now.Reads), writes: per(old.Writes, now.Writes), errors: per(old.Errors, now.Errors),
	}
	d := latencyDelta(old.Latency, now.Latency)
	r.p50, r.p95, r.p99 = quantile(d, 0.5), quantile(d, 0.95), quantile(d, 0.99)
	r.latency, r.seconds = d, seconds
	return r
}

// latencyDelta is how many requests fell into each bucket between two moments.
func latencyDelta(old, now []int64) []int64 {
	out := make([]int64, len(now))
	for i := range now {
		out[i] = now[i]
		if i < len(old) {
			out[i] = max(0, now[i]-old[i])
		}
	}
	return out
}

// quantile is the latency in ms below which the share q of the requests was,
// between the bounds of its bucket by straight interpolation; 0: there were
// none. The last bucket has no upper bound, and gives its lower one.
func quantile(buckets []int64, q float64) float64 {
	var total int64
	for _, n := range buckets {
		total += n
	}
	if total == 0 {
		return 0
	}
	want := q * float64(total)
	var seen float64
	for i, n := range buckets {
		lower := 0.0
		if i > 0 {
			lower = float64(int64(1) << (i - 1))
		}
		if seen+float64(n) >= want && n > 0 {
			if i == metadata.TrafficBuckets-1 {
				return lower
			}
			return lower + (float64(int64(1)<<i)-lower)*(want-seen)/float64(n)
		}
		seen += float64(n)
	}
	return 0
}
