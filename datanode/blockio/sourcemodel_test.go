package blockio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendfs/metadata"
)

// fickle is a replica that holds a file's blocks and fails as its dice fall: it
// cannot be opened, breaks off, ends early, sends wrong bytes, or nothing.
type fickle struct {
	mu     sync.Mutex
	dice   *rand.Rand // guarded by mu
	chance float64    // of a failure in each step; 0: sound
	blocks map[metadata.BlockID][]byte
}

func (f *fickle) Put(context.Context, PutRequest) ([]Outcome, error) {
	return nil, metadata.Errorf(metadata.KindReadOnly, "for reading only")
}

// fails draws whether this step fails, and how.
func (f *fickle) fails(ways int) (way int, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dice.IntN(ways), f.dice.Float64() < f.chance
}

func (f *fickle) Get(_ context.Context, r GetRequest) (Segments, error) {
	if way, yes := f.fails(3); yes {
		return nil, []error{
			metadata.Errorf(metadata.KindUnavailable, "away"), metadata.Errorf(metadata.KindNotFound, "not here"),
			metadata.Errorf(metadata.KindTimeout, "no answer"),
		}[way]
	}
	b, ok := f.blocks[r.Block]
	if !ok {
		return nil, metadata.Errorf(metadata.KindNotFound, "%v is not here", r.Block)
	}
	end := int64(len(b))
	if r.Length > 0 {
		end = min(end, (r.Offset+r.Length+metadata.ChunkBytes-1)&^(metadata.ChunkBytes-1))
	}
	return &fickleSegments{f: f, b: b, at: r.Offset, end: end}, nil
}

type fickleSegments struct {
	f       *fickle
	b       []byte
	at, end int64
}

func (g *fickleSegments) BlockLength() int64 {
	if _, yes := g.f.fails(1); yes {
		return int64(len(g.b)) + 1
	}
	return int64(len(g.b))
}

func (g *fickleSegments) Next(data []byte, sums []uint32) (int, error) {
	if g.at >= g.end {
		return 0, io.EOF
	}
	way, yes := g.f.fails(4)
	if yes && way == 0 {
		return 0, metadata.Errorf(metadata.KindUnavailable, "broken off")
	}
	if yes && way == 1 {
		return 0, io.EOF
	}
	if yes && way == 2 {
		return 0, nil
	}
	n := copy(data, g.b[g.at:g.end])
	if whole := n &^ (metadata.ChunkBytes - 1); whole > metadata.ChunkBytes && !yes {
		n = metadata.ChunkBytes * (1 + int(g.at/metadata.ChunkBytes)%(whole/metadata.ChunkBytes)) // pieces of all sizes
	}
	AppendSums(sums[:0], data[:n])
	if yes { // the last way: wrong bytes
		data[n-1] ^= 8
	}
	g.at += int64(n)
	return n, nil
}

func (g *fickleSegments) Close() error { return nil }

// fickleFile is a file on replicas 1 to n, of which one is sound.
type fickleFile struct {
	c     *Client
	e     metadata.Entry
	data  []byte
	fakes []*fickle
}

func newFickleFile(seed uint64, replicas int, chance float64, lengths []int) *fickleFile {
	f := &fickleFile{}
	blocks := map[metadata.BlockID][]byte{}
	dice := rand.New(rand.NewPCG(seed, 1))
	for i, n := range lengths {
		b := make([]byte, n)
		for j := range b {
			b[j] = byte(dice.Uint32())
		}
		id := blockID(5, uint64(i+1))
		blocks[id] = b
		f.e.Blocks = append(f.e.Blocks, metadata.BlockRef{ID: id, Length: uint32(n)})
		f.data = append(f.data, b...)
	}
	f.e.Size, f.e.BlockCount = int64(len(f.data)), len(lengths)
	var ids []metadata.NodeID
	for i := range replicas {
		x := &fickle{dice: rand.New(rand.NewPCG(seed, uint64(i))), chance: chance, blocks: blocks}
		if i == 0 {
			x.chance = 0
		}
		f.fakes = append(f.fakes, x)
		ids = append(ids, metadata.NodeID(i+1))
	}
	o := &one{view: metadata.VolumeView{Volume: metadata.Volume{ID: 5, Epoch: 1}, Located: located(ids...)}}
	f.c = New(Config{Leaser: o, StallGet: time.Second,
		Local: func(n metadata.NodeID) Target { return f.fakes[n-1] }})
	return f
}

// TestReadModel: as long as one replica is sound, every range of a file reads
// as it was written, whatever the others do, and costs no error.
func TestReadModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.SampledFrom([]int{1, 5000, metadata.ChunkBytes, 70_000, SegmentBytes, 3*SegmentBytes + 9}), 1, 4).Draw(t, "blocks")
		f := newFickleFile(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "replicas"),
			rapid.SampledFrom([]float64{0, 0.05, 0.5, 1}).Draw(t, "chance"), lengths)
		r := f.c.Open(context.Background(), f.e)
		defer r.Close()
		size := int64(len(f.data))
		at := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				n := rapid.Int64Range(1, 300_000).Draw(t, "n")
				b := make([]byte, n)
				k, err := io.ReadFull(r, b)
				want := f.data[at:min(at+n, size)]
				if len(want) == 0 && err == io.EOF || !bytes.Equal(b[:k], want) {
					if len(want) != 0 {
						t.Fatalf("read of %d at %d: %d other bytes, %v", n, at, k, err)
					}
				}
				if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
					t.Fatalf("read of %d at %d: %v", n, at, err)
				}
				at += int64(k)
			},
			"seek": func(t *rapid.T) {
				at = rapid.Int64Range(0, size).Draw(t, "to")
				if got, err := r.Seek(at, io.SeekStart); got != at || err != nil {
					t.Fatalf("seek to %d: %d, %v", at, got, err)
				}
			},
			"range": func(t *rapid.T) {
				off := rapid.Int64Range(0, size-1).Draw(t, "off")
				n := rapid.Int64Range(1, size).Draw(t, "length")
				var out bytes.Buffer
				if _, err := r.CopyRange(&out, off, n); err != nil || !bytes.Equal(out.Bytes(), f.data[off:min(off+n, size)]) {
					t.Fatalf("range of %d at %d: %d bytes, %v", n, off, out.Len(), err)
				}
			},
			"rest": func(t *rapid.T) {
				var out bytes.Buffer
				if _, err := r.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), f.data[at:]) {
					t.Fatalf("the rest from %d: %d bytes, %v", at, out.Len(), err)
				}
				at = size
			},
		})
	})
}

