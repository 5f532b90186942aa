package blockio

import (
	"context"

	"google.golang.org/protobuf/proto"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
)

// Stat returns which disk of the server has a block, and the block's length.
// Zero asks for any disk. KindNotFound.
func (r *Remote) Stat(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (metadata.DiskID, int64, error) {
	var m blockpb.StatReply
	err := r.call(ctx, methodStat, statHeader(disk, id), &m)
	return metadata.DiskID(m.Disk), int64(m.Length), err
}

// Check makes the server read a block again; see Server.Check.
func (r *Remote) Check(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (intact bool, err error) {
	var m blockpb.CheckReply
	err = r.call(ctx, methodCheck, statHeader(disk, id), &m)
	return m.Intact, err
}

// List returns up to limit blocks (zero: ListLimitMax) of a disk's copy of a volume.
func (r *Remote) List(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID, after metadata.LocalID, limit int) (
	refs []metadata.BlockRef, more bool, err error) {
	var m blockpb.ListReply
	err = r.call(ctx, methodList, &blockpb.ListHeader{Format: format, Volume: uint64(v), Disk: uint64(disk),
		After: uint64(after), Limit: uint32(limit)}, &m)
	for _, x := range m.Refs {
		refs = append(refs, metadata.BlockRef{ID: blockID(uint64(v), x.GetLocal()), Length: x.GetLength()})
	}
	return refs, m.More, err
}

// Digest sums up a disk's copy of a volume.
func (r *Remote) Digest(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID) (metadata.VolumeDigest, error) {
	var m blockpb.DigestReply
	err := r.call(ctx, methodDigest, &blockpb.DigestHeader{Format: format, Volume: uint64(v), Disk: uint64(disk)}, &m)
	return metadata.VolumeDigest{Disk: disk, Volume: v, Blocks: m.Blocks, Bytes: m.Bytes, Digest: m.Digest}, err
}

// Delete deletes blocks of one volume from a disk; nameservers only.
func (r *Remote) Delete(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID, locals []metadata.LocalID) error {
	h := &blockpb.DeleteHeader{Format: format, Volume: uint64(v), Disk: uint64(disk)}
	for _, l := range locals {
		h.Locals = append(h.Locals, uint64(l))
	}
	return r.call(ctx, methodDelete, h, &blockpb.DeleteReply{})
}

func statHeader(disk metadata.DiskID, id metadata.BlockID) *blockpb.StatHeader {
	return &blockpb.StatHeader{Format: format, Volume: uint64(id.Volume), Local: uint64(id.Local), Disk: uint64(disk)}
}

// call makes one call and decodes its answer.
func (r *Remote) call(ctx context.Context, method uint32, req, resp proto.Message) error {
	b, err := r.wire.Call(ctx, r.node, r.addr, method, marshal(req))
	if err != nil {
		return r.describe(err)
	}
	return unmarshal(b, resp)
}
