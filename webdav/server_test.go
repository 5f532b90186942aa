package webdav

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// serve runs a Server over the drive on loopback and returns its address.
func (d *drive) serve(edit ...func(*ServerConfig)) (*Server, string) {
	d.t.Helper()
	cfg := ServerConfig{Handler: d.handler, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range edit {
		f(&cfg)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	s := NewServer(cfg)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	d.t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// selfSigned returns a certificate of httptest's and a pool that trusts it.
func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS()
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return &tls.Config{Certificates: srv.TLS.Certificates}, pool
}

func TestServerProtocols(t *testing.T) {
	d := newDriveUnserved(t)
	tlsConfig, pool := selfSigned(t)
	_, plain := d.serve(func(c *ServerConfig) { c.H2C = true })
	_, secure := d.serve(func(c *ServerConfig) { c.TLS = tlsConfig })
	_, noH2C := d.serve()
	for _, tt := range []struct {
		url       string
		protocols func(*http.Protocols)
		want      string
	}{
		{"http://" + plain, func(p *http.Protocols) { p.SetHTTP1(true) }, "HTTP/1.1"},
		{"http://" + plain, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, "HTTP/2.0"},
		{"https://" + secure, func(p *http.Protocols) { p.SetHTTP1(true) }, "HTTP/1.1"},
		{"https://" + secure, func(p *http.Protocols) { p.SetHTTP2(true) }, "HTTP/2.0"},
		{"http://" + noH2C, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, ""},
	} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, Protocols: new(http.Protocols)}
		tt.protocols(tr.Protocols)
		c := &drive{t: t, url: tt.url, anon: &http.Client{Transport: tr}}
		data := noise(9 << 20)
		a := c.req("PUT", "/big", strings.NewReader(data))
		if tt.want == "" {
			if a.err == nil {
				t.Errorf("%s: HTTP/2 was not refused", tt.url)
			}
			continue
		}
		if a.err != nil || a.StatusCode/100 != 2 || a.Proto != tt.want {
			t.Errorf("%s: got %d %s %v, want %s", tt.url, a.StatusCode, a.Proto, a.err, tt.want)
		}
		c.file("/big", data)
		c.want(200, "OPTIONS", "/", "")
		c.want(207, "PROPFIND", "/", "", "Depth: 1")
		c.want(412, "PUT", "/big", noise(300_000), "If-None-Match: *")
		tr.CloseIdleConnections()
	}
}

func TestServerOptionsStar(t *testing.T) {
	_, addr := newDriveUnserved(t).serve()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.Header.Get("DAV") == "" {
		t.Errorf("got %v, %v", resp, err)
	}
}

// Requests whose framing is ambiguous never reach the drive (request smuggling).
func TestServerFraming(t *testing.T) {
	d := newDriveUnserved(t)
	_, addr := d.serve()
	const auth = "Authorization: Basic YW5uOnB3LWFubg==\r\n"
	for name, request := range map[string]string{
		"two lengths":        "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"bad coding":         "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"no host":            "PUT /s HTTP/1.1\r\n" + auth + "Content-Length: 1\r\n\r\na",
		"two hosts":          "PUT /s HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + auth + "Content-Length: 1\r\n\r\na",
		"folded":             "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + " X-Y: z\r\nContent-Length: 1\r\n\r\na",
		"space before colon": "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length : 1\r\n\r\na",
		"bad chunk":          "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"huge header":        "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"bad expectation":    "PUT /s HTTP/1.1\r\nHost: x\r\n" + auth + "Expect: miracles\r\nContent-Length: 1\r\n\r\na",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, request)
		_ = c.(*net.TCPConn).CloseWrite()
		line, _ := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 4") && !strings.HasPrefix(line, "HTTP/1.1 5") {
			t.Errorf("%s: got %q", name, line)
		}
		c.Close()
	}
	if e, err := d.client.List(t.Context(), "/", listAll()); err != nil || len(e.Entries) != 0 {
		t.Errorf("something was created: %v, %v", e.Entries, err)
	}
}

// untilUploading waits until the handler receives a body.
func (d *drive) untilUploading() {
	for d.handler.Stats().UploadsRunning == 0 {
		runtime.Gosched()
	}
}

