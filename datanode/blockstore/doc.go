// Package blockstore keeps the blocks of one disk.
//
// A block is immutable and named by volume and local id. Blocks up to 4 MiB are
// appended to packs, one pack at a time, many blocks to one sync; longer ones
// are files of their own. An index, a Pebble database beside them, says where
// each block is; it is derived and rebuilt when it is lost.
//
// What it promises:
//   - Put returns nil when, and only when, the block is durable. So do Delete,
//     SetFence and DropVolume.
//   - No wrong byte: every chunk of 16 KiB has a CRC32C that came with the data
//     and goes with it to the reader, who checks it. What is damaged is
//     reported as such and never guessed.
//   - An operation that was not acknowledged happened entirely or not at all.
//   - Damage costs what is damaged: records behind it are found again.
//   - After a failed write or sync the disk takes no more writes until it is
//     opened again; nothing is retried. A full disk is not a failed one.
//
// What it refuses to be: a place for anything but blocks, a cache, a judge of
// which blocks ought to exist (the nameserver says that), a client of the
// network. It does not compress, encrypt or deduplicate.
//
// Goroutines, all of them waited for by Close: the append loop, which alone
// writes to packs and changes the index; the rename loop, which gives finished
// block files their names; the compaction pass. Pebble has its own.
//
// Limits: a block is at most 16 MiB; memory is about 48 MiB at the very most for
// index cache and tables, plus the blocks being put, plus some 100 bytes for
// each volume and pack. 256 files are kept open for reading.
//
// DESIGN.md has the formats byte by byte, recovery, and the decisions (BS-n).
package blockstore
