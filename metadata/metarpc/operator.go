package metarpc

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Nodes lists the nodes with their liveness and disks.
func (c *Client) Nodes(ctx context.Context) ([]metadata.Node, error) {
	l, err := c.lead()
	if err != nil {
		return nil, err
	}
	return l.Nodes(ctx)
}

// PutNode stores an operator's wish for a node: state, zone, name.
func (c *Client) PutNode(ctx context.Context, n metadata.Node) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_PutNode{
		PutNode: &metapb.PutNode{Node: nodeRowToPB(n)},
	}})
	return err
}

func (c *Client) cluster(ctx context.Context, secrets bool) (*metapb.Answer, error) {
	return c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Cluster{
		Cluster: &metapb.GetCluster{Secrets: secrets},
	}})
}

// Cluster returns the cluster's own facts.
func (c *Client) Cluster(ctx context.Context) (metadata.ClusterInfo, error) {
	a, err := c.cluster(ctx, false)
	if err != nil {
		return metadata.ClusterInfo{}, err
	}
	r := a.GetCluster()
	return metadata.ClusterInfo{
		ID: r.GetCluster(), Replication: int(r.GetReplication()), Grace: time.Duration(r.GetGrace()),
		SettingsRevision: r.GetSettingsRevision(), RepairBytesPerSecond: r.GetRepairBytes(), RepairPausedUntil: fromNanos(r.GetRepairPausedUntil()),
		SuspectAfter: time.Duration(r.GetSuspectAfter()), DownAfter: time.Duration(r.GetDownAfter()),
		Mutes: mutesFromPB(a.GetMutes()), LastEvent: max(r.GetNextEvent(), 1) - 1, LastAudit: max(r.GetLastAudit(), max(r.GetNextAudit(), 1)-1),
		ReadOnly: r.GetReadOnly(), FleetVersion: r.GetFleetVersion(),
		NextVolume: metadata.VolumeID(r.GetNextVolume()), Trash: a.GetTrash(), Dead: int64(r.GetDead()), Now: fromNanos(r.GetNow()),
	}, nil
}

// CA returns the cluster's certificate and key, both DER. Only a nameserver's
// own process may have them.
func (c *Client) CA(ctx context.Context) (cert, key []byte, err error) {
	a, err := c.cluster(ctx, true)
	if err != nil {
		return nil, nil, err
	}
	return a.GetCluster().GetCaCert(), a.GetCluster().GetCaKey(), nil
}

// ListVolumes returns up to limit volumes in order of id, starting after one.
func (c *Client) ListVolumes(ctx context.Context, after metadata.VolumeID, limit int) (
	vs []metadata.Volume, more bool, err error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_ListVolumes{
		ListVolumes: &metapb.ListVolumes{After: uint64(after), Limit: uint32(max(limit, 0))},
	}})
	if err != nil {
		return nil, false, err
	}
	for _, v := range a.GetVolumes() {
		vs = append(vs, volumeFromPB(v))
	}
	return vs, a.GetMore(), nil
}

// Sessions lists the open sessions.
func (c *Client) Sessions(ctx context.Context) ([]metadata.Session, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Sessions{Sessions: &metapb.ListSessions{}}})
	if err != nil {
		return nil, err
	}
	out := make([]metadata.Session, len(a.GetSessions()))
	for i, s := range a.GetSessions() {
		out[i] = metadata.Session{
			ID: metadata.SessionID(s.GetId()), Node: metadata.NodeID(s.GetNode()), Instance: s.GetInstance(),
			Opened: fromNanos(s.GetOpened()),
		}
	}
	return out, nil
}

// Users lists up to limit users in order of name, starting after one.
func (c *Client) Users(ctx context.Context, after string, limit int) (
	us []metadata.User, more bool, err error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Users{Users: &metapb.ListUsers{
		After: after, Limit: uint32(max(limit, 0)),
	}}})
	if err != nil {
		return nil, false, err
	}
	for _, u := range a.GetUsers() {
		us = append(us, userFromPB(u))
	}
	return us, a.GetMore(), nil
}

// PutUser stores a user. With create, KindExists when the name is taken.
func (c *Client) PutUser(ctx context.Context, u metadata.User, create bool) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_PutUser{
		PutUser: &metapb.PutUser{User: userToPB(u), Create: create},
	}})
	return err
}

// SetPassword gives the user the password of u.Hash, and changes nothing else.
// KindNotFound.
func (c *Client) SetPassword(ctx context.Context, u metadata.User) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_PutUser{
		PutUser: &metapb.PutUser{User: userToPB(u), PasswordOnly: true},
	}})
	return err
}

// DeleteUser removes a user.
func (c *Client) DeleteUser(ctx context.Context, name string) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_DeleteUser{
		DeleteUser: &metapb.DeleteUser{Name: name},
	}})
	return err
}

// Token is a join token as the namespace keeps it: without its secret.
type Token struct {
	ID        string
	Roles     []string
	Expires   time.Time
	UsesLeft  int
	CreatedBy string
}

// PutToken stores a join token with the SHA-256 of its secret.
func (c *Client) PutToken(ctx context.Context, t Token, secretSHA256 [32]byte) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_PutToken{PutToken: &metapb.PutToken{
		Token: &metapb.TokenRow{
			Id: t.ID, SecretSha256: secretSHA256[:], Roles: t.Roles, Expires: toNanos(t.Expires),
			UsesLeft: uint32(max(t.UsesLeft, 0)), CreatedBy: t.CreatedBy,
		},
	}}})
	return err
}

// DeleteToken revokes a join token.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_DeleteToken{
		DeleteToken: &metapb.DeleteToken{Id: id},
	}})
	return err
}

// Tokens lists the join tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Tokens{Tokens: &metapb.ListTokens{}}})
	if err != nil {
		return nil, err
	}
	out := make([]Token, len(a.GetTokens()))
	for i, t := range a.GetTokens() {
		out[i] = Token{
			ID: t.GetId(), Roles: t.GetRoles(), Expires: fromNanos(t.GetExpires()),
			UsesLeft: int(t.GetUsesLeft()), CreatedBy: t.GetCreatedBy(),
		}
	}
	return out, nil
}
