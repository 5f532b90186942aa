package blockstore

import (
	"encoding/binary"
	"hash/crc32"

	"kendfs/metadata"
)

// recordKind says what a record is. The numbers are on disk.
type recordKind uint8

const (
	recordNone      recordKind = iota
	recordBlock                // a block with its data
	recordFile                 // a block whose data is in a file of its own; aux is the file's generation
	recordFence                // local is 0; aux is the fence
	recordTombstone            // the block, or (local 0) the fence, is gone
	recordSeal                 // volume is 0, local is a pack, aux is where that pack's log ends
	recordEnd
)

const (
	recordMagic       = 0x4345524b // "KREC", little-endian
	footerMagic       = 0x4c49464b // "KFIL"
	formatVersion     = 1
	recordHeaderBytes = 56
)

// key names a record: a block, a fence (local 0) or a seal (volume 0).
type key struct {
	volume metadata.VolumeID
	local  metadata.LocalID
}

func keyOf(id metadata.BlockID) key { return key{id.Volume, id.Local} }

func (k key) id() metadata.BlockID { return metadata.BlockID{Volume: k.volume, Local: k.local} }

// header is the fixed part of a record. See DESIGN.md for its bytes.
type header struct {
	version uint8
	kind    recordKind
	key     key
	length  uint32 // of the block's data
	size    uint32 // of the whole record, with padding
	batch   int64  // offset of the group of records that was synced together
	aux     uint64
}

// crcTable returns the Castagnoli table; hash/crc32 keeps it.
func crcTable() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// chunkCount returns how many checksums a block of that length has.
func chunkCount(length uint32) int {
	return int((int64(length) + metadata.ChunkBytes - 1) / metadata.ChunkBytes)
}

// sumCount returns how many checksums follow the header of a record.
func sumCount(k recordKind, length uint32) int {
	if k != recordBlock {
		return 0
	}
	return chunkCount(length)
}

// recordSize returns the bytes that a record takes in a pack.
func recordSize(k recordKind, length uint32) int64 {
	n := int64(recordHeaderBytes)
	if k == recordBlock {
		n += 4*int64(chunkCount(length)) + int64(length)
	}
	return (n + 7) &^ 7
}

// placeCRC binds a header to its place (pack and offset, or generation of a
// block file): its checksum begins with the disk's secret, so that neither stale bytes nor the data of a block
// that looks like a record can pass for one.
func placeCRC(secret uint32, place uint64, off int64) uint32 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], place)
	binary.LittleEndian.PutUint64(b[8:], uint64(off))
	return crc32.Update(secret, crcTable(), b[:])
}

// appendHeader appends the header and the checksums. place is placeCRC of
// where it will stand.
func appendHeader(b []byte, magic uint32, h header, sums []uint32, place uint32) []byte {
	start := len(b)
	le := binary.LittleEndian
	b = le.AppendUint32(b, magic)
	b = append(b, formatVersion, byte(h.kind), 0, 0)
	b = le.AppendUint64(b, uint64(h.key.volume))
	b = le.AppendUint64(b, uint64(h.key.local))
	b = le.AppendUint32(b, h.length)
	b = le.AppendUint32(b, h.size)
	b = le.AppendUint64(b, uint64(h.batch))
	b = le.AppendUint64(b, h.aux)
	b = le.AppendUint64(b, 0) // checksum and four spare bytes
	for _, s := range sums {
		b = le.AppendUint32(b, s)
	}
	le.PutUint32(b[start+48:], headerCRC(b[start:start+recordHeaderBytes], b[start+recordHeaderBytes:], place))
	return b
}

// headerCRC covers the header but for its own field, and the checksums.
func headerCRC(head, sums []byte, place uint32) uint32 {
	t := crcTable()
	c := crc32.Update(place, t, head[:48])
	c = crc32.Update(c, t, head[52:recordHeaderBytes])
	return crc32.Update(c, t, sums)
}

// parseHeader reads the fixed part. It reports false for what cannot be a
// header; whether it is one shows only the checksum.
func parseHeader(b []byte, magic uint32) (header, bool) {
	le := binary.LittleEndian
	if len(b) < recordHeaderBytes || le.Uint32(b) != magic {
		return header{}, false
	}
	h := header{
		version: b[4],
		kind:    recordKind(b[5]),
		key:     key{metadata.VolumeID(le.Uint64(b[8:])), metadata.LocalID(le.Uint64(b[16:]))},
		length:  le.Uint32(b[24:]),
		size:    le.Uint32(b[28:]),
		batch:   int64(le.Uint64(b[32:])),
		aux:     le.Uint64(b[40:]),
	}
	return h, h.length <= metadata.BlockBytesMax && h.size >= recordHeaderBytes && h.size%8 == 0 && h.batch >= 0
}

// checkHeader verifies the checksum of a header and its checksums.
func checkHeader(head, sums []byte, place uint32) bool {
	return binary.LittleEndian.Uint32(head[48:]) == headerCRC(head, sums, place)
}

// checkVersion refuses records of another version, once their checksum is right.
func checkVersion(h header, where string) error {
	if h.version != formatVersion || h.kind == recordNone || h.kind >= recordEnd {
		return metadata.Errorf(metadata.KindUnsupported,
			"%s: record of version %d, kind %d; this program reads version %d: use a newer one", where, h.version, h.kind, formatVersion)
	}
	return nil
}

// decodeSums turns the checksum array into numbers.
func decodeSums(b []byte) []uint32 {
	sums := make([]uint32, len(b)/4)
	for i := range sums {
		sums[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return sums
}

// Checksums returns the CRC32C of every chunk of a block given in pieces.
func Checksums(pieces ...[]byte) []uint32 {
	total := 0
	for _, p := range pieces {
		total += len(p)
	}
	sums := make([]uint32, 0, (total+metadata.ChunkBytes-1)/metadata.ChunkBytes)
	t, c, have := crcTable(), uint32(0), 0
	for _, p := range pieces {
		for len(p) > 0 {
			n := min(len(p), metadata.ChunkBytes-have)
			c = crc32.Update(c, t, p[:n])
			p = p[n:]
			if have += n; have == metadata.ChunkBytes {
				sums, c, have = append(sums, c), 0, 0
			}
		}
	}
	if have > 0 {
		sums = append(sums, c)
	}
	return sums
}
