package fleet

import (
	"testing"
	"time"

	"kendfs/metadata"
)

func TestObserve(t *testing.T) {
	b := newBuilder(3)
	v := b.volume(1, metadata.VolumeIdle, 2, 100, 1, 2)
	good := metadata.VolumeDigest{Disk: 102, Volume: 1, Blocks: v.Blocks, Bytes: v.Bytes, Digest: v.Digest}
	bad := good
	bad.Digest++
	k := copyKey{1, 102}
	confirmed := func(step string, want bool) {
		t.Helper()
		if got := b.suspects[k].confirmed; got != want {
			t.Errorf("%s: confirmed %v, want %v", step, got, want)
		}
	}
	b.observe(good)
	confirmed("as the record says", false)
	b.observe(bad)
	confirmed("seen once", false)
	b.now = b.now.Add(suspectTwice - 1)
	b.observe(bad)
	confirmed("seen again too soon", false)
	b.now = b.now.Add(1)
	b.observe(bad)
	confirmed("seen twice", true)
	b.observe(good)
	confirmed("it was a passing thing", false)
	b.reapings[1] = &reaping{}
	b.observe(bad)
	confirmed("dead blocks are being deleted", false)
	delete(b.reapings, 1)
	b.observe(bad)
	v.Changed++
	b.now = b.now.Add(time.Minute)
	b.observe(bad)
	confirmed("the record changed in between", false)
	v.State = metadata.VolumeLeased
	b.observe(bad)
	if len(b.suspects) != 0 {
		t.Error("a copy of a volume that is being written is a suspect")
	}

	b.observe(metadata.VolumeDigest{Disk: 103, Volume: 1, Bytes: 40})
	b.observe(metadata.VolumeDigest{Disk: 103, Volume: b.next - 1})
	b.observe(metadata.VolumeDigest{Disk: 103, Volume: b.next})
	if len(b.strays) != 2 || b.strays[copyKey{1, 103}].bytes != 40 {
		t.Errorf("strays: %v, want one of v1 and one of the last volume", b.strays)
	}
	v.Replicas = append(v.Replicas, metadata.Replica{Node: 3, Disk: 103})
	b.observe(metadata.VolumeDigest{Disk: 103, Volume: 1, Bytes: 40})
	if len(b.strays) != 1 {
		t.Errorf("strays: %v, the listed one among them", b.strays)
	}
}

func TestFindSilent(t *testing.T) {
	b := newBuilder(3)
	v := b.volume(1, metadata.VolumeIdle, 2, 100, 1, 2)
	b.volume(2, metadata.VolumeIdle, 2, 0, 1, 2).Blocks = 0 // holds nothing: need not be there
	b.findSilent()
	for range 10 {
		b.now = b.now.Add(10 * time.Second)
		v.saw(101, b.now)
		b.findSilent()
	}
	if !b.suspects[copyKey{1, 102}].confirmed || len(b.suspects) != 1 {
		t.Errorf("suspects: %v, want the copy that is not reported", b.suspects)
	}
	// A disk that was away has the whole time to report.
	clear(b.suspects)
	b.live(metadata.LivenessDown, 2)
	b.now = b.now.Add(time.Hour)
	v.saw(101, b.now)
	b.findSilent()
	b.live(metadata.LivenessUp, 2)
	b.now = b.now.Add(time.Second)
	b.findSilent()
	if len(b.suspects) != 0 {
		t.Errorf("suspects just after the disk is back: %v", b.suspects)
	}
}

func TestGather(t *testing.T) {
	b := newBuilder(1)
	var dead []metadata.DeadBlock
	for i := range 3 * metadata.OrderBlocksMax {
		dead = append(dead, metadata.DeadBlock{ID: metadata.BlockID{Volume: metadata.VolumeID(1 + i%2), Local: metadata.LocalID(i)}})
	}
	if left := b.gather(dead); left != metadata.OrderBlocksMax || len(b.reapings[1].blocks) != metadata.OrderBlocksMax {
		t.Errorf("%d left, %d in the batch, want %d each", left, len(b.reapings[1].blocks), metadata.OrderBlocksMax)
	}
	// A batch that is on its way is not added to: its confirmations would lie.
	if left := b.gather(dead[:10]); left != 10 {
		t.Errorf("%d left, want all 10", left)
	}
	var many []metadata.DeadBlock
	for i := range 2 * deletesMax {
		many = append(many, metadata.DeadBlock{ID: metadata.BlockID{Volume: metadata.VolumeID(i + 10), Local: 1}})
	}
	b.gather(many)
	if len(b.reapings) != deletesMax {
		t.Errorf("%d batches, want %d", len(b.reapings), deletesMax)
	}
}

// A copy that is made while dead blocks are being deleted may have them again.
func TestSyncRestartsDeletion(t *testing.T) {
	b := newBuilder(3)
	b.volume(1, metadata.VolumeIdle, 2, 100, 1, 2)
	b.gather([]metadata.DeadBlock{{ID: metadata.BlockID{Volume: 1, Local: 4}}})
	makePlan(b.world)
	b.reapings[1].confirmed[101] = true
	b.orders.remove(b.orders.byCopy[copyKey{1, 101}])
	b.down(time.Hour, 2)
	b.orders.expire(b.world)
	if got, want := makePlan(b.world).show(), "repair v1 on n3/103<n1; reap 1 of v1"; got != want {
		t.Errorf("plan: %s, want %s", got, want)
	}
	if len(b.reapings[1].confirmed) != 0 || len(b.orders.byID) != 1 {
		t.Errorf("confirmed %v, %d orders, want none and the repair", b.reapings[1].confirmed, len(b.orders.byID))
	}
}

func TestStraysExpire(t *testing.T) {
	b := newBuilder(1)
	b.strays[copyKey{1, 101}] = stray{seen: b.now.Add(-straysKept - 1)}
	if got := makePlan(b.world).show(); got != "" || len(b.strays) != 0 {
		t.Errorf("plan %q, %d strays, want nothing", got, len(b.strays))
	}
}
