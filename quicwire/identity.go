package quicwire

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Service names what a connection is for. It is the connection's ALPN protocol
// (RFC 7301), so peers that do not offer it fail in the handshake.
type Service string

// The services of a cluster. The digit is the version of the service's calls.
const (
	ServiceMeta  Service = "ken-meta/1"  // metadata calls and heartbeats
	ServiceRaft  Service = "ken-raft/1"  // consensus, raw streams
	ServiceBlock Service = "ken-block/1" // file data
	ServiceJoin  Service = "ken-join/1"  // enrolment; the only one for peers without a certificate
)

// Bounds of an identity.
const (
	clusterBytesMax = 63 // one DNS label
	rolesMax        = 8
	roleBytesMax    = 32
)

// roleClient marks a certificate that can call but never serve.
const roleClient = "client"

// Identity is who a certificate speaks for. It is the certificate's only URI
// SAN, ken://<cluster>/node/<id>?roles=<role>,<role> with the roles sorted.
type Identity struct {
	Cluster string   // the cluster's id: lower-case letters, digits and hyphens, at most 63
	Node    uint64   // never 0 and never reused
	Roles   []string // what the node does: sorted, at most 8
}

// Has reports whether the identity has one of the roles.
func (id Identity) Has(roles ...string) bool {
	return slices.ContainsFunc(id.Roles, func(r string) bool { return slices.Contains(roles, r) })
}

// String returns the identity as its URI.
func (id Identity) String() string { return id.uri().String() }

// uri returns the SAN.
func (id Identity) uri() *url.URL {
	return &url.URL{
		Scheme:   "ken",
		Host:     id.Cluster,
		Path:     "/node/" + strconv.FormatUint(id.Node, 10),
		RawQuery: "roles=" + strings.Join(id.Roles, ","),
	}
}

// validate reports what is wrong with an identity.
func (id Identity) validate() error {
	if !isLabel(id.Cluster, clusterBytesMax) {
		return fmt.Errorf("identity: cluster %.80q is not a name of letters, digits and hyphens", id.Cluster)
	}
	if id.Node == 0 {
		return fmt.Errorf("identity: node 0 does not exist")
	}
	if len(id.Roles) == 0 || len(id.Roles) > rolesMax {
		return fmt.Errorf("identity: %d roles, want 1 to %d", len(id.Roles), rolesMax)
	}
	for i, r := range id.Roles {
		if !isLabel(r, roleBytesMax) {
			return fmt.Errorf("identity: role %.80q is not a name of letters, digits and hyphens", r)
		}
		if i > 0 && id.Roles[i-1] >= r {
			return fmt.Errorf("identity: roles are not sorted and distinct")
		}
	}
	return nil
}

// isLabel reports whether s is 1 to limit lower-case letters, digits and inner hyphens.
func isLabel(s string, limit int) bool {
	if s == "" || len(s) > limit || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// ParseIdentity returns the identity in a certificate. It does not check who
// signed the certificate, or when it expires.
func ParseIdentity(cert *x509.Certificate) (Identity, error) {
	if len(cert.URIs) != 1 {
		return Identity{}, fmt.Errorf("identity: certificate has %d URI names, want 1", len(cert.URIs))
	}
	return parseIdentityURI(cert.URIs[0].String())
}

// parseIdentityURI is the strict inverse of Identity.String: every identity has
// one spelling, so no two parsers can disagree about it.
func parseIdentityURI(s string) (Identity, error) {
	bad := func() (Identity, error) { return Identity{}, fmt.Errorf("identity: %.200q is not a node's URI", s) }
	rest, ok := strings.CutPrefix(s, "ken://")
	if !ok {
		return bad()
	}
	cluster, rest, ok := strings.Cut(rest, "/node/")
	if !ok {
		return bad()
	}
	node, roles, ok := strings.Cut(rest, "?roles=")
	if !ok || strings.Count(roles, ",") >= rolesMax {
		return bad()
	}
	n, err := strconv.ParseUint(node, 10, 64)
	if err != nil {
		return bad()
	}
	id := Identity{Cluster: cluster, Node: n, Roles: strings.Split(roles, ",")}
	if err := id.validate(); err != nil {
		return Identity{}, err
	}
	if id.String() != s {
		return bad()
	}
	return id, nil
}

// Peer is the other side of a connection. A peer of ServiceJoin has the zero
// Identity: nobody has vouched for it yet.
type Peer struct {
	Identity
	Addr net.Addr
}
