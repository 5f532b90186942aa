package admin

import (
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"kendfs/admin/api"
	"kendfs/admin/history"
	"kendfs/admin/live"
	"kendfs/admin/session"
	"kendfs/admin/upload"
	"kendfs/metadata"
	"kendfs/metadata/credential"
)

//go:embed openapi.yaml
var document []byte

// Config says what a Server works with. Cluster and Content are needed always.
type Config struct {
	Cluster Cluster
	Content Content
	UI      fs.FS  // the built desktop; nil: a page says how to build it
	Dir     string // of the node, for what survives a restart; "": nothing does
	Node    metadata.NodeID
	Name    string // of the cluster, for people; "": its id
	Version string
	// Secure says that the desktop is served over TLS.
	Secure bool
	// InsecureHTTP allows plain HTTP from other machines.
	InsecureHTTP bool
	Demo         bool
	// Join returns the command to paste on a new machine; nil: the token alone.
	Join func(token string, roles []string) string
	// Gateways describes where the drive can be mounted; nil: nothing is known.
	Gateways func(nodes []metadata.Node) []Gateway
	// Nameservers are the addresses that clients join by.
	Nameservers []string
	Idle        time.Duration // of a session; 0: 30 min
	// Now is asked how long ago a password was given; nil: time.Now.
	Now    func() time.Time
	Logger *slog.Logger // nil: discard
}

// Gateway is where the drive can be mounted.
type Gateway struct {
	Node       metadata.NodeID
	Name, URL  string
	TLS        bool
	SelfSigned bool
	Loopback   bool
}

// Server is the desktop's back end: an http.Handler with a life.
type Server struct {
	cfg      Config
	log      *slog.Logger
	echo     *echo.Echo
	rules    map[string]*api.Rule // by method and route
	sessions *session.Manager
	verifier *credential.Verifier
	users    *userCache
	hub      *live.Hub
	snap     *snapshots
	setup    *setupCode
	uploads  *upload.Manager
	history  *history.History
	counters counters
	reads    reads
	late     late
	reading  downloads
	walks    chan struct{}   // a place for each walk over a folder
	ready    context.Context // ends when the server stops
	stop     context.CancelFunc
	closing  sync.Once
}

// Files of the node's folder.
const (
	sessionsFile = "sessions.json"
	snapshotFile = "snapshot.json"
	setupFile    = "setup.json"
)

// New makes a Server. Run must be called for it to know anything.
func New(cfg Config) (*Server, error) {
	if cfg.Cluster == nil || cfg.Content == nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "the desktop needs a cluster and its content")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, log: cfg.Logger, hub: live.NewHub(), walks: make(chan struct{}, walksMax)}
	s.ready, s.stop = context.WithCancel(context.Background())
	var err error
	if s.sessions, err = session.Open(session.Config{Path: s.path(sessionsFile), Secure: cfg.Secure, Idle: cfg.Idle}); err != nil {
		return nil, err
	}
	s.verifier = credential.NewVerifier(credential.Config{Directory: cfg.Cluster})
	s.users = newUserCache(cfg.Cluster)
	s.setup = &setupCode{path: s.path(setupFile)}
	s.snap = newSnapshots(s.path(snapshotFile), s.log)
	s.uploads, s.history = upload.NewManager(), history.New(len(seriesNames()), nodeSeries)
	if path := s.path(historyFile); path != "" {
		if err := s.history.Load(path); err != nil {
			s.log.Warn("the history begins anew", "err", err)
		}
	}
	if err := s.routes(); err != nil {
		return nil, err
	}
	return s, nil
}

// path is where a file that survives a restart is; "" when nothing does.
func (s *Server) path(name string) string {
	if s.cfg.Dir == "" {
		return ""
	}
	return filepath.Join(s.cfg.Dir, name)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Run keeps the snapshot, and the records that wait, until ctx ends. It returns when its goroutines have.
func (s *Server) Run(ctx context.Context) {
	var wg sync.WaitGroup
	f := &feed{s: s, wake: make(chan struct{}, 1)}
	wg.Go(func() { f.watch(ctx) })
	wg.Go(func() { f.poll(ctx) })
	wg.Go(func() { s.keepRecords(ctx) })
	wg.Wait()
}

// Stop ends streams and refuses to be ready, so that the HTTP server can shut
// down; Close must follow when it has.
func (s *Server) Stop() {
	s.stop()
	s.hub.Stop()
}

// saveHistory writes the history to the node's folder.
func (s *Server) saveHistory() error {
	path := s.path(historyFile)
	if path == "" {
		return nil
	}
	return s.history.Save(path, time.Now())
}

// Close writes what is not on disk yet.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		s.Stop()
		s.uploads.Close()
		err = errors.Join(s.sessions.Close(), s.snap.save(), s.saveHistory())
	})
	return err
}
