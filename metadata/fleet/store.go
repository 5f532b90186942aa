package fleet

import (
	"context"
	"time"

	"kendfs/metadata"
)

// Store is the replicated namespace as the leader's duties use it. Reads are
// linearizable; changes are durable before they return and fail with the kinds
// of package metadata. All methods may be called concurrently.
type Store interface {
	// Cluster returns settings, counters and the fleet version.
	Cluster(ctx context.Context) (metadata.ClusterInfo, error)
	// Nodes returns all nodes, removed ones too. Of Disks only the ids are set.
	Nodes(ctx context.Context) ([]metadata.Node, error)
	// Sessions returns all open sessions.
	Sessions(ctx context.Context) ([]metadata.Session, error)
	// Volumes returns volumes in order of id: those behind after that changed
	// in a later fleet version than changed (0: all), at most limit.
	Volumes(ctx context.Context, after metadata.VolumeID, changed uint64, limit int) (page []metadata.Volume, more bool, err error)
	// DeadBlocks returns blocks that died before that time, oldest first,
	// behind after (nil: from the first), at most limit.
	DeadBlocks(ctx context.Context, before time.Time, after *metadata.DeadBlock, limit int) (page []metadata.DeadBlock, more bool, err error)

	// CloseSession ends a session. KindNotFound: it is over already.
	CloseSession(ctx context.Context, s metadata.SessionID) error
	// GrantLease leases a volume and returns it with the range of local ids. If
	// the session holds a lease of that Nonce, that is the one returned.
	GrantLease(ctx context.Context, g LeaseGrant) (v metadata.Volume, from, to metadata.LocalID, err error)
	// ReleaseLease ends a lease before its session ends.
	ReleaseLease(ctx context.Context, s metadata.SessionID, v metadata.VolumeID) (metadata.Volume, error)
	// DropReplica removes a replica; with a session its lease goes on.
	DropReplica(ctx context.Context, d ReplicaDrop) (metadata.Volume, error)
	// AddReplica adds a replica that holds every committed block.
	AddReplica(ctx context.Context, v metadata.VolumeID, e metadata.Epoch, r metadata.Replica) (metadata.Volume, error)
	// Synced books that a replica of a fencing volume was compared.
	Synced(ctx context.Context, v metadata.VolumeID, e metadata.Epoch, d metadata.DiskID) (metadata.Volume, error)
	// Reaped books that dead blocks of one volume are gone from all replicas.
	Reaped(ctx context.Context, v metadata.VolumeID, blocks []metadata.DeadBlock) (metadata.Volume, error)
	// AnnounceDisks records a storage server's address, zone and disks.
	// KindDenied: a disk belongs to another node.
	AnnounceDisks(ctx context.Context, n metadata.NodeID, addr, zone string, disks []metadata.DiskID) error
	// Reap clears up to limit rows of unlinked trees and reports whether some
	// are left.
	Reap(ctx context.Context, limit int) (more bool, err error)

	// Events and Audit return what is kept, newest first.
	Events(ctx context.Context, q metadata.EventQuery) (page []metadata.Event, more bool, err error)
	Audit(ctx context.Context, q metadata.EventQuery) (page []metadata.AuditRecord, more bool, err error)
	// RecordEvents adds events.
	RecordEvents(ctx context.Context, events []metadata.Event) error
	// Quotas returns directories that use so many percent of their quota, and
	// where to go on: 0 at the end.
	Quotas(ctx context.Context, after metadata.EntryID, percent int) (page []metadata.QuotaUse, next metadata.EntryID, err error)
}

// LeaseGrant is a decision to lease a volume.
type LeaseGrant struct {
	Session  metadata.SessionID
	Volume   metadata.VolumeID  // zero: a new one
	Epoch    metadata.Epoch     // of an existing volume
	Replicas []metadata.Replica // of a new volume
	Target   int                // of a new volume
	Count    uint64             // of local ids
	Nonce    uint64             // of the request; zero: it is not repeated
}

// ReplicaDrop is a decision to remove a replica.
type ReplicaDrop struct {
	Volume  metadata.VolumeID
	Epoch   metadata.Epoch
	Replica metadata.Replica
	Session metadata.SessionID // of the lease that goes on; zero: the leader's wish
	Min     int                // refuse if fewer would remain
}
