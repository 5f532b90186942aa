package blockstore

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"kendfs/metadata"
)

// scanned is a record that was found in a pack.
type scanned struct {
	header
	off     int64
	corrupt bool // the header is right, the data is not
}

// region is a part of a pack that holds no readable record but should.
type region struct{ off, n int64 }

// scanner walks over the records of one pack. See DESIGN.md, "Recovery", for
// how it tells a torn tail from damage.
type scanner struct {
	f      io.ReaderAt
	pack   uint32
	secret uint32
	size   int64 // of the file, or the log's end when that is known
	sealed bool  // size is the log's end: everything before it was acknowledged
	verify bool  // read and check data, too
	window []byte
	start  int64    // of window in the file
	failed []region // that the disk could not read
}

// scanResult tells how a walk ended.
type scanResult struct {
	end     int64 // of the good part of the log
	dirty   bool  // behind the end there is something other than zeros
	damages []region
	// rescued are good records behind the end, in the group that was cut off.
	// If it was not cut off but damaged later, they had been acknowledged.
	rescued []scanned
}

const scanWindowBytes = 1 << 20

// bytes returns n bytes at off, fewer at the end of the file. They are valid
// until the next call.
func (s *scanner) bytes(off int64, n int) ([]byte, error) {
	if n = int(min(int64(n), s.size-off)); n <= 0 {
		return nil, nil
	}
	if off >= s.start && off+int64(n) <= s.start+int64(len(s.window)) {
		return s.window[off-s.start:][:n], nil
	}
	want := int(min(int64(max(n, scanWindowBytes)), s.size-off))
	if cap(s.window) < want {
		s.window = make([]byte, want)
	}
	got, err := s.f.ReadAt(s.window[:want], off)
	if err != nil && !errors.Is(err, io.EOF) {
		got, err = s.salvage(s.window[:want], off)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.window = s.window[:0]
		return nil, err
	}
	s.window, s.start = s.window[:got], off
	return s.window[:min(n, got)], nil
}

// salvage reads in small pieces what cannot be read as a whole, so that a bad
// sector costs the records in it and not the disk. What cannot be read is
// filled with ones, which nothing valid looks like. Only a file of which
// nothing can be read is an error.
func (s *scanner) salvage(b []byte, off int64) (int, error) {
	const sector = 4096
	done, any := 0, false
	for done < len(b) {
		piece := b[done:min(done+sector-int((off+int64(done))%sector), len(b))]
		n, err := s.f.ReadAt(piece, off+int64(done))
		switch {
		case err == nil || n == len(piece):
			any = true
		case errors.Is(err, io.EOF):
			return done + n, err
		case !any && done+len(piece) == len(b):
			return 0, err
		default:
			for i := range piece {
				piece[i] = 0xff
			}
			s.failed = append(s.failed, region{off + int64(done), int64(len(piece))})
		}
		done += len(piece)
	}
	return done, nil
}

// read returns the record at off; ok is false when there is none.
func (s *scanner) read(off int64) (rec scanned, ok bool, err error) {
	b, err := s.bytes(off, recordHeaderBytes)
	if err != nil {
		return rec, false, err
	}
	h, ok := parseHeader(b, recordMagic)
	if !ok || h.batch > off {
		return rec, false, nil
	}
	sumBytes := 4 * sumCount(h.kind, h.length)
	if b, err = s.bytes(off, recordHeaderBytes+sumBytes); err != nil || len(b) < recordHeaderBytes+sumBytes {
		return rec, false, err
	}
	place := placeCRC(s.secret, uint64(s.pack), off)
	if !checkHeader(b[:recordHeaderBytes], b[recordHeaderBytes:], place) {
		return rec, false, nil
	}
	if err := checkVersion(h, packName(s.pack)); err != nil {
		return rec, false, err
	}
	if int64(h.size) != recordSize(h.kind, h.length) {
		return rec, false, nil
	}
	rec = scanned{header: h, off: off}
	if s.verify && h.kind == recordBlock {
		rec.corrupt, err = s.badData(h, off, sumBytes)
	} else {
		rec.corrupt = off+int64(h.size) > s.size
	}
	return rec, true, err
}

// badData checks the data of a block against its checksums.
func (s *scanner) badData(h header, off int64, sumBytes int) (bool, error) {
	b, err := s.bytes(off, int(h.size))
	if err != nil || len(b) < int(h.size) {
		return true, err
	}
	sums, data := b[recordHeaderBytes:][:sumBytes], b[recordHeaderBytes+sumBytes:][:h.length]
	for i := 0; len(data) > 0; i++ {
		n := min(len(data), metadata.ChunkBytes)
		if crc32.Checksum(data[:n], crcTable()) != binary.LittleEndian.Uint32(sums[4*i:]) {
			return true, nil
		}
		data = data[n:]
	}
	return false, nil
}

