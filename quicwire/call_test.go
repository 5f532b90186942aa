package quicwire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

func TestCallErrors(t *testing.T) {
	_, client, to := pair(t)
	ctx := testContext(t)
	_, err := client.Call(ctx, to, quicwire.ServiceMeta, methodFail, nil)
	if e := wantCode(t, "handler's error", err, 5); e.Msg != "is a directory" || !e.Remote {
		t.Errorf("handler's error: %+v", e)
	}
	_, err = client.Call(ctx, to, quicwire.ServiceMeta, 999, nil)
	if e := wantCode(t, "unknown method", err, quicwire.CodeUnsupported); !e.Remote {
		t.Errorf("unknown method: %+v", e)
	}
	_, err = client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, make([]byte, quicwire.BodyBytesMax+1))
	if e := wantCode(t, "too large", err, quicwire.CodeTooLarge); e.Remote {
		t.Errorf("too large: %+v", e)
	}
	_, err = client.Call(ctx, quicwire.Target{Addr: "nonsense"}, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "bad address", err, quicwire.CodeUnavailable)
	_, err = client.Call(ctx, quicwire.Target{Addr: to.Addr, Lane: 4}, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "bad lane", err, quicwire.CodeInvalid)
	_, err = client.Call(ctx, quicwire.Target{Addr: to.Addr, Node: 4}, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "another node", err, quicwire.CodeDenied)
	// None of these costs the connection or the stream.
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Error(err)
	}
	if dialed, _ := client.Dialed(); dialed != 1 || client.IdleStreams() != 1 {
		t.Errorf("%d connections, %d idle streams; want 1, 1", dialed, client.IdleStreams())
	}
}

func TestErrorCode(t *testing.T) {
	c := wiretest.NewCluster(t)
	cfg := c.Config(1, "nameserver")
	cfg.ErrorCode = func(err error) (uint32, string) {
		return 77, strings.Repeat("x", 10_000) + "\xff" + err.Error()
	}
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	_, err := c.Open(2, "client").Call(testContext(t), wiretest.Target(server, 1), quicwire.ServiceMeta, methodFail, nil)
	if e := wantCode(t, "mapped", err, 77); len(e.Msg) == 0 || len(e.Msg) > 4<<10 {
		t.Errorf("message of %d bytes", len(e.Msg))
	}
}

func TestErrorIs(t *testing.T) {
	for _, tt := range []struct {
		err    error
		target error
		want   bool
	}{
		{&quicwire.Error{Code: quicwire.CodeTimeout}, context.DeadlineExceeded, true},
		{&quicwire.Error{Code: quicwire.CodeCanceled}, context.Canceled, true},
		{&quicwire.Error{Code: quicwire.CodeDenied}, context.Canceled, false},
		{&quicwire.Error{Code: quicwire.CodeUnavailable}, io.EOF, false},
	} {
		if got := errors.Is(tt.err, tt.target); got != tt.want {
			t.Errorf("Is(%v, %v) = %v", tt.err, tt.target, got)
		}
	}
	var ne net.Error = &quicwire.Error{Code: quicwire.CodeBusy}
	if ne.Timeout() || ne.Error() == "" {
		t.Errorf("busy: %q, timeout %v", ne, ne.Timeout())
	}
}

// ended is a server whose handlers say when their context ends.
func ended(t *testing.T) (_ *quicwire.Endpoint, to quicwire.Target, running chan struct{}, why chan error) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	running, why = make(chan struct{}, 10), make(chan error, 10)
	wait := func(ctx context.Context) error {
		running <- struct{}{}
		<-ctx.Done()
		why <- ctx.Err()
		return ctx.Err()
	}
	server.Handle(quicwire.ServiceMeta, []string{"client"}, quicwire.Handler{
		Calls: map[uint32]quicwire.CallFunc{
			1: func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) { return nil, wait(ctx) },
		},
		Streams: map[uint32]quicwire.StreamFunc{
			1: func(ctx context.Context, _ quicwire.Peer, _ []byte, _ *quicwire.Stream) error { return wait(ctx) },
			2: func(ctx context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error {
				running <- struct{}{}
				_, err := io.Copy(io.Discard, s)
				why <- err
				return err
			},
		},
		Raw: func(ctx context.Context, _ quicwire.Peer, _ *quicwire.Stream) { _ = wait(ctx) },
	})
	c.Start(server)
	return c.Open(2, "client"), wiretest.Target(server, 1), running, why
}

