package metarpc

import (
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func replicaToPB(r metadata.Replica) *metapb.Replica {
	return &metapb.Replica{Node: uint64(r.Node), Disk: uint64(r.Disk)}
}

func replicaFromPB(r *metapb.Replica) metadata.Replica {
	return metadata.Replica{Node: metadata.NodeID(r.GetNode()), Disk: metadata.DiskID(r.GetDisk())}
}

func locatedToPB(ls []metadata.Located) []*metapb.Located {
	out := make([]*metapb.Located, len(ls))
	for i, l := range ls {
		out[i] = &metapb.Located{Replica: replicaToPB(l.Replica), Addr: l.Addr, Live: l.Live, Zone: l.Zone}
	}
	return out
}

func locatedFromPB(ls []*metapb.Located) []metadata.Located {
	out := make([]metadata.Located, len(ls))
	for i, l := range ls {
		out[i] = metadata.Located{
			Replica: replicaFromPB(l.GetReplica()), Addr: l.GetAddr(), Live: l.GetLive(), Zone: l.GetZone(),
		}
	}
	return out
}

func volumeToPB(v metadata.Volume) *metapb.VolumeRow {
	out := &metapb.VolumeRow{
		Id: uint64(v.ID), Epoch: uint64(v.Epoch), State: uint32(v.State), Target: uint32(v.Target),
		Lessee: uint64(v.Lessee), Fence: uint64(v.Fence), Next: uint64(v.Next), Blocks: v.Blocks,
		Bytes: v.Bytes, Digest: v.Digest, Repaired: toNanos(v.Repaired), Changed: v.Changed,
	}
	for _, r := range v.Replicas {
		out.Replicas = append(out.Replicas, replicaToPB(r))
	}
	for _, d := range v.Synced {
		out.Synced = append(out.Synced, uint64(d))
	}
	return out
}

func volumeFromPB(v *metapb.VolumeRow) metadata.Volume {
	out := metadata.Volume{
		ID: metadata.VolumeID(v.GetId()), Epoch: metadata.Epoch(v.GetEpoch()),
		State: metadata.VolumeState(v.GetState()), Target: int(v.GetTarget()),
		Lessee: metadata.SessionID(v.GetLessee()), Fence: metadata.LocalID(v.GetFence()),
		Next: metadata.LocalID(v.GetNext()), Blocks: v.GetBlocks(), Bytes: v.GetBytes(),
		Digest: v.GetDigest(), Repaired: fromNanos(v.GetRepaired()), Changed: v.GetChanged(),
	}
	for _, r := range v.GetReplicas() {
		out.Replicas = append(out.Replicas, replicaFromPB(r))
	}
	for _, d := range v.GetSynced() {
		out.Synced = append(out.Synced, metadata.DiskID(d))
	}
	return out
}

func viewsToPB(vs []metadata.VolumeView) *metapb.VolumesReply {
	out := &metapb.VolumesReply{}
	for _, v := range vs {
		out.Volumes = append(out.Volumes, &metapb.VolumeView{
			Volume: volumeToPB(v.Volume), Located: locatedToPB(v.Located), Recall: v.Recall,
		})
	}
	return out
}

func viewsFromPB(r *metapb.VolumesReply) []metadata.VolumeView {
	out := make([]metadata.VolumeView, len(r.GetVolumes()))
	for i, v := range r.GetVolumes() {
		out[i] = metadata.VolumeView{
			Volume: volumeFromPB(v.GetVolume()), Located: locatedFromPB(v.GetLocated()), Recall: v.GetRecall(),
		}
	}
	return out
}

func leaseToPB(l metadata.Lease) *metapb.Lease {
	return &metapb.Lease{
		Volume: uint64(l.Volume), Epoch: uint64(l.Epoch), Session: uint64(l.Session),
		From: uint64(l.From), To: uint64(l.To), Located: locatedToPB(l.Replicas),
	}
}

func leaseFromPB(l *metapb.Lease) metadata.Lease {
	return metadata.Lease{
		Volume: metadata.VolumeID(l.GetVolume()), Epoch: metadata.Epoch(l.GetEpoch()),
		Session: metadata.SessionID(l.GetSession()), From: metadata.LocalID(l.GetFrom()),
		To: metadata.LocalID(l.GetTo()), Replicas: locatedFromPB(l.GetLocated()),
	}
}

func disksToPB(ds []metadata.Disk) []*metapb.Disk {
	out := make([]*metapb.Disk, len(ds))
	for i, d := range ds {
		out[i] = &metapb.Disk{
			Id: uint64(d.ID), Path: text(d.Path), Capacity: d.Capacity, Free: d.Free, Used: d.Used,
			Failed: text(d.Failed), Volumes: uint32(d.Volumes), FileSystem: d.FileSystem,
		}
	}
	return out
}

func disksFromPB(ds []*metapb.Disk) []metadata.Disk {
	out := make([]metadata.Disk, len(ds))
	for i, d := range ds {
		out[i] = metadata.Disk{
			ID: metadata.DiskID(d.GetId()), Path: d.GetPath(), Capacity: d.GetCapacity(), Free: d.GetFree(),
			Used: d.GetUsed(), Failed: d.GetFailed(), Volumes: int(d.GetVolumes()), FileSystem: d.GetFileSystem(),
		}
	}
	return out
}

func nodeRowToPB(n metadata.Node) *metapb.NodeRow {
	return &metapb.NodeRow{
		Id: uint64(n.ID), Name: n.Name, Addr: n.Addr, Roles: n.Roles, Zone: n.Zone,
		State: uint32(n.State), Joined: toNanos(n.Joined), Until: toNanos(n.Until), StateSince: toNanos(n.StateSince),
		MachineZone: n.MachineZone, ZoneSet: n.ZoneSet,
	}
}

func nodeRowFromPB(n *metapb.NodeRow) metadata.Node {
	return metadata.Node{
		ID: metadata.NodeID(n.GetId()), Name: n.GetName(), Addr: n.GetAddr(), Roles: n.GetRoles(),
		Zone: n.GetZone(), State: metadata.NodeState(n.GetState()), Joined: fromNanos(n.GetJoined()),
		Until: fromNanos(n.GetUntil()), StateSince: fromNanos(n.GetStateSince()),
		MachineZone: n.GetMachineZone(), ZoneSet: n.GetZoneSet(),
	}
}

func nodesToPB(ns []metadata.Node) *metapb.NodesReply {
	out := &metapb.NodesReply{}
	for _, n := range ns {
		out.Nodes = append(out.Nodes, &metapb.NodeView{
			Node: nodeRowToPB(n), Liveness: uint32(n.Liveness), Heard: toNanos(n.Heard),
			Disks: disksToPB(n.Disks), Version: n.Version, Started: toNanos(n.Started),
			CertExpires: toNanos(n.CertExpires), ClockSkew: int64(n.ClockSkew), Traffic: trafficToPB(n.Traffic),
			Gateway: trafficToPB(n.Gateway), Commands: trafficToPB(n.Commands), Drive: driveToPB(n.Drive),
		})
	}
	return out
}

func nodesFromPB(r *metapb.NodesReply) []metadata.Node {
	out := make([]metadata.Node, len(r.GetNodes()))
	for i, v := range r.GetNodes() {
		n := nodeRowFromPB(v.GetNode())
		n.Liveness, n.Heard = metadata.Liveness(v.GetLiveness()), fromNanos(v.GetHeard())
		n.Disks, n.Version = disksFromPB(v.GetDisks()), v.GetVersion()
		n.Started, n.CertExpires = fromNanos(v.GetStarted()), fromNanos(v.GetCertExpires())
		n.ClockSkew, n.Traffic = time.Duration(v.GetClockSkew()), trafficFromPB(v.GetTraffic())
		n.Gateway, n.Commands = trafficFromPB(v.GetGateway()), trafficFromPB(v.GetCommands())
		n.Drive = driveFromPB(v.GetDrive())
		out[i] = n
	}
	return out
}

func localsToPB(ls []metadata.LocalID) []uint64 {
	out := make([]uint64, len(ls))
	for i, l := range ls {
		out[i] = uint64(l)
	}
	return out
}

func localsFromPB(ls []uint64) []metadata.LocalID {
	out := make([]metadata.LocalID, len(ls))
	for i, l := range ls {
		out[i] = metadata.LocalID(l)
	}
	return out
}

func heartbeatToPB(h metadata.Heartbeat) *metapb.Heartbeat {
	out := &metapb.Heartbeat{
		Node: uint64(h.Node), Addr: text(h.Addr), Zone: text(h.Zone), Version: text(h.Version),
		Started: toNanos(h.Started), Disks: disksToPB(h.Disks), Leaving: h.Leaving,
		Sent: toNanos(h.Sent), CertExpires: toNanos(h.CertExpires), Traffic: trafficToPB(h.Traffic),
	}
	for _, d := range h.Digests {
		out.Digests = append(out.Digests, &metapb.VolumeDigest{
			Disk: uint64(d.Disk), Volume: uint64(d.Volume), Blocks: d.Blocks, Bytes: d.Bytes, Digest: d.Digest,
			Damaged: d.Damaged,
		})
	}
	for _, r := range h.Done {
		out.Done = append(out.Done, &metapb.OrderResult{
			Id: r.ID, Kind: uint32(r.Kind), Disk: uint64(r.Disk), Volume: uint64(r.Volume),
			Epoch: uint64(r.Epoch), Fetched: r.Fetched, Deleted: r.Deleted, Blocks: localsToPB(r.Blocks),
			Err: text(r.Err), ErrKind: uint32(r.ErrKind),
		})
	}
	for _, p := range h.Running {
		out.Running = append(out.Running, &metapb.OrderProgress{
			Id: p.ID, Volume: uint64(p.Volume), Disk: uint64(p.Disk),
			BytesDone: p.BytesDone, BytesTotal: p.BytesTotal,
		})
	}
	return out
}

func heartbeatFromPB(h *metapb.Heartbeat) metadata.Heartbeat {
	out := metadata.Heartbeat{
		Node: metadata.NodeID(h.GetNode()), Addr: h.GetAddr(), Zone: h.GetZone(), Version: h.GetVersion(),
		Started: fromNanos(h.GetStarted()), Disks: disksFromPB(h.GetDisks()), Leaving: h.GetLeaving(),
		Sent: fromNanos(h.GetSent()), CertExpires: fromNanos(h.GetCertExpires()), Traffic: trafficFromPB(h.GetTraffic()),
	}
	for _, d := range h.GetDigests() {
		out.Digests = append(out.Digests, metadata.VolumeDigest{
			Disk: metadata.DiskID(d.GetDisk()), Volume: metadata.VolumeID(d.GetVolume()),
			Blocks: d.GetBlocks(), Bytes: d.GetBytes(), Digest: d.GetDigest(), Damaged: d.GetDamaged(),
		})
	}
	for _, r := range h.GetDone() {
		out.Done = append(out.Done, metadata.OrderResult{
			ID: r.GetId(), Kind: metadata.OrderKind(r.GetKind()), Disk: metadata.DiskID(r.GetDisk()),
			Volume: metadata.VolumeID(r.GetVolume()), Epoch: metadata.Epoch(r.GetEpoch()),
			Fetched: r.GetFetched(), Deleted: r.GetDeleted(), Blocks: localsFromPB(r.GetBlocks()),
			Err: r.GetErr(), ErrKind: metadata.Kind(r.GetErrKind()),
		})
	}
	for _, p := range h.GetRunning() {
		out.Running = append(out.Running, metadata.OrderProgress{
			ID: p.GetId(), Volume: metadata.VolumeID(p.GetVolume()), Disk: metadata.DiskID(p.GetDisk()),
			BytesDone: p.GetBytesDone(), BytesTotal: p.GetBytesTotal(),
		})
	}
	return out
}

func replyToPB(r metadata.HeartbeatReply) *metapb.HeartbeatReply {
	out := &metapb.HeartbeatReply{
		Interval: int64(r.Interval), RepairBytesPerSecond: r.RepairBytesPerSecond,
	}
	for _, o := range r.Orders {
		out.Orders = append(out.Orders, &metapb.Order{
			Id: o.ID, Kind: uint32(o.Kind), Disk: uint64(o.Disk), Volume: uint64(o.Volume),
			Epoch: uint64(o.Epoch), Fence: uint64(o.Fence), Blocks: localsToPB(o.Blocks),
			Sources: locatedToPB(o.Sources),
		})
	}
	return out
}

func replyFromPB(r *metapb.HeartbeatReply) metadata.HeartbeatReply {
	out := metadata.HeartbeatReply{
		Interval: time.Duration(r.GetInterval()), RepairBytesPerSecond: r.GetRepairBytesPerSecond(),
	}
	for _, o := range r.GetOrders() {
		out.Orders = append(out.Orders, metadata.Order{
			ID: o.GetId(), Kind: metadata.OrderKind(o.GetKind()), Disk: metadata.DiskID(o.GetDisk()),
			Volume: metadata.VolumeID(o.GetVolume()), Epoch: metadata.Epoch(o.GetEpoch()),
			Fence: metadata.LocalID(o.GetFence()), Blocks: localsFromPB(o.GetBlocks()),
			Sources: locatedFromPB(o.GetSources()),
		})
	}
	return out
}