// Without a sound replica a read is an error that says what is wrong, and what
// came before it is right: never a wrong byte, never an end too soon.
func TestReadWithoutASoundReplica(t *testing.T) {
	for seed := range uint64(12) {
		f := newFickleFile(seed, 2, 0.9, []int{3*SegmentBytes + 9, 40_000})
		f.fakes[0].chance = 0.9
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var out bytes.Buffer
		_, err := f.c.Open(ctx, f.e).WriteTo(&out)
		cancel()
		if !bytes.HasPrefix(f.data, out.Bytes()) {
			t.Fatalf("seed %d: %d bytes, and not those of the file", seed, out.Len())
		}
		if err == nil && out.Len() != len(f.data) {
			t.Fatalf("seed %d: %d of %d bytes without an error", seed, out.Len(), len(f.data))
		}
		if err != nil && !slices.Contains([]metadata.Kind{metadata.KindUnavailable, metadata.KindCorrupt, metadata.KindNotFound, metadata.KindTimeout},
			metadata.KindOf(err)) {
			t.Errorf("seed %d: %v is %v", seed, err, metadata.KindOf(err))
		}
	}
}

// Of many failures the one that says most is told: wrong bytes before an absent
// server, that before a block that is not there.
func TestVerdict(t *testing.T) {
	c := New(Config{})
	at := located(1)[0]
	errs := map[string]error{
		"corrupt": metadata.Errorf(metadata.KindCorrupt, "wrong bytes"), "away": metadata.Errorf(metadata.KindUnavailable, "away"),
		"missing": metadata.Errorf(metadata.KindNotFound, "not here"),
	}
	for _, x := range []struct {
		told []string
		want metadata.Kind
	}{
		{nil, metadata.KindUnavailable},
		{[]string{"missing"}, metadata.KindNotFound},
		{[]string{"missing", "away"}, metadata.KindUnavailable},
		{[]string{"away", "missing"}, metadata.KindUnavailable},
		{[]string{"away", "corrupt", "missing"}, metadata.KindCorrupt},
		{[]string{"corrupt", "away"}, metadata.KindCorrupt},
	} {
		h := choice{c: c, volume: 5}
		for _, name := range x.told {
			h.failed(t.Context(), at, errs[name])
		}
		if got := metadata.KindOf(h.verdict()); got != x.want {
			t.Errorf("%v: %v, want %v", x.told, got, x.want)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	h := choice{c: New(Config{}), volume: 5}
	h.failed(gone, at, errs["away"]) // it was this side
	if h.err != nil || h.c.nodes.shunned(1) {
		t.Errorf("a server is blamed for a reader who left: %v", h.err)
	}
	h.failed(t.Context(), at, errs["missing"])
	if h.c.nodes.shunned(1) {
		t.Error("a server that lacks a block is avoided for all")
	}
}

// TestRefsModel: any offset is found in its block, whatever the lengths and
// however the references come.
func TestRefsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 40).Draw(t, "lengths")
		page := rapid.IntRange(1, 9).Draw(t, "page")
		var all []metadata.BlockRef
		var starts []int64
		size := int64(0)
		for i, n := range lengths {
			all = append(all, metadata.BlockRef{ID: blockID(1, uint64(i+1)), Length: uint32(n)})
			starts = append(starts, size)
			size += int64(n)
		}
		e := metadata.Entry{Content: 3, BlockCount: len(all), Size: size}
		if rapid.Bool().Draw(t, "inline") {
			e.Blocks = all
		}
		r := newRefs(newRefCache(listed{all, page}), e)
		for range rapid.IntRange(1, 20).Draw(t, "finds") {
			off := rapid.Int64Range(0, size-1).Draw(t, "off")
			p, err := r.find(context.Background(), off)
			i := slices.IndexFunc(starts, func(s int64) bool { return s > off }) - 1
			if i < 0 {
				i = len(all) - 1
			}
			if err != nil || p.ref != all[i] || p.start != starts[i] {
				t.Fatalf("find(%d) = %+v, %v, want %v at %d", off, p, err, all[i], starts[i])
			}
		}
		if _, err := r.find(context.Background(), size); metadata.KindOf(err) != metadata.KindCorrupt {
			t.Fatalf("find behind the end: %v", err)
		}
	})
}

// listed gives references in pages.
type listed struct {
	all  []metadata.BlockRef
	page int
}

func (l listed) Blocks(_ context.Context, _ metadata.ContentID, index int) ([]metadata.BlockRef, error) {
	if index > len(l.all) {
		return nil, fmt.Errorf("asked for index %d of %d", index, len(l.all))
	}
	return l.all[index:min(index+l.page, len(l.all))], nil
}
