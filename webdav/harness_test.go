package webdav

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/metarpc"
	"kendfs/metadata/namespace"
)

// drive is a whole cluster in memory: the real state machine of the namespace
// behind the real client, and storage servers that keep blocks in a map. The
// handler under test is served over loopback TCP.
//
// Users: "ann" and "bob" write, "rita" reads, "root" administers; the password
// of each is "pw-" and the name.
type drive struct {
	t       testing.TB
	handler *Handler
	client  *metarpc.Client
	blocks  *blockio.Client
	disks   *memDisks
	url     string // "http://127.0.0.1:port"
	anon    *http.Client

	mu    sync.RWMutex
	kv    namespace.MemKV
	index uint64

	// propose and query, when set, are asked before each command and query;
	// an error is returned instead.
	propose atomic.Pointer[func(*metapb.Command) error]
	query   atomic.Pointer[func(*metapb.Query) error]

	commands, queries atomic.Int64 // that came through
}

const harnessNodes = 2

// newDrive makes a drive and serves it until the test ends. edit may change
// the configuration.
func newDrive(t testing.TB, edit ...func(*Config)) *drive {
	t.Helper()
	d := newDriveUnserved(t, edit...)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.Handler = withProgress(d.handler)
	srv.Config.ConnContext = connContext
	srv.Config.DisableGeneralOptionsHandler = true
	srv.Listener = newLimitListener(srv.Listener, 8192, 8192)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Start()
	t.Cleanup(srv.Close)
	d.url, d.anon = srv.URL, srv.Client()
	return d
}

func newDriveUnserved(t testing.TB, edit ...func(*Config)) *drive {
	t.Helper()
	d := &drive{t: t, disks: &memDisks{blocks: make(map[memBlock]memData)}}
	d.client = metarpc.NewClient(driveBackend{d}, driveLeader{d: d})
	d.must(&metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{Format: 1, Cluster: "test", Replication: harnessNodes, Grace: int64(time.Minute)},
		Admin:   userRow("root", metadata.RoleAdmin),
		Node:    &metapb.NodeRow{Name: "n1", Addr: "n1:1", Roles: []string{metadata.NodeNameserver, metadata.NodeDatanode}},
	}}})
	for _, u := range []*metapb.UserRow{
		userRow("ann", metadata.RoleWriter), userRow("bob", metadata.RoleWriter), userRow("rita", metadata.RoleReader),
	} {
		d.must(&metapb.Command{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{User: u, Create: true}}})
	}
	for n := uint64(2); n <= harnessNodes; n++ {
		d.must(&metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: &metapb.NodeRow{
			Name: fmt.Sprint("n", n), Addr: fmt.Sprintf("n%d:1", n), Roles: []string{metadata.NodeDatanode},
		}}}})
	}
	for n := uint64(1); n <= harnessNodes; n++ {
		d.must(&metapb.Command{Op: &metapb.Command_AnnounceDisks{AnnounceDisks: &metapb.AnnounceDisks{
			Node: n, Disks: []uint64{n * 100}, Addr: fmt.Sprintf("n%d:1", n),
		}}})
	}
	d.blocks = blockio.New(blockio.Config{
		Node: 1, Instance: "test", Leaser: d.client, Stager: d.client, Referrer: d.client,
		Local: func(n metadata.NodeID) blockio.Target { return memTarget{d.disks, n} },
	})
	t.Cleanup(func() { _ = d.blocks.Close(context.Background()) })
	cfg := Config{
		Tree: d.client, Changer: d.client, Locker: d.client, Directory: d.client, Blocks: d.blocks,
		Logger: slog.New(slog.DiscardHandler),
	}
	if os.Getenv("KEN_TEST_LOG") != "" {
		cfg.Logger = slog.Default()
	}
	for _, f := range edit {
		f(&cfg)
	}
	d.handler = New(cfg)
	return d
}

func (d *drive) must(c *metapb.Command) *metapb.Result {
	d.t.Helper()
	r, err := (driveBackend{d}).Propose(context.Background(), c)
	if err != nil || !r.GetOk() {
		d.t.Fatalf("%T: %v, %v", c.GetOp(), r, err)
	}
	return r
}

// userRow makes a user whose password costs little to check.
func userRow(name string, role metadata.Role) *metapb.UserRow {
	salt := []byte("saltsaltsaltsalt")
	key := argon2.IDKey([]byte("pw-"+name), salt, 1, 8, 1, 32)
	b64 := base64.RawStdEncoding
	return &metapb.UserRow{
		Name: name, Role: uint32(role), Hash: fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version,
			b64.EncodeToString(salt), b64.EncodeToString(key)),
	}
}

// req sends a request as ann and returns the answer with its body read. Header
// fields are given as "Name: value".
func (d *drive) req(method, path string, body io.Reader, header ...string) *answer {
	d.t.Helper()
	return d.as("ann", method, path, body, header...)
}

