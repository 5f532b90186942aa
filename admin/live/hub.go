package live

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of streams.
const (
	RingMax    = 1024
	ringBytes  = 8 << 20
	StreamsMax = 200
	UserMax    = 10
	queueMax   = 256
)

// Reset is the topic that says: read everything again.
const Reset = "reset"

// Message is one server-sent event.
type Message struct {
	ID    uint64
	Topic string
	Data  []byte // JSON
}

// Hub distributes messages. Safe for concurrent use.
type Hub struct {
	mu      sync.Mutex // guards all below
	next    uint64
	ring    []Message // oldest first
	bytes   int       // of the ring's data
	lost    uint64    // the newest message that the ring has no more; ids of another process are below it
	skipped map[string]uint64
	streams map[*stream]struct{}
	stopped bool
}

// stream is one browser's tab.
type stream struct {
	user, session string
	topics        []string
	queue         chan Message // closed when the stream is dropped
}

// NewHub makes a Hub. Its ids start with the time, so that those of an earlier
// process are recognised as old.
func NewHub() *Hub {
	first := uint64(time.Now().UnixMilli()) << 8
	return &Hub{next: first, lost: first, skipped: map[string]uint64{}, streams: map[*stream]struct{}{}}
}

// Publish sends data to all streams of a topic.
func (h *Hub) Publish(topic string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil
	}
	h.next++
	m := Message{h.next, topic, b}
	h.keep(m)
	for s := range h.streams {
		if !slices.Contains(s.topics, topic) {
			continue
		}
		select {
		case s.queue <- m:
		default:
			h.drop(s)
		}
	}
	return nil
}

// keep puts a message into the ring. The lock is held.
func (h *Hub) keep(m Message) {
	h.ring, h.bytes = append(h.ring, m), h.bytes+len(m.Data)
	n := 0
	for len(h.ring)-n > RingMax || h.bytes > ringBytes {
		h.bytes, h.lost = h.bytes-len(h.ring[n].Data), h.ring[n].ID
		n++
	}
	h.ring = slices.Delete(h.ring, 0, n)
}

// Wanted reports whether any stream listens to the topic. Who publishes nothing
// because nobody does must have asked here: a stream that comes back later is
// told that it has missed something.
func (h *Hub) Wanted(topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if slices.Contains(s.topics, topic) {
			return true
		}
	}
	if h.skipped[topic] != h.next {
		h.next++
		h.skipped[topic] = h.next
	}
	return false
}

// Streams returns how many streams there are.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

func (h *Hub) drop(s *stream) {
	if _, ok := h.streams[s]; ok {
		delete(h.streams, s)
		close(s.queue)
	}
}

// subscribe adds a stream. missed are the messages after the id last, of its
// topics; complete is false when some of them are gone. KindBusy.
func (h *Hub) subscribe(user, session string, topics []string, last uint64) (s *stream, missed []Message, complete bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := 0
	for s := range h.streams {
		if s.user == user {
			mine++
		}
	}
	switch {
	case h.stopped:
		return nil, nil, false, metadata.Errorf(metadata.KindUnavailable, "the server is stopping")
	case len(h.streams) >= StreamsMax:
		return nil, nil, false, metadata.Errorf(metadata.KindBusy, "%d windows are connected, which is the most; close some", StreamsMax)
	case mine >= UserMax:
		return nil, nil, false, metadata.Errorf(metadata.KindBusy, "you have %d windows connected, which is the most; close some", UserMax)
	}
	s = &stream{user: user, session: session, topics: topics, queue: make(chan Message, queueMax)}
	h.streams[s] = struct{}{}
	if last == 0 {
		return s, nil, true, nil
	}
	if last > h.next || last < h.lost || slices.ContainsFunc(topics, func(t string) bool { return last < h.skipped[t] }) {
		return s, nil, false, nil
	}
	for _, m := range h.ring {
		if m.ID > last && slices.Contains(topics, m.Topic) {
			missed = append(missed, m)
		}
	}
	return s, missed, true, nil
}

// at returns the id of the last message.
func (h *Hub) at() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

func (h *Hub) unsubscribe(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(s)
}

// EndSession drops the streams of a session that is over.
func (h *Hub) EndSession(session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if s.session == session {
			h.drop(s)
		}
	}
}

// Stop ends all streams and refuses new ones.
func (h *Hub) Stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for s := range h.streams {
		h.drop(s)
	}
}
