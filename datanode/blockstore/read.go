package blockstore

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"kendfs/metadata"
)

const (
	lookupRetries     = 4
	verifyBufferBytes = 1 << 20
	readAheadBytes    = 2 << 20
)

// errMoved tells that a block is no longer where its row said.
var errMoved = errors.New("block was moved")

// Block is a stored block, open for reading. It stays readable while the block
// is deleted or moved. Close must be called.
type Block struct {
	s    *Store
	id   metadata.BlockID
	file *openFile
	off  int64 // of the data in the file
	len  uint32
	sums []uint32
	next atomic.Int64 // read so far in order; for read-ahead
	told atomic.Int64 // up to where the kernel was told to read ahead
}

// lookup returns a block's row, with the error that callers are to see.
func (s *Store) lookup(k key) (row, error) {
	r, err := s.index.lookup(k)
	return r, s.indexError("look up block "+k.id().String(), err)
}

// indexError returns the error that callers are to see after a question to the
// index. Once Pebble could not write its manifest, its tables may come apart
// under its feet: "not found" would be a guess.
func (s *Store) indexError(doing string, err error) error {
	if err != nil && isShort(err) {
		return diskError(doing, err)
	}
	if err != nil {
		s.fail(err)
		return diskError(doing, err)
	}
	if s.indexDead.Load() {
		return metadata.Errorf(metadata.KindUnavailable, "%s: the disk has failed, and its index with it", doing)
	}
	return nil
}

