package blockio

import (
	"hash/crc32"

	"kendfs/metadata"
)

// chunks returns the number of chunks, hence checksums, of n bytes.
func chunks(n int) int {
	return (n + metadata.ChunkBytes - 1) / metadata.ChunkBytes
}

// AppendSums appends the CRC32C (RFC 3720 appendix B.4) of every chunk of data.
func AppendSums(sums []uint32, data []byte) []uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	for len(data) > 0 {
		n := min(len(data), metadata.ChunkBytes)
		sums = append(sums, crc32.Update(0, table, data[:n]))
		data = data[n:]
	}
	return sums
}

// Verify compares data with its checksums, one per chunk, the first chunk
// starting at data[0]. It returns the number of bytes before the first chunk
// that does not match, and KindCorrupt if there is one.
func Verify(data []byte, sums []uint32) (int, error) {
	if chunks(len(data)) != len(sums) {
		return 0, metadata.Errorf(metadata.KindCorrupt,
			"%d checksums for %d bytes, want %d", len(sums), len(data), chunks(len(data)))
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	for i, want := range sums {
		off := i * metadata.ChunkBytes
		end := min(off+metadata.ChunkBytes, len(data))
		if got := crc32.Update(0, table, data[off:end]); got != want {
			return off, metadata.Errorf(metadata.KindCorrupt,
				"checksum of bytes %d to %d is %08x, want %08x", off, end, got, want)
		}
	}
	return len(data), nil
}
