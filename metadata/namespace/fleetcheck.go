package namespace

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// checkErrorsMax bounds what one check reports: with more the store is beyond
// reading one by one.
const checkErrorsMax = 200

// fleetCheck gathers the violated invariants of volumes, leases, blocks,
// sessions, nodes, users and tokens. See DESIGN.md, "Volumes and leases".
type fleetCheck struct {
	view
	errs     []error
	nodes    map[uint64]*metapb.NodeRow
	sessions map[uint64]*metapb.SessionRow
	volumes  map[uint64]*volumeCheck
}

// volumeCheck is a volume and what its rows add up to.
type volumeCheck struct {
	row           *metapb.VolumeRow
	blocks, bytes int64
	digest        uint64
}

// checkFleet returns the violated invariants of everything but the tree.
func checkFleet(r Reader) []error {
	v, err := newView(r)
	if err != nil {
		return []error{err}
	}
	if v.cluster == nil {
		return nil
	}
	c := &fleetCheck{
		view: v, nodes: map[uint64]*metapb.NodeRow{},
		sessions: map[uint64]*metapb.SessionRow{}, volumes: map[uint64]*volumeCheck{},
	}
	for _, step := range []func() error{
		c.checkCluster, c.checkNodes, c.checkSessions, c.checkVolumes, c.checkLeases,
		c.checkCommitted, c.checkDead, c.checkCounters, c.checkUsers, c.checkTokens,
		c.checkEvents, c.checkAudit, c.checkMutes, c.checkDesktops,
	} {
		if err := step(); err != nil {
			return append(c.errs, err)
		}
	}
	return c.errs
}

