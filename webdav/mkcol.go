package webdav

import "net/http"

// mkcol makes a directory (RFC 4918 §9.3).
func (h *Handler) mkcol(w http.ResponseWriter, r *request) error {
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
