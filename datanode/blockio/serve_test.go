package blockio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
	"kendfs/quicwire"
)

// peer is the other end of a bulk stream as a handler sees it. It sends in, in
// pieces of at most `piece` bytes, and fails at its call number `at`.
type peer struct {
	in    *bytes.Reader
	piece int
	at    int
	err   error
	calls int
	reply [][]byte
	out   bytes.Buffer
}

func (p *peer) step() error {
	if p.calls++; p.calls == p.at {
		return p.err
	}
	return nil
}

func (p *peer) Read(b []byte) (int, error) {
	if err := p.step(); err != nil {
		return 0, err
	}
	return p.in.Read(b[:min(len(b), p.piece)])
}

func (p *peer) Write(b []byte) (int, error) {
	if err := p.step(); err != nil {
		return 0, err
	}
	return p.out.Write(b)
}

func (p *peer) Reply(b []byte) error {
	p.reply = append(p.reply, bytes.Clone(b))
	return p.step()
}

func (*peer) SetReadDeadline(time.Time) error  { return nil }
func (*peer) SetWriteDeadline(time.Time) error { return nil }

// A put is received whole or not at all, whatever the pieces it comes in and
// wherever it breaks off.
func TestServePut(t *testing.T) {
	const n = SegmentBytes + 40_000
	data, sums := smallData(n)
	header := encodePut(&PutRequest{Block: blockID(3, 4), Disk: 5, Data: data, Sums: sums})
	serve := func(p *peer) (*oneBlock, error) {
		s := &oneBlock{}
		return s, (&handler{s: s}).put(t.Context(), header, p)
	}
	for _, piece := range []int{1 << 20, 70_001, 999} {
		dry := &peer{in: bytes.NewReader(encode(data)), piece: piece}
		s, err := serve(dry)
		if err != nil || len(dry.reply) != 1 || !bytes.Equal(s.data, data) || !slices.Equal(s.sums, sums) || s.r.Disk != 5 {
			t.Fatalf("in pieces of %d: %v, %d replies, %d bytes", piece, err, len(dry.reply), len(s.data))
		}
		for at := 1; at <= dry.calls; at += 1 + dry.calls/60 {
			gone := errors.New("the peer is gone")
			p := &peer{in: bytes.NewReader(encode(data)), piece: piece, at: at, err: gone}
			if _, err := serve(p); !errors.Is(err, gone) || at < dry.calls && len(p.reply) != 0 {
				t.Errorf("in pieces of %d, broken at call %d of %d: %v, %d replies", piece, at, dry.calls, err, len(p.reply))
			}
		}
	}
	wire := encode(data)
	for cut := 0; cut < len(wire); cut += 9001 {
		p := &peer{in: bytes.NewReader(wire[:cut]), piece: 1 << 20}
		if _, err := serve(p); metadata.KindOf(err) != metadata.KindUnavailable || err == nil || len(p.reply) != 0 {
			t.Errorf("cut after %d bytes: %v, %d replies", cut, err, len(p.reply))
		}
		bad := slices.Clone(wire)
		bad[cut] ^= 1
		p = &peer{in: bytes.NewReader(bad), piece: 1 << 20}
		if _, err := serve(p); metadata.KindOf(err) != metadata.KindCorrupt || err == nil || len(p.reply) != 0 {
			t.Errorf("bit flipped in byte %d: %v, %d replies", cut, err, len(p.reply))
		}
	}
}

// stubborn is Segments that misbehave as a disk's could.
type stubborn struct {
	memSegments
	stuck bool  // Next returns nothing and no error
	err   error // after the first piece
	n     int
}

