package webdav

import "net/http"

// allowed are the methods the drive serves, on every path: whether one fits
// the entry that is there is told by its own answer.
const allowed = "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK"

// options answers OPTIONS for any path and for "*", without asking who it is
// and without touching the tree: Windows and macOS ask before they sign in.
func (h *Handler) options(w http.ResponseWriter) {
	head := w.Header()
	head.Set("DAV", "1, 2, 3")
	head.Set("MS-Author-Via", "DAV")
	head.Set("Allow", allowed)
	head.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// methodNotAllowed answers a method that the drive does not serve
// (RFC 9110 §15.5.6).
func (h *Handler) methodNotAllowed(w http.ResponseWriter) {
	w.Header().Set("Allow", allowed)
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}
