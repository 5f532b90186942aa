package fleet

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// urgentMax bounds the volumes that operators want repaired first.
const urgentMax = 1000

// Prioritise has a volume repaired before others, and at once if its last
// attempts failed. It is a hint: it ends with the term, or when the volume has
// all its copies. KindNotFound: there is no such volume.
func (f *Fleet) Prioritise(_ context.Context, id metadata.VolumeID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return err
	}
	v := t.volumes[id]
	switch {
	case v == nil:
		return metadata.Errorf(metadata.KindNotFound, "there is no volume %s", id)
	case !t.urgent[id] && len(t.urgent) >= urgentMax:
		return metadata.Errorf(metadata.KindTooLarge, "%d volumes are to be repaired first already", urgentMax)
	}
	t.urgent[id] = true
	t.orders.forgive(id)
	return nil
}

// forgive lets the volume's copies be tried again at once.
func (t *orders) forgive(v metadata.VolumeID) {
	for k, f := range t.failed {
		if k.volume == v {
			f.until = time.Time{}
			t.failed[k] = f
		}
	}
}

// Repairs returns the volumes that want work, the most urgent first.
func (f *Fleet) Repairs(context.Context) (health.Repairs, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.leading()
	if err != nil {
		return health.Repairs{}, err
	}
	w := t.world(time.Now(), f.limits(t))
	return t.repairs(w), nil
}

// repairs lists what is to be done. The caller holds mu.
func (t *term) repairs(w *world) health.Repairs {
	out := health.Repairs{AsOf: w.now.UTC(), Queue: []health.Repair{}, Drains: []health.Drain{}}
	var needs []need
	for _, v := range w.volumes {
		if v.Blocks == 0 || w.whole(v) && v.State != metadata.VolumeFencing && !w.orders.syncing(v.ID) {
			continue
		}
		needs = append(needs, need{v, w.census(v)})
	}
	slices.SortFunc(needs, w.byUrgency)
	running, failed := t.ordersByVolume(), t.failuresByVolume()
	for _, n := range needs {
		class := n.class()
		if class == "" && !w.orders.syncing(n.v.ID) {
			continue
		}
		out.Total++
		if len(out.Queue) < health.RepairsMax {
			out.Queue = append(out.Queue, t.repair(w, n, class, running[n.v.ID], failed[n.v.ID]))
		}
	}
	out.Drains = t.drains(w)
	return out
}

// class says what a volume wants; "" is nothing but a check.
func (n need) class() string {
	switch {
	case n.v.State == metadata.VolumeFencing:
		return "sync"
	case n.c.live < n.v.Target:
		return "repair"
	case len(n.c.draining) > 0:
		return "drain"
	case len(n.v.Replicas) > n.v.Target:
		return "surplus"
	}
	return ""
}

func (t *term) repair(w *world, n need, class string, o *order, failures failing) health.Repair {
	r := health.Repair{
		Volume: n.v.ID.String(), Class: cmp.Or(class, "sync"), State: "waiting", Live: n.c.live, Target: n.v.Target,
		Bytes: n.v.Bytes, Blocks: n.v.Blocks, On: []string{}, Since: n.v.below.UTC(),
	}
	if o == nil {
		why := t.waits[n.v.ID].Phrase()
		r.WaitReason, r.WaitPhrase = why.String(), why.Key()
	}
	for _, rep := range n.v.Replicas {
		r.On = append(r.On, rep.Node.String())
	}
	if failures.count > 0 {
		r.Tries, r.LastError = failures.count, failures.last
		if failures.until.After(w.now) {
			r.State, r.NextTry = "failed", failures.until.UTC()
		}
	}
	if o != nil {
		r.State, r.To, r.BytesDone, r.NextTry = "running", o.node.String(), o.done, time.Time{}
		if class == "" && o.class == classRepair {
			r.Class = "balance" // nothing is missing: the copies are spread over more zones
		}
		if o.source != 0 {
			r.From = o.source.String()
		}
	}
	return r
}

// ordersByVolume returns the copy under way for each volume, if there is one.
func (t *term) ordersByVolume() map[metadata.VolumeID]*order {
	out := make(map[metadata.VolumeID]*order)
	for _, o := range t.orders.byID {
		if old := out[o.Volume]; o.sync() && (old == nil || o.ID < old.ID) {
			out[o.Volume] = o
		}
	}
	return out
}

// failuresByVolume returns the worst failure of each volume's copies.
func (t *term) failuresByVolume() map[metadata.VolumeID]failing {
	out := make(map[metadata.VolumeID]failing)
	for k, f := range t.orders.failed {
		if old := out[k.volume]; f.count > old.count || f.count == old.count && f.until.After(old.until) {
			out[k.volume] = f
		}
	}
	return out
}

// drains says how far the draining nodes are, in order of id. It counts what
// lists them anew: w need not have been counted.
func (t *term) drains(w *world) []health.Drain {
	out := []health.Drain{}
	at := make(map[metadata.NodeID]int)
	for _, id := range sortedNodes(t.nodes) {
		if n := t.nodes[id]; n.State == metadata.NodeDraining && w.sites[id].storage {
			at[id] = len(out)
			out = append(out, health.Drain{Node: id.String(), Name: n.Name})
		}
	}
	if len(out) == 0 {
		return out
	}
	why := make([]map[Stall]bool, len(out))
	for _, v := range w.volumes {
		for _, r := range v.Replicas {
			i, drains := at[r.Node]
			if !drains {
				continue
			}
			out[i].Volumes++
			out[i].Bytes += v.Bytes
			if s := t.waits[v.ID]; s != "" && (why[i] == nil || !why[i][s]) {
				if why[i] == nil {
					why[i] = make(map[Stall]bool)
				}
				why[i][s] = true
				out[i].BlockerPhrases = append(out[i].BlockerPhrases, s.Phrase())
			}
		}
	}
	for i := range out {
		out[i].Ready = out[i].Volumes == 0
		slices.SortFunc(out[i].BlockerPhrases, func(a, b phrase.Phrase) int { return strings.Compare(a.String(), b.String()) })
		out[i].Blockers = phrase.Texts(out[i].BlockerPhrases)
	}
	return out
}

// label names a node for people.
func (t *term) label(id metadata.NodeID) string {
	if n := t.nodes[id]; n != nil && n.Name != "" {
		return n.Name
	}
	return id.String()
}
