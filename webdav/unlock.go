package webdav

import (
	"net/http"

	"kendfs/metadata"
)

// unlock ends the lock whose token is in the Lock-Token header (RFC 4918
// §9.11). It must cover the path, and be the user's own.
func (h *Handler) unlock(w http.ResponseWriter, r *request) error {
	v := r.Header.Get("Lock-Token")
	if v == "" {
		return metadata.Errorf(metadata.KindInvalid, "UNLOCK needs a Lock-Token header")
	}
	token, err := parseLockToken(v)
	if err != nil {
		return err
	}
	if err := h.cfg.Locker.Unlock(r.Context(), r.path, r.user.Name, token); err != nil {
		if metadata.KindOf(err) == metadata.KindConflict {
			return &httpError{cond: condLockTokenMatches, err: err}
		}
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