func TestCancelReachesHandler(t *testing.T) {
	client, to, running, why := ended(t)
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-running
		cancel()
	}()
	_, err := client.Call(ctx, to, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "canceled call", err, quicwire.CodeCanceled)
	if err := <-why; err != context.Canceled {
		t.Errorf("handler's context: %v", err)
	}
	if client.IdleStreams() != 0 {
		t.Error("a reset stream is kept")
	}
	for _, method := range []uint32{1, 2} {
		ctx, cancel := context.WithCancel(testContext(t))
		s, err := client.OpenStream(ctx, to, quicwire.ServiceMeta, method, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-running
		cancel()
		if err := <-why; !errors.Is(err, context.Canceled) {
			t.Errorf("handler of stream %d: %v", method, err)
		}
		_, err = s.Write([]byte("x"))
		wantCode(t, "write on a canceled stream", err, quicwire.CodeCanceled)
		_ = s.Close()
	}
	raw, err := client.OpenRaw(testContext(t), to, quicwire.ServiceMeta)
	if err != nil {
		t.Fatal(err)
	}
	<-running
	raw.Cancel(quicwire.CodeBusy)
	if err := <-why; err != context.Canceled {
		t.Errorf("context of a raw stream: %v", err)
	}
}

// Close in the middle of an upload must not look like its end.
func TestCloseIsNoEnd(t *testing.T) {
	client, to, running, why := ended(t)
	s, err := client.OpenStream(testContext(t), to, quicwire.ServiceMeta, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-running
	if _, err := s.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	_ = s.Close()
	wantCode(t, "read of a stream that was given up", <-why, quicwire.CodeCanceled)
}

func TestDeadline(t *testing.T) {
	client, to, running, why := ended(t)
	for _, open := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := client.Call(ctx, to, quicwire.ServiceMeta, 1, nil)
			return err
		},
		func(ctx context.Context) error {
			s, err := client.OpenStream(ctx, to, quicwire.ServiceMeta, 2, nil)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.ReadReply()
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
		err := open(ctx)
		wantCode(t, "at the deadline", err, quicwire.CodeTimeout)
		cancel()
		<-running
		if err := <-why; !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			t.Errorf("handler: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(testContext(t), -time.Second)
	defer cancel()
	_, err := client.Call(ctx, to, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "after the deadline", err, quicwire.CodeTimeout)
	_, err = client.OpenStream(ctx, to, quicwire.ServiceMeta, 1, nil)
	wantCode(t, "after the deadline", err, quicwire.CodeTimeout)
}

// The deadline is in the envelope: it holds even if the caller's reset is lost.
func TestDeadlineTravels(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	left := make(chan time.Duration, 2)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) {
			d, ok := ctx.Deadline()
			if !ok {
				left <- -1
			} else {
				left <- time.Until(d)
			}
			return nil, nil
		},
	}})
	c.Start(server)
	client, to := c.Open(2, "client"), wiretest.Target(server, 1)
	if _, err := client.Call(context.Background(), to, quicwire.ServiceMeta, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := <-left; got != -1 {
		t.Errorf("without a deadline the handler has %v", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := <-left; got > time.Minute || got < 50*time.Second {
		t.Errorf("the handler has %v of a minute", got)
	}
}

func TestBulkErrors(t *testing.T) {
	_, client, to := pair(t)
	ctx := testContext(t)
	s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, methodReject, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The server stops an upload that it does not want.
	for err == nil {
		_, err = s.Write(make([]byte, 256<<10))
	}
	wantCode(t, "write to a handler that has failed", err, 11)
	_, err = s.ReadReply()
	if e := wantCode(t, "its reason", err, 11); e.Msg != "no room" || !e.Remote {
		t.Errorf("its reason: %+v", e)
	}
	s2, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, 999, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	_, err = s2.ReadReply()
	wantCode(t, "unknown stream", err, quicwire.CodeUnsupported)
	wantCode(t, "a caller's Reply", s2.Reply(nil), quicwire.CodeInvalid)
	s3, err := client.OpenRaw(ctx, to, quicwire.ServiceRaft)
	if err != nil {
		t.Fatal(err)
	}
	defer s3.Close()
	_, err = s3.ReadReply()
	wantCode(t, "ReadReply of a raw stream", err, quicwire.CodeInvalid)
	if err := s3.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	var ne net.Error
	if _, err := s3.Read(make([]byte, 1)); !errors.As(err, &ne) || !ne.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read after the deadline: %v", err)
	}
	_ = s3.SetDeadline(time.Time{})
	_ = s3.SetWriteDeadline(time.Time{})
}

// A handler that returns without a Reply has sent an empty one; one that fails
// after raw bytes resets the stream.
func TestBulkEnds(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "datanode")
	ends := make(chan error, 1)
	server.Handle(quicwire.ServiceBlock, []string{"client"}, quicwire.Handler{Streams: map[uint32]quicwire.StreamFunc{
		1: func(context.Context, quicwire.Peer, []byte, *quicwire.Stream) error { return nil },
		3: func(ctx context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error {
			if err := s.CloseWrite(); err != nil {
				return err
			}
			// The caller has seen the end, and the handler goes on.
			_, err := io.ReadFull(s, make([]byte, 1))
			ends <- errors.Join(err, ctx.Err())
			return nil
		},
		2: func(_ context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error {
			if _, err := s.Write([]byte("raw")); err != nil {
				return err
			}
			// The reset may overtake the bytes: wait until they are there.
			if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
				return err
			}
			return &quicwire.Error{Code: 17, Msg: "corrupt"}
		},
	}})
	c.Start(server)
	client, to, ctx := c.Open(2, "client"), wiretest.Target(server, 1), testContext(t)
	s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if resp, err := s.ReadReply(); err != nil || len(resp) != 0 {
		t.Errorf("ReadReply = %q, %v, want nothing", resp, err)
	}
	_, err = s.ReadReply()
	wantCode(t, "a second reply", err, quicwire.CodeTimeout)
	s2, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	if _, err := io.ReadFull(s2, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := s2.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	_, err = s2.Read(make([]byte, 1))
	wantCode(t, "read after the handler has failed", err, 17)
	s3, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s3.Close()
	if n, err := s3.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read after the handler's CloseWrite = %d, %v, want 0, EOF", n, err)
	}
	if _, err := s3.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	if err := <-ends; err != nil {
		t.Errorf("handler after its CloseWrite: %v", err)
	}
}

// Many callers of all kinds at once, with cancellations, on one connection.
func TestConcurrency(t *testing.T) {
	server, client, to := pair(t)
	ctx := testContext(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 30 {
				if err := randomUse(ctx, client, to, rng); err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if dialed, all := client.Dialed(); dialed != 2 || all != 2 {
		t.Errorf("%d of %d connections, want one a service", dialed, all)
	}
	if n := server.Incoming(); n != 2 {
		t.Errorf("%d incoming connections, want 2", n)
	}
}

// randomUse makes one call or transfer, and reports what went wrong.
func randomUse(ctx context.Context, client *quicwire.Endpoint, to quicwire.Target, rng *rand.Rand) error {
	data := bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(100_000))
	switch rng.IntN(3) {
	case 0:
		resp, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, data)
		if err != nil || !bytes.Equal(resp, data) {
			return fmt.Errorf("echo: %d of %d bytes, %w", len(resp), len(data), err)
		}
	case 1:
		short, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(2000))*time.Microsecond)
		defer cancel()
		resp, err := client.Call(short, to, quicwire.ServiceMeta, methodEcho, data)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) || err == nil && !bytes.Equal(resp, data) {
			return fmt.Errorf("short echo: %d of %d bytes, %w", len(resp), len(data), err)
		}
	case 2:
		s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, methodSend, data)
		if err != nil {
			return err
		}
		defer s.Close()
		if rng.IntN(4) == 0 {
			return nil // given up
		}
		if _, err := s.ReadReply(); err != nil {
			return fmt.Errorf("header: %w", err)
		}
		if n, err := io.ReadFull(s, make([]byte, 2*len(data))); err != nil {
			return fmt.Errorf("body of 2*%d, %d read: %w", len(data), n, err)
		}
		if _, err := s.ReadReply(); err != nil {
			return fmt.Errorf("trailer: %w", err)
		}
	}
	return nil
}

