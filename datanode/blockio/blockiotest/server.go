package blockiotest

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Faults say what is wrong with a Server. The zero value is a sound one.
type Faults struct {
	Put     error         // every put answers it
	Get     error         // every get answers it
	Frozen  bool          // puts and gets hang until their context ends
	PutWait time.Duration // before a put is durable
	GetWait time.Duration // before a get's first byte
	Flip    bool          // every get has a wrong bit in its first chunk
	Hang    bool          // a get delivers one piece and then nothing until the faults change
	CutGet  int           // a get fails after this many bytes; zero: never
	Full    bool          // the nameserver gives no lease here
}

// Server is one storage server with one disk.
type Server struct {
	Node metadata.NodeID
	Disk metadata.DiskID
	Next func(h blockio.Hop) blockio.Target // whom hops are forwarded to; nil: nobody
	// Held, if not nil, says how long a block is (-1: not there) in place of the
	// memory: for a Server that stands for a real one when commits are checked.
	Held func(metadata.BlockID) int64

	mu     sync.Mutex
	faults Faults        // guarded by mu, as all below
	change chan struct{} // closed when the faults are replaced
	blocks map[metadata.BlockID]*stored
	fences map[metadata.VolumeID]metadata.LocalID
	puts   int
	gets   int
}

type stored struct {
	data []byte
	sums []uint32
}

var _ blockio.Server = (*Server)(nil)

// NewServer returns an empty server with disk 100+node.
func NewServer(node metadata.NodeID) *Server {
	return &Server{Node: node, Disk: metadata.DiskID(100 + node), change: make(chan struct{}),
		blocks: make(map[metadata.BlockID]*stored), fences: make(map[metadata.VolumeID]metadata.LocalID)}
}

// SetFaults replaces the server's faults.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	close(s.change)
	s.change = make(chan struct{})
}

func (s *Server) current() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

func (s *Server) full() bool { return s.current().Full }

// Fence refuses puts below it from now on.
func (s *Server) Fence(v metadata.VolumeID, below metadata.LocalID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fences[v] = max(s.fences[v], below)
}

// Length returns a block's length, -1 if it is not there.
func (s *Server) Length(id metadata.BlockID) int64 {
	if s.Held != nil {
		return s.Held(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blocks[id]; b != nil {
		return int64(len(b.data))
	}
	return -1
}

// Forget drops a block as if it had never been there.
func (s *Server) Forget(id metadata.BlockID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blocks, id)
}

// Damage flips a bit of a stored block.
func (s *Server) Damage(id metadata.BlockID, at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blocks[id]; b != nil {
		b.data[at] ^= 1
	}
}

// IDs returns the blocks held, in order.
func (s *Server) IDs() []metadata.BlockID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []metadata.BlockID
	for id := range s.blocks {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b metadata.BlockID) int {
		if a.Volume != b.Volume {
			return int(a.Volume) - int(b.Volume)
		}
		return int(a.Local) - int(b.Local)
	})
	return ids
}

// Counts returns how many puts and gets were begun.
func (s *Server) Counts() (puts, gets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts, s.gets
}

