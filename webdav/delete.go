package webdav

import "net/http"

// delete removes an entry and everything below it (RFC 4918 §9.6): one atomic
// command, so the answer is never 207.
func (h *Handler) delete(w http.ResponseWriter, r *request) error {
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	if err := h.cfg.Changer.Remove(r.Context(), r.path, g); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
