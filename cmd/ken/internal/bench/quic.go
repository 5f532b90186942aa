package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/quic-go/quic-go"
)

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
	c, err := quic.DialAddr(ctx, l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: conf.NextProtos}, nil)
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
