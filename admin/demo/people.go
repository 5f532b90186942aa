package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kendfs/admin"
	"kendfs/metadata"
)

type tokenRow struct{ admin.Token }

// makePeople makes a user of every role, and some more.
func (d *Cluster) makePeople(hash string) {
	d.users = map[string]metadata.User{}
	for i, u := range []struct {
		name string
		role metadata.Role
		off  bool
	}{
		{"admin", metadata.RoleAdmin, false}, {"anna", metadata.RoleAdmin, false}, {"olga", metadata.RoleOperator, false},
		{"wim", metadata.RoleWriter, false}, {"rita", metadata.RoleReader, false}, {"vera", metadata.RoleViewer, false},
		{"dora", metadata.RoleWriter, true},
	} {
		d.users[u.name] = metadata.User{Name: u.name, Hash: hash, Role: u.role, Disabled: u.off,
			Created: d.began.Add(-time.Duration(400-i*31) * 24 * time.Hour)}
	}
	d.tokens = []tokenRow{{admin.Token{ID: "t5d1a", Roles: []string{metadata.NodeDatanode}, Expires: d.began.Add(50 * time.Minute), UsesLeft: 4}}}
}

// User implements metadata.Directory.
func (d *Cluster) User(_ context.Context, name string) (metadata.User, error) {
	defer d.look()()
	u, ok := d.users[name]
	if !ok {
		return u, errNoUser(name)
	}
	return u, nil
}

func errNoUser(name string) error {
	return metadata.Errorf(metadata.KindNotFound, "no user is called %q", name)
}

// Users implements admin.Cluster.
func (d *Cluster) Users(_ context.Context, after string, limit int) ([]metadata.User, bool, error) {
	defer d.look()()
	var out []metadata.User
	for _, name := range slices.Sorted(maps.Keys(d.users)) {
		if name <= after {
			continue
		}
		if len(out) == limit {
			return out, true, nil
		}
		u := d.users[name]
		u.Hash = ""
		out = append(out, u)
	}
	return out, false, nil
}

const usersMax = 1000

// PutUser implements admin.Cluster.
func (d *Cluster) PutUser(ctx context.Context, u metadata.User, create bool) error {
	defer d.look()()
	old, known := d.users[u.Name]
	switch {
	case u.Name == "" || strings.ContainsAny(u.Name, ":/\\"):
		return metadata.Errorf(metadata.KindInvalid, "the user name %q is empty or contains a colon or a slash", u.Name)
	case u.Role.String() == metadata.RoleNone.String():
		return metadata.Errorf(metadata.KindInvalid, "%d is not a user's role", u.Role)
	case known && create:
		return metadata.Errorf(metadata.KindExists, "there is a user %q already", u.Name)
	case !known && !create:
		return errNoUser(u.Name)
	case create && u.Hash == "":
		return metadata.Errorf(metadata.KindInvalid, "a new user needs a password")
	case !known && len(d.users) >= usersMax:
		return metadata.Errorf(metadata.KindTooLarge, "the demo has %d users, and takes no more", usersMax)
	}
	u.Created = old.Created
	if !known {
		u.Created = d.now
	}
	if u.Hash == "" {
		u.Hash = old.Hash
	}
	was := d.users
	d.users = maps.Clone(was)
	d.users[u.Name] = u
	if !d.hasAdmin() {
		d.users = was
		return errLastAdmin()
	}
	d.did(ctx, "user.put", u.Name, fmt.Sprintf("role %s, disabled %v", u.Role, u.Disabled))
	return nil
}

// SetPassword implements admin.Cluster.
func (d *Cluster) SetPassword(ctx context.Context, u metadata.User) error {
	defer d.look()()
	old, known := d.users[u.Name]
	if !known {
		return errNoUser(u.Name)
	}
	if u.Hash == "" {
		return metadata.Errorf(metadata.KindInvalid, "no password is given")
	}
	old.Hash = u.Hash
	d.users[u.Name] = old
	d.did(ctx, "user.put", u.Name, "password: old → new")
	return nil
}

