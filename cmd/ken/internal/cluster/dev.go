package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
)

// DevOptions describe a whole cluster in one process.
type DevOptions struct {
	Dir            string
	Listen         string // QUIC address of the first node; "": what its folder says, at first 127.0.0.1:0
	WebDAV         string // default 127.0.0.1:8080
	Admin          string // of the desktop; "": none
	StorageServers int    // 1 to devServersMax; default 3; the folder's number wins at later starts
	Replication    int    // copies, at the first start; default 2, at most StorageServers
	Password       string // of the administrator, at the first start; "": a random one
	Metrics        string // address of /metrics, /healthz and /readyz of the process; "": none
	Repair         RepairConfig
	Logger         *slog.Logger
	Version        string
}

const devServersMax = 16

// DevCluster is a cluster in one process: n1 is nameserver and gateway, each
// other node is a storage server. All live in folders of one folder and talk
// by Go calls; their QUIC endpoints serve the native client.
type DevCluster struct {
	Password string // made at the first start, else ""
	First    bool   // the folder was new

	lock   *folderLock
	nodes  []*Node
	failed chan error
}

// Dev starts the cluster in opt.Dir, making it at the first start.
func Dev(ctx context.Context, opt DevOptions) (*DevCluster, error) {
	if opt.StorageServers < 1 || opt.StorageServers > devServersMax {
		return nil, metadata.Errorf(metadata.KindInvalid, "storage servers: want 1 to %d", devServersMax)
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, err
	}
	d := &DevCluster{failed: make(chan error, 1)}
	var err error
	if d.lock, err = lockFolder(opt.Dir); err != nil {
		return nil, err
	}
	if err := d.start(ctx, opt); err != nil {
		err = errors.Join(err, d.Close(ctx))
		if d.Password != "" {
			// The drive was made before this, and nobody could ever say its password again.
			err = metadata.Errorf(metadata.KindOf(err), "%w\n%s was made all the same: user %s, password %s", err,
				opt.Dir, AdminName, d.Password)
		}
		return nil, err
	}
	return d, nil
}

// checkFree says whether the drive's address can be had, before anything is
// made for it.
func checkFree(addr, flag string) error {
	if addr == "" {
		return nil
	}
	l, err := listenTCP(addr, flag)
	if err != nil {
		return err
	}
	return l.Close()
}

func (d *DevCluster) start(ctx context.Context, opt DevOptions) error {
	first := filepath.Join(opt.Dir, devNode)
	if !exists(filepath.Join(first, configFile)) {
		if err := errors.Join(checkFree(opt.WebDAV, "--webdav"), checkFree(opt.Admin, "--admin")); err != nil {
			return err
		}
		d.First = true
		res, err := Init(ctx, first, InitOptions{
			Config: Config{
				Name: "dev", Roles: []string{metadata.NodeNameserver, metadata.NodeWebDAV, metadata.NodeAdmin},
				Listen: cmp.Or(opt.Listen, "127.0.0.1:0"),
				WebDAV: WebDAVConfig{Listen: opt.WebDAV}, Repair: opt.Repair,
			},
			Password: opt.Password, Replication: min(max(opt.Replication, 1), opt.StorageServers),
		})
		if err != nil {
			return err
		}
		d.Password = res.Password
	}
	local := &Local{}
	if err := d.startNode(ctx, first, local, opt); err != nil {
		return err
	}
	if err := d.enrolServers(ctx, opt); err != nil {
		return err
	}
	for i := 2; exists(filepath.Join(devDir(opt.Dir, i), configFile)); i++ {
		if err := d.startNode(ctx, devDir(opt.Dir, i), local, opt); err != nil {
			return err
		}
	}
	return d.awaitDrive(ctx)
}

func devDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("n%d", i)) }

