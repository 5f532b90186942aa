package cluster

import (
	"net"
	"net/url"
	"slices"

	"kendfs/admin"
	"kendfs/metadata"
)

// ownDrive is where other machines reach this node's gateway, which listens at l.
// Who listens on all addresses is reached where the node is.
func (n *Node) ownDrive(l net.Addr, secure bool) metadata.Drive {
	w := n.cfg.WebDAV
	d := metadata.Drive{URL: driveURL(l, secure), SelfSigned: secure && w.TLSCert == ""}
	tcp, ok := l.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return d
	}
	host, _, err := net.SplitHostPort(n.running.QUIC)
	u, err2 := url.Parse(d.URL)
	if err == nil && err2 == nil {
		u.Host = net.JoinHostPort(host, u.Port())
		d.URL = u.String()
	}
	return d
}

// gateways lists the gateways of the cluster.
func (n *Node) gateways(nodes []metadata.Node) []admin.Gateway {
	return gatewaysOf(metadata.Node{ID: n.ID(), Name: n.cfg.Name, Drive: n.drive}, nodes)
}

// gatewaysOf lists the gateways that nodes say they have, those of nodes that
// are down left out, and in any case this node's own.
func gatewaysOf(self metadata.Node, nodes []metadata.Node) []admin.Gateway {
	var out []admin.Gateway
	for i := range nodes {
		m := &nodes[i]
		if m.State == metadata.NodeRemoved || m.Liveness == metadata.LivenessDown || m.ID == self.ID {
			continue
		}
		if g, ok := gatewayOf(m.ID, m.Name, m.Drive); ok {
			out = append(out, g)
		}
	}
	if g, ok := gatewayOf(self.ID, self.Name, self.Drive); ok {
		out = slices.Insert(out, 0, g)
	}
	return out
}

// gatewayOf describes a gateway. What is no address of a web server is shown to
// nobody: it comes from another machine, and people click on it.
func gatewayOf(id metadata.NodeID, name string, d metadata.Drive) (admin.Gateway, bool) {
	u, err := url.Parse(d.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return admin.Gateway{}, false
	}
	ip := net.ParseIP(u.Hostname())
	return admin.Gateway{
		Node: id, Name: name, URL: u.String(), TLS: u.Scheme == "https", SelfSigned: d.SelfSigned,
		Loopback: u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(),
	}, true
}
