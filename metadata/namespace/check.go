package namespace

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Check returns every violated invariant of the namespace, nil when there is
// none. It reads everything and keeps a record of each entry in memory.
func Check(r Reader) []error {
	v, err := newView(r)
	if err != nil {
		return []error{err}
	}
	c := &checker{v: v}
	if v.cluster == nil {
		c.checkEmpty()
		return c.errs
	}
	for _, part := range []func() error{
		c.readEntries, c.readDirs, c.checkTree, c.checkTrash, c.checkCounters,
		c.checkProps, c.checkContents, c.checkRefs, c.checkLocks, c.checkResults, c.checkTables,
	} {
		if err := part(); err != nil {
			return append(c.errs, err)
		}
	}
	return append(c.errs, checkFleet(r)...)
}

// StateHash returns the SHA-256 of all rows in order. Nodes that have applied
// the same batches have the same.
func StateHash(r Reader) ([32]byte, error) {
	h := sha256.New()
	var n [8]byte
	err := scanRows(r, []byte{0}, nil, func(key, val []byte) (bool, error) {
		binary.BigEndian.PutUint32(n[:4], uint32(len(key)))
		binary.BigEndian.PutUint32(n[4:], uint32(len(val)))
		h.Write(n[:])
		h.Write(key)
		h.Write(val)
		return true, nil
	})
	return [32]byte(h.Sum(nil)), err
}

// checker gathers the entries once and compares all other tables with them.
type checker struct {
	v    view
	errs []error

	entries map[uint64]*found // by id
	order   []*found          // as the keys are
	dirs    map[uint64]*metapb.DirRow
	trash   map[uint64]bool

	live map[uint64]*content // by id: has a reference from an entry, a stage or the dead
}

// found is an entry with where it was found.
type found struct {
	dir   uint64
	base  string
	row   *metapb.EntryRow
	path  string // set when it is in the tree
	sum   usage  // of what is below a directory
	alive bool   // in the tree, not in the trash
}

