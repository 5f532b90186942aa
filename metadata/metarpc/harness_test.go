package metarpc

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// memory is a Backend over the real state machine in memory.
type memory struct {
	mu    sync.Mutex
	kv    namespace.MemKV
	index uint64
	now   int64

	proposed int                        // commands that reached the state machine
	lose     func(*metapb.Command) bool // true: apply, but answer that nobody knows
	refuse   func() error               // an error before anything is applied
}

func newMemory(t testing.TB) *memory {
	t.Helper()
	m := &memory{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()}
	r, err := m.Propose(t.Context(), &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{
			Format: 1, Cluster: "test", Replication: 2, Grace: int64(time.Minute),
			CaCert: []byte("certificate"), CaKey: []byte("key"),
		},
		Admin: &metapb.UserRow{Name: "root", Hash: "hash", Role: uint32(metadata.RoleAdmin)},
		Node:  &metapb.NodeRow{Name: "one", Addr: "a:1", Roles: []string{metadata.NodeNameserver}},
	}}})
	if _, err := resultErr(r, err); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *memory) Propose(_ context.Context, c *metapb.Command) (*metapb.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(); err != nil {
			return nil, err
		}
	}
	m.index++
	m.now++
	m.proposed++
	rs, err := namespace.Apply(&m.kv, m.index, &metapb.Batch{
		Version: 1, Now: m.now, Commands: []*metapb.Command{proto.CloneOf(c)},
	})
	if err != nil {
		return nil, err
	}
	if m.lose != nil && m.lose(c) {
		return nil, metadata.Errorf(metadata.KindTimeout, "nobody knows")
	}
	return rs[0], nil
}

// setLose changes what becomes of answers; the handlers run elsewhere.
func (m *memory) setLose(f func(*metapb.Command) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lose = f
}

func (m *memory) setRefuse(f func() error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = f
}

// count returns how many commands reached the state machine.
func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.proposed
}

// clock returns the state machine's time.
func (m *memory) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Unix(0, m.now)
}

func (m *memory) Query(_ context.Context, q *metapb.Query) (*metapb.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return namespace.Answer(&m.kv, q)
}

// records is a Leader that keeps what it was asked and answers with samples.
type records struct {
	mu    sync.Mutex
	calls []any
	err   error
	grant func(context.Context, metadata.GrantRequest) (metadata.Lease, error) // instead of a sample
}

func (r *records) note(v any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, v)
	return r.err
}

func (r *records) last() any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[len(r.calls)-1]
}

func sampleTime() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC) }

func sampleLocated() []metadata.Located {
	return []metadata.Located{
		{Replica: metadata.Replica{Node: 2, Disk: 0xabc}, Addr: "b:1", Live: true, Zone: "attic"},
		{Replica: metadata.Replica{Node: 3, Disk: 0xdef}, Addr: "c:1"},
	}
}

func sampleLease() metadata.Lease {
	return metadata.Lease{Volume: 7, Epoch: 3, Session: 9, From: 100, To: 200, Replicas: sampleLocated()}
}

func sampleVolume() metadata.VolumeView {
	return metadata.VolumeView{Volume: metadata.Volume{
		ID: 7, Epoch: 3, State: metadata.VolumeFencing, Target: 2,
		Replicas: []metadata.Replica{{Node: 2, Disk: 0xabc}, {Node: 3, Disk: 0xdef}}, Lessee: 9, Fence: 50,
		Next: 200, Blocks: 12, Bytes: 345, Digest: 1 << 63, Synced: []metadata.DiskID{0xabc},
		Repaired: sampleTime(), Changed: 77,
	}, Located: sampleLocated(), Recall: true}
}

func sampleNode() metadata.Node {
	return metadata.Node{
		ID: 2, Name: "two", Addr: "b:1", Roles: []string{metadata.NodeDatanode}, Zone: "attic", MachineZone: "cellar", ZoneSet: true,
		State: metadata.NodeDraining, Joined: sampleTime(), Liveness: metadata.LivenessSuspect,
		Heard: sampleTime(), Version: "v1",
		Disks: []metadata.Disk{{ID: 0xabc, Path: "/d", Capacity: 10, Free: 4, Used: 5, Failed: "broken", Volumes: 3}},
	}
}

func sampleReply() metadata.HeartbeatReply {
	return metadata.HeartbeatReply{
		Interval: time.Second, RepairBytesPerSecond: 77,
		Orders: []metadata.Order{{
			ID: 5, Kind: metadata.OrderDelete, Disk: 0xabc, Volume: 7, Epoch: 3, Fence: 50,
			Blocks: []metadata.LocalID{1, 2}, Sources: sampleLocated(),
		}},
	}
}

