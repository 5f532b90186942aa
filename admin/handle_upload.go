package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"kendfs/admin/api"
	"kendfs/admin/upload"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func apiUpload(s *upload.State) api.Upload {
	out := api.Upload{Id: s.ID, Path: s.Path, Size: s.Size, Offset: s.Offset, Done: s.Done}
	if s.Done {
		e := apiEntry(metadata.Path(s.Path), &s.Entry)
		out.Entry = &e
	}
	return out
}

// BeginUpload implements api.StrictServerInterface.
func (h *handlers) BeginUpload(ctx context.Context, r api.BeginUploadRequestObject) (api.BeginUploadResponseObject, error) {
	p, err := metadata.ParsePath(r.Body.Path)
	if err != nil {
		return nil, err
	}
	dir, name := p.Split()
	if name == "" {
		return nil, metadata.Errorf(metadata.KindIsDir, "the drive's root is no file")
	}
	who := callerOf(ctx)
	if deref(r.Body.Parents) {
		if err := h.makeParents(ctx, dir); err != nil {
			return nil, err
		}
	}
	parent, err := h.cfg.Cluster.Lookup(ctx, dir, metadata.LookupOptions{User: who.user.Name})
	switch {
	case metadata.KindOf(err) == metadata.KindNotFound && err != nil:
		return nil, metadata.Errorf(metadata.KindParentMissing, "the folder %s does not exist", dir)
	case err != nil:
		return nil, err
	case !parent.IsDir:
		return nil, metadata.Errorf(metadata.KindNotDir, "%s is a file", dir)
	}
	overwrite := deref(r.Body.Overwrite)
	if err := h.admit(ctx, p, r.Body.Size, overwrite); err != nil {
		return nil, err
	}
	guard := guardOf(ctx)
	if !overwrite {
		guard.IfNoneMatch = &metadata.ETagSet{Any: true}
	}
	actor, modified := h.actor(who, ""), modifiedOf(r.Body.Modified)
	state, err := h.uploads.Begin(upload.Spec{
		User: who.user.Name, Path: string(p), Size: r.Body.Size,
		Create: func(ctx context.Context) upload.Writer {
			return h.cfg.Content.Create(ctx, parent.EffectiveReplication, r.Body.Size)
		},
		Commit: func(ctx context.Context, c metadata.Commit) (metadata.Entry, error) {
			c.Modified = modified
			done, err := h.cfg.Cluster.Commit(h.cfg.Cluster.WithActor(ctx, actor), p, guard, c)
			if err != nil && !overwrite && metadata.KindOf(err) == metadata.KindPrecondition {
				err = errThere(p)
			}
			if err == nil || metadata.KindOf(err) != metadata.KindStale { // then it is tried again
				h.record(ctx, "fs.upload", string(p), health.Size(c.Size), err)
			}
			return done.Entry, err
		},
	})
	if err != nil {
		return nil, err
	}
	return api.BeginUpload201JSONResponse(apiUpload(&state)), nil
}

func errThere(p metadata.Path) error {
	return errSaid(metadata.KindExists, sayThere(string(p)))
}

// admit refuses an upload that cannot succeed before its first byte. What it
// lets pass is checked again by the commit.
func (h *handlers) admit(ctx context.Context, p metadata.Path, size int64, overwrite bool) error {
	dir, _ := p.Split()
	there, err := h.cfg.Cluster.Lookup(ctx, p, metadata.LookupOptions{User: callerOf(ctx).user.Name})
	switch {
	case err == nil && there.IsDir:
		return errSaid(metadata.KindIsDir, sayIsFolder(string(p)))
	case err == nil && !overwrite:
		return errThere(p)
	case err != nil && metadata.KindOf(err) != metadata.KindNotFound:
		return err
	}
	q, err := h.cfg.Cluster.Quota(ctx, dir)
	if err != nil || q.AvailableBytes < 0 {
		return err
	}
	if left := q.AvailableBytes + there.Size; size > left {
		return errSaid(metadata.KindNoSpace, sayNoRoomFor(size, left))
	}
	return nil
}

// makeParents makes the folders on the way to dir that are missing.
func (h *handlers) makeParents(ctx context.Context, dir metadata.Path) error {
	at := metadata.Root
	for _, name := range dir.Names() {
		at = at.Join(name)
		_, err := h.cfg.Cluster.Lookup(ctx, at, metadata.LookupOptions{User: callerOf(ctx).user.Name})
		if err == nil || metadata.KindOf(err) != metadata.KindNotFound {
			if err != nil {
				return err
			}
			continue
		}
		// Another upload of the same folder may be quicker.
		_, err = h.cfg.Cluster.Mkdir(h.acting(ctx, ""), at, guardOf(ctx))
		if err != nil && metadata.KindOf(err) == metadata.KindExists {
			continue
		}
		h.record(ctx, "fs.mkdir", string(at), "", err)
		if err != nil {
			return err
		}
	}
	return nil
}

// GetUpload implements api.StrictServerInterface.
func (h *handlers) GetUpload(ctx context.Context, r api.GetUploadRequestObject) (api.GetUploadResponseObject, error) {
	s, err := h.uploads.Get(callerOf(ctx).user.Name, r.Id)
	return api.GetUpload200JSONResponse(apiUpload(&s)), err
}

// CancelUpload implements api.StrictServerInterface.
func (h *handlers) CancelUpload(ctx context.Context, r api.CancelUploadRequestObject) (api.CancelUploadResponseObject, error) {
	return api.CancelUpload204Response{}, h.uploads.Cancel(callerOf(ctx).user.Name, r.Id)
}

// ContinueUpload implements api.StrictServerInterface.
func (h *handlers) ContinueUpload(ctx context.Context, r api.ContinueUploadRequestObject) (api.ContinueUploadResponseObject, error) {
	who := callerOf(ctx)
	offset, err := strconv.ParseInt(who.http.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return nil, errInvalid("The header Upload-Offset says where the bytes belong: want a whole number.")
	}
	// The client may go away when all has been sent: what is complete is
	// committed all the same.
	s, err := h.uploads.Append(context.WithoutCancel(ctx), who.user.Name, r.Id, offset, r.Body)
	var elsewhere *upload.OffsetError
	if errors.As(err, &elsewhere) {
		p := refuse(http.StatusConflict, "offset", sayKind(metadata.KindInvalid, elsewhere.Error()+"."), adviceOffset())
		p.Offset = &elsewhere.Offset
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return api.ContinueUpload200JSONResponse(apiUpload(&s)), nil
}
