package blockio

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
	"kendfs/quicwire"
)

// frames is a wire on which a handler answers calls; streams count.
type frames struct {
	answer  func(method uint32, req []byte) ([]byte, error)
	calls   []uint32
	streams []uint32
}

func (f *frames) Call(_ context.Context, _ metadata.NodeID, _ string, method uint32, req []byte) ([]byte, error) {
	f.calls = append(f.calls, method)
	return f.answer(method, req)
}

func (f *frames) OpenStream(_ context.Context, _ metadata.NodeID, _ string, method uint32, _ []byte, _ bool) (Stream, error) {
	f.streams = append(f.streams, method)
	return nil, metadata.Errorf(metadata.KindUnavailable, "no streams here")
}

// oneBlock is a server that holds the block put last.
type oneBlock struct {
	Server
	r    PutRequest
	data []byte
	sums []uint32
	cut  bool // gets end early
}

func (o *oneBlock) Receive(_ context.Context, r PutRequest, length int, in Segments) ([]Outcome, error) {
	o.r, o.data, o.sums = r, make([]byte, length), make([]uint32, chunks(length))
	for n := 0; n < length; {
		m, err := in.Next(o.data[n:], o.sums[n/metadata.ChunkBytes:])
		if err != nil {
			return nil, err
		}
		n += m
	}
	if _, err := in.Next(make([]byte, metadata.ChunkBytes), make([]uint32, 1)); err != io.EOF {
		return nil, metadata.Errorf(metadata.KindInternal, "after the block: %v", err)
	}
	return []Outcome{{Replica: metadata.Replica{Node: 1, Disk: r.Disk}}}, in.Close()
}

func (o *oneBlock) Get(_ context.Context, r GetRequest) (Segments, error) {
	if r.Block != o.r.Block {
		return nil, metadata.Errorf(metadata.KindNotFound, "%v is not here", r.Block)
	}
	off := min(int(r.Offset), len(o.data))
	rest := o.data[off:min(len(o.data), off+chunks(int(r.Length))*metadata.ChunkBytes)]
	if o.cut {
		rest = rest[:len(rest)/2]
	}
	first := off / metadata.ChunkBytes
	raw := appendSegment(nil, rest, o.sums[first:first+chunks(len(rest))])
	m, _ := newMemSegments(raw, int64(len(rest)), int64(len(o.data)))
	return m, nil
}

func smallRig() (*oneBlock, *frames, *Remote) {
	s := &oneBlock{}
	h := &handler{s: s}
	f := &frames{answer: func(method uint32, req []byte) ([]byte, error) {
		switch method {
		case methodSmallPut:
			return h.smallPut(context.Background(), quicwire.Peer{}, req)
		case methodSmallGet:
			return h.smallGet(context.Background(), quicwire.Peer{}, req)
		}
		return nil, metadata.Errorf(metadata.KindUnsupported, "no call %d", method)
	}}
	return s, f, NewRemote(f, 1, "host:1")
}

func smallData(n int) ([]byte, []uint32) {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b, AppendSums(nil, b)
}

