package blockio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockio/blockiotest"
	"kendfs/metadata"
)

// Readers that pause in the middle of a file hold up nobody (BIO-7).
func TestPausedReaders(t *testing.T) {
	r := newRig(t, 1, true, func(c *blockio.Config) {
		// A reader held up would be so for ever; a busy machine only for a while.
		c.BlockBytes, c.BufferBytes, c.StallGet = 8<<20, 64<<20, 10*time.Second
	})
	b := data(1, 12<<20)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 1})
	for i := range 30 {
		f := r.client.Open(t.Context(), e)
		defer f.Close()
		got := make([]byte, 600_000+10_000*i)
		if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, b[:len(got)]) {
			t.Fatalf("reader %d: %v", i, err)
		}
	}
	r.mustRead(e, b)
	if got := r.client.Stats().GetFailures; got != 0 {
		t.Errorf("%d transfers stalled or failed", got)
	}
}

// A disk of this process that hangs in the middle of a read, which cannot be
// ended, holds up nobody whose file has another replica.
func TestLocalDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 4<<20, 16<<20 })
		b := data(1, 10<<20)
		e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
		r.servers[0].SetFaults(blockiotest.Faults{Hang: true})
		began := time.Now()
		for range 4 {
			r.mustRead(e, b)
		}
		if d := time.Since(began); d > 8*time.Second {
			t.Errorf("took %v", d)
		}
		r.servers[0].SetFaults(blockiotest.Faults{})
	})
}

// With no memory for reading ahead, files are read all the same.
func TestManyReaders(t *testing.T) {
	r := newRig(t, 2, true, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes, c.StallGet = 2<<20, 16<<20, 5*time.Second })
	b := data(1, 4<<20)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	var open []*blockio.Reader
	for range 100 { // two runs each: more than there may be
		f := r.client.Open(t.Context(), e)
		defer f.Close()
		if _, err := io.CopyN(io.Discard, f, 300_000); err != nil {
			t.Fatal(err)
		}
		open = append(open, f)
	}
	for _, f := range open[80:] {
		rest, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(rest, b[300_000:]) {
			t.Fatalf("%d bytes, %v", len(rest), err)
		}
	}
}

// A file of unknown size, written when memory is short, is cut into smaller
// blocks instead of waiting.
func TestBlocksAreSealedEarly(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 1<<20, 2<<20 })
	b := data(1, 100_000)
	for _, size := range []int64{1 << 20, 256 << 10, 256 << 10, 256 << 10} { // 1.75 of 2 MiB are in use
		other := r.client.Create(t.Context(), blockio.CreateOptions{Size: size})
		defer other.Abort()
		if _, err := other.Write(b[:1000]); err != nil {
			t.Fatal(err)
		}
	}
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	e, err := r.commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if e.BlockCount < 2 {
		t.Errorf("%d blocks, want the first one sealed early", e.BlockCount)
	}
	r.mustRead(e, b)
}

// The garbage of aborted uploads goes with its lease when that is unused.
func TestGarbageEndsTheLease(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.Leases = 1 })
	for range 70 { // more than a lease may collect
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
		if _, err := w.Write(data(1, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Abort()
	}
	eventually(t, "a lease with much garbage is given back", func() bool { return r.ns.Calls("Release") > 0 })
}

// Only a nameserver may delete blocks over the wire.
func TestDeleteIsDenied(t *testing.T) {
	r := newRig(t, 1, true, nil)
	e := r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 1})
	views, err := r.ns.Volumes(t.Context(), []metadata.VolumeID{e.Blocks[0].ID.Volume})
	if err != nil {
		t.Fatal(err)
	}
	server := blockio.NewRemote(r.cfg.Wire, 1, views[0].Located[0].Addr)
	err = server.Delete(t.Context(), 0, e.Blocks[0].ID.Volume, []metadata.LocalID{e.Blocks[0].ID.Local})
	if got, want := metadata.KindOf(err), metadata.KindDenied; err == nil || got != want {
		t.Errorf("delete by a gateway: %v, want %v", err, want)
	}
	if _, n, err := server.Stat(t.Context(), 0, e.Blocks[0].ID); err != nil || n != 1000 {
		t.Errorf("the block after it: %d bytes, %v", n, err)
	}
	gone := blockio.NewRemote(r.cfg.Wire, 1, "127.0.0.1:1")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := gone.Get(ctx, blockio.GetRequest{Block: e.Blocks[0].ID}); err == nil {
		t.Error("get from nowhere succeeded")
	}
}

