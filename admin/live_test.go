package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kendfs/admin/live"
	"kendfs/metadata"
)

// tab is a browser's stream.
type tab struct {
	t      *testing.T
	resp   *http.Response
	cancel context.CancelFunc
	lines  *bufio.Scanner
	last   string // id
}

type message struct {
	topic string
	data  string
}

func (b *browser) tab(t *testing.T, query, last string) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soakFor(t)+time.Minute)
	r, err := http.NewRequestWithContext(ctx, "GET", b.d.http.URL+"/api/v1/live"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	client := *b.client
	client.Timeout = 0
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	tb := &tab{t: t, resp: resp, cancel: cancel, lines: bufio.NewScanner(resp.Body), last: last}
	tb.lines.Buffer(nil, 8<<20)
	t.Cleanup(tb.close)
	return tb
}

func (tb *tab) close() {
	tb.cancel()
	tb.resp.Body.Close()
}

// next returns the next message; false when the stream has ended.
func (tb *tab) next() (message, bool) {
	tb.t.Helper()
	var m message
	for tb.lines.Scan() {
		switch line := tb.lines.Text(); {
		case strings.HasPrefix(line, "id: "):
			tb.last = line[4:]
		case strings.HasPrefix(line, "event: "):
			m.topic = line[7:]
		case strings.HasPrefix(line, "data: "):
			m.data = line[6:]
		case line == "" && m.topic != "":
			if !json.Valid([]byte(m.data)) {
				tb.t.Errorf("%s: no JSON: %.100s", m.topic, m.data)
			}
			return m, true
		}
	}
	return m, false
}

// want reads until a message of that topic fits.
func (tb *tab) want(topic string, fits func(data string) bool) message {
	tb.t.Helper()
	for {
		m, ok := tb.next()
		if !ok {
			tb.t.Fatalf("the stream ended before %s: %v", topic, tb.lines.Err())
		}
		if m.topic == topic && fits(m.data) {
			return m
		}
	}
}

func anything(string) bool { return true }

// A change that somebody makes is on everybody's screen, on the topics that the
// screen asked for.
func TestLiveTopics(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	tb := b.tab(t, "?topics=nodes,event,metrics", "")
	if got := tb.resp.Header.Get("Content-Type"); tb.resp.StatusCode != 200 || got != "text/event-stream" || tb.resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("got %d %q", tb.resp.StatusCode, got)
	}
	tb.want("metrics", func(data string) bool { return strings.Contains(data, "used_bytes") })
	b.must("POST", "/api/v1/nodes/n14/drain", nil, 200)
	seen := map[string]bool{}
	for !seen["nodes"] {
		m, ok := tb.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if m.topic != "nodes" && m.topic != "event" && m.topic != "metrics" {
			t.Errorf("%s was not asked for", m.topic)
		}
		if m.topic == "nodes" && strings.Contains(m.data, `"n14"`) && strings.Contains(m.data, "draining") {
			seen["nodes"] = true
		}
	}
	for _, bad := range []string{"?topics=secrets", "?topics=health,secrets", "?topic=health"} {
		if other := b.tab(t, bad, ""); other.resp.StatusCode != 400 {
			t.Errorf("%s: got %d", bad, other.resp.StatusCode)
		}
	}
	if got := d.anon().tab(t, "", "").resp.StatusCode; got != 401 {
		t.Errorf("without a session: got %d", got)
	}
}

