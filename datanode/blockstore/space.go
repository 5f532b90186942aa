package blockstore

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// spaceRefresh is how old the figures of the file system may get.
const spaceRefresh = time.Second

// Space is a disk's room, in bytes.
type Space struct {
	Capacity int64 // of the file system; 0: unknown
	Free     int64 // that blocks can still take, the reserve deducted
	Used     int64 // by blocks, without what is dead
	// FileSystem is equal for Stores whose room is the same; 0: not known.
	FileSystem uint64
}

// spaceMeter keeps puts away from the reserve without asking the file system
// about each.
type spaceMeter struct {
	s  *Store
	fs uint64 // Space.FileSystem

	mu      sync.Mutex // guards what follows
	total   int64      // 0: the file system does not say
	free    int64      // at the last look, less what was taken since
	reserve int64
	asked   time.Time
}

func (m *spaceMeter) init(s *Store) {
	m.s = s
	if s.fs == vfs.Default {
		m.fs = fileSystemID(s.dir)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refresh()
}

// refresh asks the file system. A failure leaves the old figures.
func (m *spaceMeter) refresh() {
	m.asked = time.Now()
	u, err := m.s.fs.GetDiskUsage(m.s.dir)
	if err != nil {
		return
	}
	m.total = int64(u.TotalBytes)
	m.reserve = reserve(m.s.cfg.Reserve, m.total)
	m.free = int64(u.AvailBytes) - m.reserve
}

// reserve returns what stays free on a disk of that size.
func reserve(configured, total int64) int64 {
	switch {
	case configured < 0:
		return 0
	case configured > 0:
		return configured
	}
	return max(total*reservePercent/100, min(int64(reserveBytes), total/10))
}

// take reserves room for n bytes, or refuses.
func (m *spaceMeter) take(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := time.Since(m.asked)
	if age > spaceRefresh || m.total > 0 && m.free < n && age > spaceRefresh/10 {
		m.refresh()
	}
	if m.total > 0 && m.free < n {
		return metadata.Errorf(metadata.KindNoSpace, "disk %v is full: %d bytes left above the reserve of %d", m.s.id.disk, max(m.free, 0), m.reserve)
	}
	m.free -= n
	return nil
}

func (m *spaceMeter) capacity() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// Space returns the disk's room, at most a second old.
func (s *Store) Space() Space {
	s.space.mu.Lock()
	if time.Since(s.space.asked) > spaceRefresh {
		s.space.refresh()
	}
	out := Space{Capacity: s.space.total, Free: max(s.space.free, 0), FileSystem: s.space.fs}
	s.space.mu.Unlock()
	s.state.mu.RLock()
	out.Used = s.state.used
	s.state.mu.RUnlock()
	if s.Failed() != nil {
		out.Free = 0
	}
	return out
}

// Stats are counters since Open, and the state of the packs. Sizes are bytes.
type Stats struct {
	Puts, PutBytes       int64
	Reads, ReadBytes     int64
	Deletes              int64
	Groups               int64 // group commits: one sync each
	Corrupt              int64 // reads that found damage
	Damages              int64 // damaged parts of packs that Open found
	CompactedPacks       int64
	CompactedBytes       int64 // that compaction copied
	Blocks, Volumes      int64
	Packs                int64
	PackBytes, DeadBytes int64 // of all packs; part of them that nobody needs
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	c := &s.stats
	out := Stats{
		Puts: c.puts.Load(), PutBytes: c.putBytes.Load(), Reads: c.reads.Load(), ReadBytes: c.readBytes.Load(),
		Deletes: c.deletes.Load(), Groups: c.groups.Load(), Corrupt: c.corrupt.Load(), Damages: c.damages.Load(),
		CompactedPacks: c.compacted.Load(), CompactedBytes: c.copied.Load(),
	}
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	out.Blocks, out.Volumes, out.Packs = s.state.blocks, int64(len(s.state.volumes)), int64(len(s.state.packs))
	for _, p := range s.state.packs {
		out.PackBytes += p.end
		out.DeadBytes += p.end - packHeaderBytes - p.live
	}
	return out
}
