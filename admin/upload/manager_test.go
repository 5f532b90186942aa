package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// file is a Writer that remembers what happened to it.
type file struct {
	mu      sync.Mutex
	data    bytes.Buffer
	ctx     context.Context
	fail    error         // of Write
	refuse  error         // of Commit
	hold    chan struct{} // Write waits for it
	aborted int
	commits int
}

func (f *file) Write(p []byte) (int, error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-f.ctx.Done():
			return 0, f.ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return 0, f.fail
	}
	return f.data.Write(p)
}

func (f *file) Commit(ctx context.Context, commit func(context.Context, metadata.Commit) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits++
	if f.refuse != nil {
		return f.refuse
	}
	return commit(ctx, metadata.Commit{Size: int64(f.data.Len())})
}

func (f *file) Abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aborted++
}

func (f *file) state() (data string, aborted, commits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.data.String(), f.aborted, f.commits
}

func begin(t *testing.T, m *Manager, user string, size int64, f *file) State {
	t.Helper()
	s, err := m.Begin(spec(user, size, f))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func spec(user string, size int64, f *file) Spec {
	return Spec{
		User: user, Path: "/x", Size: size,
		Create: func(ctx context.Context) Writer { f.ctx = ctx; return f },
		Commit: func(_ context.Context, c metadata.Commit) (metadata.Entry, error) {
			return metadata.Entry{Name: "x", Size: c.Size}, nil
		},
	}
}

func want(t *testing.T, what string, err error, kind metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != kind {
		t.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m, f := context.Background(), NewManager(), &file{}
		u := begin(t, m, "ann", 11, f)
		s, err := m.Append(ctx, "ann", u.ID, 0, strings.NewReader("hello"))
		if err != nil || s.Offset != 5 || s.Done {
			t.Fatalf("got %+v, %v", s, err)
		}
		time.Sleep(TTL - time.Second) // a long pause
		// A request that breaks off keeps what has come.
		broken := io.MultiReader(strings.NewReader(" wo"), errReader{})
		s, err = m.Append(ctx, "ann", u.ID, 5, broken)
		want(t, "a broken request", err, metadata.KindCanceled)
		if s.Offset != 8 {
			t.Errorf("got offset %d, want 8", s.Offset)
		}
		var elsewhere *OffsetError
		if _, err = m.Append(ctx, "ann", u.ID, 5, strings.NewReader("x")); !errors.As(err, &elsewhere) || elsewhere.Offset != 8 {
			t.Errorf("got %v, want offset 8", err)
		}
		time.Sleep(TTL - time.Second)
		s, err = m.Append(ctx, "ann", u.ID, 8, strings.NewReader("rld"))
		data, aborted, commits := f.state()
		if err != nil || !s.Done || s.Entry.Size != 11 || data != "hello world" || commits != 1 || aborted != 1 {
			t.Errorf("got %+v, %v, %q, %d commits, %d aborts", s, err, data, commits, aborted)
		}
		// Whose answer was lost asks again.
		if s, err = m.Append(ctx, "ann", u.ID, 11, strings.NewReader("")); err != nil || !s.Done {
			t.Errorf("once more: got %+v, %v", s, err)
		}
		time.Sleep(TTL)
		synctest.Wait()
		_, err = m.Get("ann", u.ID)
		want(t, "long after", err, metadata.KindNotFound)
		if _, aborted, _ := f.state(); aborted != 1 {
			t.Errorf("%d aborts after the end", aborted)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m := context.Background(), NewManager()
		silent, cancelled := &file{}, &file{}
		a := begin(t, m, "ann", 10, silent)
		b := begin(t, m, "ann", 10, cancelled)
		if err := m.Cancel("bob", b.ID); err == nil {
			t.Error("bob cancelled ann's upload")
		}
		if err := m.Cancel("ann", b.ID); err != nil {
			t.Error(err)
		}
		time.Sleep(TTL)
		synctest.Wait()
		for name, f := range map[string]*file{"silent": silent, "cancelled": cancelled} {
			if _, aborted, commits := f.state(); aborted != 1 || commits != 0 || f.ctx.Err() == nil {
				t.Errorf("%s: %d aborts, %d commits, context %v", name, aborted, commits, f.ctx.Err())
			}
		}
		_, err := m.Append(ctx, "ann", a.ID, 0, strings.NewReader("x"))
		want(t, "after the end", err, metadata.KindNotFound)
	})
}

// Two requests at a time: the second is turned away and nothing is mixed up;
// giving up while one runs ends it.
func TestTwoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m, f := context.Background(), NewManager(), &file{hold: make(chan struct{})}
		u := begin(t, m, "ann", 4, f)
		done := make(chan error, 1)
		go func() {
			_, err := m.Append(ctx, "ann", u.ID, 0, strings.NewReader("data"))
			done <- err
		}()
		synctest.Wait()
		_, err := m.Append(ctx, "ann", u.ID, 0, strings.NewReader("evil"))
		want(t, "the second", err, metadata.KindBusy)
		time.Sleep(2 * TTL) // it is busy, so it does not expire
		if err := m.Cancel("ann", u.ID); err != nil {
			t.Fatal(err)
		}
		want(t, "the one that was cancelled", <-done, metadata.KindCanceled)
		if data, aborted, commits := f.state(); data != "" || aborted != 1 || commits != 0 {
			t.Errorf("got %q, %d aborts, %d commits", data, aborted, commits)
		}
	})
}

