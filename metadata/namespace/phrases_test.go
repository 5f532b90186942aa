package namespace

import (
	"strings"
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase/phrasetest"
)

// Every sentence of this package in English.
func TestEveryPhrase(t *testing.T) {
	row := &metapb.NodeRow{Id: 3, Name: "dn3"}
	until := &metapb.NodeRow{Id: 3, Name: "dn3", Until: 1_772_625_600_000_000_000}
	zoned := &metapb.NodeRow{Id: 3, Name: "dn3", Zone: "row-1"}
	phrasetest.Golden(t, sayJoined(row, "datanode, webdav"), sayEmptied(row), sayMaintained(row), sayMaintained(until), sayRemoved(row),
		sayUsed(row), sayZoned(row), sayZoned(zoned))
}

// A phrase that would be too long is left out, and the text is cut.
func TestLongPhrases(t *testing.T) {
	row := &metapb.NodeRow{Id: 3, Name: "dn3"}
	e := &metapb.EventRow{}
	if say(e, sayEmptied(row)); e.Text != "dn3 (n3) is being emptied." || !strings.Contains(string(e.Phrase), "event.emptied") {
		t.Errorf("got %q %s", e.Text, e.Phrase)
	}
	e = &metapb.EventRow{}
	if say(e, sayJoined(row, strings.Repeat("x", metadata.EventPhraseMax))); len(e.Text) != metadata.EventTextMax || e.Phrase != nil {
		t.Errorf("%d bytes of text, %d of phrase", len(e.Text), len(e.Phrase))
	}
	if err := checkEvent(&metapb.EventRow{Severity: "info", Code: "X", Text: "t", Phrase: make([]byte, metadata.EventPhraseMax+1)}); err == nil {
		t.Error("a phrase that is too long was taken")
	}
}
