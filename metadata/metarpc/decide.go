package metarpc

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Decider records the leader's decisions about volumes and nodes. It works in
// the nameserver's own process only: over the network nobody may decide.
type Decider struct{ Client }

// NewDecider makes a Decider over the nameserver in this process.
func NewDecider(b Backend) *Decider { return &Decider{Client{backend: b}} }

// Nodes returns all nodes as they are stored, removed ones too; of Disks only
// the ids are set.
func (d *Decider) Nodes(ctx context.Context) ([]metadata.Node, error) {
	a, err := d.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}})
	if err != nil {
		return nil, err
	}
	out := make([]metadata.Node, len(a.GetNodes()))
	for i, row := range a.GetNodes() {
		out[i] = nodeRowFromPB(row)
		for _, disk := range row.GetDisks() {
			out[i].Disks = append(out[i].Disks, metadata.Disk{ID: metadata.DiskID(disk)})
		}
	}
	return out, nil
}

// Volumes returns volumes in order of id, behind after, that changed in a later
// fleet version than changed.
func (d *Decider) Volumes(ctx context.Context, after metadata.VolumeID, changed uint64, limit int) (
	page []metadata.Volume, more bool, err error) {
	a, err := d.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_ListVolumes{
		ListVolumes: &metapb.ListVolumes{After: uint64(after), ChangedAfter: changed, Limit: uint32(max(limit, 0))},
	}})
	if err != nil {
		return nil, false, err
	}
	for _, v := range a.GetVolumes() {
		page = append(page, volumeFromPB(v))
	}
	return page, a.GetMore(), nil
}

func deadToPB(b metadata.DeadBlock) *metapb.DeadBlock {
	return &metapb.DeadBlock{
		Since: toNanos(b.Since), Volume: uint64(b.ID.Volume), Local: uint64(b.ID.Local), Length: b.Length,
	}
}

// DeadBlocks returns blocks that died before that time, oldest first, behind
// after (nil: from the first).
func (d *Decider) DeadBlocks(ctx context.Context, before time.Time, after *metadata.DeadBlock, limit int) (
	page []metadata.DeadBlock, more bool, err error) {
	q := &metapb.DeadBlocks{Before: toNanos(before), Limit: uint32(max(limit, 0))}
	if after != nil {
		q.After = deadToPB(*after)
	}
	a, err := d.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_DeadBlocks{DeadBlocks: q}})
	if err != nil {
		return nil, false, err
	}
	for _, b := range a.GetDead() {
		page = append(page, metadata.DeadBlock{
			ID: metadata.BlockID{
				Volume: metadata.VolumeID(b.GetVolume()), Local: metadata.LocalID(b.GetLocal()),
			}, Length: b.GetLength(), Since: fromNanos(b.GetSince()),
		})
	}
	return page, a.GetMore(), nil
}

func (d *Decider) volume(ctx context.Context, c *metapb.Command) (metadata.Volume, error) {
	r, err := d.propose(ctx, c)
	if err != nil {
		return metadata.Volume{}, err
	}
	return volumeFromPB(r.GetVolume()), nil
}

// Grant describes a lease to record; see metapb.GrantLease.
type Grant struct {
	Session  metadata.SessionID
	Volume   metadata.VolumeID
	Epoch    metadata.Epoch
	Replicas []metadata.Replica
	Target   int
	Count    uint64
	Nonce    uint64
}

// GrantLease records a lease and returns the volume and the range of local ids.
func (d *Decider) GrantLease(ctx context.Context, g Grant) (v metadata.Volume, from, to metadata.LocalID, err error) {
	op := &metapb.GrantLease{
		Session: uint64(g.Session), Volume: uint64(g.Volume), Epoch: uint64(g.Epoch),
		Target: uint32(max(g.Target, 0)), Count: g.Count, Nonce: g.Nonce,
	}
	for _, r := range g.Replicas {
		op.Replicas = append(op.Replicas, replicaToPB(r))
	}
	r, err := d.propose(ctx, &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}})
	if err != nil {
		return metadata.Volume{}, 0, 0, err
	}
	return volumeFromPB(r.GetVolume()), metadata.LocalID(r.GetLeaseFrom()), metadata.LocalID(r.GetLeaseTo()), nil
}

