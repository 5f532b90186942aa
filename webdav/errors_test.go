package webdav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kendfs/metadata"
)

func TestStatusOf(t *testing.T) {
	for _, c := range []struct {
		method string
		err    error
		want   int
	}{
		{"GET", metadata.Errorf(metadata.KindInvalid, "x"), 400},
		{"GET", metadata.Errorf(metadata.KindNotFound, "x"), 404},
		{"GET", metadata.Errorf(metadata.KindNotDir, "x"), 404},
		{"DELETE", metadata.Errorf(metadata.KindNotDir, "x"), 404},
		{"PROPFIND", metadata.Errorf(metadata.KindParentMissing, "x"), 404},
		// RFC 4918 §9.7.1: "A PUT that would result in the creation of a resource
		// without an appropriately scoped parent collection MUST fail with a 409
		// (Conflict)." http://www.webdav.org/specs/rfc4918.html#METHOD_PUT
		{"PUT", metadata.Errorf(metadata.KindParentMissing, "x"), 409},
		{"PUT", metadata.Errorf(metadata.KindNotDir, "x"), 409},
		{"LOCK", metadata.Errorf(metadata.KindParentMissing, "x"), 409},
		{"COPY", metadata.Errorf(metadata.KindParentMissing, "x"), 409},
		// RFC 4918 §9.3.1: "405 (Method Not Allowed) - MKCOL can only be executed
		// on an unmapped URL." http://www.webdav.org/specs/rfc4918.html#METHOD_MKCOL
		{"MKCOL", metadata.Errorf(metadata.KindExists, "x"), 405},
		{"MKCOL", metadata.Errorf(metadata.KindParentMissing, "x"), 409},
		// RFC 4918 §9.8.5: "412 (Precondition Failed) - ... the Overwrite header is
		// "F", and the destination URL is already mapped to a resource."
		// http://www.webdav.org/specs/rfc4918.html#METHOD_COPY
		{"COPY", metadata.Errorf(metadata.KindExists, "x"), 412},
		{"MOVE", metadata.Errorf(metadata.KindExists, "x"), 412},
		{"PUT", metadata.Errorf(metadata.KindExists, "x"), 409},
		{"MOVE", metadata.Errorf(metadata.KindConflict, "x"), 403},
		{"UNLOCK", metadata.Errorf(metadata.KindConflict, "x"), 409},
		{"PUT", metadata.Errorf(metadata.KindIsDir, "x"), 405},
		{"PUT", metadata.Errorf(metadata.KindPrecondition, "x"), 412},
		{"PUT", metadata.Errorf(metadata.KindLocked, "x"), 423},
		{"PUT", metadata.Errorf(metadata.KindDenied, "x"), 403},
		{"PUT", metadata.Errorf(metadata.KindReadOnly, "x"), 403},
		{"PUT", metadata.Errorf(metadata.KindNoAuth, "x"), 401},
		{"PUT", metadata.Errorf(metadata.KindNoSpace, "x"), 507},
		{"PUT", metadata.Errorf(metadata.KindQuota, "x"), 507},
		{"PUT", metadata.Errorf(metadata.KindTooLarge, "x"), 413},
		{"PUT", fmt.Errorf("body: %w", &http.MaxBytesError{Limit: 1}), 413},
		{"GET", metadata.Errorf(metadata.KindUnavailable, "x"), 503},
		{"GET", metadata.Errorf(metadata.KindStale, "x"), 503},
		{"GET", metadata.Errorf(metadata.KindBusy, "x"), 503},
		{"GET", context.Canceled, 503},
		{"GET", metadata.Errorf(metadata.KindTimeout, "x"), 504},
		{"GET", context.DeadlineExceeded, 504},
		{"GET", metadata.Errorf(metadata.KindCorrupt, "x"), 500},
		{"GET", errors.New("x"), 500},
		{"GET", metadata.Errorf(metadata.KindUnsupported, "x"), 501},
		{"COPY", &httpError{status: 502, err: errors.New("x")}, 502},
		{"COPY", fmt.Errorf("y: %w", &httpError{status: 502, err: errors.New("x")}), 502},
		{"UNLOCK", &httpError{cond: "c", err: metadata.Errorf(metadata.KindConflict, "x")}, 409},
	} {
		if got := statusOf(c.method, c.err); got != c.want {
			t.Errorf("%s, %v (%v): got %d, want %d", c.method, c.err, metadata.KindOf(c.err), got, c.want)
		}
	}
}

