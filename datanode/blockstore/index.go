package blockstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// The rows of the index. Numbers in keys are big-endian, those in values are
// varints unless DESIGN.md says otherwise.
const (
	rowsMeta      = 'm' // format and disk of the index
	rowsBlock     = 'b' // volume, local -> row
	rowsGrave     = 'g' // volume, local, pack -> nothing: a dead record of the key is still in that pack
	rowsFileGrave = 'f' // volume, local, generation -> nothing: a dead file is still there
	rowsVolume    = 'v' // volume -> counters
	rowsPack      = 'p' // pack -> how far it is indexed, live bytes
	rowsDamage    = 'd' // pack, offset -> length of a part that cannot be read
	indexVersion  = 1
)

// row is where the newest record of a key is.
type row struct {
	kind   recordKind // recordNone: no such row
	pack   uint32
	off    int64
	length uint32
	aux    uint64
}

// live reports whether the row stands for a block.
func (r row) live() bool { return r.kind == recordBlock || r.kind == recordFile }

// size returns the bytes of the row's record in its pack.
func (r row) size() int64 { return recordSize(r.kind, r.length) }

// file returns the block file that the row points to.
func (r row) file(k key) blockFile { return blockFile{k, r.aux} }

// counters sum up a volume. A volume is known as long as it has a block or a
// fence.
type counters struct {
	blocks, bytes int64
	digest        uint64
	fence         metadata.LocalID
	fenced        bool
}

func (c counters) empty() bool { return c.blocks == 0 && !c.fenced }

// packInfo is what the index knows of a pack.
type packInfo struct {
	end    int64 // the log is indexed up to here
	live   int64 // bytes of records that are still needed
	sealed bool  // nothing is appended any more; end is the log's end
}

// errIndex marks a damaged index: it is dropped and rebuilt from the packs.
var errIndex = errors.New("index is damaged")

// indexBroken is the error of an index that cannot be read: it is damaged, unless
// the process is only short of something.
func indexBroken(err error) error {
	if isShort(err) {
		return diskError("read the index", err)
	}
	return fmt.Errorf("%w: %w", errIndex, err)
}

// index is the derived Pebble database.
type index struct {
	db    *pebble.DB
	fs    *indexFS
	fresh bool // it was made by this Open
}

// indexFS stands between Pebble and the file system where Pebble would retry
// without pause, or panic, after an error.
type indexFS struct {
	vfs.FS
	ev      indexEvents
	closing chan struct{}
	opened  atomic.Bool // Pebble runs: before, it must not be held up
}

// Create is the first step of every flush and compaction. On a full disk it
// waits a moment; on a failed one until Close, for nothing can come of it.
func (f *indexFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	var moment <-chan time.Time
	if f.ev.full() {
		moment = time.After(fullPause)
	}
	if f.opened.Load() && (moment != nil || f.ev.failed()) {
		select {
		case <-f.closing:
		case <-moment:
		}
	}
	if f.ev.failed() {
		return nil, errNoMore
	}
	file, err := f.FS.Create(name, c)
	if err == nil && strings.HasPrefix(f.PathBase(name), "MANIFEST-") {
		return manifest{file, f}, nil
	}
	return file, err
}

// Remove keeps what a failed disk has: its list of tables may not have become
// durable, and the one before names tables that Pebble thinks it is done with.
func (f *indexFS) Remove(name string) error {
	if f.opened.Load() && f.ev.failed() {
		return errNoMore
	}
	return f.FS.Remove(name)
}

// manifest is Pebble's list of tables. Once Pebble runs its writes cannot fail:
// Pebble would leave its view of the tables half changed, rely on a Fatalf that
// does not return, and panic over it at the next compaction. The store is
// failed instead.
type manifest struct {
	vfs.File
	fs *indexFS
}

// hide fails the store in the place of Pebble.
func (m manifest) hide(err error) error {
	if err == nil || !m.fs.opened.Load() {
		return err
	}
	m.fs.ev.fatal(fmt.Errorf("index: list of tables: %w", err))
	return nil
}

func (m manifest) Write(p []byte) (int, error) {
	n, err := m.File.Write(p)
	if err != nil && m.hide(err) == nil {
		return len(p), nil
	}
	return n, err
}

