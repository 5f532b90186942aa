package webdav

import "net/http"

// copy copies an entry (RFC 4918 §9.8).
func (h *Handler) copy(w http.ResponseWriter, r *request) error {
	return errNotServed()
}

// move renames an entry (RFC 4918 §9.9).
func (h *Handler) move(w http.ResponseWriter, r *request) error {
	return errNotServed()
}
