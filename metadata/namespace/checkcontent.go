package namespace

import (
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// content is what the tables say of one content.
type content struct {
	entries []*found
	staged  *metapb.ContentRow
	dead    bool // large, in the Z table

	refs  uint64 // in X rows
	bytes int64  // of them
}

// content returns the record of a content, a new one if need be.
func (c *checker) content(id uint64) *content {
	if c.live[id] == nil {
		c.live[id] = &content{}
	}
	return c.live[id]
}

// checkContents: every content is counted right and has all its references.
func (c *checker) checkContents() error {
	c.live = map[uint64]*content{}
	for _, f := range c.order {
		if !f.row.Dir {
			k := c.content(f.row.Content)
			k.entries = append(k.entries, f)
		}
	}
	shared := map[uint64]*metapb.ContentRow{}
	err := c.each(tableContent, func(key, val []byte) error {
		row, err := decodeRow[metapb.ContentRow](key, val)
		if err != nil {
			return err
		}
		if row.References == 0 {
			c.content(keyID(key, 0)).staged = row
		} else {
			shared[keyID(key, 0)] = row
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.readStaged(); err != nil {
		return err
	}
	if err := c.readRefs(); err != nil {
		return err
	}
	for _, id := range sortedKeys(c.live) {
		c.checkContent(id, c.live[id], shared[id])
	}
	for _, id := range sortedKeys(shared) {
		if c.live[id] == nil {
			c.errorf("content %d is counted %d times and no entry has it", id, shared[id].References)
		}
	}
	return nil
}

// readStaged compares the W rows with the staged contents, and reads the Z rows.
func (c *checker) readStaged() error {
	indexed := map[uint64]uint64{}
	err := c.each(tableStaged, func(key, _ []byte) error {
		indexed[keyID(key, 1)] = keyID(key, 0)
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(c.live) {
		if row := c.live[id].staged; row != nil && (row.Session == 0 || indexed[id] != row.Session) {
			c.errorf("content %d is staged by session %d and indexed under %d", id, row.Session, indexed[id])
		}
	}
	for _, id := range sortedKeys(indexed) {
		if k := c.live[id]; k == nil || k.staged == nil {
			c.errorf("session %d stages content %d, which is not staged", indexed[id], id)
		}
	}
	return c.each(tableDeadLarge, func(key, _ []byte) error {
		id := contentOf(key)
		if c.content(id).dead {
			c.errorf("content %d is dead twice", id)
		}
		c.content(id).dead = true
		return nil
	})
}

// readRefs sums up the X rows; each chunk but the last is full. A dead content
// is being released from its first chunk on.
func (c *checker) readRefs() error {
	var last, next uint64
	full := true
	return c.each(tableRefs, func(key, val []byte) error {
		row, err := decodeRow[metapb.RefChunk](key, val)
		if err != nil {
			return err
		}
		id := keyID(key, 0)
		chunk := uint64(binary.BigEndian.Uint32(key[9:]))
		k := c.live[id]
		if k == nil {
			c.errorf("content %d has references and nobody has it", id)
			k = c.content(id)
		}
		releasing := k.dead || k.staged != nil
		if id != last {
			next, full = 0, true
			if releasing {
				next = chunk
			}
		}
		if chunk != next || !full {
			c.errorf("content %d: chunk %d where %d is due (chunk before full: %t)", id, chunk, next, full)
		}
		if len(row.Blocks) == 0 || len(row.Blocks) > chunkRefs {
			c.errorf("content %d: chunk %d has %d references", id, chunk, len(row.Blocks))
		}
		last, next, full = id, chunk+1, len(row.Blocks) == chunkRefs
		k.refs += uint64(len(row.Blocks))
		for _, ref := range row.Blocks {
			k.bytes += int64(ref.Length)
		}
		return nil
	})
}

func (c *checker) checkContent(id uint64, k *content, shared *metapb.ContentRow) {
	if id == 0 || id >= c.v.cluster.NextContent {
		c.errorf("content %d: ids up to %d were given out", id, c.v.cluster.NextContent)
	}
	owners := 0
	for _, is := range []bool{len(k.entries) > 0, k.staged != nil, k.dead} {
		if is {
			owners++
		}
	}
	if owners > 1 {
		c.errorf("content %d: entries %d, staged %t, dead %t at once", id, len(k.entries), k.staged != nil, k.dead)
	}
	if s := k.staged; s != nil && !c.wholeStaged(k, s) {
		c.errorf("content %d: %d blocks, %d bytes staged, X rows have %d, %d", id, s.StagedBlocks, s.StagedBytes, k.refs, k.bytes)
	}
	if len(k.entries) == 0 {
		return
	}
	first := k.entries[0].row
	want := uint64(0)
	if first.BlockCount > 0 && len(k.entries) > 1 {
		want = uint64(len(k.entries))
	}
	if shared.GetReferences() != want {
		c.errorf("content %d: counted %d, wanted %d for %d entries", id, shared.GetReferences(), want, len(k.entries))
	}
	if shared != nil && shared.BlockCount != uint64(first.BlockCount) {
		c.errorf("content %d: counted with %d blocks, has %d", id, shared.BlockCount, first.BlockCount)
	}
	for _, f := range k.entries {
		same := f.row.Size == first.Size && f.row.BlockCount == first.BlockCount &&
			slices.EqualFunc(f.row.Blocks, first.Blocks, func(a, b *metapb.BlockRef) bool { return proto.Equal(a, b) })
		if !same {
			c.errorf("entries %d and %d have content %d and differ", first.Id, f.row.Id, id)
		}
	}
	count, bytes := k.refs, k.bytes
	if first.BlockCount <= metadata.InlineRefsMax {
		if k.refs != 0 {
			c.errorf("content %d: %d references in X rows, though they fit the entry", id, k.refs)
		}
		count, bytes = uint64(len(first.Blocks)), 0
		for _, ref := range first.Blocks {
			bytes += int64(ref.Length)
		}
	} else if len(first.Blocks) != 0 {
		c.errorf("content %d: references in the entry and in X rows", id)
	}
	if count != uint64(first.BlockCount) || bytes != first.Size {
		c.errorf("content %d: %d blocks of %d bytes, entry %d says %d of %d", id, count, bytes, first.Id, first.BlockCount, first.Size)
	}
}

// wholeStaged compares a staged content with its X rows. Those of ended sessions
// are taken apart by Reap in steps.
func (c *checker) wholeStaged(k *content, s *metapb.ContentRow) bool {
	alive, err := hasRow(c.v.r, keySession(s.Session))
	if err != nil {
		c.errs = append(c.errs, err)
	}
	if !alive {
		return k.refs <= uint64(s.StagedBlocks) && k.bytes <= s.StagedBytes
	}
	return k.refs == uint64(s.StagedBlocks) && k.bytes == s.StagedBytes
}

// checkRefs: every reference is to a committed block of its content, and every
// committed block has exactly one.
func (c *checker) checkRefs() error {
	type block struct {
		content uint64
		length  uint32
	}
	blocks := map[[2]uint64]block{}
	err := c.each(tableBlock, func(key, val []byte) error {
		content, length := pairOf(val)
		blocks[[2]uint64{keyID(key, 0), keyID(key, 1)}] = block{content, length}
		return nil
	})
	if err != nil {
		return err
	}
	claim := func(id uint64, refs []*metapb.BlockRef) {
		for _, ref := range refs {
			key := [2]uint64{ref.Volume, ref.Local}
			if got := blocks[key]; got != (block{id, ref.Length}) {
				c.errorf("content %d has block v%d/%d of %d bytes, its row says %+v", id, ref.Volume, ref.Local, ref.Length, got)
			}
			delete(blocks, key)
		}
	}
	for _, id := range sortedKeys(c.live) {
		if k := c.live[id]; len(k.entries) > 0 {
			claim(id, k.entries[0].row.Blocks)
		}
	}
	err = c.each(tableRefs, func(key, val []byte) error {
		row, err := decodeRow[metapb.RefChunk](key, val)
		claim(keyID(key, 0), row.GetBlocks())
		return err
	})
	left := len(blocks)
	if left > 0 {
		c.errorf("%d committed blocks have no reference", left)
	}
	return err
}
