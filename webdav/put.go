package webdav

import (
	"context"
	"io"
	"net/http"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

const (
	// putSmallBytes of a body are taken in before anything is done with it. Who
	// announces much and sends nothing, or sends little slowly, holds no place
	// among the uploads and no buffer meanwhile.
	putSmallBytes = 64 << 10
	// putUncheckedBytes is up to which size a body without conditions is
	// uploaded before locks and quota are looked at: the commit looks at them
	// anyway, and a lookup more costs as much as the data.
	putUncheckedBytes = 1 << 20
)

// put serves PUT (RFC 9110 §9.3.4, RFC 4918 §9.7). The body becomes new blocks
// beside the old version; one command makes them the file's content, and checks
// locks and conditions again in the same step. Whatever fails before that
// leaves the old version as it was.
func (h *Handler) put(w http.ResponseWriter, r *request) error {
	if r.path == metadata.Root || r.slash {
		return metadata.Errorf(metadata.KindIsDir, "%s is a directory; a file's path has no slash at its end", r.path)
	}
	u, err := parseUpload(r.Request)
	if err != nil {
		return err
	}
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	replicas, err := h.admit(r, &g, u.size)
	if err != nil {
		return err
	}
	size, err := u.prefetch()
	if err != nil {
		return err
	}
	leave, err := h.uploads.enter(r.Context(), r.user.Name)
	if err != nil {
		return err
	}
	defer leave()
	done, err := h.store(r.Context(), r.path, g, u, blockio.CreateOptions{Replicas: replicas, Size: size})
	if err != nil {
		return err
	}
	head := w.Header()
	head["Etag"] = []string{done.Entry.ETag()}
	head["Last-Modified"] = []string{done.Entry.Modified.UTC().Format(http.TimeFormat)}
	if !u.modified.IsZero() {
		head["X-Oc-Mtime"] = []string{"accepted"}
	}
	if done.Created {
		head["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusCreated)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// store writes the body to blocks and commits them.
func (h *Handler) store(ctx context.Context, p metadata.Path, g metadata.Guard, u *upload, opt blockio.CreateOptions) (
	done metadata.Committed, err error) {
	bw := h.cfg.Blocks.Create(ctx, opt)
	defer bw.Abort()
	if _, err := io.Copy(bw, u); err != nil {
		if u.err != nil {
			return done, u.err // the client's fault, not the storage servers'
		}
		return done, err
	}
	if err := u.check(); err != nil {
		return done, err
	}
	err = bw.Commit(ctx, func(ctx context.Context, m metadata.Commit) error {
		if err := u.checkSHA1(m.SHA1); err != nil {
			return err
		}
		m.Modified = u.modified
		done, err = h.cfg.Changer.Commit(ctx, p, g, m)
		return err
	})
	return done, err
}

// admit refuses an upload that cannot succeed before its first byte is read,
// so that a client that sent "Expect: 100-continue" keeps its gigabytes. It
// returns the number of replicas the file needs. What it lets pass is checked
// again by the commit.
func (h *Handler) admit(r *request, g *metadata.Guard, size int64) (replicas int, err error) {
	if !r.user.Role.Allows(metadata.RoleWriter) {
		return 0, metadata.Errorf(metadata.KindDenied, "%s may only read", r.user.Name)
	}
	dir, _ := r.path.Split()
	look := metadata.LookupOptions{User: r.user.Name, Locks: true}
	small := size >= 0 && size <= putUncheckedBytes && r.Header.Get("Expect") == "" && !conditional(g)
	if !small {
		e, err := h.cfg.Tree.Lookup(r.Context(), r.path, look)
		switch {
		case err == nil && e.IsDir:
			return 0, metadata.Errorf(metadata.KindIsDir, "%s is a directory", r.path)
		case err == nil:
			if err := precheck(r.path, g, &e, e.Locks); err != nil {
				return 0, err
			}
			return e.EffectiveReplication, h.roomFor(r.Context(), dir, size, e.Size)
		case metadata.KindOf(err) != metadata.KindNotFound:
			return 0, err
		}
	} else {
		look.Locks = false
	}
	parent, err := h.cfg.Tree.Lookup(r.Context(), dir, look)
	switch {
	case err != nil && metadata.KindOf(err) == metadata.KindNotFound, err == nil && !parent.IsDir:
		return 0, metadata.Errorf(metadata.KindParentMissing, "there is no directory %s", dir)
	case err != nil:
		return 0, err
	}
	if !small {
		if err := precheck(r.path, g, nil, parent.Locks); err != nil {
			return 0, err
		}
		err = h.roomFor(r.Context(), dir, size, 0)
	}
	return parent.EffectiveReplication, err
}

// roomFor refuses a large upload for which there is no room. It is an early
// warning: the quota itself is kept by the commit.
func (h *Handler) roomFor(ctx context.Context, dir metadata.Path, size, old int64) error {
	if size <= putUncheckedBytes {
		return nil
	}
	q, err := h.cfg.Tree.Quota(ctx, dir)
	if err != nil || q.AvailableBytes < 0 || size <= q.AvailableBytes+old {
		return nil // when nobody can tell now, the commit will
	}
	return metadata.Errorf(metadata.KindQuota, "%d bytes are left in %s, %d are needed", q.AvailableBytes, dir, size)
}
