package datanode

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
)

// counters of what was served since the server was made.
type counters struct {
	puts, putBytes, gets, getBytes atomic.Int64
}

// Get opens a range of a block. It is blockio.Target. The data is not verified
// here: its reader has the checksums. What the disk cannot read is an error,
// and noted as damaged.
func (s *Server) Get(_ context.Context, r blockio.GetRequest) (blockio.Segments, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	b, id, err := s.openBlock(r.Disk, r.Block)
	if err != nil {
		s.leave()
		return nil, err
	}
	if r.Offset < 0 || r.Offset%metadata.ChunkBytes != 0 || r.Length < 0 || r.Offset > b.Length() {
		b.Close()
		s.leave()
		return nil, metadata.Errorf(metadata.KindInvalid, "range of %d bytes at %d of %v, which has %d", r.Length, r.Offset, r.Block, b.Length())
	}
	end := b.Length()
	if r.Length > 0 {
		end = min(end, r.Offset+(r.Length+metadata.ChunkBytes-1)&^(metadata.ChunkBytes-1))
	}
	s.served.gets.Add(1)
	return &segments{s: s, disk: id, id: r.Block, block: b, at: r.Offset, from: r.Offset, end: end, began: time.Now()}, nil
}

// openBlock opens a block on the given disk, or with zero on whichever has it.
func (s *Server) openBlock(id metadata.DiskID, block metadata.BlockID) (*blockstore.Block, metadata.DiskID, error) {
	if id != 0 {
		store, err := s.store(id)
		if err != nil {
			return nil, id, err
		}
		b, err := store.OpenBlock(block)
		if err != nil {
			s.noteDamage(id, block, err)
		}
		return b, id, err
	}
	last := error(metadata.Errorf(metadata.KindNotFound, "%v is not on storage server %v", block, s.cfg.Node))
	for _, d := range s.disks {
		if d.Store == nil {
			continue
		}
		b, err := d.Store.OpenBlock(block)
		if err == nil {
			return b, d.id, nil
		}
		s.noteDamage(d.id, block, err)
		if metadata.KindOf(err) != metadata.KindNotFound {
			last = err
		}
	}
	return nil, 0, last
}

// noteDamage remembers a block that the disk has but cannot read.
func (s *Server) noteDamage(disk metadata.DiskID, id metadata.BlockID, err error) {
	if metadata.KindOf(err) != metadata.KindCorrupt {
		return
	}
	store, failed := s.store(disk)
	if failed != nil {
		return
	}
	if length, statErr := store.Stat(id); statErr == nil && s.damaged.add(disk, id, length) {
		if _, statErr := store.Stat(id); statErr != nil && metadata.KindOf(statErr) == metadata.KindNotFound {
			s.mended(disk, id) // deleted just now: it must not be taken out of a digest that lacks it
			return
		}
		s.cfg.Logger.Warn("block is damaged; a copy is fetched when the nameserver has noticed",
			"block", id.String(), "disk", disk.String(), "err", err)
		s.wake()
	}
}

// mended notes that a disk holds a sound copy of a block, or none any more.
func (s *Server) mended(disk metadata.DiskID, id metadata.BlockID) {
	if s.damaged.mend(disk, id) {
		s.cfg.Logger.Info("damaged block is replaced or gone", "block", id.String(), "disk", disk.String())
	}
}

// segments is a range of a block on its way out.
type segments struct {
	s       *Server
	disk    metadata.DiskID
	id      metadata.BlockID
	block   *blockstore.Block // nil once closed
	at, end int64
	from    int64     // where it began
	began   time.Time // when
}

func (g *segments) BlockLength() int64 { return g.block.Length() }

func (g *segments) Next(data []byte, sums []uint32) (int, error) {
	rest := g.end - g.at
	if rest <= 0 {
		return 0, io.EOF
	}
	if int64(len(data)) > rest {
		data = data[:rest]
	} else if len(data)%metadata.ChunkBytes != 0 && int64(len(data)) < rest {
		data = data[:len(data)&^(metadata.ChunkBytes-1)]
	}
	first, count := int(g.at/metadata.ChunkBytes), (len(data)+metadata.ChunkBytes-1)/metadata.ChunkBytes
	if len(data) == 0 || count > len(sums) {
		return 0, metadata.Errorf(metadata.KindInvalid, "no room for a chunk of %v", g.id)
	}
	n, err := g.block.ReadAt(data, g.at)
	if n < len(data) {
		if err == nil || errors.Is(err, io.EOF) {
			err = metadata.Errorf(metadata.KindCorrupt, "%v ends at %d, want %d", g.id, g.at+int64(n), g.end)
		}
		g.s.noteDamage(g.disk, g.id, err)
		g.s.meter.Fail()
		return 0, err
	}
	copy(sums, g.block.Sums()[first:first+count])
	g.at += int64(n)
	g.s.served.getBytes.Add(int64(n))
	return n, nil
}

func (g *segments) Close() error {
	if g.block != nil {
		g.block.Close()
		g.block = nil
		g.s.meter.Read(g.at-g.from, time.Since(g.began))
		g.s.leave()
	}
	return nil
}