// TestCloseWriteAfterTheServerIsDone: a server that has counted all bytes does
// not wait for their end, and the caller must not take that for a failure.
func TestCloseWriteAfterTheServerIsDone(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "datanode")
	server.Handle(quicwire.ServiceBlock, []string{"client"}, quicwire.Handler{
		Calls: map[uint32]quicwire.CallFunc{
			1: func(context.Context, quicwire.Peer, []byte) ([]byte, error) { return nil, nil },
		},
		Streams: map[uint32]quicwire.StreamFunc{
			1: func(_ context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error {
				if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
					return err
				}
				return s.Reply([]byte("stored"))
			},
			2: func(context.Context, quicwire.Peer, []byte, *quicwire.Stream) error { return errors.New("no room") },
		},
	})
	c.Start(server)
	client, to, ctx := c.Open(2, "client"), wiretest.Target(server, 1), testContext(t)
	for _, tt := range []struct {
		method uint32
		want   string
	}{{1, "stored"}, {2, "no room"}} {
		s, err := client.OpenStream(ctx, to, quicwire.ServiceBlock, tt.method, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Write([]byte("bytes"))
		if err != nil && tt.method == 1 {
			t.Fatal(err)
		}
		reply, err := s.ReadReply()
		if got := string(reply) + fmt.Sprint(err); !strings.Contains(got, tt.want) {
			t.Errorf("method %d: %q, %v, want %s", tt.method, reply, err, tt.want)
		}
		// What the server sent with its reply is here when this is answered.
		if _, err := client.Call(ctx, to, quicwire.ServiceBlock, 1, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.CloseWrite(); err != nil {
			t.Errorf("method %d: CloseWrite: %v", tt.method, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
