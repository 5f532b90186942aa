package live

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Times of a stream.
const (
	PingEvery    = 15 * time.Second
	writeTimeout = 10 * time.Second
)

// Client is who listens.
type Client struct {
	User    string
	Session string
	Topics  []string
	Last    uint64 // Last-Event-ID; 0: from now on
	// Alive reports whether the session goes on; it is asked with each ping.
	Alive func(context.Context) bool
}

// Serve writes the client's stream until ctx ends, the client is too slow, its
// session ends or the Hub stops. An error means that nothing was written.
func (h *Hub) Serve(ctx context.Context, w http.ResponseWriter, c Client) error {
	s, missed, complete, err := h.subscribe(c.User, c.Session, c.Topics, c.Last)
	if err != nil {
		return err
	}
	defer h.unsubscribe(s)
	out := &writer{w: w, rc: http.NewResponseController(w)}
	out.open()
	if !complete {
		out.send(Message{h.at(), Reset, []byte("{}")})
	}
	for _, m := range missed {
		out.send(m)
	}
	ping := time.NewTicker(PingEvery)
	defer ping.Stop()
	for out.err == nil {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-s.queue:
			if !ok {
				h.bye(ctx, out, c)
				return nil
			}
			out.send(m)
		case <-ping.C:
			if !c.Alive(ctx) {
				h.bye(ctx, out, c)
				return nil
			}
			out.write(": ping\n\n")
		}
	}
	return nil
}

// bye tells the browser that its session is over, if that is why the stream ends.
func (h *Hub) bye(ctx context.Context, out *writer, c Client) {
	if !c.Alive(ctx) {
		out.send(Message{h.at(), "session", []byte("{}")})
	}
}

// writer writes a stream; after an error it does nothing more.
type writer struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	err error
}

// open sends the head at once: a browser opens the stream with its first bytes.
func (o *writer) open() {
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	o.w.WriteHeader(http.StatusOK)
	o.write(": open\n\n")
}

func (o *writer) send(m Message) {
	o.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", m.ID, m.Topic, m.Data))
}

func (o *writer) write(text string) {
	if o.err != nil {
		return
	}
	// Where deadlines are not supported (a test's recorder) there is none.
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, o.err = o.w.Write([]byte(text)); o.err == nil {
		o.err = o.rc.Flush()
	}
}
