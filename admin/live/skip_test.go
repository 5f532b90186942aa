package live

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// resume returns what a stream that comes back after last is sent at first.
func resume(t *testing.T, h *Hub, last uint64, topics ...string) string {
	t.Helper()
	w := newSink()
	ctx, cancel := context.WithCancel(context.Background())
	c := client(topics...)
	c.Last = last
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, w, c) }()
	synctest.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return strings.TrimPrefix(w.text(), ": open\n\n")
}

// What was not published because nobody listened was missed all the same.
func TestWhatNobodyHeardIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		publish(t, h, "health", 1)
		last := h.at()
		if got := resume(t, h, last, "health", "nodes"); got != "" {
			t.Errorf("nothing happened: got %q", got)
		}
		if h.Wanted("nodes") { // the publisher asks, and has nothing to do
			t.Fatal("nobody listens")
		}
		if got := resume(t, h, last, "health", "nodes"); !strings.Contains(got, "event: reset") {
			t.Errorf("nodes were skipped: got %q, want reset", got)
		}
		if got := resume(t, h, last, "health"); got != "" {
			t.Errorf("another topic was skipped: got %q", got)
		}
		// After the reset it goes on from there.
		if got := resume(t, h, h.at(), "health", "nodes"); got != "" {
			t.Errorf("after the reset: got %q", got)
		}
		at := h.at()
		for range 5 {
			h.Wanted("nodes")
		}
		if h.at() != at {
			t.Errorf("ids are used up by waiting: %d became %d", at, h.at())
		}
		publish(t, h, "health", 2)
		h.Wanted("nodes")
		if got := resume(t, h, at, "nodes"); !strings.Contains(got, "event: reset") {
			t.Errorf("skipped again: got %q, want reset", got)
		}
		if got, want := resume(t, h, at, "health"), fmt.Sprintf("id: %d\nevent: health\ndata: 2\n\n", at+1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// The ring has a bound of bytes, not only of messages.
func TestRingBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		first := h.at()
		big := strings.Repeat("x", 1<<20)
		for range 20 {
			publish(t, h, "nodes", big)
		}
		if h.bytes > ringBytes || len(h.ring) < 5 {
			t.Errorf("%d messages of %d bytes are kept, want at most %d", len(h.ring), h.bytes, ringBytes)
		}
		sum := 0
		for _, m := range h.ring {
			sum += len(m.Data)
		}
		if sum != h.bytes {
			t.Errorf("%d bytes are counted, %d are there", h.bytes, sum)
		}
		if got := resume(t, h, first+1, "nodes"); !strings.Contains(got, "event: reset") || len(got) > 100 {
			t.Errorf("gone from the ring: got %d bytes", len(got))
		}
		last := h.ring[0].ID
		if got := resume(t, h, last, "nodes"); strings.Count(got, "event: nodes") != len(h.ring)-1 {
			t.Errorf("got %d of %d", strings.Count(got, "event: nodes"), len(h.ring)-1)
		}
		publish(t, h, "nodes", strings.Repeat("y", ringBytes+1)) // more than the ring takes at all
		if len(h.ring) != 0 || h.bytes != 0 {
			t.Errorf("%d messages, %d bytes", len(h.ring), h.bytes)
		}
		if got := resume(t, h, h.at()-1, "nodes"); !strings.Contains(got, "event: reset") {
			t.Errorf("got %d bytes, want reset", len(got))
		}
	})
}
