package admin

import (
	"context"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/session"
	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/metadata/phrase"
)

// usersMax bounds the list of users.
const usersMax = 10_000

// users reads all users.
func (h *handlers) allUsers(ctx context.Context) ([]metadata.User, error) {
	var all []metadata.User
	for after, more := "", true; more && len(all) < usersMax; {
		us, m, err := h.cfg.Cluster.Users(ctx, after, limitMax)
		if err != nil {
			return nil, err
		}
		if len(us) == 0 {
			break
		}
		all, after, more = append(all, us...), us[len(us)-1].Name, m
	}
	return all, nil
}

// ListUsers implements api.StrictServerInterface.
func (h *handlers) ListUsers(ctx context.Context, _ api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	all, err := h.allUsers(ctx)
	if err != nil {
		return nil, err
	}
	out, sessions := api.UserList{Items: []api.User{}}, h.sessions.List()
	for i := range all {
		out.Items = append(out.Items, apiUser(&all[i], sessions))
	}
	return api.ListUsers200JSONResponse(out), nil
}

// apiUser adds what is known of the user's sessions here.
func (h *handlers) apiUser(u *metadata.User) api.User { return apiUser(u, h.sessions.List()) }

func apiUser(u *metadata.User, sessions []session.Data) api.User {
	out := api.User{Name: u.Name, Role: api.Role(u.Role.String()), Disabled: u.Disabled, Created: u.Created.UTC(), Sessions: new(0)}
	var last time.Time
	for _, d := range sessions {
		if d.User != u.Name {
			continue
		}
		*out.Sessions++
		if d.Started.After(last) {
			last = d.Started
		}
	}
	out.LastSignIn = when(last)
	return out
}

func roleOf(r api.Role) (metadata.Role, error) { return metadata.ParseRole(string(r)) }

// CreateUser implements api.StrictServerInterface.
func (h *handlers) CreateUser(ctx context.Context, r api.CreateUserRequestObject) (api.CreateUserResponseObject, error) {
	role, err := roleOf(r.Body.Role)
	if err != nil {
		return nil, err
	}
	if err := checkPassword(r.Body.Password); err != nil {
		return nil, err
	}
	u := metadata.User{Name: r.Body.Name, Role: role, Created: time.Now().UTC()}
	if u.Hash, err = credential.Hash(r.Body.Password); err != nil {
		return nil, err
	}
	if err := h.cfg.Cluster.PutUser(h.acting(ctx, ""), u, true); err != nil {
		return nil, err
	}
	h.users.forget(u.Name)
	return api.CreateUser201JSONResponse(h.apiUser(&u)), nil
}

// user reads a user with the hash of the password.
func (h *handlers) user(ctx context.Context, name string) (metadata.User, error) {
	return h.cfg.Cluster.User(ctx, name)
}

// ChangeUser implements api.StrictServerInterface.
func (h *handlers) ChangeUser(ctx context.Context, r api.ChangeUserRequestObject) (api.ChangeUserResponseObject, error) {
	if err := notOneself(ctx, r.Name, sayNotChangeOneself()); err != nil {
		return nil, err
	}
	u, err := h.user(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	before := u
	if r.Body.Role != nil {
		if u.Role, err = roleOf(*r.Body.Role); err != nil {
			return nil, err
		}
	}
	if r.Body.Disabled != nil {
		u.Disabled = *r.Body.Disabled
	}
	if err := h.keepAdmin(ctx, &before, &u); err != nil {
		return nil, err
	}
	u.Hash = "" // the password stays, also when the user is changing it just now
	if err := h.cfg.Cluster.PutUser(h.acting(ctx, ""), u, false); err != nil {
		return nil, err
	}
	h.verifier.Forget(u.Name)
	h.users.forget(u.Name)
	if u.Disabled {
		if err := h.endSessions(u.Name, ""); err != nil {
			return nil, err
		}
	}
	if !u.Role.Allows(metadata.RoleWriter) || u.Disabled {
		h.uploads.EndUser(u.Name)
	}
	return api.ChangeUser200JSONResponse(h.apiUser(&u)), nil
}

func notOneself(ctx context.Context, name string, why phrase.Phrase) error {
	if callerOf(ctx).user.Name == name {
		return errSaid(metadata.KindConflict, why)
	}
	return nil
}

// keepAdmin refuses what would leave nobody to administer. The namespace does,
// too; this says it before anything is sent.
func (h *handlers) keepAdmin(ctx context.Context, before, after *metadata.User) error {
	isAdmin := func(u *metadata.User) bool { return u != nil && u.Role == metadata.RoleAdmin && !u.Disabled }
	if !isAdmin(before) || isAdmin(after) {
		return nil
	}
	all, err := h.allUsers(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Name != before.Name && isAdmin(&all[i]) {
			return nil
		}
	}
	return errSaid(metadata.KindConflict, sayLastAdmin(before.Name))
}

// SetPassword implements api.StrictServerInterface.
func (h *handlers) SetPassword(ctx context.Context, r api.SetPasswordRequestObject) (api.SetPasswordResponseObject, error) {
	u, err := h.user(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	if err := h.storePassword(h.acting(ctx, ""), &u, r.Body.Password); err != nil {
		return nil, err
	}
	who := callerOf(ctx)
	if u.Name == who.user.Name {
		h.users.set(u)
		who.session.Stamp = stampOf(&u)
		if err := h.sessions.Renew(ctx, who.session); err != nil {
			return nil, err
		}
	}
	return api.SetPassword204Response{}, h.endSessions(u.Name, who.session.ID)
}

// DeleteUser implements api.StrictServerInterface.
func (h *handlers) DeleteUser(ctx context.Context, r api.DeleteUserRequestObject) (api.DeleteUserResponseObject, error) {
	dry := deref(r.Params.DryRun)
	u, err := h.user(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	im := impact(sayDeleteUser(u.Name), fact(labelRole(), false, figure(phrase.Text(u.Role.String()))),
		fact(labelSessions(), false, figure(phrase.Count(*h.apiUser(&u).Sessions))))
	im.DryRun = dry
	for _, err := range []error{notOneself(ctx, u.Name, sayNotDeleteOneself()), h.keepAdmin(ctx, &u, nil)} {
		if err != nil {
			block(&im, phraseOf(err))
		}
	}
	if dry {
		return api.DeleteUser200JSONResponse(im), nil
	}
	if err := blocked(&im); err != nil {
		return nil, err
	}
	confirm, reason := "", ""
	if r.Body != nil {
		confirm, reason = r.Body.Confirm, deref(r.Body.Reason)
	}
	if err := confirmed(confirm, u.Name); err != nil {
		return nil, err
	}
	if err := h.cfg.Cluster.DeleteUser(h.acting(ctx, reason), u.Name); err != nil {
		return nil, err
	}
	h.verifier.Forget(u.Name)
	h.users.forget(u.Name)
	h.uploads.EndUser(u.Name)
	return api.DeleteUser200JSONResponse(im), h.endSessions(u.Name, "")
}