// A tab that loses its line for a while learns what has changed meanwhile, even
// when it was the only one that listened.
func TestLiveMissesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	tb := b.tab(t, "", "")
	tb.want("metrics", anything)
	tb.close()
	d.until("the stream is gone", func() bool { return b.d.server.Streams() == 0 })
	b.must("POST", "/api/v1/nodes/n14/drain", nil, 200)
	before := get[struct {
		AsOf time.Time `json:"as_of"`
	}](b, "/api/v1/nodes").AsOf
	d.until("the drain was published to nobody", func() bool {
		return get[struct {
			AsOf time.Time `json:"as_of"`
		}](b, "/api/v1/nodes").AsOf.After(before.Add(2 * time.Second))
	})
	again := b.tab(t, "", tb.last)
	if m, ok := again.next(); !ok || m.topic != "reset" {
		t.Errorf("got %+v, want reset: the drain was missed", m)
	}
	// After a reset the stream goes on from there, without another one.
	again.want("metrics", anything)
	third := b.tab(t, "", again.last)
	if m, ok := third.next(); !ok || m.topic == "reset" {
		t.Errorf("got %+v, want what follows", m)
	}
	for _, last := range []string{"1", "99999999999999999999", "x", "-1", strings.Repeat("9", 500)} {
		odd := b.tab(t, "?topics=metrics", last)
		if odd.resp.StatusCode != 200 {
			t.Errorf("Last-Event-ID %.30s: got %d", last, odd.resp.StatusCode)
		}
		odd.close()
	}
}

// A change between the first reading of the nodes and the first message is not
// lost: whoever opens a stream and then reads has everything.
func TestFirstNodesMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	for i := range 3 { // at other moments of the second
		tb := b.tab(t, "?topics=nodes", "")
		id := fmt.Sprintf("n%d", 20+i)
		get[any](b, "/api/v1/nodes?limit=1000")
		zone := fmt.Sprintf("moved-%d", i)
		b.must("PATCH", "/api/v1/nodes/"+id, map[string]string{"zone": zone}, 200)
		tb.want("nodes", func(data string) bool { return strings.Contains(data, zone) })
		tb.close()
		d.until("the stream is gone", func() bool { return d.server.Streams() == 0 })
	}
}

// Streams are limited for each user, and end with the session.
func TestLiveLimitsAndEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b, root := d.as("vera"), d.as("admin")
	var tabs []*tab
	for range live.UserMax {
		tb := b.tab(t, "?topics=health", "")
		if tb.resp.StatusCode != 200 {
			t.Fatalf("got %d", tb.resp.StatusCode)
		}
		tabs = append(tabs, tb)
	}
	d.until("all are there", func() bool { return d.server.Streams() == live.UserMax })
	if tb := b.tab(t, "", ""); tb.resp.StatusCode != 429 || tb.resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: got %d", tb.resp.StatusCode)
	}
	root.must("PATCH", "/api/v1/users/vera", map[string]bool{"disabled": true}, 200)
	for _, tb := range tabs {
		tb.want("session", anything)
		if m, ok := tb.next(); ok {
			t.Errorf("after the end: %+v", m)
		}
	}
	d.until("all are gone", func() bool { return d.server.Streams() == 0 })
}

// Stopping the server ends streams at once, so that it can shut down.
func TestLiveStops(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tb := d.as("vera").tab(t, "", "")
	tb.want("metrics", anything)
	d.server.Stop()
	for {
		if _, ok := tb.next(); !ok {
			break
		}
	}
	if got := d.anon().status("GET", "/readyz", nil); got != 503 {
		t.Errorf("readyz: got %d", got)
	}
	if got := d.anon().status("GET", "/healthz", nil); got != 200 {
		t.Errorf("healthz: got %d", got)
	}
}

// An outage is said on the stream, and so is its end.
func TestLiveOutage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tb := d.as("vera").tab(t, "?topics=health", "")
	tb.want("health", func(data string) bool { return strings.Contains(data, `"stale":false`) })
	d.cluster.away.Store(true)
	m := tb.want("health", func(data string) bool { return strings.Contains(data, `"stale":true`) })
	if !strings.Contains(m.data, `"unknown"`) || !strings.Contains(m.data, "last_verdict") {
		t.Errorf("got %.300s", m.data)
	}
	d.cluster.away.Store(false)
	tb.want("health", func(data string) bool { return strings.Contains(data, `"stale":false`) })
	if _, err := d.cluster.User(context.Background(), "vera"); metadata.KindOf(err) == metadata.KindUnavailable {
		t.Error("still away")
	}
}
