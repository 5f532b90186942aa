package webdav

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// pieces is a connection that notes what each call of Write got.
type pieces struct {
	net.Conn
	mu  sync.Mutex
	got []int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.got = append(p.got, len(b))
	p.mu.Unlock()
	return p.Conn.Write(b)
}

// piecesListener makes the connections it accepts known.
type piecesListener struct {
	net.Listener
	conns chan *pieces
}

func (l piecesListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := &pieces{Conn: c}
	l.conns <- p
	return p, nil
}

// A small file leaves in one piece, header and body, and requests that follow
// on the same connection are answered as before.
func TestSmallGetIsOnePiece(t *testing.T) {
	d := newDrive(t)
	sizes := []int{0, 1, 2000, 3600, 4096, 7000, 8000, 8192, 9000, 40_000, 300_000}
	for _, n := range sizes {
		d.want(201, "PUT", fmt.Sprint("/f", n), noise(n))
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := piecesListener{inner, make(chan *pieces, 1)}
	s := NewServer(ServerConfig{Handler: d.handler})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := <-l.conns
	r := bufio.NewReader(c)
	for _, n := range sizes {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "GET"} {
			fmt.Fprintf(c, "%s /f%d HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", method, n, "Basic YW5uOnB3LWFubg==")
			resp, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 || method == "GET" && string(body) != noise(n) {
				t.Fatalf("%s of %d bytes: got %s, %d bytes, %v", method, n, resp.Status, len(body), err)
			}
		}
	}
	c.Close()
	if err := errors.Join(s.Close(), <-ended); err != nil {
		t.Fatal(err)
	}
	small := 0
	for _, n := range sizes {
		if n <= corkBytes-700 { // what is left for the header
			small += 4
		}
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if len(conn.got) < small {
		t.Fatalf("got %d writes for %d responses", len(conn.got), 4*len(sizes))
	}
	for i, n := range conn.got[:small] {
		if want := sizes[i/4]; i%4%3 == 0 && n < want {
			t.Errorf("GET of %d bytes: the first piece has %d", want, n)
		}
	}
}

// A file that cannot be read is still an error with a header of its own.
func TestUnreadableGetBehindCork(t *testing.T) {
	d := newDrive(t)
	_, addr := d.serve()
	d.url = "http://" + addr
	d.want(201, "PUT", "/f", noise(5000))
	d.disks.fail(func(blockio.GetRequest) error { return metadata.Errorf(metadata.KindCorrupt, "bad sector") })
	a := d.req("GET", "/f", nil)
	if a.err != nil || a.StatusCode < 500 {
		t.Errorf("got %d, %v, want a status of 5xx", a.StatusCode, a.err)
	}
	d.want(207, "PROPFIND", "/f", "", "Depth: 0")
}

// broken fails every write after some.
type broken struct {
	net.Conn
	left   int
	wrote  bytes.Buffer
	closed bool
}

func (b *broken) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return b.wrote.Write(p)
}

func (b *broken) Close() error { b.closed = true; return nil }

func newCorkable(c net.Conn) *corkable {
	return &corkable{Conn: c, buffers: &sync.Pool{New: func() any { return new([corkBytes]byte) }}}
}

func TestCork(t *testing.T) {
	in := &broken{left: 1 << 20}
	c := newCorkable(in)
	var want strings.Builder
	write := func(n int) {
		p := noise(n)
		want.WriteString(p)
		if got, err := c.Write([]byte(p)); got != n || err != nil {
			t.Fatalf("Write of %d bytes: %d, %v", n, got, err)
		}
	}
	write(10)
	for _, sizes := range [][]int{{}, {10, 20}, {corkBytes}, {corkBytes, 1}, {1, corkBytes}, {1, 100_000, 5, 9000, 9000}} {
		c.cork()
		c.cork() // harmless
		for _, n := range sizes {
			write(n)
		}
		if err := errors.Join(c.uncork(), c.uncork()); err != nil {
			t.Fatal(err)
		}
		if got := in.wrote.String(); got != want.String() {
			t.Fatalf("%v: %d bytes arrived, want %d", sizes, len(got), want.Len())
		}
	}
}

func TestCorkOnBrokenConnection(t *testing.T) {
	in := &broken{}
	c := newCorkable(in)
	c.cork()
	if n, err := c.Write([]byte("held")); n != 4 || err != nil {
		t.Errorf("held back: %d, %v", n, err)
	}
	if err := c.uncork(); err == nil || !in.closed {
		t.Errorf("uncork: %v, closed %v, want an error and a closed connection", err, in.closed)
	}
	in = &broken{left: 1} // takes what was held, and no more
	c = newCorkable(in)
	c.cork()
	_, _ = c.Write(make([]byte, 100))
	if n, err := c.Write(make([]byte, corkBytes)); n != 0 || err == nil {
		t.Errorf("behind what was held: %d, %v, want 0 and an error", n, err)
	}
}

// A client that takes nothing holds a corked response up no longer than others.
func TestCorkKeepsDeadlines(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	c := newCorkable(server)
	c.cork()
	_, _ = c.Write([]byte("held"))
	if err := c.SetWriteDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := c.uncork(); err == nil {
		t.Error("uncork: no error after the deadline")
	}
}
