package webdav

import "net/http"

func (h *Handler) lock(w http.ResponseWriter, r *request) error { return errNotServed() }

func (h *Handler) unlock(w http.ResponseWriter, r *request) error { return errNotServed() }
