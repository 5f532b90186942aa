package replica

import (
	"testing"
	"time"

	"kendfs/metadata/metapb"
)

// A leader whose clock is years ahead leaves its time in the state. Its
// successor must go on from there: a time that stands still never ends a lock
// or a grace time.
func TestTimeGoesOnAfterAClockThatWasAhead(t *testing.T) {
	n := openNode(t, memNode())
	ahead := time.Now().Add(24 * 365 * time.Hour).UnixNano()
	n.floor.Store(ahead)
	propose := func() int64 {
		if _, err := n.Propose(testContext(t), &metapb.Command{Op: &metapb.Command_Reap{Reap: &metapb.Reap{}}}); err != nil {
			t.Fatal(err)
		}
		return n.clusterTime()
	}
	first := propose()
	if first <= ahead {
		t.Fatalf("time is %d, want more than %d", first, ahead)
	}
	const pause = 50 * time.Millisecond
	<-time.After(pause)
	if second := propose(); second < first+int64(pause) {
		t.Errorf("%v later the cluster's time is %v later", pause, time.Duration(second-first))
	}
	// What the next leader takes over.
	n.floor.Store(0)
	done := make(chan taken, 1)
	n.takeOver(1, done)
	if got := <-done; got.err != nil || n.floor.Load() <= ahead {
		t.Errorf("taken over %v at time %d, want more than %d", got.err, n.floor.Load(), ahead)
	}
}
