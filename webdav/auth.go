package webdav

import (
	"net/http"

	"kendfs/metadata"
)

// authenticate finds out who asks.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (metadata.User, error) {
	name, _, ok := r.BasicAuth()
	if !ok {
		return metadata.User{}, metadata.Errorf(metadata.KindNoAuth, "sign in")
	}
	return h.cfg.Directory.User(r.Context(), name)
}
