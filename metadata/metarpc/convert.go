package metarpc

import (
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// fromNanos turns stored Unix nanoseconds into a time; zero stays the zero time.
func fromNanos(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// toNanos is the inverse of fromNanos.
func toNanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func optNanos(t *time.Time) *metapb.Int64Value {
	if t == nil {
		return nil
	}
	return &metapb.Int64Value{Value: t.UnixNano()}
}

func refsToPB(refs []metadata.BlockRef) []*metapb.BlockRef {
	if len(refs) == 0 {
		return nil
	}
	all := make([]metapb.BlockRef, len(refs))
	out := make([]*metapb.BlockRef, len(refs))
	for i, r := range refs {
		all[i].Volume, all[i].Local, all[i].Length = uint64(r.ID.Volume), uint64(r.ID.Local), r.Length
		out[i] = &all[i]
	}
	return out
}

func refsFromPB(refs []*metapb.BlockRef) []metadata.BlockRef {
	if len(refs) == 0 {
		return nil
	}
	out := make([]metadata.BlockRef, len(refs))
	for i, r := range refs {
		out[i] = metadata.BlockRef{ID: metadata.BlockID{
			Volume: metadata.VolumeID(r.GetVolume()), Local: metadata.LocalID(r.GetLocal()),
		}, Length: r.GetLength()}
	}
	return out
}

func leasesToPB(ps []metadata.LeaseProof) []*metapb.LeaseProof {
	out := make([]*metapb.LeaseProof, len(ps))
	for i, p := range ps {
		out[i] = &metapb.LeaseProof{Volume: uint64(p.Volume), Epoch: uint64(p.Epoch)}
	}
	return out
}

func etagsToPB(s *metadata.ETagSet) *metapb.ETagSet {
	if s == nil {
		return nil
	}
	return &metapb.ETagSet{Any: s.Any, Tags: s.Tags}
}

func guardToPB(g metadata.Guard) *metapb.Guard {
	out := &metapb.Guard{
		User: g.User, Tokens: g.Tokens,
		IfMatch: etagsToPB(g.IfMatch), IfNoneMatch: etagsToPB(g.IfNoneMatch),
	}
	if !g.IfUnmodifiedSince.IsZero() {
		out.IfUnmodifiedSince = g.IfUnmodifiedSince.Unix()
		if out.IfUnmodifiedSince == 0 {
			out.IfUnmodifiedSince = -1 // 0 would be no condition; nothing is from before 1970 either
		}
	}
	for _, l := range g.If {
		list := &metapb.IfList{Path: string(l.Path)}
		for _, c := range l.Conds {
			list.Conds = append(list.Conds, &metapb.IfCond{Not: c.Not, Token: c.Token, Etag: c.ETag})
		}
		out.Ifs = append(out.Ifs, list)
	}
	return out
}

func propsToPB(ps []metadata.Property) []*metapb.PropRow {
	out := make([]*metapb.PropRow, len(ps))
	for i, p := range ps {
		out[i] = &metapb.PropRow{Space: p.Space, Local: p.Local, Lang: p.Lang, Value: p.Value}
	}
	return out
}

func lockToPB(l metadata.Lock) *metapb.LockRow {
	return &metapb.LockRow{
		Token: l.Token, Entry: uint64(l.Entry), Root: string(l.Root), Owner: l.Owner, User: l.User,
		Shared: l.Shared, Infinite: l.Infinite, Expires: toNanos(l.Expires), Timeout: int64(l.Timeout),
	}
}

func lockFromPB(l *metapb.LockRow) metadata.Lock {
	return metadata.Lock{
		Token: l.GetToken(), Entry: metadata.EntryID(l.GetEntry()), Root: metadata.Path(l.GetRoot()),
		Owner: l.GetOwner(), User: l.GetUser(), Shared: l.GetShared(), Infinite: l.GetInfinite(),
		Expires: fromNanos(l.GetExpires()), Timeout: time.Duration(l.GetTimeout()),
	}
}

func entryFromPB(e *metapb.Entry) metadata.Entry {
	row := e.GetRow()
	out := metadata.Entry{
		ID: metadata.EntryID(row.GetId()), Name: row.GetName(), IsDir: row.GetDir(), Size: row.GetSize(),
		Modified: fromNanos(row.GetModified()), Created: fromNanos(row.GetCreated()), Owner: row.GetOwner(),
		Content: metadata.ContentID(row.GetContent()), SHA1: row.GetSha1(),
		BlockCount: int(row.GetBlockCount()), Blocks: refsFromPB(row.GetBlocks()),
		EffectiveReplication: int(e.GetEffectiveReplication()),
	}
	if d := e.GetDir(); d != nil {
		out.Usage = metadata.Usage{Bytes: d.GetBytes(), Files: d.GetFiles(), Dirs: d.GetDirs()}
		out.QuotaBytes, out.Replication = d.GetQuotaBytes(), int(d.GetReplication())
	}
	for _, p := range e.GetProps() {
		out.Props = append(out.Props, metadata.Property{
			Space: p.GetSpace(), Local: p.GetLocal(), Lang: p.GetLang(), Value: p.GetValue(),
		})
	}
	for _, l := range e.GetLocks() {
		out.Locks = append(out.Locks, lockFromPB(l))
	}
	return out
}

func userFromPB(u *metapb.UserRow) metadata.User {
	return metadata.User{
		Name: u.GetName(), Hash: u.GetHash(), Role: metadata.Role(u.GetRole()),
		Disabled: u.GetDisabled(), Created: fromNanos(u.GetCreated()),
	}
}

func userToPB(u metadata.User) *metapb.UserRow {
	return &metapb.UserRow{
		Name: u.Name, Hash: u.Hash, Role: uint32(u.Role), Disabled: u.Disabled, Created: toNanos(u.Created),
	}
}
