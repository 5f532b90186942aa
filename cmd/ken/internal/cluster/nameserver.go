package cluster

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
	"kendfs/metadata/metarpc"
	"kendfs/metadata/replica"
)

// openNameserver opens the namespace and registers its calls.
func (n *Node) openNameserver(context.Context) error {
	peers := replica.Listen(n.endpoint, n.log)
	r, err := replica.Open(replica.Config{
		Dir: filepath.Join(n.cfg.dir, nameDir), ID: n.ID(), Addr: n.running.QUIC, Peers: peers, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.onStop(func(context.Context) error { return r.Close() })
	d := &duties{}
	n.meta = metarpc.NewClient(r, d)
	d.meta = n.meta
	d.config = fleet.Config{
		Store: fleetStore{metarpc.NewDecider(r)}, SuspectAfter: time.Duration(n.cfg.Repair.SuspectAfter),
		DownAfter:            time.Duration(n.cfg.Repair.DownAfter),
		SessionTTL:           time.Duration(n.cfg.Repair.SessionTimeout),
		RepairBytesPerSecond: int64(n.cfg.Repair.MiBPerSecond) << 20, Logger: n.log,
	}
	issuer := issuer{n.meta}
	n.renewer = selfRenewer{issuer, n.identity}
	server := &metarpc.Server{
		Backend: r, Leader: d, Issue: issuer.issue, Nameservers: n.nameserverAddrs,
	}
	server.Register(n.endpoint)
	n.local.setMeta(n.meta)
	n.wg.Go(func() {
		select {
		case err := <-r.Failed():
			n.fail(err)
		case <-n.ctx.Done():
		}
	})
	leading := r.Leading()
	// The duties go on while the gateway drains; they end before the replica does.
	ctx, cancel := context.WithCancel(n.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.run(ctx, leading)
	}()
	n.onStop(func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}

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

// duties are the leader's duties: one fleet.Fleet for each term in which this
// nameserver leads. It implements metarpc.Leader.
type duties struct {
	meta   *metarpc.Client
	config fleet.Config

	mu    sync.RWMutex
	fleet *fleet.Fleet // nil: does not lead
}

// run follows the leadership until ctx ends.
func (d *duties) run(ctx context.Context, leading <-chan replica.Leadership) {
	stop := func() {}
	for {
		select {
		case l, open := <-leading:
			stop()
			stop = func() {}
			if !open {
				return
			}
			if l.Leading {
				stop = d.lead(ctx)
			}
		case <-ctx.Done():
			stop()
			return
		}
	}
}

// lead starts a term's fleet and returns what ends and awaits it.
func (d *duties) lead(ctx context.Context) (stop func()) {
	term, cancel := context.WithCancel(ctx)
	f := fleet.New(d.config)
	d.set(f)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(term)
	}()
	return func() {
		d.set(nil)
		cancel()
		<-done
	}
}

func (d *duties) set(f *fleet.Fleet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fleet = f
}

func (d *duties) current() (*fleet.Fleet, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.fleet == nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead now")
	}
	return d.fleet, nil
}

// Heartbeat implements metarpc.Leader.
func (d *duties) Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	f, err := d.current()
	if err != nil {
		return metadata.HeartbeatReply{}, err
	}
	return f.Heartbeat(ctx, h)
}

// Grant implements metarpc.Leader.
func (d *duties) Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	f, err := d.current()
	if err != nil {
		return metadata.Lease{}, err
	}
	return f.Grant(ctx, r)
}

// Renew implements metarpc.Leader.
func (d *duties) Renew(ctx context.Context, s metadata.SessionID) error {
	f, err := d.current()
	if err != nil {
		return err
	}
	return f.Renew(ctx, s)
}

// Drop implements metarpc.Leader.
func (d *duties) Drop(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof,
	r metadata.Replica) (metadata.Lease, error) {
	f, err := d.current()
	if err != nil {
		return metadata.Lease{}, err
	}
	return f.Drop(ctx, s, p, r)
}

// Volumes implements metarpc.Leader.
func (d *duties) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	f, err := d.current()
	if err != nil {
		return nil, err
	}
	return f.Volumes(ctx, ids)
}

// Nodes implements metarpc.Leader.
func (d *duties) Nodes(ctx context.Context) ([]metadata.Node, error) {
	f, err := d.current()
	if err != nil {
		return nil, err
	}
	return f.Nodes(ctx)
}

// StatusJSON implements metarpc.Leader.
func (d *duties) StatusJSON(ctx context.Context) ([]byte, error) {
	f, err := d.current()
	if err != nil {
		return nil, err
	}
	s, err := f.Status(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}
