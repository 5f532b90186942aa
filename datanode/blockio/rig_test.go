package blockio_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockio/blockiotest"
	"kendfs/metadata"
	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// rig is a client with storage servers, in this process or over QUIC.
type rig struct {
	t       testing.TB
	ns      *blockiotest.Nameserver
	servers []*blockiotest.Server
	client  *blockio.Client
	cfg     blockio.Config
}

// newRig starts n servers; change adapts the client's configuration.
func newRig(t testing.TB, n int, overQUIC bool, change func(*blockio.Config)) *rig {
	t.Helper()
	r := &rig{t: t}
	for i := range n {
		r.servers = append(r.servers, blockiotest.NewServer(metadata.NodeID(i+1)))
	}
	r.ns = blockiotest.NewNameserver(r.servers...)
	r.cfg = blockio.Config{Leaser: r.ns, Stager: r.ns, Referrer: r.ns, BlockBytes: 64 << 10, BufferBytes: 1 << 20,
		StallPut: 5 * time.Second, StallGet: 300 * time.Millisecond, RetryWindow: 10 * time.Second}
	if overQUIC {
		r.connect()
	} else {
		r.cfg.Local = r.resolve
		for _, s := range r.servers {
			s.Next = func(h blockio.Hop) blockio.Target { return r.resolve(h.Node) }
		}
	}
	if change != nil {
		change(&r.cfg)
	}
	r.client = r.newClient()
	return r
}

// newClient returns one more client, closed with the test.
func (r *rig) newClient() *blockio.Client {
	c := blockio.New(r.cfg)
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			r.t.Errorf("Close: %v", err)
		}
	})
	return c
}

func (r *rig) resolve(node metadata.NodeID) blockio.Target {
	for _, s := range r.servers {
		if s.Node == node {
			return s
		}
	}
	return nil
}

// connect puts every server behind an endpoint of its own.
func (r *rig) connect() {
	cluster := wiretest.NewCluster(r.t)
	open := func(node metadata.NodeID, role string) *quicwire.Endpoint {
		cfg := cluster.Config(uint64(node), role)
		cfg.ErrorCode = func(err error) (uint32, string) { return uint32(metadata.KindOf(err)), err.Error() }
		return cluster.OpenConfig(cfg)
	}
	for _, s := range r.servers {
		e := open(s.Node, metadata.NodeDatanode)
		e.Handle(quicwire.ServiceBlock, []string{metadata.NodeDatanode, metadata.NodeWebDAV, metadata.NodeNameserver},
			blockio.Handler(s))
		cluster.Start(e)
		r.ns.SetAddr(s.Node, e.Addr().String())
		wire := blockio.Quic(e)
		s.Next = func(h blockio.Hop) blockio.Target { return blockio.NewRemote(wire, h.Node, h.Addr) }
	}
	e := open(99, metadata.NodeWebDAV)
	cluster.Start(e)
	r.cfg.Wire = blockio.Quic(e)
}

// both runs a test with servers in this process and over QUIC.
func both(t *testing.T, f func(t *testing.T, overQUIC bool)) {
	t.Run("local", func(t *testing.T) { f(t, false) })
	t.Run("quic", func(t *testing.T) { f(t, true) })
}

// data returns n bytes that depend on seed.
func data(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	_, _ = rng.Read(b) // never fails
	return b
}

// commit commits w and returns the entry.
func (r *rig) commit(ctx context.Context, w *blockio.Writer) (e metadata.Entry, err error) {
	err = w.Commit(ctx, func(ctx context.Context, m metadata.Commit) (err error) {
		e, err = r.ns.Commit(ctx, m)
		return err
	})
	return e, err
}

// write writes b as a file of so many replicas.
func (r *rig) write(ctx context.Context, b []byte, opt blockio.CreateOptions) (metadata.Entry, error) {
	w := r.client.Create(ctx, opt)
	defer w.Abort()
	if _, err := io.Copy(w, bytes.NewReader(b)); err != nil {
		return metadata.Entry{}, err
	}
	return r.commit(ctx, w)
}

// mustWrite is write for tests of something else.
func (r *rig) mustWrite(b []byte, opt blockio.CreateOptions) metadata.Entry {
	r.t.Helper()
	e, err := r.write(r.t.Context(), b, opt)
	if err != nil {
		r.t.Fatalf("write of %d bytes: %v", len(b), err)
	}
	if want := sha1.Sum(b); !bytes.Equal(e.SHA1, want[:]) {
		r.t.Fatalf("SHA-1 of %d bytes = %x, want %x", len(b), e.SHA1, want)
	}
	if e.Size != int64(len(b)) {
		r.t.Fatalf("size = %d, want %d", e.Size, len(b))
	}
	return e
}

// mustRead reads the whole file and compares it.
func (r *rig) mustRead(e metadata.Entry, want []byte) {
	r.t.Helper()
	got, err := r.read(r.t.Context(), e)
	if err != nil {
		r.t.Fatalf("read of %d bytes: %v (got %d)", len(want), err, len(got))
	}
	if !bytes.Equal(got, want) {
		r.t.Fatalf("read of %d bytes: got %d other bytes", len(want), len(got))
	}
}

func (r *rig) read(ctx context.Context, e metadata.Entry) ([]byte, error) {
	f := r.client.Open(ctx, e)
	defer f.Close()
	var b bytes.Buffer
	_, err := f.WriteTo(&b)
	return b.Bytes(), err
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
