package replica

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
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

// rowWriter collects a command's writes in an indexed batch, which its reads
// see. It implements namespace.KV.
type rowWriter struct {
	rowReader
	b *pebble.Batch
}

func newRowWriter(b *pebble.Batch) rowWriter { return rowWriter{rowReader{b}, b} }

// Set writes a row.
func (w rowWriter) Set(key, val []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return w.b.Set(key, val, nil)
}

// Delete removes a row.
func (w rowWriter) Delete(key []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return w.b.Delete(key, nil)
}

// checkKey keeps the namespace out of this package's table.
func checkKey(key []byte) error {
	if len(key) == 0 || key[0] == ownTable {
		return errors.New("the namespace wrote a row of table 0")
	}
	return nil
}
