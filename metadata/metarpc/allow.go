package metarpc

import (
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// rights are what a role may ask of the nameserver over the network. The
// owner's command line ("client") and other nameservers may do everything; a
// gateway works on the tree in the name of users it has authenticated; a
// storage server reports and reads what it must store. A stolen storage
// server's key therefore cannot read names or change the tree.
type rights struct {
	all     bool
	tree    bool // change and read the tree, sessions, leases
	storage bool // heartbeat, volume blocks
}

func rightsOf(p quicwire.Peer) rights {
	has := func(role string) bool { return slices.Contains(p.Roles, role) }
	return rights{
		all:     has(metadata.NodeClient) || has(metadata.NodeNameserver),
		tree:    has(metadata.NodeWebDAV) || has(metadata.NodeAdmin),
		storage: has(metadata.NodeDatanode),
	}
}

// roles lists who may open a connection to the service at all.
func roles() []string {
	return []string{
		metadata.NodeClient, metadata.NodeNameserver, metadata.NodeWebDAV, metadata.NodeAdmin,
		metadata.NodeDatanode,
	}
}

func (r rights) propose(c *metapb.Command) bool {
	switch c.GetOp().(type) {
	case *metapb.Command_Commit, *metapb.Command_Stage, *metapb.Command_Mkdir, *metapb.Command_Rename,
		*metapb.Command_Copy, *metapb.Command_Remove, *metapb.Command_SetAttr, *metapb.Command_Lock,
		*metapb.Command_Refresh, *metapb.Command_Unlock, *metapb.Command_OpenSession,
		*metapb.Command_CloseSession, *metapb.Command_ReleaseLease:
		return r.all || r.tree
	case *metapb.Command_PutToken, *metapb.Command_DeleteToken, *metapb.Command_PutUser,
		*metapb.Command_DeleteUser, *metapb.Command_SetCluster, *metapb.Command_PutNode:
		return r.all
	}
	// Everything else is decided by the leader itself and never asked for from outside.
	return false
}

func (r rights) query(q *metapb.Query) bool {
	switch q := q.GetQ().(type) {
	case *metapb.Query_Lookup, *metapb.Query_List, *metapb.Query_Blocks, *metapb.Query_Quota,
		*metapb.Query_User:
		return r.all || r.tree
	case *metapb.Query_VolumeBlocks:
		return r.all || r.storage
	case *metapb.Query_Cluster:
		return !q.Cluster.GetSecrets()
	case *metapb.Query_Users, *metapb.Query_Volumes, *metapb.Query_ListVolumes, *metapb.Query_Nodes,
		*metapb.Query_Sessions, *metapb.Query_DeadBlocks, *metapb.Query_Tokens, *metapb.Query_Locks:
		return r.all
	}
	return false
}

func (r rights) method(m uint32) bool {
	switch m {
	case methodPropose, methodQuery, methodCertificate:
		return true // decided by the message
	case methodHeartbeat:
		return r.storage
	case methodVolumes, methodNodes:
		return true
	case methodGrant, methodRenew, methodDrop:
		return r.all || r.tree
	case methodStatus:
		return r.all || r.tree
	}
	return false
}
