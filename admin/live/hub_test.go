package live

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// sink is a browser that can stop reading.
type sink struct {
	header http.Header
	mu     sync.Mutex
	buf    bytes.Buffer
	block  chan struct{} // nil: reads; else writes wait for it
}

func newSink() *sink                { return &sink{header: http.Header{}} }
func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Flush()              {}
func (s *sink) Write(p []byte) (int, error) {
	if s.block != nil {
		<-s.block
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func alive(context.Context) bool { return true }

func client(topics ...string) Client {
	return Client{User: "ann", Session: "s", Topics: topics, Alive: alive}
}

func publish(t *testing.T, h *Hub, topic string, v any) {
	t.Helper()
	if err := h.Publish(topic, v); err != nil {
		t.Fatal(err)
	}
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, w := NewHub(), newSink()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- h.Serve(ctx, w, client("health", "event")) }()
		synctest.Wait()
		if got := w.text(); got != ": open\n\n" || w.header.Get("Content-Type") != "text/event-stream" || w.header.Get("Cache-Control") != "no-store" {
			t.Errorf("at first: got %q %v", got, w.header)
		}
		publish(t, h, "health", map[string]int{"x": 1})
		publish(t, h, "nodes", 2) // not asked for
		publish(t, h, "event", "line\nbreak")
		synctest.Wait()
		first := h.at() - 2
		want := fmt.Sprintf(": open\n\nid: %d\nevent: health\ndata: {\"x\":1}\n\nid: %d\nevent: event\ndata: \"line\\nbreak\"\n\n", first, first+2)
		if got := w.text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		time.Sleep(PingEvery)
		synctest.Wait()
		if got := w.text(); !strings.HasSuffix(got, ": ping\n\n") {
			t.Errorf("no ping: %q", got)
		}
		if !h.Wanted("health") || h.Wanted("nodes") {
			t.Error("Wanted does not know the topics")
		}
		cancel()
		if err := <-done; err != nil || h.Streams() != 0 {
			t.Errorf("got %v, %d streams left", err, h.Streams())
		}
	})
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		for i := range 10 {
			publish(t, h, []string{"health", "nodes"}[i%2], i)
		}
		after := func(last uint64) string {
			w := newSink()
			ctx, cancel := context.WithCancel(context.Background())
			c := client("health")
			c.Last = last
			go func() { _ = h.Serve(ctx, w, c) }()
			synctest.Wait()
			cancel()
			synctest.Wait()
			return strings.TrimPrefix(w.text(), ": open\n\n")
		}
		last := h.at()
		if got := after(last); got != "" {
			t.Errorf("nothing missed: got %q", got)
		}
		if got, want := after(last-3), fmt.Sprintf("id: %d\nevent: health\ndata: 8\n\n", last-1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := after(last - 10); strings.Count(got, "event: health") != 5 {
			t.Errorf("all of it: got %q", got)
		}
		for name, id := range map[string]uint64{"before the ring": last - 11, "of another process": 7, "to come": last + 5} {
			if got := after(id); !strings.HasPrefix(got, fmt.Sprintf("id: %d\nevent: reset\n", last)) || strings.Contains(got, "health") {
				t.Errorf("%s: got %q, want reset", name, got)
			}
		}
		for range RingMax + 5 {
			publish(t, h, "nodes", 0)
		}
		if got := after(last); !strings.Contains(got, "event: reset") {
			t.Errorf("gone from the ring: got %q", got)
		}
		if got := after(0); got != "" {
			t.Errorf("a new one: got %q", got)
		}
	})
}

func TestSlowClientIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, slow, quick := NewHub(), newSink(), newSink()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		slow.block = make(chan struct{})
		done := make(chan error, 1)
		go func() { done <- h.Serve(ctx, slow, client("nodes")) }()
		go func() { _ = h.Serve(ctx, quick, client("nodes")) }()
		synctest.Wait()
		for i := range queueMax + 2 {
			publish(t, h, "nodes", i)
			synctest.Wait()
		}
		if n := h.Streams(); n != 1 {
			t.Errorf("%d streams, want the quick one only", n)
		}
		if got := strings.Count(quick.text(), "event: nodes"); got != queueMax+2 {
			t.Errorf("the quick one got %d of %d", got, queueMax+2)
		}
		close(slow.block)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		ctx, cancel := context.WithCancel(context.Background())
		serve := func(user string) chan error {
			done := make(chan error, 1)
			c := client("health")
			c.User = user
			go func() { done <- h.Serve(ctx, newSink(), c) }()
			return done
		}
		for range UserMax {
			serve("ann")
		}
		synctest.Wait()
		if err := <-serve("ann"); metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("one too many of a user: got %v", err)
		}
		for i := range StreamsMax - UserMax {
			serve(fmt.Sprint("user", i/UserMax))
		}
		synctest.Wait()
		if err := <-serve("zoe"); metadata.KindOf(err) != metadata.KindBusy || h.Streams() != StreamsMax {
			t.Errorf("one too many: got %v, %d streams", err, h.Streams())
		}
		cancel()
		synctest.Wait()
		if h.Streams() != 0 {
			t.Errorf("%d streams left", h.Streams())
		}
	})
}

// A session that is over ends its stream, at once when this process ends it and
// with the next ping otherwise.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(h *Hub, on *atomic.Bool){
			"at once":       func(h *Hub, on *atomic.Bool) { on.Store(false); h.EndSession("s") },
			"with the ping": func(_ *Hub, on *atomic.Bool) { on.Store(false); time.Sleep(PingEvery) },
		} {
			h, w := NewHub(), newSink()
			var on atomic.Bool
			on.Store(true)
			c := client("health")
			c.Alive = func(context.Context) bool { return on.Load() }
			done := make(chan error, 1)
			go func() { done <- h.Serve(context.Background(), w, c) }()
			synctest.Wait()
			h.EndSession("another")
			synctest.Wait()
			if h.Streams() != 1 {
				t.Fatalf("%s: another session's end ended it", name)
			}
			end(h, &on)
			if err := <-done; err != nil || !strings.HasSuffix(w.text(), "event: session\ndata: {}\n\n") {
				t.Errorf("%s: got %v %q", name, err, w.text())
			}
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		done := make(chan error, 1)
		go func() { done <- h.Serve(context.Background(), newSink(), client("health")) }()
		synctest.Wait()
		h.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := h.Serve(context.Background(), newSink(), client("health")); metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("after Stop: got %v", err)
		}
		publish(t, h, "health", 1) // harmless
		if err := h.Publish("health", func() {}); err == nil {
			t.Error("published what is no JSON")
		}
	})
}

// Over real connections: the head comes before the first event, and a client
// that goes away leaves nothing behind.
func TestOverHTTP(t *testing.T) {
	h := NewHub()
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = h.Serve(r.Context(), w, client("health"))
		close(gone)
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 100)
	if n, err := resp.Body.Read(buf); err != nil || string(buf[:n]) != ": open\n\n" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	publish(t, h, "health", 1)
	if n, err := resp.Body.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "event: health") {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	cancel()
	<-gone
}
