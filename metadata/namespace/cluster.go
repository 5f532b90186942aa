package namespace

import (
	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// format is the version of all rows together (ClusterRow.format).
const format = 1

// Settings of a new cluster.
const (
	replicationDefault = 2
	graceDefault       = int64(metadata.GraceDefault)
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
	if err := checkSettings(&metapb.ClusterRow{Replication: replication, Grace: grace}); err != nil {
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

// getCluster answers with the cluster row, its CA's key only with secrets.
func (v view) getCluster(q *metapb.GetCluster) (*metapb.Answer, error) {
	a := &metapb.Answer{Cluster: v.cluster}
	if !q.GetSecrets() {
		a.Cluster.CaKey = nil // the view's own copy: decoded for this query
	}
	keys, err := scanKeys(v.r, []byte{tableTrash}, prefixEnd([]byte{tableTrash}), trashCountMax)
	a.Trash = int64(len(keys))
	if err != nil {
		return nil, err
	}
	a.Mutes, err = allRows[metapb.MuteRow](v.r, tableMute)
	return a, err
}

// trashCountMax bounds the count of unlinked trees: whether there are any is
// what matters.
const trashCountMax = 1000