// Small blocks go there and back as calls; larger ones, parts of a tree, and
// what is still coming in are streams.
func TestSmallCalls(t *testing.T) {
	for _, n := range []int{1, 4096, metadata.ChunkBytes, metadata.ChunkBytes + 1, smallBytes - 1, smallBytes} {
		s, f, r := smallRig()
		b, sums := smallData(n)
		put := PutRequest{Block: blockID(3, 4), Epoch: 5, Session: 6, Disk: 7, Data: b, Sums: sums, Stall: time.Second}
		out, err := r.Put(t.Context(), put)
		if err != nil || len(out) != 1 || out[0].Err != nil || out[0].Disk != 7 {
			t.Fatalf("%d bytes: Put: %v, %v", n, out, err)
		}
		if !bytes.Equal(s.data, b) || s.r.Epoch != 5 || s.r.Session != 6 || s.r.Stall != time.Second {
			t.Fatalf("%d bytes: the server got %+v and %d bytes", n, s.r, len(s.data))
		}
		in, err := r.Get(t.Context(), GetRequest{Block: put.Block, Length: int64(n)})
		if err != nil || in.BlockLength() != int64(n) {
			t.Fatalf("%d bytes: Get: %v, %v", n, in, err)
		}
		got, gotSums := make([]byte, smallBytes), make([]uint32, chunks(smallBytes))
		m, err := in.Next(got, gotSums)
		if _, bad := Verify(got[:m], gotSums[:chunks(m)]); err != nil || bad != nil || !bytes.Equal(got[:m], b) {
			t.Fatalf("%d bytes: read %d, %v, %v", n, m, err, bad)
		}
		if _, err := in.Next(got, gotSums); err != io.EOF {
			t.Errorf("%d bytes: after them: %v, want EOF", n, err)
		}
		if len(f.calls) != 2 || len(f.streams) != 0 {
			t.Errorf("%d bytes: calls %v, streams %v", n, f.calls, f.streams)
		}
	}
	_, f, r := smallRig()
	b, sums := smallData(smallBytes + 1)
	for _, put := range []PutRequest{
		{Block: blockID(1, 1), Data: b, Sums: sums},
		{Block: blockID(1, 1), Data: b[:1], Sums: sums[:1], Forward: []Hop{hop(2)}},
		{Block: blockID(1, 1), Data: b[:1], Sums: sums[:1], Ready: func(context.Context, int) (int, error) { return 1, nil }},
	} {
		_, _ = r.Put(t.Context(), put)
	}
	_, _ = r.Get(t.Context(), GetRequest{Block: blockID(1, 1)})
	_, _ = r.Get(t.Context(), GetRequest{Block: blockID(1, 1), Length: smallBytes + 1})
	if len(f.calls) != 0 || len(f.streams) != 5 {
		t.Errorf("calls %v, streams %v, want 5 streams", f.calls, f.streams)
	}
}

// The middle of a larger block.
func TestSmallGetOfPart(t *testing.T) {
	s, _, r := smallRig()
	s.data, s.sums = smallData(200_000)
	s.r.Block = blockID(3, 4)
	for _, tt := range []struct{ off, length, want int64 }{
		{0, 1, metadata.ChunkBytes}, {metadata.ChunkBytes, 20_000, 2 * metadata.ChunkBytes},
		{12 * metadata.ChunkBytes, smallBytes, 200_000 - 12*metadata.ChunkBytes},
	} {
		in, err := r.Get(t.Context(), GetRequest{Block: s.r.Block, Offset: tt.off, Length: tt.length})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, smallBytes)
		n, err := in.Next(got, make([]uint32, 4))
		if err != nil || int64(n) != tt.want || !bytes.Equal(got[:n], s.data[tt.off:tt.off+tt.want]) || in.BlockLength() != 200_000 {
			t.Errorf("%+v: got %d bytes of %d, %v", tt, n, in.BlockLength(), err)
		}
	}
	if _, err := r.Get(t.Context(), GetRequest{Block: s.r.Block, Offset: 208 << 10, Length: 1}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("behind the block: %v, want invalid", err)
	}
	if _, err := r.Get(t.Context(), GetRequest{Block: blockID(9, 9), Length: 1}); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("no such block: %v, want not found", err)
	}
	s.cut = true
	if _, err := r.Get(t.Context(), GetRequest{Block: s.r.Block, Length: 9000}); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("a disk that ends early: %v, want unavailable", err)
	}
}

// A server that does not know small calls gets streams.
func TestSmallCallsToOlderServer(t *testing.T) {
	f := &frames{answer: func(uint32, []byte) ([]byte, error) {
		return nil, &metadata.Error{Kind: metadata.KindUnsupported, Msg: "no such call"}
	}}
	r := NewRemote(f, 1, "host:1")
	b, sums := smallData(10)
	_, _ = r.Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: b, Sums: sums})
	_, _ = r.Get(t.Context(), GetRequest{Block: blockID(1, 1), Length: 10})
	if len(f.calls) != 2 || len(f.streams) != 2 || f.streams[0] != methodPut || f.streams[1] != methodGet {
		t.Errorf("calls %v, streams %v, want two of each", f.calls, f.streams)
	}
}

