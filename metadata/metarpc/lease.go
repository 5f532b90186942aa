package metarpc

import (
	"context"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// errNoLeader answers calls that need the leader where there is none.
func errNoLeader() error {
	return metadata.Errorf(metadata.KindUnavailable, "this nameserver does not lead; try again")
}

func (c *Client) lead() (Leader, error) {
	if c.leader == nil {
		return nil, errNoLeader()
	}
	return c.leader, nil
}

// OpenSession implements metadata.Leaser.
func (c *Client) OpenSession(ctx context.Context, node metadata.NodeID, instance string) (
	metadata.SessionID, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{
		Node: uint64(node), Instance: instance,
	}}})
	return metadata.SessionID(r.GetId()), err
}

// RenewSession implements metadata.Leaser.
func (c *Client) RenewSession(ctx context.Context, s metadata.SessionID) error {
	l, err := c.lead()
	if err != nil {
		return err
	}
	return l.Renew(ctx, s, c.presence())
}

// CloseSession implements metadata.Leaser.
func (c *Client) CloseSession(ctx context.Context, s metadata.SessionID) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_CloseSession{
		CloseSession: &metapb.CloseSession{Session: uint64(s)},
	}})
	return err
}

// Grant implements metadata.Leaser.
func (c *Client) Grant(ctx context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	l, err := c.lead()
	if err != nil {
		return metadata.Lease{}, err
	}
	return l.Grant(ctx, r)
}

// DropReplica implements metadata.Leaser.
func (c *Client) DropReplica(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof,
	r metadata.Replica) (metadata.Lease, error) {
	l, err := c.lead()
	if err != nil {
		return metadata.Lease{}, err
	}
	return l.Drop(ctx, s, p, r)
}

// Release implements metadata.Leaser.
func (c *Client) Release(ctx context.Context, s metadata.SessionID, v metadata.VolumeID) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_ReleaseLease{
		ReleaseLease: &metapb.ReleaseLease{Session: uint64(s), Volume: uint64(v)},
	}})
	return err
}

// Volumes implements metadata.Leaser.
func (c *Client) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	l, err := c.lead()
	if err != nil {
		return nil, err
	}
	return l.Volumes(ctx, ids)
}

// Heartbeat implements metadata.Fleet.
func (c *Client) Heartbeat(ctx context.Context, h metadata.Heartbeat) (metadata.HeartbeatReply, error) {
	l, err := c.lead()
	if err != nil {
		return metadata.HeartbeatReply{}, err
	}
	return l.Heartbeat(ctx, h)
}

// VolumeBlocks implements metadata.Fleet.
func (c *Client) VolumeBlocks(ctx context.Context, v metadata.VolumeID, after metadata.LocalID) (
	[]metadata.BlockRef, bool, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_VolumeBlocks{
		VolumeBlocks: &metapb.VolumeBlocks{
			Volume: uint64(v), After: uint64(after), Limit: metadata.VolumeBlocksMax,
		},
	}})
	if err != nil {
		return nil, false, err
	}
	return refsFromPB(a.GetBlocks()), a.GetMore(), nil
}

// User implements metadata.Directory.
func (c *Client) User(ctx context.Context, name string) (metadata.User, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_User{User: &metapb.GetUser{Name: name}}})
	if err != nil {
		return metadata.User{}, err
	}
	if len(a.GetUsers()) == 0 {
		return metadata.User{}, metadata.Errorf(metadata.KindNotFound, "no user is called %q", name)
	}
	return userFromPB(a.GetUsers()[0]), nil
}
