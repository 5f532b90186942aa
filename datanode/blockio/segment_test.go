package blockio

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"kendfs/metadata"
)

// encode returns data as segments.
func encode(data []byte) []byte {
	var out []byte
	for len(data) > 0 {
		n := min(len(data), SegmentBytes)
		sums := AppendSums(nil, data[:n])
		raw := make([]byte, 4*len(sums))
		putSums(raw, sums)
		out = append(append(out, raw...), data[:n]...)
		data = data[n:]
	}
	return out
}

// decode reads all segments with a buffer of size bytes and verifies them.
func decode(wire []byte, length, size int) ([]byte, error) {
	r := segmentReader{from: bytes.NewReader(wire), left: int64(length)}
	var out []byte
	data, sums := make([]byte, size), make([]uint32, chunks(size))
	for {
		n, err := r.read(data, sums)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if _, err := Verify(data[:n], sums[:chunks(n)]); err != nil {
			return out, err
		}
		out = append(out, data[:n]...)
	}
}

func TestSegmentsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 16383, 16384, 16385, SegmentBytes - 1, SegmentBytes, SegmentBytes + 1, 3*SegmentBytes + 20_000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		for _, size := range []int{metadata.ChunkBytes, 3 * metadata.ChunkBytes, SegmentBytes, 2 * SegmentBytes} {
			got, err := decode(encode(data), n, size)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes through %d: %d bytes, %v", n, size, len(got), err)
			}
		}
	}
}

// Any truncation is an error, never a shorter block.
func TestSegmentsTruncated(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 4000)
	wire := encode(data)
	for _, cut := range []int{0, 1, 4, 11, 12, 13, 16395, 16396, 30_000, len(wire) - 1} {
		if got, err := decode(wire[:cut], len(data), SegmentBytes); metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("cut at %d: %d bytes, %v, want %v", cut, len(got), err, metadata.KindUnavailable)
		}
	}
}

// Any flipped bit is found.
func TestSegmentsFlipped(t *testing.T) {
	data := bytes.Repeat([]byte("abcdefgh"), 5000)
	wire := encode(data)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		i := rng.IntN(len(wire))
		wire[i] ^= 1 << (i % 8)
		if _, err := decode(wire, len(data), SegmentBytes); err == nil || metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("bit flipped in byte %d: %v, want %v", i, err, metadata.KindCorrupt)
		}
		wire[i] ^= 1 << (i % 8)
	}
}

func TestSegmentsNoRoom(t *testing.T) {
	wire := encode(make([]byte, 50_000))
	for _, c := range []struct{ data, sums int }{{0, 4}, {100, 4}, {32 << 10, 1}} {
		r := segmentReader{from: bytes.NewReader(wire), left: 50_000}
		if _, err := r.read(make([]byte, c.data), make([]uint32, c.sums)); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("read into %d bytes, %d sums: %v, want %v", c.data, c.sums, err, metadata.KindInvalid)
		}
	}
}

func TestVerify(t *testing.T) {
	data := bytes.Repeat([]byte("xyz"), 20_000)
	sums := AppendSums(nil, data)
	if n, err := Verify(data, sums); n != len(data) || err != nil {
		t.Errorf("Verify = %d, %v, want %d", n, err, len(data))
	}
	data[40_000]++
	if n, err := Verify(data, sums); n != 32768 || metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("Verify of damage at 40000 = %d, %v, want 32768 sound bytes", n, err)
	}
	if n, err := Verify(data, sums[:2]); n != 0 || metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("Verify with too few checksums = %d, %v", n, err)
	}
}

// Whatever comes in, decoding ends, and what it accepts is what was sent.
func FuzzSegments(f *testing.F) {
	f.Add(encode([]byte("hello")), 5, 1)
	f.Add(encode(make([]byte, 40_000)), 40_000, 2)
	f.Add([]byte{}, 1, 1)
	f.Fuzz(func(t *testing.T, wire []byte, length, size int) {
		if length < 0 || length > 1<<20 {
			return
		}
		size = (1 + min(max(size, 0), 40)) * metadata.ChunkBytes
		got, err := decode(wire, length, size)
		if err == nil && len(got) != length {
			t.Errorf("accepted %d bytes, want %d", len(got), length)
		}
		if err == nil && !bytes.HasPrefix(wire, encode(got)) {
			t.Error("accepted bytes that encode otherwise")
		}
	})
}
