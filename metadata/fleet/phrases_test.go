package fleet

import (
	"testing"
	"time"

	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
	"kendfs/metadata/phrase/phrasetest"
)

// Every sentence of this package in English.
func TestEveryPhrase(t *testing.T) {
	var all []phrase.Phrase
	for _, s := range []Stall{StallPaused, StallBrake, StallNoSource, StallNoTarget, StallNoSpace, StallLeased, StallBusy, StallRetrying, StallNoReplica} {
		all = append(all, s.Phrase())
	}
	report := health.Judge(health.Figures{Facts: health.Report{Nodes: health.Nodes{Up: 2}, Voters: 1, VotersHealthy: 1, Writable: true}})
	phrasetest.Golden(t, append(all,
		sayDown("dn3", 3), sayBack("dn3", 3, 62*time.Second), sayEmpty("dn3", 3), sayDiskFailed("dn3", 3, "/data2", "I/O 5"),
		sayDiskBack("dn3", 3, "/data2"), sayVerdict(&report), sayRepairBegan(health.Count{Volumes: 1, Bytes: 5}),
		sayRepairBegan(health.Count{Volumes: 2, Bytes: 1 << 30}), sayRepairedAlone(), sayRepairedAfter(time.Hour),
		sayRepaired(1, 5, time.Minute), sayRepaired(2, 1<<30, time.Minute))...)
	if p := Stall("").Phrase(); p.String() != "" || p.Key() != nil {
		t.Errorf("no reason says %q", p)
	}
}
