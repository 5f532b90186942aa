package webdav

import (
	"net/http"
	"strings"

	"kendfs/metadata"
)

// copy copies an entry (RFC 4918 §9.8). The copy shares its data with the
// original, whatever their size, and appears at once.
func (h *Handler) copy(w http.ResponseWriter, r *request) error {
	dst, g, err := h.transfer(r)
	if err != nil {
		return err
	}
	opt := metadata.CopyOptions{Overwrite: overwrite(r.Request), Modified: parseMtime(r.Header.Get("X-OC-Mtime"))}
	switch depth := r.Header.Get("Depth"); {
	case depth == "0":
		opt.Shallow = true
	case depth != "" && !strings.EqualFold(depth, "infinity"):
		return metadata.Errorf(metadata.KindInvalid, "COPY takes the depths 0 and infinity, not %.40q", depth)
	}
	replaced, err := h.cfg.Changer.Copy(r.Context(), r.path, dst, g, opt)
	if err != nil {
		return err
	}
	transferred(w, replaced, !opt.Modified.IsZero())
	return nil
}

// move renames an entry (RFC 4918 §9.9), replacing in the same step what is in
// the way, unless the client forbids it: a missing Overwrite header means "T"
// (§10.6), and macOS sends none.
func (h *Handler) move(w http.ResponseWriter, r *request) error {
	dst, g, err := h.transfer(r)
	if err != nil {
		return err
	}
	if depth := r.Header.Get("Depth"); depth != "" && !strings.EqualFold(depth, "infinity") {
		return metadata.Errorf(metadata.KindInvalid, "MOVE takes the depth infinity only, not %.40q", depth)
	}
	replaced, err := h.cfg.Changer.Rename(r.Context(), r.path, dst, g, overwrite(r.Request))
	if err != nil {
		return err
	}
	accepted := false
	if t := parseMtime(r.Header.Get("X-OC-Mtime")); !t.IsZero() {
		// The conditions were about the old name and have been met; the tokens
		// still count. The move is done: without the time the client sets it.
		own := metadata.Guard{User: g.User, Tokens: tokensOf(&g)}
		_, err := h.cfg.Changer.SetAttr(r.Context(), dst, own, metadata.AttrChange{Modified: &t})
		accepted = err == nil
	}
	transferred(w, replaced, accepted)
	return nil
}

// transfer checks what COPY and MOVE have in common. Source and destination
// that are the same, or contain one another, are refused here, before any
// precondition, as RFC 4918 §9.8.5 and §9.9.4 have it; the namespace checks
// again.
func (h *Handler) transfer(r *request) (dst metadata.Path, g metadata.Guard, err error) {
	if dst, err = h.destination(r); err != nil {
		return "", g, err
	}
	if dst.Contains(r.path) || r.path.Contains(dst) {
		// COPY with Depth 0 makes a new empty directory and could go below its
		// source, but a client that asks for that has made a mistake.
		return "", g, metadata.Errorf(metadata.KindDenied, "%s and %s are the same, or one contains the other", r.path, dst)
	}
	g, err = h.guard(r)
	return dst, g, err
}

// overwrite reports whether the destination may be replaced (RFC 4918 §10.6).
func overwrite(r *http.Request) bool {
	return !strings.EqualFold(strings.TrimSpace(r.Header.Get("Overwrite")), "F")
}

// transferred answers a COPY or MOVE that succeeded.
func transferred(w http.ResponseWriter, replaced, mtime bool) {
	if mtime {
		w.Header()["X-Oc-Mtime"] = []string{"accepted"}
	}
	if replaced {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
