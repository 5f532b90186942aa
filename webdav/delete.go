package webdav

import (
	"net/http"
	"strings"

	"kendfs/metadata"
)

// delete removes an entry and everything below it (RFC 4918 §9.6): one atomic
// command, so that all of it is gone or none, and the answer is never 207.
func (h *Handler) delete(w http.ResponseWriter, r *request) error {
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	if depth := r.Header.Get("Depth"); depth != "" && !strings.EqualFold(depth, "infinity") {
		// "A client MUST NOT submit a Depth header with a DELETE on a collection
		// with any value but infinity" (§9.6.1). On a file it means nothing.
		e, err := h.cfg.Tree.Lookup(r.Context(), r.path, metadata.LookupOptions{User: r.user.Name})
		if err != nil {
			return err
		}
		if e.IsDir {
			return metadata.Errorf(metadata.KindInvalid, "a directory is deleted with depth infinity only, not %.40q", depth)
		}
	}
	if err := h.cfg.Changer.Remove(r.Context(), r.path, g); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
