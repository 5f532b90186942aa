package fleet

import (
	"testing"
	"time"

	"kendfs/metadata"
)

// Volumes with a replica on a node that is away for maintenance must not keep
// the deletion of all others waiting.
func TestDeletesThatWaitTakeNoPlaces(t *testing.T) {
	b := newBuilder(3)
	var dead []metadata.DeadBlock
	for id := range metadata.VolumeID(deletesMax + 10) {
		nodes := []metadata.NodeID{1, 2}
		if id < deletesMax {
			nodes = []metadata.NodeID{1, 3}
		}
		b.volume(id+1, metadata.VolumeIdle, 2, 100, nodes...)
		dead = append(dead, metadata.DeadBlock{ID: metadata.BlockID{Volume: id + 1, Local: 1}})
	}
	b.down(time.Hour, 3)
	b.sites[3].state = metadata.NodeMaintenance
	if left := b.gather(dead); left != deletesMax || len(b.reapings) != 10 {
		t.Errorf("%d batches, %d blocks left; want 10 batches of the volumes that answer", len(b.reapings), left)
	}
}
