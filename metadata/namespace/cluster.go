package namespace

import (
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// format is the version of all rows together (ClusterRow.format).
const format = 1

// Settings of a new cluster, and the bounds of the grace time.
const (
	replicationDefault = 2
	graceDefault       = int64(10 * time.Minute)
	graceMin           = int64(time.Second)
	graceMax           = int64(30 * 24 * time.Hour)
)

// initCluster makes the cluster row, the first administrator and the first
// node, if one is given.
func (s *state) initCluster(op *metapb.Init) (*metapb.Result, error) {
	c := op.GetCluster()
	replication, grace := c.GetReplication(), c.GetGrace()
	if replication == 0 {
		replication = replicationDefault
	}
	if grace == 0 {
		grace = graceDefault
	}
	if err := checkSettings(replication, grace); err != nil {
		return nil, err
	}
	admin := &metapb.UserRow{
		Name: op.GetAdmin().GetName(), Hash: op.GetAdmin().GetHash(),
		Role: uint32(metadata.RoleAdmin), Created: s.now,
	}
	if err := checkUserRow(admin); err != nil {
		return nil, err
	}
	if op.GetNode() != nil {
		if err := checkNodeRow(op.Node); err != nil {
			return nil, err
		}
	}
	s.cluster = &metapb.ClusterRow{
		Format: format, Cluster: c.GetCluster(), Replication: replication, CaCert: c.GetCaCert(), CaKey: c.GetCaKey(),
		NextEntry: uint64(metadata.RootID) + 1, NextContent: 1, NextVolume: 1, NextNode: 1, NextSession: 1,
		Now: s.now, FleetVersion: 1, Grace: grace, ReadOnly: c.GetReadOnly(),
	}
	if err := putRow(s.kv, keyUser(admin.Name), admin); err != nil {
		return nil, err
	}
	if op.Node == nil {
		return nil, nil
	}
	node := proto.CloneOf(op.Node)
	node.State = uint32(metadata.NodeActive)
	return s.addNode(node, nil)
}

// setCluster changes settings of the cluster.
func (s *state) setCluster(op *metapb.SetCluster) (*metapb.Result, error) {
	replication, grace := s.cluster.Replication, s.cluster.Grace
	if op.GetReplication() != 0 {
		replication = op.Replication
	}
	if op.GetGrace() != 0 {
		grace = op.Grace
	}
	if err := checkSettings(replication, grace); err != nil {
		return nil, err
	}
	s.cluster.Replication, s.cluster.Grace = replication, grace
	if op.GetReadOnly() != nil {
		s.cluster.ReadOnly = op.ReadOnly.Value != 0
	}
	s.cluster.FleetVersion++
	return nil, nil
}

func checkSettings(replication uint32, grace int64) error {
	if replication > metadata.ReplicasMax {
		return refuse(metadata.KindInvalid, "replication %d: want 1 to %d", replication, metadata.ReplicasMax)
	}
	if grace < graceMin || grace > graceMax {
		return refuse(metadata.KindInvalid, "a grace time of %s: want %s to %s",
			time.Duration(grace), time.Duration(graceMin), time.Duration(graceMax))
	}
	return nil
}

// getCluster answers with the cluster row, its CA's key only with secrets.
func (v view) getCluster(q *metapb.GetCluster) (*metapb.Answer, error) {
	a := &metapb.Answer{Cluster: v.cluster}
	if !q.GetSecrets() {
		a.Cluster.CaKey = nil // the view's own copy: decoded for this query
	}
	keys, err := scanKeys(v.r, []byte{tableTrash}, prefixEnd([]byte{tableTrash}), trashCountMax)
	a.Trash = int64(len(keys))
	return a, err
}

// trashCountMax bounds the count of unlinked trees: whether there are any is
// what matters.
const trashCountMax = 1000
