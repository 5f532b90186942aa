package quicwire_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// Methods of the handler of these tests.
const (
	methodEcho   = 1 // call: the request
	methodFail   = 2 // call: an error
	methodHang   = 3 // call: waits for the end of its context
	methodUpload = 1 // stream: replies with the number of bytes up to the end
	methodSend   = 2 // stream: reply, then as many bytes as the request has, twice
	methodReject = 3 // stream: an error at once
)

// testContext ends before go test's own timeout says something less helpful.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// echoHandler serves the methods above.
func echoHandler() quicwire.Handler {
	return quicwire.Handler{
		Calls: map[uint32]quicwire.CallFunc{
			methodEcho: func(_ context.Context, _ quicwire.Peer, req []byte) ([]byte, error) { return req, nil },
			methodFail: func(context.Context, quicwire.Peer, []byte) ([]byte, error) {
				return nil, &quicwire.Error{Code: 5, Msg: "is a directory"}
			},
			methodHang: func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		},
		Streams: map[uint32]quicwire.StreamFunc{
			methodUpload: func(_ context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error {
				n, err := io.Copy(io.Discard, s)
				if err != nil {
					return err
				}
				return s.Reply([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			},
			methodSend: func(_ context.Context, _ quicwire.Peer, req []byte, s *quicwire.Stream) error {
				if err := s.Reply([]byte("header")); err != nil {
					return err
				}
				if _, err := s.Write(req); err != nil {
					return err
				}
				if _, err := s.Write(req); err != nil {
					return err
				}
				return s.Reply([]byte("trailer"))
			},
			methodReject: func(context.Context, quicwire.Peer, []byte, *quicwire.Stream) error {
				return &quicwire.Error{Code: 11, Msg: "no room"}
			},
		},
		Raw: func(_ context.Context, _ quicwire.Peer, s *quicwire.Stream) {
			_, _ = io.Copy(s, s) // ends with the stream
			_ = s.Close()
		},
	}
}

// pair returns a started server, a client and the target of the server.
func pair(t testing.TB) (server, client *quicwire.Endpoint, target quicwire.Target) {
	t.Helper()
	c := wiretest.NewCluster(t)
	server = c.Open(1, "nameserver", "datanode")
	for _, s := range []quicwire.Service{quicwire.ServiceMeta, quicwire.ServiceBlock, quicwire.ServiceRaft} {
		server.Handle(s, []string{"client", "webdav"}, echoHandler())
	}
	c.Start(server)
	client = c.Open(2, "client")
	return server, client, wiretest.Target(server, 1)
}

func TestCall(t *testing.T) {
	_, client, to := pair(t)
	ctx := testContext(t)
	for _, size := range []int{0, 1, 100, 4091, 4096, 70_000, quicwire.BodyBytesMax} {
		req := bytes.Repeat([]byte{'x'}, size)
		resp, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, req)
		if err != nil || !bytes.Equal(resp, req) {
			t.Fatalf("echo of %d bytes: got %d bytes, %v", size, len(resp), err)
		}
	}
}

func TestBulk(t *testing.T) {
	_, client, to := pair(t)
	ctx := testContext(t)
	t.Run("upload", func(t *testing.T) {
		s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, methodUpload, []byte("put"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		data := make([]byte, 3<<20)
		if n, err := s.Write(data); n != len(data) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := s.ReadReply()
		if want := []byte{0, 0x30, 0, 0}; err != nil || !bytes.Equal(got, want) {
			t.Fatalf("ReadReply = %x, %v, want %x", got, err, want)
		}
	})
	t.Run("download", func(t *testing.T) {
		data := bytes.Repeat([]byte("0123456789"), 50_000)
		s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, methodSend, data)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got, err := s.ReadReply(); err != nil || string(got) != "header" {
			t.Fatalf("ReadReply = %q, %v, want header", got, err)
		}
		got := make([]byte, 2*len(data))
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, append(data, data...)) {
			t.Fatalf("read: wrong bytes or %v", err)
		}
		if got, err := s.ReadReply(); err != nil || string(got) != "trailer" {
			t.Fatalf("ReadReply = %q, %v, want trailer", got, err)
		}
		if n, err := s.Read(got); n != 0 || err != io.EOF {
			t.Fatalf("Read at the end = %d, %v, want 0, EOF", n, err)
		}
	})
}

func TestRaw(t *testing.T) {
	_, client, to := pair(t)
	s, err := client.OpenRaw(testContext(t), to, quicwire.ServiceRaft)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(s, got); err != nil || string(got) != "ping" {
		t.Fatalf("read %q, %v, want ping", got, err)
	}
	if s.Peer().Node != 1 || s.LocalAddr() == nil || s.RemoteAddr().String() != to.Addr {
		t.Fatalf("peer %v at %v", s.Peer(), s.RemoteAddr())
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(got); n != 0 || err != io.EOF {
		t.Fatalf("Read at the end = %d, %v, want 0, EOF", n, err)
	}
}
