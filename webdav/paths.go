package webdav

import (
	"net/http"

	"kendfs/metadata"
)

// parsePath returns the path a request is about.
func parsePath(r *http.Request) (metadata.Path, error) {
	return metadata.ParsePath(r.URL.Path)
}

// destination returns the path in the Destination header.
func (h *Handler) destination(r *request) (metadata.Path, error) {
	return metadata.ParsePath(r.Header.Get("Destination"))
}
