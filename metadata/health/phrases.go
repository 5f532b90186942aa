package health

import (
	"strings"

	"kendfs/metadata/phrase"
)

// Everything that this package says, each in the words of one template. What is
// here is in the dictionaries of the desktop, too (package phrase). A phrase that
// stands inside another begins with the space that parts it, if it needs one.

// sayVerdict is the word for a verdict.
func sayVerdict(v Verdict) phrase.Phrase {
	switch v {
	case Unavailable:
		return phrase.Say("verdict.word.unavailable", "Data unavailable")
	case AtRisk:
		return phrase.Say("verdict.word.at_risk", "At risk")
	case MetadataAtRisk:
		return phrase.Say("verdict.word.metadata_at_risk", "Metadata at risk")
	case ReadOnly:
		return phrase.Say("verdict.word.read_only", "Read-only")
	case Repairing:
		return phrase.Say("verdict.word.repairing", "Repairing")
	case Protected:
		return phrase.Say("verdict.word.protected", "Protected")
	}
	return phrase.Say("verdict.word.unknown", "Unknown")
}

func sayNothingKnown() phrase.Phrase {
	return phrase.Say("verdict.nothing_known", "Nothing is known yet.")
}

func sayWhy(why phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.why", "{^0}.", phrase.Sub(why))
}

func sayBlind(since phrase.Arg, why phrase.Phrase, last Verdict) phrase.Phrase {
	return phrase.Say("verdict.blind", `Blind since {0}: {1}. The last verdict was "{2}".`, since, phrase.Sub(why), phrase.Sub(sayVerdict(last)))
}

// sayReason knows the reasons of Blind that are not an error from deep inside.
func sayReason(why string) phrase.Phrase {
	if why == NoAnswer {
		return phrase.Say("verdict.no_answer", "no nameserver answers")
	}
	return phrase.Free(strings.TrimSuffix(why, "."))
}

func sayCounting(unknown int) phrase.Phrase {
	return phrase.Say("verdict.counting", "Counting: {0} {0|storage server has|storage servers have} not reported yet.", phrase.Count(unknown))
}

func sayNoServer() phrase.Phrase {
	return phrase.Say("verdict.no_server", "No storage server has joined yet.")
}

func sayUnavailable(bytes int64, missing phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.unavailable", "{0} cannot be read now: no storage server that has them answers{1}.",
		phrase.Bytes(bytes), phrase.Sub(missing))
}

func sayAtRisk(bytes int64, missing, progress phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.at_risk", "{0} have one live copy{1}. {2}", phrase.Bytes(bytes), phrase.Sub(missing), phrase.Sub(progress))
}

func sayVoters(healthy, all int) phrase.Phrase {
	return phrase.Say("verdict.voters", "{0} of {1} nameservers answer; if one more fails, nothing can be read or written.",
		phrase.Count(healthy), phrase.Count(all))
}

func sayReadOnly() phrase.Phrase {
	return phrase.Say("verdict.read_only", "Writing is switched off.")
}

func sayNotWritable(missing phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.not_writable", "Nothing can be written: too few storage servers answer and have room{0}.", phrase.Sub(missing))
}

func sayRepairing(bytes int64, missing, progress phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.repairing", "{0} lack a copy{1}. {2}", phrase.Bytes(bytes), phrase.Sub(missing), phrase.Sub(progress))
}

func sayProtected(missing phrase.Phrase) phrase.Phrase {
	return phrase.Say("verdict.protected", "All data has all its copies{0}.", phrase.Sub(missing))
}

// sayMissing names some of the storage servers that are down.
func sayMissing(down int, names []string) phrase.Phrase {
	some, more := strings.Join(names, ", "), phrase.Count(down-len(names))
	switch {
	case down == 0:
		return phrase.Phrase{}
	case len(names) == 0:
		return phrase.Say("missing.count", " (down: {0} more)", more)
	case down > len(names):
		return phrase.Say("missing.more", " (down: {0} and {1} more)", phrase.Text(some), more)
	}
	return phrase.Say("missing.names", " (down: {0})", phrase.Text(some))
}

func sayPaused(until phrase.Arg) phrase.Phrase {
	return phrase.Say("progress.paused", "Repair is paused by an operator until {0}.", until)
}

func sayBraked() phrase.Phrase {
	return phrase.Say("progress.braked", "Repair is paused: many storage servers went down at once; waiting for them to come back.")
}

func sayMaintained() phrase.Phrase {
	return phrase.Say("progress.maintenance", "Nothing is copied: the others are on nodes in maintenance.")
}

