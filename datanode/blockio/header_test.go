package blockio

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
)

func hop(node metadata.NodeID, children ...Hop) Hop {
	return Hop{Replica: metadata.Replica{Node: node, Disk: metadata.DiskID(100 + node)}, Addr: "host:1", Children: children}
}

func TestPutHeader(t *testing.T) {
	r := PutRequest{Block: blockID(7, 9), Epoch: 3, Session: 4, Disk: 101, Stall: 2 * time.Second,
		Forward: []Hop{hop(2, hop(3, hop(4))), hop(5)}}
	r.Data = make([]byte, 12345)
	got, length, err := decodePut(encodePut(&r))
	if err != nil || length != 12345 {
		t.Fatalf("decodePut: length %d, %v", length, err)
	}
	r.Data = nil
	if !reflect.DeepEqual(got, r) {
		t.Errorf("decodePut = %+v, want %+v", got, r)
	}
	if got := depth(r.Forward); got != 3 {
		t.Errorf("depth = %d, want 3", got)
	}
}

func TestPutHeaderRefused(t *testing.T) {
	wide := &blockpb.PutHeader{Format: 1, Volume: 1, Length: 1}
	for range metadata.ReplicasMax {
		wide.Forward = append(wide.Forward, &blockpb.Hop{})
	}
	deep := &blockpb.PutHeader{Format: 1, Volume: 1, Length: 1, Forward: []*blockpb.Hop{{}}}
	for h := deep.Forward[0]; len(h.Children) == 0 && depthOf(deep) < 100; h = h.Children[0] {
		h.Children = []*blockpb.Hop{{}}
	}
	for name, c := range map[string]struct {
		h    *blockpb.PutHeader
		want metadata.Kind
	}{
		"no bytes":     {&blockpb.PutHeader{Format: 1, Volume: 1}, metadata.KindInvalid},
		"too large":    {&blockpb.PutHeader{Format: 1, Volume: 1, Length: metadata.BlockBytesMax + 1}, metadata.KindInvalid},
		"no volume":    {&blockpb.PutHeader{Format: 1, Length: 1}, metadata.KindInvalid},
		"other format": {&blockpb.PutHeader{Format: 2, Volume: 1, Length: 1}, metadata.KindUnsupported},
		"too wide":     {wide, metadata.KindTooLarge},
		"too deep":     {deep, metadata.KindInvalid},
	} {
		if _, _, err := decodePut(marshal(c.h)); err == nil || metadata.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func depthOf(h *blockpb.PutHeader) int {
	n := 0
	for x := h.Forward; len(x) > 0; x = x[0].Children {
		n++
	}
	return n
}

func TestOutcomes(t *testing.T) {
	in := []Outcome{
		{Replica: metadata.Replica{Node: 1, Disk: 2}},
		{Replica: metadata.Replica{Node: 3, Disk: 4}, Err: metadata.Errorf(metadata.KindNoSpace, "full")},
		{Replica: metadata.Replica{Node: 5, Disk: 6}, Err: errors.New("odd \xff"), Skipped: true},
	}
	got, err := decodeOutcomes(encodeOutcomes(in))
	if err != nil || len(got) != 3 {
		t.Fatalf("decodeOutcomes = %v, %v", got, err)
	}
	for i, want := range []metadata.Kind{0, metadata.KindNoSpace, metadata.KindInternal} {
		if got[i].Replica != in[i].Replica || got[i].Skipped != in[i].Skipped || (got[i].Err == nil) != (in[i].Err == nil) {
			t.Errorf("outcome %d = %+v, want %+v", i, got[i], in[i])
		}
		if got[i].Err != nil && metadata.KindOf(got[i].Err) != want {
			t.Errorf("outcome %d: %v, want %v", i, got[i].Err, want)
		}
	}
}

// What a server does not say is not durable; what was not asked for is ignored.
func TestComplete(t *testing.T) {
	r := route{head: metadata.Located{Replica: metadata.Replica{Node: 1, Disk: 101}}, forward: []Hop{hop(2, hop(3))}}
	got := complete([]Outcome{{Replica: r.head.Replica}, {Replica: metadata.Replica{Node: 9, Disk: 109}}}, r)
	if len(got) != 3 || got[0].Err != nil || got[1].Err == nil || got[2].Err == nil {
		t.Errorf("complete = %+v, want the first durable and two failed", got)
	}
}

func TestGetHeader(t *testing.T) {
	want := GetRequest{Block: blockID(7, 9), Disk: 5, Offset: 32 << 10, Length: 1000}
	if got, err := decodeGet(encodeGet(want)); err != nil || got != want {
		t.Errorf("decodeGet = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []GetRequest{{Offset: 5}, {Offset: 32 << 20}, {Length: 32 << 20}} {
		if _, err := decodeGet(encodeGet(bad)); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("decodeGet(%+v): %v, want %v", bad, err, metadata.KindInvalid)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add(encodePut(&PutRequest{Block: blockID(1, 2), Data: []byte("x"), Forward: []Hop{hop(1, hop(2))}}))
	f.Add(encodeGet(GetRequest{Block: blockID(1, 2)}))
	f.Add(encodeOutcomes([]Outcome{{}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, n, err := decodePut(b); err == nil {
			if n < 1 || n > metadata.BlockBytesMax || depth(r.Forward) > metadata.ReplicasMax || r.Stall > stallMax {
				t.Errorf("accepted %+v of %d bytes", r, n)
			}
		}
		if r, err := decodeGet(b); err == nil && r.Offset%metadata.ChunkBytes != 0 {
			t.Errorf("accepted %+v", r)
		}
		if out, err := decodeOutcomes(b); err == nil && len(out) > metadata.ReplicasMax {
			t.Errorf("accepted %d outcomes", len(out))
		}
	})
}
