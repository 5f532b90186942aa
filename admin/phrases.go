package admin

import (
	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// What the desktop's server says of acts and of work that goes on, each in the
// words of one template. What is here is in the dictionaries of the page, too
// (package phrase).

// impact is what an act does; its lists are never null.
func impact(sentence phrase.Phrase, facts ...api.Fact) api.Impact {
	return api.Impact{
		Sentence: sentence.String(), SentencePhrase: sentence.Key(),
		Facts: append([]api.Fact{}, facts...), Blockers: []string{},
	}
}

// block adds what is in the way of an act.
func block(im *api.Impact, why ...phrase.Phrase) {
	im.Blockers = append(im.Blockers, phrase.Texts(why)...)
	im.BlockerPhrases = append(im.BlockerPhrases, why...)
}

// blocked is the refusal of an act that something is in the way of, or nil.
func blocked(im *api.Impact) error {
	if len(im.Blockers) == 0 {
		return nil
	}
	why := make([]phrase.Phrase, len(im.Blockers))
	for i, text := range im.Blockers {
		if i < len(im.BlockerPhrases) {
			why[i] = phrase.Told(&im.BlockerPhrases[i], text)
		} else {
			why[i] = phrase.Free(text)
		}
	}
	return errSaid(metadata.KindConflict, phrase.Say("impact.blocked", "{0}", phrase.List(why)))
}

// fact is a figure of an impact.
func fact(label phrase.Phrase, danger bool, value phrase.Phrase) api.Fact {
	return api.Fact{Label: label.String(), LabelPhrase: label.Key(), Danger: danger, Value: value.String(), ValuePhrase: value.Key()}
}

// figure is a value of one argument: a size, a number, a span, a name.
func figure(a phrase.Arg) phrase.Phrase { return phrase.Say("fact.figure", "{0}", a) }

func sayVolumes(c health.Count) phrase.Phrase {
	return phrase.Say("fact.volumes", "{0} {0|volume|volumes}, {1}", phrase.Count(c.Volumes), phrase.Bytes(c.Bytes))
}

func sayFiles(files, bytes int64) phrase.Phrase {
	return phrase.Say("fact.files", "{0} {0|file|files}, {1}", phrase.Count(int(files)), phrase.Bytes(bytes))
}

func sayMove(bytes int64, volumes int) phrase.Phrase {
	return phrase.Say("fact.move", "{0}, {1} {1|copy|copies} of volumes", phrase.Bytes(bytes), phrase.Count(volumes))
}

func sayRate(bytes int64) phrase.Phrase {
	if bytes == 0 {
		return phrase.Say("fact.no_limit", "no limit of its own")
	}
	return phrase.Say("fact.rate", "{0}/s", phrase.Bytes(bytes))
}

func sayMoveVolumes(bytes int64, volumes int) phrase.Phrase {
	return phrase.Say("fact.move_volumes", "{0}, {1} {1|volume|volumes}", phrase.Bytes(bytes), phrase.Count(volumes))
}

// sayZoneNow is the zone of a node, and whose word that is.
func sayZoneNow(zone string, set bool) phrase.Phrase {
	now := phrase.Free(zone)
	if zone == "" {
		now = phrase.Say("fact.no_zone", "none")
	}
	if set {
		return phrase.Say("fact.zone_set", "{0}, set by an operator", phrase.Sub(now))
	}
	return now
}

// sayMachineZone is what the machine itself calls its zone.
func sayMachineZone(zone string) phrase.Phrase {
	if zone == "" {
		return phrase.Say("fact.says_nothing", "nothing")
	}
	return phrase.Free(zone)
}

func sayYes(yes bool) phrase.Phrase {
	if yes {
		return phrase.Say("fact.yes", "yes")
	}
	return phrase.Say("fact.no", "no")
}

func sayState(s metadata.NodeState) phrase.Phrase {
	switch s {
	case metadata.NodeActive:
		return phrase.Say("state.active", "active")
	case metadata.NodeDraining:
		return phrase.Say("state.draining", "draining")
	case metadata.NodeMaintenance:
		return phrase.Say("state.maintenance", "maintenance")
	case metadata.NodeRemoved:
		return phrase.Say("state.removed", "removed")
	}
	return phrase.Free(s.String())
}

// The labels of facts.

func labelUnreadable() phrase.Phrase {
	return phrase.Say("label.unreadable", "Could not be read meanwhile")
}
func labelOneCopy() phrase.Phrase { return phrase.Say("label.one_copy", "Would have one live copy") }
func labelBelow() phrase.Phrase   { return phrase.Say("label.below", "Would lack a copy") }
func labelToCopy() phrase.Phrase {
	return phrase.Say("label.to_copy", "To be copied if it stays away")
}
func labelWritable() phrase.Phrase {
	return phrase.Say("label.writable", "New data could still be taken")
}
func labelToMove() phrase.Phrase { return phrase.Say("label.to_move", "To move") }
func labelFree() phrase.Phrase   { return phrase.Say("label.free_elsewhere", "Free elsewhere") }
func labelServersLeft() phrase.Phrase {
	return phrase.Say("label.servers_left", "Storage servers that are left")
}
func labelPresentRate() phrase.Phrase {
	return phrase.Say("label.present_rate", "At the present rate")
}
func labelHeld() phrase.Phrase     { return phrase.Say("label.held", "Volumes on it") }
func labelState() phrase.Phrase    { return phrase.Say("label.state", "State") }
func labelNow() phrase.Phrase      { return phrase.Say("label.now", "Now") }
func labelThen() phrase.Phrase     { return phrase.Say("label.then", "Then") }
func labelToRepair() phrase.Phrase { return phrase.Say("label.to_repair", "To be repaired") }
func labelAtLeast() phrase.Phrase  { return phrase.Say("label.at_least", "At least") }
func labelOneCopyNow() phrase.Phrase {
	return phrase.Say("label.one_copy_now", "With one live copy now")
}
func labelBelowNow() phrase.Phrase { return phrase.Say("label.below_now", "Lacking a copy now") }
func labelRunning() phrase.Phrase  { return phrase.Say("label.running", "Copies under way") }
func labelRole() phrase.Phrase     { return phrase.Say("label.role", "Role") }
func labelSessions() phrase.Phrase { return phrase.Say("label.sessions", "Sessions that end") }
func labelCopies() phrase.Phrase   { return phrase.Say("label.copies", "Copies now") }
func labelKept() phrase.Phrase     { return phrase.Say("label.kept", "Files in it keep their copies") }
func labelInIt() phrase.Phrase     { return phrase.Say("label.in_it", "In it now") }
func labelZone() phrase.Phrase     { return phrase.Say("label.zone", "Zone now") }
func labelMachineZone() phrase.Phrase {
	return phrase.Say("label.machine_zone", "The machine itself says")
}
func labelOneZone() phrase.Phrase {
	return phrase.Say("label.one_zone", "All copies in one zone then")
}
func labelToZones() phrase.Phrase { return phrase.Say("label.to_zones", "To move to other zones") }
func labelMended() phrase.Phrase  { return phrase.Say("label.mended", "Spread better then") }
func labelZoneServers() phrase.Phrase {
	return phrase.Say("label.zone_servers", "Storage servers in the zone then")
}
func labelZones() phrase.Phrase { return phrase.Say("label.zones", "Zones that take data then") }

// Drains, maintenance, removal.

// sayNodes is one node by its name, or several by their number.
func sayNodes(nodes []*metadata.Node) phrase.Phrase {
	if len(nodes) == 1 {
		return phrase.Free(nodes[0].Name)
	}
	return phrase.Say("impact.nodes", "these {0} nodes", phrase.Count(len(nodes)))
}

func sayDrain(bytes int64, volumes int, from phrase.Phrase) phrase.Phrase {
	if volumes == 0 {
		return phrase.Say("impact.drain_empty", "There is nothing to move: no data is on {0}. New data goes to the other storage servers.", phrase.Sub(from))
	}
	return phrase.Say("impact.drain", "{0} in {1} {1|copy|copies} of volumes move from {2} to the other storage servers. Everything stays readable.",
		phrase.Bytes(bytes), phrase.Count(volumes), phrase.Sub(from))
}

func sayMaintainMany(nodes int, stop phrase.Phrase) phrase.Phrase {
	return phrase.Say("impact.maintain_many", "Meanwhile no repair is started for these {0} nodes. If they were away together: {1}",
		phrase.Count(nodes), phrase.Sub(stop))
}

func sayMaintain(until phrase.Arg, node string, stop phrase.Phrase) phrase.Phrase {
	return phrase.Say("impact.maintain", "Until {0} no repair is started for {1}. {2}", until, phrase.Text(node), phrase.Sub(stop))
}

func sayActivate(node string) phrase.Phrase {
	return phrase.Say("impact.activate", "{0} takes new data again.", phrase.Text(node))
}

func sayRemove(node string) phrase.Phrase {
	return phrase.Say("impact.remove", "{0} is removed for good: its certificate is refused from now on. To come back it must join anew.", phrase.Text(node))
}

func blockDraining(node string) phrase.Phrase {
	return phrase.Say("block.draining", "{0} is being drained already", phrase.Text(node))
}

func blockGone(node string) phrase.Phrase {
	return phrase.Say("block.gone", "{0} is removed", phrase.Text(node))
}

func blockNoData(node string) phrase.Phrase {
	return phrase.Say("block.no_data", "{0} keeps no data: there is nothing to drain", phrase.Text(node))
}

func blockNoRoom() phrase.Phrase {
	return phrase.Say("block.no_room", "the other storage servers have too little room")
}

func blockTooFew(copies, left int) phrase.Phrase {
	return phrase.Say("block.too_few", "there is data that wants {0} copies, and {1} {1|storage server|storage servers} would be left: the drain would not end",
		phrase.Count(copies), phrase.Count(left))
}

func blockActive(node string) phrase.Phrase {
	return phrase.Say("block.active", "{0} is active already", phrase.Text(node))
}

func blockRemoved(node string) phrase.Phrase {
	return phrase.Say("block.removed", "{0} is removed already", phrase.Text(node))
}

func blockNameserver(node string) phrase.Phrase {
	return phrase.Say("block.nameserver", "{0} is a nameserver: it cannot be removed here", phrase.Text(node))
}

func blockThisNode(node string) phrase.Phrase {
	return phrase.Say("block.this_node", "this desktop runs on {0}", phrase.Text(node))
}

func blockHolds(node string, volumes int) phrase.Phrase {
	return phrase.Say("block.holds", "{0} still holds replicas of {1} {1|volume|volumes}: drain it first", phrase.Text(node), phrase.Count(volumes))
}

// Repair.

func sayLimit(bytes int64) phrase.Phrase {
	if bytes == 0 {
		return phrase.Say("impact.no_limit", "Repair is as fast as the nameservers' own setting allows.")
	}
	return phrase.Say("impact.limit", "Each storage server fetches at most {0}/s for repairs.", phrase.Bytes(bytes))
}

func sayPause(until phrase.Arg) phrase.Phrase {
	return phrase.Say("impact.pause", "No copies are made until {0}; then repair goes on by itself.", until)
}

func sayResume(braked bool) phrase.Phrase {
	if braked {
		return phrase.Say("impact.resume_braked", "Repair waits by itself, because many storage servers went down at once; a pause of an operator ends.")
	}
	return phrase.Say("impact.resume", "Repair goes on.")
}

// Users and folders.

func sayDeleteUser(name string) phrase.Phrase {
	return phrase.Say("impact.delete_user", "{0} cannot sign in any more, neither here nor at the drive. Files stay where they are.", phrase.Text(name))
}

func sayAttributes(what []phrase.Phrase) phrase.Phrase {
	return phrase.Say("impact.attributes", "{^0}.", phrase.List(what))
}

func sayCopies(n int) phrase.Phrase {
	if n == 0 {
		return phrase.Say("attributes.inherited", "new files get as many copies as the folder above says")
	}
	return phrase.Say("attributes.copies", "new files in it get {0} {0|copy|copies}", phrase.Count(n))
}

func sayQuota(bytes int64) phrase.Phrase {
	if bytes == 0 {
		return phrase.Say("attributes.no_quota", "the folder has no limit of its own")
	}
	return phrase.Say("attributes.quota", "the folder takes at most {0}", phrase.Bytes(bytes))
}

func blockTooManyCopies(up, copies int) phrase.Phrase {
	return phrase.Say("block.too_many_copies", "there are {0} storage servers that answer: they cannot keep {1} copies", phrase.Count(up), phrase.Count(copies))
}

// Settings.

func warnReadOnly() phrase.Phrase {
	return phrase.Say("warn.read_only", "Nobody can write or delete anything, at the drive or here, until it is switched off again.")
}

func warnOneCopy() phrase.Phrase {
	return phrase.Say("warn.one_copy", "New files have one copy: one failed disk loses them.")
}

func warnTooManyCopies(up, copies int) phrase.Phrase {
	return phrase.Say("warn.too_many_copies", "There are {0} storage servers that answer; new files cannot have {1} copies.", phrase.Count(up), phrase.Count(copies))
}

func warnShortSilence() phrase.Phrase {
	return phrase.Say("warn.short_silence", "A short silence, as of a restart, starts repairs.")
}

func warnShortGrace() phrase.Phrase {
	return phrase.Say("warn.short_grace", "Who is reading a file that somebody deletes may be cut off.")
}

// Tasks.

func sayRepairTask(volumes int) phrase.Phrase {
	return phrase.Say("task.repair", "Repair of {0} {0|volume|volumes}", phrase.Count(volumes))
}

func sayDrainTask(node string) phrase.Phrase {
	return phrase.Say("task.drain", "Drain of {0}", phrase.Text(node))
}

func sayMaintenanceTask(node string) phrase.Phrase {
	return phrase.Say("task.maintenance", "Maintenance of {0}", phrase.Text(node))
}

func sayTaskPaused() phrase.Phrase { return phrase.Say("task.paused", "paused") }

func sayStillOnIt(volumes int) phrase.Phrase {
	return phrase.Say("task.still_on_it", "{0} {0|volume is|volumes are} still on it", phrase.Count(volumes))
}

func sayDrained() phrase.Phrase {
	return phrase.Say("task.drained", "nothing is left on it: it may be removed")
}
