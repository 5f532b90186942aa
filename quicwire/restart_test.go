package quicwire_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// process is a server that can be killed and started again on its port.
type process struct {
	c      *wiretest.Cluster
	t      *testing.T
	cfg    quicwire.Config
	e      *quicwire.Endpoint
	socket net.PacketConn
	calls  atomic.Int64
}

// start binds the port and serves.
func (p *process) start(addr string) string {
	p.t.Helper()
	p.socket = wiretest.Socket(p.t, addr)
	cfg := p.cfg
	cfg.Listen, cfg.Conn = "", p.socket
	e, err := quicwire.Open(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	h := echoHandler()
	h.Calls[methodEcho] = func(_ context.Context, _ quicwire.Peer, req []byte) ([]byte, error) {
		p.calls.Add(1)
		return req, nil
	}
	e.Handle(quicwire.ServiceMeta, []string{"client"}, h)
	p.c.Start(e)
	p.e = e
	return p.socket.LocalAddr().String()
}

// kill ends the server without a word to its peers.
func (p *process) kill() { wiretest.Crash(p.e, p.socket) }

// newProcess returns a server that is running, and a client whose own timeouts
// are far away: only a stateless reset can end its connections soon.
func newProcess(t *testing.T, keepAlive time.Duration) (*process, *quicwire.Endpoint, quicwire.Target) {
	c := wiretest.NewCluster(t)
	p := &process{c: c, t: t, cfg: c.Config(1, "nameserver")}
	p.cfg.IdleTimeout, p.cfg.KeepAlive = time.Minute, keepAlive
	addr := p.start("127.0.0.1:0")
	t.Cleanup(func() { p.kill() })
	cfg := c.Config(2, "client")
	cfg.IdleTimeout, cfg.KeepAlive = time.Minute, keepAlive
	return p, c.OpenConfig(cfg), quicwire.Target{Addr: addr, Node: 1}
}

// waitFor polls for something that other goroutines bring about.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := testContext(t); !ok(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestRestartNoticedAtOnce(t *testing.T) {
	p, client, to := newProcess(t, 30*time.Second)
	ctx := testContext(t)
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.start(to.Addr)
	before := time.Now()
	// The request may have reached the old process, for all the client knows.
	_, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "call into a restart", err, quicwire.CodeTimeout)
	if d := time.Since(before); d > 3*time.Second {
		t.Errorf("noticed after %v", d)
	}
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if n := p.calls.Load(); n != 2 {
		t.Errorf("%d requests were executed, want 2", n)
	}
}

func TestRestartIdempotent(t *testing.T) {
	p, client, to := newProcess(t, 30*time.Second)
	ctx := testContext(t)
	for range 3 {
		resp, err := client.CallIdempotent(ctx, to, quicwire.ServiceMeta, methodEcho, []byte("x"))
		if err != nil || string(resp) != "x" {
			t.Fatalf("CallIdempotent = %q, %v", resp, err)
		}
		p.kill()
		p.start(to.Addr)
	}
}

// Who tries again at once, after a stream has failed with its connection, gets
// another connection, although this one's end may not have come through yet.
func TestLostConnectionIsNotUsedAgain(t *testing.T) {
	p, client, to := newProcess(t, 30*time.Second)
	ctx := testContext(t)
	ends := []error{
		&quic.StatelessResetError{}, &quic.IdleTimeoutError{},
		&quic.ApplicationError{Remote: true, ErrorCode: 0x10e, ErrorMessage: "the certificate of the connection has expired"},
		&quic.ApplicationError{}, &quic.TransportError{ErrorCode: quic.InternalError},
	}
	for _, end := range ends {
		if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
			t.Fatal(err)
		}
		_, before := client.Dialed()
		client.Lose(end)
		s, err := client.OpenRaw(ctx, to, quicwire.ServiceMeta)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		if _, after := client.Dialed(); after != before+1 {
			t.Errorf("%v: %d connections after %d, want one more", end, after, before)
		}
	}
	_, before := client.Dialed()
	client.Lose(&quic.StreamError{Remote: true, ErrorCode: 0x10e}) // of one stream only
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Fatal(err)
	}
	if _, after := client.Dialed(); after != before {
		t.Errorf("%d connections after a stream's end, want the %d before", after, before)
	}
	if n := int(p.calls.Load()); n != len(ends)+1 {
		t.Errorf("%d requests were executed, want %d", n, len(ends)+1)
	}
}

// The probes of an idle connection find the restart; then calls just work.
func TestRestartFoundByKeepAlive(t *testing.T) {
	p, client, to := newProcess(t, 100*time.Millisecond)
	ctx := testContext(t)
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.start(to.Addr)
	waitFor(t, "the end of the old connection", func() bool { n, _ := client.Dialed(); return n == 0 })
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("call: %v", err)
	}
	s, err := client.OpenRaw(ctx, to, quicwire.ServiceMeta)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}

