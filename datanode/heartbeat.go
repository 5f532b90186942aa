package datanode

import (
	"context"
	"math/rand/v2"
	"time"

	"kendfs/metadata"
)

// Times and bounds of heartbeats.
const (
	heartbeatTimeout = 5 * time.Second
	heartbeatMin     = 20 * time.Millisecond // between two, also when there is news
	heartbeatMax     = 30 * time.Second      // longest interval that a leader may ask for
	retryMin         = 250 * time.Millisecond
	retryMax         = 4 * time.Second
	failedMax        = 512 // bytes of a disk's failure in a heartbeat
)

// wake makes the next heartbeat come at once.
func (s *Server) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// heartbeats reports to the leader and takes its orders until ctx is done. A
// heartbeat says everything that the leader must know, so a new leader, or one
// that restarted, needs nothing else.
func (s *Server) heartbeats(ctx context.Context) {
	interval, retry := s.cfg.Interval, retryMin
	var cursors rotation
	for {
		h := s.report()
		h.Digests = s.digests(&cursors)
		callCtx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
		reply, err := s.cfg.Fleet.Heartbeat(callCtx, h)
		cancel()
		pause := retry/2 + rand.N(retry)
		if err == nil {
			s.orders.acknowledge(h.Done)
			s.repair.set(reply.RepairBytesPerSecond)
			if reply.Interval > 0 {
				interval = min(max(reply.Interval, heartbeatMin), heartbeatMax)
			}
			s.orders.accept(reply.Orders)
			pause, retry = interval-interval/20+rand.N(interval/10+1), retryMin
		} else if ctx.Err() == nil {
			s.cfg.Logger.Warn("the nameserver did not take a heartbeat", "err", err)
			retry = min(2*retry, retryMax)
		}
		if !s.sleep(ctx, pause, err == nil) {
			return
		}
	}
}

// sleep waits for the next heartbeat and reports false when there is none. Only
// while the nameserver answers does news end the pause.
func (s *Server) sleep(ctx context.Context, pause time.Duration, answered bool) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	kick := s.kick
	if !answered {
		kick = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-kick:
	}
	timer.Reset(heartbeatMin)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// report is a heartbeat without digests.
func (s *Server) report() metadata.Heartbeat {
	h := metadata.Heartbeat{Node: s.cfg.Node, Addr: s.cfg.Addr, Zone: s.cfg.Zone, Version: s.cfg.Version, Started: s.started,
		Sent: time.Now(), Traffic: s.meter.Traffic(s.started)}
	if s.cfg.CertExpires != nil {
		h.CertExpires = s.cfg.CertExpires()
	}
	for _, d := range s.disks {
		x := metadata.Disk{ID: d.id, Path: d.Path, Failed: d.Failed}
		if d.Store != nil {
			space := d.Store.Space()
			x.Capacity, x.Free, x.Used, x.Volumes = space.Capacity, space.Free, space.Used, d.Store.Volumes()
			x.FileSystem = space.FileSystem
			if err := d.Store.Failed(); err != nil {
				x.Failed, x.Free = err.Error(), 0
			}
		} else if x.Failed == "" {
			x.Failed = "not open"
		}
		x.Failed = x.Failed[:min(len(x.Failed), failedMax)]
		h.Disks = append(h.Disks, x)
	}
	h.Done, h.Running = s.orders.status()
	return h
}

// rotation is how far the digests have been reported.
type rotation struct {
	disk  int
	after metadata.VolumeID
}

// digests returns the next digests, going around all disks and volumes.
func (s *Server) digests(at *rotation) []metadata.VolumeDigest {
	var out []metadata.VolumeDigest
	for range len(s.disks) + 1 {
		if len(s.disks) == 0 || len(out) >= metadata.HeartbeatDigestsMax {
			break
		}
		d := s.disks[at.disk%len(s.disks)]
		var got []metadata.VolumeDigest
		if d.Store != nil && d.Store.Failed() == nil {
			limit := metadata.HeartbeatDigestsMax - len(out)
			page, err := d.Store.Digests(at.after, limit)
			if err != nil {
				s.cfg.Logger.Warn("digests of a disk cannot be read", "disk", d.id.String(), "err", err)
			}
			got = page
			if len(page) == limit {
				at.after = page[len(page)-1].Volume
				return s.discounted(append(out, got...), d.id, len(got))
			}
		}
		out = s.discounted(append(out, got...), d.id, len(got))
		at.disk, at.after = (at.disk+1)%len(s.disks), 0
		if at.disk == 0 {
			break // all were reported: no volume twice in one heartbeat
		}
	}
	return out
}

// discounted takes damaged blocks out of the last n digests.
func (s *Server) discounted(all []metadata.VolumeDigest, disk metadata.DiskID, n int) []metadata.VolumeDigest {
	for i := len(all) - n; i < len(all); i++ {
		all[i].Disk = disk
		s.damaged.discount(&all[i])
	}
	return all
}
