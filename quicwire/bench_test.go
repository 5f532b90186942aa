//go:build unix

package quicwire_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// cpu returns the processor time of this process. On a machine with other work
// it says more than the clock.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails for a wrong argument only
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// reportCPU reports the processor time per unit since a moment.
func reportCPU(b *testing.B, since time.Duration, units int64, name string) {
	b.ReportMetric(float64((cpu()-since).Microseconds())/float64(units), name)
}

// BenchmarkCall is a call of 100 bytes and its echo, both ends in this process.
func BenchmarkCall(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			_, client, to := pair(b)
			req := make([]byte, 100)
			call := func() error {
				_, err := client.Call(b.Context(), to, quicwire.ServiceMeta, methodEcho, req)
				return err
			}
			if err := call(); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			done := make(chan error, clients)
			b.ReportAllocs()
			b.ResetTimer()
			began := cpu()
			for range clients {
				go func() {
					var err error
					for err == nil && left.Add(-1) >= 0 {
						err = call()
					}
					done <- err
				}()
			}
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			reportCPU(b, began, int64(b.N), "cpu-µs/call")
		})
	}
}

// The unit of the transfers below.
const (
	pieceBytes    = 512 << 10
	transferBytes = 64 << 20
)

// BenchmarkBulk is an upload on one stream, next to quic-go without quicwire.
func BenchmarkBulk(b *testing.B) {
	for _, gro := range []bool{true, false} {
		b.Run(fmt.Sprintf("quicwire/gro=%v", gro), func(b *testing.B) { benchmarkBulk(b, gro) })
	}
	b.Run("quic-go", benchmarkRawQUIC)
}

// sink counts what arrives, in pieces as a storage server would.
func sink(r io.Reader) error {
	buf := make([]byte, pieceBytes)
	for {
		if _, err := r.Read(buf); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func benchmarkBulk(b *testing.B, gro bool) {
	c := wiretest.NewCluster(b)
	cfg := c.Config(1, "datanode")
	cfg.DisableGRO = !gro
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceBlock, []string{"client"}, quicwire.Handler{Streams: map[uint32]quicwire.StreamFunc{
		1: func(_ context.Context, _ quicwire.Peer, _ []byte, s *quicwire.Stream) error { return sink(s) },
	}})
	c.Start(server)
	ccfg := c.Config(2, "client")
	ccfg.DisableGRO = !gro
	client, to := c.OpenConfig(ccfg), wiretest.Target(server, 1)
	piece := make([]byte, pieceBytes)
	b.SetBytes(transferBytes)
	began := cpu()
	defer func() { reportCPU(b, began, int64(b.N)*transferBytes>>20, "cpu-µs/MiB") }()
	for b.Loop() {
		s, err := client.OpenStream(b.Context(), to, quicwire.ServiceBlock, 1, nil)
		if err != nil {
			b.Fatal(err)
		}
		for range transferBytes / pieceBytes {
			if _, err := s.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.CloseWrite(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.ReadReply(); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}

func benchmarkRawQUIC(b *testing.B) {
	creds := wiretest.NewCluster(b).Credentials(1, "datanode")
	own := []tls.Certificate{{Certificate: [][]byte{creds.Cert.Raw}, PrivateKey: creds.Key}}
	conf := &quic.Config{MaxStreamReceiveWindow: 8 << 20, MaxConnectionReceiveWindow: 16 << 20}
	l, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{NextProtos: []string{"x"}, Certificates: own}, conf)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept(context.Background())
		for err == nil {
			var s *quic.Stream
			if s, err = c.AcceptStream(context.Background()); err == nil {
				_ = sink(s)
				_ = s.Close()
			}
		}
	}()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	c, err := quic.Dial(b.Context(), u, l.Addr(), &tls.Config{NextProtos: []string{"x"}, InsecureSkipVerify: true}, conf)
	if err != nil {
		b.Fatal(err)
	}
	piece := make([]byte, pieceBytes)
	b.SetBytes(transferBytes)
	began := cpu()
	defer func() { reportCPU(b, began, int64(b.N)*transferBytes>>20, "cpu-µs/MiB") }()
	for b.Loop() {
		s, err := c.OpenStreamSync(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for range transferBytes / pieceBytes {
			if _, err := s.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		_ = s.Close()
		if _, err := s.Read(piece); err != io.EOF {
			b.Fatal(err)
		}
	}
}
