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
	"kendfs/metadata/phrase"
)

// problem is an error that goes to the client as RFC 9457 says. Everything
// else is turned into one by problemOf.
type problem struct{ api.Problem }

func (p *problem) Error() string { return p.Title }

// refuse makes a problem.
func refuse(status int, code string, title, detail phrase.Phrase) *problem {
	return &problem{api.Problem{
		Type: "about:blank", Status: status, Code: &code, Title: title.String(), TitlePhrase: title.Key(),
		Detail: ptr(detail.String()), DetailPhrase: detail.Key(),
	}}
}

func errSignedOut() *problem {
	return refuse(http.StatusUnauthorized, "signed_out", saySignedOut(), adviceOf(metadata.KindNoAuth))
}

func errSudo() *problem { return refuse(http.StatusForbidden, "sudo", saySudo(), adviceSudo()) }

func errRole(has, least metadata.Role) *problem {
	return refuse(http.StatusForbidden, "denied", sayRole(least, has), adviceOf(metadata.KindDenied))
}

func errInvalid(format string, args ...any) *problem {
	return refuse(http.StatusBadRequest, "invalid", sayKind(metadata.KindInvalid, fmt.Sprintf(format, args...)), phrase.Phrase{})
}

// saidError is an error whose message is a phrase.
type saidError struct {
	error
	said phrase.Phrase
}

// Unwrap returns the metadata.Error.
func (e *saidError) Unwrap() error { return e.error }

func errSaid(k metadata.Kind, p phrase.Phrase) error {
	return &saidError{metadata.Errorf(k, "%s", p), p}
}

// phraseOf is what an error says.
func phraseOf(err error) phrase.Phrase {
	if said, ok := errors.AsType[*saidError](err); ok {
		return said.said
	}
	return phrase.Free(err.Error())
}

// word is how a Kind appears to clients.
type word struct {
	status int
	code   string
}

// words maps every Kind; a test demands that none is missing.
func words() map[metadata.Kind]word {
	return map[metadata.Kind]word{
		metadata.KindInternal:      {500, "internal"},
		metadata.KindInvalid:       {400, "invalid"},
		metadata.KindNotFound:      {404, "not_found"},
		metadata.KindExists:        {409, "exists"},
		metadata.KindNotDir:        {409, "not_dir"},
		metadata.KindIsDir:         {409, "is_dir"},
		metadata.KindParentMissing: {409, "parent_missing"},
		metadata.KindPrecondition:  {412, "precondition"},
		metadata.KindLocked:        {423, "locked"},
		metadata.KindDenied:        {403, "denied"},
		metadata.KindNoAuth:        {401, "signed_out"},
		metadata.KindNoSpace:       {507, "no_space"},
		metadata.KindQuota:         {507, "quota"},
		metadata.KindTooLarge:      {413, "too_large"},
		metadata.KindUnavailable:   {503, "unavailable"},
		metadata.KindTimeout:       {504, "timeout"},
		metadata.KindStale:         {503, "stale"},
		metadata.KindCorrupt:       {500, "corrupt"},
		metadata.KindBusy:          {429, "busy"},
		metadata.KindCanceled:      {499, "canceled"},
		metadata.KindReadOnly:      {409, "read_only"},
		metadata.KindUnsupported:   {501, "unsupported"},
		metadata.KindConflict:      {409, "conflict"},
	}
}

// problemOf turns any error into a problem. What an unforeseen error says goes
// to the log and not to the client.
func problemOf(err error) (p *problem, internal bool) {
	var he *echo.HTTPError
	var me *metadata.Error
	var big *http.MaxBytesError
	var said *saidError
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &big):
		return ofKind(metadata.KindTooLarge, sayTooLong(big.Limit)), false
	case errors.As(err, &said):
		return ofKind(metadata.KindOf(err), said.said), false
	case errors.As(err, &me):
		return ofKind(me.Kind, sayKind(me.Kind, me.Error())), me.Kind == metadata.KindInternal
	case errors.As(err, &he):
		return ofHTTP(he), false
	}
	kind := metadata.KindOf(err)
	return ofKind(kind, sayKind(kind, kind.String())), kind == metadata.KindInternal
}

func ofKind(kind metadata.Kind, title phrase.Phrase) *problem {
	w, ok := words()[kind]
	if !ok || kind == metadata.KindInternal {
		kind = metadata.KindInternal
		w, title = words()[kind], sayKind(kind, "")
	}
	return refuse(w.status, w.code, title, adviceOf(kind))
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
	return refuse(he.Code, code, phrase.Free(title), phrase.Phrase{})
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
