package namespace

import (
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// settings is a change of the settings by somebody who has read revision; nil:
// by somebody who does not care.
func settings(revision *int64, replication uint32) *metapb.Command {
	op := &metapb.SetCluster{Replication: replication}
	if revision != nil {
		op.IfRevision = &metapb.Int64Value{Value: *revision}
	}
	return &metapb.Command{Actor: &metapb.Actor{User: "ann", Origin: "admin"}, Op: &metapb.Command_SetCluster{SetCluster: op}}
}

// TestSettingsIfRevision: of two who have read the same settings the second is
// refused, and what the first one did stays.
func TestSettingsIfRevision(t *testing.T) {
	w := plantedWorld(t)
	row := func() *metapb.ClusterRow {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{}}})
		if err != nil {
			t.Fatal(err)
		}
		return a.Cluster
	}
	read := int64(row().SettingsRevision)
	w.must(settings(&read, 3))
	if r := row(); r.Replication != 3 || r.SettingsRevision != uint64(read)+1 {
		t.Fatalf("the first: %d copies, revision %d", r.Replication, r.SettingsRevision)
	}
	fleet := row().FleetVersion
	res := w.do(settings(&read, 1))
	if metadata.Kind(res.Kind) != metadata.KindConflict || row().Replication != 3 || row().FleetVersion != fleet {
		t.Errorf("the second: %v, %d copies", res, row().Replication)
	}
	if r := w.newestAudit(); r.Outcome != metadata.KindConflict.String() || r.Action != "settings.set" {
		t.Errorf("the audit of the second: %v", r)
	}
	for _, other := range []int64{read + 2, -1, 1 << 62} {
		if res := w.do(settings(&other, 1)); metadata.Kind(res.Kind) != metadata.KindConflict {
			t.Errorf("revision %d: %v", other, res)
		}
	}
	w.must(settings(nil, 3)) // nothing changes, so those who have read it may go on
	read++
	w.must(settings(&read, 2))
	w.must(settings(nil, 3)) // without a condition
	if r := row(); r.SettingsRevision != uint64(read)+2 || r.Replication != 3 {
		t.Errorf("at last: revision %d, %d copies", r.SettingsRevision, r.Replication)
	}
	w.check()
}
