package admin

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/history"
	"kendfs/metadata"
)

// seriesNames are the series of the whole cluster, in the order of the history's
// columns. The order is stored: append only.
func seriesNames() []string {
	return []string{
		"read_bytes", "write_bytes", "reads", "writes", "errors", "latency_p50", "latency_p95", "latency_p99", "used_bytes",
		"repair_bytes", "commands", "requests", "request_bytes_in", "request_bytes_out",
	}
}

// nodeSeries are those of one node: the first ones of seriesNames.
const nodeSeries = 9

// historyFile is where the history survives a restart.
const historyFile = "history.bin"

// gateway reports whether a node's traffic is that of clients of the drive.
// Storage servers' traffic is the same bytes again, and copies.
func isGateway(n *metadata.Node) bool { return slices.Contains(n.Roles, metadata.NodeWebDAV) }

func isStorage(n *metadata.Node) bool { return len(n.Disks) > 0 }

// sample takes down what the snapshot says, and returns the point of the whole
// cluster that goes to the streams.
func (s *Server) sample(n *snapshot) api.MetricsPoint {
	nan := math.NaN()
	total := make([]float64, len(seriesNames()))
	for i := range total {
		total[i] = nan
	}
	byGateway := slices.ContainsFunc(n.Nodes, func(m metadata.Node) bool { return isGateway(&m) && !n.rates[m.ID].at.IsZero() })
	var latency []int64
	for i := range n.Nodes {
		m := &n.Nodes[i]
		r, ok := n.rates[m.ID]
		if !ok || r.seconds == 0 {
			continue
		}
		s.history.AddNode(n.AsOf, m.ID, []float64{
			r.readBytes, r.writeBytes, r.reads, r.writes, r.errors, r.p50, r.p95, r.p99, float64(usedOf(m)),
		})
		// What clients see, where gateways say it; else what storage servers do.
		if byGateway != isGateway(m) || !byGateway && !isStorage(m) {
			continue
		}
		for k, v := range []float64{r.readBytes, r.writeBytes, r.reads, r.writes, r.errors} {
			if math.IsNaN(total[k]) {
				total[k] = 0
			}
			total[k] += v
		}
		latency = addBuckets(latency, r.latency)
	}
	if len(latency) > 0 {
		total[5], total[6], total[7] = quantile(latency, 0.5), quantile(latency, 0.95), quantile(latency, 0.99)
	}
	total[8], total[9] = float64(n.Report.Used), float64(n.Report.Repair.BytesPerS)
	s.counters.fill(n, total)
	s.history.Add(n.AsOf, total)
	p := api.MetricsPoint{Time: n.AsOf.Unix(), Values: map[string]float64{}}
	for i, name := range seriesNames() {
		if !math.IsNaN(total[i]) {
			p.Values[name] = total[i]
		}
	}
	return p
}

func addBuckets(sum, more []int64) []int64 {
	if len(sum) < len(more) {
		sum = append(sum, make([]int64, len(more)-len(sum))...)
	}
	for i, v := range more {
		sum[i] += v
	}
	return sum
}

// counters are what the admin itself has done, and the nameserver's commands.
type counters struct {
	requests, bytesIn, bytesOut atomic.Int64

	mu      sync.Mutex // of the figures before
	at      time.Time
	applied uint64
	before  [3]int64
}

// fill adds the rates since the sample before.
func (c *counters) fill(n *snapshot, total []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := [3]int64{c.requests.Load(), c.bytesIn.Load(), c.bytesOut.Load()}
	seconds := n.AsOf.Sub(c.at).Seconds()
	if !c.at.IsZero() && seconds > 0 {
		for i := range now {
			total[11+i] = float64(now[i]-c.before[i]) / seconds
		}
		if applied := n.Report.Nameserver.Applied; applied >= c.applied {
			total[10] = float64(applied-c.applied) / seconds
		}
	}
	c.at, c.applied, c.before = n.AsOf, n.Report.Nameserver.Applied, now
}

// spanOf is the length of a range that can be asked for.
func spanOf(name string) time.Duration {
	return map[string]time.Duration{
		"5m": 5 * time.Minute, "15m": 15 * time.Minute, "1h": time.Hour, "6h": 6 * time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour,
	}[name]
}

// QueryMetrics implements api.StrictServerInterface.
func (h *handlers) QueryMetrics(_ context.Context, r api.QueryMetricsRequestObject) (api.QueryMetricsResponseObject, error) {
	n := h.snap.get()
	nodes := []metadata.NodeID{0}
	if r.Params.Node != nil && len(*r.Params.Node) > 0 {
		nodes = nil
		for _, who := range *r.Params.Node {
			m, err := n.node(who)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, m.ID)
		}
	}
	before := time.Duration(deref(r.Params.Before)) * time.Second
	span := history.SpanBefore(time.Now(), before, spanOf(string(r.Params.Range)), nodes[0] != 0)
	out := api.Metrics{StepSeconds: int(span.Step), Times: span.Times, Columns: []api.Column{}}
	for _, id := range nodes {
		for _, name := range r.Params.Series {
			series := slices.Index(seriesNames(), string(name))
			c := api.Column{Series: name, Values: orNull(h.history.Column(span, id, series))}
			if id != 0 {
				c.Node = id.String()
			}
			out.Columns = append(out.Columns, c)
		}
	}
	return api.QueryMetrics200JSONResponse(out), nil
}
