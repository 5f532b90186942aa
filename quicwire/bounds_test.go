package quicwire_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// boundedServer starts a server with small limits.
func boundedServer(c *wiretest.Cluster, change func(*quicwire.Config)) quicwire.Target {
	cfg := c.Config(1, "nameserver", "datanode")
	change(&cfg)
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	server.Handle(quicwire.ServiceBlock, []string{"client"}, echoHandler())
	server.Handle(quicwire.ServiceJoin, nil, echoHandler())
	c.Start(server)
	return wiretest.Target(server, 1)
}

func TestConnsPerPeer(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.MaxConnsPerPeer = 2 })
	ctx := testContext(t)
	var last *quicwire.Endpoint
	for i := range 3 { // three processes with one identity
		last = c.Open(2, "client")
		_, err := last.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
		if i < 2 && err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			wantCode(t, "third connection of a node", err, quicwire.CodeBusy)
		}
	}
	if _, err := c.Open(3, "client").Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("another node: %v", err)
	}
}

func TestConnsTotal(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.MaxConns = 2 })
	ctx := testContext(t)
	clients := []*quicwire.Endpoint{c.Open(2, "client"), c.Open(3, "client"), c.Open(4, "client")}
	for i, client := range clients {
		_, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
		if i < 2 && err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			wantCode(t, "third connection", err, quicwire.CodeBusy)
		}
	}
	_ = clients[0].Close()
	waitFor(t, "room", func() bool {
		_, err := clients[2].Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil)
		return err == nil
	})
}

func TestStreamsPerPeer(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.MaxStreamsPerPeer = 3 })
	client, ctx := c.Open(2, "client"), testContext(t)
	var open []*quicwire.Stream
	for range 3 {
		s, err := client.OpenRaw(ctx, to, quicwire.ServiceMeta)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	// The limit counts over all of a node's connections.
	_, err := client.Call(ctx, to, quicwire.ServiceBlock, methodEcho, nil)
	wantCode(t, "fourth stream", err, quicwire.CodeBusy)
	_ = open[0].Close()
	waitFor(t, "room for a stream", func() bool {
		_, err := client.Call(ctx, to, quicwire.ServiceBlock, methodEcho, nil)
		return err == nil
	})
}

