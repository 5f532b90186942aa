package fleet

import (
	"context"
	"sync"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// spaceStore is a Store over the real state machine in memory.
type spaceStore struct {
	mu    sync.Mutex
	kv    namespace.MemKV
	index uint64
	down  bool // every call fails: no majority of nameservers
	calls int
	// lossy calls of the fleet fail, every n-th: in turn before the change is
	// made and after it, so that nobody knows.
	lossy int
}

// lose reports whether a change of the fleet's is to be lost, or its answer.
func (s *spaceStore) lose() (before, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.lossy == 0 || s.calls%s.lossy != 0 {
		return false, false
	}
	return s.calls%(2*s.lossy) == 0, s.calls%(2*s.lossy) != 0
}

// change is a proposal of the fleet's.
func (s *spaceStore) change(c *metapb.Command) (*metapb.Result, error) {
	before, after := s.lose()
	lost := metadata.Errorf(metadata.KindTimeout, "nobody knows")
	if before {
		return nil, lost
	}
	res, err := s.propose(c)
	if after {
		return nil, lost
	}
	return res, err
}

func newSpaceStore(t *testing.T) *spaceStore {
	s := &spaceStore{}
	s.must(t, &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{Cluster: "test", Replication: 2, Grace: int64(time.Minute)},
		Admin:   &metapb.UserRow{Name: "admin", Hash: "x"},
	}}})
	return s
}

func (s *spaceStore) propose(c *metapb.Command) (*metapb.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, metadata.Errorf(metadata.KindUnavailable, "no majority")
	}
	s.index++
	res, err := namespace.Apply(&s.kv, s.index, &metapb.Batch{
		Version: 1, Now: time.Now().UnixNano(), Commands: []*metapb.Command{c},
	})
	if err != nil {
		return nil, err
	}
	if !res[0].Ok {
		return nil, metadata.Errorf(metadata.Kind(res[0].Kind), "%s", res[0].Message)
	}
	return res[0], nil
}

func (s *spaceStore) must(t *testing.T, c *metapb.Command) *metapb.Result {
	t.Helper()
	res, err := s.propose(c)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	return res
}

func (s *spaceStore) query(q *metapb.Query) (*metapb.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, metadata.Errorf(metadata.KindUnavailable, "no majority")
	}
	return namespace.Answer(&s.kv, q)
}

func (s *spaceStore) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range namespace.Check(&s.kv) {
		t.Errorf("namespace: %v", err)
	}
}

func (s *spaceStore) Cluster(context.Context) (metadata.ClusterInfo, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{}}})
	if err != nil {
		return metadata.ClusterInfo{}, err
	}
	c := a.Cluster
	return metadata.ClusterInfo{
		ID: c.Cluster, Replication: int(c.Replication), Grace: time.Duration(c.Grace), ReadOnly: c.ReadOnly,
		RepairBytesPerSecond: c.RepairBytes, SuspectAfter: time.Duration(c.SuspectAfter), DownAfter: time.Duration(c.DownAfter),
		RepairPausedUntil: timeOf(c.RepairPausedUntil), LastEvent: max(c.NextEvent, 1) - 1, LastAudit: max(c.LastAudit, max(c.NextAudit, 1)-1),
		FleetVersion: c.FleetVersion, NextVolume: metadata.VolumeID(c.NextVolume), Trash: a.Trash,
		Dead: int64(c.Dead), Now: time.Unix(0, c.Now),
	}, nil
}

func (s *spaceStore) Nodes(context.Context) ([]metadata.Node, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}})
	var out []metadata.Node
	for _, n := range a.GetNodes() {
		row := metadata.Node{ID: metadata.NodeID(n.Id), Name: n.Name, Addr: n.Addr, Roles: n.Roles, Zone: n.Zone, State: metadata.NodeState(n.State),
			MachineZone: n.MachineZone, ZoneSet: n.ZoneSet,
			Until: timeOf(n.Until), StateSince: timeOf(n.StateSince)}
		for _, d := range n.Disks {
			row.Disks = append(row.Disks, metadata.Disk{ID: metadata.DiskID(d)})
		}
		out = append(out, row)
	}
	return out, err
}

func (s *spaceStore) Sessions(context.Context) ([]metadata.Session, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Sessions{Sessions: &metapb.ListSessions{}}})
	var out []metadata.Session
	for _, r := range a.GetSessions() {
		out = append(out, metadata.Session{ID: metadata.SessionID(r.Id), Node: metadata.NodeID(r.Node), Instance: r.Instance})
	}
	return out, err
}