// OpenBlock opens a block for reading: the cheap way to read much of it.
// KindNotFound: it is not here. KindCorrupt: it is, but its header cannot be
// read or is wrong.
func (s *Store) OpenBlock(id metadata.BlockID) (*Block, error) {
	if id.Volume == 0 || id.Local == 0 {
		return nil, metadata.Errorf(metadata.KindNotFound, "block %v is not on this disk", id)
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	for range lookupRetries {
		r, err := s.lookup(keyOf(id))
		if err != nil {
			return nil, err
		}
		if !r.live() {
			return nil, metadata.Errorf(metadata.KindNotFound, "block %v is not on this disk", id)
		}
		b, err := s.open(keyOf(id), r)
		if !errors.Is(err, errMoved) {
			return b, err
		}
	}
	return nil, s.corrupt(id, "its pack or file is missing")
}

// corrupt makes, and counts, the error of a block that cannot be read.
func (s *Store) corrupt(id metadata.BlockID, format string, args ...any) error {
	s.stats.corrupt.Add(1)
	return metadata.Errorf(metadata.KindCorrupt, "block "+id.String()+": "+format, args...)
}

// open opens the block that a row points to.
func (s *Store) open(k key, r row) (*Block, error) {
	fk, path := fileKey{pack: r.pack}, func() string { return packPath(s.fs, s.dir, r.pack) }
	if r.kind == recordFile {
		bf := r.file(k)
		fk, path = fileKey{file: bf}, func() string { return s.filePath(bf) }
	}
	f, err := s.files.get(fk, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errMoved
	}
	if isShort(err) {
		return nil, diskError("open block "+k.id().String(), err)
	}
	if err != nil {
		return nil, s.corrupt(k.id(), "open: %w", err)
	}
	b := &Block{s: s, id: k.id(), file: f, len: r.length}
	if r.kind == recordFile {
		err = b.readFooter(r.file(k))
	} else {
		err = b.readHeader(k, r)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// readHeader reads the checksums of a block in a pack.
func (b *Block) readHeader(k key, r row) error {
	head := make([]byte, recordHeaderBytes+4*chunkCount(r.length))
	if _, err := b.file.f.ReadAt(head, r.off); err != nil {
		return b.s.corrupt(b.id, "read header: %v", err)
	}
	h, ok := parseHeader(head, recordMagic)
	sums := head[recordHeaderBytes:]
	if !ok || !checkHeader(head[:recordHeaderBytes], sums, placeCRC(b.s.secret, uint64(r.pack), r.off)) ||
		h.kind != recordBlock || h.key != k || h.length != r.length {
		return b.s.corrupt(b.id, "its header in pack %d at %d is damaged", r.pack, r.off)
	}
	b.off, b.sums = r.off+int64(len(head)), decodeSums(sums)
	return nil
}

// readFooter reads the checksums of a block in a file of its own.
func (b *Block) readFooter(f blockFile) error {
	end := make([]byte, footerBytes(b.len))
	if _, err := b.file.f.ReadAt(end, int64(b.len)); err != nil {
		return b.s.corrupt(b.id, "read footer: %v", err)
	}
	_, sums, err := parseFooter(end, f, b.s.secret)
	if err != nil {
		b.s.stats.corrupt.Add(1)
		return err
	}
	b.sums = sums
	return nil
}

// Length returns the block's length in bytes.
func (b *Block) Length() int64 { return int64(b.len) }

// Sums returns the stored checksums, one for each chunk. They are the block's:
// do not change them.
func (b *Block) Sums() []uint32 { return b.sums }

// ReadAt reads like io.ReaderAt, straight into p. It does not check the data:
// whoever uses it checks it against Sums. KindCorrupt: the disk cannot read it.
func (b *Block) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, metadata.Errorf(metadata.KindInvalid, "block %v: offset %d", b.id, off)
	}
	rest := int64(b.len) - off
	if rest <= 0 {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > rest {
		p, end = p[:rest], io.EOF
	}
	if ahead := off + int64(len(p)); b.s.direct && off == b.next.Load() && int64(len(p)) < rest &&
		ahead+readAheadBytes/2 > b.told.Load() {
		n := min(readAheadBytes, int64(b.len)-ahead)
		readAhead(b.file.f, b.off+ahead, n)
		b.told.Store(ahead + n)
	}
	n, err := b.file.f.ReadAt(p, b.off+off)
	if n == len(p) {
		err = nil
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // of the file, not of the block
	}
	b.s.stats.readBytes.Add(int64(n))
	if err != nil {
		return n, b.s.corrupt(b.id, "read at %d: %w", off, err)
	}
	b.next.Store(off + int64(n))
	return n, end
}

// Close gives the block's file back.
func (b *Block) Close() {
	if b.file != nil {
		b.s.files.put(b.file)
		b.file = nil
	}
}

// check reads all of the block and compares it with its checksums. buf is a
// multiple of a chunk, or as long as the block.
func (b *Block) check(buf []byte) error {
	for off := int64(0); off < int64(b.len); {
		n, err := b.ReadAt(buf, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !checkChunks(buf[:n], b.sums[off/metadata.ChunkBytes:]) {
			return b.s.corrupt(b.id, "data between %d and %d does not match its checksum", off, off+int64(n))
		}
		off += int64(n)
	}
	return nil
}

// Read reads up to len(buf) bytes of a block from off on, which is a multiple
// of ChunkBytes, and returns the stored checksum of every chunk that it touched.
// The data is not checked here: its reader does that. If buf does not reach the
// block's end, its length is a multiple of ChunkBytes. At the end: 0, nil,
// io.EOF. Other errors as OpenBlock, and KindInvalid.
func (s *Store) Read(ctx context.Context, id metadata.BlockID, off int64, buf []byte) (n int, sums []uint32, err error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	b, err := s.OpenBlock(id)
	if err != nil {
		return 0, nil, err
	}
	defer b.Close()
	end := off + int64(len(buf))
	if off < 0 || off%metadata.ChunkBytes != 0 || end < b.Length() && end%metadata.ChunkBytes != 0 {
		return 0, nil, metadata.Errorf(metadata.KindInvalid, "block %v: range %d+%d is not in whole chunks", id, off, len(buf))
	}
	if off >= b.Length() {
		return 0, nil, io.EOF
	}
	n, err = b.ReadAt(buf, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	s.stats.reads.Add(1)
	first := int(off / metadata.ChunkBytes)
	return n, b.sums[first : first+chunkCount(uint32(n))], nil
}

// ReadVerified is Read that checks the data. KindCorrupt: it is damaged.
func (s *Store) ReadVerified(ctx context.Context, id metadata.BlockID, off int64, buf []byte) (n int, sums []uint32, err error) {
	n, sums, err = s.Read(ctx, id, off, buf)
	if err == nil && !checkChunks(buf[:n], sums) {
		return 0, nil, s.corrupt(id, "data between %d and %d does not match its checksum", off, off+int64(n))
	}
	return n, sums, err
}

// Stat returns the length of a block. KindNotFound.
func (s *Store) Stat(id metadata.BlockID) (length int64, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	r, err := s.lookup(keyOf(id))
	if err != nil {
		return 0, err
	}
	if !r.live() {
		return 0, metadata.Errorf(metadata.KindNotFound, "block %v is not on this disk", id)
	}
	return int64(r.length), nil
}
