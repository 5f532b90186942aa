package namespace

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of users.
const (
	usersMax         = 100_000
	usersPageMax     = 1000
	userHashBytesMax = 256
)

// user returns the row of a user, nil when there is none.
func (v view) user(name string) (*metapb.UserRow, error) {
	return getRow[metapb.UserRow](v.r, keyUser(name))
}

// putUser adds a user or changes one. A change without a hash keeps the password,
// and one of the password only keeps the rest: whoever changes a password has
// read the user before, and must not undo what was changed meanwhile.
func (s *state) putUser(op *metapb.PutUser) (*metapb.Result, error) {
	if err := checkUserRow(op.GetUser()); err != nil {
		return nil, err
	}
	row := proto.CloneOf(op.User) // the command is not ours to change
	old, err := s.user(row.Name)
	switch {
	case err != nil:
		return nil, err
	case op.GetCreate() && old != nil:
		return nil, refuse(metadata.KindExists, "there is a user %q already", row.Name)
	case !op.GetCreate() && old == nil:
		return nil, refuse(metadata.KindNotFound, "there is no user %q", row.Name)
	case op.GetCreate() && row.Hash == "":
		return nil, refuse(metadata.KindInvalid, "a new user needs a password")
	case op.GetCreate():
		return nil, s.addUser(row)
	case op.GetPasswordOnly() && row.Hash == "":
		return nil, refuse(metadata.KindInvalid, "no password is given")
	}
	row.Created = old.Created
	if row.Hash == "" {
		row.Hash = old.Hash
	}
	if op.GetPasswordOnly() {
		row.Role, row.Disabled = old.Role, old.Disabled
	}
	if isAdmin(old) && !isAdmin(row) {
		if err := s.checkOtherAdmin(row.Name); err != nil {
			return nil, err
		}
	}
	var c changes
	c.add("role", metadata.Role(old.Role), metadata.Role(row.Role))
	c.add("disabled", old.Disabled, row.Disabled)
	if old.Hash != row.Hash {
		c.add("password", "old", "new")
	}
	s.note("user.put", row.Name, c.String())
	return nil, putRow(s.kv, keyUser(row.Name), row)
}

func (s *state) addUser(row *metapb.UserRow) error {
	keys, err := scanKeys(s.r, []byte{tableUser}, prefixEnd([]byte{tableUser}), usersMax)
	if err != nil {
		return err
	}
	if len(keys) >= usersMax {
		return refuse(metadata.KindTooLarge, "there are %d users already", usersMax)
	}
	row.Created = s.now
	s.note("user.create", row.Name, "role: "+metadata.Role(row.Role).String())
	return putRow(s.kv, keyUser(row.Name), row)
}

// deleteUser deletes a user. Files keep their owner's name.
func (s *state) deleteUser(op *metapb.DeleteUser) (*metapb.Result, error) {
	row, err := s.user(op.GetName())
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, refuse(metadata.KindNotFound, "there is no user %q", op.GetName())
	}
	if isAdmin(row) {
		if err := s.checkOtherAdmin(row.Name); err != nil {
			return nil, err
		}
	}
	s.note("user.delete", row.Name, "role: "+metadata.Role(row.Role).String())
	if err := deleteRow(s.kv, keyDesktop(row.Name)); err != nil {
		return nil, err
	}
	return nil, deleteRow(s.kv, keyUser(row.Name))
}

// checkOtherAdmin refuses to take away the last one who could undo it.
func (v view) checkOtherAdmin(name string) error {
	found := false
	err := scanRows(v.r, []byte{tableUser}, prefixEnd([]byte{tableUser}), func(key, val []byte) (bool, error) {
		row, err := decodeRow[metapb.UserRow](key, val)
		found = found || err == nil && row.Name != name && isAdmin(row)
		return !found, err
	})
	if err == nil && !found {
		return refuse(metadata.KindConflict, "%q is the last administrator who can sign in", name)
	}
	return err
}

func isAdmin(row *metapb.UserRow) bool {
	return roleOf(row) == metadata.RoleAdmin && !row.Disabled
}

// roleOf returns a user's role; RoleNone for a number that a newer binary stored.
func roleOf(row *metapb.UserRow) metadata.Role {
	for _, r := range metadata.Roles() {
		if row.GetRole() == uint32(r) {
			return r
		}
	}
	return metadata.RoleNone
}

// checkUserRow reports what is wrong with a user. A colon would end the name
// in Basic authentication (RFC 7617 §2).
func checkUserRow(row *metapb.UserRow) error {
	switch {
	case row.GetName() == "":
		return refuse(metadata.KindInvalid, "a user needs a name")
	case strings.ContainsAny(row.Name, ":/\\"):
		return refuse(metadata.KindInvalid, "the user name %q contains a colon or a slash", row.Name)
	case len(row.Hash) > userHashBytesMax:
		return refuse(metadata.KindTooLarge, "the password's hash is longer than %d bytes", userHashBytesMax)
	case roleOf(row) == metadata.RoleNone:
		return refuse(metadata.KindInvalid, "%d is not a user's role", row.Role)
	}
	return checkLabel(row.Name)
}

// getUser answers with one user, its hash included.
func (v view) getUser(q *metapb.GetUser) (*metapb.Answer, error) {
	row, err := v.user(q.GetName())
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, refuse(metadata.KindNotFound, "there is no user %q", q.GetName())
	}
	return &metapb.Answer{Users: []*metapb.UserRow{row}}, nil
}

// listUsers answers with a page in the order of names, without hashes.
func (v view) listUsers(q *metapb.ListUsers) (*metapb.Answer, error) {
	limit := limitOf(q.GetLimit(), usersPageMax)
	a := &metapb.Answer{}
	lower, upper := append(keyUser(q.GetAfter()), 0), prefixEnd([]byte{tableUser})
	err := scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		if len(a.Users) == limit {
			a.More = true
			return false, nil
		}
		row, err := decodeRow[metapb.UserRow](key, val)
		if err != nil {
			return false, err
		}
		row.Hash = ""
		a.Users = append(a.Users, row)
		return true, nil
	})
	return a, err
}
