package admin

import (
	"context"
	"fmt"
	"strings"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/phrase"
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
	var gone, unknown []string
	var missing error // the answer about the last of unknown
	defer func() {    // also when the time was up before the last one
		if len(gone) > 0 {
			h.record(ctx, "fs.delete", summary(gone), strings.Join(gone, "\n"), nil)
		}
		if len(unknown) > 0 {
			h.record(ctx, "fs.delete", summary(unknown), strings.Join(unknown, "\n"), missing)
		}
	}()
	for _, text := range r.Body.Paths {
		p, e, err := h.lookup(ctx, text)
		if err == nil && p == metadata.Root {
			err = errSaid(metadata.KindConflict, sayRoot())
		}
		if err == nil && !out.DryRun {
			if err = h.cfg.Cluster.Remove(acting, p, guardOf(ctx)); err != nil && mayHaveBeen(err) {
				unknown, missing = append(unknown, string(p)), err
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			prob, _ := problemOf(err)
			out.Failed = append(out.Failed, api.PathProblem{Path: text, Code: prob.Code, Title: prob.Title, TitlePhrase: prob.TitlePhrase})
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
	im := impact(phrase.Phrase{})
	im.DryRun = deref(r.Params.DryRun)
	var said []phrase.Phrase
	if c := r.Body.Replication; c != nil {
		said = append(said, sayCopies(*c))
		im.Facts = append(im.Facts, fact(labelCopies(), false, figure(phrase.Count(e.EffectiveReplication))),
			fact(labelKept(), false, sayFiles(e.Usage.Files, e.Usage.Bytes)))
		if up := h.snap.get().Report.Nodes.Up; *c > up {
			block(&im, blockTooManyCopies(up, *c))
		}
	}
	if q := r.Body.QuotaBytes; q != nil {
		said = append(said, sayQuota(*q))
		im.Facts = append(im.Facts, fact(labelInIt(), *q > 0 && e.Usage.Bytes > *q, figure(phrase.Bytes(e.Usage.Bytes))))
	}
	if len(said) == 0 {
		return nil, metadata.Errorf(metadata.KindInvalid, "nothing is to be changed: give replication or quota_bytes")
	}
	sentence := sayAttributes(said)
	im.Sentence, im.SentencePhrase = sentence.String(), sentence.Key()
	if im.DryRun {
		return api.ChangeAttributes200JSONResponse(im), nil
	}
	if err := blocked(&im); err != nil {
		return nil, err
	}
	_, err = h.cfg.Cluster.SetAttr(h.acting(ctx, deref(r.Body.Reason)), p, guardOf(ctx),
		metadata.AttrChange{Replication: r.Body.Replication, QuotaBytes: r.Body.QuotaBytes})
	// The namespace has it in the audit, as every change of a rule.
	return api.ChangeAttributes200JSONResponse(im), err
}
