package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"kendfs/admin"
	"kendfs/admin/demo"
	"kendfs/admin/ui"
	"kendfs/metadata"
	"kendfs/webdav"
)

// DemoOptions describe a desktop over a cluster that does not exist.
type DemoOptions struct {
	Listen  string
	Nodes   int // 0: 1,000
	Files   int // in its largest folder; 0: 100,000
	Logger  *slog.Logger
	Version string
}

// demoSeed makes every demo the same one.
const demoSeed = 1

// Demo is a running demo. It keeps nothing and reaches no cluster.
type Demo struct {
	URL      string
	Password string // of every user

	server *admin.Server
	front  *webdav.Server
	cancel context.CancelFunc
	wg     sync.WaitGroup
	failed chan error
}

// StartDemo serves the desktop over a made-up cluster until Close.
func StartDemo(opt DemoOptions) (*Demo, error) {
	made, err := demo.New(demo.Config{Seed: demoSeed, Nodes: opt.Nodes, Files: opt.Files})
	if err != nil {
		return nil, err
	}
	l, err := listenTCP(opt.Listen, "--listen")
	if err != nil {
		return nil, err
	}
	app, _ := ui.Dist()
	server, err := admin.New(admin.Config{
		Cluster: made, Content: made, UI: app, Name: "demonstration", Version: opt.Version, Demo: true, Logger: opt.Logger,
		Join: func(token string, roles []string) string {
			return "ken join --roles " + strings.Join(roles, ",") + " " + token
		},
		Gateways: func([]metadata.Node) []admin.Gateway {
			return []admin.Gateway{{Node: 4, Name: "gw-1", URL: "https://drive.example:8443/", TLS: true}}
		},
		Nameservers: []string{"192.0.2.10:7800"},
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Demo{
		URL: driveURL(l.Addr(), false), Password: demo.Password, server: server, cancel: cancel, failed: make(chan error, 1),
		front: webdav.NewServer(webdav.ServerConfig{Handler: server, Logger: opt.Logger}),
	}
	d.wg.Go(func() { server.Run(ctx) })
	d.wg.Go(func() {
		if err := d.front.Serve(l); err != nil {
			d.failed <- err
		}
	})
	return d, nil
}

// Failed delivers the error for which the process must stop.
func (d *Demo) Failed() <-chan error { return d.failed }

// Close ends the demo.
func (d *Demo) Close(ctx context.Context) error {
	d.server.Stop()
	err := d.front.Shutdown(ctx)
	d.cancel()
	d.wg.Wait()
	return errors.Join(err, d.server.Close())
}
