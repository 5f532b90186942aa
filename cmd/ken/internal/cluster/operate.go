package cluster

import (
	"context"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/metadata/health"
)

// AddUser makes a user.
func AddUser(ctx context.Context, c *Client, name, password string, role metadata.Role) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	return c.Meta.PutUser(ctx, metadata.User{Name: name, Hash: hash, Role: role}, true)
}

// SetPassword gives a user a new password and leaves everything else.
func SetPassword(ctx context.Context, c *Client, name, password string) (metadata.User, error) {
	hash, err := hashPassword(password)
	if err != nil {
		return metadata.User{}, err
	}
	u, err := c.Meta.User(ctx, name)
	if err != nil {
		return u, err
	}
	u.Hash = hash
	return u, c.Meta.SetPassword(ctx, u)
}

func hashPassword(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return credential.Hash(password)
}

// SetNodeState changes the operator's wish for the node that is called so, by
// id or by name.
func SetNodeState(ctx context.Context, c *Client, who string, state metadata.NodeState) (
	metadata.NodeID, error) {
	id, err := FindNode(ctx, c, who)
	if err != nil {
		return 0, err
	}
	_, err = c.Meta.SetNode(ctx, id, metadata.NodeChange{State: &state})
	return id, err
}

// FindNode returns the id of the node that is called so, by id or by name.
func FindNode(ctx context.Context, c *Client, who string) (metadata.NodeID, error) {
	ns, err := c.Meta.Nodes(ctx)
	if err != nil {
		return 0, err
	}
	for _, n := range ns {
		if n.ID.String() == who || n.Name == who && n.State != metadata.NodeRemoved {
			return n.ID, nil
		}
	}
	return 0, metadata.Errorf(metadata.KindNotFound, "no node is called %q: see `ken node list`", who)
}

// Status is the cluster's verdict with its facts.
type Status = health.Report

// ReadStatus asks the leading nameserver. When none answers, that is the
// verdict: the metadata cannot be reached.
func ReadStatus(ctx context.Context, c *Client) (Status, error) {
	s, err := c.Meta.Report(ctx)
	if err != nil {
		return health.Blind(health.Report{}, time.Now().UTC(), "no nameserver answers: "+err.Error()), err
	}
	return s, nil
}

// passwordRunesMin is what NIST SP 800-63B §3.1.1.2 asks of a password that is
// used with others; longer is left to people.
const passwordRunesMin = 8

// checkPassword refuses new passwords that are too short or too long.
func checkPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < passwordRunesMin {
		return metadata.Errorf(metadata.KindInvalid, "the password has %d characters, at least %d are needed", n, passwordRunesMin)
	}
	return credential.CheckPassword(password)
}
