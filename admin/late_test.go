package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// scribe is a cluster of which only the audit is asked for. err is what it says.
type everything = Cluster // has another name than its method Cluster

type scribe struct {
	everything
	err   error
	wrote []metadata.AuditRecord
	tried int
}

func (s *scribe) WithActor(ctx context.Context, _ metadata.Actor) context.Context { return ctx }

func (s *scribe) RecordAudit(_ context.Context, r metadata.AuditRecord) error {
	if s.tried++; s.err != nil {
		return s.err
	}
	s.wrote = append(s.wrote, r)
	return nil
}

func writing(err error) (*handlers, *scribe) {
	s := &scribe{err: err}
	return &handlers{&Server{cfg: Config{Cluster: s}, log: slog.New(slog.DiscardHandler)}}, s
}

func kind(k metadata.Kind) error { return metadata.Errorf(k, "it is so") }

// An act whose answer is missing is recorded as that, when somebody answers; one
// that was refused is recorded as refused, at once.
func TestUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		failed  error
		outcome string
		later   bool
	}{
		{nil, "ok", false},
		{kind(metadata.KindDenied), "denied", false},
		{kind(metadata.KindUnavailable), "unknown", true},
		{kind(metadata.KindTimeout), "unknown", true},
		{context.Canceled, "unknown", true},
		{context.DeadlineExceeded, "unknown", true},
		{errors.New("what?"), "internal", false},
	} {
		h, s := writing(nil)
		h.record(t.Context(), "fs.move", "/a", "to /b", c.failed)
		if later := len(s.wrote) == 0; later != c.later {
			t.Errorf("%v: written later: %v, want %v", c.failed, later, c.later)
		}
		h.writeLate(t.Context())
		if len(s.wrote) != 1 || s.wrote[0].Outcome != c.outcome || s.wrote[0].Action != "fs.move" || s.wrote[0].Detail != "to /b" {
			t.Errorf("%v: got %+v, want %s", c.failed, s.wrote, c.outcome)
		}
		if text := s.wrote[0].Text; c.later && !strings.HasPrefix(text, "at "+time.Now().UTC().Format("2006-")) {
			t.Errorf("when it was is not said: %q", text)
		}
		h.writeLate(t.Context())
		if len(s.wrote) != 1 {
			t.Errorf("%v: written %d times", c.failed, len(s.wrote))
		}
	}
}

// What cannot be written waits, in its order and with its time, until it can;
// what is refused for good does not hold up the others.
func TestLateRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(kind(metadata.KindUnavailable))
		began := time.Now().UTC()
		h.record(t.Context(), "fs.mkdir", "/a", "", nil)
		time.Sleep(time.Hour)
		h.record(t.Context(), "fs.mkdir", "/b", "", kind(metadata.KindTimeout))
		h.record(t.Context(), "fs.mkdir", "/c", "", nil)
		s.tried = 0
		h.writeLate(t.Context())
		if s.tried != 1 || len(s.wrote) != 0 {
			t.Errorf("while nobody answers: tried %d times, wrote %d", s.tried, len(s.wrote))
		}
		s.err = nil
		h.writeLate(t.Context())
		var got []string
		for _, r := range s.wrote {
			got = append(got, r.Target+" "+r.Outcome+" "+r.Text)
		}
		later := began.Add(time.Hour).Format(time.RFC3339)
		want := []string{"/a ok at " + began.Format(time.RFC3339) + ": ", "/b unknown at " + later + ": it is so", "/c ok at " + later + ": "}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
		h.record(t.Context(), "fs.mkdir", "/d", "", kind(metadata.KindUnavailable))
		s.err = kind(metadata.KindInvalid)
		h.writeLate(t.Context())
		if _, waits := h.late.next(); waits {
			t.Error("what is refused for good is still kept")
		}
		// One that is refused at once is not kept either.
		h.record(t.Context(), "fs.mkdir", "/e", "", nil)
		if _, waits := h.late.next(); waits {
			t.Error("a refused record is kept")
		}
	})
}

// Records that wait are bounded: the oldest are lost, and that is said.
func TestLateIsBounded(t *testing.T) {
	h, s := writing(nil)
	for i := range lateMax + 7 {
		h.record(t.Context(), "fs.mkdir", fmt.Sprint("/", i), "", kind(metadata.KindTimeout))
	}
	h.writeLate(t.Context())
	if len(s.wrote) != lateMax || s.wrote[0].Target != "/7" || !strings.HasPrefix(s.wrote[0].Text, "7 records before this one are lost") ||
		strings.Contains(s.wrote[1].Text, "lost") {
		t.Errorf("%d written, first %+v", len(s.wrote), s.wrote[0])
	}
	long := strings.Repeat("x", 5000)
	h.record(t.Context(), "fs.mkdir", "/", "", metadata.Errorf(metadata.KindTimeout, "%s", long))
	if r, ok := h.late.next(); !ok || len(r.Text) > metadata.AuditFieldMax {
		t.Errorf("a text of %d bytes", len(r.Text))
	}
}

// A record that is dropped for newer ones while it is being written takes no
// other with it.
func TestLateIsDroppedWhileWritten(t *testing.T) {
	h, _ := writing(nil)
	add := func(i int) {
		h.record(t.Context(), "fs.mkdir", fmt.Sprint("/", i), "", kind(metadata.KindTimeout))
	}
	for i := range lateMax {
		add(i)
	}
	first, _ := h.late.next()
	add(lateMax) // drops the first
	h.late.done(first)
	if next, ok := h.late.next(); !ok || next.Target != "/1" {
		t.Errorf("after the one that was dropped: got %q, want /1", next.Target)
	}
}

// What waits is written within a second of when it can be, and whoever stops the
// server does not wait for it.
func TestLateRecordsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.keepRecords(ctx); close(ended) }()
		h.record(t.Context(), "fs.mkdir", "/a", "", kind(metadata.KindTimeout))
		time.Sleep(lateEvery + time.Millisecond)
		synctest.Wait()
		if len(s.wrote) != 1 {
			t.Errorf("%d records after a second, want 1", len(s.wrote))
		}
		stop()
		<-ended
	})
}
