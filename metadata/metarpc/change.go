package metarpc

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Commit implements metadata.Changer.
func (c *Client) Commit(ctx context.Context, p metadata.Path, g metadata.Guard, m metadata.Commit) (
	metadata.Committed, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Commit{Commit: &metapb.Commit{
		Path: string(p), Guard: guardToPB(g), Session: uint64(m.Session), Size: m.Size, Sha1: m.SHA1,
		Modified: toNanos(m.Modified), Staged: uint64(m.Staged), Blocks: refsToPB(m.Blocks),
		Leases: leasesToPB(m.Leases),
	}}})
	if err != nil {
		return metadata.Committed{}, err
	}
	return metadata.Committed{Entry: entryFromPB(r.GetEntry()), Created: r.GetCreated()}, nil
}

// Stage implements metadata.Changer.
func (c *Client) Stage(ctx context.Context, s metadata.Stage) (metadata.ContentID, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Stage{Stage: &metapb.Stage{
		Session: uint64(s.Session), Content: uint64(s.Content), Index: uint32(s.Index),
		Blocks: refsToPB(s.Blocks), Leases: leasesToPB(s.Leases), Abandon: s.Abandon,
	}}})
	return metadata.ContentID(r.GetId()), err
}

// Mkdir implements metadata.Changer.
func (c *Client) Mkdir(ctx context.Context, p metadata.Path, g metadata.Guard) (metadata.Entry, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{
		Path: string(p), Guard: guardToPB(g),
	}}})
	if err != nil {
		return metadata.Entry{}, err
	}
	return entryFromPB(r.GetEntry()), nil
}

// Rename implements metadata.Changer.
func (c *Client) Rename(ctx context.Context, src, dst metadata.Path, g metadata.Guard, overwrite bool) (
	bool, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Rename{Rename: &metapb.Rename{
		Src: string(src), Dst: string(dst), Guard: guardToPB(g), Overwrite: overwrite,
	}}})
	return r.GetReplaced(), err
}

// Copy implements metadata.Changer.
func (c *Client) Copy(ctx context.Context, src, dst metadata.Path, g metadata.Guard,
	opt metadata.CopyOptions) (bool, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Copy{Copy: &metapb.Copy{
		Src: string(src), Dst: string(dst), Guard: guardToPB(g), Overwrite: opt.Overwrite,
		Shallow: opt.Shallow, Modified: toNanos(opt.Modified),
	}}})
	return r.GetReplaced(), err
}

// Remove implements metadata.Changer.
func (c *Client) Remove(ctx context.Context, p metadata.Path, g metadata.Guard) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{
		Path: string(p), Guard: guardToPB(g),
	}}})
	return err
}

// RemoveEmpty deletes a file or a directory that holds nothing; of one that
// holds anything it says so with KindConflict.
func (c *Client) RemoveEmpty(ctx context.Context, p metadata.Path, g metadata.Guard) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{
		Path: string(p), Guard: guardToPB(g), OnlyEmpty: true,
	}}})
	return err
}

// SetAttr implements metadata.Changer.
func (c *Client) SetAttr(ctx context.Context, p metadata.Path, g metadata.Guard, s metadata.AttrChange) (
	metadata.Entry, error) {
	op := &metapb.SetAttr{
		Path: string(p), Guard: guardToPB(g), Modified: optNanos(s.Modified), Created: optNanos(s.Created),
		SetProps: propsToPB(s.SetProps), DelProps: propsToPB(s.DelProps),
	}
	if s.QuotaBytes != nil {
		op.QuotaBytes = &metapb.Int64Value{Value: *s.QuotaBytes}
	}
	if s.Replication != nil {
		op.Replication = &metapb.Int64Value{Value: int64(*s.Replication)}
	}
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_SetAttr{SetAttr: op}})
	if err != nil {
		return metadata.Entry{}, err
	}
	return entryFromPB(r.GetEntry()), nil
}

// Lock implements metadata.Locker.
func (c *Client) Lock(ctx context.Context, p metadata.Path, g metadata.Guard, l metadata.Lock) (
	metadata.Lock, bool, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{
		Path: string(p), Guard: guardToPB(g), Lock: lockToPB(l), Create: true,
	}}})
	if err != nil {
		return metadata.Lock{}, false, err
	}
	return lockFromPB(r.GetLock()), r.GetCreated(), nil
}

// Refresh implements metadata.Locker.
func (c *Client) Refresh(ctx context.Context, p metadata.Path, user, token string, timeout time.Duration) (
	metadata.Lock, error) {
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Refresh{Refresh: &metapb.Refresh{
		Path: string(p), User: user, Token: token, Timeout: int64(timeout),
	}}})
	if err != nil {
		return metadata.Lock{}, err
	}
	return lockFromPB(r.GetLock()), nil
}

// Unlock implements metadata.Locker.
func (c *Client) Unlock(ctx context.Context, p metadata.Path, user, token string) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_Unlock{Unlock: &metapb.Unlock{
		Path: string(p), User: user, Token: token,
	}}})
	return err
}
