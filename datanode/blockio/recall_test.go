package blockio_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockio/blockiotest"
	"kendfs/metadata"
)

// anyLeased reports whether one of the volumes is leased.
func (r *rig) anyLeased(ids []metadata.VolumeID) bool {
	r.t.Helper()
	views, err := r.ns.Volumes(r.t.Context(), ids)
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.ContainsFunc(views, func(v metadata.VolumeView) bool { return v.State == metadata.VolumeLeased })
}

// A lease that the leader wants back is given back although nothing is written,
// and later files go elsewhere.
func TestRecalledLeaseIsGivenBack(t *testing.T) {
	r := newRig(t, 3, false, nil)
	r.mustWrite(data(1, 100_000), blockio.CreateOptions{Replicas: 2})
	old := r.ns.RecallLeases()
	if len(old) == 0 {
		t.Fatal("nothing is leased")
	}
	eventually(t, "recalled leases are given back", func() bool { return !r.anyLeased(old) })
	b := data(2, 300_000)
	e := r.mustWrite(b, blockio.CreateOptions{Replicas: 2})
	r.mustRead(e, b)
	for _, ref := range e.Blocks {
		if slices.Contains(old, ref.ID.Volume) {
			t.Errorf("%v was written on a lease that was given back", ref.ID)
		}
	}
}

// An upload under way does not hold a recalled lease: what it has written is
// staged, and it goes on in other volumes without an error.
func TestRecallDuringUpload(t *testing.T) {
	both(t, func(t *testing.T, overQUIC bool) {
		r := newRig(t, 3, overQUIC, nil)
		b := data(3, 900_000)
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
		defer w.Abort()
		if _, err := w.Write(b[:500_000]); err != nil {
			t.Fatal(err)
		}
		old := r.ns.RecallLeases()
		sent := 500_000
		eventually(t, "recalled leases are given back before the upload ends", func() bool {
			if _, err := w.Write(b[sent : sent+100]); err != nil {
				t.Fatal(err)
			}
			sent += 100
			return !r.anyLeased(old)
		})
		if _, err := w.ReadFrom(bytes.NewReader(b[sent:])); err != nil {
			t.Fatal(err)
		}
		e, err := r.commit(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		r.mustRead(e, b)
		if got := r.client.Stats().Rewrites; got != 0 {
			t.Errorf("%d blocks were written again, want none", got)
		}
	})
}

// Blocks that are durable wait in a recalled lease for nothing but their commit.
func TestRecallBeforeCommit(t *testing.T) {
	r := newRig(t, 3, false, nil)
	b := data(4, 200_000)
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old := r.ns.RecallLeases()
	before := r.ns.Calls("Volumes")
	eventually(t, "the leader was asked twice", func() bool { return r.ns.Calls("Volumes") >= before+2 })
	if !r.anyLeased([]metadata.VolumeID{m.Leases[0].Volume}) {
		t.Error("a lease with uncommitted blocks was given back")
	}
	e, err := r.commit(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	r.mustRead(e, b)
	w.Abort()
	eventually(t, "recalled leases are given back after the commit", func() bool { return !r.anyLeased(old) })
}

// A volume that lost a replica takes no new blocks while a whole one is to be had.
func TestNewBlocksGoToWholeVolumes(t *testing.T) {
	r := newRig(t, 4, false, nil)
	r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 2})
	r.servers[1].SetFaults(blockiotest.Faults{Put: metadata.Errorf(metadata.KindInternal, "disk failed")})
	for i := range 10 { // until every lease on the server has lost its replica, or is avoided
		r.mustWrite(data(uint64(i), 200_000), blockio.CreateOptions{Replicas: 2})
	}
	if r.ns.Calls("DropReplica") == 0 {
		t.Fatal("no replica was dropped: nothing is tested")
	}
	for i := range 10 {
		e := r.mustWrite(data(uint64(i), 200_000), blockio.CreateOptions{Replicas: 2})
		for _, ref := range e.Blocks {
			views, err := r.ns.Volumes(t.Context(), []metadata.VolumeID{ref.ID.Volume})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(views[0].Replicas); got != 2 {
				t.Fatalf("%v was written to %d replicas, want 2", ref.ID, got)
			}
		}
	}
}

// A client that writes nothing gives its leases back, and one that writes on
// and on changes them: the leader compares and mends volumes without a lease only.
func TestLeasesDoNotLastForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, false, nil)
		r.mustWrite(data(1, 1000), blockio.CreateOptions{Replicas: 2})
		time.Sleep(time.Second)
		if got := r.ns.Leased(); got == 0 {
			t.Fatal("no lease in stock")
		}
		time.Sleep(2 * time.Minute)
		if got := r.ns.Leased(); got != 0 {
			t.Errorf("an idle client holds %d leases", got)
		}
		grants := r.ns.Calls("Grant")
		time.Sleep(10 * time.Minute)
		if got := r.ns.Calls("Grant") - grants; got != 0 {
			t.Errorf("an idle client asked for %d leases", got)
		}
		first := r.mustWrite(data(2, 1000), blockio.CreateOptions{Replicas: 2}).Blocks[0].ID.Volume
		for range 25 {
			time.Sleep(30 * time.Second)
			r.mustWrite(data(3, 1000), blockio.CreateOptions{Replicas: 2})
		}
		if r.anyLeased([]metadata.VolumeID{first}) {
			t.Error("a lease has lasted for 12 minutes of writing")
		}
	})
}
