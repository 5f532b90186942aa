package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/metadata/fleet"
)

// SetUser stores a user with a new password.
func SetUser(ctx context.Context, c *Client, name, password string, role metadata.Role, create bool) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := credential.Hash(password)
	if err != nil {
		return err
	}
	return c.Meta.PutUser(ctx, metadata.User{Name: name, Hash: hash, Role: role}, create)
}

// SetNodeState changes the operator's wish for the node that is called so, by
// id or by name. Removing is refused while replicas are on the node.
func SetNodeState(ctx context.Context, c *Client, who string, state metadata.NodeState) (
	metadata.NodeID, error) {
	ns, err := c.Meta.Nodes(ctx)
	if err != nil {
		return 0, err
	}
	for _, n := range ns {
		if n.ID.String() != who && n.Name != who {
			continue
		}
		if state == metadata.NodeRemoved {
			if slices.Contains(n.Roles, metadata.NodeNameserver) {
				return 0, metadata.Errorf(metadata.KindConflict,
					"%s is a nameserver: without it there is no cluster left to remove it from", n.ID)
			}
			if err := checkEmpty(ctx, c, n.ID); err != nil {
				return 0, err
			}
		}
		return n.ID, c.Meta.SetNodeState(ctx, n.ID, state)
	}
	return 0, metadata.Errorf(metadata.KindNotFound, "no node is called %q: see `ken node list`", who)
}

// checkEmpty refuses a node that holds replicas.
func checkEmpty(ctx context.Context, c *Client, id metadata.NodeID) error {
	held := 0
	for after, more := metadata.VolumeID(0), true; more; {
		vs, m, err := c.Meta.ListVolumes(ctx, after, 1000)
		if err != nil {
			return err
		}
		for _, v := range vs {
			for _, r := range v.Replicas {
				if r.Node == id {
					held++
				}
			}
			after = v.ID
		}
		more = m && len(vs) > 0
	}
	if held > 0 {
		return metadata.Errorf(metadata.KindConflict,
			"%s still holds replicas of %d volumes: run `ken node drain %s` and wait until `ken node list` shows none",
			id, held, id)
	}
	return nil
}

// Overrides are the settings that flags and the environment change for one run.
type Overrides struct {
	Listen, WebDAV, LogLevel, Metrics string
}

// Apply changes cfg.
func (o Overrides) Apply(cfg *Config) {
	for _, s := range []struct {
		to   *string
		from string
	}{{&cfg.Listen, o.Listen}, {&cfg.WebDAV.Listen, o.WebDAV}, {&cfg.Log.Level, o.LogLevel},
		{&cfg.Metrics.Listen, o.Metrics}} {
		if s.from != "" {
			*s.to = s.from
		}
	}
}

// Status is the cluster's verdict with its facts.
type Status = fleet.Status

// ReadStatus asks the leading nameserver. When none answers, that is the
// verdict: the metadata cannot be reached.
func ReadStatus(ctx context.Context, c *Client) (Status, error) {
	b, err := c.Meta.StatusJSON(ctx)
	if err != nil {
		return Status{Verdict: fleet.Unknown, Sentence: "No nameserver answers: " + err.Error()}, err
	}
	var s Status
	return s, json.Unmarshal(b, &s)
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
