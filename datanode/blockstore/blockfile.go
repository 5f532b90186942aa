package blockstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

const (
	fileWriteBytes = 1 << 20 // one write without descriptors
	fileFlushBytes = 8 << 20 // the kernel starts to write back after so much
	litterMax      = 1024    // files remembered that could not be removed; the others wait for the next Open
)

// footerPlace is what a footer's checksum starts with.
func footerPlace(secret uint32, gen uint64) uint32 { return placeCRC(secret, gen, -1) }

// footerBytes returns the length of checksums and footer of a block file.
func footerBytes(length uint32) int64 { return 4*int64(chunkCount(length)) + recordHeaderBytes }

// appendFooter appends the end of a block file: the checksums, then the header.
func appendFooter(b []byte, h header, sums []uint32, secret uint32) []byte {
	h.size = uint32(footerBytes(h.length)+7) &^ 7
	full := appendHeader(nil, footerMagic, h, sums, footerPlace(secret, h.aux))
	return append(append(b, full[recordHeaderBytes:]...), full[:recordHeaderBytes]...)
}

// parseFooter reads the end of a block file, checksums and header.
func parseFooter(b []byte, f blockFile, secret uint32) (header, []uint32, error) {
	bad := func(what string) (header, []uint32, error) {
		return header{}, nil, metadata.Errorf(metadata.KindCorrupt, "block file %s: %s", f.name(), what)
	}
	if len(b) < recordHeaderBytes {
		return bad("no footer")
	}
	sums, head := b[:len(b)-recordHeaderBytes], b[len(b)-recordHeaderBytes:]
	h, ok := parseHeader(head, footerMagic)
	if !ok || len(sums) != 4*chunkCount(h.length) || !checkHeader(head, sums, footerPlace(secret, f.gen)) {
		return bad("footer is damaged")
	}
	if err := checkVersion(h, "block file "+f.name()); err != nil {
		return header{}, nil, err
	}
	if h.kind != recordFile || h.key != f.key || h.aux != f.gen {
		return bad("footer is of another block")
	}
	return h, decodeSums(sums), nil
}

// path returns where the block file is, or will be.
func (s *Store) filePath(b blockFile) string {
	return s.fs.PathJoin(s.dir, blocksName, b.dir(), b.name())
}

// removeFile removes a block file; that it is gone already is no error.
func (s *Store) removeFile(b blockFile) error {
	s.files.drop(fileKey{file: b})
	return s.remove(s.fs.PathJoin(s.dir, blocksName, b.dir()), b.name())
}

// remove removes a file and remembers that its directory is to be synced.
func (s *Store) remove(dir, name string) error {
	if err := s.fs.Remove(s.fs.PathJoin(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.gate.Lock()
		defer s.gate.Unlock()
		if len(s.litter) < litterMax {
			s.litter[[2]string{dir, name}] = true
		} else {
			s.littered = true
		}
		return err
	}
	s.touched(dir)
	return nil
}

// clearLitter tries again to remove what could not be removed. All of it is
// litter for good: the name of a file is never used for another one. What stays
// is left to the next Open, which Close sees to.
func (s *Store) clearLitter() {
	s.gate.Lock()
	litter := s.litter
	s.litter = map[[2]string]bool{}
	s.gate.Unlock()
	for l := range litter {
		if err := s.remove(l[0], l[1]); err != nil {
			s.log.Warn("file that nobody needs cannot be removed", "file", l[1], "err", err)
		}
	}
}

// touched notes that a directory is to be synced.
func (s *Store) touched(dir string) {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.removed[dir] = true
}

// syncRemoved makes removals durable, so that no power cut brings a file back
// that nobody knows.
func (s *Store) syncRemoved() error {
	s.gate.Lock()
	dirs := s.removed
	s.removed = map[string]bool{}
	s.gate.Unlock()
	for dir := range dirs {
		if err := syncDir(s.fs, dir); err != nil {
			for rest := range dirs {
				s.touched(rest)
			}
			return err
		}
		delete(dirs, dir)
	}
	return nil
}

// writeBlockFile writes a large block under its final name, durably. Nothing
// refers to the file yet.
func (s *Store) writeBlockFile(ctx context.Context, b newBlock) (blockFile, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return blockFile{}, ctx.Err()
	}
	f := blockFile{b.key, rand.Uint64()}
	temp := s.fs.PathJoin(s.dir, tempName)
	err := s.writeTemp(s.fs.PathJoin(temp, f.name()), f, b)
	if err == nil {
		r := &renaming{temp: s.fs.PathJoin(temp, f.name()), file: f, done: make(chan error, 1)}
		s.rename <- r
		err = <-r.done
	}
	if err == nil {
		return f, nil
	}
	if s.Failed() == nil {
		_ = s.remove(temp, f.name()) // else the next compaction does it
		if !passes(err) {
			s.fail(err)
		}
	}
	if f := s.Failed(); f != nil {
		return blockFile{}, f
	}
	return blockFile{}, diskError("write block file", err)
}

