package blockio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockio/blockiotest"
	"kendfs/metadata"
)

// Whatever happens to one of three servers, a file of two replicas is written
// and read without an error.
func TestOneServerInTrouble(t *testing.T) {
	for name, f := range map[string]blockiotest.Faults{
		"puts fail":     {Put: metadata.Errorf(metadata.KindInternal, "disk failed")},
		"unavailable":   {Put: metadata.Errorf(metadata.KindUnavailable, "gone"), Get: metadata.Errorf(metadata.KindUnavailable, "gone")},
		"disk full":     {Put: metadata.Errorf(metadata.KindNoSpace, "full")},
		"busy":          {Put: metadata.Errorf(metadata.KindBusy, "too many puts")},
		"stale":         {Put: metadata.Errorf(metadata.KindStale, "below the fence")},
		"gets fail":     {Get: metadata.Errorf(metadata.KindInternal, "read error")},
		"wrong bytes":   {Flip: true},
		"gets cut off":  {CutGet: 16 << 10},
		"slow gets":     {GetWait: 2 * time.Second},
		"corrupt relay": {Put: metadata.Errorf(metadata.KindCorrupt, "checksum")},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, overQUIC bool) {
				r := newRig(t, 3, overQUIC, nil)
				r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 2}) // leases are in stock
				r.servers[1].SetFaults(f)
				for i, n := range []int{3000, 150_000, 400_000} {
					b := data(uint64(i), n)
					e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
					r.mustRead(e, b)
				}
			})
		})
	}
}

// A server that freezes in the middle of a file is dropped after its stall time.
func TestFreezeInMidPut(t *testing.T) {
	r := newRig(t, 3, true, func(c *blockio.Config) {
		c.BlockBytes, c.BufferBytes, c.StallPut = 2<<20, 16<<20, 500*time.Millisecond
	})
	b := data(1, 9<<20)
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(b[:3<<20]); err != nil {
		t.Fatal(err)
	}
	r.servers[2].SetFaults(blockiotest.Faults{Frozen: true})
	if _, err := w.ReadFrom(bytes.NewReader(b[3<<20:])); err != nil {
		t.Fatal(err)
	}
	e, err := r.commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	r.mustRead(e, b)
	if r.ns.Calls("DropReplica") == 0 {
		t.Error("no replica was dropped")
	}
}

// A server that freezes in the middle of a read is left for another one.
func TestFreezeInMidGet(t *testing.T) {
	r := newRig(t, 2, true, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes, c.StallGet = 8<<20, 32<<20, time.Second })
	b := data(1, 20<<20)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	f := r.client.Open(t.Context(), e)
	defer f.Close()
	got := make([]byte, len(b))
	if _, err := io.ReadFull(f, got[:3<<20]); err != nil {
		t.Fatal(err)
	}
	r.servers[0].SetFaults(blockiotest.Faults{Frozen: true})
	began := time.Now()
	if _, err := io.ReadFull(f, got[3<<20:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b) {
		t.Error("other bytes")
	}
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
}

// Two of three servers die: what R=2 still allows is written to the one left.
func TestTwoOfThreeDie(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 3, overQUIC, nil)
		r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 2})
		dead := blockiotest.Faults{Put: metadata.Errorf(metadata.KindUnavailable, "dead"), Get: metadata.Errorf(metadata.KindUnavailable, "dead")}
		r.servers[0].SetFaults(dead)
		r.servers[1].SetFaults(dead)
		b := data(2, 300_000)
		r.mustRead(r.mustWrite(b, blockio.CreateOptions{Replicas: 2}), b)
	})
}

// With no server left the write fails after its retry window, and says so.
func TestAllDie(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.RetryWindow = 300 * time.Millisecond })
	for _, s := range r.servers {
		s.SetFaults(blockiotest.Faults{Put: metadata.Errorf(metadata.KindUnavailable, "dead")})
	}
	_, err := r.write(t.Context(), data(1, 100_000), blockio.CreateOptions{Replicas: 2})
	if got, want := metadata.KindOf(err), metadata.KindUnavailable; got != want {
		t.Errorf("write: %v (%v), want %v", got, err, want)
	}
}

func TestClusterFull(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.RetryWindow = 300 * time.Millisecond })
	for _, s := range r.servers {
		s.SetFaults(blockiotest.Faults{Full: true})
	}
	_, err := r.write(t.Context(), data(1, 100_000), blockio.CreateOptions{Replicas: 2})
	if got, want := metadata.KindOf(err), metadata.KindNoSpace; got != want {
		t.Errorf("write: %v (%v), want %v", got, err, want)
	}
}

// A small file is written again, unseen, when its lease ends before the commit.
func TestStaleCommitOfSmallFile(t *testing.T) {
	for name, end := range map[string]func(*blockiotest.Nameserver){
		"lease":   (*blockiotest.Nameserver).EndLeases,
		"session": (*blockiotest.Nameserver).EndSessions,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 3, false, nil)
			for _, n := range []int{1000, 200_000} {
				b := data(uint64(n), n)
				w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
				defer w.Abort()
				if _, err := w.Write(b); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				end(r.ns)
				e, err := r.commit(t.Context(), w)
				if err != nil {
					t.Fatal(err)
				}
				r.mustRead(e, b)
			}
			if r.client.Stats().Rewrites == 0 {
				t.Error("nothing was written again")
			}
		})
	}
}

