package cluster

import (
	"context"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
	"kendfs/metadata/metarpc"
)

// fleetStore is the namespace as the leader's duties use it: a Decider whose
// calls take fleet's types.
type fleetStore struct{ *metarpc.Decider }

var _ fleet.Store = fleetStore{}

// GrantLease implements fleet.Store.
func (s fleetStore) GrantLease(ctx context.Context, g fleet.LeaseGrant) (
	v metadata.Volume, from, to metadata.LocalID, err error) {
	return s.Decider.GrantLease(ctx, metarpc.Grant(g))
}

// DropReplica implements fleet.Store.
func (s fleetStore) DropReplica(ctx context.Context, d fleet.ReplicaDrop) (metadata.Volume, error) {
	return s.Decider.DropReplica(ctx, d.Volume, d.Epoch, d.Replica, d.Session, d.Min)
}
