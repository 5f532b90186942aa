package demo

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/metadata/health"
)

// NodesMin is the smallest cluster.
const NodesMin = 20

// FilesMax is the most that the large folder can have.
const FilesMax = 1_100_000

// Config says how large the cluster is. The zero value is the full size.
type Config struct {
	Seed   uint64
	Nodes  int              // 0: 1,000; else NodesMin or more
	Files  int              // in the large folder; 0: 100,000; at most FilesMax
	Now    func() time.Time // nil: time.Now
	Period time.Duration    // of the cycle of failures; 0: five minutes
}

// Password is that of every user of the demo.
const Password = "demonstration"

// stepsMax bounds the seconds that are made up for when nobody has looked for long.
const stepsMax = 120

// Cluster implements admin.Cluster and admin.Content.
type Cluster struct {
	cfg Config

	mu      sync.Mutex // guards all below
	rng     *rand.Rand
	began   time.Time
	now     time.Time // the time up to which things have happened
	nodes   []*node
	volumes []*volume
	report  health.Report
	repairs health.Repairs
	version uint64
	changed chan struct{} // closed with the next version
	rate    float64       // of repair, bytes per second, smoothed
	urgent  map[metadata.VolumeID]bool

	info   metadata.ClusterInfo
	tree   *tree
	users  map[string]metadata.User
	tokens []tokenRow
	// lastToken numbers them: no id is used twice.
	lastToken int
	desks     map[string][]byte
	events    []metadata.Event       // oldest first
	audit     []metadata.AuditRecord // oldest first
}

// New makes the cluster.
func New(cfg Config) (*Cluster, error) {
	if cfg.Nodes <= 0 {
		cfg.Nodes = 1000
	}
	if cfg.Nodes < NodesMin {
		return nil, metadata.Errorf(metadata.KindInvalid, "a demo of %d nodes has no room for its data: want at least %d", cfg.Nodes, NodesMin)
	}
	if cfg.Files > FilesMax {
		return nil, metadata.Errorf(metadata.KindInvalid, "a demo of %d files does not fit into memory: want at most %d", cfg.Files, FilesMax)
	}
	if cfg.Files <= 0 {
		cfg.Files = 100_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Period <= 0 {
		cfg.Period = 5 * time.Minute
	}
	hash, err := credential.Hash(Password)
	if err != nil {
		return nil, err
	}
	now := cfg.Now().UTC().Truncate(time.Second)
	d := &Cluster{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x6b656e)), began: now, now: now,
		changed: make(chan struct{}), urgent: map[metadata.VolumeID]bool{},
		desks: map[string][]byte{}, version: uint64(now.UnixNano()),
		info: metadata.ClusterInfo{ID: "kdemo", Replication: 3, Grace: metadata.GraceDefault, Now: now},
	}
	d.makeFleet()
	d.makePeople(hash)
	d.tree = newTree(cfg.Files, now)
	d.makeHistory()
	d.count()
	return d, nil
}

// advance lets the time pass that has passed. The lock is held.
func (d *Cluster) advance() {
	now := d.cfg.Now().UTC()
	steps := int(now.Sub(d.now) / time.Second)
	if steps > stepsMax {
		d.now = d.now.Add(time.Duration(steps-stepsMax) * time.Second)
		steps = stepsMax
	}
	for range steps {
		d.now = d.now.Add(time.Second)
		d.step()
	}
	if steps > 0 {
		d.count()
	}
}

// look locks, lets time pass and returns what unlocks.
func (d *Cluster) look() func() {
	d.mu.Lock()
	d.advance()
	return d.mu.Unlock
}

// bump makes a new version and wakes who watches. The lock is held.
func (d *Cluster) bump() {
	d.version++
	close(d.changed)
	d.changed = make(chan struct{})
}

// watchStep is how often a Watch lets time pass.
const watchStep = 500 * time.Millisecond

// Watch implements admin.Cluster.
func (d *Cluster) Watch(ctx context.Context, after uint64) (uint64, error) {
	end := time.NewTimer(25 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(watchStep)
	defer tick.Stop()
	for {
		unlock := d.look()
		at, changed := d.version, d.changed
		unlock()
		if at != after {
			return at, nil
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-end.C:
			return after, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

type actorKey struct{}

// WithActor implements admin.Cluster.
func (d *Cluster) WithActor(ctx context.Context, a metadata.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// Cluster implements admin.Cluster.
func (d *Cluster) Cluster(context.Context) (metadata.ClusterInfo, error) {
	defer d.look()()
	c := d.info
	c.Mutes = append([]metadata.Mute(nil), c.Mutes...)
	c.Now = d.now
	return c, nil
}
