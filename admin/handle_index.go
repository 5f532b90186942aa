package admin

import (
	"context"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// Bounds of one walk over a folder.
const (
	indexPages = 2000 // of metadata.ListLimitMax entries
	indexTime  = 8 * time.Second
	walksMax   = 4 // at a time: each is a thousand readings, one after the other
)

// IndexEntries implements api.StrictServerInterface. It reads what ListEntries
// reads and keeps one cursor of a thousand entries.
func (h *handlers) IndexEntries(ctx context.Context, r api.IndexEntriesRequestObject) (api.IndexEntriesResponseObject, error) {
	p, err := metadata.ParsePath(r.Params.Path)
	if err != nil {
		return nil, err
	}
	after, err := keyOf(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	select {
	case h.walks <- struct{}{}:
		defer func() { <-h.walks }()
	case <-ctx.Done():
		return nil, metadata.Errorf(metadata.KindBusy, "too many large folders are being counted")
	}
	out := api.EntryIndex{Cursors: []string{}}
	end := time.Now().Add(indexTime)
	for range indexPages {
		page, err := h.cfg.Cluster.List(ctx, p, metadata.ListOptions{User: callerOf(ctx).user.Name, After: after, Limit: metadata.ListLimitMax})
		if err != nil {
			return nil, err
		}
		out.Count += len(page.Entries)
		if !page.More || len(page.Entries) == 0 {
			out.NextCursor = nil
			break
		}
		after = page.Entries[len(page.Entries)-1].Name
		out.NextCursor = cursorOf(after)
		out.Cursors = append(out.Cursors, *out.NextCursor)
		if time.Now().After(end) {
			break
		}
	}
	return api.IndexEntries200JSONResponse(out), nil
}