// A file whose first blocks are not in memory any more fails cleanly.
func TestStaleCommitOfLargeFile(t *testing.T) {
	r := newRig(t, 3, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 1<<20, 4<<20 })
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(data(1, 20<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ns.EndLeases()
	_, err := r.commit(t.Context(), w)
	if got, want := metadata.KindOf(err), metadata.KindUnavailable; got != want {
		t.Errorf("commit: %v (%v), want %v", got, err, want)
	}
}

// The answer to a DropReplica gets lost: the client finds out what happened.
func TestLostDropAnswer(t *testing.T) {
	r := newRig(t, 3, false, nil)
	r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 2})
	r.servers[1].SetFaults(blockiotest.Faults{Put: metadata.Errorf(metadata.KindInternal, "disk failed")})
	lossy := &lossyLeaser{Leaser: r.ns}
	r.cfg.Leaser = lossy
	r.client = r.newClient()
	for i := range 5 {
		b := data(uint64(i), 50_000)
		r.mustRead(r.mustWrite(b, blockio.CreateOptions{Replicas: 2}), b)
	}
}

// lossyLeaser executes the first DropReplica but reports a timeout.
type lossyLeaser struct {
	metadata.Leaser
	once sync.Once
}

func (l *lossyLeaser) DropReplica(ctx context.Context, s metadata.SessionID, p metadata.LeaseProof, x metadata.Replica) (
	metadata.Lease, error) {
	got, err := l.Leaser.DropReplica(ctx, s, p, x)
	l.once.Do(func() { got, err = metadata.Lease{}, metadata.Errorf(metadata.KindTimeout, "answer lost") })
	return got, err
}

// A commit with an epoch that another file's trouble has outdated is repeated.
func TestEpochMovesUnderCommit(t *testing.T) {
	r := newRig(t, 3, false, func(c *blockio.Config) { c.Leases = 1 })
	b := data(1, 1000)
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := m.Leases[0]
	views, err := r.ns.Volumes(t.Context(), []metadata.VolumeID{p.Volume})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ns.DropReplica(t.Context(), m.Session, p, views[0].Replicas[0]); err != nil {
		t.Fatal(err)
	}
	e, err := r.commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	r.mustRead(e, b)
	if got := r.client.Stats().Rewrites; got != 0 {
		t.Errorf("%d blocks were written again, want none", got)
	}
}

func TestCommitErrorIsPassedOn(t *testing.T) {
	r := newRig(t, 3, false, nil)
	w := r.client.Create(t.Context(), blockio.CreateOptions{})
	defer w.Abort()
	if _, err := w.Write(data(1, 1000)); err != nil {
		t.Fatal(err)
	}
	want := metadata.Errorf(metadata.KindPrecondition, "the file has changed")
	calls := 0
	err := w.Commit(t.Context(), func(context.Context, metadata.Commit) error { calls++; return want })
	if !errors.Is(err, want) || calls != 1 {
		t.Errorf("Commit = %v after %d calls, want %v after 1", err, calls, want)
	}
}

// An upload that is given up commits nothing, holds no memory and no lease.
func TestAbort(t *testing.T) {
	r := newRig(t, 3, false, func(c *blockio.Config) { c.BufferBytes = 256 << 10 })
	for range 20 {
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
		if _, err := w.Write(data(1, 200_000)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		w.Abort()
		if _, err := w.Write([]byte("x")); metadata.KindOf(err) != metadata.KindCanceled {
			t.Fatalf("Write after Abort: %v, want %v", err, metadata.KindCanceled)
		}
	}
	if got := r.ns.Calls("Commit"); got != 0 {
		t.Errorf("%d commits, want none", got)
	}
	if err := r.client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.ns.Leased(); got != 0 {
		t.Errorf("%d volumes still leased after Close", got)
	}
}

// The context of Create ends everything, also a wait for memory.
func TestBuffersAreBounded(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 64<<10, 128<<10 })
	hold := r.client.Create(t.Context(), blockio.CreateOptions{})
	defer hold.Abort()
	for _, s := range r.servers {
		s.SetFaults(blockiotest.Faults{Frozen: true})
	}
	// Two blocks fill the memory; the third waits.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	w := r.client.Create(ctx, blockio.CreateOptions{})
	defer w.Abort()
	n, err := w.Write(data(1, 1<<20))
	if k := metadata.KindOf(err); k != metadata.KindTimeout || n > 128<<10 {
		t.Errorf("Write = %d, %v, want a timeout and at most %d bytes", n, err, 128<<10)
	}
}

