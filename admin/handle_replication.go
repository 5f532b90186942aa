package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// GetReplication implements api.StrictServerInterface.
func (h *handlers) GetReplication(context.Context, api.GetReplicationRequestObject) (api.GetReplicationResponseObject, error) {
	return api.GetReplication200JSONResponse(apiRepairs(h.snap.get())), nil
}

// setting makes one change of the cluster's settings with its impact.
func (h *handlers) setting(ctx context.Context, name string, value int64, reason string, im api.Impact, dry bool) (api.Impact, error) {
	im.DryRun = dry
	if dry {
		return im, nil
	}
	if err := blocked(&im); err != nil {
		return im, err
	}
	return im, h.cfg.Cluster.Set(h.acting(ctx, reason), map[string]int64{name: value})
}

// LimitRepair implements api.StrictServerInterface.
func (h *handlers) LimitRepair(ctx context.Context, r api.LimitRepairRequestObject) (api.LimitRepairResponseObject, error) {
	n := h.snap.get()
	bytes := r.Body.BytesPerSecond
	if bytes != 0 && (bytes < metadata.RepairRateMin || bytes > metadata.RepairRateMax) {
		return nil, metadata.Errorf(metadata.KindInvalid, "the limit is %s/s, want %s to %s, or 0 for none of its own",
			health.Size(bytes), health.Size(metadata.RepairRateMin), health.Size(metadata.RepairRateMax))
	}
	im := impact(sayLimit(bytes),
		fact(labelNow(), false, sayRate(n.Report.Repair.Limit)), fact(labelThen(), false, sayRate(bytes)),
		fact(labelToRepair(), false, figure(phrase.Bytes(n.Report.Repair.BytesLeft))))
	if up := int64(max(1, n.Report.Nodes.Up)); bytes > 0 && n.Report.Repair.BytesLeft > 0 {
		least := n.Report.Repair.BytesLeft / (bytes * up)
		im.Facts = append(im.Facts, fact(labelAtLeast(), least > 24*3600, figure(phrase.Span(least, least*3/2))))
	}
	im, err := h.setting(ctx, metadata.SettingRepairRate, bytes, deref(r.Body.Reason), im, deref(r.Params.DryRun))
	return api.LimitRepair200JSONResponse(im), err
}

// PauseRepair implements api.StrictServerInterface.
func (h *handlers) PauseRepair(ctx context.Context, r api.PauseRepairRequestObject) (api.PauseRepairResponseObject, error) {
	n := h.snap.get()
	until := time.Now().Add(time.Duration(r.Body.Seconds) * time.Second).UTC()
	im := impact(sayPause(phrase.Clock(until)),
		fact(labelOneCopyNow(), n.Report.AtRisk.Volumes > 0, sayVolumes(n.Report.AtRisk)),
		fact(labelBelowNow(), n.Report.Below.Volumes > 0, sayVolumes(n.Report.Below)),
		fact(labelRunning(), false, figure(phrase.Count(n.Report.Repair.Running))))
	im, err := h.setting(ctx, metadata.SettingRepairPaused, until.Unix(), deref(r.Body.Reason), im, deref(r.Params.DryRun))
	return api.PauseRepair200JSONResponse(im), err
}

// ResumeRepair implements api.StrictServerInterface.
func (h *handlers) ResumeRepair(ctx context.Context, r api.ResumeRepairRequestObject) (api.ResumeRepairResponseObject, error) {
	p := h.snap.get().Report.Repair
	im := impact(sayResume(p.Paused && p.PausedBy == health.PausedByBrake), fact(labelToRepair(), false, figure(phrase.Bytes(p.BytesLeft))))
	im, err := h.setting(ctx, metadata.SettingRepairPaused, 0, "", im, deref(r.Params.DryRun))
	return api.ResumeRepair200JSONResponse(im), err
}

// volumesWalked bounds the volumes that one page looks at.
const volumesWalked = 50_000