// wait sleeps like a slow or frozen server.
func wait(ctx context.Context, d time.Duration, frozen bool) error {
	if frozen {
		<-ctx.Done()
		return ctx.Err()
	}
	if d == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Put is blockio.Target.
func (s *Server) Put(ctx context.Context, r blockio.PutRequest) ([]blockio.Outcome, error) {
	if r.Ready != nil {
		for n := 0; n < len(r.Data); {
			m, err := r.Ready(ctx, n)
			if err != nil {
				return nil, err
			}
			n = m
		}
	}
	own := blockio.Outcome{Replica: metadata.Replica{Node: s.Node, Disk: r.Disk}, Err: s.store(ctx, r)}
	out := []blockio.Outcome{own}
	for _, h := range r.Forward {
		var got []blockio.Outcome
		err := error(metadata.Errorf(metadata.KindUnavailable, "no way to %v", h.Node))
		if s.Next != nil {
			next := r
			next.Disk, next.Forward, next.Ready = h.Disk, h.Children, nil
			got, err = s.Next(h).Put(ctx, next)
		}
		if err != nil {
			got = blockio.Skip([]blockio.Outcome{{Replica: h.Replica, Err: err}}, h.Children, h.Node)
		}
		out = append(out, got...)
	}
	return out, nil
}

func (s *Server) store(ctx context.Context, r blockio.PutRequest) error {
	f := s.current()
	s.mu.Lock()
	s.puts++
	s.mu.Unlock()
	if err := wait(ctx, f.PutWait, f.Frozen); err != nil {
		return err
	}
	if f.Put != nil {
		return f.Put
	}
	if _, err := blockio.Verify(r.Data, r.Sums); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Block.Local < s.fences[r.Block.Volume] {
		return metadata.Errorf(metadata.KindStale, "%v is below the fence", r.Block)
	}
	s.blocks[r.Block] = &stored{data: slices.Clone(r.Data), sums: slices.Clone(r.Sums)}
	return nil
}

// Receive is blockio.Server.
func (s *Server) Receive(ctx context.Context, r blockio.PutRequest, length int, in blockio.Segments) ([]blockio.Outcome, error) {
	if s.current().Frozen {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r.Data = make([]byte, length)
	r.Sums = make([]uint32, (length+metadata.ChunkBytes-1)/metadata.ChunkBytes)
	for n := 0; n < length; {
		m, err := in.Next(r.Data[n:], r.Sums[n/metadata.ChunkBytes:])
		if err != nil {
			return nil, err
		}
		n += m
	}
	return s.Put(ctx, r)
}

// Get is blockio.Target.
func (s *Server) Get(ctx context.Context, r blockio.GetRequest) (blockio.Segments, error) {
	f := s.current()
	s.mu.Lock()
	s.gets++
	b, change := s.blocks[r.Block], s.change
	s.mu.Unlock()
	if err := wait(ctx, f.GetWait, f.Frozen); err != nil {
		return nil, err
	}
	if f.Get != nil {
		return nil, f.Get
	}
	if b == nil {
		return nil, metadata.Errorf(metadata.KindNotFound, "%v is not here", r.Block)
	}
	end := int64(len(b.data))
	if r.Length > 0 {
		end = min(end, (r.Offset+r.Length+metadata.ChunkBytes-1)/metadata.ChunkBytes*metadata.ChunkBytes)
	}
	return &segments{b: b, at: r.Offset, end: end, faults: f, change: change}, nil
}

// segments delivers a stored block.
type segments struct {
	b       *stored
	at, end int64
	sent    int
	faults  Faults
	change  <-chan struct{}
}

func (g *segments) BlockLength() int64 { return int64(len(g.b.data)) }

func (g *segments) Next(data []byte, sums []uint32) (int, error) {
	if g.at >= g.end {
		return 0, io.EOF
	}
	if g.faults.CutGet > 0 && g.sent >= g.faults.CutGet {
		return 0, metadata.Errorf(metadata.KindUnavailable, "cut off")
	}
	if g.faults.Hang && g.sent > 0 {
		<-g.change
	}
	n := copy(data, g.b.data[g.at:g.end])
	first := int(g.at / metadata.ChunkBytes)
	copy(sums, g.b.sums[first:(int(g.at)+n+metadata.ChunkBytes-1)/metadata.ChunkBytes])
	if g.faults.Flip && g.sent == 0 {
		data[n/2] ^= 0x40
	}
	g.at += int64(n)
	g.sent += n
	return n, nil
}

func (g *segments) Close() error { return nil }

// Stat is blockio.Server.
func (s *Server) Stat(_ context.Context, _ metadata.DiskID, id metadata.BlockID) (metadata.DiskID, int64, error) {
	n := s.Length(id)
	if n < 0 {
		return 0, 0, metadata.Errorf(metadata.KindNotFound, "%v is not here", id)
	}
	return s.Disk, n, nil
}

// List is blockio.Server.
func (s *Server) List(_ context.Context, _ metadata.DiskID, v metadata.VolumeID, after metadata.LocalID, limit int) (
	refs []metadata.BlockRef, more bool, err error) {
	for _, id := range s.IDs() {
		if id.Volume != v || id.Local <= after {
			continue
		}
		if len(refs) == limit {
			return refs, true, nil
		}
		refs = append(refs, metadata.BlockRef{ID: id, Length: uint32(s.Length(id))})
	}
	return refs, false, nil
}

// Digest is blockio.Server.
func (s *Server) Digest(_ context.Context, disk metadata.DiskID, v metadata.VolumeID) (metadata.VolumeDigest, error) {
	d := metadata.VolumeDigest{Disk: disk, Volume: v}
	for _, id := range s.IDs() {
		if id.Volume == v {
			d.Blocks++
			d.Bytes += s.Length(id)
			d.Digest ^= id.Digest()
		}
	}
	return d, nil
}

// Delete is blockio.Server.
func (s *Server) Delete(_ context.Context, _ metadata.DiskID, v metadata.VolumeID, locals []metadata.LocalID) error {
	for _, l := range locals {
		s.Forget(metadata.BlockID{Volume: v, Local: l})
	}
	return nil
}

// Check is blockio.Server.
func (s *Server) Check(_ context.Context, _ metadata.DiskID, id metadata.BlockID) (bool, error) {
	s.mu.Lock()
	b := s.blocks[id]
	s.mu.Unlock()
	if b == nil {
		return false, metadata.Errorf(metadata.KindNotFound, "%v is not here", id)
	}
	if _, err := blockio.Verify(b.data, b.sums); err != nil {
		s.Forget(id)
		return false, nil
	}
	return true, nil
}