func (s *stubborn) Next(data []byte, sums []uint32) (int, error) {
	if s.n++; s.n > 1 {
		if s.stuck {
			return 0, nil
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	return s.memSegments.Next(data[:metadata.ChunkBytes], sums)
}

// segmentsOf is a Server with one range to give.
type segmentsOf struct {
	Server
	in  Segments
	err error
}

func (s *segmentsOf) Get(context.Context, GetRequest) (Segments, error) { return s.in, s.err }

// A get that breaks in the middle, on either side, is an error and no end: also
// when a disk gives nothing without saying why.
func TestServeGetBreaks(t *testing.T) {
	data, sums := smallData(smallBytes)
	segs := func() memSegments {
		m, ok := newMemSegments(appendSegment(nil, data, sums), smallBytes, smallBytes)
		if !ok {
			t.Fatal("no segments")
		}
		return *m
	}
	get := encodeGet(GetRequest{Block: blockID(1, 1), Length: smallBytes})
	broken := metadata.Errorf(metadata.KindCorrupt, "bad sector")
	for name, c := range map[string]struct {
		in   Segments
		want metadata.Kind
	}{
		"bad sector":   {&stubborn{memSegments: segs(), err: broken}, metadata.KindCorrupt},
		"end too soon": {&stubborn{memSegments: segs(), err: io.EOF}, metadata.KindUnavailable},
		"nothing":      {&stubborn{memSegments: segs(), stuck: true}, metadata.KindUnavailable},
	} {
		s := &segmentsOf{in: c.in}
		h := &handler{s: s}
		p := &peer{}
		err := h.get(t.Context(), get, p)
		if err == nil || metadata.KindOf(err) != c.want || p.out.Len() != 0 {
			t.Errorf("%s: %v with %d bytes sent, want %v and none", name, err, p.out.Len(), c.want)
		}
		c.in.(*stubborn).n, c.in.(*stubborn).memSegments = 0, segs()
		if b, err := h.smallGet(t.Context(), quicwire.Peer{}, get); err == nil || metadata.KindOf(err) != c.want || b != nil {
			t.Errorf("%s, as a call: %v, want %v", name, err, c.want)
		}
	}
	for at := 1; at <= 2; at++ { // the reply, the segment
		m := segs()
		p := &peer{at: at, err: io.ErrClosedPipe}
		if err := (&handler{s: &segmentsOf{in: &m}}).get(t.Context(), get, p); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("receiver gone at call %d: %v", at, err)
		}
	}
	m := segs()
	past := encodeGet(GetRequest{Block: blockID(1, 1), Offset: smallBytes + metadata.ChunkBytes, Length: 5})
	h := &handler{s: &segmentsOf{in: &m}}
	if err := h.get(t.Context(), past, &peer{}); metadata.KindOf(err) != metadata.KindInvalid || err == nil {
		t.Errorf("a range behind the block: %v", err)
	}
	if _, err := h.smallGet(t.Context(), quicwire.Peer{}, past); metadata.KindOf(err) != metadata.KindInvalid || err == nil {
		t.Errorf("a range behind the block, as a call: %v", err)
	}
}

// idle is a Server that has nothing and notes what it was asked.
type idle struct {
	Server
	lists   []int
	deleted []metadata.LocalID
	refs    int
}

func missing() error { return metadata.Errorf(metadata.KindNotFound, "not here") }

func (*idle) Get(context.Context, GetRequest) (Segments, error) { return nil, missing() }
func (*idle) Receive(context.Context, PutRequest, int, Segments) ([]Outcome, error) {
	return nil, metadata.Errorf(metadata.KindNoSpace, "full")
}
func (*idle) Stat(context.Context, metadata.DiskID, metadata.BlockID) (metadata.DiskID, int64, error) {
	return 0, 0, missing()
}
func (*idle) Check(context.Context, metadata.DiskID, metadata.BlockID) (bool, error) {
	return false, missing()
}
func (s *idle) List(_ context.Context, _ metadata.DiskID, v metadata.VolumeID, after metadata.LocalID, limit int) ([]metadata.BlockRef, bool, error) {
	s.lists = append(s.lists, limit)
	if v == 0 {
		return nil, false, missing()
	}
	var refs []metadata.BlockRef
	for i := range min(limit, s.refs) {
		refs = append(refs, metadata.BlockRef{ID: metadata.BlockID{Volume: v, Local: after + metadata.LocalID(i) + 1}, Length: 7})
	}
	return refs, s.refs > limit, nil
}
func (*idle) Digest(_ context.Context, _ metadata.DiskID, v metadata.VolumeID) (metadata.VolumeDigest, error) {
	if v == 0 {
		return metadata.VolumeDigest{}, missing()
	}
	return metadata.VolumeDigest{Blocks: 3, Bytes: 1 << 40, Digest: 1<<63 + 5}, nil
}
func (s *idle) Delete(_ context.Context, _ metadata.DiskID, v metadata.VolumeID, locals []metadata.LocalID) error {
	s.deleted = append(s.deleted, locals...)
	if v == 0 {
		return missing()
	}
	return nil
}

// calls are the calls of a handler by their names.
func calls(h *handler) map[string]quicwire.CallFunc {
	return map[string]quicwire.CallFunc{"stat": h.stat, "check": h.check, "list": h.list, "digest": h.digest,
		"delete": h.delete, "small put": h.smallPut, "small get": h.smallGet}
}

func nameserver() quicwire.Peer {
	return quicwire.Peer{Identity: quicwire.Identity{Roles: []string{metadata.NodeNameserver}}}
}

// Every call refuses garbage and versions it does not know, and passes on what
// its server says.
func TestServeCallsRefuse(t *testing.T) {
	h := &handler{s: &idle{}}
	headers := map[string]proto.Message{
		"stat": &blockpb.StatHeader{Format: format}, "check": &blockpb.StatHeader{Format: format},
		"list": &blockpb.ListHeader{Format: format}, "digest": &blockpb.DigestHeader{Format: format},
		"delete":    &blockpb.DeleteHeader{Format: format},
		"small put": &blockpb.PutHeader{Format: format, Volume: 1, Local: 1, Length: 1, Segments: make([]byte, 5)},
		"small get": &blockpb.GetHeader{Format: format, Length: 1},
	}
	for name, call := range calls(h) {
		want := map[string]metadata.Kind{"small put": metadata.KindNoSpace}[name]
		if name != "small put" {
			want = metadata.KindNotFound
		}
		if _, err := call(t.Context(), nameserver(), marshal(headers[name])); err == nil || metadata.KindOf(err) != want {
			t.Errorf("%s: %v, want the server's own %v", name, err, want)
		}
		if _, err := call(t.Context(), nameserver(), []byte{0xff, 1, 2}); metadata.KindOf(err) != metadata.KindInvalid || err == nil {
			t.Errorf("%s of garbage: %v, want %v", name, err, metadata.KindInvalid)
		}
		newer := headers[name]
		fields := newer.ProtoReflect()
		fields.Set(fields.Descriptor().Fields().ByName("format"), protoUint32(format+1))
		if _, err := call(t.Context(), nameserver(), marshal(newer)); metadata.KindOf(err) != metadata.KindUnsupported || err == nil {
			t.Errorf("%s of another version: %v, want %v", name, err, metadata.KindUnsupported)
		}
	}
	for name, stream := range map[string]func(context.Context, []byte, serverStream) error{"put": h.put, "get": h.get} {
		if err := stream(t.Context(), []byte{0xff}, &peer{}); metadata.KindOf(err) != metadata.KindInvalid || err == nil {
			t.Errorf("%s of garbage: %v", name, err)
		}
	}
	if err := h.get(t.Context(), encodeGet(GetRequest{Block: blockID(1, 1)}), &peer{}); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("get of nothing: %v", err)
	}
}

