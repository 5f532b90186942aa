package demo

import (
	"testing"
	"time"

	"kendfs/metadata/phrase/phrasetest"
)

// Every sentence of this package in English.
func TestEveryPhrase(t *testing.T) {
	phrasetest.Golden(t, sayOneCopy(1, time.Minute), sayOneCopy(2, time.Minute), sayDown("dn3", 8*time.Second), sayUp("dn3"), sayWell(),
		sayScrubbed("dn3"), sayRenewed("dn3"), sayRepaired("dn3"))
}
