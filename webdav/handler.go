package webdav

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/credential"
)

// Config is what a Handler is made of. The first five are needed.
type Config struct {
	Tree      metadata.Tree
	Changer   metadata.Changer
	Locker    metadata.Locker
	Directory metadata.Directory
	Blocks    *blockio.Client

	// Verifier checks passwords; nil makes one over Directory.
	Verifier *credential.Verifier
	// Realm is named in the sign-in box of clients; empty is "KenDFS".
	Realm string
	// InsecureHTTP allows Basic authentication over plain HTTP from any
	// address. Otherwise only clients on this machine may use it without TLS.
	InsecureHTTP bool
	// Uploads is how many bodies are received at once; 0 is 128. More wait,
	// UploadQueue of them (0 is 512); beyond that the answer is 503.
	Uploads     int
	UploadQueue int
	// Logger gets what an operator acts on; nil is slog.Default().
	Logger *slog.Logger
}

// withDefaults returns c with every zero field set, and its services wrapped
// so that short absences of the nameserver are waited out.
func (c Config) withDefaults() Config {
	c.Tree, c.Changer = retryTree{c.Tree}, retryChanger{c.Changer}
	c.Locker, c.Directory = retryLocker{c.Locker}, retryDirectory{c.Directory}
	if c.Verifier == nil {
		c.Verifier = credential.NewVerifier(credential.Config{Directory: c.Directory})
	}
	if c.Realm == "" {
		c.Realm = "KenDFS"
	}
	if c.Uploads <= 0 {
		c.Uploads = 128
	}
	if c.UploadQueue <= 0 {
		c.UploadQueue = 512
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Handler serves the drive over WebDAV (RFC 4918, classes 1, 2 and 3). It is
// an http.Handler for the whole of "/", safe for concurrent use.
type Handler struct {
	cfg     Config
	log     *slog.Logger
	origins *http.CrossOriginProtection
	uploads *gate
	seen    seenLocks // for LockSystem
}

// New makes a Handler.
func New(cfg Config) *Handler {
	cfg = cfg.withDefaults()
	return &Handler{
		cfg:     cfg,
		log:     cfg.Logger,
		origins: http.NewCrossOriginProtection(),
		uploads: newGate(cfg.Uploads, cfg.UploadQueue),
	}
}

// Stats is what a Handler does now.
type Stats struct {
	UploadsRunning int
	UploadsWaiting int
}

// Stats returns how busy the handler is.
func (h *Handler) Stats() Stats {
	running, waiting := h.uploads.load()
	return Stats{UploadsRunning: running, UploadsWaiting: waiting}
}

// request is a request that passed authentication and whose path is clean.
type request struct {
	*http.Request
	path metadata.Path
	user metadata.User
	// slash reports that the path ended in a slash, as that of a directory does.
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
	defer h.logPanic(hr)
	r, err := h.accept(w, hr)
	if err == nil {
		err = serve(w, r)
	}
	if err != nil {
		h.fail(w, hr, err)
	}
}

// logPanic reports a defect and breaks the connection off, as net/http does
// by itself, but into the log that an operator reads.
func (h *Handler) logPanic(r *http.Request) {
	v := recover()
	switch {
	case v == nil:
		return
	case v != http.ErrAbortHandler:
		h.log.Error("panic while serving", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// accept decides whether a request is served at all. A browser that follows
// another site's wish is refused before anything else: it would send the
// user's password along. There is no CORS: no other origin may use the drive.
func (h *Handler) accept(w http.ResponseWriter, hr *http.Request) (*request, error) {
	if err := h.origins.Check(hr); err != nil {
		return nil, metadata.Errorf(metadata.KindDenied, "requests of other origins are refused: %w", err)
	}
	user, err := h.authenticate(w, hr)
	if err != nil {
		return nil, err
	}
	p, err := parsePath(hr)
	if err != nil {
		return nil, err
	}
	return &request{
		Request: hr, path: p, user: user,
		slash: p != metadata.Root && strings.HasSuffix(hr.URL.Path, "/"),
	}, nil
}
