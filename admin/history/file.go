package history

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kendfs/metadata"
)

// The file: magic, version, then every ring, then a CRC-32C of all before it.
// Numbers are little-endian. A ring is its node (0: the cluster), step, points,
// series, last slot and its points as float32.
const (
	magic        = "KENHIST"
	fileVersion  = 1
	fileBytesMax = 128 << 20
	ringHead     = 8 + 8 + 4 + 4 + 8
)

// errFile says that a file is of no use.
var errFile = errors.New("the history's file is damaged or of another version")

// SaveEvery is how often Save should be called; large histories save less often.
const SaveEvery = time.Minute

// bigBytes is the size from which on a file is saved every ten minutes.
const bigBytes = 8 << 20

// Due reports whether it is time to save again.
func (h *History) Due(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	every := SaveEvery
	if h.bytes() > bigBytes {
		every *= 10
	}
	return now.Sub(h.saved) >= every
}

func (h *History) bytes() int {
	n := 0
	for _, r := range h.cluster {
		n += 4 * len(r.data)
	}
	return n + len(h.nodes)*nodePoints*h.nodeSeries*4
}

// Save writes the history to a file that is there whole or not at all.
func (h *History) Save(path string, now time.Time) error {
	h.mu.Lock()
	h.saved = now
	b := h.encode()
	h.mu.Unlock()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (h *History) encode() []byte {
	b := append(make([]byte, 0, h.bytes()+1<<16), magic...)
	b = append(b, fileVersion)
	for _, r := range h.cluster {
		b = appendRing(b, 0, r)
	}
	ids := make([]metadata.NodeID, 0, len(h.nodes))
	for id := range h.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		b = appendRing(b, id, h.nodes[id])
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func appendRing(b []byte, id metadata.NodeID, r *ring) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(id))
	b = le.AppendUint64(b, uint64(r.step))
	b = le.AppendUint32(b, uint32(r.points))
	b = le.AppendUint32(b, uint32(r.series))
	b = le.AppendUint64(b, uint64(r.last))
	for _, v := range r.data {
		b = le.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Load reads a file that Save wrote. A file that is not there is no error; one
// that is damaged or of other series is, and changes nothing.
func (h *History) Load(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.decode(b)
}

func (h *History) decode(b []byte) error {
	n := len(b) - 4
	if n < len(magic)+1 || n > fileBytesMax || string(b[:len(magic)]) != magic || b[len(magic)] != fileVersion ||
		binary.LittleEndian.Uint32(b[n:]) != crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)) {
		return errFile
	}
	fresh := New(h.series, h.nodeSeries)
	rest, clusters := b[len(magic)+1:n], 0
	for len(rest) > 0 {
		if len(rest) < ringHead {
			return errFile
		}
		id := metadata.NodeID(binary.LittleEndian.Uint64(rest))
		var r *ring
		switch {
		case id == 0 && clusters < len(fresh.cluster):
			r = fresh.cluster[clusters]
			clusters++
		case id != 0 && len(fresh.nodes) < NodesMax && fresh.nodes[id] == nil:
			r = newRing(nodeStep, nodePoints, h.nodeSeries)
			fresh.nodes[id] = r
		default:
			return errFile
		}
		var ok bool
		if rest, ok = r.fill(rest); !ok {
			return errFile
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cluster, h.nodes = fresh.cluster, fresh.nodes
	return nil
}

// fill reads a ring of its own shape and returns what follows it.
func (r *ring) fill(b []byte) ([]byte, bool) {
	le := binary.LittleEndian
	if le.Uint64(b[8:]) != uint64(r.step) || le.Uint32(b[16:]) != uint32(r.points) || le.Uint32(b[20:]) != uint32(r.series) ||
		len(b) < ringHead+4*len(r.data) {
		return nil, false
	}
	r.last = int64(le.Uint64(b[24:]))
	if r.last < 0 || r.last > math.MaxInt64/r.step {
		return nil, false
	}
	b = b[ringHead:]
	for i := range r.data {
		r.data[i] = math.Float32frombits(le.Uint32(b[4*i:]))
	}
	return b[4*len(r.data):], true
}