// Damage on the way to a server is found there, before anything is stored.
func TestSmallPutRefused(t *testing.T) {
	s, _, _ := smallRig()
	h := &handler{s: s}
	b, sums := smallData(20_000)
	sound := func() *blockpb.PutHeader {
		m := putHeader(&PutRequest{Block: blockID(1, 1), Data: b})
		m.Segments = appendSegment(nil, b, sums)
		return m
	}
	for name, c := range map[string]struct {
		change func(*blockpb.PutHeader)
		want   metadata.Kind
	}{
		"flipped":    {func(m *blockpb.PutHeader) { m.Segments[len(m.Segments)-1] ^= 1 }, metadata.KindCorrupt},
		"short":      {func(m *blockpb.PutHeader) { m.Segments = m.Segments[1:] }, metadata.KindInvalid},
		"long":       {func(m *blockpb.PutHeader) { m.Segments = append(m.Segments, 0) }, metadata.KindInvalid},
		"missing":    {func(m *blockpb.PutHeader) { m.Segments = nil }, metadata.KindInvalid},
		"too large":  {func(m *blockpb.PutHeader) { m.Length = smallBytes + 1 }, metadata.KindInvalid},
		"far larger": {func(m *blockpb.PutHeader) { m.Length = 1 << 31 }, metadata.KindInvalid},
		"format":     {func(m *blockpb.PutHeader) { m.Format = 2 }, metadata.KindUnsupported},
	} {
		m := sound()
		c.change(m)
		if _, err := h.smallPut(t.Context(), quicwire.Peer{}, marshal(m)); err == nil || metadata.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	large := encodeGet(GetRequest{Block: blockID(1, 1), Length: smallBytes + 1})
	for _, req := range [][]byte{large, encodeGet(GetRequest{Block: blockID(1, 1)}), {1, 2, 3}} {
		if _, err := h.smallGet(t.Context(), quicwire.Peer{}, req); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("small get %x: %v, want invalid", req, err)
		}
	}
}

// Answers that cannot be are errors.
func TestSmallGetAnswerRefused(t *testing.T) {
	b, sums := smallData(20_000)
	raw := appendSegment(nil, b, sums)
	for name, m := range map[string]*blockpb.GetReply{
		"short":         {BlockLength: 20_000, RangeLength: 20_000, Segments: raw[1:]},
		"nothing":       {BlockLength: 20_000, RangeLength: 20_000},
		"too large":     {BlockLength: 1 << 31, RangeLength: 20_000, Segments: raw},
		"behind":        {BlockLength: 10_000, RangeLength: 20_000, Segments: raw},
		"larger a call": {BlockLength: 1 << 20, RangeLength: 1 << 20, Segments: make([]byte, 1<<20+256)},
	} {
		r := NewRemote(&frames{answer: func(uint32, []byte) ([]byte, error) { return marshal(m), nil }}, 1, "host:1")
		if in, err := r.Get(t.Context(), GetRequest{Block: blockID(1, 1), Length: 20_000}); metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("%s: got %v, %v, want corrupt", name, in, err)
		}
	}
	r := NewRemote(&frames{answer: func(uint32, []byte) ([]byte, error) { return []byte{0xff}, nil }}, 1, "host:1")
	if _, err := r.Get(t.Context(), GetRequest{Block: blockID(1, 1), Length: 1}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("no answer at all: %v, want invalid", err)
	}
}

func FuzzSmallFrames(f *testing.F) {
	b, sums := smallData(20_000)
	m := putHeader(&PutRequest{Block: blockID(1, 1), Data: b})
	m.Segments = appendSegment(nil, b, sums)
	f.Add(marshal(m))
	f.Add(marshal(&blockpb.GetReply{BlockLength: 20_000, RangeLength: 20_000, Segments: m.Segments}))
	f.Add(encodeGet(GetRequest{Block: blockID(1, 1), Length: 20_000}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &oneBlock{}
		h := &handler{s: s}
		if _, err := h.smallPut(t.Context(), quicwire.Peer{}, b); err == nil {
			if _, bad := Verify(s.data, s.sums); bad != nil || len(s.data) == 0 || len(s.data) > smallBytes {
				t.Errorf("stored %d bytes: %v", len(s.data), bad)
			}
		}
		_, _ = h.smallGet(t.Context(), quicwire.Peer{}, b)
		r := NewRemote(&frames{answer: func(uint32, []byte) ([]byte, error) { return b, nil }}, 1, "host:1")
		in, err := r.smallGet(t.Context(), GetRequest{Block: blockID(1, 1), Length: smallBytes, Stall: time.Second})
		if err != nil {
			return
		}
		n, err := in.Next(make([]byte, smallBytes), make([]uint32, chunks(smallBytes)))
		if err == nil && int64(n) > in.BlockLength() {
			t.Errorf("%d bytes of a block of %d", n, in.BlockLength())
		}
	})
}
