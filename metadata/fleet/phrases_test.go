package fleet

import (
	"testing"

	"kendfs/metadata/phrase"
	"kendfs/metadata/phrase/phrasetest"
)

// Every sentence of this package in English.
func TestEveryPhrase(t *testing.T) {
	var all []phrase.Phrase
	for _, s := range []Stall{StallPaused, StallBrake, StallNoSource, StallNoTarget, StallNoSpace, StallLeased, StallBusy, StallRetrying, StallNoReplica} {
		all = append(all, s.phrase())
	}
	phrasetest.Golden(t, all...)
	if p := Stall("").phrase(); p.String() != "" || p.Key() != nil {
		t.Errorf("no reason says %q", p)
	}
}
