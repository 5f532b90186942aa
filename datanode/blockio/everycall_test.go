package blockio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// nth fails the call number `at` of those that it sees, once or from then on.
type nth struct {
	mu      sync.Mutex
	at      int // guarded by mu, as below; zero: never
	forever bool
	err     error
	seen    []string
	hit     string
}

func (n *nth) call(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, name)
	if n.at > 0 && (len(n.seen) == n.at || n.forever && len(n.seen) > n.at) {
		n.hit = name
		return n.err
	}
	return nil
}

func (n *nth) stop() (calls int, hit string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = 0
	return len(n.seen), n.hit
}

// kinds are what a nameserver may answer in the middle of anything.
func kinds() []metadata.Kind {
	return []metadata.Kind{metadata.KindUnavailable, metadata.KindTimeout, metadata.KindStale, metadata.KindBusy,
		metadata.KindNoSpace, metadata.KindDenied, metadata.KindInternal}
}

// A nameserver that fails at any of its calls costs an upload an error with a
// kind, or nothing; what was committed reads back; and when the client is closed
// nothing is leased or staged any more.
func TestNameserverFailsAtEveryCall(t *testing.T) {
	files := [][]byte{data(1, 3000), data(2, 200_000), data(3, 70*16<<10)} // one call, several blocks, staged blocks
	upload := func(n *nth) {
		r := newRig(t, 3, false, func(c *blockio.Config) {
			c.BlockBytes, c.RetryWindow, c.Leases = 16<<10, 400*time.Millisecond, 1
		})
		r.ns.Hook(n.call)
		type file struct {
			e metadata.Entry
			b []byte
		}
		var done []file
		for _, b := range files {
			e, err := r.write(t.Context(), b, blockio.CreateOptions{Replicas: 2})
			if err == nil {
				done = append(done, file{e, b})
				continue
			}
			var known *metadata.Error
			if !errors.As(err, &known) && !errors.Is(err, context.Canceled) {
				t.Errorf("%v at call %d (%s): an error without a kind: %v", n.err, n.at, n.hit, err)
			}
		}
		_, hit := n.stop()
		r.ns.Hook(nil)
		for _, f := range done {
			r.mustRead(f.e, f.b)
		}
		if len(done) < len(files)-1 && !n.forever {
			t.Errorf("%v once, in %s: %d of %d files were written", n.err, hit, len(done), len(files))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.client.Close(ctx); err != nil {
			t.Errorf("%v in %s: Close: %v", n.err, hit, err)
		}
		if l := r.ns.Leased(); l != 0 {
			t.Errorf("%v in %s: %d volumes are leased after Close", n.err, hit, l)
		}
	}
	dry := &nth{}
	upload(dry)
	calls, _ := dry.stop()
	if calls < 5 {
		t.Fatalf("the uploads took %d calls only", calls)
	}
	for _, kind := range kinds() {
		for at := 1; at <= calls+1; at++ { // one more: what runs beside is not always as soon
			upload(&nth{at: at, err: metadata.Errorf(kind, "injected")})
		}
	}
	upload(&nth{at: 4, forever: true, err: metadata.Errorf(metadata.KindUnavailable, "injected")})
}

// sink fails its write number `at`, or takes only a part of it.
type sink struct {
	bytes.Buffer
	at, writes int
	short      bool
}

func (s *sink) Write(p []byte) (int, error) {
	if s.writes++; s.writes != s.at {
		return s.Buffer.Write(p)
	}
	n, _ := s.Buffer.Write(p[:len(p)/2]) // never fails
	if s.short {
		return n, nil
	}
	return n, io.ErrClosedPipe
}

// A receiver that fails at any write of a download gets exactly what it took,
// and the file can be read on from there.
func TestReceiverFailsAtEveryWrite(t *testing.T) {
	r := newRig(t, 2, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 1<<20, 8<<20 })
	b := data(5, 3<<20+5000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2, Size: int64(len(b))})
	dry := &sink{}
	f := r.client.Open(t.Context(), e)
	if n, err := f.WriteTo(dry); err != nil || n != int64(len(b)) || f.Size() != n {
		t.Fatalf("WriteTo: %d, %v", n, err)
	}
	for at := 1; at <= dry.writes; at++ {
		for _, short := range []bool{false, true} {
			f := r.client.Open(t.Context(), e)
			s := &sink{at: at, short: short}
			n, err := f.WriteTo(s)
			want := io.ErrClosedPipe
			if short {
				want = io.ErrShortWrite
			}
			if !errors.Is(err, want) || n != int64(s.Len()) || !bytes.HasPrefix(b, s.Bytes()) {
				t.Fatalf("write %d fails (short %v): %d bytes, %v; the receiver has %d", at, short, n, err, s.Len())
			}
			if at%4 == 1 {
				rest, err := io.ReadAll(f)
				if err != nil || !bytes.Equal(append(s.Bytes(), rest...), b) {
					t.Fatalf("reading on after write %d (short %v): %d bytes, %v", at, short, len(rest), err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The same behind a Read that has left something over.
	f = r.client.Open(t.Context(), e)
	defer f.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	s := &sink{at: 1}
	if n, err := f.WriteTo(s); !errors.Is(err, io.ErrClosedPipe) || !bytes.Equal(s.Bytes(), b[1000:1000+n]) {
		t.Errorf("WriteTo of what was left over: %d, %v", n, err)
	}
	rest := &sink{}
	if _, err := f.WriteTo(rest); err != nil || !bytes.Equal(slices.Concat(head, s.Bytes(), rest.Bytes()), b) {
		t.Errorf("three pieces do not make the file: %d, %d, %d bytes, %v", len(head), s.Len(), rest.Len(), err)
	}
}

// References that cannot be had, end too soon or are none fail the read with
// their kind; what was read before is right.
func TestReferencesFail(t *testing.T) {
	r := newRig(t, 2, false, nil)
	b := data(6, 12*64<<10)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	if len(e.Blocks) != 0 || e.BlockCount != 12 {
		t.Fatalf("the file has its references with it: %+v", e)
	}
	n := &nth{}
	r.ns.Hook(n.call)
	for _, kind := range kinds() {
		r.client = r.newClient() // with an empty cache
		n.mu.Lock()
		n.at, n.seen, n.err = 2, nil, metadata.Errorf(kind, "injected")
		n.mu.Unlock()
		got, err := r.read(t.Context(), e)
		if err == nil || metadata.KindOf(err) != kind || !bytes.HasPrefix(b, got) {
			t.Errorf("%v from the second call: %d bytes, %v", kind, len(got), err)
		}
		n.stop()
		r.mustRead(e, b)
	}
	r.ns.Hook(nil)
	short := e
	short.BlockCount, short.Size = 40, e.Size+1
	if got, err := r.read(t.Context(), short); metadata.KindOf(err) != metadata.KindCorrupt || !bytes.Equal(got, b) {
		t.Errorf("a size beyond the references: %d bytes, %v, want all and %v", len(got), err, metadata.KindCorrupt)
	}
	inline := r.mustWrite(b[:5000], blockio.CreateOptions{Replicas: 2})
	inline.Size++
	if got, err := r.read(t.Context(), inline); metadata.KindOf(err) != metadata.KindCorrupt || !bytes.Equal(got, b[:5000]) {
		t.Errorf("a size beyond the block: %d bytes, %v, want 5000 and %v", len(got), err, metadata.KindCorrupt)
	}
	r.cfg.Referrer = nil
	r.client = r.newClient()
	if _, err := r.read(t.Context(), e); metadata.KindOf(err) != metadata.KindUnsupported {
		t.Errorf("without a way to ask: %v, want %v", err, metadata.KindUnsupported)
	}
}

// A reader is refused what makes no sense, and an ended context ends it.
func TestReaderRefusals(t *testing.T) {
	r := newRig(t, 2, false, nil)
	b := data(7, 300_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	dir := r.client.Open(t.Context(), metadata.Entry{Name: "d", IsDir: true})
	for name, err := range map[string]error{
		"Read":            func() error { _, err := dir.Read(make([]byte, 1)); return err }(),
		"Read of nothing": func() error { _, err := dir.Read(nil); return err }(),
		"CopyRange":       func() error { _, err := dir.CopyRange(io.Discard, 0, 1); return err }(),
		"WriteTo":         func() error { _, err := dir.WriteTo(io.Discard); return err }(),
	} {
		if metadata.KindOf(err) != metadata.KindIsDir || err == nil {
			t.Errorf("%s of a directory: %v, want %v", name, err, metadata.KindIsDir)
		}
	}
	f := r.client.Open(t.Context(), e)
	defer f.Close()
	for _, c := range []struct {
		off    int64
		whence int
	}{{-1, io.SeekStart}, {-300_001, io.SeekEnd}, {0, 3}, {0, -1}} {
		if _, err := f.Seek(c.off, c.whence); metadata.KindOf(err) != metadata.KindInvalid || err == nil {
			t.Errorf("Seek(%d, %d): %v", c.off, c.whence, err)
		}
	}
	if _, err := f.CopyRange(io.Discard, -1, 5); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("CopyRange at -1: %v", err)
	}
	for _, c := range []struct{ off, n int64 }{{300_000, 5}, {5, 0}, {5, -1}, {1 << 40, 1}} {
		if n, err := f.CopyRange(io.Discard, c.off, c.n); n != 0 || err != nil {
			t.Errorf("CopyRange(%d, %d) = %d, %v, want nothing", c.off, c.n, n, err)
		}
	}
	if n, err := f.ReadAt(make([]byte, 100), 299_950); n != 50 || err != io.EOF {
		t.Errorf("ReadAt over the end: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := r.client.Open(ctx, e)
	if _, err := io.CopyN(io.Discard, gone, 70_000); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, gone); metadata.KindOf(err) != metadata.KindCanceled || err == nil {
		t.Errorf("reading on with an ended context: %v, want %v", err, metadata.KindCanceled)
	}
	_ = gone.Close() // never fails
}

// odd is a reader that does what readers do: pieces of any size, nothing now and
// then, data with its end, and errors.
type odd struct {
	b     []byte
	pace  []int // sizes of pieces, in turn; 0: nothing, -1: a lie
	turn  int
	err   error // instead of io.EOF
	whole bool  // the last piece comes with the end
}

func (o *odd) Read(p []byte) (int, error) {
	size := o.pace[o.turn%len(o.pace)]
	o.turn++
	if size < 0 {
		return len(p) + 1, nil
	}
	n := copy(p[:min(len(p), size)], o.b)
	o.b = o.b[n:]
	if len(o.b) > 0 || n > 0 && !o.whole {
		return n, nil
	}
	return n, o.err
}

// Whatever a reader does, the file holds what it gave, or there is no file.
func TestOddReaders(t *testing.T) {
	r := newRig(t, 2, false, nil)
	broken := errors.New("the client goes away")
	b := data(8, 3*64<<10)
	for name, c := range map[string]struct {
		o    odd
		want error // nil: written
		kind metadata.Kind
	}{
		"small pieces":        {odd{b: b, pace: []int{1000, 1, 0, 50_000}, err: io.EOF}, nil, 0},
		"end with the data":   {odd{b: b, pace: []int{64 << 10}, err: io.EOF, whole: true}, nil, 0},
		"nothing":             {odd{pace: []int{5}, err: io.EOF}, nil, 0},
		"breaks off":          {odd{b: b, pace: []int{64 << 10}, err: broken}, broken, 0},
		"breaks off with it":  {odd{b: b[:5], pace: []int{64 << 10}, err: broken, whole: true}, broken, 0},
		"never comes to move": {odd{b: b, pace: []int{0}, err: io.EOF}, io.ErrNoProgress, 0},
		"lies":                {odd{b: b, pace: []int{10, -1}, err: io.EOF}, nil, metadata.KindInternal},
	} {
		want := slices.Clone(c.o.b)
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
		n, err := w.ReadFrom(&c.o)
		switch {
		case c.want != nil && !errors.Is(err, c.want), c.want == nil && c.kind != metadata.KindOf(err) && err != nil:
			t.Errorf("%s: %d bytes, %v, want %v", name, n, err, c.want)
		case err == nil:
			if n != int64(len(want)) || w.Size() != n {
				t.Errorf("%s: %d bytes, size %d, want %d", name, n, w.Size(), len(want))
			}
			e, err := r.commit(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			r.mustRead(e, want)
		}
		w.Abort()
	}
}

// After its end a writer takes nothing, and says why.
func TestWriterAfterItsEnd(t *testing.T) {
	r := newRig(t, 2, false, nil)
	w := r.client.Create(t.Context(), blockio.CreateOptions{})
	if _, err := w.Write(data(1, 100)); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish(t.Context())
	if err != nil || m.Size != 100 || len(m.Blocks) != 1 || len(m.Leases) != 1 || len(m.SHA1) != 20 {
		t.Fatalf("Finish: %+v, %v", m, err)
	}
	again, err := w.Finish(t.Context())
	if err != nil || again.Blocks[0] != m.Blocks[0] {
		t.Errorf("Finish again: %+v, %v", again, err)
	}
	if _, err := w.Write([]byte("x")); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("Write after Finish: %v, want %v", err, metadata.KindInvalid)
	}
	if _, err := w.ReadFrom(bytes.NewReader([]byte("x"))); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("ReadFrom after Finish: %v, want %v", err, metadata.KindInvalid)
	}
	w.Abort()
	w.Abort()
	for name, err := range map[string]error{
		"Write":  func() error { _, err := w.Write([]byte("x")); return err }(),
		"Finish": func() error { _, err := w.Finish(t.Context()); return err }(),
		"Commit": w.Commit(t.Context(), func(context.Context, metadata.Commit) error { t.Error("committed"); return nil }),
	} {
		if metadata.KindOf(err) != metadata.KindCanceled || err == nil {
			t.Errorf("%s after Abort: %v, want %v", name, err, metadata.KindCanceled)
		}
	}
}

// A put whose client gives up in the middle ends, and gives back what it holds:
// the next upload of the same client finds memory and leases.
func TestGivingUpAtAnyMoment(t *testing.T) {
	r := newRig(t, 3, false, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 64<<10, 256<<10 })
	b := data(9, 10*64<<10)
	for i := range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		at := 0
		src := io.TeeReader(bytes.NewReader(b), writerFunc(func(p []byte) {
			if at += len(p); at > i*len(b)/28 {
				cancel()
			}
		}))
		w := r.client.Create(ctx, blockio.CreateOptions{Replicas: 2})
		_, err := io.Copy(w, src)
		if err == nil {
			_, err = r.commit(ctx, w)
		}
		if i < 28 && (err == nil || metadata.KindOf(err) != metadata.KindCanceled) {
			t.Errorf("given up after %d of %d bytes: %v, want %v", at, len(b), err, metadata.KindCanceled)
		}
		w.Abort()
		cancel()
	}
	r.mustRead(r.mustWrite(b, blockio.CreateOptions{Replicas: 2}), b)
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestPoolModel: whatever is taken, given back and given up in whatever order,
// no byte is lost and none is lent twice.
func TestPoolModel(t *testing.T) {
	const total, block = 256 << 10, 64 << 10
	rapid.Check(t, func(t *rapid.T) {
		p := blockio.NewPool(total, block)
		var held []*blockio.Buffer
		used := 0
		give := func(i int) {
			used -= len(held[i].Data)
			p.Put(held[i])
			held = slices.Delete(held, i, i+1)
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				size := rapid.SampledFrom([]int{1, 4096, 5000, 16 << 10, 60_000, 64 << 10}).Draw(t, "size")
				ctx, cancel := context.WithCancel(context.Background())
				cancel() // whoever would have to wait gives up
				b, err := p.Get(ctx, size)
				switch {
				case err == nil && len(b.Data) < size:
					t.Fatalf("asked for %d, got %d", size, len(b.Data))
				case err == nil:
					held = append(held, b)
					used += len(b.Data)
				case metadata.KindOf(err) != metadata.KindCanceled:
					t.Fatalf("Get: %v", err)
				case used+size <= total-block:
					t.Fatalf("nothing for %d bytes, although only %d of %d are lent", size, used, total)
				}
			},
			"give": func(t *rapid.T) {
				if len(held) > 0 {
					give(rapid.IntRange(0, len(held)-1).Draw(t, "which"))
				}
			},
			"wait": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing would be given back")
				}
				got := make(chan *blockio.Buffer)
				go func() {
					b, _ := p.Get(context.Background(), block)
					got <- b
				}()
				for len(held) > 0 {
					select {
					case b := <-got:
						held = append(held, b)
						used += len(b.Data)
						return
					default:
						give(0)
					}
				}
				b := <-got
				held, used = append(held, b), used+len(b.Data)
			},
			"": func(t *rapid.T) {
				if used > total {
					t.Fatalf("%d bytes are lent of %d", used, total)
				}
				seen := map[*byte]bool{}
				for _, b := range held {
					if seen[&b.Data[0]] {
						t.Fatal("a buffer is lent twice")
					}
					seen[&b.Data[0]] = true
				}
			},
		})
		for len(held) > 0 {
			give(0)
		}
		for i := range total / block { // all of it is there again
			b, err := p.Get(context.Background(), block)
			if err != nil {
				t.Fatal(fmt.Errorf("block %d of %d: %w", i, total/block, err))
			}
			held = append(held, b)
		}
	})
}