func (c *fleetCheck) bad(format string, args ...any) {
	if len(c.errs) < checkErrorsMax {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

// want reports a violation unless ok.
func (c *fleetCheck) want(ok bool, format string, args ...any) {
	if !ok {
		c.bad(format, args...)
	}
}

func (c *fleetCheck) checkCluster() error {
	row := c.cluster
	c.want(row.Format == format, "cluster: format %d, want %d", row.Format, format)
	err := checkSettings(row)
	c.want(err == nil && row.Replication > 0, "cluster: replication %d, grace %d: %v", row.Replication, row.Grace, err)
	return nil
}

func (c *fleetCheck) checkNodes() error {
	rows, err := c.view.nodes()
	owner := map[uint64]uint64{}
	for _, n := range rows {
		c.nodes[n.Id] = n
		key, err := c.r.Get(keyNode(n.Id))
		c.want(err == nil && key != nil && n.Id != 0, "node n%d: its row is under another key", n.Id)
		c.want(n.Id < c.cluster.NextNode, "node n%d: the next id is %d", n.Id, c.cluster.NextNode)
		c.want(isRemoved(n) || !nameTaken(rows, n.Name, n.Id), "node n%d: its name %q is another's too", n.Id, n.Name)
		if err := checkNodeRow(n); err != nil {
			c.bad("node n%d: %v", n.Id, err)
		}
		c.want(slices.IsSorted(n.Disks), "node n%d: its disks are not in order", n.Id)
		for _, d := range n.Disks {
			c.want(d != 0 && owner[d] == 0, "disk %s: of node n%d and of n%d", metadata.DiskID(d), owner[d], n.Id)
			owner[d] = n.Id
		}
	}
	return err
}

func (c *fleetCheck) checkSessions() error {
	rows, err := c.view.sessions()
	type who struct {
		node     uint64
		instance string
	}
	seen := map[who]uint64{}
	for _, s := range rows {
		c.sessions[s.Id] = s
		c.want(s.Id != 0 && s.Id < c.cluster.NextSession, "session %d: the next id is %d", s.Id, c.cluster.NextSession)
		n := c.nodes[s.Node]
		c.want(n != nil && !isRemoved(n), "session %d: of node n%d, which is unknown or removed", s.Id, s.Node)
		w := who{s.Node, s.Instance}
		c.want(seen[w] == 0, "session %d: of the same client as session %d", s.Id, seen[w])
		seen[w] = s.Id
	}
	return err
}

func (c *fleetCheck) checkVolumes() error {
	rows, err := allRows[metapb.VolumeRow](c.r, tableVolume)
	for _, vol := range rows {
		c.volumes[vol.Id] = &volumeCheck{row: vol}
		key, err := c.r.Get(keyVolume(vol.Id))
		c.want(err == nil && key != nil && vol.Id != 0, "volume v%d: its row is under another key", vol.Id)
		c.want(vol.Id < c.cluster.NextVolume, "volume v%d: the next id is %d", vol.Id, c.cluster.NextVolume)
		c.want(vol.Epoch >= 1, "volume v%d: no epoch", vol.Id)
		c.want(vol.Changed >= 1 && vol.Changed <= c.cluster.FleetVersion,
			"volume v%d: changed in fleet version %d, it is %d", vol.Id, vol.Changed, c.cluster.FleetVersion)
		c.want(vol.Target >= 1 && vol.Target <= metadata.ReplicasMax, "volume v%d: target %d", vol.Id, vol.Target)
		c.checkReplicas(vol)
		c.checkVolumeState(vol)
	}
	return err
}

func (c *fleetCheck) checkReplicas(vol *metapb.VolumeRow) {
	n := len(vol.Replicas)
	c.want(n >= 1 && n <= metadata.ReplicasMax, "volume v%d: %d replicas", vol.Id, n)
	for i, r := range vol.Replicas {
		node := c.nodes[r.Node]
		c.want(node != nil && slices.Contains(node.Disks, r.Disk),
			"volume v%d: a replica on disk %s, which is not of node n%d", vol.Id, diskName(r), r.Node)
		c.want(replicaIndex(vol, r.Disk) == i, "volume v%d: two replicas on disk %s", vol.Id, diskName(r))
	}
}

func (c *fleetCheck) checkVolumeState(vol *metapb.VolumeRow) {
	state := volumeState(vol)
	c.want(state <= metadata.VolumeFull, "volume v%d: state %d", vol.Id, vol.State)
	leased := state == metadata.VolumeLeased
	c.want(leased == (vol.Lessee != 0), "volume v%d: %s with lessee %d", vol.Id, state, vol.Lessee)
	c.want(vol.Fence >= 1 && vol.Fence <= vol.Next, "volume v%d: fence %d, next %d", vol.Id, vol.Fence, vol.Next)
	c.want(leased || vol.Fence == vol.Next, "volume v%d: %s with fence %d, next %d", vol.Id, state, vol.Fence, vol.Next)
	c.want(state != metadata.VolumeIdle || vol.Bytes < metadata.VolumeBytesMax, "volume v%d: idle with %d bytes", vol.Id, vol.Bytes)
	c.want(state != metadata.VolumeFull || vol.Bytes >= fullAgainBytes, "volume v%d: full with %d bytes", vol.Id, vol.Bytes)

	fencing := state == metadata.VolumeFencing
	c.want(fencing || len(vol.Synced) == 0, "volume v%d: %s with synced replicas", vol.Id, state)
	c.want(!fencing || len(vol.Synced) < len(vol.Replicas), "volume v%d: fencing with all replicas synced", vol.Id)
	for i, d := range vol.Synced {
		c.want(replicaIndex(vol, d) >= 0, "volume v%d: disk %s is synced and has no replica", vol.Id, metadata.DiskID(d))
		c.want(i == 0 || vol.Synced[i-1] < d, "volume v%d: its synced disks are not in order", vol.Id)
	}
}

// checkLeases compares the leases of sessions with the volumes.
func (c *fleetCheck) checkLeases() error {
	type request struct{ session, nonce uint64 }
	leases, requests := 0, map[request]uint64{}
	err := scanRows(c.r, []byte{tableLeaseOf}, prefixEnd([]byte{tableLeaseOf}), func(key, val []byte) (bool, error) {
		session, volume := keyID(key, 0), keyID(key, 1)
		if len(val) > 0 {
			q := request{session, u64Of(val)}
			c.want(len(val) == 8 && q.nonce != 0, "lease of session %d on volume v%d: its nonce is %x", session, volume, val)
			c.want(requests[q] == 0, "lease of session %d on volume v%d: of the same request as on v%d", session, volume, requests[q])
			requests[q] = volume
		}
		vol := c.volumes[volume]
		held := vol != nil && volumeState(vol.row) == metadata.VolumeLeased && vol.row.Lessee == session
		c.want(held, "lease of session %d on volume v%d: the volume is not leased to it", session, volume)
		leases++
		return true, nil
	})
	for _, id := range sortedKeys(c.volumes) {
		vol := c.volumes[id].row
		if vol.Lessee == 0 {
			continue
		}
		leases--
		c.want(c.sessions[vol.Lessee] != nil, "volume v%d: leased to session %d, which is over", id, vol.Lessee)
	}
	c.want(leases == 0, "leases: %d more rows than leased volumes", leases)
	return err
}

// checkCommitted adds up the committed blocks.
func (c *fleetCheck) checkCommitted() error {
	return scanRows(c.r, []byte{tableBlock}, prefixEnd([]byte{tableBlock}), func(key, val []byte) (bool, error) {
		content, length := pairOf(val)
		c.want(len(val) == 12 && content != 0, "block v%d/%d: its row names no content", keyID(key, 0), keyID(key, 1))
		c.addBlock("block", keyID(key, 0), keyID(key, 1), length)
		return true, nil
	})
}

// addBlock counts a block that the replicas of its volume must hold.
func (c *fleetCheck) addBlock(what string, volume, local uint64, length uint32) {
	vol := c.volumes[volume]
	if vol == nil {
		c.bad("%s v%d/%d: there is no such volume", what, volume, local)
		return
	}
	c.want(local >= 1 && local < vol.row.Next, "%s v%d/%d: the next id is %d", what, volume, local, vol.row.Next)
	c.want(length >= 1 && length <= metadata.BlockBytesMax, "%s v%d/%d: %d bytes", what, volume, local, length)
	vol.blocks++
	vol.bytes += int64(length)
	vol.digest ^= blockDigest(volume, local)
}

// checkDead compares the two tables of dead blocks and counts them.
func (c *fleetCheck) checkDead() error {
	byTime := uint64(0)
	err := scanRows(c.r, []byte{tableDead}, prefixEnd([]byte{tableDead}), func(key, val []byte) (bool, error) {
		since, volume, local := keyID(key, 0), keyID(key, 1), keyID(key, 2)
		byTime++
		row, err := decodeRow[metapb.DeadRow](key, val)
		if err != nil {
			return false, err
		}
		c.want(timeOfKey(since) <= c.cluster.Now, "dead block v%d/%d: dead since a time to come", volume, local)
		twin, err := c.r.Get(keyDeadOf(volume, local))
		if err != nil {
			return false, fault{err}
		}
		at, length := pairOf(twin)
		c.want(twin != nil && at == since && length == row.Length, "dead block v%d/%d: its two rows differ", volume, local)
		return true, nil
	})
	if err != nil {
		return err
	}
	byVolume := uint64(0)
	err = scanRows(c.r, []byte{tableDeadOf}, prefixEnd([]byte{tableDeadOf}), func(key, val []byte) (bool, error) {
		volume, local := keyID(key, 0), keyID(key, 1)
		byVolume++
		since, length := pairOf(val)
		c.addBlock("dead block", volume, local, length)
		twin, err := hasRow(c.r, keyDead(timeOfKey(since), volume, local))
		c.want(twin, "dead block v%d/%d: not in the order of time", volume, local)
		if err != nil {
			return false, err
		}
		committed, err := hasRow(c.r, keyBlock(volume, local))
		c.want(!committed, "block v%d/%d: dead and committed", volume, local)
		return true, err
	})
	c.want(byTime == byVolume && byTime == c.cluster.Dead,
		"dead blocks: %d in the order of time, %d by volume, %d counted", byTime, byVolume, c.cluster.Dead)
	return err
}

// checkCounters compares the volumes' counters with what their blocks add up to.
func (c *fleetCheck) checkCounters() error {
	for _, id := range sortedKeys(c.volumes) {
		vol := c.volumes[id]
		c.want(vol.row.Blocks == vol.blocks, "volume v%d: %d blocks, counted %d", id, vol.row.Blocks, vol.blocks)
		c.want(vol.row.Bytes == vol.bytes, "volume v%d: %d bytes, counted %d", id, vol.row.Bytes, vol.bytes)
		c.want(vol.row.Digest == vol.digest, "volume v%d: digest %016x, computed %016x", id, vol.row.Digest, vol.digest)
	}
	return nil
}

func (c *fleetCheck) checkUsers() error {
	rows, err := allRows[metapb.UserRow](c.r, tableUser)
	admins := 0
	for _, u := range rows {
		if err := checkUserRow(u); err != nil {
			c.bad("user %q: %v", u.Name, err)
		}
		if isAdmin(u) {
			admins++
		}
		found, err := hasRow(c.r, keyUser(u.Name))
		c.want(err == nil && found, "user %q: its row is under another key", u.Name)
	}
	c.want(admins > 0, "users: no administrator who can sign in")
	return err
}

func (c *fleetCheck) checkTokens() error {
	rows, err := allRows[metapb.TokenRow](c.r, tableToken)
	for _, t := range rows {
		found, err := hasRow(c.r, keyToken(t.Id))
		c.want(err == nil && found, "join token %q: its row is under another key", t.Id)
		c.want(len(t.SecretSha256) == sha256.Size, "join token %q: no secret", t.Id)
		c.want(t.UsesLeft <= tokenUsesMax && len(t.Roles) > 0, "join token %q: %d uses, %d roles", t.Id, t.UsesLeft, len(t.Roles))
	}
	return err
}
