package blockstore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"kendfs/metadata"
)

// state is the part of the index that is also kept in memory: one small entry
// for each volume and each pack.
type state struct {
	index *index

	mu      sync.RWMutex // guards what follows; only the append loop and recovery write
	volumes map[metadata.VolumeID]counters
	packs   map[uint32]packInfo
	used    int64 // bytes of all blocks
	blocks  int64
}

// loadState reads the counters of volumes and packs.
func loadState(x *index) (*state, error) {
	s := &state{index: x, volumes: map[metadata.VolumeID]counters{}, packs: map[uint32]packInfo{}}
	err := x.scanTable(rowsVolume, func(k, v []byte) (bool, error) {
		c, err := decodeCounters(v)
		if err != nil || len(k) != 9 {
			return false, fmt.Errorf("volume row: %w", errIndex)
		}
		s.volumes[metadata.VolumeID(binary.BigEndian.Uint64(k[1:]))] = c
		s.used += c.bytes
		s.blocks += c.blocks
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return s, x.scanTable(rowsPack, func(k, v []byte) (bool, error) {
		p, err := decodePackInfo(v)
		if err != nil || len(k) != 5 {
			return false, fmt.Errorf("pack row: %w", errIndex)
		}
		s.packs[binary.BigEndian.Uint32(k[1:])] = p
		return true, nil
	})
}

// volume returns a volume's counters.
func (s *state) volume(v metadata.VolumeID) counters {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.volumes[v]
}

// pack returns what is known of a pack.
func (s *state) pack(n uint32) (packInfo, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.packs[n]
	return p, ok
}

type grave struct {
	key  key
	pack uint32
}

type damage struct {
	pack uint32
	off  int64
}

// txn collects the changes that a group of records makes to the index. It is
// the one place where the meaning of a record is written down: the append loop
// and recovery both use it, so a rebuilt index is the same index.
type txn struct {
	s          *state
	rows       map[key]row
	graves     map[grave]bool     // true: added, false: removed
	fileGraves map[blockFile]bool // likewise
	volumes    map[metadata.VolumeID]counters
	packs      map[uint32]packInfo
	dropped    map[uint32]bool
	damages    map[damage]int64
	buried     map[key]bool // keys that got a grave in this transaction

	// The row that was looked up last: who adds a record asks for it first.
	lastKey key
	lastRow row
	hasLast bool
}

func newTxn(s *state) *txn {
	return &txn{
		s: s, rows: map[key]row{}, graves: map[grave]bool{}, fileGraves: map[blockFile]bool{},
		volumes: map[metadata.VolumeID]counters{}, packs: map[uint32]packInfo{},
		dropped: map[uint32]bool{}, damages: map[damage]int64{}, buried: map[key]bool{},
	}
}

// row returns the newest record of a key, as this transaction sees it.
func (t *txn) row(k key) (row, error) {
	if r, ok := t.rows[k]; ok {
		return r, nil
	}
	if t.hasLast && t.lastKey == k {
		return t.lastRow, nil
	}
	r, err := t.s.index.lookup(k)
	t.lastKey, t.lastRow, t.hasLast = k, r, err == nil
	return r, err
}

// volume returns a volume's counters, as this transaction sees them.
func (t *txn) volume(v metadata.VolumeID) counters {
	if c, ok := t.volumes[v]; ok {
		return c
	}
	return t.s.volume(v)
}

// pack returns a pack's counters, as this transaction sees them.
func (t *txn) pack(n uint32) packInfo {
	if p, ok := t.packs[n]; ok {
		return p
	}
	p, _ := t.s.pack(n)
	return p
}

// addLive changes how much of a pack is needed. A pack that is gone stays gone.
func (t *txn) addLive(n uint32, bytes int64) {
	p := t.pack(n)
	if p == (packInfo{}) && bytes < 0 {
		return
	}
	p.live += bytes
	t.packs[n] = p
}

// apply adds one record that is durable at that place. A later record of a key
// replaces an earlier one.
func (t *txn) apply(h header, pack uint32, off int64) error {
	old, err := t.row(h.key)
	if err != nil {
		return err
	}
	r := row{h.kind, pack, off, h.length, h.aux}
	if h.kind == recordTombstone && old.kind == recordNone {
		return nil // nothing to keep dead
	}
	if old.kind != recordNone {
		t.bury(h.key, old, r)
	}
	t.addLive(pack, r.size())
	t.rows[h.key] = r
	t.count(h.key, old, r)
	return nil
}

// bury notes that the old record of a key is dead but still on disk, where a
// rebuild of the index would find it.
func (t *txn) bury(k key, old, now row) {
	t.addLive(old.pack, -old.size())
	if old.kind == recordTombstone || old.kind == recordSeal {
		return // found again, it would do no harm
	}
	t.buried[k] = true
	t.graves[grave{k, old.pack}] = true
	if old.kind == recordFile && (now.kind != recordFile || now.aux != old.aux) {
		t.fileGraves[old.file(k)] = true
	}
}

// count keeps the volume's counters.
func (t *txn) count(k key, old, now row) {
	if k.volume == 0 {
		return
	}
	c := t.volume(k.volume)
	if k.local == 0 {
		c.fenced = now.kind == recordFence
		c.fence = 0
		if c.fenced {
			c.fence = metadata.LocalID(now.aux)
		}
	}
	if old.live() {
		c.blocks--
		c.bytes -= int64(old.length)
		c.digest ^= k.id().Digest()
	}
	if now.live() {
		c.blocks++
		c.bytes += int64(now.length)
		c.digest ^= k.id().Digest()
	}
	t.volumes[k.volume] = c
}

// needed reports whether a tombstone must be kept when pack `except` goes:
// whether another dead record or file of the key is on disk.
func (t *txn) needed(k key, except uint32) (bool, error) {
	if t.buried[k] {
		return true, nil // by a delete of this moment; that it may be too careful costs one small record
	}
	found := false
	prefix := appendKey(nil, rowsFileGrave, k)
	err := t.s.index.scan(prefix, append(prefix[:17:17], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), func(b, _ []byte) (bool, error) {
		removed, ok := t.fileGraves[blockFile{k, binary.BigEndian.Uint64(b[17:])}]
		found = !ok || removed
		return !found, nil
	})
	if found || err != nil {
		return found, err
	}
	prefix = appendKey(nil, rowsGrave, k)
	err = t.s.index.scan(prefix, append(prefix[:17:17], 0xff, 0xff, 0xff, 0xff, 0xff), func(b, _ []byte) (bool, error) {
		g := grave{k, binary.BigEndian.Uint32(b[17:])}
		added, ok := t.graves[g]
		found = g.pack != except && (!ok || added)
		return !found, nil
	})
	return found, err
}

// forget removes the grave of a dead record, and the tombstone that guarded
// only it.
func (t *txn) forget(g grave) error {
	t.graves[g] = false
	return t.forgetTombstone(g.key)
}

// forgetFile does the same for a dead file.
func (t *txn) forgetFile(f blockFile) error {
	t.fileGraves[f] = false
	return t.forgetTombstone(f.key)
}

func (t *txn) forgetTombstone(k key) error {
	r, err := t.row(k)
	if err != nil || r.kind != recordTombstone {
		return err
	}
	if keep, err := t.needed(k, 0); keep || err != nil {
		return err
	}
	t.addLive(r.pack, -r.size())
	t.rows[k] = row{}
	return nil
}

// dropPack removes a pack that is no longer on disk, with its seal and its
// damages.
func (t *txn) dropPack(n uint32) error {
	t.dropped[n] = true
	return t.dropSeal(key{0, metadata.LocalID(n)})
}

// dropSeal removes the seal of a pack that is no longer on disk.
func (t *txn) dropSeal(k key) error {
	r, err := t.row(k)
	if err != nil || r.kind == recordNone {
		return err
	}
	t.addLive(r.pack, -r.size())
	t.rows[k] = row{}
	return nil
}

// setEnd notes how far a pack is indexed.
func (t *txn) setEnd(n uint32, end int64, sealed bool) {
	p := t.pack(n)
	p.end, p.sealed = end, sealed
	t.packs[n] = p
}

// commit writes the changes, not synced: what a crash loses is read again from
// the packs.
func (t *txn) commit() error {
	b := t.s.index.db.NewBatch()
	if err := t.fill(b); err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for v, c := range t.volumes {
		old := t.s.volumes[v]
		t.s.used += c.bytes - old.bytes
		t.s.blocks += c.blocks - old.blocks
		if c.empty() {
			delete(t.s.volumes, v)
		} else {
			t.s.volumes[v] = c
		}
	}
	maps.Copy(t.s.packs, t.packs)
	for n := range t.dropped {
		delete(t.s.packs, n)
	}
	return nil
}

// fill turns the changes into a batch.
func (t *txn) fill(b *pebble.Batch) error {
	w := batchWriter{b: b}
	for k, r := range t.rows {
		w.put(appendKey(w.key[:0], rowsBlock, k), appendRow(w.val[:0], r), r.kind != recordNone)
	}
	for g, added := range t.graves {
		w.put(binary.BigEndian.AppendUint32(appendKey(w.key[:0], rowsGrave, g.key), g.pack), nil, added)
	}
	for f, added := range t.fileGraves {
		w.put(binary.BigEndian.AppendUint64(appendKey(w.key[:0], rowsFileGrave, f.key), f.gen), nil, added)
	}
	for v, c := range t.volumes {
		w.put(volumeKey(v), appendCounters(w.val[:0], c), !c.empty())
	}
	for n, p := range t.packs {
		w.put(packKey(n), appendPackInfo(w.val[:0], p), !t.dropped[n])
	}
	for d, n := range t.damages {
		w.put(damageKey(d.pack, d.off), binary.AppendUvarint(w.val[:0], uint64(n)), true)
	}
	for n := range t.dropped {
		w.put(packKey(n), nil, false)
		if w.err == nil {
			w.err = b.DeleteRange(damageKey(n, 0), damageKey(n+1, 0), nil)
		}
	}
	return w.err
}

// batchWriter keeps the first error of many writes.
type batchWriter struct {
	b   *pebble.Batch
	key [32]byte
	val [64]byte
	err error
}

func (w *batchWriter) put(k, v []byte, set bool) {
	switch {
	case w.err != nil:
	case set:
		w.err = w.b.Set(k, v, nil)
	default:
		w.err = w.b.Delete(k, nil)
	}
}