func (s *spaceStore) Volumes(_ context.Context, after metadata.VolumeID, changed uint64, limit int) ([]metadata.Volume, bool, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_ListVolumes{ListVolumes: &metapb.ListVolumes{
		After: uint64(after), Limit: uint32(limit), ChangedAfter: changed,
	}}})
	var out []metadata.Volume
	for _, v := range a.GetVolumes() {
		out = append(out, volumeOf(v))
	}
	return out, a.GetMore(), err
}

func volumeOf(v *metapb.VolumeRow) metadata.Volume {
	out := metadata.Volume{
		ID: metadata.VolumeID(v.GetId()), Epoch: metadata.Epoch(v.GetEpoch()), State: metadata.VolumeState(v.GetState()),
		Target: int(v.GetTarget()), Lessee: metadata.SessionID(v.GetLessee()), Fence: metadata.LocalID(v.GetFence()),
		Next: metadata.LocalID(v.GetNext()), Blocks: v.GetBlocks(), Bytes: v.GetBytes(), Digest: v.GetDigest(), Changed: v.GetChanged(),
	}
	for _, r := range v.GetReplicas() {
		out.Replicas = append(out.Replicas, metadata.Replica{Node: metadata.NodeID(r.Node), Disk: metadata.DiskID(r.Disk)})
	}
	for _, d := range v.GetSynced() {
		out.Synced = append(out.Synced, metadata.DiskID(d))
	}
	return out
}

func deadOf(b metadata.DeadBlock) *metapb.DeadBlock {
	return &metapb.DeadBlock{Since: b.Since.UnixNano(), Volume: uint64(b.ID.Volume), Local: uint64(b.ID.Local), Length: b.Length}
}

func (s *spaceStore) DeadBlocks(_ context.Context, before time.Time, after *metadata.DeadBlock, limit int) ([]metadata.DeadBlock, bool, error) {
	q := &metapb.DeadBlocks{Before: before.UnixNano(), Limit: uint32(limit)}
	if after != nil {
		q.After = deadOf(*after)
	}
	a, err := s.query(&metapb.Query{Q: &metapb.Query_DeadBlocks{DeadBlocks: q}})
	var out []metadata.DeadBlock
	for _, b := range a.GetDead() {
		out = append(out, metadata.DeadBlock{
			Since: time.Unix(0, b.Since), Length: b.Length,
			ID: metadata.BlockID{Volume: metadata.VolumeID(b.Volume), Local: metadata.LocalID(b.Local)},
		})
	}
	return out, a.GetMore(), err
}

func (s *spaceStore) CloseSession(_ context.Context, id metadata.SessionID) error {
	_, err := s.change(&metapb.Command{Op: &metapb.Command_CloseSession{CloseSession: &metapb.CloseSession{Session: uint64(id)}}})
	return err
}

func replicaOf(r metadata.Replica) *metapb.Replica {
	return &metapb.Replica{Node: uint64(r.Node), Disk: uint64(r.Disk)}
}

func (s *spaceStore) GrantLease(_ context.Context, g LeaseGrant) (metadata.Volume, metadata.LocalID, metadata.LocalID, error) {
	op := &metapb.GrantLease{Session: uint64(g.Session), Volume: uint64(g.Volume), Epoch: uint64(g.Epoch), Target: uint32(g.Target), Count: g.Count, Nonce: g.Nonce}
	for _, r := range g.Replicas {
		op.Replicas = append(op.Replicas, replicaOf(r))
	}
	res, err := s.change(&metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}})
	return volumeOf(res.GetVolume()), metadata.LocalID(res.GetLeaseFrom()), metadata.LocalID(res.GetLeaseTo()), err
}

func (s *spaceStore) ReleaseLease(_ context.Context, id metadata.SessionID, v metadata.VolumeID) (metadata.Volume, error) {
	res, err := s.change(&metapb.Command{Op: &metapb.Command_ReleaseLease{ReleaseLease: &metapb.ReleaseLease{Session: uint64(id), Volume: uint64(v)}}})
	return volumeOf(res.GetVolume()), err
}

func (s *spaceStore) DropReplica(_ context.Context, d ReplicaDrop) (metadata.Volume, error) {
	res, err := s.change(&metapb.Command{Op: &metapb.Command_DropReplica{DropReplica: &metapb.DropReplica{
		Volume: uint64(d.Volume), Epoch: uint64(d.Epoch), Replica: replicaOf(d.Replica), Session: uint64(d.Session), MinReplicas: uint32(d.Min),
	}}})
	return volumeOf(res.GetVolume()), err
}

