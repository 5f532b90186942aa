package demo

import (
	"time"

	"kendfs/metadata/phrase"
)

// What happens in the demo, in the words of one template each. The judgement and
// the reasons for waiting are those of a real cluster.

func sayOneCopy(volumes int, d time.Duration) phrase.Phrase {
	return phrase.Say("demo.one_copy", "{0} {0|volume|volumes} had one live copy for {1}.", phrase.Count(volumes), phrase.Lasted(d))
}

func sayDown(node string, d time.Duration) phrase.Phrase {
	return phrase.Say("demo.down", "{0} has been silent for {1} and counts as down.", phrase.Text(node), phrase.Lasted(d))
}

func sayUp(node string) phrase.Phrase {
	return phrase.Say("demo.up", "{0} answers again.", phrase.Text(node))
}

func sayWell() phrase.Phrase { return phrase.Say("demo.well", "All data has all its copies.") }

func sayScrubbed(node string) phrase.Phrase {
	return phrase.Say("demo.scrubbed", "{0} has read all its blocks again and found no damage.", phrase.Text(node))
}

func sayRenewed(node string) phrase.Phrase {
	return phrase.Say("demo.renewed", "{0} has a new certificate.", phrase.Text(node))
}

func sayRepaired(node string) phrase.Phrase {
	return phrase.Say("demo.repaired", "A volume has all its copies again, one of them on {0}.", phrase.Text(node))
}
