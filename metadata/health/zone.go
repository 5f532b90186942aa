package health

import "kendfs/metadata/phrase"

// ZoneFacts answer "what if this node were in another zone?". All volumes in
// them hold data.
type ZoneFacts struct {
	Node      string   `json:"node"`
	Name      string   `json:"name"`
	Was       string   `json:"was"`        // the zone that counts now
	WasSet    bool     `json:"was_set"`    // by an operator
	Zone      string   `json:"zone"`       // the one that would count
	Set       bool     `json:"set"`        // by an operator; else it is the machine's own
	Machine   string   `json:"machine"`    // what the machine itself says
	Servers   int      `json:"servers"`    // storage servers in the zone then
	Zones     int      `json:"zones"`      // zones with storage servers that take data then
	OneZone   Count    `json:"one_zone"`   // volumes all copies of which would be in one zone, and are not now
	Crowded   Count    `json:"crowded"`    // volumes with copies that would have to be moved to be in different zones again
	Mended    Count    `json:"mended"`     // volumes that would be spread better than now
	MoveBytes int64    `json:"move_bytes"` // that would be copied to other zones by themselves
	Sentence  string   `json:"sentence"`
	Blockers  []string `json:"blockers,omitempty"`

	SentencePhrase *phrase.Phrase  `json:"sentence_phrase,omitempty"`
	BlockerPhrases []phrase.Phrase `json:"blocker_phrases,omitempty"`
}

// JudgeZone says the facts in a sentence, and what is in the way.
func JudgeZone(f ZoneFacts) ZoneFacts {
	f.Blockers, f.BlockerPhrases = nil, nil
	if f.Zone == f.Was && f.Set == f.WasSet {
		f.BlockerPhrases = []phrase.Phrase{blockZoned(f.Name, f.Zone)}
		f.Blockers = phrase.Texts(f.BlockerPhrases)
	}
	p := sayZoned(f.Name, f.Zone, f.Set, f.outcome())
	f.Sentence, f.SentencePhrase = p.String(), p.Key()
	return f
}

// outcome is what the new zone means for the copies.
func (f *ZoneFacts) outcome() phrase.Phrase {
	switch {
	case f.Zone == f.Was:
		return sayZoneAsNow()
	case f.OneZone.Volumes > 0 && f.MoveBytes == 0:
		return sayZoneAlone(f.OneZone)
	case f.MoveBytes > 0:
		return sayZoneMoves(f.MoveBytes)
	case f.Mended.Volumes > 0:
		return sayZoneMends(f.Mended)
	}
	return sayZoneStays()
}
