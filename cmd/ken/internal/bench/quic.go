package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/quic-go/quic-go"
)

// besideQUIC measures separate processes (nameserver, four storage servers,
// gateway) beside a raw QUIC stream between two sockets of this process.
func besideQUIC(ctx context.Context, o options, dir string) error {
	s, err := startCluster(ctx, o.ken, filepath.Join(dir, "cluster"))
	if err != nil {
		return err
	}
	defer s.stop()
	raw := 0.0
	best := map[string]float64{}
	var order []string
	for range o.rounds {
		r, err := rawStream(ctx, o.large)
		if err != nil {
			return err
		}
		raw = max(raw, r)
		err = measure(ctx, s, o, func(f figure) {
			if _, seen := best[f.name]; !seen {
				order = append(order, f.name)
			}
			best[f.name] = max(best[f.name], f.rate)
		})
		if err != nil {
			return err
		}
	}
	fmt.Printf("\nseparate processes over QUIC; one raw stream of quic-go reaches %.0f MB/s here\n", raw)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tken\tof raw\ttarget\t")
	for _, name := range order {
		of, want := "", ""
		switch {
		case strings.HasPrefix(name, "put-large"):
			of, want = ratio(best[name], raw), goal(0.5, best[name], raw)
		case strings.HasPrefix(name, "get-large"):
			of, want = ratio(best[name], raw), goal(0.8, best[name], raw)
		case strings.HasPrefix(name, "put-small"):
			want = goal(1500, best[name], 1)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%s\t%s\t\n", name, best[name], of, want)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("peak memory, nameserver, storage servers, gateway: %s\n", s.memory())
	return nil
}

// startCluster makes a cluster of separate processes with certificates.
func startCluster(ctx context.Context, ken, dir string) (*server, error) {
	s := &server{name: "cluster", user: "admin", password: password}
	web, err := freeAddr("tcp")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + web + "/"
	for i, role := range []string{"nameserver", "datanode", "datanode", "datanode", "datanode", "webdav"} {
		addr, err := freeAddr("udp")
		if err != nil {
			return nil, err
		}
		node := filepath.Join(dir, fmt.Sprint("n", i))
		args := []string{"--dir", node, "--roles", role, "--listen", addr, "--webdav", web, "--name", fmt.Sprint("n", i)}
		if i == 0 {
			args = append([]string{"init"}, args...)
		} else {
			token, err := output(ken, "token", "create", "--dir", filepath.Join(dir, "n0"), "--roles", role)
			if err != nil {
				return nil, errors.Join(err, stopped(s))
			}
			args = append(append([]string{"join"}, args...), strings.TrimSpace(token))
		}
		if _, err := output(ken, args...); err != nil {
			return nil, errors.Join(err, stopped(s))
		}
		c, _, err := spawn(ctx, ken, "run", "--dir", node)
		if err != nil {
			return nil, errors.Join(err, stopped(s))
		}
		s.procs = append(s.procs, c)
	}
	return s, nil
}

func stopped(s *server) error {
	s.stop()
	return nil
}

func output(ken string, args ...string) (string, error) {
	c := exec.Command(ken, args...)
	c.Env = append(os.Environ(), "KEN_ADMIN_PASSWORD="+password)
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("ken %v: %w: %s", args, err, out)
	}
	return string(out), err
}

// rawStream returns the MB/s of one QUIC stream on loopback, with quic-go's
// own settings and nothing of this project.
func rawStream(ctx context.Context, n int64) (float64, error) {
	conf, err := rawTLS()
	if err != nil {
		return 0, err
	}
	l, err := quic.ListenAddr("127.0.0.1:0", conf, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }() // the measurement is over
	received := make(chan error, 1)
	go func() { // ends with the stream
		received <- func() error {
			c, err := l.Accept(ctx)
			if err != nil {
				return err
			}
			s, err := c.AcceptStream(ctx)
			if err != nil {
				return err
			}
			got, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, make([]byte, 1<<20))
			if err == nil && got != n {
				err = fmt.Errorf("raw stream: %d of %d bytes", got, n)
			}
			return err
		}()
	}()
	c, err := quic.DialAddr(ctx, l.Addr().(*net.UDPAddr).String(), &tls.Config{InsecureSkipVerify: true, NextProtos: conf.NextProtos}, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.CloseWithError(0, "") }() // as above
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 1<<20)
	began := time.Now()
	for left := n; left > 0; left -= int64(len(buf)) {
		if _, err := s.Write(buf[:min(int64(len(buf)), left)]); err != nil {
			return 0, err
		}
	}
	if err := s.Close(); err != nil {
		return 0, err
	}
	if err := <-received; err != nil {
		return 0, err
	}
	return float64(n) / time.Since(began).Seconds() / 1e6, nil
}

func rawTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, NextProtos: []string{"raw"},
	}, nil
}
