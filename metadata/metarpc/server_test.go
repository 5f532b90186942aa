package metarpc

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// direct is a server without a network, and how to call it as a node.
type direct struct {
	t       *testing.T
	server  *Server
	backend *memory
	leader  *records
}

func newDirect(t *testing.T) *direct {
	d := &direct{t: t, backend: newMemory(t), leader: &records{}}
	d.server = &Server{
		Backend: d.backend, Leader: d.leader, Nameservers: func() []string { return []string{"a:1"} },
		Issue: func(_ context.Context, csr []byte, id quicwire.Identity) ([]byte, []byte, error) {
			return append([]byte("cert of "+strings.Join(id.Roles, " ")+" "), csr...), []byte("ca"), nil
		},
	}
	return d
}

func peer(node uint64, roles ...string) quicwire.Peer {
	return quicwire.Peer{Identity: quicwire.Identity{Cluster: "test", Node: node, Roles: roles}}
}

// call makes one call and decodes its answer.
func (d *direct) call(p quicwire.Peer, method uint32, req, ans proto.Message) error {
	d.t.Helper()
	b, err := proto.Marshal(req)
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := d.server.calls()[method](d.t.Context(), p, b)
	if err != nil {
		return err
	}
	return proto.Unmarshal(out, ans)
}

// TestRequestsThatDoNotDecode: every method refuses them as what they are.
func TestRequestsThatDoNotDecode(t *testing.T) {
	d := newDirect(t)
	for m, call := range d.server.calls() {
		_, err := call(t.Context(), peer(2, metadata.NodeClient), []byte{0xff})
		if metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("method %d: got %v", m, err)
		}
	}
	_, err := d.server.join(t.Context(), quicwire.Peer{}, []byte{0xff})
	wantKind(t, err, metadata.KindInvalid)
}

// TestNobodySpeaksForAnother: what a message claims about its sender is replaced
// by what the certificate says.
func TestNobodySpeaksForAnother(t *testing.T) {
	d := newDirect(t)
	err := d.call(peer(2, metadata.NodeDatanode), methodHeartbeat, &metapb.Heartbeat{Node: 3}, &metapb.HeartbeatReply{})
	wantKind(t, err, metadata.KindDenied)
	req := &metapb.RenewRequest{Session: 5, Node: 3, Presence: presenceToPB(metadata.Presence{Version: "v", Sent: sampleTime()})}
	if err := d.call(peer(2, metadata.NodeWebDAV), methodRenew, req, &metapb.RenewReply{}); err != nil {
		t.Fatal(err)
	}
	if got := d.leader.last().(renewCall); got.P.Node != 2 || got.S != 5 || got.P.Version != "v" {
		t.Errorf("node 2 renewed as %+v", got)
	}
	put := &metapb.Command{
		Actor: &metapb.Actor{User: "ann", Origin: OriginCLI, Node: 1, Reason: "why"},
		Op:    &metapb.Command_SetMute{SetMute: &metapb.SetMute{Code: "X", Until: math.MaxInt64}},
	}
	if err := d.call(peer(7, metadata.NodeAdmin), methodPropose, put, &metapb.Result{}); err != nil {
		t.Fatal(err)
	}
	rs, _, err := NewClient(d.backend, nil).Audit(t.Context(), metadata.EventQuery{Limit: 1})
	want := metadata.Actor{User: "ann", Origin: OriginAdmin, Node: 7, Reason: "why"}
	if err != nil || len(rs) != 1 || rs[0].Actor != want {
		t.Errorf("recorded %+v, %v, want %+v", rs, err, want)
	}
	var cert metapb.JoinReply
	if err := d.call(peer(7, metadata.NodeWebDAV), methodCertificate, &metapb.CertRequest{Csr: []byte("x")}, &cert); err != nil ||
		cert.Node != 7 || string(cert.Cert) != "cert of webdav x" || cert.Cluster != "test" || !slices.Equal(cert.Nameservers, []string{"a:1"}) {
		t.Errorf("renewed: %v, %v", &cert, err)
	}
}

