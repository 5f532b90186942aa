package webdav

import "kendfs/metadata"

// guard returns what the request demands of the tree before it may change it.
func (h *Handler) guard(r *request) (metadata.Guard, error) {
	return metadata.Guard{User: r.user.Name}, nil
}