// writeTemp writes data, checksums and footer, and syncs them.
func (s *Store) writeTemp(name string, bf blockFile, b newBlock) error {
	f, err := s.fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := &fileWriter{f: f, direct: s.direct}
	err = func() error {
		if s.direct {
			if err := allocate(f, 0, int64(b.length)+footerBytes(b.length)); err != nil {
				return err
			}
		}
		for _, p := range b.data {
			if err := w.write(p); err != nil {
				return err
			}
		}
		h := header{kind: recordFile, key: b.key, length: b.length, aux: bf.gen}
		if err := w.write(appendFooter(nil, h, b.sums, s.secret)); err != nil {
			return err
		}
		if err := f.SyncData(); err != nil {
			return syncError{err}
		}
		if s.direct {
			dropCache(f, 0, w.off)
		}
		return nil
	}()
	if cerr := f.Close(); err == nil && cerr != nil {
		err = syncError{cerr}
	}
	return err
}

// fileWriter writes a file from its start and keeps the kernel busy meanwhile.
type fileWriter struct {
	f            vfs.File
	direct       bool
	off, flushed int64
}

func (w *fileWriter) write(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), fileWriteBytes)
		if w.direct {
			if err := writeVector(w.f, [][]byte{p[:n]}, w.off); err != nil {
				return err
			}
		} else if _, err := w.f.WriteAt(p[:n], w.off); err != nil {
			return err
		}
		w.off += int64(n)
		p = p[n:]
		if w.off-w.flushed >= fileFlushBytes {
			if _, err := w.f.SyncTo(w.off); err != nil {
				return syncError{err}
			}
			w.flushed = w.off
		}
	}
	return nil
}

// renaming asks the rename loop to give a file its final name.
type renaming struct {
	temp string
	file blockFile
	done chan error
	err  error
}

// renameLoop names finished files, many at a time, so that they share the
// syncs of their directories.
func (s *Store) renameLoop() {
	defer s.tasks.Done()
	for first := range s.rename {
		group := []*renaming{first}
	gather:
		for len(group) < batchOpsMax {
			select {
			case next, ok := <-s.rename:
				if !ok {
					break gather
				}
				group = append(group, next)
			default:
				break gather
			}
		}
		s.renameGroup(group)
	}
}

// renameGroup renames, syncs every directory once, and answers.
func (s *Store) renameGroup(group []*renaming) {
	dirs, synced := map[string]vfs.File{}, map[string]error{}
	for _, r := range group {
		name := r.file.dir()
		if r.err = s.writable(); r.err == nil && dirs[name] == nil {
			// First, for a name that cannot be made durable then is of no use.
			var d vfs.File
			if d, r.err = s.fs.OpenDir(s.fs.PathJoin(s.dir, blocksName, name)); r.err == nil {
				dirs[name] = d
			}
		}
		if r.err == nil {
			r.err = s.fs.Rename(r.temp, s.filePath(r.file))
		}
		if r.err == nil {
			synced[name] = nil
		}
	}
	for name, d := range dirs {
		if _, renamed := synced[name]; renamed {
			if err := d.Sync(); err != nil {
				synced[name] = syncError{err}
			}
		}
		_ = d.Close() // the sync counts
	}
	for _, r := range group {
		if r.err == nil {
			r.err = synced[r.file.dir()]
		}
		r.done <- r.err
	}
}

// adopt takes block files into the log that a damaged log had lost.
func (s *Store) adopt(files []blockFile) error {
	for _, b := range files {
		h, _, err := s.readFooter(b)
		if err != nil {
			s.log.Warn("unknown block file is left alone", "file", b.name(), "err", err)
			continue
		}
		err = s.submit(context.Background(), &op{bytes: recordHeaderBytes, stage: func(t *txn, g *group) error {
			if r, err := t.row(b.key); err != nil || r.kind != recordNone {
				return err
			}
			return g.add(header{kind: recordFile, key: b.key, length: h.length, aux: b.gen}, nil, nil)
		}})
		if err != nil {
			return err
		}
		s.log.Warn("block file that the damaged log had lost is taken up again", "block", b.key.id().String())
	}
	return nil
}

// readFooter reads a block file's end without knowing its length.
func (s *Store) readFooter(b blockFile) (header, []uint32, error) {
	f, err := s.fs.Open(s.filePath(b))
	if err != nil {
		return header{}, nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return header{}, nil, err
	}
	head := make([]byte, recordHeaderBytes)
	if stat.Size() < recordHeaderBytes {
		return parseFooter(nil, b, s.secret)
	}
	if _, err := f.ReadAt(head, stat.Size()-recordHeaderBytes); err != nil {
		return header{}, nil, err
	}
	h, ok := parseHeader(head, footerMagic)
	if !ok || stat.Size() != int64(h.length)+footerBytes(h.length) {
		return parseFooter(nil, b, s.secret)
	}
	end := make([]byte, footerBytes(h.length))
	if _, err := f.ReadAt(end, int64(h.length)); err != nil {
		return header{}, nil, err
	}
	return parseFooter(end, b, s.secret)
}
