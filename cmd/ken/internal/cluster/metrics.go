package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"kendfs/metadata"
)

// Bounds of the monitor's listener.
const (
	scrapesMax    = 4 // at once
	scrapeTimeout = 10 * time.Second
	readyTimeout  = 1500 * time.Millisecond // a nameserver that takes longer is away
	readyFresh    = 500 * time.Millisecond  // an answer is given again for so long
	monitorHeader = 5 * time.Second
	monitorStop   = time.Second
)

// monitor is what a process shows to those who watch it: its figures, and
// whether its roles can serve. The nodes of a process share one, since they
// share a process; each node's figures have its id as a label.
type monitor struct {
	process *prometheus.Registry

	mu    sync.Mutex
	nodes []watched

	asking sync.Mutex // one look at a time, however many ask
	asked  time.Time
	answer error
}

// watched is a node with its figures and the checks of its roles.
type watched struct {
	node    *Node
	figures *prometheus.Registry
	checks  []roleCheck
}

// roleCheck says why a role of a node cannot serve, or nil.
type roleCheck struct {
	node metadata.NodeID
	role string
	ask  func(ctx context.Context) error
}

func newMonitor() *monitor {
	m := &monitor{process: prometheus.NewRegistry()}
	m.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// add makes a node's figures and checks known, until remove.
func (m *monitor) add(n *Node, figures []prometheus.Collector, checks []roleCheck) {
	w := watched{n, prometheus.NewRegistry(), checks}
	prometheus.WrapRegistererWith(prometheus.Labels{"node": n.ID().String()}, w.figures).MustRegister(figures...)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes = append(m.nodes, w)
}

// remove forgets a node.
func (m *monitor) remove(n *Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes = slices.DeleteFunc(slices.Clone(m.nodes), func(w watched) bool { return w.node == n })
}

// all are the nodes as they are now.
func (m *monitor) all() []watched {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes[:len(m.nodes):len(m.nodes)]
}

// Gather implements prometheus.Gatherer.
func (m *monitor) Gather() ([]*dto.MetricFamily, error) {
	all := prometheus.Gatherers{m.process}
	for _, w := range m.all() {
		all = append(all, w.figures)
	}
	return all.Gather()
}

// ready says why the process cannot serve, or nil.
func (m *monitor) ready(ctx context.Context) error {
	m.asking.Lock()
	defer m.asking.Unlock()
	if time.Since(m.asked) < readyFresh {
		return m.answer
	}
	var roles []roleCheck
	for _, w := range m.all() {
		roles = append(roles, w.checks...)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	errs := make([]error, len(roles))
	var wg sync.WaitGroup
	for i, r := range roles {
		wg.Go(func() {
			if err := r.ask(ctx); err != nil {
				errs[i] = fmt.Errorf("%s of %s: %w", r.role, r.node, err)
			}
		})
	}
	wg.Wait()
	m.asked, m.answer = time.Now(), errors.Join(errs...)
	return m.answer
}

// handler serves /metrics, /healthz and /readyz.
func (m *monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesMax, Timeout: scrapeTimeout,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := m.ready(r.Context()); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "ok")
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever asked has gone
}

// Monitor serves /metrics, /healthz and /readyz of this process, for a listener
// that serves other things too.
func (n *Node) Monitor() http.Handler { return n.local.monitor().handler() }

// startMonitor makes the node's figures and checks known and, where the
// settings say so, serves them.
func (n *Node) startMonitor(context.Context) error {
	m := n.local.monitor()
	m.add(n, n.figures(), n.roleChecks())
	n.onStop(func(context.Context) error {
		m.remove(n)
		return nil
	})
	if n.cfg.Metrics.Listen == "" {
		return nil
	}
	l, err := listenTCP(n.cfg.Metrics.Listen, "--metrics")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: m.handler(), ReadHeaderTimeout: monitorHeader, ReadTimeout: monitorHeader,
		WriteTimeout: scrapeTimeout + monitorHeader, IdleTimeout: time.Minute}
	n.wg.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.fail(err)
		}
	})
	n.onStop(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, monitorStop)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			return s.Close()
		}
		return nil
	})
	n.running.Metrics = strings.TrimSuffix(driveURL(l.Addr(), false), "/") + "/metrics"
	return nil
}

// roleChecks are those of the roles that the node runs. Each needs a nameserver
// that answers; a storage server needs a disk too.
func (n *Node) roleChecks() []roleCheck {
	var out []roleCheck
	for _, role := range n.cfg.Roles {
		ask := n.askNameserver
		if role == metadata.NodeDatanode {
			ask = func(ctx context.Context) error { return errors.Join(n.askDisks(), n.askNameserver(ctx)) }
		}
		out = append(out, roleCheck{n.ID(), role, ask})
	}
	return out
}

func (n *Node) askNameserver(ctx context.Context) error {
	if _, err := n.meta.Cluster(ctx); err != nil { // what every role may ask
		return metadata.Errorf(metadata.KindUnavailable, "no nameserver answers: %w", err)
	}
	return nil
}

func (n *Node) askDisks() error {
	for _, d := range n.disks {
		if d.Failed() == nil {
			return nil
		}
	}
	return metadata.Errorf(metadata.KindUnavailable, "no disk is in service")
}
