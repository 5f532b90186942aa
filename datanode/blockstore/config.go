package blockstore

import (
	"io"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// Defaults and bounds. Sizes are bytes.
const (
	packBytesDefault    = 256 << 20
	packBytesMin        = 8 << 20 // holds the largest block that goes into a pack
	packSlackBytes      = 1 << 20 // at a pack's end, for deletes and fences when no new pack can be made
	preallocStepBytes   = 32 << 20
	zeroStepBytes       = 1 << 20  // written ahead of small groups
	zeroGroupMax        = 64 << 10 // the largest small group
	zeroPieceBytes      = 128 << 10
	largeBytesDefault   = 4 << 20
	batchOpsMax         = 64
	batchBytesMax       = 8 << 20
	queueMax            = 256 // operations that wait for the append loop
	filePutsMax         = 16  // block files written at the same time
	fileCacheMax        = 256 // open files kept for reading
	reserveBytes        = 4 << 30
	reservePercent      = 2
	compactionThreshold = 0.4
	compactionInterval  = 30 * time.Second
	indexCacheBytes     = 8 << 20
	indexMemtableBytes  = 4 << 20
	packsPerDisk        = 32 // a pack is at most this part of the disk
)

// Config says how to open a disk. The zero value of every field but Dir is
// usable.
type Config struct {
	// Dir is the disk's directory, made by Format.
	Dir string
	// FS is the file system; nil is the operating system's.
	FS vfs.FS
	// Reserve is what is kept free, in bytes; below it Put answers KindNoSpace.
	// Zero is the larger of 2 % and 4 GiB, but at most a tenth of the disk
	// unless that is less than 2 %. Negative: none.
	Reserve int64
	// PackBytes is the size at which a pack is closed and the next one begun;
	// zero is 256 MiB. It is lowered to 1/32 of a small disk, and raised to
	// hold the largest block that goes into a pack.
	PackBytes int64
	// LargeBytes: a block longer than this is a file of its own. Zero is 4 MiB;
	// at most 16 MiB.
	LargeBytes int64
	// CompactionThreshold is the part of a pack that must be dead before the
	// pack is rewritten; zero is 0.4.
	CompactionThreshold float64
	// CompactionInterval is the time between background passes; zero is 30 s,
	// negative switches the background pass off (Compact still works).
	CompactionInterval time.Duration
	// CompactionBytesPerSecond bounds what a background pass copies; zero is
	// 64 MiB/s, negative is no bound.
	CompactionBytesPerSecond int64
	// Logger gets what an operator acts on; nil drops it.
	Logger *slog.Logger
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, metadata.Errorf(metadata.KindInvalid, "blockstore: no directory given")
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.PackBytes == 0 {
		c.PackBytes = packBytesDefault
	}
	if c.LargeBytes == 0 {
		c.LargeBytes = largeBytesDefault
	}
	if c.CompactionThreshold == 0 {
		c.CompactionThreshold = compactionThreshold
	}
	if c.CompactionInterval == 0 {
		c.CompactionInterval = compactionInterval
	}
	if c.CompactionBytesPerSecond == 0 {
		c.CompactionBytesPerSecond = 64 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if c.PackBytes < 0 || c.PackBytes > 1<<32 || c.LargeBytes < 0 || c.LargeBytes > metadata.BlockBytesMax ||
		c.CompactionThreshold < 0 || c.CompactionThreshold > 1 {
		return c, metadata.Errorf(metadata.KindInvalid, "blockstore: pack bytes %d, large bytes %d or compaction threshold %g out of range",
			c.PackBytes, c.LargeBytes, c.CompactionThreshold)
	}
	return c, nil
}

// packLimit adapts the size of packs to the disk and to the largest record.
func (c Config) packLimit(capacity int64) int64 {
	limit := c.PackBytes
	if capacity > 0 {
		limit = min(limit, max(capacity/packsPerDisk, packBytesMin))
	}
	return max(limit, packHeaderBytes+recordSize(recordBlock, uint32(c.LargeBytes))+recordHeaderBytes)
}