// wireTo is a wire to a handler, as a peer with roles sees it.
type wireTo struct {
	h    *handler
	peer quicwire.Peer
}

func (w wireTo) Call(ctx context.Context, _ metadata.NodeID, _ string, method uint32, req []byte) ([]byte, error) {
	f := map[uint32]quicwire.CallFunc{methodStat: w.h.stat, methodList: w.h.list, methodDigest: w.h.digest,
		methodDelete: w.h.delete, methodCheck: w.h.check}[method]
	return f(ctx, w.peer, req)
}

func (wireTo) OpenStream(context.Context, metadata.NodeID, string, uint32, []byte, bool) (Stream, error) {
	return nil, metadata.Errorf(metadata.KindUnavailable, "no streams here")
}

// Lists are paged and bounded, digests and deletes arrive as they were sent, and
// only a nameserver deletes.
func TestInspectOverTheWire(t *testing.T) {
	s := &idle{refs: 10_000}
	r := NewRemote(wireTo{&handler{s: s}, nameserver()}, 1, "h")
	ctx := t.Context()
	for _, c := range []struct{ limit, want int }{{0, ListLimitMax}, {3, 3}, {1 << 20, ListLimitMax}} {
		refs, more, err := r.List(ctx, 5, 9, 40, c.limit)
		if err != nil || !more || len(refs) != c.want || s.lists[len(s.lists)-1] != c.want {
			t.Fatalf("list of %d: %d, more %v, %v, want %d", c.limit, len(refs), more, err, c.want)
		}
		if first := (metadata.BlockRef{ID: blockID(9, 41), Length: 7}); refs[0] != first {
			t.Errorf("the first of the list: %+v, want %+v", refs[0], first)
		}
	}
	d, err := r.Digest(ctx, 5, 9)
	if want := (metadata.VolumeDigest{Disk: 5, Volume: 9, Blocks: 3, Bytes: 1 << 40, Digest: 1<<63 + 5}); err != nil || d != want {
		t.Errorf("digest: %+v, %v, want %+v", d, err, want)
	}
	if err := r.Delete(ctx, 5, 9, []metadata.LocalID{1, 1 << 60}); err != nil || !slices.Equal(s.deleted, []metadata.LocalID{1, 1 << 60}) {
		t.Errorf("delete: %v, %v", s.deleted, err)
	}
	if err := r.Delete(ctx, 5, 9, make([]metadata.LocalID, metadata.OrderBlocksMax+1)); metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("delete of too many: %v, want %v", err, metadata.KindTooLarge)
	}
	for _, roles := range [][]string{nil, {metadata.NodeDatanode, metadata.NodeWebDAV}} {
		other := NewRemote(wireTo{&handler{s: s}, quicwire.Peer{Identity: quicwire.Identity{Roles: roles}}}, 1, "h")
		if err := other.Delete(ctx, 5, 9, []metadata.LocalID{7}); metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("delete by %v: %v, want %v", roles, err, metadata.KindDenied)
		}
	}
	if slices.Contains(s.deleted, 7) {
		t.Error("a gateway's delete was carried out")
	}
	for name, err := range map[string]error{
		"stat":   func() error { _, _, err := r.Stat(ctx, 5, blockID(1, 1)); return err }(),
		"check":  func() error { _, err := r.Check(ctx, 5, blockID(1, 1)); return err }(),
		"digest": func() error { _, err := r.Digest(ctx, 5, 0); return err }(),
		"list":   func() error { _, _, err := r.List(ctx, 5, 0, 0, 1); return err }(),
		"delete": r.Delete(ctx, 5, 0, nil),
	} {
		if metadata.KindOf(err) != metadata.KindNotFound || err == nil {
			t.Errorf("%s: %v, want the server's %v", name, err, metadata.KindNotFound)
		}
	}
}

