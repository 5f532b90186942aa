package webdav

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"kendfs/metadata"
)

// httpError is an error whose Kind alone does not say which response it gets.
type httpError struct {
	status int             // 0: as its Kind says
	cond   string          // local name of a precondition element in DAV:, or ""
	hrefs  []metadata.Path // what the condition is about
	err    error
}

// Error returns the message.
func (e *httpError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *httpError) Unwrap() error { return e.err }

// Precondition and postcondition codes of RFC 4918 §16 and RFC 4331 §6.
const (
	condLockTokenSubmitted  = "lock-token-submitted"
	condNoConflictingLock   = "no-conflicting-lock"
	condLockTokenMatches    = "lock-token-matches-request-uri"
	condFiniteDepth         = "propfind-finite-depth"
	condProtectedProperty   = "cannot-modify-protected-property"
	condQuotaNotExceeded    = "quota-not-exceeded"
	condSufficientDiskSpace = "sufficient-disk-space"
)

// retryAfterSeconds is when a client should try again after 503. Elections and
// failovers take a few seconds.
const retryAfterSeconds = 3

// statusOf returns the status of an error that ended a request with that
// method. It is the only place where a Kind becomes a status. Something that
// cannot be had now is never 404: sync clients delete what is 404.
func statusOf(method string, err error) int {
	var he *httpError
	if errors.As(err, &he) && he.status != 0 {
		return he.status
	}
	k := metadata.KindOf(err)
	if k == metadata.KindInternal && errors.As(err, new(*http.MaxBytesError)) {
		k = metadata.KindTooLarge
	}
	return kindStatus(method, k)
}

// kindStatus is the table of statuses; DESIGN.md has it with reasons (WD-4).
func kindStatus(method string, k metadata.Kind) int {
	switch k {
	case metadata.KindInvalid:
		return http.StatusBadRequest
	case metadata.KindNotFound:
		return http.StatusNotFound
	case metadata.KindExists:
		switch method {
		case "MKCOL":
			return http.StatusMethodNotAllowed
		case "COPY", "MOVE":
			return http.StatusPreconditionFailed
		}
		return http.StatusConflict
	case metadata.KindNotDir, metadata.KindParentMissing:
		switch method {
		case http.MethodPut, "MKCOL", "COPY", "MOVE", "LOCK":
			return http.StatusConflict
		}
		return http.StatusNotFound
	case metadata.KindIsDir:
		return http.StatusMethodNotAllowed
	case metadata.KindPrecondition:
		return http.StatusPreconditionFailed
	case metadata.KindLocked:
		return http.StatusLocked
	case metadata.KindDenied, metadata.KindReadOnly:
		return http.StatusForbidden
	case metadata.KindNoAuth:
		return http.StatusUnauthorized
	case metadata.KindNoSpace, metadata.KindQuota:
		return http.StatusInsufficientStorage
	case metadata.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case metadata.KindUnavailable, metadata.KindStale, metadata.KindBusy, metadata.KindCanceled:
		return http.StatusServiceUnavailable
	case metadata.KindTimeout:
		return http.StatusGatewayTimeout
	case metadata.KindUnsupported:
		return http.StatusNotImplemented
	case metadata.KindConflict:
		if method == "COPY" || method == "MOVE" {
			return http.StatusForbidden // RFC 4918 §9.8.5: source and destination are the same
		}
		return http.StatusConflict
	}
	return http.StatusInternalServerError // KindInternal, KindCorrupt
}

// fail answers a request with the status of err: with a DAV:error body where a
// condition code says more than the status, else with the message as text.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(r.Method, err)
	head := w.Header()
	for _, name := range []string{
		"Content-Length", "Content-Range", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control",
	} {
		head.Del(name) // they were about the response that did not come to be
	}
	switch status {
	case http.StatusServiceUnavailable:
		if head.Get("Retry-After") == "" {
			head.Set("Retry-After", strconv.Itoa(retryAfterSeconds))
		}
	case http.StatusMethodNotAllowed:
		head.Set("Allow", allowed)
	}
	text := err.Error()
	if status == http.StatusInternalServerError {
		h.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		text = "internal error; the server's log says more"
	}
	cond, paths := h.condition(r, status, err)
	if cond == "" {
		head.Set("Content-Type", "text/plain; charset=utf-8")
		head.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text + "\n")) // a client that is gone needs no answer
		return
	}
	head.Set("Content-Type", xmlContentType)
	w.WriteHeader(status)
	_, _ = w.Write(appendErrorBody(nil, cond, paths, text))
}

// condition returns the condition element that explains err, and the hrefs in it.
func (h *Handler) condition(r *http.Request, status int, err error) (string, []metadata.Path) {
	var he *httpError
	if errors.As(err, &he) && he.cond != "" {
		return he.cond, he.hrefs
	}
	switch k := metadata.KindOf(err); {
	case k == metadata.KindQuota:
		return condQuotaNotExceeded, nil
	case k == metadata.KindNoSpace:
		return condSufficientDiskSpace, nil
	case status == http.StatusLocked:
		return condLockTokenSubmitted, h.lockRoots(r.Context(), r)
	}
	return "", nil
}

// lockRoots finds which locks stopped a request: those on its path and, for
// COPY and MOVE, on its destination, else somewhere below. When nothing is
// found any more it names the request's own path, since RFC 4918 §16 wants at
// least one href.
func (h *Handler) lockRoots(ctx context.Context, r *http.Request) []metadata.Path {
	p, err := parsePath(r)
	if err != nil {
		return nil
	}
	targets := []metadata.Path{p}
	if r.Method == "COPY" || r.Method == "MOVE" {
		if ref, err := parseReference(r.Header.Get("Destination")); err == nil {
			targets = append(targets, ref.path)
		}
	}
	var roots []metadata.Path
	for _, t := range targets {
		locks, err := h.blockingLocks(ctx, t)
		for i := range locks {
			roots = append(roots, locks[i].Root)
		}
		if err != nil {
			break
		}
	}
	if len(roots) == 0 {
		roots = append(roots, p)
	}
	return roots
}

// appendErrorBody appends a DAV:error document (RFC 4918 §14.5).
func appendErrorBody(b []byte, cond string, paths []metadata.Path, text string) []byte {
	b = append(b, xmlHeader...)
	b = append(b, `<D:error xmlns:D="DAV:">`...)
	b = appendCondition(b, cond, paths)
	if text != "" {
		b = append(b, `<K:message xmlns:K="`+kenSpace+`">`...)
		b = appendText(b, text)
		b = append(b, `</K:message>`...)
	}
	return append(b, "</D:error>\n"...)
}

// appendCondition appends a condition element.
func appendCondition(b []byte, cond string, paths []metadata.Path) []byte {
	b = append(b, "<D:"+cond...)
	if len(paths) == 0 {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	for _, p := range paths {
		b = append(b, "<D:href>"...)
		b = appendHref(b, p, false)
		b = append(b, "</D:href>"...)
	}
	return append(b, "</D:"+cond+">"...)
}
