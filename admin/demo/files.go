package demo

import (
	"context"
	"fmt"
	"time"

	"kendfs/metadata"
)

// blockBytes is how the demo's files are cut.
const blockBytes = 8 << 20

// entry describes f as the namespace would.
func (d *Cluster) entry(f *file) metadata.Entry {
	e := metadata.Entry{
		ID: f.id, Name: f.name, IsDir: f.dir, Size: f.size, Modified: f.modified, Created: f.created, Owner: f.owner,
		Content: f.content, Usage: f.usage, QuotaBytes: f.quota, Replication: f.copies,
		EffectiveReplication: f.inherited(d.info.Replication),
	}
	if !f.dir {
		e.BlockCount = int((f.size + blockBytes - 1) / blockBytes)
		sum := make([]byte, 20)
		newStream(f.content).readAt(sum, 0)
		e.SHA1 = sum
		if e.BlockCount <= metadata.InlineRefsMax {
			e.Blocks = d.refs(f.content, f.size, 0, e.BlockCount)
		}
	}
	return e
}

// refs makes the references of a content's blocks: they are in some volume,
// always the same.
func (d *Cluster) refs(c metadata.ContentID, size int64, from, n int) []metadata.BlockRef {
	var out []metadata.BlockRef
	for i := from; i < from+n && int64(i)*blockBytes < size; i++ {
		local := metadata.LocalID(uint64(c)*64 + uint64(i))
		id := metadata.BlockID{Volume: metadata.VolumeID((uint64(c)*2654435761+uint64(i)*40503)%uint64(len(d.volumes)) + 1), Local: local}
		out = append(out, metadata.BlockRef{ID: id, Length: uint32(min(blockBytes, size-int64(i)*blockBytes))})
	}
	return out
}

// may refuses what the user's role does not allow, as the namespace does.
func (d *Cluster) may(user string, least metadata.Role) error {
	if user == "" {
		return nil
	}
	u, ok := d.users[user]
	switch {
	case !ok || u.Disabled:
		return metadata.Errorf(metadata.KindDenied, "user %q may not sign in", user)
	case !u.Role.Allows(least):
		return metadata.Errorf(metadata.KindDenied, "user %q needs the role %s for this", user, least)
	}
	return nil
}

// mayChange is may for changes.
func (d *Cluster) mayChange(g metadata.Guard) error {
	if d.info.ReadOnly {
		return metadata.Errorf(metadata.KindReadOnly, "writing is switched off")
	}
	return d.may(g.User, metadata.RoleWriter)
}

// Lookup implements admin.Cluster.
func (d *Cluster) Lookup(_ context.Context, p metadata.Path, opt metadata.LookupOptions) (metadata.Entry, error) {
	defer d.look()()
	if err := d.may(opt.User, metadata.RoleViewer); err != nil {
		return metadata.Entry{}, err
	}
	f, err := d.tree.walk(p)
	if err != nil {
		return metadata.Entry{}, err
	}
	return d.entry(f), nil
}

// List implements admin.Cluster.
func (d *Cluster) List(_ context.Context, p metadata.Path, opt metadata.ListOptions) (metadata.Page, error) {
	defer d.look()()
	if err := d.may(opt.User, metadata.RoleViewer); err != nil {
		return metadata.Page{}, err
	}
	f, err := d.tree.walk(p)
	if err != nil {
		return metadata.Page{}, err
	}
	if !f.dir {
		return metadata.Page{}, metadata.Errorf(metadata.KindNotDir, "%s is a file", p)
	}
	limit := opt.Limit
	if limit <= 0 || limit > metadata.ListLimitMax {
		limit = metadata.ListLimitMax
	}
	i, found := 0, false
	if opt.After != "" {
		if i, found = f.find(opt.After); found {
			i++
		}
	}
	page := metadata.Page{Dir: d.entry(f)}
	for ; i < len(f.kids) && len(page.Entries) < limit; i++ {
		page.Entries = append(page.Entries, d.entry(f.kids[i]))
	}
	page.More = i < len(f.kids)
	return page, nil
}

// Blocks implements admin.Cluster.
func (d *Cluster) Blocks(_ context.Context, c metadata.ContentID, index int) ([]metadata.BlockRef, error) {
	defer d.look()()
	f := d.tree.root.byContent(c)
	if f == nil {
		return nil, metadata.Errorf(metadata.KindNotFound, "there is no content %d", c)
	}
	return d.refs(c, f.size, index, metadata.StageRefsMax), nil
}

func (f *file) byContent(c metadata.ContentID) *file {
	if !f.dir && f.content == c {
		return f
	}
	for _, k := range f.kids {
		if hit := k.byContent(c); hit != nil {
			return hit
		}
	}
	return nil
}

// Quota implements admin.Cluster.
func (d *Cluster) Quota(_ context.Context, p metadata.Path) (metadata.Quota, error) {
	defer d.look()()
	f, err := d.tree.walk(p)
	if err != nil {
		return metadata.Quota{}, err
	}
	q := metadata.Quota{UsedBytes: f.usage.Bytes, AvailableBytes: d.report.Free / 3}
	for ; f != nil; f = f.up {
		if f.quota > 0 {
			q.AvailableBytes = min(q.AvailableBytes, max(0, f.quota-f.usage.Bytes))
		}
	}
	return q, nil
}

// Mkdir implements admin.Cluster.
func (d *Cluster) Mkdir(_ context.Context, p metadata.Path, g metadata.Guard) (metadata.Entry, error) {
	defer d.look()()
	up, name, err := d.target(p, g)
	if err != nil {
		return metadata.Entry{}, err
	}
	if _, ok := up.find(name); ok {
		return metadata.Entry{}, metadata.Errorf(metadata.KindExists, "%s is there already", p)
	}
	return d.entry(d.tree.folder(up, name, d.now, g.User)), nil
}

