package admin

import (
	"context"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// guardOf is what changes of the tree carry: who asks. The namespace decides.
func guardOf(ctx context.Context) metadata.Guard {
	return metadata.Guard{User: callerOf(ctx).user.Name}
}

func apiEntry(p metadata.Path, e *metadata.Entry) api.Entry {
	out := api.Entry{
		Name: e.Name, Path: string(p), Dir: e.IsDir, Size: e.Size, Modified: e.Modified.UTC(), Created: e.Created.UTC(), Etag: e.ETag(),
		Replication: ptr(e.EffectiveReplication), Locked: ptr(len(e.Locks) > 0),
	}
	if e.IsDir {
		out.Size = e.Usage.Bytes
	} else {
		out.Type = ptr(mediaTypeOf(e.Name))
	}
	return out
}

// lookup reads an entry in the caller's name.
func (h *handlers) lookup(ctx context.Context, text string) (metadata.Path, metadata.Entry, error) {
	p, err := metadata.ParsePath(text)
	if err != nil {
		return "", metadata.Entry{}, err
	}
	e, err := h.cfg.Cluster.Lookup(ctx, p, metadata.LookupOptions{User: callerOf(ctx).user.Name, Locks: true})
	return p, e, err
}

// ListEntries implements api.StrictServerInterface.
func (h *handlers) ListEntries(ctx context.Context, r api.ListEntriesRequestObject) (api.ListEntriesResponseObject, error) {
	p, err := metadata.ParsePath(r.Params.Path)
	if err != nil {
		return nil, err
	}
	after, err := keyOf(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := h.cfg.Cluster.List(ctx, p, metadata.ListOptions{
		User: callerOf(ctx).user.Name, After: after, Limit: limitOf(r.Params.Limit), Locks: true,
	})
	if err != nil {
		return nil, err
	}
	out := api.EntryList{Dir: apiEntry(p, &page.Dir), Items: make([]api.Entry, 0, len(page.Entries))}
	for i := range page.Entries {
		out.Items = append(out.Items, apiEntry(p.Join(page.Entries[i].Name), &page.Entries[i]))
	}
	if page.More && len(page.Entries) > 0 {
		out.NextCursor = cursorOf(page.Entries[len(page.Entries)-1].Name)
	}
	return api.ListEntries200JSONResponse(out), nil
}

// StatEntry implements api.StrictServerInterface.
func (h *handlers) StatEntry(ctx context.Context, r api.StatEntryRequestObject) (api.StatEntryResponseObject, error) {
	p, e, err := h.lookup(ctx, r.Params.Path)
	if err != nil {
		return nil, err
	}
	out := api.EntryDetail{Entry: apiEntry(p, &e), Replication: e.EffectiveReplication, UsedBytes: e.Size, Locks: &[]api.LockInfo{}}
	for _, l := range e.Locks {
		*out.Locks = append(*out.Locks, api.LockInfo{User: l.User, Exclusive: !l.Shared, Expires: l.Expires.UTC(), Owner: ptr(plainOwner(l.Owner))})
	}
	if urls := h.webdavURLs(p, e.IsDir); len(urls) > 0 {
		out.Webdav = &urls
	}
	if e.IsDir {
		out.UsedBytes, out.Files, out.Directories = e.Usage.Bytes, &e.Usage.Files, &e.Usage.Dirs
		out.ReplicationOwn, out.QuotaBytes = &e.Replication, &e.QuotaBytes
		if q, err := h.cfg.Cluster.Quota(ctx, p); err == nil && q.AvailableBytes >= 0 {
			out.AvailableBytes = &q.AvailableBytes
		}
		return api.StatEntry200JSONResponse(out), nil
	}
	out.Blocks = &e.BlockCount
	if len(e.SHA1) > 0 {
		out.Sha1 = ptr(hex.EncodeToString(e.SHA1))
	}
	if least, err := h.minLive(ctx, &e); err == nil {
		out.MinLive = least
	}
	return api.StatEntry200JSONResponse(out), nil
}

// plainOwner takes the text out of a lock's owner, which is XML that a client wrote.
func plainOwner(xml string) string {
	var b strings.Builder
	inTag := false
	for _, r := range xml {
		switch {
		case r == '<':
			inTag = true
		case r == '>':
			inTag = false
		case !inTag:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// webdavURLs is where the same entry is over WebDAV.
func (h *handlers) webdavURLs(p metadata.Path, dir bool) []string {
	var out []string
	for _, g := range h.gateways() {
		u, err := url.Parse(g.URL)
		if err != nil {
			continue
		}
		u.Path = string(p)
		if dir && p != metadata.Root {
			u.Path += "/"
		}
		out = append(out, u.String())
	}
	return out
}

// blockRefs reads up to n references from index on.
func (h *handlers) blockRefs(ctx context.Context, e *metadata.Entry, index, n int) ([]metadata.BlockRef, error) {
	if e.Blocks != nil || e.BlockCount == 0 {
		return e.Blocks[min(index, len(e.Blocks)):min(index+n, len(e.Blocks))], nil
	}
	refs, err := h.cfg.Cluster.Blocks(ctx, e.Content, index)
	return refs[:min(n, len(refs))], err
}

// views reads the volumes that blocks are in.
func (h *handlers) views(ctx context.Context, refs []metadata.BlockRef) (map[metadata.VolumeID]api.Volume, error) {
	seen := map[metadata.VolumeID]bool{}
	var ids []metadata.VolumeID
	for _, r := range refs {
		if !seen[r.ID.Volume] {
			seen[r.ID.Volume] = true
			ids = append(ids, r.ID.Volume)
		}
	}
	vs, err := h.cfg.Cluster.Volumes(ctx, ids)
	if err != nil {
		return nil, err
	}
	n := h.snap.get()
	out := make(map[metadata.VolumeID]api.Volume, len(vs))
	for i := range vs {
		out[vs[i].ID] = apiView(n, &vs[i])
	}
	return out, nil
}

// minLive is the least number of live copies of any of the file's blocks; nil
// for an empty file, and for one whose list is longer than is looked at here.
func (h *handlers) minLive(ctx context.Context, e *metadata.Entry) (*int, error) {
	if e.BlockCount == 0 || e.BlockCount > limitMax {
		return nil, nil
	}
	refs, err := h.blockRefs(ctx, e, 0, limitMax)
	if err != nil {
		return nil, err
	}
	vs, err := h.views(ctx, refs)
	if err != nil {
		return nil, err
	}
	least := metadata.ReplicasMax
	for _, r := range refs {
		least = min(least, vs[r.ID.Volume].Live)
	}
	return &least, nil
}

// blockCursor reads the next index and the offset there.
func blockCursor(c *api.Cursor) (index int, offset int64, err error) {
	key, err := keyOf(c)
	if err != nil || key == "" {
		return 0, 0, err
	}
	a, b, _ := strings.Cut(key, ":")
	i, err1 := strconv.ParseUint(a, 10, 31)
	o, err2 := strconv.ParseUint(b, 10, 62)
	if err1 != nil || err2 != nil {
		return 0, 0, errCursor()
	}
	return int(i), int64(o), nil
}

// ListBlocks implements api.StrictServerInterface.
func (h *handlers) ListBlocks(ctx context.Context, r api.ListBlocksRequestObject) (api.ListBlocksResponseObject, error) {
	_, e, err := h.lookup(ctx, r.Params.Path)
	if err != nil {
		return nil, err
	}
	if e.IsDir {
		return nil, metadata.Errorf(metadata.KindIsDir, "%s is a folder", r.Params.Path)
	}
	index, offset, err := blockCursor(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := limitOf(r.Params.Limit)
	refs, err := h.blockRefs(ctx, &e, index, limit)
	if err != nil {
		return nil, err
	}
	vs, err := h.views(ctx, refs)
	if err != nil {
		return nil, err
	}
	out := api.BlockList{Items: []api.Block{}, Total: e.BlockCount}
	for i, ref := range refs {
		v := vs[ref.ID.Volume]
		b := api.Block{Index: index + i, Id: ref.ID.String(), Offset: offset, Length: int64(ref.Length), Volume: ref.ID.Volume.String(),
			Live: v.Live, Target: v.Target, Replicas: v.Replicas}
		if b.Replicas == nil {
			b.Replicas = []api.Replica{}
		}
		out.Items = append(out.Items, b)
		offset += int64(ref.Length)
	}
	if next := index + len(refs); next < e.BlockCount && len(refs) > 0 {
		out.NextCursor = cursorOf(strconv.Itoa(next) + ":" + strconv.FormatInt(offset, 10))
	}
	return api.ListBlocks200JSONResponse(out), nil
}

// Bounds of a search.
const (
	searchSeen  = 50_000
	searchFound = 500
	searchTime  = 8 * time.Second
)

// SearchEntries implements api.StrictServerInterface.
func (h *handlers) SearchEntries(ctx context.Context, r api.SearchEntriesRequestObject) (api.SearchEntriesResponseObject, error) {
	p, err := metadata.ParsePath(r.Params.Path)
	if err != nil {
		return nil, err
	}
	out := api.SearchResult{Items: []api.Entry{}, Complete: true}
	end := time.Now().Add(searchTime)
	err = h.walk(ctx, p, func(at metadata.Path, e *metadata.Entry) bool {
		out.Seen++
		if contains(r.Params.Text, e.Name) {
			out.Items = append(out.Items, apiEntry(at, e))
		}
		if out.Seen >= searchSeen || len(out.Items) >= searchFound || time.Now().After(end) {
			out.Complete = false
		}
		return out.Complete
	})
	if err != nil {
		return nil, err
	}
	return api.SearchEntries200JSONResponse(out), nil
}

// walk visits everything below a directory, folders before what is in them, and
// stops when visit says so. It holds one page of each folder on the way down,
// and no more.
func (h *handlers) walk(ctx context.Context, dir metadata.Path, visit func(metadata.Path, *metadata.Entry) bool) error {
	_, err := h.walkOn(ctx, dir, visit)
	return err
}

// walkOn is walk; on reports whether visit wants more.
func (h *handlers) walkOn(ctx context.Context, dir metadata.Path, visit func(metadata.Path, *metadata.Entry) bool) (on bool, err error) {
	for after, more := "", true; more; {
		page, err := h.cfg.Cluster.List(ctx, dir, metadata.ListOptions{User: callerOf(ctx).user.Name, After: after, Limit: metadata.ListLimitMax})
		if err != nil {
			return false, err
		}
		for i := range page.Entries {
			e := &page.Entries[i]
			at := dir.Join(e.Name)
			if !visit(at, e) {
				return false, nil
			}
			after = e.Name
			if !e.IsDir {
				continue
			}
			on, err := h.walkOn(ctx, at, visit)
			if err != nil && metadata.KindOf(err) != metadata.KindNotFound { // it may go away meanwhile
				return false, err
			}
			if err == nil && !on {
				return false, nil
			}
		}
		more = page.More && len(page.Entries) > 0
	}
	return true, nil
}