// QUIC itself bounds the streams of a connection: the caller waits for one
// that another call is done with.
func TestStreamsPerConn(t *testing.T) {
	const limit = 4
	c := wiretest.NewCluster(t)
	cfg := c.Config(1, "nameserver")
	cfg.MaxStreams = limit
	server := c.OpenConfig(cfg)
	running := make(chan struct{}, limit)
	h := echoHandler()
	h.Calls[methodHang] = func(ctx context.Context, _ quicwire.Peer, _ []byte) ([]byte, error) {
		running <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	server.Handle(quicwire.ServiceMeta, []string{"client"}, h)
	c.Start(server)
	client, to := c.Open(2, "client"), wiretest.Target(server, 1)
	var wg sync.WaitGroup
	many := func() {
		for range 10 * limit {
			wg.Go(func() {
				if _, err := client.Call(testContext(t), to, quicwire.ServiceMeta, methodEcho, make([]byte, 100_000)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	many()
	held, cancel := context.WithCancel(testContext(t))
	for range limit {
		wg.Go(func() { _, _ = client.Call(held, to, quicwire.ServiceMeta, methodHang, nil) })
	}
	for range limit {
		<-running
	}
	short, done := context.WithTimeout(testContext(t), 100*time.Millisecond)
	defer done()
	_, err := client.Call(short, to, quicwire.ServiceMeta, methodEcho, nil)
	wantCode(t, "call that gets no stream", err, quicwire.CodeTimeout)
	cancel()
	wg.Wait()
	many()
	// Streams that are kept for calls make room for others.
	for range limit {
		s, err := client.OpenRaw(testContext(t), to, quicwire.ServiceMeta)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
}

func TestJoinBounds(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.MaxJoins = 1 })
	ctx := testContext(t)
	to.Node, to.Pin = 0, quicwire.Hash(c.CA.Cert)
	first, second := c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"}), c.OpenConfig(quicwire.Config{Listen: "127.0.0.1:0"})
	var streams []*quicwire.Stream
	for range 4 {
		s, err := first.OpenRaw(ctx, to, quicwire.ServiceJoin)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	_, err := first.Call(ctx, to, quicwire.ServiceJoin, methodEcho, nil)
	wantCode(t, "fifth stream of a stranger", err, quicwire.CodeBusy)
	_, err = second.Call(ctx, to, quicwire.ServiceJoin, methodEcho, nil)
	wantCode(t, "second stranger", err, quicwire.CodeBusy)
	for _, s := range streams {
		_ = s.Close()
	}
	// Strangers do not use up what members have.
	to.Pin = [32]byte{}
	if _, err := c.Open(2, "client").Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Errorf("a member: %v", err)
	}
}

// Over the rate, addresses must be proved first; honest peers still get in.
func TestHandshakeRate(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.HandshakeRate = 1 })
	for i := range 4 {
		if _, err := c.Open(uint64(2+i), "client").Call(testContext(t), to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
			t.Errorf("peer %d: %v", i, err)
		}
	}
}

// A spoofed address must not make the server send more than it received:
// RFC 9000, 8.1: "prior to validating the client address, servers MUST NOT send
// more than three times as many bytes as the number of bytes they have received".
func TestNoAmplification(t *testing.T) {
	c := wiretest.NewCluster(t)
	to := boundedServer(c, func(cfg *quicwire.Config) { cfg.HandshakeTimeout = 200 * time.Millisecond })
	tap, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	server, err := net.ResolveUDPAddr("udp", to.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// The first flight of a client that then falls silent.
	client := c.Open(2, "client")
	ctx, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
	defer cancel()
	go func() {
		_, _ = client.Call(ctx, quicwire.Target{Addr: tap.LocalAddr().String()}, quicwire.ServiceMeta, methodEcho, nil)
	}()
	sent, got := 0, 0
	b := make([]byte, 65536)
	_ = tap.SetReadDeadline(time.Now().Add(time.Second))
	for {
		n, from, err := tap.ReadFrom(b)
		if err != nil {
			break
		}
		if from.String() == to.Addr {
			got += n
			continue
		}
		if _, err := tap.WriteTo(b[:n], server); err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	if sent == 0 || got == 0 || got > 3*sent {
		t.Errorf("%d bytes in, %d bytes out, want at most three times as many", sent, got)
	}
}

func TestDialOnce(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	client, ctx := c.Open(2, "client"), testContext(t)
	var wg sync.WaitGroup
	for i := range 64 {
		to := wiretest.Target(server, uint64(i%2)) // node 1, or any
		wg.Go(func() {
			if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if dialed, _ := client.Dialed(); dialed != 1 {
		t.Errorf("%d connections kept, want 1", dialed)
	}
	to := wiretest.Target(server, 1)
	to.Lane = 3
	if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, nil); err != nil {
		t.Error(err)
	}
	if dialed, _ := client.Dialed(); dialed != 2 {
		t.Errorf("%d connections kept with a second lane, want 2", dialed)
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]quicwire.Config{
		"neither": {}, "both": {Listen: "127.0.0.1:0", Conn: wiretest.Socket(t, "127.0.0.1:0")},
		"nonsense": {Listen: "nonsense"}, "elsewhere": {Listen: "192.0.2.1:0"},
	} {
		if e, err := quicwire.Open(cfg); err == nil {
			t.Errorf("%s: opened", name)
			_ = e.Close()
		}
		if cfg.Conn != nil {
			_ = cfg.Conn.Close()
		}
	}
	c := wiretest.NewCluster(t)
	e := c.Open(1, "nameserver")
	e.Handle(quicwire.ServiceMeta, nil, quicwire.Handler{})
	defer func() {
		if recover() == nil {
			t.Error("a second Handle is accepted")
		}
	}()
	e.Handle(quicwire.ServiceMeta, nil, quicwire.Handler{})
}

// One service with every way to receive.
func TestSockets(t *testing.T) {
	for name, change := range map[string]func(*quicwire.Config){
		"ipv4":          func(*quicwire.Config) {},
		"ipv4 no GRO":   func(cfg *quicwire.Config) { cfg.DisableGRO = true },
		"ipv6":          func(cfg *quicwire.Config) { cfg.Listen = "[::1]:0" },
		"ipv6 no GRO":   func(cfg *quicwire.Config) { cfg.Listen = "[::1]:0"; cfg.DisableGRO = true },
		"all addresses": func(cfg *quicwire.Config) { cfg.Listen = ":0" },
	} {
		t.Run(name, func(t *testing.T) {
			c := wiretest.NewCluster(t)
			cfg, ccfg := c.Config(1, "nameserver"), c.Config(2, "client")
			change(&cfg)
			change(&ccfg)
			if probe, err := net.ListenPacket("udp", cfg.Listen); err != nil {
				t.Skip(err)
			} else {
				_ = probe.Close()
			}
			server := c.OpenConfig(cfg)
			server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
			c.Start(server)
			addrs := []string{server.Addr().String()}
			if port, ok := strings.CutPrefix(addrs[0], "[::]"); ok {
				addrs = []string{"127.0.0.1" + port, "localhost" + port, "[::1]" + port}
			}
			client := c.OpenConfig(ccfg)
			for _, addr := range addrs {
				resp, err := client.Call(testContext(t), quicwire.Target{Addr: addr, Node: 1}, quicwire.ServiceMeta, methodEcho, make([]byte, 500_000))
				if err != nil || len(resp) != 500_000 {
					t.Errorf("%s: %d bytes, %v", addr, len(resp), err)
				}
			}
		})
	}
}

// A refused peer is one line in the log, and not thousands.
func TestRefusalsAreLogged(t *testing.T) {
	c, evil := wiretest.NewCluster(t), wiretest.NewCluster(t)
	var mu sync.Mutex
	var text bytes.Buffer
	to := boundedServer(c, func(cfg *quicwire.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return text.Write(p)
		}), nil))
	})
	for range 12 {
		_, err := evil.Open(2, "client").Call(testContext(t), quicwire.Target{Addr: to.Addr, Pin: quicwire.Hash(c.CA.Cert)}, quicwire.ServiceJoin, 99, nil)
		wantCode(t, "stranger", err, quicwire.CodeUnsupported)
		cfg := evil.Config(2, "client")
		mixed := *cfg.Credentials()
		good := *c.Credentials(2, "client")
		good.Cert, good.Key = mixed.Cert, mixed.Key
		cfg.Credentials = func() *quicwire.Credentials { return &good }
		_, err = evil.OpenConfig(cfg).Call(testContext(t), to, quicwire.ServiceMeta, methodEcho, nil)
		wantCode(t, "forger", err, quicwire.CodeDenied)
	}
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(text.String(), "peer refused"); n == 0 || n > 11 {
		t.Errorf("%d lines for 12 refusals:\n%s", n, &text)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