// TestServerBounds: what is too long is refused before anybody works on it.
func TestServerBounds(t *testing.T) {
	d := newDirect(t)
	for _, tc := range []struct {
		name   string
		method uint32
		req    proto.Message
		want   metadata.Kind // kindOK: taken
	}{
		{"as many digests as may be", methodHeartbeat, &metapb.Heartbeat{Node: 2, Digests: many[metapb.VolumeDigest](metadata.HeartbeatDigestsMax)}, kindOK},
		{"one more", methodHeartbeat, &metapb.Heartbeat{Node: 2, Digests: many[metapb.VolumeDigest](metadata.HeartbeatDigestsMax + 1)}, metadata.KindTooLarge},
		{"as many volumes as may be", methodVolumes, &metapb.VolumesRequest{Ids: make([]uint64, volumesMax)}, kindOK},
		{"one more", methodVolumes, &metapb.VolumesRequest{Ids: make([]uint64, volumesMax+1)}, metadata.KindTooLarge},
		{"a command of nothing", methodPropose, &metapb.Command{}, metadata.KindDenied},
		{"a query of nothing", methodQuery, &metapb.Query{}, metadata.KindDenied},
		{"the key of the authority", methodQuery, &metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{Secrets: true}}}, metadata.KindDenied},
		{"the leader's own decision", methodPropose, &metapb.Command{Op: &metapb.Command_GrantLease{}}, metadata.KindDenied},
		{"an event", methodPropose, &metapb.Command{Op: &metapb.Command_RecordEvents{}}, metadata.KindDenied},
		{"a second beginning", methodPropose, &metapb.Command{Op: &metapb.Command_Init{}}, metadata.KindDenied},
	} {
		calls := len(d.leader.calls) + d.backend.count()
		err := d.call(peer(2, roles()...), tc.method, tc.req, &metapb.Answer{})
		if tc.want == kindOK {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if metadata.KindOf(err) != tc.want || len(d.leader.calls)+d.backend.count() != calls {
			t.Errorf("%s: got %v, want %v before anybody is asked", tc.name, err, tc.want)
		}
	}
}

const kindOK = metadata.Kind(255)

func many[T any](n int) []*T {
	out := make([]*T, n)
	for i := range out {
		out[i] = new(T)
	}
	return out
}

// TestLeaderErrorsKeepTheirKind: what the leader refuses is refused as that, by
// every call that asks it.
func TestLeaderErrorsKeepTheirKind(t *testing.T) {
	d := newDirect(t)
	for _, k := range []metadata.Kind{metadata.KindStale, metadata.KindNoSpace, metadata.KindUnavailable, metadata.KindReadOnly} {
		d.leader.err = metadata.Errorf(k, "no")
		for _, m := range []uint32{
			methodHeartbeat, methodGrant, methodRenew, methodDrop, methodVolumes, methodNodes, methodStatus, methodRepairs, methodStop, methodZone,
			methodWatch, methodPrioritise,
		} {
			req := proto.Message(&metapb.NodesRequest{})
			if m == methodHeartbeat {
				req = &metapb.Heartbeat{Node: 2}
			}
			if err := d.call(peer(2, roles()...), m, req, &metapb.Answer{}); metadata.KindOf(err) != k {
				t.Errorf("method %d: got %v, want %v", m, err, k)
			}
		}
	}
}

// TestTheNameserverThatLeadsIsFound: a Remote goes on to the next nameserver when
// one does not lead, stays with the one that does, and finds the next one after
// a change; also heartbeats, which are not repeated.
func TestTheNameserverThatLeadsIsFound(t *testing.T) {
	t.Parallel()
	a, b := newWired(t), newWired(t)
	cfg := a.certs.Config(800, metadata.NodeNameserver) // b's server, with a's authority
	cfg.ErrorCode = testErrorCode
	second := a.certs.OpenConfig(cfg)
	b.srv.Register(second)
	a.certs.Start(second)
	away := func() error { return metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead") }
	a.backend.setRefuse(away)
	r := a.remote(metadata.NodeClient)
	r.SetNameservers([]string{a.server.Addr().String(), second.Addr().String()})
	c := NewClient(r, r)
	before := b.backend.count()
	for _, path := range []metadata.Path{"/1", "/2", "/3"} {
		if _, err := c.Mkdir(t.Context(), path, metadata.Guard{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.backend.count() - before; got != 3 {
		t.Errorf("the leader got %d commands, want 3", got)
	}
	_, at := r.target()
	if _, err := c.Mkdir(t.Context(), "/4", metadata.Guard{}); err != nil {
		t.Fatal(err)
	}
	if _, now := r.target(); now != at {
		t.Error("it left a nameserver that answers")
	}
	a.backend.setRefuse(nil)
	b.backend.setRefuse(away)
	if _, err := c.Mkdir(t.Context(), "/5", metadata.Guard{}); err != nil {
		t.Errorf("after a change of leaders: %v", err)
	}
	if _, err := NewClient(a.backend, nil).Lookup(t.Context(), "/5", metadata.LookupOptions{}); err != nil {
		t.Errorf("the new leader does not have it: %v", err)
	}

	dn := a.remote(metadata.NodeDatanode)
	dn.SetNameservers([]string{a.server.Addr().String(), second.Addr().String()})
	a.leader.mu.Lock()
	a.leader.err = away()
	a.leader.mu.Unlock()
	beat := metadata.Heartbeat{Node: metadata.NodeID(a.next - 1), Sent: time.Now()}
	if _, err := dn.Heartbeat(t.Context(), beat); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("the first heartbeat: %v", err)
	}
	if _, err := dn.Heartbeat(t.Context(), beat); err != nil {
		t.Errorf("the next one goes to the next nameserver: %v", err)
	}
}
