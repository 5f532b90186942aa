package namespace

import (
	"time"

	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase"
)

// What the events of commands say, each in the words of one template.

// label is a node for people: its name, cut, and its id.
func label(row *metapb.NodeRow, most int) (name, id phrase.Arg) {
	return phrase.Text(cut(row.Name, most)), phrase.Text(nodeName(row.Id))
}

func sayJoined(row *metapb.NodeRow, roles string) phrase.Phrase {
	name, id := label(row, labelBytesMax)
	return phrase.Say("event.joined", "{0} ({1}) joined as {2}.", name, id, phrase.Text(roles))
}

func sayEmptied(row *metapb.NodeRow) phrase.Phrase {
	name, id := label(row, labelBytesMax)
	return phrase.Say("event.emptied", "{0} ({1}) is being emptied.", name, id)
}

func sayMaintained(row *metapb.NodeRow) phrase.Phrase {
	name, id := label(row, labelBytesMax)
	if row.Until == 0 {
		return phrase.Say("event.maintenance", "{0} ({1}) is in maintenance until further notice.", name, id)
	}
	return phrase.Say("event.maintenance_until", "{0} ({1}) is in maintenance until {2}.", name, id, phrase.MomentAs(time.Unix(0, row.Until), timeText(row.Until)))
}

func sayRemoved(row *metapb.NodeRow) phrase.Phrase {
	name, id := label(row, labelBytesMax)
	return phrase.Say("event.removed", "{0} ({1}) was removed.", name, id)
}

func sayUsed(row *metapb.NodeRow) phrase.Phrase {
	name, id := label(row, labelBytesMax)
	return phrase.Say("event.used", "{0} ({1}) is used again.", name, id)
}

func sayZoned(row *metapb.NodeRow) phrase.Phrase {
	name, id := label(row, labelBytesMax/2)
	if row.Zone == "" {
		return phrase.Say("event.no_zone", "{0} ({1}) is in no zone now.", name, id)
	}
	return phrase.Say("event.zone", "{0} ({1}) is in the zone {2} now.", name, id, phrase.Text(cut(row.Zone, labelBytesMax/2)))
}
