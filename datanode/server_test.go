package datanode_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// readAll reads a range and verifies it.
func readAll(t testing.TB, target blockio.Target, r blockio.GetRequest) ([]byte, error) {
	t.Helper()
	in, err := target.Get(t.Context(), r)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out []byte
	data, sums := make([]byte, blockio.SegmentBytes), make([]uint32, blockio.SegmentChunks)
	for {
		n, err := in.Next(data, sums)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if _, err := blockio.Verify(data[:n], sums[:(n+metadata.ChunkBytes-1)/metadata.ChunkBytes]); err != nil {
			return out, err
		}
		out = append(out, data[:n]...)
	}
}

func TestPutGet(t *testing.T) {
	n := start(t, 1, 2, nil)
	for i, size := range []int{1, 16383, 16384, 16385, 300_000, 5 << 20} {
		b := id(1, uint64(i+1))
		n.put(t, b, size)
		want := content(b, size)
		for _, disk := range []metadata.DiskID{0, n.disk()} {
			got, err := readAll(t, n, blockio.GetRequest{Block: b, Disk: disk})
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("get of %d bytes: %d bytes, %v", size, len(got), err)
			}
		}
		if size > 32<<10 {
			got, err := readAll(t, n, blockio.GetRequest{Block: b, Offset: 16 << 10, Length: 1})
			if err != nil || !bytes.Equal(got, want[16<<10:32<<10]) {
				t.Errorf("get of one chunk: %d bytes, %v", len(got), err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	n := start(t, 1, 1, func(c *datanode.Config) {
		c.Disks = append(c.Disks, datanode.Disk{Path: "/broken", ID: 77, Failed: "no such device"})
	})
	n.put(t, id(1, 1), 100)
	if err := n.stores[0].SetFence(t.Context(), 1, 50); err != nil {
		t.Fatal(err)
	}
	p := content(id(1, 2), 100)
	sums := blockio.AppendSums(nil, p)
	for name, c := range map[string]struct {
		r    blockio.PutRequest
		want metadata.Kind
	}{
		"below the fence": {blockio.PutRequest{Block: id(1, 49), Disk: n.disk(), Data: p, Sums: sums}, metadata.KindStale},
		"no such disk":    {blockio.PutRequest{Block: id(1, 60), Disk: 5, Data: p, Sums: sums}, metadata.KindNotFound},
		"failed disk":     {blockio.PutRequest{Block: id(1, 60), Disk: 77, Data: p, Sums: sums}, metadata.KindUnavailable},
		"wrong checksum":  {blockio.PutRequest{Block: id(1, 60), Disk: n.disk(), Data: p, Sums: []uint32{1}}, metadata.KindCorrupt},
		"no bytes":        {blockio.PutRequest{Block: id(1, 60), Disk: n.disk()}, metadata.KindInvalid},
		"no volume":       {blockio.PutRequest{Block: id(0, 60), Disk: n.disk(), Data: p, Sums: sums}, metadata.KindInvalid},
	} {
		out, err := n.Put(t.Context(), c.r)
		if err == nil {
			err = out[0].Err
		}
		if err == nil || metadata.KindOf(err) != c.want {
			t.Errorf("put, %s: %v, want %v", name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		r    blockio.GetRequest
		want metadata.Kind
	}{
		"missing":      {blockio.GetRequest{Block: id(1, 9)}, metadata.KindNotFound},
		"other disk":   {blockio.GetRequest{Block: id(1, 1), Disk: 5}, metadata.KindNotFound},
		"failed disk":  {blockio.GetRequest{Block: id(1, 1), Disk: 77}, metadata.KindUnavailable},
		"not aligned":  {blockio.GetRequest{Block: id(1, 1), Offset: 1}, metadata.KindInvalid},
		"past the end": {blockio.GetRequest{Block: id(1, 1), Offset: 16 << 10}, metadata.KindInvalid},
	} {
		if _, err := readAll(t, n, c.r); err == nil || metadata.KindOf(err) != c.want {
			t.Errorf("get, %s: %v, want %v", name, err, c.want)
		}
	}
}

// chain starts n servers that reach each other over QUIC.
func chain(t *testing.T, n int) (nodes []*node, addrs []string, client blockio.Wire) {
	cluster := wiretest.NewCluster(t)
	open := func(id uint64, role string) *quicwire.Endpoint {
		cfg := cluster.Config(id, role)
		cfg.ErrorCode = func(err error) (uint32, string) { return uint32(metadata.KindOf(err)), err.Error() }
		return cluster.OpenConfig(cfg)
	}
	for i := range n {
		e := open(uint64(i+1), metadata.NodeDatanode)
		x := start(t, metadata.NodeID(i+1), 1, func(c *datanode.Config) { c.Wire = blockio.Quic(e) })
		e.Handle(quicwire.ServiceBlock, []string{metadata.NodeDatanode, metadata.NodeWebDAV, metadata.NodeNameserver},
			blockio.Handler(x.Server))
		cluster.Start(e)
		nodes, addrs = append(nodes, x), append(addrs, e.Addr().String())
	}
	e := open(99, metadata.NodeNameserver)
	cluster.Start(e)
	return nodes, addrs, blockio.Quic(e)
}

// hops is a chain of the nodes from the second on.
func hops(nodes []*node, addrs []string) []blockio.Hop {
	var tail []blockio.Hop
	for i := len(nodes) - 1; i > 0; i-- {
		tail = []blockio.Hop{{Replica: metadata.Replica{Node: nodes[i].id, Disk: nodes[i].disk()}, Addr: addrs[i], Children: tail}}
	}
	return tail
}

func TestChain(t *testing.T) {
	nodes, addrs, wire := chain(t, 3)
	first := blockio.NewRemote(wire, 1, addrs[0])
	for i, size := range []int{100, 700_000, 9<<20 + 5} {
		b := id(1, uint64(i+1))
		p := content(b, size)
		out, err := first.Put(t.Context(), blockio.PutRequest{Block: b, Disk: nodes[0].disk(), Data: p,
			Sums: blockio.AppendSums(nil, p), Forward: hops(nodes, addrs)})
		if err != nil || len(out) != 3 {
			t.Fatalf("put: %v, %v", out, err)
		}
		for j, n := range nodes {
			got, err := readAll(t, blockio.NewRemote(wire, n.id, addrs[j]), blockio.GetRequest{Block: b, Disk: n.disk()})
			if err != nil || !bytes.Equal(got, p) {
				t.Errorf("get from %v: %d bytes, %v", n.id, len(got), err)
			}
			if k := slices.IndexFunc(out, func(o blockio.Outcome) bool { return o.Node == n.id }); k < 0 || out[k].Err != nil {
				t.Errorf("outcomes %v lack %v", out, n.id)
			}
		}
	}
}

// A hop that is gone, or that refuses, does not keep the others from their block.
func TestChainBreaks(t *testing.T) {
	nodes, addrs, wire := chain(t, 3)
	if err := nodes[1].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := id(1, 1)
	p := content(b, 3<<20)
	out, err := blockio.NewRemote(wire, 1, addrs[0]).Put(t.Context(), blockio.PutRequest{Block: b, Disk: nodes[0].disk(),
		Data: p, Sums: blockio.AppendSums(nil, p), Forward: hops(nodes, addrs)})
	if err != nil || len(out) != 3 {
		t.Fatalf("put: %v, %v", out, err)
	}
	if out[0].Err != nil {
		t.Errorf("the first: %v", out[0].Err)
	}
	if metadata.KindOf(out[1].Err) != metadata.KindUnavailable || out[1].Skipped {
		t.Errorf("the closed one: %+v", out[1])
	}
	if out[2].Err == nil || !out[2].Skipped {
		t.Errorf("the one behind it: %+v, want skipped", out[2])
	}
	if out, err = nodes[0].Put(t.Context(), blockio.PutRequest{Block: id(1, 2), Disk: nodes[0].disk(), Data: p,
		Sums: blockio.AppendSums(nil, p), Forward: []blockio.Hop{{Replica: metadata.Replica{Node: 3, Disk: 12345}, Addr: addrs[2]}},
	}); err != nil || out[0].Err != nil || metadata.KindOf(out[1].Err) != metadata.KindNotFound {
		t.Errorf("put with a disk that is not there: %v, %v", out, err)
	}
}

// The methods beside put and get, over the wire.
func TestInspect(t *testing.T) {
	nodes, addrs, wire := chain(t, 1)
	n, r, ctx := nodes[0], blockio.NewRemote(wire, 1, addrs[0]), t.Context()
	var want []metadata.BlockRef
	for i := range 5 {
		want = append(want, n.put(t, id(7, uint64(i+1)), 1000+i))
	}
	disk, length, err := r.Stat(ctx, 0, id(7, 3))
	if err != nil || disk != n.disk() || length != 1002 {
		t.Errorf("Stat = %v, %d, %v, want %v, 1002", disk, length, err, n.disk())
	}
	if _, _, err := r.Stat(ctx, 0, id(7, 9)); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("Stat of nothing: %v", err)
	}
	refs, more, err := r.List(ctx, n.disk(), 7, 0, 3)
	if err != nil || !more || !slices.Equal(refs, want[:3]) {
		t.Errorf("List = %v, %v, %v, want %v, true", refs, more, err, want[:3])
	}
	d, err := r.Digest(ctx, n.disk(), 7)
	if err != nil || d.Blocks != 5 || d.Bytes != 5010 {
		t.Errorf("Digest = %+v, %v, want 5 blocks of 5010 bytes", d, err)
	}
	if intact, err := r.Check(ctx, n.disk(), id(7, 1)); !intact || err != nil {
		t.Errorf("Check = %v, %v, want true", intact, err)
	}
	if err := r.Delete(ctx, n.disk(), 7, []metadata.LocalID{1, 2}); err != nil {
		t.Fatal(err)
	}
	if got, want := n.locals(t, 7), []metadata.LocalID{3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("after Delete: %v, want %v", got, want)
	}
}

// Memory for incoming blocks is bounded: who finds none is told to come back.
func TestReceiveIsBounded(t *testing.T) {
	n := start(t, 1, 1, func(c *datanode.Config) { c.BufferBytes = 16 << 20 })
	hold := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = n.Receive(t.Context(), blockio.PutRequest{Block: id(1, 1), Disk: n.disk()}, 16<<20, &stuck{hold: hold})
	})
	eventually(t, "the first put holds the memory", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := n.Receive(ctx, blockio.PutRequest{Block: id(1, 2), Disk: n.disk()}, 16<<20, &stuck{hold: ctx.Done()})
		return err != nil && metadata.KindOf(err) == metadata.KindTimeout
	})
	_, err := n.Receive(t.Context(), blockio.PutRequest{Block: id(1, 3), Disk: n.disk()}, 16<<20, &stuck{hold: hold})
	if got, want := metadata.KindOf(err), metadata.KindBusy; got != want {
		t.Errorf("put without memory: %v, want %v", err, want)
	}
	close(hold)
	wg.Wait()
}

// stuck is a sender that sends nothing until hold is closed, and then fails.
type stuck struct{ hold <-chan struct{} }

func (s *stuck) BlockLength() int64 { return 16 << 20 }
func (s *stuck) Next([]byte, []uint32) (int, error) {
	<-s.hold
	return 0, metadata.Errorf(metadata.KindTimeout, "nothing came")
}
func (s *stuck) Close() error { return nil }

func TestClosedServerRefuses(t *testing.T) {
	n := start(t, 1, 1, nil)
	n.put(t, id(1, 1), 100)
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t, n, blockio.GetRequest{Block: id(1, 1)}); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("get after Close: %v, want %v", err, metadata.KindUnavailable)
	}
	if h := n.fleet.last(); !h.Leaving {
		t.Error("the last heartbeat does not say that the server leaves")
	}
}

func TestNewRefuses(t *testing.T) {
	s := openStore(t)
	for name, cfg := range map[string]datanode.Config{
		"no node":    {Fleet: newFleet()},
		"no fleet":   {Node: 1},
		"disk twice": {Node: 1, Fleet: newFleet(), Disks: []datanode.Disk{{Store: s}, {Store: s}}},
	} {
		if _, err := datanode.New(cfg); err == nil {
			t.Errorf("New with %s: no error", name)
		}
	}
}
