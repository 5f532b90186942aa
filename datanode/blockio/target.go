package blockio

import (
	"context"
	"time"

	"kendfs/metadata"
)

// SegmentBytes bounds the data of one segment on the wire: large enough that a
// stream is written in few calls, small enough to be forwarded early.
const SegmentBytes = 256 << 10

// SegmentChunks is the number of checksums of a full segment.
const SegmentChunks = SegmentBytes / metadata.ChunkBytes

// Target is one storage server: a Remote, or the datanode.Server of the same
// process, which is called directly. Methods may be called concurrently.
type Target interface {
	// Put stores one block on r.Disk and on every hop of r.Forward. It returns
	// one Outcome per replica of that tree. An error instead means that nothing
	// is known about any of them (KindUnavailable, KindTimeout, KindCanceled,
	// KindDenied). r.Data and r.Sums are borrowed until Put returns.
	Put(ctx context.Context, r PutRequest) ([]Outcome, error)
	// Get opens a range of a block. KindNotFound, KindUnavailable, KindTimeout,
	// KindCorrupt, KindInvalid. The caller closes what it got.
	Get(ctx context.Context, r GetRequest) (Segments, error)
}

// Resolver returns the storage server that runs as node in this process, or nil.
type Resolver func(node metadata.NodeID) Target

// PutRequest is one block on its way to a replica.
type PutRequest struct {
	Block   metadata.BlockID
	Epoch   metadata.Epoch
	Session metadata.SessionID
	Disk    metadata.DiskID
	Data    []byte   // 1..metadata.BlockBytesMax
	Sums    []uint32 // CRC32C of each ChunkBytes of Data
	Forward []Hop
	// Ready is nil when all of Data is there. Otherwise it returns how many
	// bytes of Data (and their Sums) are valid, more than off, waiting for them
	// if need be; the sender calls it until it has len(Data).
	Ready func(ctx context.Context, off int) (int, error)
	// Stall is the longest wait without progress before a replica counts as
	// failed; zero is StallPut.
	Stall time.Duration
}

// Hop is a further replica that a server forwards to, and those behind it.
type Hop struct {
	metadata.Replica
	Addr     string
	Children []Hop
}

// Outcome says whether one replica holds the block durably.
type Outcome struct {
	metadata.Replica
	Err     error // nil: durable there
	Skipped bool  // never tried, because the hop before it failed
}

// GetRequest is a range of a block.
type GetRequest struct {
	Block  metadata.BlockID
	Disk   metadata.DiskID // zero: whichever disk of the server has it
	Offset int64           // a multiple of metadata.ChunkBytes
	Length int64           // rounded up to whole chunks; zero: to the end
	// Stall is the longest wait for the next byte; zero is StallGet. It is not
	// sent.
	Stall time.Duration
}

// Segments is a range of a block as it comes in. It is used by one goroutine.
type Segments interface {
	// BlockLength is the length of the whole block in bytes.
	BlockLength() int64
	// Next reads the next chunks of the range into data, whose length is a
	// multiple of metadata.ChunkBytes, and their checksums into sums, one per
	// chunk. It returns the number of bytes, whole chunks except at the end of
	// the block, and io.EOF after the last. Nothing is verified here: that is
	// the caller's part, see Verify.
	Next(data []byte, sums []uint32) (n int, err error)
	// Close ends the transfer. It never blocks on the network.
	Close() error
}

// Times without progress.
const (
	StallPut = 5 * time.Second        // a replica that does not take or confirm data for this long has failed
	StallGet = 500 * time.Millisecond // a replica that sends nothing for this long is left for another one
)
