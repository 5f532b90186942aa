package blockio

import (
	"bytes"
	"context"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
	"kendfs/quicwire"
)

// smallBytes is up to which size a put or a get is one call on a persistent
// stream, with the data in its frame, and not a stream of its own: a multiple
// of metadata.ChunkBytes, at most a segment.
const smallBytes = 64 << 10

// smallPut reports whether a put fits into a call.
func smallPut(req *PutRequest) bool {
	return len(req.Data) <= smallBytes && len(req.Forward) == 0 && req.Ready == nil
}

// smallGet reports whether a get fits into a call.
func smallGet(req GetRequest) bool { return req.Length > 0 && req.Length <= smallBytes }

// older reports whether the other side does not know small calls: they came
// later than the streams.
func older(err error) bool {
	return err != nil && metadata.KindOf(err) == metadata.KindUnsupported
}

// appendSegment appends a segment: the checksums of its chunks, then its data.
func appendSegment(b, data []byte, sums []uint32) []byte {
	at := len(b)
	b = append(b, make([]byte, 4*len(sums))...)
	putSums(b[at:], sums)
	return append(b, data...)
}

// patiently makes a call that must be answered within stall.
func (r *Remote) patiently(ctx context.Context, method uint32, header []byte, stall time.Duration) ([]byte, error) {
	callCtx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	reply, err := r.wire.Call(callCtx, r.node, r.addr, method, header)
	if err != nil {
		return nil, r.describe(err)
	}
	return reply, nil
}

// smallPut is Put as a call.
func (r *Remote) smallPut(ctx context.Context, req *PutRequest) ([]Outcome, error) {
	h := putHeader(req)
	h.Segments = appendSegment(make([]byte, 0, len(req.Data)+4*len(req.Sums)), req.Data, req.Sums)
	reply, err := r.patiently(ctx, methodSmallPut, marshal(h), req.Stall)
	if err != nil {
		return nil, err
	}
	return decodeOutcomes(reply)
}

// smallGet is Get as a call.
func (r *Remote) smallGet(ctx context.Context, req GetRequest) (Segments, error) {
	reply, err := r.patiently(ctx, methodSmallGet, encodeGet(req), req.Stall)
	if err != nil {
		return nil, err
	}
	var h blockpb.GetReply
	if err := unmarshal(reply, &h); err != nil {
		return nil, err
	}
	in, ok := newMemSegments(h.Segments, int64(h.RangeLength), int64(h.BlockLength))
	if !ok || h.BlockLength > metadata.BlockBytesMax || req.Offset+int64(h.RangeLength) > int64(h.BlockLength) {
		return nil, metadata.Errorf(metadata.KindCorrupt, "%v answered with %d bytes for %d of a block of %d",
			r.node, len(h.Segments), h.RangeLength, h.BlockLength)
	}
	return in, nil
}

// memSegments is a range of a block that came in one frame.
type memSegments struct {
	block int64
	in    segmentReader
}

// newMemSegments takes n bytes of a block of that length; false if raw, which
// is of untrusted origin, is not just as long as they and their checksums.
func newMemSegments(raw []byte, n, block int64) (*memSegments, bool) {
	if n < 0 || n > smallBytes || int64(len(raw)) != n+4*int64(chunks(int(n))) {
		return nil, false
	}
	return &memSegments{block: block, in: segmentReader{from: bytes.NewReader(raw), left: n}}, true
}

func (m *memSegments) BlockLength() int64                           { return m.block }
func (m *memSegments) Next(data []byte, sums []uint32) (int, error) { return m.in.read(data, sums) }
func (m *memSegments) Close() error                                 { return nil }

// verified is Segments whose chunks are compared with their checksums.
type verified struct{ *memSegments }

func (v verified) Next(data []byte, sums []uint32) (int, error) {
	n, err := v.memSegments.Next(data, sums)
	if err != nil {
		return 0, err
	}
	if _, err := Verify(data[:n], sums[:chunks(n)]); err != nil {
		return 0, err
	}
	return n, nil
}

// decodeSmallPut returns a small put's request without its data, and those.
func decodeSmallPut(b []byte) (PutRequest, *memSegments, error) {
	var h blockpb.PutHeader
	if err := unmarshal(b, &h); err != nil {
		return PutRequest{}, nil, err
	}
	r, length, err := putRequest(&h)
	if err != nil {
		return PutRequest{}, nil, err
	}
	in, ok := newMemSegments(h.Segments, int64(length), int64(length))
	if !ok {
		return PutRequest{}, nil, metadata.Errorf(metadata.KindInvalid, "small put of %d bytes with %d in its frame",
			length, len(h.Segments))
	}
	return r, in, nil
}

func (h *handler) smallPut(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	r, in, err := decodeSmallPut(req)
	if err != nil {
		return nil, err
	}
	out, err := h.s.Receive(ctx, r, int(in.block), verified{in})
	if err != nil {
		return nil, err
	}
	return encodeOutcomes(out), nil
}

func (h *handler) smallGet(ctx context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
	r, err := decodeGet(req)
	if err != nil {
		return nil, err
	}
	if !smallGet(r) {
		return nil, metadata.Errorf(metadata.KindInvalid, "small get of %d bytes", r.Length)
	}
	in, err := h.s.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	want, err := rangeOf(in, r)
	if err != nil {
		return nil, err
	}
	var sums [smallBytes / metadata.ChunkBytes]uint32
	count := chunks(int(want))
	raw := make([]byte, 4*count+int(want))
	if err := Fill(in, raw[4*count:], sums[:]); err != nil {
		return nil, err
	}
	putSums(raw, sums[:count])
	return marshal(&blockpb.GetReply{BlockLength: uint32(in.BlockLength()), RangeLength: uint32(want), Segments: raw}), nil
}

// rangeOf returns how many bytes of the block a get is answered with.
func rangeOf(in Segments, r GetRequest) (int64, error) {
	rest := in.BlockLength() - r.Offset
	if r.Length > 0 {
		rest = min(rest, (r.Length+metadata.ChunkBytes-1)&^(metadata.ChunkBytes-1))
	}
	if rest < 0 {
		return 0, metadata.Errorf(metadata.KindInvalid, "range at %d of %v, which has %d bytes", r.Offset, r.Block, in.BlockLength())
	}
	return rest, nil
}
