package blockio

import (
	"encoding/binary"
	"io"

	"kendfs/metadata"
)

// A segment on the wire is the checksums of its chunks, four bytes each, little
// endian, followed by its data. All segments of a range have SegmentBytes of
// data except the last, so that none needs a length.
const segmentSumBytes = 4 * SegmentChunks

// segmentReader takes the segments of a range apart.
type segmentReader struct {
	from io.Reader
	left int64 // data bytes of the range not yet delivered
	seg  int   // of the current segment not yet delivered
	sums [SegmentChunks]uint32
	next int // index into sums
	raw  [segmentSumBytes]byte
}

// read fills data, whose length is a multiple of ChunkBytes or covers the rest
// of the range, with whole chunks of one segment, and sums with their
// checksums. io.EOF: the range is complete.
func (r *segmentReader) read(data []byte, sums []uint32) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.seg == 0 {
		if err := r.begin(); err != nil {
			return 0, err
		}
	}
	n := min(len(data), r.seg)
	if n < r.seg {
		n &^= metadata.ChunkBytes - 1
	}
	count := chunks(n)
	if n == 0 || count > len(sums) {
		return 0, metadata.Errorf(metadata.KindInvalid, "no room for a chunk: %d bytes, %d checksums", len(data), len(sums))
	}
	if _, err := io.ReadFull(r.from, data[:n]); err != nil {
		return 0, early(err)
	}
	copy(sums, r.sums[r.next:r.next+count])
	r.next += count
	r.seg -= n
	r.left -= int64(n)
	return n, nil
}

// begin reads the checksums of the next segment.
func (r *segmentReader) begin() error {
	n := int(min(r.left, SegmentBytes))
	raw := r.raw[:4*chunks(n)]
	if _, err := io.ReadFull(r.from, raw); err != nil {
		return early(err)
	}
	for i := range chunks(n) {
		r.sums[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	r.seg, r.next = n, 0
	return nil
}

// Fill reads the next len(data) bytes of a range and their checksums; there must
// be so many. A source that gives nothing and no reason is an error, not a loop.
func Fill(in Segments, data []byte, sums []uint32) error {
	for n := 0; n < len(data); {
		m, err := in.Next(data[n:], sums[n/metadata.ChunkBytes:])
		if err == nil && m <= 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return early(err)
		}
		n += m
	}
	return nil
}

// early turns the end of the stream in the middle of a range into an error that
// does not look like its end.
func early(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return metadata.Errorf(metadata.KindUnavailable, "stream ended in the middle of a block: %w", err)
	}
	return err
}

// putSums encodes checksums into b, which has four bytes for each.
func putSums(b []byte, sums []uint32) {
	for i, s := range sums {
		binary.LittleEndian.PutUint32(b[4*i:], s)
	}
}
