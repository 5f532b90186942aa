package blockstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

const (
	packMagic       = "KENPACK1"
	packHeaderBytes = 4096 // a page of its own, so that appends never rewrite it
	packHeadBytes   = 36
)

// appendPackHeader appends the first page of a pack.
func appendPackHeader(b []byte, disk metadata.DiskID, n uint32) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = append(b, packMagic...)
	b = le.AppendUint32(b, formatVersion)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(disk))
	b = le.AppendUint64(b, uint64(n))
	b = le.AppendUint32(b, crc32.Checksum(b[start:], crcTable()))
	return append(b, make([]byte, packHeaderBytes-packHeadBytes)...)
}

// checkPackHeader verifies the first page. KindUnsupported: of a version that
// this program does not know; KindCorrupt: anything else that is wrong.
func checkPackHeader(b []byte, disk metadata.DiskID, n uint32) error {
	le := binary.LittleEndian
	if len(b) < packHeadBytes || string(b[:8]) != packMagic || le.Uint32(b[32:]) != crc32.Checksum(b[:32], crcTable()) {
		return metadata.Errorf(metadata.KindCorrupt, "pack %d: header is damaged", n)
	}
	if v := le.Uint32(b[8:]); v != formatVersion {
		return metadata.Errorf(metadata.KindUnsupported,
			"pack %d: version %d; this program reads version %d: use a newer one", n, v, formatVersion)
	}
	if d, m := metadata.DiskID(le.Uint64(b[16:])), le.Uint64(b[24:]); d != disk || m != uint64(n) {
		return metadata.Errorf(metadata.KindCorrupt, "pack %d: is pack %d of disk %v", n, m, d)
	}
	return nil
}

// activePack is the pack that records are appended to. The append loop owns it.
type activePack struct {
	n         uint32
	f         vfs.File
	end       int64 // of what was acknowledged
	allocated int64
	zeroed    int64 // up to here zeros were written, or records
	limit     int64
	direct    bool // f is a file of the operating system: write with pwritev
	inPlace   bool // its file system writes into the same place again
}

// createPack makes pack n with the header and the given first records, all
// durable before it returns.
func (s *Store) createPack(n uint32, first []byte) (*activePack, error) {
	path := packPath(s.fs, s.dir, n)
	dir, err := s.fs.OpenDir(s.fs.PathJoin(s.dir, packsName)) // first, for it is needed to undo, too
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // its syncs count
	f, err := s.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	p := &activePack{n: n, f: f, limit: s.packLimit, direct: s.direct, inPlace: s.direct && inPlace(f)}
	err = func() error {
		if err := p.reserve(packHeaderBytes); err != nil {
			return err
		}
		b := append(appendPackHeader(nil, s.id.disk, n), first...)
		if err := p.write([][]byte{b}, 0, len(b)); err != nil {
			return err
		}
		p.end = int64(len(b))
		if err := f.Sync(); err != nil {
			return syncError{err}
		}
		if err := dir.Sync(); err != nil {
			return syncError{err}
		}
		return nil
	}()
	if err != nil {
		_ = f.Close() // it never held anything
		return nil, s.undoPack(path, dir, err)
	}
	return p, nil
}

// undoPack removes a pack that could not be made. It must not come back after
// a crash, for its seal would cut off what is yet to be appended to the old pack.
func (s *Store) undoPack(path string, dir vfs.File, cause error) error {
	if err := s.fs.Remove(path); err != nil {
		return syncError{errors.Join(cause, err)}
	}
	if err := dir.Sync(); err != nil {
		return syncError{errors.Join(cause, err)}
	}
	return cause
}

// resumePack opens pack n to append after end.
func (s *Store) resumePack(n uint32, end int64) (*activePack, error) {
	f, err := s.fs.OpenReadWrite(packPath(s.fs, s.dir, n), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return &activePack{n: n, f: f, end: end, allocated: info.Size(), limit: s.packLimit, direct: s.direct,
		inPlace: s.direct && inPlace(f)}, nil
}

// fits reports whether n more bytes belong into this pack. Records without data
// may use a small reserve behind the limit.
func (p *activePack) fits(n int64, small bool) bool {
	limit := p.limit
	if small {
		limit += packSlackBytes
	}
	return p.end+n <= limit
}

// reserve allocates space for n more bytes, ahead of need and in steps; on a
// disk without room for a whole step it takes what it gets.
func (p *activePack) reserve(n int64) error {
	need := p.end + n
	if !p.direct || need <= p.allocated {
		return nil
	}
	for step := int64(preallocStepBytes); ; step /= 4 {
		to := min(max(need, p.allocated+step), max(need, p.limit+packSlackBytes))
		err := allocate(p.f, p.allocated, to-p.allocated)
		if err == nil {
			p.allocated = to
			return nil
		}
		if !isNoSpace(err) || to == need {
			return err
		}
	}
}

// prepare writes zeros where the next small groups will go. Space that is only
// allocated counts as unwritten: the first fdatasync of what is written into it
// waits for the file system's journal, and so for everybody else on the disk.
// With zeros that happens once for zeroStepBytes. Large groups do without, for
// they would be written twice.
func (p *activePack) prepare(n int64) error {
	if !p.inPlace || n > zeroGroupMax || p.end+n <= p.zeroed {
		return nil
	}
	from := max(p.zeroed, p.end)
	to := min(p.end+n+zeroStepBytes, p.allocated)
	zeros := make([]byte, zeroPieceBytes)
	for off := from; off < to; {
		n := min(to-off, zeroPieceBytes)
		if err := writeVector(p.f, [][]byte{zeros[:n]}, off); err != nil {
			return err
		}
		off += n
	}
	p.zeroed = max(to, from)
	return nil
}

// write puts the pieces, total bytes together, at off. It does not sync.
func (p *activePack) write(pieces [][]byte, off int64, total int) error {
	if p.direct {
		return writeVector(p.f, pieces, off)
	}
	buf := pieces[0]
	if len(pieces) > 1 {
		buf = make([]byte, 0, total)
		for _, b := range pieces {
			buf = append(buf, b...)
		}
	}
	_, err := p.f.WriteAt(buf, off)
	return err
}

// syncError marks an error of fsync: it is never retried, whatever it is.
type syncError struct{ err error }

func (e syncError) Error() string { return fmt.Sprintf("sync: %v", e.err) }
func (e syncError) Unwrap() error { return e.err }
