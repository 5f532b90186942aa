package namespace

import (
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of leases.
const (
	leaseIDsMax        = 1 << 32 // local ids in one lease
	localIDMax         = 1 << 62 // no lease goes beyond; never reached by counting
	leasesOfSessionMax = 256     // so that ending a session is one small step
)

// grantLease leases an idle volume, or a new one, to a session. With the nonce
// of a lease that the session holds it is a repetition: the answer is that lease.
func (s *state) grantLease(op *metapb.GrantLease) (*metapb.Result, error) {
	if s.cluster.ReadOnly {
		return nil, refuse(metadata.KindReadOnly, "writing is switched off")
	}
	if op.GetCount() == 0 || op.GetCount() > leaseIDsMax {
		return nil, refuse(metadata.KindInvalid, "a lease of %d ids: want 1 to %d", op.GetCount(), uint64(leaseIDsMax))
	}
	if alive, err := s.sessionExists(op.GetSession()); err != nil {
		return nil, err
	} else if !alive {
		return nil, refuse(metadata.KindStale, "session %d is over", op.GetSession())
	}
	held, granted, err := s.leasesOf(op.Session, op.GetNonce())
	if err != nil {
		return nil, err
	}
	if granted != 0 {
		vol, err := s.volume(granted)
		if err != nil {
			return nil, err
		}
		if vol != nil {
			return leaseResult(vol), nil
		}
	}
	if held >= leasesOfSessionMax {
		return nil, refuse(metadata.KindBusy, "session %d holds %d leases already", op.Session, held)
	}
	var vol *metapb.VolumeRow
	if op.GetVolume() == 0 {
		vol, err = s.newVolume(op)
	} else {
		vol, err = s.idleVolume(op)
	}
	if err != nil {
		return nil, err
	}
	vol.Epoch++
	vol.State = uint32(metadata.VolumeLeased)
	vol.Lessee = op.Session
	vol.Next += op.Count
	var nonce []byte
	if op.GetNonce() != 0 {
		nonce = u64Row(op.Nonce)
	}
	if err := setRow(s.kv, keyLeaseOf(op.Session, vol.Id), nonce); err != nil {
		return nil, err
	}
	return leaseResult(vol), s.changeVolume(vol)
}

// leasesOf counts the leases of a session and finds the volume of the one that
// was granted for nonce; 0 if there is none.
func (v view) leasesOf(session, nonce uint64) (held int, granted uint64, err error) {
	lower, upper := keyLeaseOf(session, 0), prefixEnd(key1(tableLeaseOf, session))
	err = scanRows(v.r, lower, upper, func(key, val []byte) (bool, error) {
		held++
		if nonce != 0 && u64Of(val) == nonce {
			granted = keyID(key, 1)
		}
		return held < leasesOfSessionMax && granted == 0, nil
	})
	return held, granted, err
}

// newVolume makes a volume that is not written yet; its id is taken.
func (s *state) newVolume(op *metapb.GrantLease) (*metapb.VolumeRow, error) {
	target, n := op.GetTarget(), len(op.GetReplicas())
	switch {
	case target < 1 || target > metadata.ReplicasMax:
		return nil, refuse(metadata.KindInvalid, "a volume of %d replicas: want 1 to %d", target, metadata.ReplicasMax)
	case n > int(target) || n < writeReplicasMin(target):
		return nil, refuse(metadata.KindInvalid, "%d replicas given for a volume of %d", n, target)
	}
	for i, r := range op.Replicas {
		if err := s.checkReplica(r); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(op.Replicas[:i], func(o *metapb.Replica) bool { return o.Disk == r.Disk }) {
			return nil, refuse(metadata.KindInvalid, "disk %s is given twice", diskName(r))
		}
	}
	vol := &metapb.VolumeRow{
		Id: s.cluster.NextVolume, Target: target, Replicas: op.Replicas,
		Fence: 1, Next: 1, Repaired: s.now,
	}
	s.cluster.NextVolume++
	return vol, nil
}

// idleVolume returns the volume that is to be leased again.
func (s *state) idleVolume(op *metapb.GrantLease) (*metapb.VolumeRow, error) {
	vol, err := s.volumeAt(op.GetVolume(), op.GetEpoch())
	switch {
	case err != nil:
		return nil, err
	case volumeState(vol) != metadata.VolumeIdle:
		return nil, refuse(metadata.KindConflict, "volume v%d is %s, not idle", vol.Id, volumeState(vol))
	case vol.Next > localIDMax:
		return nil, refuse(metadata.KindTooLarge, "volume v%d has no ids left", vol.Id)
	}
	return vol, nil
}

// leaseResult answers with a volume and the ids that its lessee may use.
func leaseResult(vol *metapb.VolumeRow) *metapb.Result {
	return &metapb.Result{Id: vol.Id, Volume: vol, LeaseFrom: vol.Fence, LeaseTo: vol.Next}
}

// releaseLease ends a lease early.
func (s *state) releaseLease(op *metapb.ReleaseLease) (*metapb.Result, error) {
	vol, err := s.volume(op.GetVolume())
	switch {
	case err != nil:
		return nil, err
	case vol == nil:
		return nil, refuse(metadata.KindNotFound, "there is no volume v%d", op.GetVolume())
	case volumeState(vol) != metadata.VolumeLeased || vol.Lessee != op.GetSession():
		return nil, refuse(metadata.KindStale, "volume v%d is not leased to session %d", vol.Id, op.GetSession())
	}
	if err := s.endLease(vol); err != nil {
		return nil, err
	}
	return &metapb.Result{Volume: vol}, s.changeVolume(vol)
}

// endLease makes a leased volume fencing: a new epoch, so that no commit on the
// old one is taken, and a fence behind every id that was ever handed out, so
// that no late write is either. The caller writes the row.
func (s *state) endLease(vol *metapb.VolumeRow) error {
	if err := deleteRow(s.kv, keyLeaseOf(vol.Lessee, vol.Id)); err != nil {
		return err
	}
	vol.State = uint32(metadata.VolumeFencing)
	vol.Epoch++
	vol.Lessee = 0
	vol.Fence = vol.Next
	vol.Synced = nil
	return nil
}

// claimBlocks makes blocks part of a content, if the session holds the leases
// of their volumes: the one place where a block becomes committed. It writes
// nothing unless all blocks may be claimed.
func (s *state) claimBlocks(session uint64, proofs []*metapb.LeaseProof, refs []*metapb.BlockRef, content uint64) error {
	if len(refs) > metadata.StageRefsMax {
		return refuse(metadata.KindTooLarge, "%d blocks at once: at most %d", len(refs), metadata.StageRefsMax)
	}
	volumes, err := s.leasedVolumes(session, proofs)
	if err != nil {
		return err
	}
	seen := make(map[metadata.BlockID]bool, len(refs))
	for _, b := range refs {
		id := metadata.BlockID{Volume: metadata.VolumeID(b.GetVolume()), Local: metadata.LocalID(b.GetLocal())}
		if seen[id] {
			return refuse(metadata.KindInvalid, "block %s is given twice", id)
		}
		seen[id] = true
		if err := s.checkClaim(volumes[b.GetVolume()], id, b); err != nil {
			return err
		}
	}
	for _, b := range refs {
		vol := volumes[b.Volume]
		vol.Blocks++
		vol.Bytes += int64(b.Length)
		vol.Digest ^= blockDigest(b.Volume, b.Local)
		if err := setRow(s.kv, keyBlock(b.Volume, b.Local), pairRow(content, b.Length)); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(volumes) {
		if err := s.putVolume(volumes[id]); err != nil {
			return err
		}
	}
	return nil
}

// leasedVolumes returns the volumes of the proofs, all of them leased to the
// session in the epoch that the proof names.
func (s *state) leasedVolumes(session uint64, proofs []*metapb.LeaseProof) (map[uint64]*metapb.VolumeRow, error) {
	if len(proofs) > leasesOfSessionMax {
		return nil, refuse(metadata.KindTooLarge, "%d leases at once: at most %d", len(proofs), leasesOfSessionMax)
	}
	volumes := make(map[uint64]*metapb.VolumeRow, len(proofs))
	for _, p := range proofs {
		vol, err := s.volumeAt(p.GetVolume(), p.GetEpoch())
		switch {
		case isFault(err):
			return nil, err
		case err != nil && metadata.KindOf(err) == metadata.KindNotFound:
			// In a commit, not found would be understood of the path.
			return nil, refuse(metadata.KindInvalid, "%s", err.Error())
		case err != nil:
			return nil, err
		}
		if volumeState(vol) != metadata.VolumeLeased || vol.Lessee != session || session == 0 {
			return nil, refuse(metadata.KindStale, "volume v%d is not leased to session %d", vol.Id, session)
		}
		volumes[vol.Id] = vol
	}
	return volumes, nil
}

// checkClaim reports why a block cannot be claimed; vol is nil without a proof.
func (s *state) checkClaim(vol *metapb.VolumeRow, id metadata.BlockID, b *metapb.BlockRef) error {
	switch {
	case vol == nil:
		return refuse(metadata.KindInvalid, "block %s: no proof of a lease on its volume", id)
	case b.Length < 1 || b.Length > metadata.BlockBytesMax:
		return refuse(metadata.KindInvalid, "block %s of %d bytes: want 1 to %d", id, b.Length, metadata.BlockBytesMax)
	case b.Local != 0 && b.Local < vol.Fence:
		return refuse(metadata.KindStale, "block %s was written under an earlier lease, the fence is at %d", id, vol.Fence)
	case b.Local < vol.Fence || b.Local >= vol.Next:
		return refuse(metadata.KindInvalid, "block %s is outside of the lease (%d to %d)", id, vol.Fence, vol.Next-1)
	}
	for _, key := range [][]byte{keyBlock(b.Volume, b.Local), keyDeadOf(b.Volume, b.Local)} {
		if used, err := hasRow(s.r, key); err != nil {
			return err
		} else if used {
			return refuse(metadata.KindConflict, "block %s belongs to another file", id)
		}
	}
	return nil
}
