package cluster

import (
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kendfs/metadata"
)

// traffic counts a gateway's requests.
type traffic struct {
	requests *prometheus.CounterVec   // by method and status
	seconds  *prometheus.HistogramVec // by method
	in, out  prometheus.Counter
	flying   prometheus.Gauge

	reads, writes, errors, read, written atomic.Int64
	latency                              [metadata.TrafficBuckets]atomic.Int64
}

func newTraffic() *traffic {
	return &traffic{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ken_gateway_requests_total", Help: "Requests answered, by method and status."}, []string{"method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ken_gateway_request_seconds", Help: "Time that requests took, bodies included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"method"}),
		in:     prometheus.NewCounter(prometheus.CounterOpts{Name: "ken_gateway_received_bytes_total", Help: "Bodies of requests."}),
		out:    prometheus.NewCounter(prometheus.CounterOpts{Name: "ken_gateway_sent_bytes_total", Help: "Bodies of answers."}),
		flying: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ken_gateway_requests_in_flight", Help: "Requests that are being answered."}),
	}
}

func (t *traffic) collectors() []prometheus.Collector {
	return []prometheus.Collector{t.requests, t.seconds, t.in, t.out, t.flying}
}

// sum is what the gateway tells the nameserver of itself: requests of its users,
// their bytes, and how long each took.
func (t *traffic) sum(started time.Time) metadata.Traffic {
	out := metadata.Traffic{
		Started: started, Reads: t.reads.Load(), Writes: t.writes.Load(), BytesRead: t.read.Load(),
		BytesWritten: t.written.Load(), Errors: t.errors.Load(),
	}
	for i := range t.latency {
		out.Latency = append(out.Latency, t.latency[i].Load())
	}
	return out
}

// note counts one request.
func (t *traffic) note(method string, w *countedWriter, took time.Duration) {
	t.out.Add(float64(w.n))
	t.read.Add(w.n)
	t.requests.WithLabelValues(method, strconv.Itoa(w.status)).Inc()
	t.seconds.WithLabelValues(method).Observe(took.Seconds())
	if changes(method) {
		t.writes.Add(1)
	} else {
		t.reads.Add(1)
	}
	if w.status >= http.StatusInternalServerError {
		t.errors.Add(1)
	}
	bucket := bits.Len64(uint64(took.Milliseconds())) // of 2^i ms
	t.latency[min(bucket, len(t.latency)-1)].Add(1)
}

// changes reports whether a method may change the drive.
func changes(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "PROPFIND":
		return false
	}
	return true
}

// methodLabel keeps clients from inventing labels.
func methodLabel(method string) string {
	known := []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK",
		"UNLOCK", "POST", "PATCH"}
	if slices.Contains(known, method) {
		return method
	}
	return "other"
}

// counted counts what h answers.
func (t *traffic) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.flying.Inc()
		began, method := time.Now(), methodLabel(r.Method)
		cw := &countedWriter{ResponseWriter: w, status: http.StatusOK}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &countedBody{r.Body, t}
		}
		defer func() { // also when the handler gives the connection up
			t.flying.Dec()
			t.note(method, cw, time.Since(began))
		}()
		h.ServeHTTP(cw, r)
	})
}

// countedBody counts what is read of a request.
type countedBody struct {
	io.ReadCloser
	t *traffic
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.t.in.Add(float64(n))
	b.t.written.Add(int64(n))
	return n, err
}

// countedWriter notes the status and counts what is written.
type countedWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
	n      int64
}

func (w *countedWriter) WriteHeader(status int) {
	if !w.wrote && (status >= 200 || status == http.StatusSwitchingProtocols) { // 1xx are not the answer
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedWriter) Write(b []byte) (int, error) {
	w.wrote = true
	n, err := w.ResponseWriter.Write(b)
	w.n += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
