package quicwire

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

func TestRate(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newRate(10)
	count := func() (n int) {
		for !r.over(now) {
			n++
		}
		return n
	}
	if got := count(); got != 10 {
		t.Fatalf("%d at once, want 10", got)
	}
	for _, tt := range []struct {
		step time.Duration
		want int
	}{{0, 0}, {50 * time.Millisecond, 0}, {50 * time.Millisecond, 1}, {500 * time.Millisecond, 5}, {time.Hour, 10}} {
		now = now.Add(tt.step)
		if got := count(); got != tt.want {
			t.Errorf("after %v: %d, want %d", tt.step, got, tt.want)
		}
	}
}

func TestWindows(t *testing.T) {
	a, b, stranger := new(quic.Conn), new(quic.Conn), new(quic.Conn)
	w := newWindows(100)
	w.track(a)
	w.track(b)
	for i, tt := range []struct {
		c    *quic.Conn
		d    uint64
		want bool
	}{{a, 60, true}, {b, 41, false}, {b, 40, true}, {a, 1, false}, {stranger, 0, false}, {a, 1 << 63, false}} {
		if got := w.allow(tt.c, tt.d); got != tt.want {
			t.Errorf("step %d: allow(%d) = %v, want %v", i, tt.d, got, tt.want)
		}
	}
	w.done(a)
	if w.allow(a, 1) {
		t.Error("a closed connection grows")
	}
	if !w.allow(b, 60) || w.left != 0 {
		t.Errorf("what a had is not free: %d left", w.left)
	}
	w.done(b)
	w.done(b)
	if w.left != 100 || len(w.grown) != 0 {
		t.Errorf("%d left, %d connections; want 100, 0", w.left, len(w.grown))
	}
}

// Whatever the order, the counts stay within the limits and end at nothing.
func TestLoads(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l := loads{m: map[uint64]*load{}}
	conns, streams := map[uint64]int{}, map[uint64]int{}
	const connsMax, streamsMax = 3, 5
	for range 10_000 {
		node := rng.Uint64N(3)
		switch rng.IntN(4) {
		case 0:
			if got, want := l.addConn(node, connsMax), conns[node] < connsMax; got != want {
				t.Fatalf("addConn with %d: %v, want %v", conns[node], got, want)
			} else if got {
				conns[node]++
			}
		case 1:
			want := conns[node] > 0 && streams[node] < streamsMax
			if got := l.addStream(node, streamsMax); got != want {
				t.Fatalf("addStream with %d conns, %d streams: %v, want %v", conns[node], streams[node], got, want)
			} else if got {
				streams[node]++
			}
		case 2:
			if streams[node] > 0 {
				l.doneStream(node)
				streams[node]--
			}
		case 3:
			if conns[node] > 1 || conns[node] == 1 && streams[node] == 0 {
				l.doneConn(node)
				conns[node]--
			}
		}
	}
	for node := range uint64(3) {
		for ; streams[node] > 0; streams[node]-- {
			l.doneStream(node)
		}
		for ; conns[node] > 0; conns[node]-- {
			l.doneConn(node)
		}
	}
	if len(l.m) != 0 {
		t.Errorf("%d nodes are left", len(l.m))
	}
}
