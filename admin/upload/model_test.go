package upload

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"kendfs/metadata"
)

// FuzzAppend sends a file in pieces that overlap, leave gaps, are too long or
// break off: what is committed in the end is the file, whole and once, and
// nothing else ever is.
func FuzzAppend(f *testing.F) {
	f.Add(uint64(1), 10)
	f.Add(uint64(2), 0)
	f.Add(uint64(3), 1000)
	f.Add(uint64(99), 70_000)
	f.Fuzz(func(t *testing.T, seed uint64, size int) {
		size = int(uint(size) % 100_000)
		rng := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		m, w := NewManager(), &file{}
		u := begin(t, m, "ann", int64(size), w)
		at := 0
		for step := 0; ; step++ {
			if step > 400 {
				t.Fatal("it never ends")
			}
			from := at
			if rng.IntN(4) == 0 {
				from = max(0, at+rng.IntN(21)-10) // elsewhere
			}
			n := 0
			if size > from {
				n = rng.IntN(size-from) + 1
			}
			body := io.Reader(strings.NewReader(string(data[min(from, size):min(from+n, size)])))
			broken := rng.IntN(3) == 0 && step < 300
			if broken {
				body = io.MultiReader(iotest.OneByteReader(io.LimitReader(body, 50)), errReader{})
			}
			s, err := m.Append(context.Background(), "ann", u.ID, int64(from), body)
			var elsewhere *OffsetError
			switch {
			case errors.As(err, &elsewhere):
				if from == at || elsewhere.Offset != int64(at) {
					t.Fatalf("at %d, sent from %d: told %d", at, from, elsewhere.Offset)
				}
				continue
			case broken:
				if err == nil || metadata.KindOf(err) != metadata.KindCanceled || s.Done || s.Offset < int64(at) {
					t.Fatalf("broken off at %d: got %+v, %v", at, s, err)
				}
			case err != nil:
				t.Fatalf("at %d: %v", at, err)
			}
			at = int(s.Offset)
			if got, _, commits := w.state(); commits == 0 && got != string(data[:at]) || at > size {
				t.Fatalf("%d bytes have arrived, offset %d", len(got), at)
			}
			if s.Done {
				break
			}
		}
		if got, _, commits := w.state(); got != string(data) || commits != 1 {
			t.Fatalf("%d of %d bytes, %d commits", len(got), size, commits)
		}
		m.Close()
	})
}

// More than was announced ends the upload, however it comes.
func TestTooMuch(t *testing.T) {
	for extra := 1; extra < 300_000; extra *= 7 {
		m, w := NewManager(), &file{}
		u := begin(t, m, "ann", 5, w)
		_, err := m.Append(context.Background(), "ann", u.ID, 0, strings.NewReader(strings.Repeat("x", 5+extra)))
		want(t, "too much", err, metadata.KindInvalid)
		_, err = m.Get("ann", u.ID)
		want(t, "afterwards", err, metadata.KindNotFound)
		if _, aborted, commits := w.state(); aborted == 0 || commits != 0 {
			t.Errorf("aborted %d times, %d commits", aborted, commits)
		}
	}
}

// A disk or a commit that fails ends the upload with that error.
func TestWriterFails(t *testing.T) {
	for name, f := range map[string]*file{
		"write":  {fail: metadata.Errorf(metadata.KindNoSpace, "full")},
		"commit": {refuse: metadata.Errorf(metadata.KindNoSpace, "full")},
	} {
		m := NewManager()
		u := begin(t, m, "ann", 3, f)
		_, err := m.Append(context.Background(), "ann", u.ID, 0, strings.NewReader("abc"))
		want(t, name, err, metadata.KindNoSpace)
		if _, aborted, _ := f.state(); aborted == 0 || len(m.byID) != 0 {
			t.Errorf("%s: aborted %d times, %d left", name, aborted, len(m.byID))
		}
		// There is room for the next one.
		if _, err := m.Begin(spec("ann", 1, &file{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m.Close()
	}
}

// After Close nothing begins, and what was open is given up.
func TestClosed(t *testing.T) {
	m := NewManager()
	var files []*file
	for range UserMax {
		f := &file{}
		files = append(files, f)
		begin(t, m, "ann", 5, f)
	}
	_, err := m.Begin(spec("ann", 5, &file{}))
	want(t, "one too many of a user", err, metadata.KindBusy)
	for range TotalMax/UserMax - 1 {
		user := strings.Repeat("u", 1+len(files))
		for range UserMax {
			f := &file{}
			files = append(files, f)
			begin(t, m, user, 5, f)
		}
	}
	_, err = m.Begin(spec("zoe", 5, &file{}))
	want(t, "one too many", err, metadata.KindBusy)
	m.Close()
	for i, f := range files {
		if _, aborted, _ := f.state(); aborted != 1 || f.ctx.Err() == nil {
			t.Errorf("upload %d: aborted %d times, %v", i, aborted, f.ctx.Err())
		}
	}
	_, err = m.Begin(spec("ann", 5, &file{}))
	want(t, "after Close", err, metadata.KindUnavailable)
	m.EndUser("ann")
	m.Close()
}
