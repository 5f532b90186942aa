package blockiotest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

func block(v, l uint64) metadata.BlockID {
	return metadata.BlockID{Volume: metadata.VolumeID(v), Local: metadata.LocalID(l)}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 11 >> 2)
	}
	return b
}

func request(id metadata.BlockID, n int) blockio.PutRequest {
	b := pattern(n)
	return blockio.PutRequest{Block: id, Disk: 101, Data: b, Sums: blockio.AppendSums(nil, b)}
}

// mustPut stores n bytes.
func mustPut(t *testing.T, s *Server, id metadata.BlockID, n int) {
	t.Helper()
	out, err := s.Put(t.Context(), request(id, n))
	if err != nil || len(out) != 1 || out[0].Err != nil || out[0].Node != s.Node {
		t.Fatalf("put: %+v, %v", out, err)
	}
}

// read reads a range in pieces of `piece` bytes.
func read(ctx context.Context, s *Server, r blockio.GetRequest, piece int) ([]byte, []uint32, error) {
	in, err := s.Get(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	var out []byte
	var all []uint32
	data, sums := make([]byte, piece), make([]uint32, piece/metadata.ChunkBytes)
	for {
		n, err := in.Next(data, sums)
		if err == io.EOF {
			return out, all, nil
		}
		if err != nil {
			return out, all, err
		}
		out = append(out, data[:n]...)
		all = append(all, sums[:(n+metadata.ChunkBytes-1)/metadata.ChunkBytes]...)
	}
}

// What is put is what is got, in any pieces and ranges, with its checksums.
func TestPutAndGet(t *testing.T) {
	s := NewServer(1)
	const n = 5*metadata.ChunkBytes + 77
	mustPut(t, s, block(1, 2), n)
	want := pattern(n)
	for _, piece := range []int{metadata.ChunkBytes, 2 * metadata.ChunkBytes, blockio.SegmentBytes} {
		for off := int64(0); off < n; off += metadata.ChunkBytes {
			for _, length := range []int64{0, 1, metadata.ChunkBytes, metadata.ChunkBytes + 1, n} {
				end := int64(n)
				if length > 0 {
					end = min(end, (off+length+metadata.ChunkBytes-1)/metadata.ChunkBytes*metadata.ChunkBytes)
				}
				got, sums, err := read(t.Context(), s, blockio.GetRequest{Block: block(1, 2), Offset: off, Length: length}, piece)
				if err != nil || !bytes.Equal(got, want[off:end]) {
					t.Fatalf("%d bytes at %d: %d bytes, %v, want %d", length, off, len(got), err, end-off)
				}
				if _, err := blockio.Verify(got, sums); err != nil {
					t.Fatalf("%d bytes at %d: %v", length, off, err)
				}
			}
		}
	}
	if puts, gets := s.Counts(); puts != 1 || gets != 3*6*5 {
		t.Errorf("counted %d puts and %d gets, want 1 and 90", puts, gets)
	}
	_, err := s.Get(t.Context(), blockio.GetRequest{Block: block(1, 3)})
	wantKind(t, "get of what is not there", err, metadata.KindNotFound)
	bad := request(block(1, 4), 100)
	bad.Sums[0]++
	if out, err := s.Put(t.Context(), bad); err != nil || metadata.KindOf(out[0].Err) != metadata.KindCorrupt || s.Length(block(1, 4)) != -1 {
		t.Errorf("put that does not match: %v, %v", out, err)
	}
}

// Blocks are listed in order and in pages, counted, deleted and fenced.
func TestInventory(t *testing.T) {
	ctx := t.Context()
	s := NewServer(1)
	for _, id := range []metadata.BlockID{block(2, 1), block(1, 9), block(1, 3), block(1, 5)} {
		mustPut(t, s, id, 10*int(id.Local))
	}
	want := []metadata.BlockID{block(1, 3), block(1, 5), block(1, 9), block(2, 1)}
	if got := s.IDs(); !slices.Equal(got, want) {
		t.Errorf("IDs: %v, want %v", got, want)
	}
	refs, more, err := s.List(ctx, 0, 1, 3, 1)
	if err != nil || !more || len(refs) != 1 || refs[0] != (metadata.BlockRef{ID: block(1, 5), Length: 50}) {
		t.Errorf("a page of one after 3: %v, more %v, %v", refs, more, err)
	}
	refs, more, err = s.List(ctx, 0, 1, 5, 10)
	if err != nil || more || len(refs) != 1 || refs[0].ID != block(1, 9) {
		t.Errorf("the rest: %v, more %v, %v", refs, more, err)
	}
	d, err := s.Digest(ctx, 101, 1)
	sum := block(1, 3).Digest() ^ block(1, 5).Digest() ^ block(1, 9).Digest()
	if w := (metadata.VolumeDigest{Disk: 101, Volume: 1, Blocks: 3, Bytes: 170, Digest: sum}); err != nil || d != w {
		t.Errorf("digest: %+v, %v, want %+v", d, err, w)
	}
	if disk, n, err := s.Stat(ctx, 0, block(1, 9)); disk != s.Disk || n != 90 || err != nil {
		t.Errorf("stat: %v, %d, %v", disk, n, err)
	}
	if err := s.Delete(ctx, 0, 1, []metadata.LocalID{3, 9, 77}); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Stat(ctx, 0, block(1, 9))
	wantKind(t, "stat of a deleted block", err, metadata.KindNotFound)
	if got := s.IDs(); !slices.Equal(got, []metadata.BlockID{block(1, 5), block(2, 1)}) {
		t.Errorf("after delete: %v", got)
	}
	s.Fence(1, 50)
	s.Fence(1, 20) // never falls
	if out, err := s.Put(ctx, request(block(1, 49), 5)); err != nil || metadata.KindOf(out[0].Err) != metadata.KindStale {
		t.Errorf("below the fence: %v, %v", out, err)
	}
	mustPut(t, s, block(1, 50), 5)
	s.Held = func(metadata.BlockID) int64 { return 4711 }
	if s.Length(block(8, 8)) != 4711 {
		t.Error("the real disk's word does not count")
	}
}

// Damage is noticed by whoever checks, and what is damaged is taken out then.
func TestDamage(t *testing.T) {
	ctx := t.Context()
	s := NewServer(1)
	mustPut(t, s, block(1, 1), 40_000)
	s.Damage(block(9, 9), 0) // nothing there: nothing happens
	if ok, err := s.Check(ctx, 0, block(1, 1)); !ok || err != nil {
		t.Errorf("check of a sound block: %v, %v", ok, err)
	}
	s.Damage(block(1, 1), 20_000)
	got, sums, err := read(ctx, s, blockio.GetRequest{Block: block(1, 1)}, blockio.SegmentBytes)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := blockio.Verify(got, sums); err == nil || n != metadata.ChunkBytes {
		t.Errorf("the damage is not in the second chunk: %d, %v", n, err)
	}
	if ok, err := s.Check(ctx, 0, block(1, 1)); ok || err != nil {
		t.Errorf("check of a damaged block: %v, %v", ok, err)
	}
	_, err = s.Check(ctx, 0, block(1, 1))
	wantKind(t, "check again", err, metadata.KindNotFound)
}

// Every fault shows as itself, and goes away with SetFaults.
func TestFaults(t *testing.T) {
	ctx := t.Context()
	const n = 3 * metadata.ChunkBytes
	down := metadata.Errorf(metadata.KindUnavailable, "down")
	full := func(s *Server) ([]byte, []uint32, error) {
		return read(ctx, s, blockio.GetRequest{Block: block(1, 1)}, metadata.ChunkBytes)
	}
	for name, c := range map[string]struct {
		f    Faults
		want func(s *Server) bool
	}{
		"put": {Faults{Put: down}, func(s *Server) bool {
			out, err := s.Put(ctx, request(block(1, 2), 5))
			return err == nil && out[0].Err == error(down)
		}},
		"get": {Faults{Get: down}, func(s *Server) bool { _, _, err := full(s); return err == error(down) }},
		"flip": {Faults{Flip: true}, func(s *Server) bool {
			b, sums, err := full(s)
			at, wrong := blockio.Verify(b, sums)
			return err == nil && wrong != nil && at == 0 && bytes.Equal(b[metadata.ChunkBytes:], pattern(n)[metadata.ChunkBytes:])
		}},
		"cut": {Faults{CutGet: metadata.ChunkBytes}, func(s *Server) bool {
			b, _, err := full(s)
			return len(b) == metadata.ChunkBytes && metadata.KindOf(err) == metadata.KindUnavailable && err != nil
		}},
	} {
		s := NewServer(1)
		mustPut(t, s, block(1, 1), n)
		s.SetFaults(c.f)
		if !c.want(s) {
			t.Errorf("%s: the fault does not show", name)
		}
		s.SetFaults(Faults{})
		if b, sums, err := full(s); err != nil || !bytes.Equal(b, pattern(n)) {
			t.Errorf("%s: afterwards %d bytes, %v, %v", name, len(b), sums, err)
		}
		mustPut(t, s, block(1, 2), 5)
	}
}

// Slow servers take their time, frozen ones all of it, and one that hangs in
// the middle goes on when it is well again.
func TestSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(1)
		mustPut(t, s, block(1, 1), 2*metadata.ChunkBytes)
		s.SetFaults(Faults{PutWait: time.Second, GetWait: 3 * time.Second})
		began := time.Now()
		mustPut(t, s, block(1, 2), 5)
		if took := time.Since(began); took != time.Second {
			t.Errorf("a slow put took %v", took)
		}
		if _, _, err := read(t.Context(), s, blockio.GetRequest{Block: block(1, 1)}, metadata.ChunkBytes); err != nil || time.Since(began) != 4*time.Second {
			t.Errorf("a slow get: %v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := read(ctx, s, blockio.GetRequest{Block: block(1, 1)}, metadata.ChunkBytes); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a get without the patience: %v", err)
		}
		s.SetFaults(Faults{Frozen: true})
		for name, call := range map[string]func(context.Context) error{
			"get": func(ctx context.Context) error {
				_, err := s.Get(ctx, blockio.GetRequest{Block: block(1, 1)})
				return err
			},
			"put": func(ctx context.Context) error {
				out, err := s.Put(ctx, request(block(1, 3), 5))
				return errors.Join(err, out[0].Err)
			},
			"receive": func(ctx context.Context) error {
				_, err := s.Receive(ctx, request(block(1, 3), 5), 5, nil)
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			began := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("%s on a frozen server: %v after %v", name, err, time.Since(began))
			}
			cancel()
		}
		s.SetFaults(Faults{Hang: true})
		done := make(chan error, 1)
		go func() {
			b, _, err := read(t.Context(), s, blockio.GetRequest{Block: block(1, 1)}, metadata.ChunkBytes)
			if err == nil && len(b) != 2*metadata.ChunkBytes {
				err = io.ErrUnexpectedEOF
			}
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("a get on a server that hangs came to an end: %v", err)
		default:
		}
		s.SetFaults(Faults{})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Hops are forwarded to, each with what is behind it; one that nobody knows is
// an outcome of its own.
func TestForwarding(t *testing.T) {
	servers := []*Server{NewServer(1), NewServer(2), NewServer(3)}
	for _, s := range servers[:2] {
		s.Next = func(h blockio.Hop) blockio.Target { return servers[h.Node-1] }
	}
	hop := func(n metadata.NodeID, children ...blockio.Hop) blockio.Hop {
		return blockio.Hop{Replica: metadata.Replica{Node: n, Disk: metadata.DiskID(100 + n)}, Children: children}
	}
	r := request(block(1, 1), 1000)
	r.Forward = []blockio.Hop{hop(2, hop(3))}
	var ready []int
	r.Ready = func(_ context.Context, off int) (int, error) { ready = append(ready, off); return off + 500, nil }
	out, err := servers[0].Put(t.Context(), r)
	if err != nil || len(out) != 3 || !slices.Equal(ready, []int{0, 500}) {
		t.Fatalf("put: %+v, %v, asked at %v", out, err, ready)
	}
	for i, s := range servers {
		if out[i].Err != nil || out[i].Replica != (metadata.Replica{Node: s.Node, Disk: s.Disk}) || s.Length(block(1, 1)) != 1000 {
			t.Errorf("outcome %d: %+v, holds %d bytes", i, out[i], s.Length(block(1, 1)))
		}
	}
	servers[0].Next = nil
	out, err = servers[0].Put(t.Context(), func() blockio.PutRequest { r.Block.Local, r.Ready = 2, nil; return r }())
	if err != nil || len(out) != 3 || out[0].Err != nil || out[1].Err == nil || !out[2].Skipped {
		t.Errorf("without a way: %+v, %v", out, err)
	}
	r.Ready = func(context.Context, int) (int, error) { return 0, io.ErrUnexpectedEOF }
	if _, err = servers[0].Put(t.Context(), r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a put whose data stops coming: %v", err)
	}
}

// A block is received in pieces, and not at all when they stop.
func TestReceive(t *testing.T) {
	from, to := NewServer(1), NewServer(2)
	const n = 2*metadata.ChunkBytes + 9
	mustPut(t, from, block(1, 1), n)
	for _, cut := range []int{0, metadata.ChunkBytes} {
		from.SetFaults(Faults{CutGet: cut})
		in, err := from.Get(t.Context(), blockio.GetRequest{Block: block(1, 1), Length: metadata.ChunkBytes})
		if err != nil || in.BlockLength() != n {
			t.Fatalf("get: %v", err)
		}
		if cut == 0 {
			in, err = from.Get(t.Context(), blockio.GetRequest{Block: block(1, 1)})
		}
		if err != nil {
			t.Fatal(err)
		}
		id := block(2, uint64(cut+1))
		out, err := to.Receive(t.Context(), blockio.PutRequest{Block: id, Disk: 102}, n, in)
		if whole := cut == 0; whole != (err == nil) || whole != (to.Length(id) == n) {
			t.Errorf("cut after %d: %+v, %v, %d bytes held", cut, out, err, to.Length(id))
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
