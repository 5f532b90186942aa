package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Answer answers one query from r. What the caller did wrong is a
// *metadata.Error; any other error is a failure of r.
func Answer(r Reader, q *metapb.Query) (*metapb.Answer, error) {
	v, err := newView(r)
	if err != nil {
		return nil, err
	}
	if v.cluster == nil {
		return nil, refuse(metadata.KindUnavailable, "the namespace is not initialised yet")
	}
	a, err := v.answer(q)
	if err != nil {
		return nil, err
	}
	if a.Applied, err = Applied(r); err != nil {
		return nil, err
	}
	return a, nil
}

func (v view) answer(q *metapb.Query) (*metapb.Answer, error) {
	switch q := q.GetQ().(type) {
	case *metapb.Query_Lookup:
		return v.lookup(q.Lookup)
	case *metapb.Query_List:
		return v.list(q.List)
	case *metapb.Query_Blocks:
		return v.blocks(q.Blocks)
	case *metapb.Query_Quota:
		return v.quotaOf(q.Quota)
	case *metapb.Query_Locks:
		return v.lockList(q.Locks)
	case *metapb.Query_User:
		return v.getUser(q.User)
	case *metapb.Query_Users:
		return v.listUsers(q.Users)
	case *metapb.Query_Volumes:
		return v.getVolumes(q.Volumes)
	case *metapb.Query_ListVolumes:
		return v.listVolumes(q.ListVolumes)
	case *metapb.Query_VolumeBlocks:
		return v.volumeBlocks(q.VolumeBlocks)
	case *metapb.Query_Nodes:
		return v.listNodes(q.Nodes)
	case *metapb.Query_Cluster:
		return v.getCluster(q.Cluster)
	case *metapb.Query_Sessions:
		return v.listSessions(q.Sessions)
	case *metapb.Query_DeadBlocks:
		return v.deadBlocks(q.DeadBlocks)
	case *metapb.Query_Tokens:
		return v.listTokens(q.Tokens)
	case *metapb.Query_Events:
		return v.listEvents(q.Events)
	case *metapb.Query_Audit:
		return v.listAudit(q.Audit)
	case *metapb.Query_Desktop:
		return v.getDesktop(q.Desktop)
	case *metapb.Query_Quotas:
		return v.listQuotas(q.Quotas)
	}
	return nil, refuse(metadata.KindUnsupported, "unknown or empty query")
}
