package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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
	registry *prometheus.Registry

	mu    sync.Mutex
	roles []roleCheck

	asking sync.Mutex // one look at a time, however many ask
	asked  time.Time
	answer error
}

// roleCheck says why a role of a node cannot serve, or nil.
type roleCheck struct {
	node metadata.NodeID
	role string
	ask  func(ctx context.Context) error
}

func newMonitor() *monitor {
	m := &monitor{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// register adds a node's figures and the checks of its roles. The returned
// function takes them away.
func (m *monitor) register(n *Node, figures []prometheus.Collector, checks []roleCheck) (remove func()) {
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"node": n.ID().String()}, m.registry)
	for _, c := range figures {
		labelled.MustRegister(c)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roles = append(m.roles, checks...)
	return func() {
		for _, c := range figures {
			labelled.Unregister(c)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		var left []roleCheck
		for _, r := range m.roles {
			if r.node != n.ID() {
				left = append(left, r)
			}
		}
		m.roles = left
	}
}

// ready says why the process cannot serve, or nil.
func (m *monitor) ready(ctx context.Context) error {
	m.asking.Lock()
	defer m.asking.Unlock()
	if time.Since(m.asked) < readyFresh {
		return m.answer
	}
	m.mu.Lock()
	roles := m.roles
	m.mu.Unlock()
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
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
	remove := m.register(n, n.figures(), n.roleChecks())
	n.onStop(func(context.Context) error {
		remove()
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
	_, err := n.meta.Lookup(ctx, metadata.Root, metadata.LookupOptions{})
	if err != nil {
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
