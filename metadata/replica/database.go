package replica

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// pebbleFormat is Pebble's own file format. It is pinned: a newer library must
// not change what is on disk by itself (RP-10). It has WAL sync chunks, by
// which replay tells a torn tail from damage in the middle.
const pebbleFormat = pebble.FormatValueSeparation

// formatVersion is the version of this package's rows in both databases.
const formatVersion = 1

// Rows of this package start with 0x00, which no row of the namespace does.
const (
	ownTable   = 0x00
	rowFormat  = 'f' // magic, version
	rowNode    = 'n' // log: the node's id
	rowInstall = 'i' // log: a received state is being switched to
	rowApplied = 'p' // state: index and term applied
	rowMembers = 'c' // state: configuration, JSON
)

// ownKey returns the key of one of this package's rows.
func ownKey(row byte) []byte { return []byte{ownTable, row} }

// databaseOptions describe one of the two databases.
type databaseOptions struct {
	fs       vfs.FS
	failure  *failure
	magic    string // 4 bytes
	cache    int64
	memtable uint64
	readOnly bool
}

// openDatabase opens or makes the database in dir and checks its format row.
func openDatabase(dir string, o databaseOptions) (*pebble.DB, error) {
	cache := pebble.NewCache(o.cache)
	defer cache.Unref()
	logger := pebbleLogger{failure: o.failure, logger: o.failure.logger}
	opts := &pebble.Options{
		FS:                          o.fs,
		Cache:                       cache,
		FormatMajorVersion:          pebbleFormat,
		MemTableSize:                o.memtable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       40,
		MaxOpenFiles:                500,
		ReadOnly:                    o.readOnly,
		Logger:                      logger,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				o.failure.set(metadata.Errorf(metadata.KindCorrupt, "%s: background write: %w", dir, err))
			},
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				o.failure.set(metadata.Errorf(metadata.KindCorrupt, "%s: %s", dir, info.String()))
			},
		},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindCorrupt, "open database %s: %w", dir, err)
	}
	if err := checkFormat(db, o.magic, o.readOnly); err != nil {
		_ = db.Close() // nothing was written
		return nil, metadata.Errorf(metadata.KindOf(err), "open database %s: %w", dir, err)
	}
	return db, nil
}

// checkFormat reads the format row, or writes it into an empty database.
func checkFormat(db *pebble.DB, magic string, readOnly bool) error {
	val, err := getRow(db, ownKey(rowFormat))
	if err != nil {
		return err
	}
	if val != nil {
		if len(val) != 8 || string(val[:4]) != magic {
			return metadata.Errorf(metadata.KindCorrupt, "format row is %q, want %s and a version", val, magic)
		}
		if v := binary.BigEndian.Uint32(val[4:]); v != formatVersion {
			return metadata.Errorf(metadata.KindUnsupported,
				"format version %d is unknown; this program reads version %d: use the program that wrote it", v, formatVersion)
		}
		return nil
	}
	it, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return err
	}
	if !empty || readOnly {
		return metadata.Errorf(metadata.KindCorrupt, "the database has no format row")
	}
	row := binary.BigEndian.AppendUint32([]byte(magic), formatVersion)
	return db.Set(ownKey(rowFormat), row, pebble.Sync)
}

// getRow returns a copy of a value, or nil.
func getRow(r pebble.Reader, key []byte) ([]byte, error) {
	val, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(val)), val...)
	return out, closer.Close()
}
