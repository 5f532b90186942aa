package webdav

import "net/http"

// get serves GET and HEAD.
func (h *Handler) get(w http.ResponseWriter, r *request) error {
	return errNotServed()
}