func (d *Cluster) hasAdmin() bool {
	for _, u := range d.users {
		if u.Role == metadata.RoleAdmin && !u.Disabled {
			return true
		}
	}
	return false
}

func errLastAdmin() error {
	return metadata.Errorf(metadata.KindConflict, "this is the last administrator: make another one first")
}

// DeleteUser implements admin.Cluster.
func (d *Cluster) DeleteUser(ctx context.Context, name string) error {
	defer d.look()()
	u, ok := d.users[name]
	if !ok {
		return errNoUser(name)
	}
	delete(d.users, name)
	if !d.hasAdmin() {
		d.users[name] = u
		return errLastAdmin()
	}
	delete(d.desks, name)
	d.did(ctx, "user.delete", name, "")
	return nil
}

// GetDesktop implements admin.Cluster.
func (d *Cluster) GetDesktop(_ context.Context, user string) ([]byte, error) {
	defer d.look()()
	return slices.Clone(d.desks[user]), nil
}

// PutDesktop implements admin.Cluster.
func (d *Cluster) PutDesktop(_ context.Context, user string, document []byte) error {
	defer d.look()()
	switch {
	case len(document) > metadata.DesktopBytesMax:
		return metadata.Errorf(metadata.KindTooLarge, "a desktop has at most %d bytes", metadata.DesktopBytesMax)
	case d.users[user].Name == "":
		return errNoUser(user)
	}
	d.desks[user] = slices.Clone(document)
	return nil
}

// Tokens implements admin.Cluster.
func (d *Cluster) Tokens(context.Context) ([]admin.Token, error) {
	defer d.look()()
	out := []admin.Token{}
	for _, t := range d.tokens {
		out = append(out, t.Token)
	}
	return out, nil
}

// Bounds of tokens.
const (
	tokensMax    = 100
	tokenUsesMax = 1000
)

// CreateToken implements admin.Cluster.
func (d *Cluster) CreateToken(ctx context.Context, roles []string, ttl time.Duration, uses int) (admin.Token, string, error) {
	defer d.look()()
	switch {
	case len(roles) == 0:
		return admin.Token{}, "", metadata.Errorf(metadata.KindInvalid, "a join token needs a role")
	case ttl <= 0:
		return admin.Token{}, "", metadata.Errorf(metadata.KindInvalid, "the join token has expired already")
	case uses < 1 || uses > tokenUsesMax:
		return admin.Token{}, "", metadata.Errorf(metadata.KindInvalid, "a join token of %d uses: want 1 to %d", uses, tokenUsesMax)
	case len(d.tokens) >= tokensMax:
		return admin.Token{}, "", metadata.Errorf(metadata.KindTooLarge, "there are %d tokens already: revoke some", tokensMax)
	}
	d.lastToken++ // by chance, two of a hundred would soon be the same
	t := admin.Token{ID: fmt.Sprintf("t%04x", d.lastToken), Roles: roles, Expires: d.now.Add(ttl), UsesLeft: uses}
	d.tokens = append(d.tokens, tokenRow{t})
	d.did(ctx, "token.put", t.ID, "roles "+strings.Join(roles, ","))
	return t, "KEN1-demonstration-only-" + t.ID, nil
}

// DeleteToken implements admin.Cluster.
func (d *Cluster) DeleteToken(ctx context.Context, id string) error {
	defer d.look()()
	i := slices.IndexFunc(d.tokens, func(t tokenRow) bool { return t.ID == id })
	if i < 0 {
		return metadata.Errorf(metadata.KindNotFound, "there is no token %q", id)
	}
	d.tokens = slices.Delete(d.tokens, i, i+1)
	d.did(ctx, "token.delete", id, "")
	return nil
}

// Set implements admin.Cluster.
func (d *Cluster) Set(ctx context.Context, values map[string]int64) error {
	defer d.look()()
	return d.setAll(ctx, values)
}

// SetIf implements admin.Cluster.
func (d *Cluster) SetIf(ctx context.Context, revision uint64, values map[string]int64) error {
	defer d.look()()
	if revision != d.info.SettingsRevision {
		return metadata.Errorf(metadata.KindConflict, "somebody has changed the settings since they were read: read them again")
	}
	return d.setAll(ctx, values)
}

