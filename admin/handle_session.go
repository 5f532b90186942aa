package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kendfs/admin/api"
	"kendfs/admin/session"
	"kendfs/metadata"
	"kendfs/metadata/credential"
)

// handlers implements api.StrictServerInterface.
type handlers struct{ *Server }

var _ api.StrictServerInterface = (*handlers)(nil)

// agentBytesMax bounds what a browser may call itself.
const agentBytesMax = 200

// session describes the caller's session.
func (h *handlers) session(who *caller) api.Session {
	out := api.Session{
		SignedIn: who.signedIn(), Role: api.RoleNone, Encrypted: h.cfg.Secure || who.http != nil && isLoopback(who.http.RemoteAddr),
		Setup: h.setup.waiting(), Demo: ptr(h.cfg.Demo), IdleSeconds: int(h.sessions.Idle() / time.Second),
	}
	if !who.signedIn() {
		return out // version and cluster are nobody's business yet
	}
	out.User, out.Role, out.Version = who.user.Name, api.Role(who.user.Role.String()), h.cfg.Version
	out.Cluster = h.cfg.Name
	if out.Cluster == "" {
		out.Cluster = h.snap.get().Report.Cluster
	}
	if until := who.sudo(); h.cfg.Now().Before(until) {
		out.SudoUntil = when(until)
	}
	return out
}

// GetSession implements api.StrictServerInterface.
func (h *handlers) GetSession(ctx context.Context, _ api.GetSessionRequestObject) (api.GetSessionResponseObject, error) {
	return api.GetSession200JSONResponse(h.session(callerOf(ctx))), nil
}

// SignIn implements api.StrictServerInterface.
func (h *handlers) SignIn(ctx context.Context, r api.SignInRequestObject) (api.SignInResponseObject, error) {
	who := callerOf(ctx)
	u, err := h.verify(ctx, r.Body.User, r.Body.Password)
	if err != nil {
		return nil, err
	}
	if !u.Role.Allows(metadata.RoleViewer) {
		return nil, errWrongPassword(http.StatusUnauthorized)
	}
	if err := h.begin(ctx, who, u); err != nil {
		return nil, err
	}
	h.note(ctx, "login", "")
	return api.SignIn200JSONResponse(h.session(who)), nil
}

// begin starts the caller's session as u.
func (h *handlers) begin(ctx context.Context, who *caller, u metadata.User) error {
	if old := who.session.ID; old != "" {
		h.hub.EndSession(old)
	}
	d, err := h.sessions.Begin(ctx, session.Data{
		User: u.Name, Role: u.Role.String(), Stamp: stampOf(&u), Remote: who.remote, Agent: agentOf(who.http), Sudo: h.cfg.Now().UTC(),
	})
	if err != nil {
		return err
	}
	h.users.set(u)
	who.user, who.session = u, d
	return nil
}

func agentOf(r *http.Request) string {
	if r == nil {
		return ""
	}
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > agentBytesMax {
		agent = strings.ToValidUTF8(agent[:agentBytesMax], "")
	}
	return agent
}

func errWrongPassword(status int) *problem {
	return refuse(status, "wrong_password", sayWrongPassword(), adviceWrongPassword())
}

// verify checks a password. Failures are recorded; who does not exist, may not
// sign in or gave a wrong password learns the same in the same time.
func (h *handlers) verify(ctx context.Context, name, password string) (metadata.User, error) {
	u, err := h.verifier.Verify(ctx, name, password, callerOf(ctx).remote)
	if err == nil {
		// The verifier believes a password for a minute; who was disabled or
		// got another one meanwhile does not sign in.
		if now, rerr := h.cfg.Cluster.User(ctx, u.Name); rerr == nil && (now.Disabled || now.Hash != u.Hash) {
			h.verifier.Forget(u.Name)
			u, err = h.verifier.Verify(ctx, name, password, callerOf(ctx).remote)
		} else if rerr == nil {
			u = now
		}
	}
	if err == nil || metadata.KindOf(err) != metadata.KindNoAuth {
		return u, err
	}
	a := h.actor(callerOf(ctx), "")
	a.User = name[:min(len(name), metadata.NameBytesMax)]
	a.User = strings.ToValidUTF8(a.User, "")
	rec := metadata.AuditRecord{Actor: a, Action: "login.failed", Outcome: metadata.KindNoAuth.String(), Text: err.Error()}
	if rerr := h.cfg.Cluster.RecordAudit(h.cfg.Cluster.WithActor(ctx, a), rec); rerr != nil {
		h.log.Warn("a failed sign-in could not be recorded", "user", a.User, "remote", a.Remote, "err", rerr)
	}
	return u, errWrongPassword(http.StatusUnauthorized)
}

