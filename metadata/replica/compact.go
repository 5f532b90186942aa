package replica

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

// compact is the goroutine that shortens the log when it grows by bytes rather
// than by entries; raft itself counts entries.
func (n *Node) compact() {
	defer n.routines.Done()
	for {
		select {
		case <-n.logs.full:
			if err := n.shorten(); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
				n.cfg.Logger.Warn("the log could not be shortened now", "err", err)
			}
		case <-n.quit:
			return
		}
	}
}

// shorten truncates the log to about trailingBytes.
func (n *Node) shorten() error {
	first, err := n.logs.FirstIndex()
	if err != nil {
		return err
	}
	last := n.raft.LastIndex()
	size := n.logs.pending.Load()
	if last < first || size == 0 {
		return nil
	}
	if err := n.keep(trailing(last-first+1, uint64(size))); err != nil {
		return err
	}
	err = n.result(n.raft.Snapshot())
	return errors.Join(err, n.keep(trailingEntries))
}

// keep sets how many entries the next truncation leaves.
func (n *Node) keep(entries uint64) error {
	reload := n.raft.ReloadableConfig()
	reload.TrailingLogs = entries
	return n.raft.ReloadConfig(reload)
}

// trailing returns how many of the entries, which take size bytes in all, to
// keep for followers that lag.
func trailing(entries, size uint64) uint64 {
	mean := max(size/max(entries, 1), 1)
	return min(max(trailingBytes/mean, 1), trailingEntries)
}

// timeoutContext is a context for what the node does on its own behalf.
func timeoutContext(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
