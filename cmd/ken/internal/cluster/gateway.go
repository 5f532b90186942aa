package cluster

import (
	"context"
	"errors"
	"net"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/webdav"
)

// gatewayInstance tells a node's gateway from other clients of the node.
const gatewayInstance = "webdav"

// startGateway serves the drive.
func (n *Node) startGateway(context.Context) error {
	w := n.cfg.WebDAV
	traffic := newTraffic()
	l, err := listenTCP(w.Listen, "--webdav")
	if err != nil {
		return err
	}
	conf, err := tlsConfig(n.https(w.TLSCert, w.TLSKey, w.SelfSigned, "webdav"), l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	n.drive = n.ownDrive(l.Addr(), conf != nil)
	meta := n.meta.Introduce(func() metadata.Presence {
		p := n.presence(traffic.sum(n.started))
		p.Drive = n.drive
		return p
	})
	blocks := blockio.New(blockio.Config{
		Node: n.ID(), Instance: gatewayInstance, Leaser: meta, Stager: n.meta, Referrer: n.meta,
		Local: n.local.target, Wire: blockio.Quic(n.endpoint),
		BlockBytes: w.BlockMiB << 20, BufferBytes: int64(w.BufferMiB) << 20, Logger: n.log,
	})
	n.blocks, n.traffic = blocks, traffic
	n.drains = append(n.drains, blocks.Close)
	n.wg.Go(func() { keepPresent(n.ctx, meta) })
	server := webdav.NewServer(webdav.ServerConfig{
		Handler: n.traffic.counted(webdav.New(webdav.Config{
			Tree: n.meta, Changer: n.meta, Locker: n.meta, Directory: n.meta, Blocks: blocks,
			Verifier:     credential.NewVerifier(credential.Config{Directory: n.meta, Failed: n.recordFailures()}),
			InsecureHTTP: w.InsecureHTTP, Uploads: w.UploadsMax, Logger: n.log,
		})),
		TLS: conf, Logger: n.log,
	})
	n.wg.Go(func() {
		if err := server.Serve(l); err != nil {
			n.fail(err)
		}
	})
	n.drains = append(n.drains, server.Shutdown)
	n.running.WebDAV = driveURL(l.Addr(), conf != nil)
	return nil
}

// driveURL is the address to mount. A listener on all addresses is reached
// here by loopback.
func driveURL(a net.Addr, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		_, port, _ := net.SplitHostPort(host) // of an address that is bound
		host = net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + host + "/"
}
