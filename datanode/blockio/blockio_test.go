package blockio_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

func TestRoundTrip(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 3, overQUIC, nil)
		for i, n := range []int{0, 1, 100, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 200_000, 700_000} {
			for _, hint := range []int64{0, int64(n), int64(n / 2), int64(2 * n)} {
				b := data(uint64(i), n)
				e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2, Size: hint})
				r.mustRead(e, b)
			}
		}
	})
}

func TestLargeBlocks(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 3, overQUIC, func(c *blockio.Config) {
			c.BlockBytes, c.BufferBytes, c.StallPut, c.StallGet = 4<<20, 32<<20, 0, 0
		})
		b := data(1, 21<<20+12345)
		e := r.mustWrite(b, blockio.CreateOptions{Replicas: 3})
		if got, want := e.BlockCount, 6; got != want {
			t.Errorf("%d bytes in %d blocks, want %d", len(b), got, want)
		}
		r.mustRead(e, b)
	})
}

func TestManyBlocksAreStaged(t *testing.T) {
	r := newRig(t, 3, false, nil)
	b := data(2, 300*64<<10+77)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	if got, want := e.BlockCount, 301; got != want {
		t.Errorf("blocks = %d, want %d", got, want)
	}
	if r.ns.Calls("Stage") == 0 {
		t.Error("301 blocks were committed without being staged")
	}
	r.mustRead(e, b)
	// A seek to the end learns all pages, a second one needs none.
	f := r.client.Open(t.Context(), e)
	defer f.Close()
	p := make([]byte, 10)
	if _, err := f.ReadAt(p, e.Size-10); err != nil {
		t.Fatal(err)
	}
	before := r.ns.Calls("Blocks")
	if _, err := f.ReadAt(p, e.Size-100); err != nil {
		t.Fatal(err)
	}
	if got := r.ns.Calls("Blocks") - before; got > 0 {
		t.Errorf("a second read nearby asked %d times for references", got)
	}
}

// A Reader behaves like a bytes.Reader over the same bytes.
func TestReaderModel(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 3, overQUIC, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 1<<20, 8<<20 })
		b := data(3, 5<<20+4321)
		e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
		f := r.client.Open(t.Context(), e)
		defer f.Close()
		model := bytes.NewReader(b)
		rng := rand.New(rand.NewPCG(1, 2))
		for step := range 300 {
			switch rng.IntN(5) {
			case 0:
				off, whence := rng.Int64N(int64(len(b))+1000), rng.IntN(3)
				if whence == io.SeekEnd {
					off = -rng.Int64N(int64(len(b)))
				}
				got, err1 := f.Seek(off, whence)
				want, err2 := model.Seek(off, whence)
				if got != want || (err1 == nil) != (err2 == nil) {
					t.Fatalf("step %d: Seek(%d, %d) = %d, %v, want %d, %v", step, off, whence, got, err1, want, err2)
				}
			case 1:
				off, n := rng.Int64N(int64(len(b))), rng.IntN(600_000)
				got, want := make([]byte, n), make([]byte, n)
				n1, err1 := f.ReadAt(got, off)
				n2, err2 := model.ReadAt(want, off)
				if n1 != n2 || !errors.Is(err1, err2) || !bytes.Equal(got, want) {
					t.Fatalf("step %d: ReadAt(%d at %d) = %d, %v, want %d, %v", step, n, off, n1, err1, n2, err2)
				}
			case 2:
				off, n := rng.Int64N(int64(len(b))), rng.Int64N(2<<20)
				var got bytes.Buffer
				if _, err := f.CopyRange(&got, off, n); err != nil {
					t.Fatal(err)
				}
				if want := b[off:min(off+n, int64(len(b)))]; !bytes.Equal(got.Bytes(), want) {
					t.Fatalf("step %d: CopyRange(%d at %d) gave %d bytes, want %d", step, n, off, got.Len(), len(want))
				}
			default:
				n := rng.IntN(300_000)
				got, want := make([]byte, n), make([]byte, n)
				n1, err1 := io.ReadFull(f, got)
				n2, err2 := io.ReadFull(model, want)
				if n1 != n2 || !errors.Is(err1, err2) || !bytes.Equal(got, want) {
					t.Fatalf("step %d: read of %d = %d, %v, want %d, %v", step, n, n1, err1, n2, err2)
				}
			}
		}
	})
}

// Write in pieces of any size gives the same file as ReadFrom.
func TestWriterPieces(t *testing.T) {
	r := newRig(t, 3, false, nil)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		b := data(rng.Uint64(), rng.IntN(400_000))
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 1 + rng.IntN(3), Size: rng.Int64N(500_000) - 1})
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+rng.IntN(100_000))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		e, err := r.commit(t.Context(), w)
		w.Abort()
		if err != nil {
			t.Fatal(err)
		}
		r.mustRead(e, b)
	}
}

func TestErrorsOfUse(t *testing.T) {
	r := newRig(t, 3, false, nil)
	f := r.client.Open(t.Context(), metadata.Entry{Name: "dir", IsDir: true})
	if _, err := f.Read(make([]byte, 1)); metadata.KindOf(err) != metadata.KindIsDir {
		t.Errorf("Read of a directory: %v, want %v", err, metadata.KindIsDir)
	}
	e := r.mustWrite([]byte("hello"), blockio.CreateOptions{})
	f = r.client.Open(t.Context(), e)
	if _, err := f.Seek(-1, io.SeekStart); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("Seek(-1): %v, want %v", err, metadata.KindInvalid)
	}
	if n, err := f.ReadAt(make([]byte, 10), 2); n != 3 || err != io.EOF {
		t.Errorf("ReadAt past the end = %d, %v, want 3, EOF", n, err)
	}
	w := r.client.Create(t.Context(), blockio.CreateOptions{})
	defer w.Abort()
	if _, err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("Write after Finish: %v, want %v", err, metadata.KindInvalid)
	}
}
