package webdav

import (
	"net/http"
)

// fail answers a request with the status of err.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