func (m manifest) Preallocate(off, length int64) error {
	return m.hide(m.File.Preallocate(off, length))
}

func (m manifest) Sync() error { return m.hide(m.File.Sync()) }

func (m manifest) SyncData() error { return m.hide(m.File.SyncData()) }

func (m manifest) SyncTo(length int64) (fullSync bool, err error) {
	fullSync, err = m.File.SyncTo(length)
	return fullSync, m.hide(err)
}

// OpenDir returns a directory whose Sync cannot fail, because Pebble would
// panic. The store is failed instead.
func (f *indexFS) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return indexDir{d, f.ev.fatal}, nil
}

type indexDir struct {
	vfs.File
	fatal func(error)
}

func (d indexDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.fatal(fmt.Errorf("index: sync directory: %w", err))
	}
	return nil
}

// errNoMore ends Pebble's tries to write to a failed disk.
var errNoMore = errors.New("disk has failed")

// fullPause is the time between two tries to flush the index to a full disk.
const fullPause = 100 * time.Millisecond

// indexLog receives Pebble's messages. Fatalf returns: the store is failed and
// writes nothing more, and the index can be rebuilt.
type indexLog struct{ fatal func(error) }

func (indexLog) Infof(string, ...any)  {}
func (indexLog) Errorf(string, ...any) {}
func (l indexLog) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf("index: "+format, args...))
}

// indexEvents are how the index tells the store of trouble in the background.
type indexEvents struct {
	fatal   func(error) // nothing more can be written
	trouble func(error) // a flush or compaction failed and will be tried again
	damaged func(error) // a checksum of the index is wrong
	flushed func()      // a flush succeeded
	full    func() bool // the disk was full at the last flush
	failed  func() bool // nothing will be written any more
}

// openIndex opens or creates the database in dir and checks that it is this
// disk's. An error that wraps errIndex asks for a rebuild.
func openIndex(fs vfs.FS, dir string, disk metadata.DiskID, ev indexEvents) (*index, error) {
	shim := &indexFS{FS: fs, ev: ev, closing: make(chan struct{})}
	cache := pebble.NewCache(indexCacheBytes)
	defer cache.Unref()
	opts := &pebble.Options{
		FS:                          shim,
		Cache:                       cache,
		MemTableSize:                indexMemtableBytes,
		MemTableStopWritesThreshold: 8,
		MaxOpenFiles:                128,
		DisableWAL:                  true, // the packs are the log
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      indexLog{ev.fatal},
		EventListener: &pebble.EventListener{
			BackgroundError: ev.trouble,
			FlushEnd: func(i pebble.FlushInfo) {
				if i.Err == nil {
					ev.flushed()
				}
			},
			DataCorruption: func(i pebble.DataCorruptionInfo) { ev.damaged(fmt.Errorf("%s: %w", i.Path, errIndex)) },
		},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, indexBroken(err)
	}
	shim.opened.Store(true)
	x := &index{db: db, fs: shim}
	if err := x.checkMeta(disk); err != nil {
		return nil, errors.Join(err, x.close())
	}
	return x, nil
}

// checkMeta writes the meta row into a new index and checks that of an old one.
func (x *index) checkMeta(disk metadata.DiskID) error {
	want := binary.BigEndian.AppendUint64([]byte{indexVersion}, uint64(disk))
	got, err := x.get([]byte{rowsMeta})
	switch {
	case err != nil:
		return err
	case got == nil:
		x.fresh = true
		return x.db.Set([]byte{rowsMeta}, want, pebble.NoSync)
	case len(got) > 0 && got[0] > indexVersion:
		return fmt.Errorf("version %d: %w", got[0], errIndex)
	case string(got) != string(want):
		return fmt.Errorf("of another disk: %w", errIndex)
	}
	return nil
}

// close closes the database. Nothing may use it any more.
func (x *index) close() error {
	close(x.fs.closing)
	return x.db.Close()
}