func (c *checker) errorf(format string, args ...any) {
	if len(c.errs) < checkErrorsMax {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

// each scans a table.
func (c *checker) each(table byte, fn func(key, val []byte) error) error {
	return scanRows(c.v.r, []byte{table}, []byte{table + 1}, func(key, val []byte) (bool, error) {
		err := fn(key, val)
		return true, err
	})
}

// checkEmpty: before Init there may be an index, nothing else.
func (c *checker) checkEmpty() {
	err := scanRows(c.v.r, []byte{0}, nil, func(key, _ []byte) (bool, error) {
		if key[0] != tableApplied {
			c.errorf("row %q in a namespace without a cluster row", key)
		}
		return true, nil
	})
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *checker) readEntries() error {
	c.entries = map[uint64]*found{}
	return c.each(tableEntry, func(key, val []byte) error {
		row, err := decodeRow[metapb.EntryRow](key, val)
		if err != nil {
			return err
		}
		if len(key) < 9 {
			c.errorf("entry key %q is too short", key)
			return nil
		}
		f := &found{dir: keyID(key, 0), base: string(key[9:]), row: row}
		c.checkEntry(f)
		if twin := c.entries[row.Id]; twin != nil {
			c.errorf("entry %d is in directory %d as %q and in %d as %q", row.Id, twin.dir, twin.base, f.dir, f.base)
		}
		c.entries[row.Id] = f
		c.order = append(c.order, f)
		return nil
	})
}

// checkEntry checks what an entry's row says by itself.
func (c *checker) checkEntry(f *found) {
	row := f.row
	switch {
	case row.Id == 0 || row.Id >= c.v.cluster.NextEntry:
		c.errorf("entry %d: ids up to %d were given out", row.Id, c.v.cluster.NextEntry)
	case row.Id == rootID:
		if f.dir != 0 || f.base != "" || !row.Dir {
			c.errorf("the root is in directory %d as %q", f.dir, f.base)
		}
		return
	}
	if err := metadata.CheckName(f.base); err != nil || metadata.NameKey(f.base) != f.base {
		c.errorf("entry %d: key %q is not a name in NFC", row.Id, f.base)
	}
	if row.Name != "" && (metadata.NameKey(row.Name) != f.base || row.Name == f.base) {
		c.errorf("entry %d: written name %q under the key %q", row.Id, row.Name, f.base)
	}
	if row.Dir && (row.Size != 0 || row.Content != 0 || row.BlockCount != 0 || len(row.Blocks) != 0) {
		c.errorf("entry %d: a directory with a file's attributes", row.Id)
	}
	if !row.Dir && (row.Size < 0 || row.Content == 0 || row.Content >= c.v.cluster.NextContent) {
		c.errorf("entry %d: size %d, content %d", row.Id, row.Size, row.Content)
	}
}

func (c *checker) readDirs() error {
	c.dirs, c.trash = map[uint64]*metapb.DirRow{}, map[uint64]bool{}
	err := c.each(tableDir, func(key, val []byte) error {
		row, err := decodeRow[metapb.DirRow](key, val)
		c.dirs[keyID(key, 0)] = row
		return err
	})
	if err != nil {
		return err
	}
	return c.each(tableTrash, func(key, val []byte) error {
		_, err := decodeRow[metapb.TrashRow](key, val)
		c.trash[keyID(key, 0)] = true
		return err
	})
}

// checkTree walks down from the root: every directory row is reached once, from
// the root or from the trash, and knows its parent.
func (c *checker) checkTree() error {
	root := c.entries[rootID]
	if root == nil || c.dirs[rootID] == nil {
		c.errorf("the root does not exist")
		return nil
	}
	members := map[uint64][]*found{}
	for _, f := range c.order {
		if f.row.Id != rootID {
			members[f.dir] = append(members[f.dir], f)
		}
		if f.dir != 0 && c.dirs[f.dir] == nil {
			c.errorf("entry %d %q is in directory %d, which does not exist", f.row.Id, f.base, f.dir)
		}
	}
	reached := map[uint64]bool{}
	c.descend(root, members, reached)
	for _, id := range sortedKeys(c.trash) {
		if c.entries[id] != nil {
			c.errorf("directory %d is in the tree and in the trash", id)
		}
		c.descend(&found{row: &metapb.EntryRow{Id: id, Dir: true}}, members, reached)
	}
	for _, id := range sortedKeys(c.dirs) {
		if !reached[id] {
			c.errorf("directory %d is neither in the tree nor in the trash", id)
		}
	}
	return nil
}

// descend visits everything below top and sums up usage on the way back.
func (c *checker) descend(top *found, members map[uint64][]*found, reached map[uint64]bool) {
	top.alive = top.row.Id == rootID
	visited := []*found{top}
	for i := 0; i < len(visited); i++ {
		dir := visited[i]
		if reached[dir.row.Id] {
			c.errorf("directory %d is reached twice", dir.row.Id)
			continue
		}
		reached[dir.row.Id] = true
		for _, f := range members[dir.row.Id] {
			f.alive, f.path = dir.alive, dir.path+"/"+f.base
			if !f.row.Dir {
				continue
			}
			if d := c.dirs[f.row.Id]; d == nil {
				c.errorf("directory %d %q has no row", f.row.Id, f.base)
			} else if d.Parent != f.dir || d.Key != f.base {
				c.errorf("directory %d: row says (%d, %q), entry is (%d, %q)", f.row.Id, d.Parent, d.Key, f.dir, f.base)
			}
			visited = append(visited, f)
		}
	}
	for i := len(visited) - 1; i >= 0; i-- {
		dir := visited[i]
		dir.sum = usage{}
		for _, f := range members[dir.row.Id] {
			if f.row.Dir {
				dir.sum = dir.sum.plus(f.sum).plus(usage{dirs: 1})
			} else {
				dir.sum = dir.sum.plus(usage{bytes: f.row.Size, files: 1})
			}
		}
	}
}

func (c *checker) checkTrash() error {
	for _, id := range sortedKeys(c.trash) {
		if c.dirs[id] == nil {
			c.errorf("directory %d is in the trash and has no row", id)
		}
	}
	return nil
}

// checkCounters compares the counters of the directories in the tree with what
// is there. Those in the trash are not kept up.
func (c *checker) checkCounters() error {
	for _, f := range c.order {
		d := c.dirs[f.row.Id]
		if !f.row.Dir || d == nil || !f.alive {
			continue
		}
		if got := (usage{d.Bytes, d.Files, d.Dirs}); got != f.sum {
			c.errorf("directory %d %q counts %+v, holds %+v", f.row.Id, f.path, got, f.sum)
		}
		if d.QuotaBytes < 0 || d.Replication > metadata.ReplicasMax {
			c.errorf("directory %d: quota %d, replication %d", f.row.Id, d.QuotaBytes, d.Replication)
		}
	}
	return nil
}

// checkProps: each property belongs to an entry that counts it.
func (c *checker) checkProps() error {
	counts := map[uint64]uint32{}
	err := c.each(tableProp, func(key, val []byte) error {
		row, err := decodeRow[metapb.PropRow](key, val)
		if err != nil {
			return err
		}
		id := keyID(key, 0)
		counts[id]++
		if string(keyProp(id, row.Space, row.Local)) != string(key) {
			c.errorf("property %q of entry %d is under the key %q", row.Local, id, key)
		}
		if c.entries[id] == nil && c.dirs[id] == nil {
			c.errorf("property %q belongs to entry %d, which does not exist", row.Local, id)
		}
		return nil
	})
	for _, f := range c.order {
		if f.row.Props != counts[f.row.Id] {
			c.errorf("entry %d counts %d properties, has %d", f.row.Id, f.row.Props, counts[f.row.Id])
		}
	}
	return err
}

// checkTables: no row is in a table that nobody knows.
func (c *checker) checkTables() error {
	known := "aCDIPKXWZTLlMeuVGQqNUSJRYEAHOBF"
	var tables [256]bool
	for i := range len(known) {
		tables[known[i]] = true
	}
	return scanRows(c.v.r, []byte{0}, nil, func(key, _ []byte) (bool, error) {
		if !tables[key[0]] {
			c.errorf("row %q is in no table", key)
		}
		return true, nil
	})
}

// checkResults: kept results can be decoded and are not below the floor.
func (c *checker) checkResults() error {
	floors := map[uint64]uint64{}
	return c.each(tableResult, func(key, val []byte) error {
		session, sequence := keyID(key, 0), keyID(key, 1)
		if sequence == 0 {
			floors[session] = u64Of(val)
			return nil
		}
		if sequence < floors[session] {
			c.errorf("result %d of session %d is kept below the floor %d", sequence, session, floors[session])
		}
		_, err := decodeRow[metapb.Result](key, val)
		return err
	})
}
