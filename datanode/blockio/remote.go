package blockio

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
)

// Remote is a storage server in another process. Its methods may be called
// concurrently. It holds no connection: Wire does.
type Remote struct {
	wire Wire
	node metadata.NodeID
	addr string
}

var _ Target = (*Remote)(nil)

// NewRemote returns the storage server that runs as node at addr (host:port).
func NewRemote(w Wire, node metadata.NodeID, addr string) *Remote {
	return &Remote{wire: w, node: node, addr: addr}
}

// Put is Target.Put. Data goes out in segments, each within r.Stall; the answer
// may take that long again for every level of forwarding.
func (r *Remote) Put(ctx context.Context, req PutRequest) ([]Outcome, error) {
	if req.Stall <= 0 {
		req.Stall = StallPut
	}
	if smallPut(&req) {
		out, err := r.smallPut(ctx, &req)
		if !older(err) {
			return out, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := r.open(ctx, cancel, methodPut, encodePut(&req), req.Stall, len(req.Data) > starBytesMax)
	if err != nil {
		return nil, r.describe(err)
	}
	defer s.Close()
	if err := r.send(ctx, s, &req); err != nil {
		// The server may have said why it does not want more.
		_ = s.SetReadDeadline(time.Now().Add(time.Second)) // always nil
		if _, why := s.ReadReply(); why != nil && telling(why) {
			err = why
		}
		return nil, r.describe(err)
	}
	_ = s.SetReadDeadline(time.Now().Add(req.Stall * time.Duration(1+depth(req.Forward)))) // always nil
	reply, err := s.ReadReply()
	if err != nil {
		return nil, r.describe(err)
	}
	return decodeOutcomes(reply)
}

// open opens a stream, which must succeed within stall.
func (r *Remote) open(ctx context.Context, cancel context.CancelFunc, method uint32, header []byte,
	stall time.Duration, bulk bool) (Stream, error) {
	timer := time.AfterFunc(stall, cancel)
	s, err := r.wire.OpenStream(ctx, r.node, r.addr, method, header, bulk)
	if timer.Stop() {
		return s, err
	}
	if err == nil {
		_ = s.Close() // it is reset already
	}
	return nil, metadata.Errorf(metadata.KindTimeout, "no connection within %v", stall)
}

// send writes the segments.
func (r *Remote) send(ctx context.Context, s Stream, req *PutRequest) error {
	var raw [segmentSumBytes]byte
	ready := len(req.Data)
	if req.Ready != nil {
		ready = 0
	}
	for off := 0; off < len(req.Data); {
		end := min(off+SegmentBytes, len(req.Data))
		for ready < end {
			n, err := req.Ready(ctx, ready)
			if err != nil {
				return err
			}
			ready = n
		}
		sums := req.Sums[off/metadata.ChunkBytes : chunks(end)]
		putSums(raw[:], sums)
		_ = s.SetWriteDeadline(time.Now().Add(req.Stall)) // always nil
		if _, err := s.Write(raw[:4*len(sums)]); err != nil {
			return err
		}
		if _, err := s.Write(req.Data[off:end]); err != nil {
			return err
		}
		off = end
	}
	return s.CloseWrite()
}

// telling reports whether an error is the server's own word.
func telling(err error) bool {
	switch metadata.KindOf(wireError(err)) {
	case metadata.KindUnavailable, metadata.KindTimeout, metadata.KindCanceled:
		return false
	}
	return true
}

// describe adds who it was.
func (r *Remote) describe(err error) error {
	kind := metadata.KindOf(wireError(err))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		kind = metadata.KindTimeout
	}
	return metadata.Errorf(kind, "storage server %v at %s: %w", r.node, r.addr, err)
}

// Get is Target.Get.
func (r *Remote) Get(ctx context.Context, req GetRequest) (Segments, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	if req.Stall <= 0 {
		req.Stall = StallGet
	}
	if smallGet(req) {
		in, err := r.smallGet(ctx, req)
		if err == nil {
			return in, nil
		}
		if !older(err) {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	s, err := r.open(ctx, cancel, methodGet, encodeGet(req), req.Stall,
		req.Length > 4*SegmentBytes || req.Length == 0)
	if err != nil {
		cancel()
		return nil, r.describe(err)
	}
	in := &remoteSegments{r: r, s: s, cancel: cancel, stall: req.Stall}
	if err := in.begin(req); err != nil {
		_ = in.Close() // never fails
		return nil, err
	}
	return in, nil
}

// remoteSegments is a range of a block on its way from a Remote.
type remoteSegments struct {
	r      *Remote
	s      Stream
	cancel context.CancelFunc
	stall  time.Duration
	armed  time.Time // when the read deadline was set last
	block  int64
	in     segmentReader
	done   bool
}

// begin reads the answer's header and asks nothing more of the server.
func (in *remoteSegments) begin(req GetRequest) error {
	if err := in.s.CloseWrite(); err != nil {
		return in.r.describe(err)
	}
	in.arm()
	b, err := in.s.ReadReply()
	if err != nil {
		return in.r.describe(err)
	}
	var h blockpb.GetReply
	if err := unmarshal(b, &h); err != nil {
		return err
	}
	block, n := int64(h.BlockLength), int64(h.RangeLength)
	if block > metadata.BlockBytesMax || n < 0 || req.Offset+n > block {
		return metadata.Errorf(metadata.KindCorrupt, "%v answered with %d bytes of a block of %d", in.r.node, n, block)
	}
	in.block = block
	in.in = segmentReader{from: in, left: n}
	return nil
}

// arm sets the read deadline, not more often than it matters.
func (in *remoteSegments) arm() {
	if now := time.Now(); now.Sub(in.armed) > in.stall/16 {
		in.armed = now
		_ = in.s.SetReadDeadline(now.Add(in.stall)) // always nil
	}
}

// Read reads from the stream; every byte extends the deadline.
func (in *remoteSegments) Read(p []byte) (int, error) {
	in.arm()
	return in.s.Read(p)
}

func (in *remoteSegments) BlockLength() int64 { return in.block }

func (in *remoteSegments) Next(data []byte, sums []uint32) (int, error) {
	in.armed = time.Time{} // the time since the last call was the caller's
	n, err := in.in.read(data, sums)
	if err != nil && in.in.left > 0 {
		return n, in.r.describe(err)
	}
	return n, err
}

func (in *remoteSegments) Close() error {
	if !in.done {
		in.done = true
		_ = in.s.Close() // whatever was not read is not wanted
		in.cancel()
	}
	return nil
}

// cleanMessage makes an error's text fit for an answer.
func cleanMessage(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), messageBytesMax)], "?")
}
