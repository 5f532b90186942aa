package webdav

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// A slow client may take as long as it needs as long as it gets on: on
// average it must move progressBytesMin a second, and never stand still for
// progressStallMax. The first progressGrace are free.
const (
	progressBytesMin = 1 << 10
	progressGrace    = 30 * time.Second
	progressStallMax = 60 * time.Second
	// progressWriteBytes is written under one deadline at most.
	progressWriteBytes = 128 << 10
	// progressSlack is by how much a deadline may lie behind the wanted one:
	// moving it costs more than most reads.
	progressSlack = time.Second
)

// withProgress makes next end the requests of clients that do not get on.
func withProgress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.ProtoMajor >= 2 {
			// Over HTTP/2 http.Server.WriteTimeout runs from the start of the
			// request, and would end a long upload.
			_ = rc.SetWriteDeadline(time.Time{})
		}
		if r.Body != nil && r.Body != http.NoBody {
			// net/http itself reads the rest of a body that the handler left.
			now := time.Now()
			b := &progressBody{ReadCloser: r.Body, rc: rc, start: now, deadline: now.Add(progressStallMax)}
			_ = rc.SetReadDeadline(b.deadline) // not supported: the body is not from a network
			// On a copy: net/http looks at the type of the body in its own, to
			// know that a client still waits for "100 Continue".
			r = r.WithContext(r.Context())
			r.Body = b
		}
		next.ServeHTTP(&progressWriter{ResponseWriter: w, rc: rc}, r)
	})
}

// progressDeadline is when something that began at start and has moved n bytes
// must have moved more.
func progressDeadline(start, now time.Time, n int64) time.Time {
	d := start.Add(progressGrace + time.Duration(n/progressBytesMin)*time.Second)
	if most := now.Add(progressStallMax); d.After(most) {
		return most
	}
	return d
}

// progressBody is a request body that must get on.
type progressBody struct {
	io.ReadCloser
	rc       *http.ResponseController
	start    time.Time
	n        int64
	deadline time.Time // as it was set last
	ended    bool
}

// Read reads from the body. A client that is too slow is KindTimeout's
// os.ErrDeadlineExceeded.
func (b *progressBody) Read(p []byte) (int, error) {
	if b.ended {
		return b.ReadCloser.Read(p)
	}
	now := time.Now()
	if d := progressDeadline(b.start, now, b.n); d.Sub(b.deadline).Abs() > progressSlack {
		b.deadline = d
		_ = b.rc.SetReadDeadline(d)
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if err != nil {
		b.ended = true
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			// net/http goes on reading, to learn that the client went away. It
			// must not take our deadline for that while the request is served.
			_ = b.rc.SetReadDeadline(time.Time{})
		}
	}
	return n, err
}

// progressWriter is a response that the client must get on with taking.
type progressWriter struct {
	http.ResponseWriter
	rc       *http.ResponseController
	deadline time.Time
}

// WriteHeader sends the response's header.
func (w *progressWriter) WriteHeader(status int) {
	w.extend(time.Now())
	w.ResponseWriter.WriteHeader(status)
}

// Write writes p in pieces, each under its own deadline.
func (w *progressWriter) Write(p []byte) (int, error) {
	done := 0
	for {
		piece := p[done:min(len(p), done+progressWriteBytes)]
		w.extend(time.Now())
		n, err := w.ResponseWriter.Write(piece)
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// extend moves the deadline so that one piece more may be written slowly.
func (w *progressWriter) extend(now time.Time) {
	d := now.Add(progressGrace + progressWriteBytes/progressBytesMin*time.Second)
	if d.Sub(w.deadline) > progressSlack {
		w.deadline = d
		_ = w.rc.SetWriteDeadline(d)
	}
}

// Unwrap is for http.ResponseController.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
