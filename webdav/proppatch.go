package webdav

import "net/http"

func (h *Handler) proppatch(w http.ResponseWriter, r *request) error { return errNotServed() }
