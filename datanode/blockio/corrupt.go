package blockio

import (
	"context"
	"time"

	"kendfs/metadata"
)

// Bounds of telling servers about their damaged blocks.
const (
	checksMax    = 4 // at a time; more are left to the scrub
	checkTimeout = 10 * time.Second
)

// Checker is a Target that can look after its blocks: a Remote or a Server.
type Checker interface {
	// Check makes the server read a block again and report what is wrong with it
	// to the leader.
	Check(ctx context.Context, disk metadata.DiskID, id metadata.BlockID) (intact bool, err error)
}

// corrupt counts and reports a replica that sent wrong bytes, and asks its
// server to read the block again: if it is the disk and not the way here, the
// server has it fetched anew.
func (c *Client) corrupt(b metadata.BlockID, r metadata.Located) {
	c.stats.getCorrupt.Add(1)
	c.cfg.Logger.Warn("replica sent bytes that do not match their checksum", "block", b.String(),
		"node", uint64(r.Node), "disk", r.Disk.String())
	if c.cfg.Corrupt != nil {
		c.cfg.Corrupt(b, r.Replica)
	}
	target, err := c.target(r.Node, r.Addr)
	if err != nil {
		return // the scrub will find it
	}
	t, ok := target.(Checker)
	if !ok {
		return
	}
	select {
	case c.checks <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-c.checks }()
		ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
		defer cancel()
		intact, err := t.Check(ctx, r.Disk, b)
		c.cfg.Logger.Info("replica was asked to read a block again", "block", b.String(),
			"node", uint64(r.Node), "intact", intact, "err", err)
	}()
}
