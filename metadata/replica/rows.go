package replica

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"kendfs/metadata/namespace"
)

// rowReader shows the namespace its rows in a Pebble snapshot or batch; this
// package's own rows stay out of sight. It implements namespace.Reader.
type rowReader struct{ r pebble.Reader }

// Get returns a copy of the value, or nil.
func (r rowReader) Get(key []byte) ([]byte, error) { return getRow(r.r, key) }

// Scan calls fn for lower ≤ key < upper in order. The slices are valid during
// the call.
func (r rowReader) Scan(lower, upper []byte, fn func(k, v []byte) (bool, error)) (err error) {
	if len(lower) == 0 || lower[0] == ownTable {
		lower = []byte{ownTable + 1}
	}
	if len(upper) == 0 {
		upper = nil // no bound; Pebble takes an empty slice for the lowest key
	}
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		val, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		more, err := fn(it.Key(), val)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// rowWriter collects the writes of commands in an indexed batch, which their
// reads see. It implements namespace.KV. Rows that are hot are kept beside the
// batch, too, where they are found faster.
type rowWriter struct {
	rowReader
	b      *pebble.Batch
	db     *pebble.DB
	rows   *hotRows
	index  uint64            // of the state that the batch changes
	writes map[string][]byte // hot rows that the batch changes; nil: deletes
}

func newRowWriter(db *pebble.DB, rows *hotRows, index uint64) *rowWriter {
	b := db.NewIndexedBatch()
	return &rowWriter{rowReader: rowReader{b}, b: b, db: db, rows: rows, index: index, writes: map[string][]byte{}}
}

// Get returns the value, which must not be changed, or nil.
func (w *rowWriter) Get(key []byte) ([]byte, error) {
	if !namespace.Hot(key) {
		return w.rowReader.Get(key)
	}
	if val, ok := w.writes[string(key)]; ok {
		return val, nil
	}
	if val, ok := w.rows.get(key, w.index); ok {
		return val, nil
	}
	val, err := getRow(w.db, key)
	if err == nil {
		w.rows.learn(key, val, w.index)
	}
	return val, err
}

// Set writes a row.
func (w *rowWriter) Set(key, val []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if namespace.Hot(key) {
		w.writes[string(key)] = append(make([]byte, 0, len(val)), val...)
	}
	return w.b.Set(key, val, nil)
}

// Delete removes a row.
func (w *rowWriter) Delete(key []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if namespace.Hot(key) {
		w.writes[string(key)] = nil
	}
	return w.b.Delete(key, nil)
}

// commit makes the writes the state at index.
func (w *rowWriter) commit(index uint64) error {
	w.rows.begin(w.writes)
	if err := w.b.Commit(pebble.NoSync); err != nil {
		return err // the node stops; the rows in memory are of no state any more
	}
	w.rows.finish(w.writes, index)
	return nil
}

// checkKey keeps the namespace out of this package's table.
func checkKey(key []byte) error {
	if len(key) == 0 || key[0] == ownTable {
		return errors.New("the namespace wrote a row of table 0")
	}
	return nil
}