func TestServerShutdownDrains(t *testing.T) {
	d := newDriveUnserved(t)
	s, addr := d.serve()
	c := &drive{t: t, url: "http://" + addr, anon: &http.Client{Transport: &http.Transport{}}}
	c.want(201, "PUT", "/f", "old")
	r, w := io.Pipe()
	answers := make(chan *answer, 1)
	go func() { answers <- c.req("PUT", "/f", r) }()
	_, _ = io.WriteString(w, noise(100_000))
	d.untilUploading()
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	for {
		// Shutdown closes the listener first.
		probe, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		probe.Close()
	}
	_, _ = io.WriteString(w, "end")
	w.Close()
	if a := <-answers; a.StatusCode != 204 {
		t.Errorf("running upload: got %d, %v", a.StatusCode, a.err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestServerShutdownGivesUp(t *testing.T) {
	d := newDriveUnserved(t)
	s, addr := d.serve()
	c := &drive{t: t, url: "http://" + addr, anon: &http.Client{Transport: &http.Transport{}}}
	c.want(201, "PUT", "/f", "old")
	r, w := io.Pipe()
	answers := make(chan *answer, 1)
	go func() { answers <- c.req("PUT", "/f", r) }()
	_, _ = io.WriteString(w, noise(100_000))
	d.untilUploading()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("Shutdown did not tell that it broke something off")
	}
	w.Close()
	<-answers
	e, err := d.client.Lookup(t.Context(), "/f", lookPlain())
	if err != nil || e.Size != 3 {
		t.Errorf("old version: got %v, %v", e, err)
	}
}

func TestServerConnectionLimits(t *testing.T) {
	_, addr := newDriveUnserved(t).serve(func(c *ServerConfig) { c.ConnsPerIPMax = 3 })
	open := func() (net.Conn, error) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err = fmt.Fprint(c, "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n"); err == nil {
			_, err = http.ReadResponse(bufio.NewReader(c), nil)
		}
		return c, err
	}
	var conns []net.Conn
	for range 3 {
		c, err := open()
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	if _, err := open(); err == nil {
		t.Error("a fourth connection was served")
	}
	conns[0].Close()
	for {
		// The server learns of the close in its own time.
		if c, err := open(); err == nil {
			c.Close()
			break
		}
	}
	for _, c := range conns[1:] {
		c.Close()
	}
}

// A client that dribbles is cut off; one that is slow but gets on is served.
// The network is a pipe in a bubble whose clock jumps.
func TestSlowUploads(t *testing.T) {
	for _, tt := range []struct {
		name  string
		piece int
		pause time.Duration
		total int
		want  bool
	}{
		{"dribble", 1, time.Second, 1000, false},
		{"stall", 10_000, 70 * time.Second, 100_000, false},
		{"slow", 4096, 2 * time.Second, 400_000, true}, // 2 KiB/s for 200 s
		{"fast", 65536, 0, 1 << 20, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status := pipeRequest(t, func(w io.Writer) {
					fmt.Fprintf(w, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", tt.total)
					for sent := 0; sent < tt.total; sent += tt.piece {
						time.Sleep(tt.pause)
						if _, err := w.Write(make([]byte, min(tt.piece, tt.total-sent))); err != nil {
							return
						}
					}
				})
				if got := status == 204; got != tt.want {
					t.Errorf("got status %d, want success %v", status, tt.want)
				}
			})
		})
	}
}

// pipeRequest serves one request, that send writes, over an in-memory pipe and
// returns the status, 0 for none.
func pipeRequest(t *testing.T, send func(io.Writer)) int {
	t.Helper()
	client, server := net.Pipe()
	srv := NewServer(ServerConfig{Logger: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})})
	l := &oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conn <- server
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	sent := make(chan struct{})
	go func() { defer close(sent); send(client) }()
	status := 0
	if resp, err := http.ReadResponse(bufio.NewReader(client), nil); err == nil {
		status = resp.StatusCode
	}
	client.Close()
	<-sent
	_ = srv.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return status
}

// oneListener accepts one connection.
type oneListener struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneListener) Close() error   { close(l.closed); return nil }
func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{} }

// A header that does not come within ten seconds ends the connection.
func TestSlowHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		pipeRequest(t, func(w io.Writer) {
			for _, b := range []byte("GET / HTTP/1.1\r\nHost: very-slow") {
				time.Sleep(time.Second)
				if _, err := w.Write([]byte{b}); err != nil {
					return
				}
			}
		})
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A client that does not take its answer is cut off.
func TestSlowDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		result := make(chan error, 1)
		srv := NewServer(ServerConfig{Logger: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				_, err := w.Write(make([]byte, 10<<20))
				result <- err
			})})
		l := &oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conn <- server
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		start := time.Now()
		if err := <-result; err == nil || time.Since(start) > 10*time.Minute {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		client.Close()
		_ = srv.Close()
		<-ended
	})
}

func TestProgressDeadline(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		after time.Duration
		n     int64
		want  time.Duration // from start
	}{
		{0, 0, 30 * time.Second},
		{20 * time.Second, 10 << 10, 40 * time.Second},
		{20 * time.Second, 10 << 20, 80 * time.Second}, // far ahead: at most a minute of rest
		{time.Hour, 3600 << 10, time.Hour + 30*time.Second},
	} {
		if got := progressDeadline(start, start.Add(tt.after), tt.n).Sub(start); got != tt.want {
			t.Errorf("after %v with %d bytes: got %v, want %v", tt.after, tt.n, got, tt.want)
		}
	}
}

func TestAddrOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:80":               "192.0.2.1",
		"[::ffff:192.0.2.1]:80":      "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::",
		"[fe80::1%eth0]:443":         "fe80::",
		"[::1]:1":                    "::1",
	} {
		a, err := net.ResolveTCPAddr("tcp", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := addrOf(a).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := addrOf(&net.UnixAddr{Name: "/x"}); got.IsValid() {
		t.Errorf("unix: got %v", got)
	}
}