func sayStalled(why phrase.Phrase) phrase.Phrase {
	return phrase.Say("progress.stalled", "Repair waits: {0}.", phrase.Sub(why))
}

func sayMoving(bytesPerS, least, most int64) phrase.Phrase {
	return phrase.Say("progress.moving", "Repairing at {0}/s, {1} left.", phrase.Bytes(bytesPerS), phrase.Span(least, most))
}

func sayStarting() phrase.Phrase {
	return phrase.Say("progress.starting", "Repair is starting.")
}

// sayNoRoomFor is what a check says where others name what is affected.
func sayNoRoomFor(node string) phrase.Phrase {
	return phrase.Say("check.no_room_for", "no room for what is on {0}", phrase.Text(node))
}

func sayVolumes(c Count) phrase.Phrase {
	return phrase.Say("volumes", "{0} {0|volume|volumes} ({1})", phrase.Count(c.Volumes), phrase.Bytes(c.Bytes))
}

func blockUnreadable(c Count) phrase.Phrase {
	return phrase.Say("stop.unreadable", "{0} could not be read: the only live copies are there", phrase.Sub(sayVolumes(c)))
}

func blockNobodyDecides() phrase.Phrase {
	return phrase.Say("stop.nobody_decides", "no nameserver would be left to decide: nothing could be read or written")
}

func blockNotWritable() phrase.Phrase {
	return phrase.Say("stop.not_writable", "nothing could be written: too few storage servers would be left")
}

func blockUnknown(unknown int) phrase.Phrase {
	return phrase.Say("stop.unknown", "{0} {0|storage server has|storage servers have} not reported yet: not everything is known", phrase.Count(unknown))
}

func sayNotNow(why []phrase.Phrase) phrase.Phrase {
	return phrase.Say("stop.not_now", "Not now: {0}.", phrase.List(why))
}

func sayDownAlready(name string) phrase.Phrase {
	return phrase.Say("stop.down_already", "{0} is down already: nothing changes.", phrase.Text(name))
}

func sayOneCopyMeanwhile(c Count, name string) phrase.Phrase {
	return phrase.Say("stop.one_copy", "Safe: all data stays readable. {0} would have one copy until {1} is back, so stop nothing else meanwhile.",
		phrase.Sub(sayVolumes(c)), phrase.Text(name))
}

func sayCopyLacksMeanwhile(c Count) phrase.Phrase {
	return phrase.Say("stop.below", "Safe: all data stays readable, from two copies or more. {0} would lack a copy.", phrase.Sub(sayVolumes(c)))
}

func sayUnaffected() phrase.Phrase {
	return phrase.Say("stop.safe", "Safe: no data is affected.")
}

func sayZone(zone string) phrase.Phrase {
	if zone == "" {
		return phrase.Say("zone.none", "no zone")
	}
	return phrase.Say("zone.named", "the zone {0}", phrase.Text(zone))
}

func sayZoned(name, zone string, set bool, outcome phrase.Phrase) phrase.Phrase {
	if set {
		return phrase.Say("zone.set", "{0} is in {1} then. {2}", phrase.Text(name), phrase.Sub(sayZone(zone)), phrase.Sub(outcome))
	}
	return phrase.Say("zone.machine", "{0} is where the machine itself says then: in {1}. {2}",
		phrase.Text(name), phrase.Sub(sayZone(zone)), phrase.Sub(outcome))
}

func blockZoned(name, zone string) phrase.Phrase {
	return phrase.Say("zone.already", "{0} is in {1} already", phrase.Text(name), phrase.Sub(sayZone(zone)))
}

func sayZoneAsNow() phrase.Phrase {
	return phrase.Say("zone.as_now", "It is there now: no copy is moved.")
}

func sayZoneAlone(c Count) phrase.Phrase {
	return phrase.Say("zone.alone", "{0} would have all copies in one zone, and there is no other to move them to.", phrase.Sub(sayVolumes(c)))
}

func sayZoneMoves(bytes int64) phrase.Phrase {
	return phrase.Say("zone.moves", "{0} are copied to other zones, after all repairs.", phrase.Bytes(bytes))
}

func sayZoneMends(c Count) phrase.Phrase {
	return phrase.Say("zone.mends", "It spreads {0} better.", phrase.Sub(sayVolumes(c)))
}

func sayZoneStays() phrase.Phrase {
	return phrase.Say("zone.stays", "No copy has to be moved.")
}