// ReleaseLease ends a lease before its session ends.
func (d *Decider) ReleaseLease(ctx context.Context, s metadata.SessionID, v metadata.VolumeID) (
	metadata.Volume, error) {
	return d.volume(ctx, &metapb.Command{Op: &metapb.Command_ReleaseLease{
		ReleaseLease: &metapb.ReleaseLease{Session: uint64(s), Volume: uint64(v)},
	}})
}

// DropReplica removes a replica; see metapb.DropReplica.
func (d *Decider) DropReplica(ctx context.Context, v metadata.VolumeID, e metadata.Epoch, r metadata.Replica,
	s metadata.SessionID, minReplicas int) (metadata.Volume, error) {
	return d.volume(ctx, &metapb.Command{Op: &metapb.Command_DropReplica{DropReplica: &metapb.DropReplica{
		Volume: uint64(v), Epoch: uint64(e), Replica: replicaToPB(r), Session: uint64(s),
		MinReplicas: uint32(max(minReplicas, 0)),
	}}})
}

// AddReplica adds a replica that holds every committed block.
func (d *Decider) AddReplica(ctx context.Context, v metadata.VolumeID, e metadata.Epoch, r metadata.Replica) (
	metadata.Volume, error) {
	return d.volume(ctx, &metapb.Command{Op: &metapb.Command_AddReplica{AddReplica: &metapb.AddReplica{
		Volume: uint64(v), Epoch: uint64(e), Replica: replicaToPB(r),
	}}})
}

// Synced books that a replica of a fencing volume was compared.
func (d *Decider) Synced(ctx context.Context, v metadata.VolumeID, e metadata.Epoch, disk metadata.DiskID) (
	metadata.Volume, error) {
	return d.volume(ctx, &metapb.Command{Op: &metapb.Command_Synced{Synced: &metapb.Synced{
		Volume: uint64(v), Epoch: uint64(e), Disk: uint64(disk),
	}}})
}

// Reaped books that dead blocks of one volume are gone from all replicas.
func (d *Decider) Reaped(ctx context.Context, v metadata.VolumeID, blocks []metadata.DeadBlock) (
	metadata.Volume, error) {
	op := &metapb.Reaped{Volume: uint64(v)}
	for _, b := range blocks {
		op.Blocks = append(op.Blocks, deadToPB(b))
	}
	return d.volume(ctx, &metapb.Command{Op: &metapb.Command_Reaped{Reaped: op}})
}

// AnnounceDisks records a storage server's address, zone and disks.
func (d *Decider) AnnounceDisks(ctx context.Context, n metadata.NodeID, addr, zone string,
	disks []metadata.DiskID) error {
	op := &metapb.AnnounceDisks{Node: uint64(n), Addr: addr, Zone: zone}
	for _, disk := range disks {
		op.Disks = append(op.Disks, uint64(disk))
	}
	_, err := d.propose(ctx, &metapb.Command{Op: &metapb.Command_AnnounceDisks{AnnounceDisks: op}})
	return err
}

// Reap clears up to limit rows of unlinked trees and reports whether some are left.
func (d *Decider) Reap(ctx context.Context, limit int) (more bool, err error) {
	r, err := d.propose(ctx, &metapb.Command{Op: &metapb.Command_Reap{Reap: &metapb.Reap{Limit: uint32(max(limit, 0))}}})
	return r.GetMore() > 0, err
}

// RecordEvents adds events; their ids and times are those of the command.
func (d *Decider) RecordEvents(ctx context.Context, es []metadata.Event) error {
	op := &metapb.RecordEvents{}
	for _, e := range es {
		op.Events = append(op.Events, eventToPB(e))
	}
	_, err := d.propose(ctx, &metapb.Command{Op: &metapb.Command_RecordEvents{RecordEvents: op}})
	return err
}
