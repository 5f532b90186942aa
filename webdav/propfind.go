package webdav

import "net/http"

func (h *Handler) propfind(w http.ResponseWriter, r *request) error { return errNotServed() }