// SignOut implements api.StrictServerInterface.
func (h *handlers) SignOut(ctx context.Context, _ api.SignOutRequestObject) (api.SignOutResponseObject, error) {
	who := callerOf(ctx)
	if err := h.sessions.End(ctx); err != nil {
		return nil, err
	}
	h.hub.EndSession(who.session.ID)
	h.note(ctx, "logout", "")
	return api.SignOut204Response{}, nil
}

// ConfirmPassword implements api.StrictServerInterface.
func (h *handlers) ConfirmPassword(ctx context.Context, r api.ConfirmPasswordRequestObject) (api.ConfirmPasswordResponseObject, error) {
	who := callerOf(ctx)
	if _, err := h.verify(ctx, who.user.Name, r.Body.Password); err != nil {
		return nil, forbidden(err)
	}
	who.session.Sudo = h.cfg.Now().UTC()
	h.sessions.Put(ctx, who.session)
	return api.ConfirmPassword200JSONResponse(h.session(who)), nil
}

// forbidden answers a wrong password with 403: 401 would say that the session
// is over.
func forbidden(err error) error {
	if p, ok := err.(*problem); ok && p.Status == http.StatusUnauthorized {
		return errWrongPassword(http.StatusForbidden)
	}
	return err
}

// SetUp implements api.StrictServerInterface.
func (h *handlers) SetUp(ctx context.Context, r api.SetUpRequestObject) (api.SetUpResponseObject, error) {
	who := callerOf(ctx)
	if err := checkPassword(r.Body.Password); err != nil {
		return nil, err
	}
	var u metadata.User
	err := h.setup.use(r.Body.Code, func() error {
		var err error
		u, err = h.firstAdmin(h.acting(ctx, "set-up link"), r.Body.Password)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := h.endSessions(u.Name, ""); err != nil {
		return nil, err
	}
	if err := h.begin(ctx, who, u); err != nil {
		return nil, err
	}
	h.note(ctx, "setup", u.Name)
	return api.SetUp200JSONResponse(h.session(who)), nil
}

// adminName is what the first administrator is called.
const adminName = "admin"

// firstAdmin gives the first administrator a password. Who was disabled or made
// something less is an administrator again, and who was deleted is made anew:
// the link is the way back in.
func (h *handlers) firstAdmin(ctx context.Context, password string) (metadata.User, error) {
	u := metadata.User{Name: adminName, Role: metadata.RoleAdmin, Created: time.Now().UTC()}
	var err error
	if u.Hash, err = credential.Hash(password); err != nil {
		return u, err
	}
	err = h.cfg.Cluster.PutUser(ctx, u, false)
	if metadata.KindOf(err) == metadata.KindNotFound && err != nil {
		err = h.cfg.Cluster.PutUser(ctx, u, true)
	}
	h.verifier.Forget(u.Name)
	h.users.forget(u.Name)
	return u, err
}

// passwordRunesMin is what NIST SP 800-63B §3.1.1.2 asks of a password.
const passwordRunesMin = 8

func checkPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < passwordRunesMin {
		return errSaid(metadata.KindInvalid, sayShortPassword(n, passwordRunesMin))
	}
	return credential.CheckPassword(password)
}

// storePassword gives the user a new password and changes nothing else, whatever
// u says; u.Hash is the new one afterwards.
func (h *handlers) storePassword(ctx context.Context, u *metadata.User, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := credential.Hash(password)
	if err != nil {
		return err
	}
	u.Hash = hash
	if err := h.cfg.Cluster.SetPassword(ctx, *u); err != nil {
		return err
	}
	h.verifier.Forget(u.Name)
	h.users.forget(u.Name)
	return nil
}

// endSessions ends a user's sessions but one.
func (h *handlers) endSessions(user, but string) error {
	_, err := h.sessions.Revoke(func(d session.Data) bool {
		if d.User != user || d.ID == but {
			return false
		}
		h.hub.EndSession(d.ID)
		return true
	})
	return err
}

// ChangeOwnPassword implements api.StrictServerInterface.
func (h *handlers) ChangeOwnPassword(ctx context.Context, r api.ChangeOwnPasswordRequestObject) (api.ChangeOwnPasswordResponseObject, error) {
	who := callerOf(ctx)
	u, err := h.verify(ctx, who.user.Name, r.Body.Old)
	if err != nil {
		return nil, forbidden(err)
	}
	if err := h.storePassword(h.acting(ctx, ""), &u, r.Body.New); err != nil {
		return nil, err
	}
	if err := h.endSessions(u.Name, who.session.ID); err != nil {
		return nil, err
	}
	h.users.set(u)
	who.session.Stamp, who.session.Sudo = stampOf(&u), h.cfg.Now().UTC()
	return api.ChangeOwnPassword204Response{}, h.sessions.Renew(ctx, who.session)
}

// ListSessions implements api.StrictServerInterface.
func (h *handlers) ListSessions(ctx context.Context, _ api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	who := callerOf(ctx)
	out := api.SessionList{Items: []api.SessionInfo{}}
	for _, d := range h.sessions.List() {
		if d.User != who.user.Name && !who.user.Role.Allows(metadata.RoleAdmin) {
			continue
		}
		out.Items = append(out.Items, api.SessionInfo{
			Id: d.ID, User: d.User, Role: api.Role(d.Role), Remote: d.Remote, Agent: d.Agent, Started: d.Started, Seen: d.Seen,
			Current: d.ID == who.session.ID,
		})
	}
	slices.SortFunc(out.Items, func(a, b api.SessionInfo) int { return b.Seen.Compare(a.Seen) })
	return api.ListSessions200JSONResponse(out), nil
}

// EndSession implements api.StrictServerInterface.
func (h *handlers) EndSession(ctx context.Context, r api.EndSessionRequestObject) (api.EndSessionResponseObject, error) {
	who := callerOf(ctx)
	if r.Id == who.session.ID {
		if err := h.sessions.End(ctx); err != nil {
			return nil, err
		}
		h.hub.EndSession(r.Id)
		return api.EndSession204Response{}, nil
	}
	n, err := h.sessions.Revoke(func(d session.Data) bool {
		return d.ID == r.Id && (d.User == who.user.Name || who.user.Role.Allows(metadata.RoleAdmin))
	})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, metadata.Errorf(metadata.KindNotFound, "there is no such session")
	}
	h.hub.EndSession(r.Id)
	h.note(ctx, "session.end", r.Id)
	return api.EndSession204Response{}, nil
}

// GetDesktop implements api.StrictServerInterface.
func (h *handlers) GetDesktop(ctx context.Context, _ api.GetDesktopRequestObject) (api.GetDesktopResponseObject, error) {
	b, err := h.cfg.Cluster.GetDesktop(ctx, callerOf(ctx).user.Name)
	if err != nil && metadata.KindOf(err) != metadata.KindNotFound {
		return nil, err
	}
	return desktop(b), nil
}

// PutDesktop implements api.StrictServerInterface.
func (h *handlers) PutDesktop(ctx context.Context, r api.PutDesktopRequestObject) (api.PutDesktopResponseObject, error) {
	b, err := marshal(*r.Body)
	if err != nil {
		return nil, err
	}
	if len(b) > metadata.DesktopBytesMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "the layout has %d bytes, at most %d are kept", len(b), metadata.DesktopBytesMax)
	}
	return api.PutDesktop204Response{}, h.cfg.Cluster.PutDesktop(h.acting(ctx, ""), callerOf(ctx).user.Name, b)
}
