package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metarpc"
	"kendfs/quicwire"
)

// Client is a connection to the cluster that a folder belongs to: the native
// client's and the operator's.
type Client struct {
	Meta   *metarpc.Client
	Blocks *blockio.Client

	endpoint    *quicwire.Endpoint
	identity    *identity
	nameservers []string
}

// Connect makes a client with the identity in the folder: the owner's where
// the cluster was made, the node's own elsewhere. It does not wait for the
// nameserver; a call does, for at most wait.
func Connect(ctx context.Context, dir string, wait time.Duration) (*Client, error) {
	dir = Resolve(dir)
	cfg, err := LoadConfig(dir)
	if err != nil {
		return nil, err
	}
	cert, key := ownerCertFile, ownerKeyFile
	if !exists(filepath.Join(dir, cert)) {
		cert, key = certFile, keyFile
	}
	id, err := loadIdentity(dir, cert, key)
	if err != nil {
		return nil, err
	}
	addrs := nameservers(dir, &cfg)
	if len(addrs) == 0 {
		return nil, metadata.Errorf(metadata.KindUnavailable,
			"the nameserver in %s chooses its port when it starts, and it has not started yet", dir)
	}
	ep, err := quicwire.Open(quicwire.Config{Listen: ":0", Credentials: id.credentials, ErrorCode: errorCode})
	if err != nil {
		return nil, err
	}
	if err := ep.Start(); err != nil {
		_ = ep.Close() // never started
		return nil, err
	}
	remote := metarpc.NewRemote(ep, addrs, wait)
	if cfg.onlyClient() && time.Now().After(quicwire.RenewAt(id.credentials().Cert)) {
		// Nothing else runs in a client's folder that could. It is good for a
		// while yet, so the command goes on even if this fails.
		_ = id.renew(ctx, remote)
	}
	meta := metarpc.NewClient(remote, remote)
	return &Client{
		Meta: meta, endpoint: ep, identity: id, nameservers: addrs,
		Blocks: blockio.New(blockio.Config{
			Node: id.node(), Instance: clientInstance(),
			Leaser: meta, Stager: meta, Referrer: meta, Wire: blockio.Quic(ep),
		}),
	}, nil
}

// nameservers are the addresses to try: first what this folder's own nameserver
// listens on now, in case it chose the port itself.
func nameservers(dir string, cfg *Config) []string {
	var out []string
	if r, err := LoadRunning(dir); err == nil && r.QUIC != "" && cfg.Has(metadata.NodeNameserver) {
		out = append(out, r.QUIC)
	}
	for _, a := range cfg.Nameservers {
		if !portZero(a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Nameservers are the addresses that the client tries.
func (c *Client) Nameservers() []string { return slices.Clone(c.nameservers) }

// NotRunning reports whether the nameserver that lives in the folder is known
// not to run: its process is gone. It is a hint for messages, no proof.
func NotRunning(dir string) bool {
	dir = Resolve(dir)
	cfg, err := LoadConfig(dir)
	if err != nil || !cfg.Has(metadata.NodeNameserver) {
		return false
	}
	r, err := LoadRunning(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return errors.Is(unix.Kill(r.PID, 0), unix.ESRCH)
}

// StartCommand is what starts the node, or the whole drive, in the folder.
func StartCommand(dir string) string {
	if Resolve(dir) != dir {
		return "ken dev --dir " + dir
	}
	return "ken run --dir " + dir
}

// Retries counts what this client did again because a storage server did not
// take or give a block.
func (c *Client) Retries() int64 {
	s := c.Blocks.Stats()
	return s.PutRetries + s.PutFailures + s.GetFailures
}

// Close gives back leases and ends the connections.
func (c *Client) Close(ctx context.Context) {
	_ = c.Blocks.Close(ctx) // leases that cannot be given back end by themselves
	_ = c.endpoint.Close()  // nothing is in flight
}

// clientInstance names this process for the nameserver, which ends the earlier
// session of a name. Process ids repeat: on other machines with the same
// owner's key, and in containers.
func clientInstance() string {
	return fmt.Sprintf("client-%d-%016x", os.Getpid(), rand.Uint64())
}
