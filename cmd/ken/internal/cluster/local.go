package cluster

import (
	"sync"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metarpc"
)

// Local is what the nodes of one process know of each other, so that a call
// between them is a Go call (A10). The zero value is ready. A process that runs
// one node has one all the same: its gateway, nameserver and storage server
// find each other through it.
type Local struct {
	mu      sync.RWMutex
	meta    *metarpc.Client
	mon     *monitor
	targets map[metadata.NodeID]blockio.Target
}

// monitor returns what those who watch the process see.
func (l *Local) monitor() *monitor {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mon == nil {
		l.mon = newMonitor()
	}
	return l.mon
}

func (l *Local) setMeta(m *metarpc.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meta = m
}

// nameserver returns the client of the nameserver in this process, or nil.
func (l *Local) nameserver() *metarpc.Client {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.meta
}

// setTarget makes a storage server known; nil forgets it.
func (l *Local) setTarget(n metadata.NodeID, t blockio.Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.targets == nil {
		l.targets = map[metadata.NodeID]blockio.Target{}
	}
	if t == nil {
		delete(l.targets, n)
		return
	}
	l.targets[n] = t
}

// target implements blockio.Resolver.
func (l *Local) target(n metadata.NodeID) blockio.Target {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.targets[n]
}