// Every kind there is has a status, and none that time may mend is 404 or 410,
// after which sync clients delete their copy.
func TestEveryKindHasAStatus(t *testing.T) {
	for k := metadata.Kind(0); !strings.HasPrefix(k.String(), "kind("); k++ {
		for _, method := range []string{"GET", "PUT", "PROPFIND", "MOVE", "LOCK", "UNLOCK"} {
			s := statusOf(method, metadata.Errorf(k, "x"))
			if s < 400 || s > 599 || s == 500 && k != metadata.KindInternal && k != metadata.KindCorrupt {
				t.Errorf("%s, %v: got %d", method, k, s)
			}
			if k.Retryable() && s < 500 {
				t.Errorf("%s, %v: got %d for what may be had later", method, k, s)
			}
		}
	}
}

func TestFail(t *testing.T) {
	h := handlerOver(&hugeTree{})
	for _, c := range []struct {
		name, method string
		err          error
		field, value string
		body         string
	}{
		{"text", "GET", metadata.Errorf(metadata.KindNotFound, "no <such> file"), "Content-Type", "text/plain; charset=utf-8", "no <such> file\n"},
		{"retry", "GET", metadata.Errorf(metadata.KindUnavailable, "no leader"), "Retry-After", "3", "no leader\n"},
		{"allow", "MKCOL", metadata.Errorf(metadata.KindExists, "x"), "Allow", allowed, "x\n"},
		// RFC 4331 §6: the 507 response has the postcondition in its body.
		// https://www.rfc-editor.org/rfc/rfc4331#section-6
		{"quota", "PUT", metadata.Errorf(metadata.KindQuota, "full & more"), "Content-Type", xmlContentType,
			xmlHeader + `<D:error xmlns:D="DAV:"><D:quota-not-exceeded/><K:message xmlns:K="urn:kendfs:dav">full &amp; more</K:message></D:error>` + "\n"},
		{"space", "PUT", metadata.Errorf(metadata.KindNoSpace, ""), "Content-Type", xmlContentType,
			xmlHeader + `<D:error xmlns:D="DAV:"><D:sufficient-disk-space/><K:message xmlns:K="urn:kendfs:dav">no space</K:message></D:error>` + "\n"},
		{"condition", "LOCK", &httpError{cond: condNoConflictingLock, hrefs: []metadata.Path{"/a b", "/c"}, err: metadata.Errorf(metadata.KindLocked, "x")},
			"Content-Type", xmlContentType, xmlHeader + `<D:error xmlns:D="DAV:"><D:no-conflicting-lock><D:href>/a%20b</D:href><D:href>/c</D:href>` +
				`</D:no-conflicting-lock><K:message xmlns:K="urn:kendfs:dav">x</K:message></D:error>` + "\n"},
		{"internal", "GET", errors.New("password is x"), "Content-Type", "text/plain; charset=utf-8", "internal error; the server's log says more\n"},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Length", "999")
		w.Header().Set("Etag", `"x"`)
		h.fail(w, httptest.NewRequest(c.method, "/f", nil), c.err)
		if w.Code != statusOf(c.method, c.err) || w.Header().Get(c.field) != c.value || w.Body.String() != c.body {
			t.Errorf("%s: got %d, %v, %q; want %s: %s and %q", c.name, w.Code, w.Header(), w.Body, c.field, c.value, c.body)
		}
		if w.Header().Get("Content-Length") != "" || w.Header().Get("Etag") != "" {
			t.Errorf("%s: fields of the response that was not made are left: %v", c.name, w.Header())
		}
		if c.value == xmlContentType {
			if err := wellFormed(w.Body.String()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}
