package blockio

import (
	"context"
	"slices"
	"sync"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
	"kendfs/quicwire"
)

// Patience of a server with its peers.
const (
	receiveStall = 15 * time.Second // a put whose sender is silent for this long is given up
	sendStall    = time.Minute      // a get whose receiver takes nothing for this long is given up; it can resume
)

// ListLimitMax bounds one page of List.
const ListLimitMax = 8192

// Server is a storage server as the wire sees it.
type Server interface {
	Target
	// Receive is Put for a block that is still coming in: length bytes in all.
	// What in delivers is verified.
	Receive(ctx context.Context, r PutRequest, length int, in Segments) ([]Outcome, error)
	// Stat returns a block's disk and length. KindNotFound.
	Stat(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (metadata.DiskID, int64, error)
	// List returns the blocks of a volume on a disk after the given id.
	List(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID, after metadata.LocalID, limit int) (
		refs []metadata.BlockRef, more bool, err error)
	// Digest sums up a disk's copy of a volume.
	Digest(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID) (metadata.VolumeDigest, error)
	// Delete deletes blocks of one volume from a disk.
	Delete(ctx context.Context, disk metadata.DiskID, v metadata.VolumeID, locals []metadata.LocalID) error
	// Check reads a block again. One that is damaged is taken out, so that it is
	// fetched anew from another replica.
	Check(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (intact bool, err error)
}

// Handler serves s on quicwire.ServiceBlock. Errors must go through an
// ErrorCode function that knows metadata.Kind.
func Handler(s Server) quicwire.Handler {
	h := &handler{s: s}
	return quicwire.Handler{
		Calls: map[uint32]quicwire.CallFunc{
			methodStat: h.stat, methodList: h.list, methodDigest: h.digest,
			methodDelete: h.delete, methodCheck: h.check,
			methodSmallPut: h.smallPut, methodSmallGet: h.smallGet,
		},
		Streams: map[uint32]quicwire.StreamFunc{
			methodPut: func(ctx context.Context, _ quicwire.Peer, req []byte, s *quicwire.Stream) error {
				return h.put(ctx, req, s)
			},
			methodGet: func(ctx context.Context, _ quicwire.Peer, req []byte, s *quicwire.Stream) error {
				return h.get(ctx, req, s)
			},
		},
	}
}

// handler translates between the wire and a Server.
type handler struct {
	s       Server
	buffers sync.Pool // of *[segmentSumBytes + SegmentBytes]byte
}

// serverStream is what a handler uses of *quicwire.Stream.
type serverStream interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	Reply(resp []byte) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

func (h *handler) put(ctx context.Context, req []byte, s serverStream) error {
	r, length, err := decodePut(req)
	if err != nil {
		return err
	}
	in := &incoming{s: s, length: int64(length)}
	in.in = segmentReader{from: in, left: int64(length)}
	out, err := h.s.Receive(ctx, r, length, in)
	if err != nil {
		return err
	}
	return s.Reply(encodeOutcomes(out))
}

// incoming is the data of a put as it comes in.
type incoming struct {
	s      serverStream
	length int64
	in     segmentReader
}

func (in *incoming) Read(p []byte) (int, error) {
	_ = in.s.SetReadDeadline(time.Now().Add(receiveStall)) // always nil
	return in.s.Read(p)
}

func (in *incoming) BlockLength() int64 { return in.length }

// Next reads and verifies the next chunks.
func (in *incoming) Next(data []byte, sums []uint32) (int, error) {
	n, err := in.in.read(data, sums)
	if err != nil {
		return 0, err
	}
	if _, err := Verify(data[:n], sums[:chunks(n)]); err != nil {
		return 0, err
	}
	return n, nil
}

func (in *incoming) Close() error { return nil }

func (h *handler) get(ctx context.Context, req []byte, s serverStream) error {
	r, err := decodeGet(req)
	if err != nil {
		return err
	}
	in, err := h.s.Get(ctx, r)
	if err != nil {
		return err
	}
	defer in.Close()
	rest, err := rangeOf(in, r)
	if err != nil {
		return err
	}
	_ = s.SetWriteDeadline(time.Now().Add(sendStall)) // always nil
	reply := marshal(&blockpb.GetReply{BlockLength: uint32(in.BlockLength()), RangeLength: uint32(rest)})
	if err := s.Reply(reply); err != nil {
		return err
	}
	return h.sendRange(in, s, rest)
}

// sendRange writes the segments of a range, checksums and data in one piece.
func (h *handler) sendRange(in Segments, s serverStream, rest int64) error {
	buf, ok := h.buffers.Get().(*[segmentSumBytes + SegmentBytes]byte)
	if !ok {
		buf = new([segmentSumBytes + SegmentBytes]byte)
	}
	defer h.buffers.Put(buf)
	var sums [SegmentChunks]uint32
	data := buf[segmentSumBytes:]
	for rest > 0 {
		want := int(min(rest, SegmentBytes))
		if err := Fill(in, data[:want], sums[:]); err != nil {
			return err
		}
		count := chunks(want)
		from := segmentSumBytes - 4*count
		putSums(buf[from:], sums[:count])
		_ = s.SetWriteDeadline(time.Now().Add(sendStall)) // always nil
		if _, err := s.Write(buf[from : segmentSumBytes+want]); err != nil {
			return err
		}
		rest -= int64(want)
	}
	return nil
}

func (h *handler) stat(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	var m blockpb.StatHeader
	if err := unmarshal(req, &m); err != nil {
		return nil, err
	}
	disk, length, err := h.s.Stat(ctx, metadata.DiskID(m.Disk), blockID(m.Volume, m.Local))
	if err != nil {
		return nil, err
	}
	return marshal(&blockpb.StatReply{Disk: uint64(disk), Length: uint32(length)}), nil
}

func (h *handler) check(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	var m blockpb.StatHeader
	if err := unmarshal(req, &m); err != nil {
		return nil, err
	}
	intact, err := h.s.Check(ctx, metadata.DiskID(m.Disk), blockID(m.Volume, m.Local))
	if err != nil {
		return nil, err
	}
	return marshal(&blockpb.CheckReply{Intact: intact}), nil
}

func (h *handler) list(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	var m blockpb.ListHeader
	if err := unmarshal(req, &m); err != nil {
		return nil, err
	}
	limit := int(min(m.Limit, ListLimitMax))
	if limit == 0 {
		limit = ListLimitMax
	}
	refs, more, err := h.s.List(ctx, metadata.DiskID(m.Disk), metadata.VolumeID(m.Volume), metadata.LocalID(m.After), limit)
	if err != nil {
		return nil, err
	}
	reply := &blockpb.ListReply{More: more}
	for _, r := range refs {
		reply.Refs = append(reply.Refs, &blockpb.Ref{Local: uint64(r.ID.Local), Length: r.Length})
	}
	return marshal(reply), nil
}

func (h *handler) digest(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	var m blockpb.DigestHeader
	if err := unmarshal(req, &m); err != nil {
		return nil, err
	}
	d, err := h.s.Digest(ctx, metadata.DiskID(m.Disk), metadata.VolumeID(m.Volume))
	if err != nil {
		return nil, err
	}
	return marshal(&blockpb.DigestReply{Blocks: d.Blocks, Bytes: d.Bytes, Digest: d.Digest}), nil
}

// delete is for nameservers only: whoever else could delete blocks could undo
// what was promised to be durable.
func (h *handler) delete(ctx context.Context, p quicwire.Peer, req []byte) ([]byte, error) {
	if !slices.Contains(p.Roles, metadata.NodeNameserver) {
		return nil, metadata.Errorf(metadata.KindDenied, "only a nameserver deletes blocks")
	}
	var m blockpb.DeleteHeader
	if err := unmarshal(req, &m); err != nil {
		return nil, err
	}
	if len(m.Locals) > metadata.OrderBlocksMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "%d blocks to delete", len(m.Locals))
	}
	locals := make([]metadata.LocalID, len(m.Locals))
	for i, l := range m.Locals {
		locals[i] = metadata.LocalID(l)
	}
	if err := h.s.Delete(ctx, metadata.DiskID(m.Disk), metadata.VolumeID(m.Volume), locals); err != nil {
		return nil, err
	}
	return marshal(&blockpb.DeleteReply{}), nil
}
