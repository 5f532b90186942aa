package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"kendfs/metadata"
)

// fetch returns status and body of a page.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// scrape reads and parses all figures.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	status, text := fetch(t, url)
	if status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", url, status, text)
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return families
}

// value sums the figures of a family that have the labels, names and values in
// turn. The value of a histogram is how much it counted.
func value(t *testing.T, all map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	f := all[name]
	if f == nil {
		t.Fatalf("no figure %s", name)
	}
	sum, found := 0.0, false
	for _, m := range f.GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i+1 < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if fits {
			found = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if !found {
		t.Fatalf("no figure %s with %v", name, labels)
	}
	return sum
}

func TestMetricsMoveWithTraffic(t *testing.T) {
	d, err := Dev(t.Context(), DevOptions{Dir: t.TempDir(), WebDAV: "127.0.0.1:0", Metrics: "127.0.0.1:0",
		StorageServers: 2, Replication: 2, Password: "correct-horse-9", Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close(context.Background()) })
	if !strings.HasSuffix(d.Metrics(), "/metrics") {
		t.Fatalf("address: %q", d.Metrics())
	}
	before := scrape(t, d.Metrics())
	data := bytes.Repeat([]byte("x"), 3<<20)
	if err := putGet(t.Context(), d.URL()+"file", "correct-horse-9", data); err != nil {
		t.Fatal(err)
	}
	after := scrape(t, d.Metrics())
	for _, k := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{"ken_gateway_requests_total", []string{"method", "PUT", "status", "201", "node", "n1"}, 1},
		{"ken_gateway_requests_total", []string{"method", "GET", "status", "200"}, 1},
		{"ken_gateway_request_seconds", []string{"method", "PUT"}, 1},
		{"ken_gateway_received_bytes_total", nil, 3 << 20},
		{"ken_gateway_sent_bytes_total", nil, 3 << 20},
		{"ken_gateway_blocks_written_total", nil, 1},
		{"ken_gateway_block_bytes_written_total", nil, 3 << 20},
		{"ken_storage_puts_total", []string{"node", "n2"}, 1},
		{"ken_storage_put_bytes_total", nil, 6 << 20},
		{"ken_storage_get_bytes_total", nil, 3 << 20},
		{"ken_disk_writes_total", []string{"node", "n3"}, 1},
		{"ken_disk_write_bytes_total", nil, 6 << 20},
		{"ken_disk_syncs_total", nil, 2},
		{"ken_disk_blocks", nil, 2},
		{"ken_nameserver_commands_total", []string{"node", "n1"}, 2},
		{"ken_nameserver_applied_index", nil, 1},
		{"ken_nameserver_fsync_seconds", nil, 1},
	} {
		was := 0.0
		if before[k.name] != nil && !strings.HasPrefix(k.name, "ken_gateway_request") {
			was = value(t, before, k.name, k.labels...)
		}
		if got := value(t, after, k.name, k.labels...) - was; got < k.least {
			t.Errorf("%s%v rose by %v, want at least %v", k.name, k.labels, got, k.least)
		}
	}
	for name, want := range map[string]float64{"ken_nameserver_leading": 1, "ken_gateway_requests_in_flight": 0,
		"ken_disks_failed": 0, "ken_disk_failed": 0, "ken_node_info": 3, "ken_verdict": 1} {
		if got := value(t, after, name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if value(t, after, "ken_disk_capacity_bytes") <= 0 || value(t, after, "process_open_fds") <= 0 || value(t, after, "go_goroutines") <= 0 ||
		value(t, after, "ken_node_info", "version", "v1.2.3", "name", "dev", "node", "n1") != 1 {
		t.Error("figures of disks, process or node are missing")
	}
}

// TestReadiness: a node without its nameserver says so, and why, and is ready
// again when it is back.
func TestReadiness(t *testing.T) {
	first := filepath.Join(t.TempDir(), "n1")
	initOne(t, first)
	cfg := mustLoad(t, first)
	cfg.Listen = freeUDP(t)
	if err := cfg.save(); err != nil {
		t.Fatal(err)
	}
	start := func() *Node {
		n, err := Start(t.Context(), mustLoad(t, first), &Local{}, Runtime{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ns := start()
	second := filepath.Join(t.TempDir(), "n2")
	joinOne(t, first, second, metadata.NodeDatanode)
	c2 := mustLoad(t, second)
	c2.Metrics.Listen = "127.0.0.1:0"
	n, err := Start(t.Context(), c2, &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close(context.Background()) })
	base := strings.TrimSuffix(n.Running().Metrics, "/metrics")
	await := func(want int, text string) {
		t.Helper()
		end := time.Now().Add(20 * time.Second)
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			status, body := fetch(t, base+"/readyz")
			if status == want && strings.Contains(body, text) {
				tick.Stop()
				return
			}
			if time.Now().After(end) {
				t.Fatalf("readyz: got %d %q, want %d %q", status, body, want, text)
			}
		}
	}
	await(http.StatusOK, "ok")
	if err := ns.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(http.StatusServiceUnavailable, "datanode of n2: no nameserver answers")
	if status, body := fetch(t, base+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz without a nameserver: %d %q", status, body)
	}
	if value(t, scrape(t, base+"/metrics"), "ken_disk_free_bytes") <= 0 {
		t.Error("figures of a node without a nameserver are missing")
	}
	ns = start()
	t.Cleanup(func() { _ = ns.Close(context.Background()) })
	await(http.StatusOK, "ok")
	if status, _ := fetch(t, base+"/elsewhere"); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
	resp, err := http.Post(base+"/metrics", "text/plain", nil)
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", resp, err)
	}
	resp.Body.Close()
}

func TestMonitorForgetsNodes(t *testing.T) {
	l := &Local{}
	n, _, _ := ownerWith(t, l)
	var asked int
	other := &Node{identity: n.identity}
	l.monitor().add(other, nil, []roleCheck{{2, "extra", func(context.Context) error {
		asked++
		return errors.New("not yet")
	}}})
	if err := l.monitor().ready(t.Context()); err == nil || err.Error() != "extra of n2: not yet" {
		t.Errorf("got %v", err)
	}
	for range 10 { // many ask, and get the same answer for a while
		_ = l.monitor().ready(t.Context())
	}
	if asked > 2 {
		t.Errorf("asked %d times", asked)
	}
	if err := n.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := l.monitor().all(); len(got) != 1 || got[0].node != other {
		t.Errorf("left are %v, want the other node", got)
	}
	if mfs, err := l.monitor().Gather(); err != nil || strings.Contains(dump(mfs), "ken_") {
		t.Errorf("figures of a closed node: %v\n%s", err, dump(mfs))
	}
}

func dump(mfs []*dto.MetricFamily) string {
	var b strings.Builder
	for _, f := range mfs {
		_, _ = expfmt.MetricFamilyToText(&b, f)
	}
	return b.String()
}

// ownerWith starts a first node in the process that local stands for.
func ownerWith(t *testing.T, local *Local) (*Node, Config, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "n1")
	initOne(t, dir)
	cfg := mustLoad(t, dir)
	n, err := Start(t.Context(), cfg, local, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	return n, cfg, dir
}

func TestMetricsListenerIsTaken(t *testing.T) {
	d, err := Dev(t.Context(), DevOptions{Dir: t.TempDir(), WebDAV: "127.0.0.1:0", Metrics: "127.0.0.1:0",
		StorageServers: 1, Replication: 1, Password: "correct-horse-9"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	addr := strings.TrimSuffix(strings.TrimPrefix(d.Metrics(), "http://"), "/metrics")
	_, err = Dev(t.Context(), DevOptions{Dir: t.TempDir(), WebDAV: "127.0.0.1:0", Metrics: addr,
		StorageServers: 1, Replication: 1, Password: "correct-horse-9"})
	if err == nil || !strings.Contains(err.Error(), "choose another address with --metrics") {
		t.Errorf("got %v", err)
	}
}

// TestCountedWriter: what net/http and the gateway ask of a writer goes through.
func TestCountedWriter(t *testing.T) {
	tr := newTraffic()
	h := tr.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
		case "/abort":
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.Copy(w, r.Body)
		}
	}))
	s := &http.Server{Handler: h}
	l, err := listenTCP("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	defer func() {
		s.Close()
		<-done
	}()
	for method, path := range map[string]string{"PUT": "/echo", "GET": "/early", "FROB": "/abort"} {
		req, err := http.NewRequest(method, "http://"+l.Addr().String()+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	m := newMonitor()
	m.process.MustRegister(tr.collectors()...)
	mfs, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := dump(mfs)
	for _, want := range []string{
		`ken_gateway_requests_total{method="PUT",status="200"} 1`, `ken_gateway_requests_total{method="GET",status="418"} 1`,
		`ken_gateway_requests_total{method="other",status="200"} 1`, "ken_gateway_requests_in_flight 0",
		"ken_gateway_sent_bytes_total 5", "ken_gateway_received_bytes_total 5",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestGatewayTellsItsTraffic: what users do shows at the nameserver.
func TestGatewayTellsItsTraffic(t *testing.T) {
	tr := newTraffic()
	for ms, bucket := range map[int]int{0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 8191: 13, 8192: 14, 1 << 30: 14} {
		before := tr.sum(time.Time{})
		tr.note("GET", &countedWriter{status: 200, n: 7}, time.Duration(ms)*time.Millisecond)
		after := tr.sum(time.Time{})
		if after.Latency[bucket] != before.Latency[bucket]+1 || after.BytesRead != before.BytesRead+7 {
			t.Errorf("%d ms: got %v", ms, after.Latency)
		}
	}
	tr.note("PUT", &countedWriter{status: 507}, time.Millisecond)
	tr.note("PROPFIND", &countedWriter{status: 207}, time.Millisecond)
	if got := tr.sum(time.Time{}); got.Reads != 9 || got.Writes != 1 || got.Errors != 1 || len(got.Latency) != metadata.TrafficBuckets {
		t.Errorf("got %+v", got)
	}
	d, err := Dev(t.Context(), DevOptions{Dir: t.TempDir(), WebDAV: "127.0.0.1:0", StorageServers: 1, Replication: 1, Password: "correct-horse-9"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	if err := putGet(t.Context(), d.URL()+"file", "correct-horse-9", make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		ns, err := d.nodes[0].meta.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := ns[0].Gateway; got.Writes == 1 && got.Reads == 1 && got.BytesRead == 1<<20 && got.BytesWritten == 1<<20 {
			tick.Stop()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the nameserver knows %+v", ns[0].Gateway)
		}
	}
}

// freeUDP returns an address that nobody listens on now.
func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}