func TestRestartEndsStreams(t *testing.T) {
	p, client, to := newProcess(t, 100*time.Millisecond)
	s, err := client.OpenRaw(testContext(t), to, quicwire.ServiceMeta)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.start(to.Addr)
	_, err = s.Read(make([]byte, 1))
	wantCode(t, "read from a restarted peer", err, quicwire.CodeUnavailable)
	_ = s.Close()
}

// A server that is shut down says so.
func TestCloseTellsPeers(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	running := make(chan struct{}, 1)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) {
			running <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}})
	c.Start(server)
	client := c.Open(2, "client")
	go func() {
		<-running
		_ = server.Close()
	}()
	before := time.Now()
	_, err := client.Call(testContext(t), wiretest.Target(server, 1), quicwire.ServiceMeta, 1, nil)
	var e *quicwire.Error
	if !errors.As(err, &e) || (e.Code != quicwire.CodeTimeout && e.Code != quicwire.CodeCanceled) {
		t.Errorf("call into a shutdown: %v", err)
	}
	if d := time.Since(before); d > time.Second {
		t.Errorf("noticed after %v", d)
	}
	_ = client.Close()
	_, err = client.Call(testContext(t), wiretest.Target(server, 1), quicwire.ServiceMeta, 1, nil)
	wantCode(t, "call of a closed endpoint", err, quicwire.CodeUnavailable)
	if err := client.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := client.Start(); err == nil {
		t.Error("Start after Close succeeds")
	}
}

// A peer whose machine is gone is noticed within IdleTimeout, with the
// production settings, in simulated time.
func TestDeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net1, net2 := &net.UDPAddr{IP: net.IP{1, 0, 0, 1}, Port: 7800}, &net.UDPAddr{IP: net.IP{1, 0, 0, 2}, Port: 7800}
		router := &cutRouter{}
		sim := &simnet.Simnet{Router: router}
		link := simnet.NodeBiDiLinkSettings{Latency: 5 * time.Millisecond}
		sockets := []net.PacketConn{sim.NewEndpoint(net1, link), sim.NewEndpoint(net2, link)}
		if err := sim.Start(); err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		c := wiretest.NewCluster(t)
		var ends []*quicwire.Endpoint
		for i, role := range []string{"nameserver", "client"} {
			creds := c.Credentials(uint64(i+1), role)
			e, err := quicwire.Open(quicwire.Config{
				Conn: sockets[i], Credentials: func() *quicwire.Credentials { return creds }, ResetKey: [32]byte{1},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			ends = append(ends, e)
		}
		handlerEnded := make(chan time.Time, 1)
		h := echoHandler()
		h.Calls[methodHang] = func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) {
			router.cut.Store(true)
			<-ctx.Done()
			handlerEnded <- time.Now()
			return nil, ctx.Err()
		}
		ends[0].Handle(quicwire.ServiceMeta, []string{"client"}, h)
		c.Start(ends[0])
		to := quicwire.Target{Addr: net1.String(), Node: 1}
		// An idle hour changes nothing: the connection is kept alive.
		for range 2 {
			if _, err := ends[1].Call(t.Context(), to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
		}
		began := time.Now()
		_, err := ends[1].Call(t.Context(), to, quicwire.ServiceMeta, methodHang, nil)
		wantCode(t, "call of a peer that died", err, quicwire.CodeTimeout)
		if d := time.Since(began); d > 8500*time.Millisecond {
			t.Errorf("caller noticed after %v, want 8 s", d)
		}
		if d := (<-handlerEnded).Sub(began); d > 8500*time.Millisecond {
			t.Errorf("handler's context ended after %v, want 8 s", d)
		}
		began = time.Now()
		_, err = ends[1].Call(t.Context(), to, quicwire.ServiceMeta, methodEcho, nil)
		wantCode(t, "dialing a dead peer", err, quicwire.CodeUnavailable)
		if d := time.Since(began); d > 6500*time.Millisecond {
			t.Errorf("dialing took %v, want at most 6 s", d)
		}
		router.cut.Store(false)
		if _, err := ends[1].Call(t.Context(), to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
			t.Errorf("after it came back: %v", err)
		}
	})
}

// cutRouter drops all packets while cut is set.
type cutRouter struct {
	simnet.PerfectRouter
	cut atomic.Bool
}

func (r *cutRouter) SendPacket(p simnet.Packet) error {
	if r.cut.Load() {
		return nil
	}
	return r.PerfectRouter.SendPacket(p)
}
