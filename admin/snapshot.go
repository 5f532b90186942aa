package admin

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Ages of the snapshot.
const (
	staleAfter = 5 * time.Second  // without an answer: stale
	readyAge   = 10 * time.Second // older: not ready
	saveEvery  = 10 * time.Second
)

// verdictsKept bounds the history of verdicts.
const verdictsKept = 200

// snapshot is what is known of the cluster at one moment. It is not changed
// once it is published.
type snapshot struct {
	AsOf     time.Time            `json:"as_of"` // when a nameserver answered
	Report   health.Report        `json:"report"`
	Nodes    []metadata.Node      `json:"nodes"`
	Repairs  health.Repairs       `json:"repairs"`
	Info     metadata.ClusterInfo `json:"info"`
	Verdicts []verdictChange      `json:"verdicts"` // oldest first

	rates map[metadata.NodeID]nodeRate // from the traffic of this and an earlier snapshot
	stale bool
}

// verdictChange is when a verdict began.
type verdictChange struct {
	Verdict health.Verdict `json:"verdict"`
	Since   time.Time      `json:"since"`
}

// snapshotVersion is the version of the file.
const snapshotVersion = 1

type snapshotFileV struct {
	Version  int       `json:"version"`
	Snapshot *snapshot `json:"snapshot"`
}

// snapshots keeps the latest one, in memory and on disk.
type snapshots struct {
	path string
	log  *slog.Logger
	now  atomic.Pointer[snapshot]

	mu    sync.Mutex // of saving
	saved time.Time
}

// newSnapshots reads what an earlier process knew.
func newSnapshots(path string, log *slog.Logger) *snapshots {
	s := &snapshots{path: path, log: log}
	if path == "" {
		return s
	}
	b, err := os.ReadFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			log.Warn("the last snapshot cannot be read", "err", err)
		}
		return s
	}
	var f snapshotFileV
	if err := json.Unmarshal(b, &f); err != nil || f.Version != snapshotVersion || f.Snapshot == nil {
		log.Warn("the last snapshot is of no use", "err", err, "version", f.Version)
		return s
	}
	f.Snapshot.stale = true
	s.now.Store(f.Snapshot)
	return s
}

// get returns the latest snapshot, marked stale when it is; never nil.
func (s *snapshots) get() *snapshot {
	n := s.now.Load()
	if n == nil {
		return &snapshot{stale: true}
	}
	if !n.stale && time.Since(n.AsOf) > staleAfter {
		c := *n
		c.stale = true
		return &c
	}
	return n
}

// age is how old the snapshot is, and whether there is one.
func (s *snapshots) age() (time.Duration, bool) {
	n := s.now.Load()
	if n == nil {
		return 0, false
	}
	return time.Since(n.AsOf), true
}

// put publishes a snapshot, which carries the history of verdicts on.
func (s *snapshots) put(n *snapshot) {
	before := s.get()
	n.Verdicts = before.Verdicts
	if last := len(n.Verdicts) - 1; last < 0 || n.Verdicts[last].Verdict != n.Report.Verdict {
		n.Verdicts = append(n.Verdicts[:len(n.Verdicts):len(n.Verdicts)], verdictChange{n.Report.Verdict, n.Report.Since})
		n.Verdicts = n.Verdicts[max(0, len(n.Verdicts)-verdictsKept):]
	}
	s.now.Store(n)
	s.mu.Lock()
	due := time.Since(s.saved) >= saveEvery
	s.mu.Unlock()
	if due {
		if err := s.save(); err != nil {
			s.log.Warn("the snapshot cannot be saved", "err", err)
		}
	}
}

// save writes the latest snapshot.
func (s *snapshots) save() error {
	n := s.now.Load()
	if s.path == "" || n == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = time.Now()
	b, err := json.Marshal(snapshotFileV{snapshotVersion, n})
	if err != nil {
		return err
	}
	return writeFile(s.path, b)
}

// writeFile writes a private file so that it is there whole or not at all.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes durable which files are in a folder.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// health is the report as it may be shown now: of a stale snapshot nothing is
// vouched for.
func (n *snapshot) health() health.Report {
	if !n.stale {
		return n.Report
	}
	return health.Blind(n.Report, n.AsOf, health.NoAnswer)
}
