package datanode_test

import (
	"testing"

	"kendfs/metadata"
)

// A copy that was made whole is listed by the time a late order to forget it
// arrives: from a leader that has lost its term, or from before the copy.
func TestLateDropDoesNotDestroyACopy(t *testing.T) {
	n := start(t, 1, 1, nil)
	n.put(t, id(4, 1), 100)
	n.fleet.set(func() { n.fleet.blocks[4] = []metadata.BlockRef{{ID: id(4, 1), Length: 100}} })
	drop := metadata.Order{Kind: metadata.OrderDrop, Disk: n.disk(), Volume: 4, Epoch: 7}
	if r := n.fleet.order(t, metadata.Order{ID: 20, Kind: metadata.OrderSync, Disk: n.disk(), Volume: 4, Epoch: 7, Fence: 9}); r.Err != "" {
		t.Fatalf("sync: %+v", r)
	}
	for i, epoch := range []metadata.Epoch{7, 6, 0} {
		drop.ID, drop.Epoch = uint64(2+i), epoch // given before the copy was ordered
		if r := n.fleet.order(t, drop); r.ErrKind != metadata.KindStale {
			t.Errorf("drop of epoch %d after a copy for epoch 7: %+v, want KindStale", epoch, r)
		}
	}
	drop.ID, drop.Epoch = 21, 6
	if r := n.fleet.order(t, drop); r.ErrKind != metadata.KindStale {
		t.Errorf("drop of the epoch before: %+v, want KindStale", r)
	}
	if got := n.locals(t, 4); len(got) != 1 {
		t.Fatalf("after late orders: %v, want the block", got)
	}
	drop.ID, drop.Epoch = 22, 8
	if r := n.fleet.order(t, drop); r.Err != "" {
		t.Errorf("drop of the next epoch: %+v", r)
	}
	if got := n.locals(t, 4); len(got) != 0 {
		t.Errorf("after drop: %v", got)
	}
}

// A copy that was made for nothing, since its volume got its replicas elsewhere
// meanwhile, is forgotten when the leader says so: the epoch is the same then.
func TestCopyThatCameTooLateIsForgotten(t *testing.T) {
	n := start(t, 1, 1, nil)
	n.put(t, id(4, 1), 100)
	n.fleet.set(func() { n.fleet.blocks[4] = []metadata.BlockRef{{ID: id(4, 1), Length: 100}} })
	if r := n.fleet.order(t, metadata.Order{ID: 1, Kind: metadata.OrderSync, Disk: n.disk(), Volume: 4, Epoch: 7, Fence: 9}); r.Err != "" {
		t.Fatalf("sync: %+v", r)
	}
	if r := n.fleet.order(t, metadata.Order{ID: 2, Kind: metadata.OrderDrop, Disk: n.disk(), Volume: 4, Epoch: 7}); r.Err != "" {
		t.Errorf("drop: %+v", r)
	}
	if got := n.locals(t, 4); len(got) != 0 {
		t.Errorf("after drop: %v, want nothing", got)
	}
}
