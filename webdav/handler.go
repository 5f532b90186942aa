package webdav

import (
	"log/slog"
	"net/http"
	"strings"

	"kendfs/metadata"
)

// Config is what a Handler is made of.
type Config struct {
	Tree      metadata.Tree
	Changer   metadata.Changer
	Locker    metadata.Locker
	Directory metadata.Directory

	// Realm is named in the browser's sign-in box; empty is "KenDFS".
	Realm string
	// InsecureHTTP allows Basic authentication over plain HTTP from any
	// address. Otherwise only loopback clients may use it without TLS.
	InsecureHTTP bool
	// Logger gets what an operator acts on; nil is slog.Default().
	Logger *slog.Logger
}

// Handler serves the drive over WebDAV (RFC 4918, classes 1, 2 and 3). It is
// an http.Handler for the whole of "/".
type Handler struct {
	cfg Config
	log *slog.Logger
}

// New makes a Handler.
func New(cfg Config) *Handler {
	if cfg.Realm == "" {
		cfg.Realm = "KenDFS"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Handler{cfg: cfg, log: cfg.Logger}
}

// request is a request that passed authentication and whose path is clean.
type request struct {
	*http.Request
	path metadata.Path
	user metadata.User
	// slash reports that the request's path ended in a slash.
	slash bool
}

// method serves one HTTP method. An error is returned only while nothing has
// been written: the dispatcher turns it into a response with Handler.fail.
// After the first byte a method that cannot go on must abort the connection
// with panic(http.ErrAbortHandler), so that no client takes half for whole.
type method func(w http.ResponseWriter, r *request) error

// serves returns what serves the HTTP method of that name; nil for others.
func (h *Handler) serves(name string) method {
	switch name {
	case http.MethodGet, http.MethodHead:
		return h.get
	case http.MethodPut:
		return h.put
	case http.MethodDelete:
		return h.delete
	case "MKCOL":
		return h.mkcol
	case "COPY":
		return h.copy
	case "MOVE":
		return h.move
	case "PROPFIND":
		return h.propfind
	case "PROPPATCH":
		return h.proppatch
	case "LOCK":
		return h.lock
	case "UNLOCK":
		return h.unlock
	}
	return nil
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if hr.Method == http.MethodOptions {
		h.options(w)
		return
	}
	serve := h.serves(hr.Method)
	if serve == nil {
		h.methodNotAllowed(w)
		return
	}
	user, err := h.authenticate(w, hr)
	if err != nil {
		h.fail(w, hr, err)
		return
	}
	p, err := parsePath(hr)
	if err != nil {
		h.fail(w, hr, err)
		return
	}
	r := &request{Request: hr, path: p, user: user, slash: strings.HasSuffix(hr.URL.Path, "/")}
	if err := serve(w, r); err != nil {
		h.fail(w, hr, err)
	}
}
