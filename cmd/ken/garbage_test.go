package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// TestGarbage sends random bytes and broken QUIC and HTTP to every port of a
// cluster, from one client and within bounds: no process ends, and the drive
// works while it goes on and afterwards.
func TestGarbage(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 2, "")
	d := newDrive(c.url())
	files := putFiles(t, d, "a", 1000, 3<<20)
	rng := rand.New(rand.NewPCG(4, 4))
	packets, requests := 0, 0
	for _, addr := range c.quic {
		packets += throwPackets(t, addr, rng)
		halfOpenQUIC(t, addr)
	}
	for range 60 {
		throwHTTP(t, c.webdav, rng)
		requests++
	}
	wantFiles(t, d, files)
	putFiles(t, d, "b", 1000, 3<<20)
	for i, p := range c.nodes {
		select {
		case <-p.done:
			t.Errorf("node %d has ended: %v", i, p.cmd.ProcessState)
		default:
		}
		if log := p.stderr(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
			t.Errorf("node %d has panicked:\n%s", i, log)
		}
	}
	c.awaitAllUp(20 * time.Second)
	t.Logf("%d packets and %d requests of garbage", packets, requests)
}

// throwPackets sends random packets, and long headers of QUIC with random bodies.
func throwPackets(t *testing.T, addr string, rng *rand.Rand) (sent int) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 2000 {
		b := make([]byte, 1+rng.IntN(1400))
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		if i%2 == 0 && len(b) > 20 { // RFC 9000 §17.2: long header, version 1, connection ids of 8 bytes
			copy(b, []byte{0xc0 | b[0]&0x3f, 0, 0, 0, 1, 8})
			b[14] = 8
		}
		if _, err := conn.Write(b); err == nil { // refused: the port's buffer is full
			sent++
		}
	}
	return sent
}

// halfOpenQUIC begins connections and leaves them: without a certificate, for
// a service that is not there, and in the middle of the handshake.
func halfOpenQUIC(t *testing.T, addr string) {
	t.Helper()
	for _, proto := range []string{"ken-meta/1", "ken-block/1", "ken-raft/1", "ken-join/1", "h3", "x"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}}, nil)
		if err == nil {
			if s, err := conn.OpenStreamSync(ctx); err == nil {
				_, _ = s.Write([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}) // a frame of 4 GiB begins
				_ = s.SetReadDeadline(time.Now().Add(time.Second))
				_, _ = s.Read(make([]byte, 10)) // an error in words, or none
			}
			_ = conn.CloseWithError(99, "gone") // as a client that goes away
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if conn, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"ken-meta/1"}}, nil); err == nil {
		_ = conn.CloseWithError(0, "") // never mind
	}
}

// throwHTTP sends one broken request and reads what comes.
func throwHTTP(t *testing.T, addr string, rng *rand.Rand) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("the gateway takes no connections: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(300 * time.Millisecond))
	random := make([]byte, rng.IntN(4000))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	broken := []string{
		string(random),
		"GET / HTTP/1.1\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n<<<<<<<<<<",
		"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + strings.Repeat("A", 70000) + "\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(random),
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(random), // TLS to a port without
	}
	if _, err := conn.Write([]byte(broken[rng.IntN(len(broken))])); err != nil {
		return // it was refused in the middle
	}
	answer := make([]byte, 1024)
	n, err := conn.Read(answer)
	if err == nil && bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 2")) {
		t.Errorf("garbage was answered with %q", answer[:n])
	}
}

// TestStrangersAreRefused: a certificate of another cluster opens nothing, and
// a storage server's reads no names.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, t.TempDir(), 1, "")
	newDrive(c.url()).must(t, "PUT", "/secret", []byte("x"), http.StatusCreated)
	for _, args := range [][]string{{"fs", "ls", "/"}, {"fs", "cat", "/secret"}, {"user", "list"}, {"token", "list"}, {"fs", "rm", "/secret"}} {
		_, stderr, code := ken(t, append(args, "--dir", c.node(1))...)
		if code != 5 {
			t.Errorf("ken %v with a storage server's certificate: got exit code %d, %q, want 5", args, code, stderr)
		}
	}

	stranger := newNameserver(t, t.TempDir(), "")
	stranger.nodes[0].kill()
	// The stranger's identity with the way to this cluster's nameserver.
	path := filepath.Join(stranger.node(0), "ken.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b, []byte(stranger.quic[0]), []byte(c.quic[0]))
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(stranger.node(0), "run.json")); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := ken(t, "fs", "ls", "/", "--dir", stranger.node(0)); code == 0 || strings.Contains(out, "secret") {
		t.Errorf("with a certificate of another cluster: got exit code %d, %q, %q", code, out, stderr)
	}
	// And the other way round it is the stranger who does not trust the nameserver:
	// with this cluster's authority in its folder it is still refused by its certificate.
	ca, err := os.ReadFile(filepath.Join(c.node(0), "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stranger.node(0), "ca.pem"), ca, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := ken(t, "fs", "ls", "/", "--dir", stranger.node(0)); code == 0 || strings.Contains(out, "secret") {
		t.Errorf("with a forged folder: got exit code %d, %q, %q", code, out, stderr)
	}
	if _, _, code := ken(t, "fs", "ls", "/", "--dir", c.node(0)); code != 0 {
		t.Errorf("the owner is refused too: exit code %d", code)
	}
}