// A damaged block is taken out by its own server once a reader has noticed.
func TestServerIsToldOfDamage(t *testing.T) {
	r := newRig(t, 2, true, nil)
	b := data(1, 50_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	r.servers[0].Damage(e.Blocks[0].ID, 20_000)
	eventually(t, "the damaged copy is out", func() bool {
		r.mustRead(e, b)
		return r.servers[0].Length(e.Blocks[0].ID) < 0
	})
}

// Random trouble on one server after the other, sessions and leases ending in
// between: every file that was committed reads as it was written, and every
// error has a kind that tells the client to try again.
func TestChaos(t *testing.T) {
	r := newRig(t, 4, false, func(c *blockio.Config) { c.BufferBytes, c.RetryWindow = 2<<20, 5*time.Second })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { chaos(r, stop) })
	type file struct {
		e metadata.Entry
		b []byte
	}
	var mu sync.Mutex
	var files []file
	var writers sync.WaitGroup
	for i := range 6 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 9))
			for j := range 60 {
				b := data(uint64(i*100+j), rng.IntN(300_000))
				e, err := r.write(t.Context(), b, blockio.CreateOptions{Replicas: 1 + rng.IntN(3)})
				if err != nil {
					if k := metadata.KindOf(err); !k.Retryable() && k != metadata.KindNoSpace {
						t.Errorf("write: %v (%v)", err, k)
					}
					continue
				}
				mu.Lock()
				files = append(files, file{e, b})
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(stop)
	wg.Wait()
	if len(files) < 180 {
		t.Errorf("only %d of 360 files were written", len(files))
	}
	for _, f := range files {
		r.mustRead(f.e, f.b)
	}
}

// chaos breaks one server at a time until stop is closed, then none.
func chaos(r *rig, stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(7, 7))
	faults := []blockiotest.Faults{
		{}, {Put: metadata.Errorf(metadata.KindUnavailable, "gone")}, {Put: metadata.Errorf(metadata.KindInternal, "i/o error")},
		{Put: metadata.Errorf(metadata.KindNoSpace, "full")}, {Put: metadata.Errorf(metadata.KindBusy, "busy")},
		{PutWait: 20 * time.Millisecond}, {Put: errors.New("defect")},
	}
	for {
		s := r.servers[rng.IntN(len(r.servers))]
		s.SetFaults(faults[rng.IntN(len(faults))])
		switch rng.IntN(60) {
		case 0:
			r.ns.EndLeases()
		case 1:
			r.ns.EndSessions()
		}
		select {
		case <-stop:
			for _, s := range r.servers {
				s.SetFaults(blockiotest.Faults{})
			}
			return
		case <-time.After(2 * time.Millisecond):
			s.SetFaults(blockiotest.Faults{})
		}
	}
}

func benchmarkPut(b *testing.B, size, replicas int, overQUIC bool) {
	r := newRig(b, 3, overQUIC, func(c *blockio.Config) {
		c.BlockBytes, c.BufferBytes, c.StallPut = blockio.BlockBytesDefault, blockio.BufferBytesDefault, 0
	})
	content := data(1, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.write(b.Context(), content, blockio.CreateOptions{Replicas: replicas, Size: int64(size)}); err != nil {
			b.Fatal(err)
		}
		for _, s := range r.servers {
			for _, id := range s.IDs() {
				s.Forget(id)
			}
		}
	}
}

func benchmarkGet(b *testing.B, size int, overQUIC bool) {
	r := newRig(b, 1, overQUIC, func(c *blockio.Config) {
		c.BlockBytes, c.BufferBytes, c.StallGet = blockio.BlockBytesDefault, blockio.BufferBytesDefault, 5*time.Second
	})
	e, err := r.write(b.Context(), data(1, size), blockio.CreateOptions{Replicas: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		f := r.client.Open(b.Context(), e)
		if n, err := f.WriteTo(io.Discard); err != nil || n != int64(size) {
			b.Fatal(n, err)
		}
		_ = f.Close() // never fails
	}
}

func BenchmarkPutSmallLocal(b *testing.B) { benchmarkPut(b, 4096, 1, false) }
func BenchmarkPutSmallQUIC(b *testing.B)  { benchmarkPut(b, 4096, 2, true) }
func BenchmarkPutLargeQUIC(b *testing.B)  { benchmarkPut(b, 64<<20, 1, true) }
func BenchmarkPutLargeChain(b *testing.B) { benchmarkPut(b, 64<<20, 2, true) }
func BenchmarkGetSmallLocal(b *testing.B) { benchmarkGet(b, 4096, false) }
func BenchmarkGetSmallQUIC(b *testing.B)  { benchmarkGet(b, 4096, true) }
func BenchmarkGetLargeLocal(b *testing.B) { benchmarkGet(b, 64<<20, false) }
func BenchmarkGetLargeQUIC(b *testing.B)  { benchmarkGet(b, 64<<20, true) }
