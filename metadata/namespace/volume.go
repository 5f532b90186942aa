package namespace

import (
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// volume returns the row of a volume, nil when there is none.
func (v view) volume(id uint64) (*metapb.VolumeRow, error) {
	return getRow[metapb.VolumeRow](v.r, keyVolume(id))
}

// volumeAt returns a volume that must exist and be in that epoch: whoever plans
// a change of the replica set has seen the one before.
func (v view) volumeAt(id, epoch uint64) (*metapb.VolumeRow, error) {
	vol, err := v.volume(id)
	switch {
	case err != nil:
		return nil, err
	case vol == nil:
		return nil, refuse(metadata.KindNotFound, "there is no volume v%d", id)
	case vol.Epoch != epoch:
		return nil, refuse(metadata.KindStale, "volume v%d is in epoch %d, not %d", id, vol.Epoch, epoch)
	}
	return vol, nil
}

// putVolume writes a volume whose counters alone have grown by a commit. The
// fleet version stays: the leader does not follow every commit.
func (s *state) putVolume(vol *metapb.VolumeRow) error {
	return putRow(s.kv, keyVolume(vol.Id), vol)
}

// changeVolume writes a volume in a new fleet version.
func (s *state) changeVolume(vol *metapb.VolumeRow) error {
	s.cluster.FleetVersion++
	vol.Changed = s.cluster.FleetVersion
	return s.putVolume(vol)
}

// addReplica adds a disk that holds exactly the committed blocks. A leased
// volume takes none: of any other nothing was added since the comparison of the
// disk began, or its epoch would be another. On a fencing volume the disk is
// synced by that comparison; the fence goes on, since another replica is not.
func (s *state) addReplica(op *metapb.AddReplica) (*metapb.Result, error) {
	vol, err := s.volumeAt(op.GetVolume(), op.GetEpoch())
	if err != nil {
		return nil, err
	}
	switch state := volumeState(vol); {
	case state == metadata.VolumeLeased:
		return nil, refuse(metadata.KindConflict, "volume v%d is %s: a replica cannot be added", vol.Id, state)
	case len(vol.Replicas) >= metadata.ReplicasMax:
		return nil, refuse(metadata.KindTooLarge, "volume v%d has %d replicas already", vol.Id, len(vol.Replicas))
	case replicaIndex(vol, op.GetReplica().GetDisk()) >= 0:
		return nil, refuse(metadata.KindExists, "volume v%d has a replica on disk %s already", vol.Id, diskName(op.Replica))
	}
	if err := s.checkReplica(op.GetReplica()); err != nil {
		return nil, err
	}
	vol.Replicas = append(vol.Replicas, op.Replica)
	if volumeState(vol) == metadata.VolumeFencing {
		addSynced(vol, op.Replica.Disk)
	}
	vol.Epoch++
	vol.Repaired = s.now
	return &metapb.Result{Volume: vol}, s.changeVolume(vol)
}

// dropReplica removes a replica: a failed one from a volume that its session
// goes on writing, or any one at the leader's wish.
func (s *state) dropReplica(op *metapb.DropReplica) (*metapb.Result, error) {
	vol, err := s.volumeAt(op.GetVolume(), op.GetEpoch())
	if err != nil {
		return nil, err
	}
	least := max(1, int(op.GetMinReplicas()))
	if op.GetSession() != 0 {
		if vol.Lessee != op.GetSession() {
			return nil, refuse(metadata.KindStale, "volume v%d is not leased to session %d", vol.Id, op.GetSession())
		}
		least = max(least, writeReplicasMin(vol.Target))
	}
	i := replicaIndex(vol, op.GetReplica().GetDisk())
	switch {
	case i < 0:
		return nil, refuse(metadata.KindNotFound, "volume v%d has no replica on disk %s", vol.Id, diskName(op.GetReplica()))
	case len(vol.Replicas)-1 < least:
		return nil, refuse(metadata.KindUnavailable,
			"volume v%d would keep %d replicas, it needs %d", vol.Id, len(vol.Replicas)-1, least)
	}
	vol.Replicas = slices.Delete(vol.Replicas, i, i+1)
	vol.Synced = slices.DeleteFunc(vol.Synced, func(d uint64) bool { return d == op.Replica.Disk })
	vol.Repaired = s.now
	if volumeState(vol) == metadata.VolumeLeased && op.GetSession() == 0 {
		if err := s.endLease(vol); err != nil {
			return nil, err
		}
	} else {
		vol.Epoch++
	}
	settle(vol)
	return leaseResult(vol), s.changeVolume(vol)
}

// synced books that a listed replica holds exactly the committed blocks.
func (s *state) synced(op *metapb.Synced) (*metapb.Result, error) {
	vol, err := s.volumeAt(op.GetVolume(), op.GetEpoch())
	switch {
	case err != nil:
		return nil, err
	case volumeState(vol) != metadata.VolumeFencing:
		return nil, refuse(metadata.KindConflict, "volume v%d is %s, not fencing", vol.Id, volumeState(vol))
	case replicaIndex(vol, op.GetDisk()) < 0:
		return nil, refuse(metadata.KindNotFound, "volume v%d has no replica on disk %s", vol.Id, metadata.DiskID(op.GetDisk()))
	}
	addSynced(vol, op.GetDisk())
	settle(vol)
	return &metapb.Result{Volume: vol}, s.changeVolume(vol)
}

// addSynced keeps the synced disks in order.
func addSynced(vol *metapb.VolumeRow, disk uint64) {
	if i, found := slices.BinarySearch(vol.Synced, disk); !found {
		vol.Synced = slices.Insert(vol.Synced, i, disk)
	}
}

// settle ends the fencing of a volume all of whose replicas are synced.
func settle(vol *metapb.VolumeRow) {
	if volumeState(vol) != metadata.VolumeFencing || len(vol.Synced) < len(vol.Replicas) {
		return
	}
	vol.Synced = nil
	vol.State = uint32(metadata.VolumeIdle)
	if vol.Bytes >= metadata.VolumeBytesMax {
		vol.State = uint32(metadata.VolumeFull)
	}
}

// checkReplica reports why r cannot be a replica: its node must be enrolled
// and have announced the disk.
func (v view) checkReplica(r *metapb.Replica) error {
	node, err := getRow[metapb.NodeRow](v.r, keyNode(r.GetNode()))
	switch {
	case err != nil:
		return err
	case node == nil:
		return refuse(metadata.KindNotFound, "there is no node n%d", r.GetNode())
	case metadata.NodeState(node.State) == metadata.NodeRemoved:
		return refuse(metadata.KindDenied, "node n%d is removed", r.GetNode())
	case !slices.Contains(node.Disks, r.GetDisk()):
		return refuse(metadata.KindNotFound, "node n%d has no disk %s", r.GetNode(), diskName(r))
	}
	return nil
}

func volumeState(vol *metapb.VolumeRow) metadata.VolumeState { return metadata.VolumeState(vol.State) }

func diskName(r *metapb.Replica) string { return metadata.DiskID(r.GetDisk()).String() }

// replicaIndex returns the place of a disk in the volume's replicas, -1 when it has none.
func replicaIndex(vol *metapb.VolumeRow, disk uint64) int {
	return slices.IndexFunc(vol.Replicas, func(r *metapb.Replica) bool { return r.Disk == disk })
}

// writeReplicasMin is the number of replicas without which a volume is not
// written: half of the target, rounded up (one of one, one of two, two of three).
func writeReplicasMin(target uint32) int { return int(target+1) / 2 }

// blockDigest is the block's part in the digest of its volume.
func blockDigest(volume, local uint64) uint64 {
	return metadata.BlockID{Volume: metadata.VolumeID(volume), Local: metadata.LocalID(local)}.Digest()
}

// getVolumes answers with the volumes of those ids that exist, in that order.
func (v view) getVolumes(q *metapb.GetVolumes) (*metapb.Answer, error) {
	if len(q.GetIds()) > volumesPageMax {
		return nil, refuse(metadata.KindTooLarge, "more than %d volumes asked for at once", volumesPageMax)
	}
	a := &metapb.Answer{}
	for _, id := range q.GetIds() {
		vol, err := v.volume(id)
		if err != nil {
			return nil, err
		}
		if vol != nil {
			a.Volumes = append(a.Volumes, vol)
		}
	}
	return a, nil
}

// Bounds of one answer. A page that holds only what changed may scan many more
// rows than it returns.
const volumesPageMax = 4096

// listVolumes answers with a page in the order of ids.
func (v view) listVolumes(q *metapb.ListVolumes) (*metapb.Answer, error) {
	limit := limitOf(q.GetLimit(), volumesPageMax)
	a := &metapb.Answer{}
	if q.GetAfter() >= v.cluster.NextVolume {
		return a, nil
	}
	lower, upper := keyVolume(q.GetAfter()+1), prefixEnd([]byte{tableVolume})
	err := scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		vol, err := decodeRow[metapb.VolumeRow](key, val)
		if err != nil {
			return false, err
		}
		if vol.Changed <= q.GetChangedAfter() && q.GetChangedAfter() != 0 {
			return true, nil
		}
		if len(a.Volumes) == limit {
			a.More = true
			return false, nil
		}
		a.Volumes = append(a.Volumes, vol)
		return true, nil
	})
	return a, err
}

// limitOf is the limit to use for a page: the one asked for within the bound.
func limitOf(asked uint32, most int) int {
	if asked == 0 || uint64(asked) > uint64(most) {
		return most
	}
	return int(asked)
}
