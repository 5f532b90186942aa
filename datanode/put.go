package datanode

import (
	"context"
	"sync"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// bufferWait is how long a put waits for memory before it is refused as busy.
const bufferWait = 3 * time.Second

// Put stores a block that is in memory and forwards it. It is blockio.Target.
func (s *Server) Put(ctx context.Context, r blockio.PutRequest) ([]blockio.Outcome, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := checkPut(r, len(r.Data)); err != nil {
		return nil, err
	}
	f := s.forward(ctx, r)
	for n := 0; r.Ready != nil && n < len(r.Data); {
		m, err := r.Ready(ctx, n)
		if err != nil {
			f.giveUp()
			return nil, err
		}
		n = m
	}
	own := s.keep(ctx, r)
	return append([]blockio.Outcome{own}, f.wait()...), nil
}

// Receive stores a block that is coming in and forwards it meanwhile. It is
// blockio.Server.
func (s *Server) Receive(ctx context.Context, r blockio.PutRequest, length int, in blockio.Segments) ([]blockio.Outcome, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := checkPut(r, length); err != nil {
		return nil, err
	}
	if store, err := s.store(r.Disk); err == nil && r.Block.Local < store.Fence(r.Block.Volume) {
		// Known before the data: the lease is over on all replicas.
		return nil, metadata.Errorf(metadata.KindStale, "%v is below the fence of its volume", r.Block)
	}
	buf, err := s.buffer(ctx, length)
	if err != nil {
		return nil, err
	}
	defer s.buffers.Put(buf)
	r.Data, r.Sums = buf.Data[:length], buf.Sums[:(length+metadata.ChunkBytes-1)/metadata.ChunkBytes]
	flow := newFlow()
	r.Ready = flow.ready
	f := s.forward(ctx, r)
	for n := 0; n < length; {
		m, err := in.Next(r.Data[n:], r.Sums[n/metadata.ChunkBytes:])
		if err == nil && m <= 0 {
			err = metadata.Errorf(metadata.KindInternal, "%v comes in pieces of nothing", r.Block)
		}
		if err != nil {
			flow.fail(err)
			f.giveUp()
			return nil, err
		}
		n += m
		flow.advance(n)
	}
	own := s.keep(ctx, r)
	return append([]blockio.Outcome{own}, f.wait()...), nil
}

// checkPut reports what is wrong with a put.
func checkPut(r blockio.PutRequest, length int) error {
	if length <= 0 || length > metadata.BlockBytesMax || r.Block.Volume == 0 || r.Block.Local == 0 {
		return metadata.Errorf(metadata.KindInvalid, "put of %d bytes as %v", length, r.Block)
	}
	return nil
}

// buffer returns memory for a block, waiting a moment for it.
func (s *Server) buffer(ctx context.Context, length int) (*blockio.Buffer, error) {
	wait, cancel := context.WithTimeout(ctx, bufferWait)
	defer cancel()
	buf, err := s.buffers.Get(wait, length)
	if err != nil && ctx.Err() == nil {
		return nil, metadata.Errorf(metadata.KindBusy, "storage server %v is receiving too much at once", s.cfg.Node)
	}
	return buf, err
}

// keep makes the block durable on this server's own disk.
func (s *Server) keep(ctx context.Context, r blockio.PutRequest) blockio.Outcome {
	o := blockio.Outcome{Replica: metadata.Replica{Node: s.cfg.Node, Disk: r.Disk}}
	began := time.Now()
	store, err := s.store(r.Disk)
	if err == nil {
		err = store.Put(ctx, r.Block, r.Data, r.Sums)
	}
	if err != nil {
		s.meter.Fail()
		o.Err = err
		return o
	}
	s.mended(r.Disk, r.Block)
	s.served.puts.Add(1)
	s.served.putBytes.Add(int64(len(r.Data)))
	s.meter.Write(int64(len(r.Data)), time.Since(began))
	return o
}

// forwarding is a block on its way to the hops behind this server.
type forwarding struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	parts  [][]blockio.Outcome // by hop; written by the hop's goroutine
}

// forward begins to send the block to every hop, each in its own goroutine, so
// that one that fails or freezes holds up nobody else.
func (s *Server) forward(ctx context.Context, r blockio.PutRequest) *forwarding {
	ctx, cancel := context.WithCancel(ctx)
	f := &forwarding{cancel: cancel, parts: make([][]blockio.Outcome, len(r.Forward))}
	for i, h := range r.Forward {
		next := r
		next.Disk, next.Forward = h.Disk, h.Children
		f.wg.Go(func() {
			target, err := s.target(h.Node, h.Addr)
			if err == nil {
				f.parts[i], err = target.Put(ctx, next)
			}
			if err != nil {
				f.parts[i] = blockio.Skip([]blockio.Outcome{{Replica: h.Replica, Err: err}}, h.Children, h.Node)
			}
		})
	}
	return f
}

// wait returns the outcomes of all hops.
func (f *forwarding) wait() []blockio.Outcome {
	f.wg.Wait()
	f.cancel()
	var out []blockio.Outcome
	for _, p := range f.parts {
		out = append(out, p...)
	}
	return out
}

// giveUp ends the forwarding of a block that never came whole.
func (f *forwarding) giveUp() {
	f.cancel()
	f.wg.Wait()
}

// flow tells forwarding goroutines how much of a block has come in. They read
// it from the block's buffer, so none of them needs a queue.
type flow struct {
	mu   sync.Mutex
	have int           // guarded by mu, as below
	err  error         // no more will come
	more chan struct{} // closed and replaced when something changes
}

func newFlow() *flow { return &flow{more: make(chan struct{})} }

// advance says that the first n bytes are there.
func (f *flow) advance(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.have = n
	f.signal()
}

// fail says that no more will come.
func (f *flow) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.signal()
}

func (f *flow) signal() {
	close(f.more)
	f.more = make(chan struct{})
}

// ready is blockio.PutRequest.Ready.
func (f *flow) ready(ctx context.Context, off int) (int, error) {
	for {
		f.mu.Lock()
		have, err, more := f.have, f.err, f.more
		f.mu.Unlock()
		if have > off {
			return have, nil
		}
		if err != nil {
			return 0, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, metadata.Errorf(metadata.KindOf(ctx.Err()), "forwarding: %w", ctx.Err())
		}
	}
}