func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m := context.Background(), NewManager()
		full := metadata.Errorf(metadata.KindNoSpace, "full")
		taken := metadata.Errorf(metadata.KindExists, "there is one")
		for name, c := range map[string]struct {
			file *file
			body string
			kind metadata.Kind
		}{
			"no room":   {&file{fail: full}, "data", metadata.KindNoSpace},
			"refused":   {&file{refuse: taken}, "data", metadata.KindExists},
			"too much":  {&file{}, "data+", metadata.KindInvalid},
			"much more": {&file{}, strings.Repeat("x", 3*pumpBytes), metadata.KindInvalid},
		} {
			u := begin(t, m, "ann", 4, c.file)
			_, err := m.Append(ctx, "ann", u.ID, 0, strings.NewReader(c.body))
			want(t, name, err, c.kind)
			_, err = m.Get("ann", u.ID)
			want(t, name+" afterwards", err, metadata.KindNotFound)
			if _, aborted, _ := c.file.state(); aborted != 1 {
				t.Errorf("%s: %d aborts", name, aborted)
			}
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManager()
		var all []*file
		for i := range TotalMax {
			f := &file{}
			all = append(all, f)
			begin(t, m, fmt.Sprint("user", i/UserMax), 1, f)
		}
		_, err := m.Begin(spec("user0", 1, &file{}))
		want(t, "one too many of a user", err, metadata.KindBusy)
		_, err = m.Begin(spec("zoe", 1, &file{}))
		want(t, "one too many", err, metadata.KindBusy)
		m.EndUser("user0")
		if _, err := m.Begin(spec("zoe", 1, &file{})); err != nil {
			t.Error(err)
		}
		m.Close()
		for i, f := range all {
			if _, aborted, _ := f.state(); aborted != 1 {
				t.Errorf("upload %d: %d aborts", i, aborted)
			}
		}
		_, err = m.Begin(spec("zoe", 1, &file{}))
		want(t, "after Close", err, metadata.KindUnavailable)
	})
}

// A folder of many small files goes on however many are finished already.
func TestManyUploadsInARow(t *testing.T) {
	ctx, m := context.Background(), NewManager()
	var first, last State
	for i := range finishedMax + 50 {
		u := begin(t, m, "ann", 1, &file{})
		s, err := m.Append(ctx, "ann", u.ID, 0, strings.NewReader("x"))
		if err != nil || !s.Done {
			t.Fatalf("upload %d: got %+v, %v", i, s, err)
		}
		if last = s; i == 0 {
			first = s
		}
	}
	if n := len(m.byID); n != finishedMax {
		t.Errorf("%d finished ones are remembered, want %d", n, finishedMax)
	}
	_, err := m.Get("ann", first.ID)
	want(t, "the oldest", err, metadata.KindNotFound)
	if s, err := m.Get("ann", last.ID); err != nil || !s.Done {
		t.Errorf("the newest: got %+v, %v", s, err)
	}
	m.Close()
}

// What is being made visible cannot be given up any more; whoever tries is told,
// and the file's own request says that it is there.
func TestCancelWhileCommitting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := NewManager(), &file{}
		hold := make(chan struct{})
		s := spec("ann", 1, f)
		s.Commit = func(context.Context, metadata.Commit) (metadata.Entry, error) {
			<-hold
			return metadata.Entry{Name: "x"}, nil
		}
		u, err := m.Begin(s)
		if err != nil {
			t.Fatal(err)
		}
		type result struct {
			s   State
			err error
		}
		done := make(chan result)
		go func() {
			s, err := m.Append(context.Background(), "ann", u.ID, 0, strings.NewReader("x"))
			done <- result{s, err}
		}()
		synctest.Wait()
		want(t, "cancelling", m.Cancel("ann", u.ID), metadata.KindConflict)
		m.EndUser("ann") // that cannot be stopped either, but nothing more comes of it
		close(hold)
		if r := <-done; r.err != nil || !r.s.Done {
			t.Errorf("got %+v, %v, want what is true: it is there", r.s, r.err)
		}
		if len(m.byID) != 0 {
			t.Errorf("%d uploads are left", len(m.byID))
		}
		if _, aborted, commits := f.state(); aborted == 0 || commits != 1 {
			t.Errorf("aborted %d times, %d commits", aborted, commits)
		}
	})
}

// A commit that gets no answer ends.
func TestCommitTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := NewManager(), &file{}
		s := spec("ann", 1, f)
		s.Commit = func(ctx context.Context, _ metadata.Commit) (metadata.Entry, error) {
			<-ctx.Done()
			return metadata.Entry{}, ctx.Err()
		}
		u, err := m.Begin(s)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = m.Append(context.Background(), "ann", u.ID, 0, strings.NewReader("x"))
		want(t, "no answer", err, metadata.KindTimeout)
		if took := time.Since(began); took != CommitTimeout {
			t.Errorf("took %v, want %v", took, CommitTimeout)
		}
		if len(m.byID) != 0 {
			t.Errorf("%d uploads are left", len(m.byID))
		}
	})
}

// Given up between its last byte and its commit: it is not committed.
func TestCancelBeforeCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := NewManager(), &file{hold: make(chan struct{})}
		u := begin(t, m, "ann", 1, f)
		done := make(chan error)
		go func() {
			_, err := m.Append(context.Background(), "ann", u.ID, 0, strings.NewReader("x"))
			done <- err
		}()
		synctest.Wait()
		if err := m.Cancel("ann", u.ID); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil {
			t.Error("an upload that was given up succeeded")
		}
		if _, aborted, commits := f.state(); aborted == 0 || commits != 0 {
			t.Errorf("aborted %d times, %d commits", aborted, commits)
		}
	})
}
