package fleet

import (
	"context"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// stopMax bounds the nodes of one question.
const stopMax = 64

// SafeToStop says what would be if these nodes were stopped now, all together.
// It changes nothing. KindNotFound: one of them is not known.
func (f *Fleet) SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	if len(ids) == 0 || len(ids) > stopMax {
		return health.StopFacts{}, metadata.Errorf(metadata.KindInvalid, "%d nodes: want 1 to %d", len(ids), stopMax)
	}
	if err := f.lookAtWritten(ctx); err != nil {
		return health.StopFacts{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return health.StopFacts{}, err
	}
	now := time.Now()
	before, after := t.world(now, f.limits(t)), t.world(now, f.limits(t))
	out := health.StopFigures{Now: t.status, Down: true}
	var names, numbers []string
	for _, id := range ids {
		n := t.nodes[id]
		if n == nil || n.State == metadata.NodeRemoved {
			return health.StopFacts{}, metadata.Errorf(metadata.KindNotFound, "there is no node %s", id)
		}
		if slices.Contains(numbers, id.String()) {
			continue
		}
		names, numbers = append(names, t.label(id)), append(numbers, id.String())
		down := before.sites[id].storage && before.sites[id].live == metadata.LivenessDown
		if !down && slices.Contains(n.Roles, metadata.NodeNameserver) {
			out.Nameserver++
		}
		out.Down = out.Down && down
	}
	after.stop(ids)
	out.Facts = stopFacts(before, after)
	out.Facts.Node, out.Facts.Name = strings.Join(numbers, ", "), strings.Join(names, ", ")
	open, _ := after.openDisks()
	out.Facts.Writable = nodesOf(open) >= writeReplicasMin(max(1, t.info.Replication))
	return health.JudgeStop(out), nil
}

// lookAtWritten reads the counters of leased volumes that held nothing when last
// looked at: what was committed to them since counts, too.
func (f *Fleet) lookAtWritten(ctx context.Context) error {
	f.mu.Lock()
	t, err := f.leading()
	f.mu.Unlock()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return f.lookAt(ctx, t, func(v *volume) bool { return v.Blocks == 0 })
}

// stop takes nodes out of a world that is nobody else's.
func (w *world) stop(ids []metadata.NodeID) {
	for _, id := range ids {
		if s := w.sites[id]; s != nil {
			s.live, s.downSince = metadata.LivenessDown, w.now
		}
	}
	for _, d := range w.disks {
		if slices.Contains(ids, d.site.id) {
			d.live = metadata.LivenessDown
		}
	}
}

// stopFacts counts the volumes that are worse off in the world after.
func stopFacts(before, after *world) health.StopFacts {
	var s health.StopFacts
	for _, v := range before.volumes {
		if v.Blocks == 0 {
			continue
		}
		was, is := before.census(v), after.census(v)
		if is.live >= was.live {
			continue
		}
		switch {
		case is.live == 0:
			add(&s.Unavailable, v)
		case is.live == 1 && v.Target > 1:
			add(&s.AtRisk, v)
		}
		if is.live < v.Target {
			add(&s.Below, v)
		}
		if missing := min(is.missing(v.Target), was.live-is.live); missing > 0 {
			s.RepairBytes += int64(missing) * v.Bytes
		}
	}
	return s
}
