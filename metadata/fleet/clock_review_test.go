package fleet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// aheadStore is a namespace whose last command was a leader's with a clock ahead.
type aheadStore struct {
	*spaceStore
	by time.Duration
}

func (s aheadStore) Cluster(ctx context.Context) (metadata.ClusterInfo, error) {
	info, err := s.spaceStore.Cluster(ctx)
	info.Now = info.Now.Add(s.by)
	return info, err
}

// Orders of a leader are numbered behind those of the leader before, also when
// that one's clock was ahead: who gets them sees which was given first.
func TestOrdersAreNumberedBehindTheLastLeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{Store: aheadStore{newSpaceStore(t), time.Hour}})
		term, err := f.begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last := uint64(time.Now().Add(59 * time.Minute).UnixNano()); term.orders.next < last {
			t.Errorf("numbers begin at %d, want behind %d", term.orders.next, last)
		}
	})
}

// A leader's clock that is wrong neither ends the grace time of dead blocks
// early nor keeps them for ever.
func TestGraceGoesByTheTimeOfTheNamespace(t *testing.T) {
	tm := newTerm()
	tm.info.Now = now0()
	for ahead, want := range map[time.Duration]time.Duration{
		-10 * 365 * 24 * time.Hour: 0,
		-time.Second:               0,
		20 * time.Second:           20 * time.Second,
		10 * 365 * 24 * time.Hour:  reapInterval,
	} {
		if got := tm.clock(now0().Add(ahead)).Sub(now0()); got != want {
			t.Errorf("clock %v ahead: %v, want %v", ahead, got, want)
		}
	}
}