// enrolServers joins the storage servers that are missing, with a token like
// any other machine.
func (d *DevCluster) enrolServers(ctx context.Context, opt DevOptions) error {
	var missing []string
	for i := 2; i <= opt.StorageServers+1; i++ {
		if dir := devDir(opt.Dir, i); !exists(filepath.Join(dir, configFile)) {
			missing = append(missing, dir)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	c, err := Connect(ctx, opt.Dir, time.Second)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	token, _, err := CreateToken(ctx, c, TokenOptions{
		Roles: []string{metadata.NodeDatanode}, TTL: time.Hour, Uses: len(missing),
	})
	if err != nil {
		return err
	}
	for _, dir := range missing {
		_, err := Join(ctx, dir, Config{
			Name: "dev-" + filepath.Base(dir), Roles: []string{metadata.NodeDatanode}, Listen: "127.0.0.1:0",
		}, token)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DevCluster) startNode(ctx context.Context, dir string, local *Local, opt DevOptions) error {
	cfg, err := devConfig(dir, opt)
	if err != nil {
		return err
	}
	n, err := Start(ctx, cfg, local, Runtime{Logger: opt.Logger, Version: opt.Version})
	if err != nil {
		return err
	}
	d.nodes = append(d.nodes, n)
	go func() { // ends with the node: Close closes over its context
		select {
		case err := <-n.Failed():
			select {
			case d.failed <- fmt.Errorf("%s: %w", n.ID(), err):
			default: // one is enough
			}
		case <-n.ctx.Done():
		}
	}()
	return nil
}

// devConfig reads a node's settings. Of the environment counts what is not one
// node's own: a name or an address cannot be that of all.
func devConfig(dir string, opt DevOptions) (Config, error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return cfg, err
	}
	first := cfg.Has(metadata.NodeNameserver)
	all := slices.DeleteFunc(cfg.fromEnv(), func(o Override) bool {
		return !strings.Contains(o.Key, ".") || o.Key == "metrics.listen" && !first
	})
	if err := cfg.override(all...); err != nil {
		return cfg, err
	}
	if first {
		cfg.Listen = cmp.Or(opt.Listen, cfg.Listen)
		cfg.WebDAV.Listen = cmp.Or(opt.WebDAV, cfg.WebDAV.Listen)
		cfg.Metrics.Listen = cmp.Or(opt.Metrics, cfg.Metrics.Listen)
		cfg.Admin.Listen = opt.Admin
		if !cfg.Has(metadata.NodeAdmin) { // made before there was a desktop
			cfg.Roles = append(cfg.Roles, metadata.NodeAdmin)
		}
	}
	return cfg, cfg.Validate()
}

// awaitDrive returns when the nameserver has heard of enough storage servers
// to write, or soon anyway: reading works before.
func (d *DevCluster) awaitDrive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, devReadyMax)
	defer cancel()
	tick := time.NewTicker(devReadyPoll)
	defer tick.Stop()
	for {
		ns, err := d.nodes[0].meta.Nodes(ctx)
		live := 0
		for _, n := range ns {
			if n.Liveness == metadata.LivenessUp {
				live++
			}
		}
		if err == nil && live >= len(d.nodes)-1 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err != nil {
				return err
			}
			return nil
		}
	}
}

const (
	devReadyMax  = 5 * time.Second
	devReadyPoll = 5 * time.Millisecond
)

// URL is the drive's address.
func (d *DevCluster) URL() string { return d.nodes[0].running.WebDAV }

// Metrics is where the process's figures are, or "".
func (d *DevCluster) Metrics() string { return d.nodes[0].running.Metrics }

// AdminURL is the desktop's address, or "".
func (d *DevCluster) AdminURL() string { return d.nodes[0].running.Admin }

// QUIC is the nameserver's address.
func (d *DevCluster) QUIC() string { return d.nodes[0].running.QUIC }

// Failed delivers the error for which the process must stop.
func (d *DevCluster) Failed() <-chan error { return d.failed }

// Close stops all nodes: the gateway first, which drains into storage servers
// that still run, then those, then the nameserver.
func (d *DevCluster) Close(ctx context.Context) error {
	var errs []error
	if len(d.nodes) > 0 {
		errs = append(errs, d.nodes[0].drainGateway(ctx))
	}
	for i := len(d.nodes) - 1; i >= 0; i-- {
		errs = append(errs, d.nodes[i].Close(ctx))
	}
	d.lock.release()
	return errors.Join(errs...)
}

func portZero(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	return err == nil && port == "0"
}