// as is req for another user; "" sends no credentials.
func (d *drive) as(user, method, path string, body io.Reader, header ...string) *answer {
	d.t.Helper()
	r, err := http.NewRequest(method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "pw-"+user)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
		if strings.EqualFold(name, "Host") {
			r.Host = value
		}
	}
	resp, err := d.anon.Do(r)
	if err != nil {
		return &answer{Response: new(http.Response), err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return &answer{Response: resp, body: string(b), err: err}
}

// answer is a response and its body; err is why there is none (its status is
// zero then) or why the body broke off.
type answer struct {
	*http.Response
	body string
	err  error
}

// want checks the status.
func (d *drive) want(status int, method, path string, body string, header ...string) *answer {
	d.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	a := d.req(method, path, r, header...)
	if a.StatusCode != status {
		d.t.Fatalf("%s %s %v: got %d %q %v, want %d", method, path, header, a.StatusCode, a.body, a.err, status)
	}
	return a
}

// file checks the content of a file.
func (d *drive) file(path, want string) {
	d.t.Helper()
	a := d.req("GET", path, nil)
	if a.StatusCode != 200 || a.body != want || a.err != nil {
		d.t.Fatalf("GET %s: got %d, %d bytes %.40q, %v; want %d bytes %.40q",
			path, a.StatusCode, len(a.body), a.body, a.err, len(want), want)
	}
}

// faulty makes commands fail as f says until the returned function is called.
func (d *drive) faulty(f func(*metapb.Command) error) (undo func()) {
	d.propose.Store(&f)
	return func() { d.propose.Store(nil) }
}

// driveBackend is the drive as a replica of the namespace.
type driveBackend struct{ d *drive }

func (b driveBackend) Propose(_ context.Context, c *metapb.Command) (*metapb.Result, error) {
	if f := b.d.propose.Load(); f != nil {
		if err := (*f)(c); err != nil {
			return nil, err
		}
	}
	b.d.commands.Add(1)
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	b.d.index++
	rs, err := namespace.Apply(&b.d.kv, b.d.index, &metapb.Batch{
		Version: 1, Now: time.Now().UnixNano(), Commands: []*metapb.Command{c},
	})
	if err != nil {
		return nil, err
	}
	return rs[0], nil
}

func (b driveBackend) Query(_ context.Context, q *metapb.Query) (*metapb.Answer, error) {
	if f := b.d.query.Load(); f != nil {
		if err := (*f)(q); err != nil {
			return nil, err
		}
	}
	b.d.queries.Add(1)
	b.d.mu.RLock()
	defer b.d.mu.RUnlock()
	return namespace.Answer(&b.d.kv, q)
}

// driveLeader leases a new volume to whoever asks.
type driveLeader struct {
	metarpc.NoLeader
	d *drive
}

func (l driveLeader) Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	var reps []*metapb.Replica
	for n := uint64(1); n <= uint64(min(max(r.Replicas, 1), harnessNodes)); n++ {
		reps = append(reps, &metapb.Replica{Node: n, Disk: n * 100})
	}
	res, err := driveBackend{l.d}.Propose(ctx, &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: &metapb.GrantLease{
		Session: uint64(r.Session), Replicas: reps, Target: uint32(len(reps)), Count: 1 << 16,
	}}})
	if err != nil {
		return metadata.Lease{}, err
	}
	if !res.GetOk() {
		return metadata.Lease{}, &metadata.Error{Kind: metadata.Kind(res.GetKind()), Msg: res.GetMessage()}
	}
	return metadata.Lease{
		Volume: metadata.VolumeID(res.GetVolume().GetId()), Epoch: metadata.Epoch(res.GetVolume().GetEpoch()),
		Session: r.Session, From: metadata.LocalID(res.GetLeaseFrom()), To: metadata.LocalID(res.GetLeaseTo()),
		Replicas: located(res.GetVolume()),
	}, nil
}

func located(v *metapb.VolumeRow) []metadata.Located {
	var out []metadata.Located
	for _, r := range v.GetReplicas() {
		out = append(out, metadata.Located{
			Replica: metadata.Replica{Node: metadata.NodeID(r.GetNode()), Disk: metadata.DiskID(r.GetDisk())},
			Addr:    fmt.Sprintf("n%d:1", r.GetNode()), Live: true,
		})
	}
	return out
}

func (l driveLeader) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	q := &metapb.GetVolumes{}
	for _, id := range ids {
		q.Ids = append(q.Ids, uint64(id))
	}
	a, err := driveBackend{l.d}.Query(ctx, &metapb.Query{Q: &metapb.Query_Volumes{Volumes: q}})
	if err != nil {
		return nil, err
	}
	var out []metadata.VolumeView
	for _, v := range a.GetVolumes() {
		view := metadata.VolumeView{Volume: metadata.Volume{
			ID: metadata.VolumeID(v.GetId()), Epoch: metadata.Epoch(v.GetEpoch()), State: metadata.VolumeState(v.GetState()),
		}, Located: located(v)}
		for _, r := range view.Located {
			view.Replicas = append(view.Replicas, r.Replica)
		}
		out = append(out, view)
	}
	return out, nil
}

