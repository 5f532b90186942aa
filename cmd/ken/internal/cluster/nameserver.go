package cluster

import (
	"context"
	"path/filepath"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
	"kendfs/metadata/health"
	"kendfs/metadata/metarpc"
	"kendfs/metadata/replica"
)

// openNameserver opens the namespace and registers its calls.
func (n *Node) openNameserver(context.Context) error {
	r, err := replica.Open(replica.Config{
		Dir: filepath.Join(n.cfg.dir, nameDir), ID: n.ID(), Addr: n.running.QUIC,
		Endpoint: n.endpoint, Logger: n.run.Logger, // it adds the node itself
	})
	if err != nil {
		return err
	}
	n.replica = r
	n.onStop(func(context.Context) error { return r.Close() })
	backend := metarpc.Meter(r)
	f := fleet.New(fleet.Config{
		Store: fleetStore{metarpc.NewDecider(backend)}, Logger: n.log,
		Voters: func() (int, int) { return voters(r) }, Nameserver: func() health.Nameserver { return n.nameserver(r) },
		Self: func() metadata.Presence { return n.presence(backend.Traffic()) },
		Limits: fleet.Limits{
			SuspectAfter: time.Duration(n.cfg.Repair.SuspectAfter), DownAfter: time.Duration(n.cfg.Repair.DownAfter),
		},
		RepairBytesPerSecond: int64(n.cfg.Repair.MiBPerSecond) << 20,
	})
	n.meta = metarpc.NewClient(backend, f)
	n.local.setMeta(n.meta)
	issuer := issuer{n.meta}
	n.renewer = selfRenewer{issuer, n.identity}
	if err := n.keepOwner(issuer); err != nil {
		return err
	}
	server := &metarpc.Server{Backend: backend, Leader: f, Issue: issuer.issue, Nameservers: n.nameserverAddrs}
	server.Register(n.endpoint)
	n.wg.Go(func() { n.recordAddress(metarpc.NewDecider(r)) })
	n.wg.Go(func() {
		select {
		case err := <-r.Failed():
			n.fail(err)
		case <-n.ctx.Done():
		}
	})
	// The duties go on while the gateway drains; they end before the replica does.
	ctx, cancel := context.WithCancel(n.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		lead(ctx, f, r.Leading())
	}()
	n.onStop(func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}

// voters counts the nameservers and those that answer, as the leader sees it.
func voters(r *replica.Node) (all, healthy int) {
	members, err := r.Members()
	if err != nil {
		return 0, 0
	}
	for _, m := range members {
		if !m.Voter {
			continue
		}
		all++
		if r.Answers(m.ID, voterSilence) {
			healthy++
		}
	}
	return all, healthy
}

// voterSilence is how long a nameserver may be silent until it does not count.
// The leader sends something several times a second.
const voterSilence = 3 * time.Second

// nameserver says who keeps the metadata.
func (n *Node) nameserver(r *replica.Node) health.Nameserver {
	s := r.Stats()
	return health.Nameserver{Leader: n.ID().String(), Term: s.Term, Applied: s.Applied}
}

// lead runs the leader's duties in every term in which this nameserver leads,
// until ctx ends.
func lead(ctx context.Context, f *fleet.Fleet, leading <-chan replica.Leadership) {
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case l, open := <-leading:
			stop()
			stop = func() {}
			if !open {
				return
			}
			if l.Leading {
				stop = start(ctx, f)
			}
		case <-ctx.Done():
			return
		}
	}
}

// start starts the duties of a term and returns what ends and awaits them.
func start(ctx context.Context, f *fleet.Fleet) (stop func()) {
	term, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(term) // ends with the term only
	}()
	return func() {
		cancel()
		<-done
	}
}

// keepOwner renews the certificate of the owner's command line, which runs for
// moments only and cannot be relied on to do it in time.
func (n *Node) keepOwner(s issuer) error {
	if !exists(filepath.Join(n.cfg.dir, ownerCertFile)) {
		return nil
	}
	owner, err := loadIdentity(n.cfg.dir, ownerCertFile, ownerKeyFile)
	if err != nil {
		return err
	}
	n.wg.Go(func() { owner.keepRenewed(n.ctx, selfRenewer{s, owner}, n.log.With("certificate", ownerCertFile)) })
	return nil
}

// recordAddress tells the cluster where this node listens now: the port may be
// another one than last time. It waits until somebody leads.
func (n *Node) recordAddress(d *metarpc.Decider) {
	for {
		err := d.AnnounceDisks(n.ctx, n.ID(), n.running.QUIC, n.cfg.Zone, nil)
		if err == nil || !metadata.KindOf(err).Retryable() {
			if err != nil && n.ctx.Err() == nil {
				n.log.Warn("own address not recorded", "err", err)
			}
			return
		}
		select {
		case <-time.After(recordEvery):
		case <-n.ctx.Done():
			return
		}
	}
}

// recordEvery is the pause while nobody leads.
const recordEvery = 200 * time.Millisecond

// nameserverAddrs are the addresses that a joining node is told: this one's as
// it is bound now, then the configured ones.
func (n *Node) nameserverAddrs() []string {
	out := []string{n.running.QUIC}
	for _, a := range n.cfg.Nameservers {
		if a != n.running.QUIC && !portZero(a) {
			out = append(out, a)
		}
	}
	return out
}
