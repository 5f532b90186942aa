package fleet

import "kendfs/metadata/phrase"

// phrase says why a volume gets no work: a part of a sentence.
func (s Stall) phrase() phrase.Phrase {
	switch s {
	case StallPaused:
		return phrase.Say("stall.paused", "paused by an operator")
	case StallBrake:
		return phrase.Say("stall.brake", "many storage servers went down at once; waiting for them to come back")
	case StallNoSource:
		return phrase.Say("stall.no_source", "no storage server that has the data answers")
	case StallNoTarget:
		return phrase.Say("stall.no_target", "no other storage server to copy to")
	case StallNoSpace:
		return phrase.Say("stall.no_space", "the other storage servers are full")
	case StallLeased:
		return phrase.Say("stall.leased", "waiting for a running upload")
	case StallBusy:
		return phrase.Say("stall.busy", "waiting for other copies to finish")
	case StallRetrying:
		return phrase.Say("stall.retrying", "the last attempt failed; it will be tried again")
	case StallNoReplica:
		return phrase.Say("stall.no_replica", "waiting for a suspect storage server")
	}
	return phrase.Phrase{}
}