// target returns where a change is to be made, if it may.
func (d *Cluster) target(p metadata.Path, g metadata.Guard) (*file, string, error) {
	if err := d.mayChange(g); err != nil {
		return nil, "", err
	}
	if d.tree.count >= entriesMax {
		return nil, "", metadata.Errorf(metadata.KindTooLarge, "the demo has %d entries, and takes no more", entriesMax)
	}
	return d.tree.parent(p)
}

// Rename implements admin.Cluster.
func (d *Cluster) Rename(_ context.Context, src, dst metadata.Path, g metadata.Guard, overwrite bool) (bool, error) {
	defer d.look()()
	f, up, name, err := d.pair(src, dst, g)
	if err != nil {
		return false, err
	}
	if f == d.tree.root {
		return false, metadata.Errorf(metadata.KindConflict, "the drive's root cannot be moved")
	}
	replaced := false
	if err := up.room(name, f.total().Bytes, f); err != nil {
		return false, err
	}
	if i, ok := up.find(name); !ok || up.kids[i] != f { // not just another spelling
		if replaced, err = d.tree.place(up, name, overwrite); err != nil {
			return false, err
		}
	}
	d.tree.cut(f)
	f.name = name
	d.tree.add(up, f)
	return replaced, nil
}

// pair returns the source and the place of the destination.
func (d *Cluster) pair(src, dst metadata.Path, g metadata.Guard) (f, up *file, name string, err error) {
	if up, name, err = d.target(dst, g); err != nil {
		return nil, nil, "", err
	}
	if f, err = d.tree.walk(src); err != nil {
		return nil, nil, "", err
	}
	if src == dst || dst.Contains(src) || src.Contains(dst) {
		return nil, nil, "", metadata.Errorf(metadata.KindConflict, "%s and %s are the same or contain each other", src, dst)
	}
	return f, up, name, nil
}

// Copy implements admin.Cluster.
func (d *Cluster) Copy(_ context.Context, src, dst metadata.Path, g metadata.Guard, opt metadata.CopyOptions) (bool, error) {
	defer d.look()()
	f, up, name, err := d.pair(src, dst, g)
	if err != nil {
		return false, err
	}
	if int(f.usage.Files+f.usage.Dirs)+d.tree.count > entriesMax {
		return false, metadata.Errorf(metadata.KindTooLarge, "the demo takes at most %d entries", entriesMax)
	}
	bytes := f.total().Bytes
	if opt.Shallow && f.dir {
		bytes = 0
	}
	if err := up.room(name, bytes, nil); err != nil {
		return false, err
	}
	replaced, err := d.tree.place(up, name, opt.Overwrite)
	if err != nil {
		return false, err
	}
	d.tree.clone(up, f, name, d.now, opt.Shallow)
	return replaced, nil
}

func (t *tree) clone(up, f *file, name string, now time.Time, shallow bool) {
	t.lastID++
	c := t.add(up, &file{id: t.lastID, name: name, dir: f.dir, size: f.size, modified: f.modified, created: now,
		owner: f.owner, content: f.content, data: f.data})
	t.held += int64(len(f.data))
	if shallow {
		return
	}
	for _, k := range f.kids {
		t.clone(c, k, k.name, now, false)
	}
}

// Remove implements admin.Cluster.
func (d *Cluster) Remove(_ context.Context, p metadata.Path, g metadata.Guard) error {
	defer d.look()()
	if err := d.mayChange(g); err != nil {
		return err
	}
	f, err := d.tree.walk(p)
	if err != nil {
		return err
	}
	if f == d.tree.root {
		return metadata.Errorf(metadata.KindConflict, "the drive's root cannot be deleted")
	}
	d.tree.drop(f)
	return nil
}

// SetAttr implements admin.Cluster.
func (d *Cluster) SetAttr(ctx context.Context, p metadata.Path, g metadata.Guard, s metadata.AttrChange) (metadata.Entry, error) {
	defer d.look()()
	if err := d.mayChange(g); err != nil {
		return metadata.Entry{}, err
	}
	f, err := d.tree.walk(p)
	if err != nil {
		return metadata.Entry{}, err
	}
	if s.QuotaBytes != nil || s.Replication != nil {
		if err := d.may(g.User, metadata.RoleAdmin); err != nil {
			return metadata.Entry{}, err
		}
		if !f.dir {
			return metadata.Entry{}, metadata.Errorf(metadata.KindNotDir, "%s is a file", p)
		}
	}
	switch {
	case s.QuotaBytes != nil && *s.QuotaBytes < 0:
		return metadata.Entry{}, metadata.Errorf(metadata.KindInvalid, "a quota of %d bytes", *s.QuotaBytes)
	case s.Replication != nil && (*s.Replication < 0 || *s.Replication > metadata.ReplicasMax):
		return metadata.Entry{}, metadata.Errorf(metadata.KindInvalid, "%d replicas, at most %d", *s.Replication, metadata.ReplicasMax)
	}
	if s.QuotaBytes != nil {
		f.quota = *s.QuotaBytes
	}
	if s.Replication != nil {
		f.copies = *s.Replication
	}
	if s.Modified != nil {
		f.modified = *s.Modified
	}
	d.did(ctx, "fs.attributes", string(p), fmt.Sprintf("replication %d, quota %d", f.copies, f.quota))
	return d.entry(f), nil
}
