package admin

import (
	"context"
	"fmt"
	"strings"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// MakeDirectory implements api.StrictServerInterface.
func (h *handlers) MakeDirectory(ctx context.Context, r api.MakeDirectoryRequestObject) (api.MakeDirectoryResponseObject, error) {
	p, err := metadata.ParsePath(r.Body.Path)
	if err != nil {
		return nil, err
	}
	e, err := h.cfg.Cluster.Mkdir(h.acting(ctx, ""), p, guardOf(ctx))
	h.record(ctx, "fs.mkdir", string(p), "", err)
	if err != nil {
		return nil, err
	}
	return api.MakeDirectory201JSONResponse(apiEntry(p, &e)), nil
}

// paths reads a transfer's ends.
func paths(t *api.Transfer) (from, to metadata.Path, err error) {
	if from, err = metadata.ParsePath(t.From); err != nil {
		return "", "", err
	}
	to, err = metadata.ParsePath(t.To)
	return from, to, err
}

// transferText says where something went, for the audit.
func transferText(to metadata.Path, replaced bool) string {
	if replaced {
		return "to " + string(to) + ", replacing what was there"
	}
	return "to " + string(to)
}

// MoveEntry implements api.StrictServerInterface.
func (h *handlers) MoveEntry(ctx context.Context, r api.MoveEntryRequestObject) (api.MoveEntryResponseObject, error) {
	from, to, err := paths(r.Body)
	if err != nil {
		return nil, err
	}
	replaced, err := h.cfg.Cluster.Rename(h.acting(ctx, ""), from, to, guardOf(ctx), r.Body.Overwrite)
	h.record(ctx, "fs.move", string(from), transferText(to, replaced), err)
	if err != nil {
		return nil, err
	}
	p, e, err := h.lookup(ctx, string(to))
	return api.MoveEntry200JSONResponse(apiEntry(p, &e)), err
}

// CopyEntry implements api.StrictServerInterface.
func (h *handlers) CopyEntry(ctx context.Context, r api.CopyEntryRequestObject) (api.CopyEntryResponseObject, error) {
	from, to, err := paths(r.Body)
	if err != nil {
		return nil, err
	}
	opt := metadata.CopyOptions{Overwrite: r.Body.Overwrite}
	replaced, err := h.cfg.Cluster.Copy(h.acting(ctx, ""), from, to, guardOf(ctx), opt)
	h.record(ctx, "fs.copy", string(from), transferText(to, replaced), err)
	if err != nil {
		return nil, err
	}
	p, e, err := h.lookup(ctx, string(to))
	return api.CopyEntry200JSONResponse(apiEntry(p, &e)), err
}

// DeleteEntries implements api.StrictServerInterface. What cannot be deleted is
// named; the rest goes.
func (h *handlers) DeleteEntries(ctx context.Context, r api.DeleteEntriesRequestObject) (api.DeleteEntriesResponseObject, error) {
	out := api.DeleteResult{DryRun: deref(r.Params.DryRun), Failed: []api.PathProblem{}, Complete: new(true)}
	acting := h.acting(ctx, "")
	var gone []string
	defer func() {
		if len(gone) > 0 { // also when the time was up before the last one
			h.record(ctx, "fs.delete", summary(gone), strings.Join(gone, "\n"), nil)
		}
	}()
	for _, text := range r.Body.Paths {
		p, e, err := h.lookup(ctx, text)
		if err == nil && p == metadata.Root {
			err = metadata.Errorf(metadata.KindConflict, "the drive's root cannot be deleted")
		}
		if err == nil && !out.DryRun {
			err = h.cfg.Cluster.Remove(acting, p, guardOf(ctx))
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			prob, _ := problemOf(err)
			out.Failed = append(out.Failed, api.PathProblem{Path: text, Code: prob.Code, Title: prob.Title})
			continue
		}
		if e.IsDir {
			out.Files, out.Bytes = out.Files+e.Usage.Files, out.Bytes+e.Usage.Bytes
			out.Directories += e.Usage.Dirs + 1
		} else {
			out.Files, out.Bytes = out.Files+1, out.Bytes+e.Size
		}
		if !out.DryRun {
			out.Deleted++
			gone = append(gone, string(p))
		}
	}
	return api.DeleteEntries200JSONResponse(out), nil
}

// summary names the first of some paths, for the audit.
func summary(paths []string) string {
	first := strings.ToValidUTF8(paths[0][:min(len(paths[0]), metadata.AuditFieldMax/2)], "")
	if len(paths) == 1 {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, len(paths)-1)
}

// ChangeAttributes implements api.StrictServerInterface.
func (h *handlers) ChangeAttributes(ctx context.Context, r api.ChangeAttributesRequestObject) (api.ChangeAttributesResponseObject, error) {
	p, e, err := h.lookup(ctx, r.Body.Path)
	if err != nil {
		return nil, err
	}
	if !e.IsDir {
		return nil, metadata.Errorf(metadata.KindNotDir, "%s is a file: replication and quota are set on folders", p)
	}
	im := api.Impact{DryRun: deref(r.Params.DryRun), Facts: []api.Fact{}, Blockers: []string{}}
	var said []string
	if c := r.Body.Replication; c != nil {
		said = append(said, copiesText(*c))
		im.Facts = append(im.Facts, fact("Copies now", false, "%d", e.EffectiveReplication),
			fact("Files in it keep their copies", false, "%d files, %s", e.Usage.Files, health.Size(e.Usage.Bytes)))
		if up := h.snap.get().Report.Nodes.Up; *c > up {
			im.Blockers = append(im.Blockers, fmt.Sprintf("there are %d storage servers that answer: they cannot keep %d copies", up, *c))
		}
	}
	if q := r.Body.QuotaBytes; q != nil {
		if *q == 0 {
			said = append(said, "the folder has no limit of its own")
		} else {
			said = append(said, "the folder takes at most "+health.Size(*q))
		}
		im.Facts = append(im.Facts, fact("In it now", *q > 0 && e.Usage.Bytes > *q, "%s", health.Size(e.Usage.Bytes)))
	}
	if len(said) == 0 {
		return nil, metadata.Errorf(metadata.KindInvalid, "nothing is to be changed: give replication or quota_bytes")
	}
	im.Sentence = strings.ToUpper(said[0][:1]) + strings.Join(said, "; ")[1:] + "."
	switch {
	case im.DryRun:
		return api.ChangeAttributes200JSONResponse(im), nil
	case len(im.Blockers) > 0:
		return nil, metadata.Errorf(metadata.KindConflict, "%s", im.Blockers[0])
	}
	_, err = h.cfg.Cluster.SetAttr(h.acting(ctx, deref(r.Body.Reason)), p, guardOf(ctx),
		metadata.AttrChange{Replication: r.Body.Replication, QuotaBytes: r.Body.QuotaBytes})
	// The namespace has it in the audit, as every change of a rule.
	return api.ChangeAttributes200JSONResponse(im), err
}

func copiesText(n int) string {
	if n == 0 {
		return "new files get as many copies as the folder above says"
	}
	return fmt.Sprintf("new files in it get %d copies", n)
}
