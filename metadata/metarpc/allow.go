package metarpc

import (
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// rights are what a role may ask of the nameserver over the network. What a
// stolen key of each role can do:
//
//   - client, the owner's command line: everything but to read the CA's key. It
//     can enrol machines, read and delete all files and set passwords. Its
//     folder is as precious as the data.
//   - nameserver: the same, and it has the CA's key on its disk.
//   - admin: what an operator's desktop does. It manages nodes, users, tokens
//     and settings, reads and changes the tree in the name of any user, and
//     writes the audit. So it can do almost what the owner can, but its acts
//     are in the audit under its node's id, which it cannot choose.
//   - webdav: the tree in the name of any user, sessions, leases, users' hashes
//     (it verifies passwords), the cluster's health, and audit records of its
//     own, which cannot be of changes. It cannot touch nodes, users, tokens or
//     settings, nor read the audit.
//   - datanode: heartbeats, the list of blocks of a volume, the addresses of
//     nodes and replicas. No name, no user, no setting, no event.
//
// A removed node's certificate opens nothing (quicwire.Config.Revoked).
type rights struct {
	all     bool
	operate bool // nodes, users, tokens, settings, events, audit
	tree    bool // change and read the tree, sessions, leases
	storage bool // heartbeat, volume blocks
}

func rightsOf(p quicwire.Peer) rights {
	has := func(role string) bool { return slices.Contains(p.Roles, role) }
	r := rights{
		all:     has(metadata.NodeClient) || has(metadata.NodeNameserver),
		operate: has(metadata.NodeAdmin),
		tree:    has(metadata.NodeWebDAV) || has(metadata.NodeAdmin),
		storage: has(metadata.NodeDatanode),
	}
	r.operate = r.operate || r.all
	r.tree = r.tree || r.all
	return r
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
		*metapb.Command_CloseSession, *metapb.Command_ReleaseLease, *metapb.Command_RecordAudit:
		return r.tree
	case *metapb.Command_PutToken, *metapb.Command_DeleteToken, *metapb.Command_PutUser,
		*metapb.Command_DeleteUser, *metapb.Command_SetCluster, *metapb.Command_PutNode, *metapb.Command_SetNode,
		*metapb.Command_SetMute, *metapb.Command_PutDesktop:
		return r.operate
	}
	// Everything else is decided by the leader itself and never asked for from outside.
	return false
}

func (r rights) query(q *metapb.Query) bool {
	switch q := q.GetQ().(type) {
	case *metapb.Query_Lookup, *metapb.Query_List, *metapb.Query_Blocks, *metapb.Query_Quota,
		*metapb.Query_User:
		return r.tree
	case *metapb.Query_VolumeBlocks:
		return r.all || r.storage
	case *metapb.Query_Cluster:
		return !q.Cluster.GetSecrets()
	case *metapb.Query_Users, *metapb.Query_Volumes, *metapb.Query_ListVolumes, *metapb.Query_Nodes,
		*metapb.Query_Sessions, *metapb.Query_Tokens, *metapb.Query_Locks, *metapb.Query_Events,
		*metapb.Query_Audit, *metapb.Query_Desktop, *metapb.Query_Quotas:
		return r.operate
	case *metapb.Query_DeadBlocks:
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
	case methodGrant, methodRenew, methodDrop, methodStatus:
		return r.tree
	case methodRepairs, methodStop, methodZone, methodWatch, methodPrioritise:
		return r.operate
	}
	return false
}
