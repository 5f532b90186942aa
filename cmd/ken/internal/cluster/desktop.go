package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"kendfs/admin"
	"kendfs/admin/ui"
	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/webdav"
)

// adminInstance tells a node's desktop from other clients of the node.
const adminInstance = "admin"

// Memory of the desktop's uploads: each unfinished one may hold a block that is
// not full, however long it pauses.
const (
	adminBlockBytes  = 4 << 20
	adminBufferBytes = 192 << 20
)

// startAdmin serves the desktop. Without an address there is none.
func (n *Node) startAdmin(context.Context) error {
	a := n.cfg.Admin
	if a.Listen == "" {
		return nil
	}
	blocks := blockio.New(blockio.Config{
		Node: n.ID(), Instance: adminInstance, Leaser: n.meta, Stager: n.meta, Referrer: n.meta,
		Local: n.local.target, Wire: blockio.Quic(n.endpoint),
		BlockBytes: adminBlockBytes, BufferBytes: adminBufferBytes, Logger: n.log,
	})
	n.drains = append(n.drains, blocks.Close)
	l, err := listenTCP(a.Listen, "--admin")
	if err != nil {
		return err
	}
	conf, err := tlsConfig(n.https(a.TLSCert, a.TLSKey, a.SelfSigned, "admin"), l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	app, _ := ui.Dist()
	server, err := admin.New(admin.Config{
		Cluster: adminCluster{n.meta, n}, Content: adminContent{blocks}, UI: app, Dir: n.cfg.dir, Node: n.ID(),
		Version: n.run.Version, Secure: conf != nil, InsecureHTTP: a.InsecureHTTP, Logger: n.log,
		Join: n.joinCommand, Gateways: n.gateways, Nameservers: n.reachableNameservers(),
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	n.serveAdmin(server, webdav.NewServer(webdav.ServerConfig{Handler: server, TLS: conf, Logger: n.log}), l)
	n.running.Admin = driveURL(l.Addr(), conf != nil)
	return nil
}

// serveAdmin runs the desktop until the node drains: streams end first, then
// requests, then what is not on disk yet is written.
func (n *Node) serveAdmin(server *admin.Server, front *webdav.Server, l net.Listener) {
	ctx, cancel := context.WithCancel(n.ctx)
	var running sync.WaitGroup
	running.Go(func() { server.Run(ctx) })
	running.Go(func() { n.present(ctx) })
	n.wg.Go(func() {
		if err := front.Serve(l); err != nil {
			n.fail(err)
		}
	})
	n.drains = append(n.drains,
		func(context.Context) error {
			cancel()
			running.Wait()
			return server.Close()
		},
		front.Shutdown,
		func(context.Context) error {
			server.Stop()
			return nil
		})
}

// present tells the nameserver that the node is there, where no session does:
// a desktop that nobody writes with has none.
func (n *Node) present(ctx context.Context) {
	if n.cfg.Has(metadata.NodeNameserver) || n.cfg.Has(metadata.NodeWebDAV) || n.cfg.Has(metadata.NodeDatanode) {
		return
	}
	keepPresent(ctx, n.meta.Introduce(func() metadata.Presence { return n.presence(metadata.Traffic{}) }))
}

// reachableNameservers are the addresses that other machines join by.
func (n *Node) reachableNameservers() []string {
	var out []string
	if n.cfg.Has(metadata.NodeNameserver) {
		out = append(out, n.running.QUIC)
	}
	for _, a := range n.cfg.Nameservers {
		if !portZero(a) && (len(out) == 0 || out[0] != a) {
			out = append(out, a)
		}
	}
	return out
}

// joinCommand is what to paste on a new machine. Its own address is for people
// to fill in: nobody here knows it.
func (n *Node) joinCommand(token string, roles []string) string {
	command := fmt.Sprintf("ken join --roles %s --listen THIS-MACHINE:7800", strings.Join(roles, ","))
	for _, r := range roles {
		switch r {
		case metadata.NodeWebDAV:
			command += " --webdav 0.0.0.0:8080 --tls-self-signed"
		case metadata.NodeAdmin:
			command += " --admin 0.0.0.0:8090 --tls-self-signed"
		}
	}
	return command + " " + token + " && ken run"
}

// adminCluster is the nameservers as the desktop wants them.
type adminCluster struct {
	*metarpc.Client
	node *Node
}

var _ admin.Cluster = adminCluster{}

// WithActor implements admin.Cluster.
func (c adminCluster) WithActor(ctx context.Context, a metadata.Actor) context.Context {
	return metarpc.WithActor(ctx, a)
}

// Tokens implements admin.Cluster.
func (c adminCluster) Tokens(ctx context.Context) ([]admin.Token, error) {
	ts, err := c.Client.Tokens(ctx)
	out := make([]admin.Token, len(ts))
	for i, t := range ts {
		out[i] = admin.Token{ID: t.ID, Roles: t.Roles, Expires: t.Expires, UsesLeft: t.UsesLeft}
	}
	return out, err
}

// CreateToken implements admin.Cluster.
func (c adminCluster) CreateToken(ctx context.Context, roles []string, ttl time.Duration, uses int) (admin.Token, string, error) {
	self := &Client{Meta: c.Client, identity: c.node.identity, nameservers: c.node.reachableNameservers()}
	text, t, err := CreateToken(ctx, self, TokenOptions{Roles: roles, TTL: ttl, Uses: uses})
	return admin.Token{ID: t.ID, Roles: t.Roles, Expires: t.Expires, UsesLeft: t.UsesLeft}, text, err
}

// adminContent is the storage servers as the desktop wants them.
type adminContent struct{ blocks *blockio.Client }

// Open implements admin.Content.
func (c adminContent) Open(ctx context.Context, e metadata.Entry) io.ReadSeekCloser {
	return c.blocks.Open(ctx, e)
}

// Create implements admin.Content.
func (c adminContent) Create(ctx context.Context, copies int, size int64) admin.Writer {
	return c.blocks.Create(ctx, blockio.CreateOptions{Replicas: copies, Size: size, Lean: size > adminBlockBytes})
}

// SetupLink makes a one-time link to the desktop of the node in dir, with which
// the first administrator's password can be set.
func SetupLink(dir string) (url string, expires time.Time, err error) {
	dir = Resolve(dir)
	cfg, err := LoadConfig(dir)
	if err != nil {
		return "", time.Time{}, err
	}
	if !cfg.Has(metadata.NodeAdmin) {
		return "", time.Time{}, metadata.Errorf(metadata.KindInvalid, "%s serves no desktop: its roles are %s", dir, strings.Join(cfg.Roles, ", "))
	}
	base := "http://" + cfg.Admin.Listen + "/"
	if cfg.Admin.TLSCert != "" || cfg.Admin.SelfSigned {
		base = "https" + strings.TrimPrefix(base, "http")
	}
	if r, err := LoadRunning(dir); err == nil && r.Admin != "" {
		base = r.Admin
	}
	code, err := admin.NewSetupCode(dir)
	return base + "setup#code=" + code, time.Now().Add(admin.SetupLife), err
}
