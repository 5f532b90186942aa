package namespace

import (
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// A session may get the same volume again. Blocks that it wrote under the
// earlier lease are gone then; that must read as "write them again", not as a
// mistake of the request.
func TestCommitOfBlocksOfAnEarlierLeaseIsStale(t *testing.T) {
	w := newWorld(t)
	late := w.commitOp("/late", 2, 5)
	vol := w.must(&metapb.Command{Op: &metapb.Command_ReleaseLease{ReleaseLease: &metapb.ReleaseLease{
		Session: w.session, Volume: w.lease.Volume,
	}}}).Volume
	vol = w.must(&metapb.Command{Op: &metapb.Command_Synced{Synced: &metapb.Synced{
		Volume: vol.Id, Epoch: vol.Epoch, Disk: 7,
	}}}).Volume
	vol = w.must(&metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: &metapb.GrantLease{
		Session: w.session, Volume: vol.Id, Epoch: vol.Epoch, Count: 10,
	}}}).Volume
	late.Leases = []*metapb.LeaseProof{{Volume: vol.Id, Epoch: vol.Epoch}}
	if res := w.do(commitCmd(late)); metadata.Kind(res.Kind) != metadata.KindStale {
		t.Errorf("commit: %v, %s; want KindStale", metadata.Kind(res.Kind), res.Message)
	}
	w.check()
}
