package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// problem is an error that goes to the client as RFC 9457 says. Everything
// else is turned into one by problemOf.
type problem struct{ api.Problem }

func (p *problem) Error() string { return p.Title }

// refuse makes a problem.
func refuse(status int, code, title, detail string) *problem {
	p := &problem{api.Problem{Type: "about:blank", Status: status, Title: title}}
	p.Code = &code
	if detail != "" {
		p.Detail = &detail
	}
	return p
}

func errSignedOut() *problem {
	return refuse(http.StatusUnauthorized, "signed_out", "You are not signed in.", "Sign in and try again.")
}

func errSudo() *problem {
	return refuse(http.StatusForbidden, "sudo", "The password is needed again.", "Give your password; it is good for 15 minutes.")
}

func errRole(has, least metadata.Role) *problem {
	return refuse(http.StatusForbidden, "denied", fmt.Sprintf("This needs the role %s; yours is %s.", least, has),
		"Ask an administrator.")
}

func errInvalid(format string, args ...any) *problem {
	return refuse(http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...), "")
}

// word is how a Kind appears to clients: status, code and what to do.
type word struct {
	status       int
	code, detail string
}

// words maps every Kind; a test demands that none is missing.
func words() map[metadata.Kind]word {
	return map[metadata.Kind]word{
		metadata.KindInternal:      {500, "internal", "This is a defect. Tell whoever runs the drive the request id; the log says more."},
		metadata.KindInvalid:       {400, "invalid", ""},
		metadata.KindNotFound:      {404, "not_found", "It may have been removed meanwhile. Read again."},
		metadata.KindExists:        {409, "exists", "Choose another name, or replace what is there."},
		metadata.KindNotDir:        {409, "not_dir", ""},
		metadata.KindIsDir:         {409, "is_dir", ""},
		metadata.KindParentMissing: {409, "parent_missing", "Make the folder first."},
		metadata.KindPrecondition:  {412, "precondition", "It changed meanwhile. Read again and decide."},
		metadata.KindLocked:        {423, "locked", "Somebody has it open for writing. Wait, or ask who holds the lock."},
		metadata.KindDenied:        {403, "denied", "Ask an administrator."},
		metadata.KindNoAuth:        {401, "signed_out", "Sign in and try again."},
		metadata.KindNoSpace:       {507, "no_space", "Delete something, or add a storage server."},
		metadata.KindQuota:         {507, "quota", "Delete something in this folder, or have its quota raised."},
		metadata.KindTooLarge:      {413, "too_large", ""},
		metadata.KindUnavailable:   {503, "unavailable", "Try again in a moment. The health page says what is missing."},
		metadata.KindTimeout:       {504, "timeout", "Nobody knows whether it was done. Read again before you repeat it."},
		metadata.KindStale:         {503, "stale", "Try again."},
		metadata.KindCorrupt:       {500, "corrupt", "The stored data does not match its checksum. The log says where."},
		metadata.KindBusy:          {429, "busy", "Wait a moment and try again."},
		metadata.KindCanceled:      {499, "canceled", "Try again."},
		metadata.KindReadOnly:      {409, "read_only", "An administrator can switch writing on in the settings."},
		metadata.KindUnsupported:   {501, "unsupported", ""},
		metadata.KindConflict:      {409, "conflict", ""},
	}
}

// problemOf turns any error into a problem. What an unforeseen error says goes
// to the log and not to the client.
func problemOf(err error) (p *problem, internal bool) {
	var he *echo.HTTPError
	var me *metadata.Error
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &big):
		return ofKind(metadata.KindTooLarge, fmt.Sprintf("The request is longer than %d bytes.", big.Limit)), false
	case errors.As(err, &me):
		return ofKind(me.Kind, me.Error()), me.Kind == metadata.KindInternal
	case errors.As(err, &he):
		return ofHTTP(he), false
	}
	kind := metadata.KindOf(err)
	return ofKind(kind, kind.String()), kind == metadata.KindInternal
}

func ofKind(kind metadata.Kind, title string) *problem {
	w, ok := words()[kind]
	if !ok || kind == metadata.KindInternal {
		w, title = words()[metadata.KindInternal], "Something went wrong here."
	}
	return refuse(w.status, w.code, title, w.detail)
}

// ofHTTP turns errors of Echo into problems: routes that do not exist, bodies
// that do not decode.
func ofHTTP(he *echo.HTTPError) *problem {
	title := http.StatusText(he.Code)
	if text, ok := he.Message.(string); ok && text != "" {
		title = text
	}
	code := map[int]string{
		400: "invalid", 401: "signed_out", 403: "denied", 404: "not_found", 405: "method", 413: "too_large",
		415: "invalid", 429: "busy", 503: "unavailable", 504: "timeout",
	}[he.Code]
	if code == "" {
		code = "internal"
	}
	return refuse(he.Code, code, title, "")
}

// retryAfter is what a client that came too often is told to wait, in seconds.
const retryAfter = 2

// writeProblem answers with an error. A response that has begun is cut off by
// the server instead, which the client notices.
func (s *Server) writeProblem(err error, c echo.Context) {
	r := c.Request()
	p, internal := problemOf(err)
	id := c.Response().Header().Get(echo.HeaderXRequestID)
	if internal {
		s.log.ErrorContext(r.Context(), "request failed", "request", id, "path", c.Path(), "err", err)
	}
	if c.Response().Committed {
		return
	}
	out := p.Problem
	out.RequestId, out.Instance = &id, new(r.URL.Path)
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Del(echo.HeaderContentDisposition)
	if out.Status == http.StatusTooManyRequests && h.Get(echo.HeaderRetryAfter) == "" {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(retryAfter))
	}
	c.Response().WriteHeader(out.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(c.Response()).Encode(out) // the client went away
	}
}