func sampleHeartbeat() metadata.Heartbeat {
	return metadata.Heartbeat{
		Node: 2, Addr: "b:1", Zone: "attic", Version: "v1", Started: sampleTime(), Leaving: true,
		Disks:   sampleNode().Disks,
		Digests: []metadata.VolumeDigest{{Disk: 0xabc, Volume: 7, Blocks: 1, Bytes: 2, Digest: 3}},
		Done: []metadata.OrderResult{{
			ID: 5, Kind: metadata.OrderSync, Disk: 0xabc, Volume: 7, Epoch: 3, Fetched: 8, Deleted: 9,
			Blocks: []metadata.LocalID{4}, Err: "no", ErrKind: metadata.KindCorrupt,
		}},
		Running: []metadata.OrderProgress{{ID: 6, Volume: 8, Disk: 0xabc, BytesDone: 1, BytesTotal: 2}},
	}
}

func (r *records) Heartbeat(_ context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	return sampleReply(), r.note(h)
}

func (r *records) Grant(ctx context.Context, q metadata.GrantRequest) (metadata.Lease, error) {
	if r.grant != nil {
		return r.grant(ctx, q)
	}
	return sampleLease(), r.note(q)
}

type renewCall struct {
	S metadata.SessionID
	P metadata.Presence
}

func (r *records) Renew(_ context.Context, s metadata.SessionID, p metadata.Presence) error {
	return r.note(renewCall{s, p})
}

type dropCall struct {
	S metadata.SessionID
	P metadata.LeaseProof
	R metadata.Replica
}

func (r *records) Drop(_ context.Context, s metadata.SessionID, p metadata.LeaseProof,
	rep metadata.Replica) (metadata.Lease, error) {
	return sampleLease(), r.note(dropCall{s, p, rep})
}

func (r *records) Volumes(_ context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	return []metadata.VolumeView{sampleVolume()}, r.note(ids)
}

func (r *records) Nodes(context.Context) ([]metadata.Node, error) {
	return []metadata.Node{sampleNode()}, r.note("nodes")
}

func sampleReport() health.Report {
	days := 12.5
	return health.Report{
		Verdict: health.AtRisk, Sentence: "1.0 GiB have one live copy.", Since: sampleTime(), AsOf: sampleTime(),
		Copies: []health.Copies{{Live: 1, Target: 2, Count: health.Count{Volumes: 3, Bytes: 4}}}, CanLose: 0, DaysToFull: &days,
		Checks: []health.Check{{Code: health.NodeDown, Severity: health.Warning, Affected: []string{"n2"}, Actions: []health.Action{}}},
	}
}

func (r *records) Report(context.Context) (health.Report, error) {
	return sampleReport(), r.note("report")
}

func sampleRepairs() health.Repairs {
	return health.Repairs{
		AsOf: sampleTime(), Total: 1, Queue: []health.Repair{{Volume: "v7", Class: "repair", On: []string{"n2"}}},
		Drains: []health.Drain{{Node: "n2", Name: "two", Volumes: 3}},
	}
}

func (r *records) Repairs(context.Context) (health.Repairs, error) {
	return sampleRepairs(), r.note("repairs")
}

func (r *records) SafeToStop(_ context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	return health.StopFacts{Node: "n2", Safe: true, Sentence: "Safe."}, r.note(ids)
}

func (r *records) ZoneFacts(_ context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	return health.ZoneFacts{Node: "n2", Zone: zone, MoveBytes: 5}, r.note(id)
}

func (r *records) Watch(_ context.Context, after uint64) (uint64, error) {
	return after + 1, r.note(after)
}

func (r *records) Prioritise(_ context.Context, v metadata.VolumeID) error { return r.note(v) }

// wired is a nameserver on loopback and a way to call it under any role.
type wired struct {
	t       testing.TB
	certs   *wiretest.Cluster
	server  *quicwire.Endpoint
	srv     *Server
	backend *memory
	leader  *records
	next    uint64
}

func testErrorCode(err error) (uint32, string) { return uint32(metadata.KindOf(err)), err.Error() }

func newWired(t testing.TB) *wired {
	t.Helper()
	w := &wired{t: t, certs: wiretest.NewCluster(t), backend: newMemory(t), leader: &records{}, next: 2}
	cfg := w.certs.Config(1, metadata.NodeNameserver)
	cfg.ErrorCode = testErrorCode
	w.server = w.certs.OpenConfig(cfg)
	w.srv = &Server{
		Backend: w.backend, Leader: w.leader,
		Issue: func(_ context.Context, csr []byte, id quicwire.Identity) ([]byte, []byte, error) {
			cert, err := quicwire.SignCSR(w.certs.CA, csr, id, time.Hour)
			if err != nil {
				return nil, nil, err
			}
			return cert.Raw, w.certs.CA.Cert.Raw, nil
		},
		Nameservers: func() []string { return []string{w.server.Addr().String()} },
	}
	w.srv.Register(w.server)
	w.certs.Start(w.server)
	return w
}

// remote connects as a new node with the roles.
func (w *wired) remote(roles ...string) *Remote {
	w.t.Helper()
	e := w.certs.Open(w.next, roles...)
	w.next++
	w.certs.Start(e)
	return NewRemote(e, []string{w.server.Addr().String()}, 2*time.Second)
}

func (w *wired) client(roles ...string) *Client {
	r := w.remote(roles...)
	return NewClient(r, r)
}
