package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"kendfs/admin/session"
	"kendfs/metadata"
)

// sudoFor is how long a password that was given is good for what destroys.
const sudoFor = 15 * time.Minute

// seenEvery is how exact the time of a session's last use is.
const seenEvery = time.Minute

// caller is who makes a request. The zero value is nobody.
type caller struct {
	user    metadata.User
	session session.Data
	remote  string
	request string        // id
	http    *http.Request // of operations that stream
}

func (c *caller) signedIn() bool { return c.session.ID != "" }

// sudo reports until when the password need not be given again.
func (c *caller) sudo() time.Time {
	if c.session.Sudo.IsZero() {
		return time.Time{}
	}
	return c.session.Sudo.Add(sudoFor)
}

type callerKey struct{}

// callerOf returns who makes the request that ctx is of.
func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	if c == nil {
		return &caller{}
	}
	return c
}

// identify finds out who makes a request. A session whose user is gone,
// disabled or has another password now ends here.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		who := &caller{remote: c.RealIP(), request: c.Response().Header().Get(echo.HeaderXRequestID), http: r}
		if d, ok := s.sessions.Get(r.Context()); ok {
			u, err := s.users.check(r.Context(), &d)
			switch {
			case err != nil:
				if err := s.sessions.End(r.Context()); err != nil {
					return err
				}
				s.hub.EndSession(d.ID)
			default:
				who.user, who.session = u, d
				if err := s.touch(r.Context(), who); err != nil {
					return err
				}
			}
		}
		ctx := context.WithValue(r.Context(), callerKey{}, who)
		c.SetRequest(r.WithContext(ctx))
		who.http = c.Request()
		return next(c)
	}
}

// touch keeps the session's last use, and renews it when the user's role is
// another one than it began with.
func (s *Server) touch(ctx context.Context, who *caller) error {
	now := time.Now().UTC()
	d := &who.session
	if role := who.user.Role.String(); role != d.Role {
		d.Role, d.Seen, d.Sudo = role, now, time.Time{}
		return s.sessions.Renew(ctx, *d)
	}
	if now.Sub(d.Seen) >= seenEvery {
		d.Seen = now
		s.sessions.Put(ctx, *d)
	}
	return nil
}

// guard lets an operation run only when its rule allows it. There is no other
// way to a handler.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rule := s.ruleOf(c)
		if rule == nil {
			if c.Path() == base+"/openapi.yaml" {
				return next(c) // says what anybody may know
			}
			return s.noSuchRoute(c)
		}
		who := callerOf(c.Request().Context())
		if rule.Role == metadata.RoleNone {
			return next(c)
		}
		switch {
		case !who.signedIn():
			return errSignedOut()
		case !who.user.Role.Allows(rule.Role):
			return errRole(who.user.Role, rule.Role)
		case rule.Sudo && !(rule.DryRun && c.QueryParam("dry_run") == "true") && !s.cfg.Now().Before(who.sudo()):
			return errSudo()
		}
		return next(c)
	}
}

// actor is what the audit says about the caller's changes.
func (s *Server) actor(who *caller, reason string) metadata.Actor {
	return metadata.Actor{
		User: who.user.Name, Origin: "admin", Node: s.cfg.Node, Remote: who.remote, Request: who.request, Reason: reason,
	}
}

// acting returns a context under which changes are the caller's.
func (s *Server) acting(ctx context.Context, reason string) context.Context {
	return s.cfg.Cluster.WithActor(ctx, s.actor(callerOf(ctx), reason))
}
