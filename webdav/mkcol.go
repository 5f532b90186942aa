package webdav

import (
	"io"
	"net/http"

	"kendfs/metadata"
)

// mkcol makes a directory (RFC 4918 §9.3). A body would ask for a special kind
// of directory, of which there are none.
func (h *Handler) mkcol(w http.ResponseWriter, r *request) error {
	if r.ContentLength != 0 {
		var one [1]byte
		if n, _ := io.ReadFull(r.Body, one[:]); n > 0 || r.ContentLength > 0 {
			return &httpError{status: http.StatusUnsupportedMediaType,
				err: metadata.Errorf(metadata.KindUnsupported, "MKCOL takes no body")}
		}
	}
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	if _, err := h.cfg.Changer.Mkdir(r.Context(), r.path, g); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}
