package blockio_test

import (
	"testing"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// A replica that has another block under the id, a longer one whose checksums
// are right, is not read from: neither a piece of it nor the whole.
func TestReplicaWithAnotherLength(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 2, overQUIC, func(c *blockio.Config) { c.BlockBytes, c.BufferBytes = 1<<20, 8<<20 })
		b := data(1, 1<<20)
		e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2, Size: int64(len(b))})
		id := e.Blocks[0].ID
		other := data(2, 1<<20+5000)
		out, err := r.servers[0].Put(t.Context(), blockio.PutRequest{Block: id, Disk: r.servers[0].Disk,
			Data: other, Sums: blockio.AppendSums(nil, other)})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out)
		}
		for range 10 { // the replica is drawn at random
			r.mustRead(e, b)
		}
		r.servers[1].Forget(id)
		if got, err := r.read(t.Context(), e); metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("only the other block is left: %d bytes, %v, want %v", len(got), err, metadata.KindCorrupt)
		}
	})
}