func (s *spaceStore) AddReplica(_ context.Context, v metadata.VolumeID, e metadata.Epoch, r metadata.Replica) (metadata.Volume, error) {
	res, err := s.change(&metapb.Command{Op: &metapb.Command_AddReplica{AddReplica: &metapb.AddReplica{Volume: uint64(v), Epoch: uint64(e), Replica: replicaOf(r)}}})
	return volumeOf(res.GetVolume()), err
}

func (s *spaceStore) Synced(_ context.Context, v metadata.VolumeID, e metadata.Epoch, d metadata.DiskID) (metadata.Volume, error) {
	res, err := s.change(&metapb.Command{Op: &metapb.Command_Synced{Synced: &metapb.Synced{Volume: uint64(v), Epoch: uint64(e), Disk: uint64(d)}}})
	return volumeOf(res.GetVolume()), err
}

func (s *spaceStore) Reaped(_ context.Context, v metadata.VolumeID, blocks []metadata.DeadBlock) (metadata.Volume, error) {
	op := &metapb.Reaped{Volume: uint64(v)}
	for _, b := range blocks {
		op.Blocks = append(op.Blocks, deadOf(b))
	}
	res, err := s.change(&metapb.Command{Op: &metapb.Command_Reaped{Reaped: op}})
	return volumeOf(res.GetVolume()), err
}

func (s *spaceStore) AnnounceDisks(_ context.Context, n metadata.NodeID, addr, zone string, disks []metadata.DiskID) error {
	op := &metapb.AnnounceDisks{Node: uint64(n), Addr: addr, Zone: zone}
	for _, d := range disks {
		op.Disks = append(op.Disks, uint64(d))
	}
	_, err := s.change(&metapb.Command{Op: &metapb.Command_AnnounceDisks{AnnounceDisks: op}})
	return err
}

func (s *spaceStore) Reap(_ context.Context, limit int) (bool, error) {
	res, err := s.change(&metapb.Command{Op: &metapb.Command_Reap{Reap: &metapb.Reap{Limit: uint32(limit)}}})
	return res.GetMore() > 0, err
}

func (s *spaceStore) Events(_ context.Context, q metadata.EventQuery) ([]metadata.Event, bool, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Events{Events: &metapb.ListEvents{Limit: uint32(q.Limit), After: q.After}}})
	if err != nil {
		return nil, false, err
	}
	var out []metadata.Event
	for _, e := range a.Events {
		out = append(out, metadata.Event{
			ID: e.Id, Time: time.Unix(0, e.Time), Severity: e.Severity, Code: e.Code, Node: metadata.NodeID(e.Node),
			Subject: e.Subject, Text: e.Text,
		})
	}
	return out, a.More, nil
}

func (s *spaceStore) Audit(_ context.Context, q metadata.EventQuery) ([]metadata.AuditRecord, bool, error) {
	l := &metapb.ListEvents{Limit: uint32(q.Limit), After: q.After, Text: q.Text}
	if !q.Since.IsZero() {
		l.Since = q.Since.UnixNano()
	}
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Audit{Audit: l}})
	if err != nil {
		return nil, false, err
	}
	var out []metadata.AuditRecord
	for _, r := range a.Audit {
		out = append(out, metadata.AuditRecord{ID: r.Id, Time: time.Unix(0, r.Time), Action: r.Action, Outcome: r.Outcome})
	}
	return out, a.More, nil
}

func (s *spaceStore) RecordEvents(_ context.Context, es []metadata.Event) error {
	op := &metapb.RecordEvents{}
	for _, e := range es {
		op.Events = append(op.Events, &metapb.EventRow{
			Severity: e.Severity, Code: e.Code, Node: uint64(e.Node), Subject: e.Subject, Text: e.Text,
		})
	}
	_, err := s.change(&metapb.Command{Op: &metapb.Command_RecordEvents{RecordEvents: op}})
	return err
}

func (s *spaceStore) Quotas(_ context.Context, after metadata.EntryID, percent int) ([]metadata.QuotaUse, metadata.EntryID, error) {
	a, err := s.query(&metapb.Query{Q: &metapb.Query_Quotas{Quotas: &metapb.ListQuotas{After: uint64(after), Percent: uint32(percent)}}})
	if err != nil {
		return nil, 0, err
	}
	var out []metadata.QuotaUse
	for _, q := range a.Quotas {
		out = append(out, metadata.QuotaUse{Path: metadata.Path(q.Path), Used: q.Used, Quota: q.Quota})
	}
	return out, metadata.EntryID(a.Next), nil
}

func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