// Many writers with little memory all get through.
func TestCrowd(t *testing.T) {
	r := newRig(t, 3, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 64<<10, 256<<10 })
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			b := data(uint64(i), 1+i*17_000)
			e, err := r.write(t.Context(), b, blockio.CreateOptions{Replicas: 2})
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
				return
			}
			got, err := r.read(t.Context(), e)
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("reader %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
}

// Bytes damaged on one replica are read from the other, and reported.
func TestCorruptReplica(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		var mu sync.Mutex
		var reported []metadata.BlockID
		r := newRig(t, 2, overQUIC, func(c *blockio.Config) {
			c.BlockBytes, c.BufferBytes = 1<<20, 8<<20
			c.Corrupt = func(b metadata.BlockID, _ metadata.Replica) {
				mu.Lock()
				defer mu.Unlock()
				reported = append(reported, b)
			}
		})
		b := data(1, 3<<20)
		e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
		for i, ref := range e.Blocks {
			r.servers[i%2].Damage(ref.ID, 300_000*(i+1)%(1<<20))
		}
		for range 20 {
			r.mustRead(e, b)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(reported) == 0 {
			t.Error("nothing was reported")
		}
		for _, id := range reported {
			if !slices.ContainsFunc(e.Blocks, func(x metadata.BlockRef) bool { return x.ID == id }) {
				t.Errorf("%v was reported", id)
			}
		}
	})
}

// With the only sound replica gone, wrong bytes are an error, never delivered.
func TestAllReplicasCorrupt(t *testing.T) {
	r := newRig(t, 2, false, nil)
	b := data(1, 40_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	for _, s := range r.servers {
		s.Damage(e.Blocks[0].ID, 20_000)
	}
	got, err := r.read(t.Context(), e)
	if k := metadata.KindOf(err); k != metadata.KindCorrupt {
		t.Errorf("read: %v (%v), want %v", k, err, metadata.KindCorrupt)
	}
	if !bytes.HasPrefix(b, got) {
		t.Error("wrong bytes were delivered")
	}
}

// A slow replica costs a small read no more than the hedge.
func TestSlowReplicaIsHedged(t *testing.T) {
	r := newRig(t, 2, true, func(c *blockio.Config) { c.StallGet = 5 * time.Second })
	b := data(1, 10_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	r.servers[0].SetFaults(blockiotest.Faults{GetWait: 3 * time.Second})
	began := time.Now()
	var hedges int64
	for range 20 { // a new client has not learnt yet which one is slow
		r.client = r.newClient()
		r.mustRead(e, b)
		hedges += r.client.Stats().GetHedges
	}
	if d := time.Since(began); d > 2500*time.Millisecond {
		t.Errorf("20 reads took %v with one slow server", d)
	}
	if hedges == 0 {
		t.Error("no read was hedged")
	}
}

// A replica that lost the block, or a volume that moved, is looked up again.
func TestMissingBlock(t *testing.T) {
	r := newRig(t, 3, false, nil)
	b := data(1, 100_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	for _, ref := range e.Blocks {
		for _, s := range r.servers {
			if s.Length(ref.ID) >= 0 {
				s.Forget(ref.ID)
				break
			}
		}
	}
	r.mustRead(e, b)
	for _, s := range r.servers {
		for _, ref := range e.Blocks {
			s.Forget(ref.ID)
		}
	}
	_, err := r.read(t.Context(), e)
	if got, want := metadata.KindOf(err), metadata.KindNotFound; got != want {
		t.Errorf("read of lost blocks: %v (%v), want %v", got, err, want)
	}
}

// While the nameserver is away, files whose volumes are known stay readable and
// leases in stock stay usable.
func TestNameserverAway(t *testing.T) {
	r := newRig(t, 3, false, nil)
	b := data(1, 10_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	r.ns.Hook(func(call string) error {
		if call == "Commit" {
			return nil
		}
		return metadata.Errorf(metadata.KindUnavailable, "no leader")
	})
	r.mustRead(e, b)
	r.mustRead(r.mustWrite(b, blockio.CreateOptions{Replicas: 2}), b)
	r.ns.Hook(nil)
}

// A dead server is taken out of volumes with uncommitted blocks before the
// leader does it, which would end their leases.
func TestDeadServerOfUncommittedBlocks(t *testing.T) {
	r := newRig(t, 3, false, nil)
	b := data(1, 300_000)
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(b[:200_000]); err != nil {
		t.Fatal(err)
	}
	r.servers[0].SetFaults(blockiotest.Faults{Put: metadata.Errorf(metadata.KindUnavailable, "dead"),
		Get: metadata.Errorf(metadata.KindUnavailable, "dead")})
	r.ns.SetDown(1, true)
	if _, err := w.Write(b[200_000:]); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []metadata.VolumeID
	for _, p := range m.Leases {
		ids = append(ids, p.Volume)
	}
	eventually(t, "no uncommitted block is on the dead server", func() bool {
		views, err := r.ns.Volumes(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			if slices.ContainsFunc(v.Replicas, func(x metadata.Replica) bool { return x.Node == 1 }) {
				return false
			}
		}
		return true
	})
	e, err := r.commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	r.mustRead(e, b)
}
