package fleet

import (
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// What has one copy left and becomes ready late, since its lease had to end
// first, finds a slot: copies of what has two left do not take all.
func TestSlotForWhatHasOneCopy(t *testing.T) {
	b := newBuilder(4)
	b.lim.CopiesPerTarget, b.lim.CopiesPerSource = 2, 2
	b.volume(1, metadata.VolumeIdle, 3, 2<<30, 1, 2, 3)
	b.volume(2, metadata.VolumeIdle, 3, 1<<30, 1, 2, 3)
	late := b.volume(3, metadata.VolumeLeased, 2, 1<<30, 1, 3)
	b.down(time.Hour, 3)
	b.sites[2].state = metadata.NodeMaintenance // takes nothing new: all goes to node 4
	p := makePlan(b.world)
	if got, want := p.show(), "repair v1 on n4/104<n1<n2; stalled: "; !strings.HasPrefix(got, want) || strings.Contains(got, "repair v2") {
		t.Fatalf("got %s, want %s…", got, want)
	}
	late.State = metadata.VolumeIdle
	p = makePlan(b.world)
	if got, want := p.show(), "repair v3 on n4/104<n1; stalled: "+string(StallBusy); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
