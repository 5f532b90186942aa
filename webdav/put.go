package webdav

import (
	"net/http"

	"kendfs/metadata"
)

// put serves PUT.
func (h *Handler) put(w http.ResponseWriter, r *request) error {
	return errNotServed()
}

func errNotServed() error { return metadata.Errorf(metadata.KindUnsupported, "not served") }
