package namespace

import (
	"bytes"
	"slices"
	"sort"
)

// MemKV is a KV in memory: for tests, and for looking into a snapshot. The zero
// value is empty and ready. It is not safe for concurrent use.
//
// Rows lie in pages of up to memPageRows in order; a page that grows beyond is split.
type MemKV struct {
	pages [][]memRow
}

type memRow struct{ key, val []byte }

const memPageRows = 256

var _ KV = (*MemKV)(nil)

// find returns the page and the position in it where key is or would be.
func (m *MemKV) find(key []byte) (page, at int, found bool) {
	page = sort.Search(len(m.pages), func(i int) bool {
		return bytes.Compare(m.pages[i][0].key, key) > 0
	}) - 1
	if page < 0 {
		return 0, 0, false
	}
	at, found = slices.BinarySearchFunc(m.pages[page], key, func(r memRow, k []byte) int {
		return bytes.Compare(r.key, k)
	})
	return page, at, found
}

// Get implements Reader.
func (m *MemKV) Get(key []byte) ([]byte, error) {
	if page, at, ok := m.find(key); ok {
		return m.pages[page][at].val, nil
	}
	return nil, nil
}

// Set implements KV.
func (m *MemKV) Set(key, val []byte) error {
	val = append(make([]byte, 0, len(val)), val...)
	page, at, ok := m.find(key)
	if ok {
		m.pages[page][at].val = val
		return nil
	}
	row := memRow{key: bytes.Clone(key), val: val}
	if len(m.pages) == 0 {
		m.pages = append(m.pages, []memRow{row})
		return nil
	}
	rows := slices.Insert(m.pages[page], at, row)
	m.pages[page] = rows
	if len(rows) > memPageRows {
		half := len(rows) / 2
		right := append(make([]memRow, 0, memPageRows+1), rows[half:]...)
		clear(rows[half:])
		m.pages[page] = rows[:half]
		m.pages = slices.Insert(m.pages, page+1, right)
	}
	return nil
}

// Delete implements KV.
func (m *MemKV) Delete(key []byte) error {
	page, at, ok := m.find(key)
	if !ok {
		return nil
	}
	m.pages[page] = slices.Delete(m.pages[page], at, at+1)
	if len(m.pages[page]) == 0 {
		m.pages = slices.Delete(m.pages, page, page+1)
	}
	return nil
}

// Scan implements Reader.
func (m *MemKV) Scan(lower, upper []byte, fn func(key, val []byte) (bool, error)) error {
	page, at, _ := m.find(lower)
	for ; page < len(m.pages); page, at = page+1, 0 {
		for ; at < len(m.pages[page]); at++ {
			row := m.pages[page][at]
			if upper != nil && bytes.Compare(row.key, upper) >= 0 {
				return nil
			}
			if more, err := fn(row.key, row.val); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// Clone returns an independent copy.
func (m *MemKV) Clone() *MemKV {
	c := &MemKV{pages: make([][]memRow, len(m.pages))}
	for i, rows := range m.pages {
		c.pages[i] = slices.Clone(rows) // values are replaced, never changed in place
	}
	return c
}
