package fleet

import (
	"fmt"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// Phrase says why a volume gets no work: a part of a sentence.
func (s Stall) Phrase() phrase.Phrase {
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

// What the chronicle tells.

func labelled(name string, id metadata.NodeID) (phrase.Arg, phrase.Arg) {
	return phrase.Text(name), phrase.Text(id.String())
}

func sayDown(name string, id metadata.NodeID) phrase.Phrase {
	n, i := labelled(name, id)
	return phrase.Say("event.down", "{0} ({1}) is down: it does not answer any more.", n, i)
}

func sayBack(name string, id metadata.NodeID, after time.Duration) phrase.Phrase {
	n, i := labelled(name, id)
	return phrase.Say("event.back", "{0} ({1}) is back after {2}.", n, i, phrase.Lasted(after))
}

func sayEmpty(name string, id metadata.NodeID) phrase.Phrase {
	n, i := labelled(name, id)
	return phrase.Say("event.empty", "{0} ({1}) is empty and can be removed.", n, i)
}

func sayDiskFailed(name string, id metadata.NodeID, path, why string) phrase.Phrase {
	n, i := labelled(name, id)
	return phrase.Say("event.disk_failed", "A disk of {0} ({1}) has failed: {2}: {3}", n, i,
		phrase.Text(fmt.Sprintf("%.100s", path)), phrase.Text(fmt.Sprintf("%.200s", why)))
}

func sayDiskBack(name string, id metadata.NodeID, path string) phrase.Phrase {
	n, i := labelled(name, id)
	return phrase.Say("event.disk_back", "A disk of {0} ({1}) is in service again: {2}", n, i, phrase.Text(fmt.Sprintf("%.100s", path)))
}

func sayVerdict(r *health.Report) phrase.Phrase {
	return phrase.Say("event.verdict", "{0}. {1}", phrase.Sub(r.Verdict.Phrase()), phrase.Sub(phrase.Told(r.SentencePhrase, r.Sentence)))
}

func sayRepairBegan(c health.Count) phrase.Phrase {
	return phrase.Say("event.repair_began", "Copies are being made: {0} {0|volume|volumes} ({1}) {0|lacks|lack} one.",
		phrase.Count(c.Volumes), phrase.Bytes(c.Bytes))
}

func sayRepairedAlone() phrase.Phrase {
	return phrase.Say("event.repaired_alone", "Repair is over: the missing copies came back by themselves.")
}

func sayRepairedAfter(d time.Duration) phrase.Phrase {
	return phrase.Say("event.repaired_after", "Repair is over after {0}.", phrase.Lasted(d))
}

func sayRepaired(copies int, bytes int64, d time.Duration) phrase.Phrase {
	return phrase.Say("event.repaired", "Repair is over: {0} {0|copy|copies} ({1}) in {2}.", phrase.Count(copies), phrase.Bytes(bytes), phrase.Lasted(d))
}