// search returns the next place from off on where a record is, s.size when
// there is none, and whether it passed anything but zeros.
func (s *scanner) search(ctx context.Context, off int64) (next int64, nonzero bool, err error) {
	for off < s.size {
		if err := ctx.Err(); err != nil {
			return 0, nonzero, err
		}
		b, err := s.bytes(off, scanWindowBytes)
		if err != nil {
			return 0, nonzero, err
		}
		if len(b) == 0 {
			break // the file is shorter than the log should be
		}
		again := false
		for i := 0; i < len(b); i += 8 {
			word := b[i:min(i+8, len(b))]
			if allZero(word) {
				continue
			}
			nonzero = true
			if len(word) < 8 || binary.LittleEndian.Uint32(word) != recordMagic {
				continue
			}
			at := off + int64(i)
			if _, ok, err := s.read(at); ok || err != nil {
				return at, nonzero, err
			}
			off, again = at+8, true // read may have moved the window
			break
		}
		if !again {
			off += int64(len(b))
		}
	}
	return s.size, nonzero, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// walk calls emit for the records from `from` on, in order. In a pack that is
// not sealed, records behind a bad one are held back until a record of a later
// group shows that the bad one had been acknowledged: then it is damage.
// Otherwise the log ends there.
func (s *scanner) walk(ctx context.Context, from int64, emit func(scanned) error) (res scanResult, err error) {
	w := walker{s: s, emit: emit, suspect: -1}
	off := from
	for off < s.size {
		rec, ok, err := s.read(off)
		if err != nil {
			return w.res, err
		}
		if ok && rec.batch < w.lastBatch {
			ok = false // left over from an append that failed
		}
		if !ok {
			next, nonzero, err := s.search(ctx, off+8)
			if err != nil {
				return w.res, err
			}
			head, err := s.bytes(off, 8)
			if err != nil {
				return w.res, err
			}
			if next == s.size && !s.sealed {
				w.res.dirty = w.res.dirty || nonzero || !allZero(head)
				break
			}
			w.bad(off, region{off, next - off}, nil)
			off = next
			continue
		}
		if err := w.found(rec); err != nil {
			return w.res, err
		}
		off += int64(rec.size)
	}
	return w.finish(max(min(off, s.size), from))
}

// walker is the state of one walk.
type walker struct {
	s         *scanner
	emit      func(scanned) error
	res       scanResult
	lastBatch int64
	suspect   int64 // the first bad place that may be a torn tail; -1: none
	held      []scanned
	regions   []region
}

// bad notes a bad place: damage in a sealed pack, else perhaps a torn tail.
func (w *walker) bad(off int64, r region, rec *scanned) {
	if w.s.sealed {
		w.res.damages = append(w.res.damages, r)
		return
	}
	if w.suspect < 0 {
		w.suspect = off
	}
	w.regions = append(w.regions, r)
	if rec != nil {
		w.held = append(w.held, *rec)
	}
}

// found handles a record whose header is right.
func (w *walker) found(rec scanned) error {
	w.lastBatch = rec.batch
	if w.suspect >= 0 && rec.batch > w.suspect {
		if err := w.confirm(); err != nil {
			return err
		}
	}
	if rec.corrupt {
		w.bad(rec.off, region{rec.off, int64(rec.size)}, &rec)
		if !w.s.sealed {
			return nil
		}
	}
	if w.suspect >= 0 {
		w.held = append(w.held, rec)
		return nil
	}
	return w.emit(rec)
}

// confirm: what was suspect had been acknowledged, so it is damage, and the
// records behind it count.
func (w *walker) confirm() error {
	w.res.damages = append(w.res.damages, w.regions...)
	held := w.held
	w.suspect, w.held, w.regions = -1, nil, nil
	for _, rec := range held {
		if err := w.emit(rec); err != nil {
			return err
		}
	}
	return nil
}

// finish sets where the log ends. What is still suspect is a torn tail.
func (w *walker) finish(off int64) (scanResult, error) {
	w.res.end = off
	w.res.damages = append(w.res.damages, w.s.failed...)
	if w.suspect >= 0 {
		w.res.end, w.res.dirty = w.suspect, true
		for _, rec := range w.held {
			if !rec.corrupt {
				w.res.rescued = append(w.res.rescued, rec)
			}
		}
	}
	return w.res, nil
}
