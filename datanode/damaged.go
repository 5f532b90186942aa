package datanode

import (
	"sync"

	"kendfs/metadata"
)

// damagedMax bounds the blocks remembered as damaged; the scrub finds the
// others again.
const damagedMax = 100_000

// damaged remembers blocks that a disk has but that do not match their
// checksums. They are left out of the digests: the leader sees that the replica
// is incomplete, has it synced, and the sync fetches them anew (DN-3).
type damaged struct {
	mu     sync.Mutex
	blocks map[metadata.DiskID]map[metadata.BlockID]int64 // guarded by mu: lengths
	count  int
}

func newDamaged() *damaged {
	return &damaged{blocks: make(map[metadata.DiskID]map[metadata.BlockID]int64)}
}

// add notes a block and reports whether that is news.
func (d *damaged) add(disk metadata.DiskID, id metadata.BlockID, length int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.blocks[disk][id]; known || d.count >= damagedMax {
		return false
	}
	if d.blocks[disk] == nil {
		d.blocks[disk] = make(map[metadata.BlockID]int64)
	}
	d.blocks[disk][id] = length
	d.count++
	return true
}

// has reports whether a block is known to be damaged.
func (d *damaged) has(disk metadata.DiskID, id metadata.BlockID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.blocks[disk][id]
	return ok
}

// mend forgets a block, since a sound copy was stored or it was deleted, and
// reports whether it was known to be damaged.
func (d *damaged) mend(disk metadata.DiskID, id metadata.BlockID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.blocks[disk][id]
	if ok {
		delete(d.blocks[disk], id)
		d.count--
	}
	return ok
}

// drop forgets a volume.
func (d *damaged) drop(disk metadata.DiskID, v metadata.VolumeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.blocks[disk] {
		if id.Volume == v {
			delete(d.blocks[disk], id)
			d.count--
		}
	}
}

// discount takes the damaged blocks of a volume out of its digest.
func (d *damaged) discount(x *metadata.VolumeDigest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, length := range d.blocks[x.Disk] {
		if id.Volume == x.Volume {
			x.Blocks--
			x.Bytes -= length
			x.Digest ^= id.Digest()
			x.Damaged++
		}
	}
}