// get returns the value of a row, nil when there is none.
func (x *index) get(k []byte) ([]byte, error) {
	v, closer, err := x.db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, indexBroken(err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, closer.Close()
}

// lookup returns the row of a key.
func (x *index) lookup(k key) (row, error) {
	var kb [17]byte
	v, closer, err := x.db.Get(appendKey(kb[:0], rowsBlock, k))
	if errors.Is(err, pebble.ErrNotFound) {
		return row{}, nil
	}
	if err != nil {
		return row{}, indexBroken(err)
	}
	r, err := decodeRow(v)
	return r, errors.Join(err, closer.Close())
}

// scan calls fn with the rows in [lower, upper) until it returns false.
func (x *index) scan(lower, upper []byte, fn func(k, v []byte) (more bool, err error)) error {
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return indexBroken(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		more, err := fn(it.Key(), it.Value())
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	if err := it.Error(); err != nil {
		_ = it.Close() // reports the same error
		return indexBroken(err)
	}
	return it.Close()
}

// scanTable scans all rows of a table.
func (x *index) scanTable(table byte, fn func(k, v []byte) (bool, error)) error {
	return x.scan([]byte{table}, []byte{table + 1}, fn)
}

// appendKey appends the key of a block's row, or the start of its graves'.
func appendKey(b []byte, table byte, k key) []byte {
	b = append(b, table)
	b = binary.BigEndian.AppendUint64(b, uint64(k.volume))
	return binary.BigEndian.AppendUint64(b, uint64(k.local))
}

// parseKey is the inverse; it ignores what follows.
func parseKey(b []byte) (key, bool) {
	if len(b) < 17 {
		return key{}, false
	}
	return key{metadata.VolumeID(binary.BigEndian.Uint64(b[1:])), metadata.LocalID(binary.BigEndian.Uint64(b[9:]))}, true
}

func volumeKey(v metadata.VolumeID) []byte {
	return binary.BigEndian.AppendUint64([]byte{rowsVolume}, uint64(v))
}

func packKey(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{rowsPack}, n) }

func damageKey(n uint32, off int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32([]byte{rowsDamage}, n), uint64(off))
}

// appendRow appends the value of a block's row.
func appendRow(b []byte, r row) []byte {
	b = append(b, byte(r.kind))
	b = binary.AppendUvarint(b, uint64(r.pack))
	b = binary.AppendUvarint(b, uint64(r.off))
	b = binary.AppendUvarint(b, uint64(r.length))
	return binary.AppendUvarint(b, r.aux)
}

func decodeRow(b []byte) (row, error) {
	if len(b) < 1 || b[0] == 0 || b[0] >= byte(recordEnd) {
		return row{}, fmt.Errorf("block row: %w", errIndex)
	}
	n, ok := decodeUvarints(b[1:], 4)
	if !ok {
		return row{}, fmt.Errorf("block row: %w", errIndex)
	}
	return row{recordKind(b[0]), uint32(n[0]), int64(n[1]), uint32(n[2]), n[3]}, nil
}

func appendCounters(b []byte, c counters) []byte {
	b = binary.AppendUvarint(b, uint64(c.blocks))
	b = binary.AppendUvarint(b, uint64(c.bytes))
	b = binary.AppendUvarint(b, c.digest)
	b = binary.AppendUvarint(b, uint64(c.fence))
	return binary.AppendUvarint(b, uint64(boolByte(c.fenced)))
}

func decodeCounters(b []byte) (counters, error) {
	n, ok := decodeUvarints(b, 5)
	if !ok {
		return counters{}, fmt.Errorf("volume row: %w", errIndex)
	}
	return counters{int64(n[0]), int64(n[1]), n[2], metadata.LocalID(n[3]), n[4] != 0}, nil
}

func appendPackInfo(b []byte, p packInfo) []byte {
	b = binary.AppendUvarint(b, uint64(p.end))
	b = binary.AppendUvarint(b, uint64(p.live))
	return binary.AppendUvarint(b, uint64(boolByte(p.sealed)))
}

func decodePackInfo(b []byte) (packInfo, error) {
	n, ok := decodeUvarints(b, 3)
	if !ok {
		return packInfo{}, fmt.Errorf("pack row: %w", errIndex)
	}
	return packInfo{int64(n[0]), int64(n[1]), n[2] != 0}, nil
}

// decodeUvarints reads exactly n numbers.
func decodeUvarints(b []byte, n int) (out [5]uint64, ok bool) {
	for i := range n {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			return out, false
		}
		out[i], b = v, b[k:]
	}
	return out, len(b) == 0
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
