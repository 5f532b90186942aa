package fleet

import (
	"testing"
	"time"
)

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