// FuzzHandler: whatever a peer sends, a storage server answers with an error
// that has a kind, or does what it says.
func FuzzHandler(f *testing.F) {
	data, sums := smallData(20_000)
	put := putHeader(&PutRequest{Block: blockID(3, 4), Data: data, Sums: sums})
	f.Add(marshal(put), encode(data))
	put.Segments = appendSegment(nil, data, sums)
	f.Add(marshal(put), []byte{})
	f.Add(encodeGet(GetRequest{Block: blockID(3, 4), Length: 30_000}), []byte{})
	f.Add(marshal(&blockpb.ListHeader{Format: format, Volume: 1, Limit: 1 << 31}), []byte{})
	f.Add(marshal(&blockpb.DeleteHeader{Format: format, Volume: 1, Locals: []uint64{1, 2}}), []byte{1})
	f.Fuzz(func(t *testing.T, header, stream []byte) {
		s := &oneBlock{r: PutRequest{Block: blockID(3, 4)}, data: data, sums: sums}
		h := &handler{s: s}
		for name, call := range calls(&handler{s: &idle{refs: 10}}) {
			if _, err := call(t.Context(), nameserver(), header); err != nil && metadata.KindOf(err) == metadata.KindInternal {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, _ = h.smallGet(t.Context(), quicwire.Peer{}, header)
		p := &peer{in: bytes.NewReader(nil), piece: 1}
		if err := h.get(t.Context(), header, p); err == nil && int64(p.out.Len()) > int64(len(data)+4*len(sums)) {
			t.Errorf("a get was answered with %d bytes", p.out.Len())
		}
		if _, n, err := decodePut(header); err != nil || n > 1<<20 {
			return
		}
		p = &peer{in: bytes.NewReader(stream), piece: 1 << 20}
		if err := h.put(t.Context(), header, p); err == nil && !bytes.Equal(encode(s.data), stream[:len(stream)-p.in.Len()]) {
			t.Error("what was stored is not what was sent")
		}
	})
}

// FuzzAnswers: whatever a storage server answers, its client takes only what
// can be, and what it takes for data matches its checksums.
func FuzzAnswers(f *testing.F) {
	data, sums := smallData(20_000)
	f.Add(marshal(&blockpb.GetReply{BlockLength: 20_000, RangeLength: 20_000, Segments: appendSegment(nil, data, sums)}), encode(data))
	f.Add(encodeOutcomes([]Outcome{{Skipped: true, Err: missing()}}), []byte{})
	f.Add(marshal(&blockpb.ListReply{More: true, Refs: []*blockpb.Ref{{Local: 1, Length: 2}, nil}}), []byte{})
	f.Add(marshal(&blockpb.DigestReply{Blocks: -5}), []byte{})
	f.Fuzz(func(t *testing.T, reply, body []byte) {
		ctx := t.Context()
		w := &frames{answer: func(uint32, []byte) ([]byte, error) { return reply, nil }}
		r := NewRemote(w, 1, "h")
		_, _, _ = r.Stat(ctx, 1, blockID(1, 1))
		_, _ = r.Check(ctx, 1, blockID(1, 1))
		_, _, _ = r.List(ctx, 1, 1, 0, 5)
		_, _ = r.Digest(ctx, 1, 1)
		_ = r.Delete(ctx, 1, 1, nil)
		small := GetRequest{Block: blockID(1, 1), Length: 20_000}
		if in, err := r.Get(ctx, small); err == nil {
			takeAll(t, in)
		}
		out, err := r.Put(ctx, PutRequest{Block: blockID(1, 1), Data: data, Sums: sums})
		if err == nil && len(out) > metadata.ReplicasMax {
			t.Errorf("%d outcomes", len(out))
		}
		s := &scripted{reply: reply, body: bytes.NewReader(body)}
		if in, err := NewRemote(&lone{s: s}, 1, "h").Get(ctx, GetRequest{Block: blockID(1, 1)}); err == nil {
			takeAll(t, in)
		}
	})
}

// takeAll reads what came, as a source does.
func takeAll(t *testing.T, in Segments) {
	defer in.Close()
	buf, sums := make([]byte, SegmentBytes), make([]uint32, SegmentChunks)
	for total := int64(0); ; {
		n, err := in.Next(buf, sums)
		if err != nil {
			return
		}
		if total += int64(n); n <= 0 || total > in.BlockLength() {
			t.Fatalf("%d bytes, %d in all, of a block of %d", n, total, in.BlockLength())
		}
	}
}

func protoUint32(v uint32) protoreflect.Value { return protoreflect.ValueOfUint32(v) }
