package datanode

import (
	"context"
	"math/rand/v2"
	"time"

	"kendfs/metadata"
)

// Times of the scrub.
const (
	scrubPause = time.Hour   // between two passes over a disk
	scrubStart = time.Minute // after the start of the server, when it has other things to do; or the pause, if shorter
)

// scrub reads all blocks of a disk again, slowly and for ever, so that damage
// is found while there are sound copies.
func (s *Server) scrub(ctx context.Context, d *disk) {
	pace := &limiter{}
	pace.set(s.cfg.ScrubBytesPerSecond)
	pause := min(scrubStart, s.cfg.ScrubPause)
	pause += rand.N(pause)
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := s.scrubOnce(ctx, d, pace); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("scrub was cut short", "disk", d.id.String(), "err", err)
		}
		pause = s.cfg.ScrubPause/2 + rand.N(s.cfg.ScrubPause)
	}
}

// scrubOnce reads every block of the disk once.
func (s *Server) scrubOnce(ctx context.Context, d *disk, pace *limiter) error {
	for after := metadata.VolumeID(0); ; {
		volumes, err := d.Store.Digests(after, metadata.HeartbeatDigestsMax)
		if err != nil || len(volumes) == 0 {
			return err
		}
		for _, v := range volumes {
			after = v.Volume
			found, err := d.Store.Verify(ctx, v.Volume, pace.wait)
			for _, local := range found.Corrupt {
				id := metadata.BlockID{Volume: v.Volume, Local: local}
				s.noteDamage(d.id, id, metadata.Errorf(metadata.KindCorrupt, "found by the scrub"))
			}
			if err != nil {
				return err
			}
		}
	}
}