func (driveLeader) Renew(context.Context, metadata.SessionID, metadata.Presence) error { return nil }

func (driveLeader) Drop(context.Context, metadata.SessionID, metadata.LeaseProof, metadata.Replica) (metadata.Lease, error) {
	return metadata.Lease{}, metadata.Errorf(metadata.KindUnavailable, "too few replicas would remain")
}

func (driveLeader) Heartbeat(context.Context, metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	return metadata.HeartbeatReply{}, nil
}

func (driveLeader) Nodes(context.Context) ([]metadata.Node, error) {
	return []metadata.Node{{
		ID: 1, Name: "n1", Liveness: metadata.LivenessUp,
		Disks: []metadata.Disk{{ID: 100, Capacity: 1 << 40, Free: 1 << 39}},
	}}, nil
}

// memDisks are all storage servers' disks.
type memDisks struct {
	mu     sync.RWMutex
	blocks map[memBlock]memData
	get    func(blockio.GetRequest) error // when set: asked before each read
	put    func(blockio.PutRequest) error
}

type memBlock struct {
	node  metadata.NodeID
	block metadata.BlockID
}

type memData struct {
	data []byte
	sums []uint32
}

// memTarget is one storage server in memory.
type memTarget struct {
	disks *memDisks
	node  metadata.NodeID
}

func (m memTarget) Put(ctx context.Context, r blockio.PutRequest) ([]blockio.Outcome, error) {
	m.disks.mu.RLock()
	fault := m.disks.put
	m.disks.mu.RUnlock()
	if fault != nil {
		if err := fault(r); err != nil {
			return nil, err
		}
	}
	for n := 0; r.Ready != nil && n < len(r.Data); {
		var err error
		if n, err = r.Ready(ctx, n); err != nil {
			return nil, err
		}
	}
	if _, err := blockio.Verify(r.Data, r.Sums); err != nil {
		return nil, err
	}
	d := memData{bytes.Clone(r.Data), append([]uint32(nil), r.Sums...)}
	m.disks.mu.Lock()
	defer m.disks.mu.Unlock()
	return m.disks.store(nil, m.node, r.Disk, r.Block, d, r.Forward), nil
}

func (m *memDisks) store(out []blockio.Outcome, n metadata.NodeID, disk metadata.DiskID, b metadata.BlockID,
	d memData, next []blockio.Hop) []blockio.Outcome {
	m.blocks[memBlock{n, b}] = d
	out = append(out, blockio.Outcome{Replica: metadata.Replica{Node: n, Disk: disk}})
	for _, hop := range next {
		out = m.store(out, hop.Node, hop.Disk, b, d, hop.Children)
	}
	return out
}

func (m memTarget) Get(_ context.Context, r blockio.GetRequest) (blockio.Segments, error) {
	m.disks.mu.RLock()
	fault := m.disks.get
	d, ok := m.disks.blocks[memBlock{m.node, r.Block}]
	m.disks.mu.RUnlock()
	if fault != nil {
		if err := fault(r); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, metadata.Errorf(metadata.KindNotFound, "no block %v", r.Block)
	}
	end := int64(len(d.data))
	if r.Length > 0 {
		chunks := (r.Length + metadata.ChunkBytes - 1) / metadata.ChunkBytes
		end = min(end, r.Offset+chunks*metadata.ChunkBytes)
	}
	return &memSegments{d: d, at: r.Offset, end: end}, nil
}

type memSegments struct {
	d       memData
	at, end int64
}

func (s *memSegments) BlockLength() int64 { return int64(len(s.d.data)) }
func (s *memSegments) Close() error       { return nil }

func (s *memSegments) Next(data []byte, sums []uint32) (int, error) {
	if s.at >= s.end {
		return 0, io.EOF
	}
	chunk := int(s.at / metadata.ChunkBytes)
	n := copy(data, s.d.data[s.at:s.end])
	copy(sums, s.d.sums[chunk:chunk+(n+metadata.ChunkBytes-1)/metadata.ChunkBytes])
	s.at += int64(n)
	return n, nil
}

// fail makes reads of blocks fail as f says.
func (m *memDisks) fail(f func(blockio.GetRequest) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.get = f
}

// mkdir makes a directory without a request.
func (d *drive) mkdir(path string) {
	d.t.Helper()
	d.must(&metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: path}}})
}

// count is the number of replicas of blocks that are stored.
func (m *memDisks) count() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.blocks)
}

func listAll() metadata.ListOptions     { return metadata.ListOptions{} }
func lookPlain() metadata.LookupOptions { return metadata.LookupOptions{} }
