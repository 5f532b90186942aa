package metarpc

import (
	"context"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Client is the nameserver as the rest of the system sees it. Safe for
// concurrent use.
type Client struct {
	backend Backend
	leader  Leader
	self    func() metadata.Presence // nil: nothing is said
}

var (
	_ metadata.Tree      = (*Client)(nil)
	_ metadata.Changer   = (*Client)(nil)
	_ metadata.Locker    = (*Client)(nil)
	_ metadata.Leaser    = (*Client)(nil)
	_ metadata.Fleet     = (*Client)(nil)
	_ metadata.Directory = (*Client)(nil)
)

// NewClient makes a client of a nameserver in this process, or of a Remote
// (which is both Backend and Leader). A nil leader serves where no call needs
// one.
func NewClient(b Backend, l Leader) *Client { return &Client{backend: b, leader: l} }

func (c *Client) propose(ctx context.Context, cmd *metapb.Command) (*metapb.Result, error) {
	cmd.Actor = actorFrom(ctx)
	return resultErr(c.backend.Propose(ctx, cmd))
}

// Lookup implements metadata.Tree.
func (c *Client) Lookup(ctx context.Context, p metadata.Path, opt metadata.LookupOptions) (
	metadata.Entry, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{
		Path: string(p), User: opt.User, Props: opt.Props, Locks: opt.Locks,
	}}})
	if err != nil {
		return metadata.Entry{}, err
	}
	return entryFromPB(a.GetEntry()), nil
}

// List implements metadata.Tree.
func (c *Client) List(ctx context.Context, p metadata.Path, opt metadata.ListOptions) (metadata.Page, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_List{List: &metapb.List{
		Path: string(p), User: opt.User, After: opt.After, Limit: uint32(max(opt.Limit, 0)),
		Props: opt.Props, Locks: opt.Locks,
	}}})
	if err != nil {
		return metadata.Page{}, err
	}
	page := metadata.Page{
		Dir: entryFromPB(a.GetEntry()), Entries: make([]metadata.Entry, len(a.GetEntries())),
		More: a.GetMore(),
	}
	for i, e := range a.GetEntries() {
		page.Entries[i] = entryFromPB(e)
	}
	return page, nil
}

// Blocks implements metadata.Tree.
func (c *Client) Blocks(ctx context.Context, content metadata.ContentID, index int) (
	[]metadata.BlockRef, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Blocks{Blocks: &metapb.Blocks{
		Content: uint64(content), Index: uint32(max(index, 0)),
	}}})
	if err != nil {
		return nil, err
	}
	return refsFromPB(a.GetBlocks()), nil
}

// Quota implements metadata.Tree. The available bytes are the tightest of the
// quotas on the way to the root and, where there is none, the free space of
// the storage servers divided by the number of copies.
func (c *Client) Quota(ctx context.Context, p metadata.Path) (metadata.Quota, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Quota{Quota: &metapb.QuotaOf{
		Path: string(p),
	}}})
	if err != nil {
		return metadata.Quota{}, err
	}
	q := metadata.Quota{UsedBytes: a.GetUsed(), AvailableBytes: a.GetAvailable()}
	free, err := c.freeBytes(ctx)
	if err == nil && (q.AvailableBytes < 0 || free < q.AvailableBytes) {
		q.AvailableBytes = free
	}
	return q, nil
}

// freeBytes estimates what can still be written: the free space of the live
// storage servers over the default number of copies.
func (c *Client) freeBytes(ctx context.Context) (int64, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return 0, err
	}
	cl, err := c.Cluster(ctx)
	if err != nil {
		return 0, err
	}
	var disks []metadata.Disk
	for _, n := range nodes {
		if n.State != metadata.NodeActive || n.Liveness == metadata.LivenessDown {
			continue
		}
		for _, d := range n.Disks {
			if d.Failed == "" {
				disks = append(disks, d)
			}
		}
	}
	_, free := metadata.RoomOf(disks)
	return free / int64(max(cl.Replication, 1)), nil
}
