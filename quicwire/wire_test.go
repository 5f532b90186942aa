package quicwire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"kendfs/quicwire"
	"kendfs/quicwire/wirepb"
	"kendfs/quicwire/wiretest"
)

// rawDial connects to an endpoint with plain quic-go and a good certificate,
// to send what no endpoint sends.
func rawDial(t *testing.T, creds *quicwire.Credentials, addr string, protos ...string) (*quic.Conn, error) {
	t.Helper()
	cfg := &tls.Config{NextProtos: protos, InsecureSkipVerify: true}
	if creds != nil {
		cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{creds.Cert.Raw}, PrivateKey: creds.Key}}
	}
	c, err := quic.DialAddr(testContext(t), addr, cfg, nil)
	if err == nil {
		t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	}
	return c, err
}

// frame returns a length and a body.
func frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// envelope returns a frame.
func envelope(t *testing.T, env *wirepb.Envelope) []byte {
	t.Helper()
	b, err := proto.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	return frame(b)
}

// readEnvelope reads one frame.
func readEnvelope(r io.Reader) (*wirepb.Envelope, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > 2<<20 {
		return nil, errors.New("frame too large")
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	env := &wirepb.Envelope{}
	return env, proto.Unmarshal(b, env)
}

func TestBadFrames(t *testing.T) {
	c := wiretest.NewCluster(t)
	cfg := c.Config(1, "nameserver")
	cfg.FrameTimeout = 300 * time.Millisecond
	server := c.OpenConfig(cfg)
	server.Handle(quicwire.ServiceMeta, []string{"client"}, quicwire.Handler{Calls: echoHandler().Calls})
	c.Start(server)
	qc, err := rawDial(t, c.Credentials(2, "client"), server.Addr().String(), string(quicwire.ServiceMeta))
	if err != nil {
		t.Fatal(err)
	}
	good := envelope(t, &wirepb.Envelope{Version: 1, Kind: 1, Method: methodEcho, Request: 1})
	for _, tt := range []struct {
		name   string
		in     []byte
		status uint32 // of the last reply; 0: the stream is reset
		reset  uint64
	}{
		{"version 2", envelope(t, &wirepb.Envelope{Version: 2, Kind: 1, Method: methodEcho}), quicwire.CodeUnsupported + 1, 0},
		{"no version", frame(nil), quicwire.CodeUnsupported + 1, 0},
		{"kind 0", envelope(t, &wirepb.Envelope{Version: 1}), quicwire.CodeUnsupported + 1, 0},
		{"a reply", envelope(t, &wirepb.Envelope{Version: 1, Kind: 4}), quicwire.CodeUnsupported + 1, 0},
		{"raw where there is none", envelope(t, &wirepb.Envelope{Version: 1, Kind: 3}), quicwire.CodeUnsupported + 1, 0},
		{"bulk where there is none", envelope(t, &wirepb.Envelope{Version: 1, Kind: 2, Method: 1}), quicwire.CodeUnsupported + 1, 0},
		{"no protobuf", frame([]byte("hello world")), quicwire.CodeInvalid + 1, 0},
		{"too long", []byte{0xff, 0xff, 0xff, 0xff, 1}, quicwire.CodeTooLarge + 1, 0},
		{"half a length", []byte{0, 0}, 0, 0x100 + uint64(quicwire.CodeTimeout)},
		{"half a frame", good[:6], 0, 0x100 + uint64(quicwire.CodeTimeout)},
		{"bulk after a call", append(good[:len(good):len(good)], envelope(t, &wirepb.Envelope{Version: 1, Kind: 2})...), quicwire.CodeInvalid + 1, 0},
		{"half a second frame", append(good[:len(good):len(good)], good[:3]...), 0, 0x100 + uint64(quicwire.CodeTimeout)},
	} {
		qs, err := qc.OpenStreamSync(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := qs.Write(tt.in); err != nil {
			t.Fatal(err)
		}
		var last *wirepb.Envelope
		for err == nil {
			var env *wirepb.Envelope
			if env, err = readEnvelope(qs); err == nil {
				last = env
			}
		}
		var se *quic.StreamError
		switch {
		case tt.reset != 0:
			if !errors.As(err, &se) || uint64(se.ErrorCode) != tt.reset {
				t.Errorf("%s: %v, want reset %#x", tt.name, err, tt.reset)
			}
		case last == nil || last.Status != tt.status || last.Message == "" || last.Version != 1 || err != io.EOF:
			t.Errorf("%s: reply %v, then %v, want status %d", tt.name, last, err, tt.status)
		}
	}
}

// A peer that answers nonsense gets an error, not trust.
func TestBadReplies(t *testing.T) {
	c := wiretest.NewCluster(t)
	creds := c.Credentials(1, "nameserver")
	l, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{
		NextProtos:   []string{string(quicwire.ServiceMeta)},
		Certificates: []tls.Certificate{{Certificate: [][]byte{creds.Cert.Raw}, PrivateKey: creds.Key}},
		ClientAuth:   tls.RequireAnyClientCert,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answers := make(chan []byte, 1)
	go answerStreams(l, answers)
	client := c.Open(2, "client")
	to := quicwire.Target{Addr: l.Addr().String()}
	for _, tt := range []struct {
		name   string
		answer []byte
		code   uint32
	}{
		{"version 2", envelope(t, &wirepb.Envelope{Version: 2, Kind: 4, Request: 1}), quicwire.CodeUnsupported},
		{"a call", envelope(t, &wirepb.Envelope{Version: 1, Kind: 1, Request: 1}), quicwire.CodeInvalid},
		{"another request", envelope(t, &wirepb.Envelope{Version: 1, Kind: 4, Request: 9}), quicwire.CodeInvalid},
		{"too long", []byte{0xff, 0, 0, 0}, quicwire.CodeTooLarge},
		{"garbage", frame([]byte{0xff}), quicwire.CodeInvalid},
		{"the end", nil, quicwire.CodeTimeout},
		{"half", []byte{0, 0, 0, 9, 8}, quicwire.CodeTimeout},
		{"status 1001", envelope(t, &wirepb.Envelope{Version: 1, Kind: 4, Request: 1, Status: 1001}), 255},
	} {
		answers <- tt.answer
		_, err := client.Call(testContext(t), to, quicwire.ServiceMeta, 1, nil)
		wantCode(t, "call, "+tt.name, err, tt.code)
		answers <- tt.answer
		s, err := client.OpenStream(testContext(t), to, quicwire.ServiceMeta, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.ReadReply()
		wantCode(t, "stream, "+tt.name, err, tt.code)
		_ = s.Close()
	}
}

// answerStreams reads a frame of every stream and writes the next answer, and
// the end after it.
func answerStreams(l *quic.Listener, answers <-chan []byte) {
	for {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		for {
			s, err := c.AcceptStream(context.Background())
			if err != nil {
				break
			}
			go func() {
				for {
					if _, err := readEnvelope(s); err != nil {
						return
					}
					answer := <-answers
					_, _ = s.Write(answer)
					env, err := readEnvelope(bytes.NewReader(answer))
					if err != nil || env.Status == 0 {
						_ = s.Close()
						return
					}
				}
			}()
		}
	}
}

func TestHandshakes(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	server.Handle(quicwire.ServiceJoin, nil, echoHandler())
	c.Start(server)
	creds, addr := c.Credentials(2, "client"), server.Addr().String()
	meta, join := string(quicwire.ServiceMeta), string(quicwire.ServiceJoin)
	for _, tt := range []struct {
		name   string
		creds  *quicwire.Credentials
		protos []string
		ok     bool
	}{
		{"good", creds, []string{meta}, true},
		{"no certificate", nil, []string{meta}, false},
		{"join without one", nil, []string{join}, true},
		{"join first, then meta", nil, []string{join, meta}, false},
		{"meta first, then join", nil, []string{meta, join}, false},
		{"no service", creds, nil, false},
		{"unknown service", creds, []string{"h3"}, false},
	} {
		qc, err := rawDial(t, tt.creds, addr, tt.protos...)
		if err == nil { // a client is done before the server has looked at it
			err = ping(qc)
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && (qc.ConnectionState().TLS.DidResume || qc.ConnectionState().TLS.Version != tls.VersionTLS13) {
			t.Errorf("%s: TLS %x", tt.name, qc.ConnectionState().TLS.Version)
		}
	}
}

// ping makes a call by hand.
func ping(qc *quic.Conn) error {
	qs, err := qc.OpenStream()
	if err != nil {
		return err
	}
	b, err := proto.Marshal(&wirepb.Envelope{Version: 1, Kind: 1, Method: methodEcho})
	if err != nil {
		return err
	}
	if _, err := qs.Write(frame(b)); err != nil {
		return err
	}
	_, err = readEnvelope(qs)
	return err
}

// Tickets would let a removed node come back without showing its certificate.
func TestNoSessionTickets(t *testing.T) {
	c := wiretest.NewCluster(t)
	server := c.Open(1, "nameserver")
	server.Handle(quicwire.ServiceMeta, []string{"client"}, echoHandler())
	c.Start(server)
	creds := c.Credentials(2, "client")
	cache := make(ticketCount, 10)
	qc, err := quic.DialAddr(testContext(t), server.Addr().String(), &tls.Config{
		NextProtos: []string{string(quicwire.ServiceMeta)}, InsecureSkipVerify: true, ClientSessionCache: cache,
		Certificates: []tls.Certificate{{Certificate: [][]byte{creds.Cert.Raw}, PrivateKey: creds.Key}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer qc.CloseWithError(0, "")
	if err := ping(qc); err != nil {
		t.Fatal(err)
	}
	if len(cache) > 0 {
		t.Error("the server hands out session tickets")
	}
}

// ticketCount is a session cache that counts what is put into it.
type ticketCount chan struct{}

func (c ticketCount) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (c ticketCount) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		c <- struct{}{}
	}
}