// setAll changes settings. The lock is held.
func (d *Cluster) setAll(ctx context.Context, values map[string]int64) error {
	before := d.info.Settings()
	for name := range values {
		if !slices.ContainsFunc(before, func(s metadata.Setting) bool { return s.Name == name }) {
			return metadata.Errorf(metadata.KindNotFound, "there is no setting %q", name)
		}
	}
	if err := d.checkSettings(before, values); err != nil {
		return err
	}
	var detail []string
	for _, old := range before {
		v, ok := values[old.Name]
		if !ok {
			continue
		}
		if err := d.set(old.Name, v); err != nil {
			return err
		}
		detail = append(detail, fmt.Sprintf("%s: %d → %d", old.Name, old.Value, v))
	}
	d.info.SettingsRevision++
	d.did(ctx, "settings.set", "", strings.Join(detail, ", "))
	d.count()
	d.bump()
	return nil
}

// checkSettings refuses what is out of its range, so that all of the values are
// taken or none.
func (d *Cluster) checkSettings(before []metadata.Setting, values map[string]int64) error {
	now := make(map[string]int64, len(before))
	for _, s := range before {
		v, given := values[s.Name]
		if !given {
			now[s.Name] = s.Value
			continue
		}
		now[s.Name] = v
		least, most := s.Min, s.Max
		if s.Name == metadata.SettingRepairPaused {
			least, most = d.now.Unix()+1, d.now.Add(metadata.RepairPauseMax).Unix()
		}
		if (v < least || v > most) && (v != 0 || s.Zero == "") {
			return metadata.Errorf(metadata.KindInvalid, "%s of %d: want %d to %d", s.Name, v, least, most)
		}
	}
	suspect, down := now[metadata.SettingSuspectAfter], now[metadata.SettingDownAfter]
	if suspect != 0 && down != 0 && down < suspect {
		return metadata.Errorf(metadata.KindInvalid, "down_after of %d ms is below suspect_after of %d ms", down, suspect)
	}
	return nil
}

func (d *Cluster) set(name string, value int64) error {
	c := &d.info
	switch name {
	case metadata.SettingReplication:
		c.Replication = int(value)
	case metadata.SettingGrace:
		c.Grace = time.Duration(value) * time.Second
	case metadata.SettingReadOnly:
		c.ReadOnly = value != 0
	case metadata.SettingRepairRate:
		c.RepairBytesPerSecond = value
	case metadata.SettingRepairPaused:
		c.RepairPausedUntil = time.Time{}
		if value != 0 {
			c.RepairPausedUntil = time.Unix(value, 0).UTC()
		}
	case metadata.SettingSuspectAfter:
		c.SuspectAfter = time.Duration(value) * time.Millisecond
	case metadata.SettingDownAfter:
		c.DownAfter = time.Duration(value) * time.Millisecond
	default:
		return metadata.Errorf(metadata.KindInvalid, "there is no setting %q", name)
	}
	return nil
}

// Mute implements admin.Cluster.
func (d *Cluster) Mute(ctx context.Context, code string, until time.Time) error {
	defer d.look()()
	if code == "" || len(code) > metadata.CodeBytesMax || strings.ContainsFunc(code, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) {
		return metadata.Errorf(metadata.KindInvalid, "%.40q is no code of a check", code)
	}
	kept := slices.DeleteFunc(slices.Clone(d.info.Mutes), func(m metadata.Mute) bool { return m.Code == code || !m.Until.After(d.now) })
	on := until.After(d.now)
	if on && len(kept) >= metadata.MutesMax {
		return metadata.Errorf(metadata.KindTooLarge, "%d checks are muted already", len(kept))
	}
	d.info.Mutes = kept
	if on {
		a, _ := ctx.Value(actorKey{}).(metadata.Actor)
		d.info.Mutes = append(d.info.Mutes, metadata.Mute{Code: code, Until: until, User: a.User, Since: d.now})
	}
	d.did(ctx, "check.mute", code, until.Format(time.RFC3339))
	d.count()
	d.bump()
	return nil
}
