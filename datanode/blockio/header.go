package blockio

import (
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
)

// format is the version of the headers and segments.
const format = 1

// recursionMax bounds the nesting of a header: hops within hops.
const recursionMax = 2 * metadata.ReplicasMax

// unmarshal decodes a header of untrusted origin.
func unmarshal(b []byte, m proto.Message) error {
	opt := proto.UnmarshalOptions{RecursionLimit: recursionMax}
	if err := opt.Unmarshal(b, m); err != nil {
		return metadata.Errorf(metadata.KindInvalid, "header of the block service: %w", err)
	}
	if f, ok := m.(interface{ GetFormat() uint32 }); ok && f.GetFormat() != format {
		return metadata.Errorf(metadata.KindUnsupported, "block service format %d, this node speaks %d", f.GetFormat(), format)
	}
	return nil
}

// marshal encodes a header made here. It cannot fail: no field is required and
// all strings are valid UTF-8 by construction or replaced.
func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic("blockio: header that cannot be encoded: " + err.Error())
	}
	return b
}

func encodePut(r *PutRequest) []byte { return marshal(putHeader(r)) }

func putHeader(r *PutRequest) *blockpb.PutHeader {
	return &blockpb.PutHeader{
		Format: format, Volume: uint64(r.Block.Volume), Local: uint64(r.Block.Local), Length: uint32(len(r.Data)),
		Epoch: uint64(r.Epoch), Session: uint64(r.Session), Disk: uint64(r.Disk),
		Forward: encodeHops(r.Forward), StallMs: uint32(r.Stall.Milliseconds()),
	}
}

// decodePut returns the request without its data, and the length of that.
func decodePut(b []byte) (PutRequest, int, error) {
	var h blockpb.PutHeader
	if err := unmarshal(b, &h); err != nil {
		return PutRequest{}, 0, err
	}
	return putRequest(&h)
}

// putRequest checks a header and returns what decodePut does.
func putRequest(h *blockpb.PutHeader) (PutRequest, int, error) {
	if h.Length == 0 || h.Length > metadata.BlockBytesMax || h.Volume == 0 {
		return PutRequest{}, 0, metadata.Errorf(metadata.KindInvalid, "put of %d bytes in volume %d", h.Length, h.Volume)
	}
	hops, n := decodeHops(h.Forward, 1)
	if n > metadata.ReplicasMax {
		return PutRequest{}, 0, metadata.Errorf(metadata.KindTooLarge, "put for more than %d replicas", metadata.ReplicasMax)
	}
	return PutRequest{
		Block: blockID(h.Volume, h.Local), Epoch: metadata.Epoch(h.Epoch), Session: metadata.SessionID(h.Session),
		Disk: metadata.DiskID(h.Disk), Forward: hops, Stall: clampStall(time.Duration(h.StallMs) * time.Millisecond),
	}, int(h.Length), nil
}

// clampStall keeps a peer from asking for no patience or for endless patience.
func clampStall(d time.Duration) time.Duration {
	if d <= 0 {
		return StallPut
	}
	return min(max(d, 100*time.Millisecond), stallMax)
}

// stallMax bounds what a peer may ask for.
const stallMax = 30 * time.Second

func blockID(volume, local uint64) metadata.BlockID {
	return metadata.BlockID{Volume: metadata.VolumeID(volume), Local: metadata.LocalID(local)}
}

func encodeHops(hops []Hop) []*blockpb.Hop {
	var out []*blockpb.Hop
	for _, h := range hops {
		out = append(out, &blockpb.Hop{Node: uint64(h.Node), Disk: uint64(h.Disk), Addr: h.Addr,
			Children: encodeHops(h.Children)})
	}
	return out
}

// decodeHops returns the hops and how many replicas there are with n before
// them; it stops soon after ReplicasMax.
func decodeHops(in []*blockpb.Hop, n int) ([]Hop, int) {
	var out []Hop
	for _, h := range in {
		if n++; n > metadata.ReplicasMax {
			return out, n
		}
		hop := Hop{Addr: h.GetAddr(),
			Replica: metadata.Replica{Node: metadata.NodeID(h.GetNode()), Disk: metadata.DiskID(h.GetDisk())}}
		hop.Children, n = decodeHops(h.GetChildren(), n)
		out = append(out, hop)
	}
	return out, n
}

// depth is how many hops follow one another.
func depth(hops []Hop) int {
	most := 0
	for _, h := range hops {
		most = max(most, 1+depth(h.Children))
	}
	return most
}

// messageBytesMax bounds an error's text in an answer.
const messageBytesMax = 512

func encodeOutcomes(outcomes []Outcome) []byte {
	var m blockpb.PutReply
	for _, o := range outcomes {
		x := &blockpb.Outcome{Node: uint64(o.Node), Disk: uint64(o.Disk), Durable: o.Err == nil, Skipped: o.Skipped}
		if o.Err != nil {
			x.Kind, x.Message = uint32(metadata.KindOf(o.Err)), cleanMessage(o.Err.Error())
		}
		m.Outcomes = append(m.Outcomes, x)
	}
	return marshal(&m)
}

func decodeOutcomes(b []byte) ([]Outcome, error) {
	var m blockpb.PutReply
	if err := unmarshal(b, &m); err != nil {
		return nil, err
	}
	if len(m.Outcomes) > metadata.ReplicasMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "put answered for %d replicas", len(m.Outcomes))
	}
	var out []Outcome
	for _, x := range m.Outcomes {
		o := Outcome{Skipped: x.GetSkipped(),
			Replica: metadata.Replica{Node: metadata.NodeID(x.GetNode()), Disk: metadata.DiskID(x.GetDisk())}}
		if !x.GetDurable() {
			o.Err = &metadata.Error{Kind: metadata.Kind(min(x.GetKind(), 255)), Msg: x.GetMessage()}
		}
		out = append(out, o)
	}
	return out, nil
}

func encodeGet(r GetRequest) []byte {
	return marshal(&blockpb.GetHeader{Format: format, Volume: uint64(r.Block.Volume), Local: uint64(r.Block.Local),
		Disk: uint64(r.Disk), Offset: uint32(r.Offset), Length: uint32(r.Length)})
}

func decodeGet(b []byte) (GetRequest, error) {
	var h blockpb.GetHeader
	if err := unmarshal(b, &h); err != nil {
		return GetRequest{}, err
	}
	r := GetRequest{Block: blockID(h.Volume, h.Local), Disk: metadata.DiskID(h.Disk),
		Offset: int64(h.Offset), Length: int64(h.Length)}
	return r, r.check()
}

// check reports what is wrong with a range.
func (r *GetRequest) check() error {
	if r.Offset < 0 || r.Length < 0 || r.Offset%metadata.ChunkBytes != 0 ||
		r.Offset+r.Length > metadata.BlockBytesMax+metadata.ChunkBytes {
		return metadata.Errorf(metadata.KindInvalid, "range of %d bytes at %d of %v", r.Length, r.Offset, r.Block)
	}
	return nil
}