// ListVolumes implements api.StrictServerInterface.
func (h *handlers) ListVolumes(ctx context.Context, r api.ListVolumesRequestObject) (api.ListVolumesResponseObject, error) {
	n := h.snap.get()
	key, err := keyOf(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var after metadata.VolumeID
	if key != "" {
		if after, err = metadata.ParseVolumeID(key); err != nil {
			return nil, err
		}
	}
	var on metadata.NodeID
	if who := deref(r.Params.Node); who != "" {
		m, err := n.node(who)
		if err != nil {
			return nil, err
		}
		on = m.ID
	}
	out := api.VolumeList{Items: []api.Volume{}, AsOf: n.AsOf, Stale: n.stale}
	limit := limitOf(r.Params.Limit)
	for walked := 0; ; {
		vs, more, err := h.cfg.Cluster.ListVolumes(ctx, after, limitMax)
		if err != nil {
			return nil, err
		}
		for i := range vs {
			after = vs[i].ID
			v := apiVolume(n, &vs[i])
			if on != 0 && !slices.ContainsFunc(vs[i].Replicas, func(r metadata.Replica) bool { return r.Node == on }) ||
				r.Params.Live != nil && v.Live != *r.Params.Live || r.Params.Target != nil && v.Target != *r.Params.Target {
				continue
			}
			out.Items = append(out.Items, v)
			if len(out.Items) == limit && (more || i < len(vs)-1) {
				out.NextCursor = cursorOf(after.String())
				return api.ListVolumes200JSONResponse(out), nil
			}
		}
		if walked += len(vs); !more || len(vs) == 0 {
			return api.ListVolumes200JSONResponse(out), nil
		}
		if walked >= volumesWalked {
			out.NextCursor = cursorOf(after.String())
			return api.ListVolumes200JSONResponse(out), nil
		}
	}
}

// apiVolume describes a volume with the liveness that the snapshot knows.
func apiVolume(n *snapshot, v *metadata.Volume) api.Volume {
	out := api.Volume{
		Id: v.ID.String(), State: v.State.String(), Epoch: int64(v.Epoch), Target: v.Target, Blocks: v.Blocks, Bytes: v.Bytes,
		Replicas: []api.Replica{},
	}
	for _, r := range v.Replicas {
		rep := api.Replica{Node: r.Node.String(), Name: r.Node.String(), Disk: r.Disk.String(), Liveness: api.ReplicaLivenessUnknown}
		if m := n.byID(r.Node); m != nil {
			rep.Name, rep.Liveness, rep.Zone = m.Name, api.ReplicaLiveness(m.Liveness.String()), ptr(m.Zone)
			for _, d := range m.Disks {
				if d.ID == r.Disk && d.Failed != "" {
					rep.Liveness = api.ReplicaLivenessDown
				}
			}
		}
		if rep.Liveness == api.ReplicaLivenessUp || rep.Liveness == api.ReplicaLivenessSuspect {
			out.Live++
		}
		out.Replicas = append(out.Replicas, rep)
	}
	return out
}

// apiView is apiVolume with the liveness that the leader saw just now, which may
// be newer than the snapshot.
func apiView(n *snapshot, v *metadata.VolumeView) api.Volume {
	out := apiVolume(n, &v.Volume)
	out.Live = 0
	for i := range out.Replicas {
		for _, l := range v.Located {
			if l.Replica != v.Replicas[i] {
				continue
			}
			switch now := out.Replicas[i].Liveness; {
			case l.Live:
				out.Live++
				if now != api.ReplicaLivenessSuspect {
					out.Replicas[i].Liveness = api.ReplicaLivenessUp
				}
			case now == api.ReplicaLivenessUp || now == api.ReplicaLivenessUnknown:
				out.Replicas[i].Liveness = api.ReplicaLivenessDown
			}
		}
	}
	return out
}

// byID finds a node; they are in order of their ids.
func (n *snapshot) byID(id metadata.NodeID) *metadata.Node {
	i, ok := slices.BinarySearchFunc(n.Nodes, id, func(m metadata.Node, id metadata.NodeID) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return nil
	}
	return &n.Nodes[i]
}

// GetVolume implements api.StrictServerInterface.
func (h *handlers) GetVolume(ctx context.Context, r api.GetVolumeRequestObject) (api.GetVolumeResponseObject, error) {
	id, err := metadata.ParseVolumeID(r.Id)
	if err != nil {
		return nil, err
	}
	vs, err := h.cfg.Cluster.Volumes(ctx, []metadata.VolumeID{id})
	if err != nil {
		return nil, err
	}
	if len(vs) == 0 {
		return nil, metadata.Errorf(metadata.KindNotFound, "there is no volume %s", id)
	}
	return api.GetVolume200JSONResponse(apiView(h.snap.get(), &vs[0])), nil
}

// PrioritiseVolume implements api.StrictServerInterface.
func (h *handlers) PrioritiseVolume(ctx context.Context, r api.PrioritiseVolumeRequestObject) (api.PrioritiseVolumeResponseObject, error) {
	id, err := metadata.ParseVolumeID(r.Id)
	if err != nil {
		return nil, err
	}
	return api.PrioritiseVolume204Response{}, h.cfg.Cluster.Prioritise(h.acting(ctx, ""), id)
}
