package replica

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"kendfs/metadata/namespace"
)

// Bounds of the rows in memory.
const (
	hotBytesMax = 4 << 20 // of each of two generations
	hotRowBytes = 128     // what a row takes beside its key and value
)

// hotRows keeps rows in memory that commands and queries read by their keys
// again and again (namespace.Hot). A Pebble lookup costs 2 to 5 µs, and a small
// upload needed a dozen.
//
// What is here is the newest state: a row is in it as of index, and has not
// changed since its own. So a reader of an older state takes those rows that
// were there then, and finds the others in its snapshot. Rows are dropped by
// generation: what nobody asked for while the young one filled is forgotten.
type hotRows struct {
	mu       sync.RWMutex
	index    uint64 // the state that the rows are of; as all below guarded by mu
	changing bool   // a newer state is being committed: what it changes is out already
	young    map[string]hotRow
	old      map[string]hotRow
	bytes    int // of young
}

// hotRow is a row; a nil value says that there is none.
type hotRow struct {
	val   []byte // never changed in place
	since uint64
}

func newHotRows(index uint64) *hotRows {
	return &hotRows{index: index, young: map[string]hotRow{}}
}

// at returns the index of the state that the rows are of, and whether a newer
// one is about to replace it.
func (h *hotRows) at() (index uint64, changing bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.index, h.changing
}

// get returns the row of key as of the state at index; false: look it up.
func (h *hotRows) get(key []byte, index uint64) ([]byte, bool) {
	h.mu.RLock()
	row, ok := h.young[string(key)]
	aged := false
	if !ok {
		row, aged = h.old[string(key)]
	}
	h.mu.RUnlock()
	if aged {
		h.rejuvenate(key)
	}
	if !ok && !aged || row.since > index {
		return nil, false
	}
	return row.val, true
}

// rejuvenate keeps a row that is still asked for.
func (h *hotRows) rejuvenate(key []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if row, ok := h.old[string(key)]; ok {
		delete(h.old, string(key))
		h.put(string(key), row)
	}
}

// learn adds a row that was read from the state at index, unless that is not
// the newest any more.
func (h *hotRows) learn(key, val []byte, index uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.index == index && !h.changing {
		h.put(string(key), hotRow{val, index})
	}
}

// put adds a row. mu is held.
func (h *hotRows) put(key string, row hotRow) {
	if before, ok := h.young[key]; ok {
		h.bytes -= len(key) + len(before.val) + hotRowBytes
	}
	h.young[key] = row
	h.bytes += len(key) + len(row.val) + hotRowBytes
	if h.bytes > hotBytesMax {
		h.old, h.young, h.bytes = h.young, map[string]hotRow{}, 0
	}
}

// begin takes out the rows that the next state changes, before it is committed.
func (h *hotRows) begin(writes map[string][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changing = true
	for key := range writes {
		if before, ok := h.young[key]; ok {
			h.bytes -= len(key) + len(before.val) + hotRowBytes
			delete(h.young, key)
		}
		delete(h.old, key)
	}
}

// finish makes the state at index, which is committed, the newest.
func (h *hotRows) finish(writes map[string][]byte, index uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.index, h.changing = index, false
	for key, val := range writes {
		h.put(key, hotRow{val, index})
	}
}

// reset forgets everything: the state at index has come from elsewhere. Nobody
// reads meanwhile.
func (h *hotRows) reset(index uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.index, h.changing, h.bytes = index, false, 0
	h.young, h.old = map[string]hotRow{}, nil
}

// errMoved ends a query whose state has been replaced before it needed a snapshot.
var errMoved = errors.New("the state has changed meanwhile")

// hotReader reads the state at one index: rows in memory first, all others from
// a snapshot, which is made when it is needed first. It implements
// namespace.Reader and belongs to one goroutine.
type hotReader struct {
	db    *pebble.DB
	rows  *hotRows
	index uint64
	snap  *pebble.Snapshot // nil: not needed so far
	moved bool             // it came too late: ask again
}

// Get returns the value, which must not be changed, or nil.
func (r *hotReader) Get(key []byte) ([]byte, error) {
	hot := namespace.Hot(key)
	if hot {
		if val, ok := r.rows.get(key, r.index); ok {
			return val, nil
		}
	}
	if err := r.need(); err != nil {
		return nil, err
	}
	val, err := getRow(r.snap, key)
	if err == nil && hot {
		r.rows.learn(key, val, r.index)
	}
	return val, err
}

// Scan is rowReader's, of the snapshot.
func (r *hotReader) Scan(lower, upper []byte, fn func(k, v []byte) (bool, error)) error {
	if err := r.need(); err != nil {
		return err
	}
	return rowReader{r.snap}.Scan(lower, upper, fn)
}

// need makes the snapshot. It is of the reader's state if no newer one was
// being committed after it had been made.
func (r *hotReader) need() error {
	if r.snap != nil {
		return nil
	}
	snap := r.db.NewSnapshot()
	if index, changing := r.rows.at(); index != r.index || changing {
		r.moved = true
		return errors.Join(errMoved, snap.Close())
	}
	r.snap = snap
	return nil
}

func (r *hotReader) close() error {
	if r.snap == nil {
		return nil
	}
	return r.snap.Close()
}
