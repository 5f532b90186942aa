package health

import (
	"time"

	"kendfs/metadata/phrase"
)

// RepairsMax bounds Repairs.Queue.
const RepairsMax = 1000

// Repairs is the leader's work: what is being copied and what waits.
type Repairs struct {
	AsOf   time.Time `json:"as_of"`
	Total  int       `json:"total"` // volumes that want work; Queue has the most urgent
	Queue  []Repair  `json:"queue"`
	Drains []Drain   `json:"drains"`
}

// Repair is one volume that wants work.
type Repair struct {
	Volume     string    `json:"volume"`
	Class      string    `json:"class"` // repair, drain, balance, sync, surplus
	State      string    `json:"state"` // running, waiting, failed
	Live       int       `json:"live"`
	Target     int       `json:"target"`
	Bytes      int64     `json:"bytes"`
	BytesDone  int64     `json:"bytes_done"`
	Blocks     int64     `json:"blocks"`
	On         []string  `json:"on"`             // nodes that list it
	From       string    `json:"from,omitempty"` // node that is copied from
	To         string    `json:"to,omitempty"`
	Since      time.Time `json:"since,omitzero"` // when the leader first saw it
	Tries      int       `json:"tries"`
	NextTry    time.Time `json:"next_try,omitzero"`
	LastError  string    `json:"last_error,omitempty"`
	WaitReason string    `json:"wait_reason,omitempty"`

	WaitPhrase *phrase.Phrase `json:"wait_phrase,omitempty"`
}

// Drain is how far a node is from empty.
type Drain struct {
	Node     string   `json:"node"`
	Name     string   `json:"name"`
	Volumes  int      `json:"volumes"` // still on it
	Bytes    int64    `json:"bytes"`
	Ready    bool     `json:"ready"` // nothing is left: it may be removed
	Blockers []string `json:"blockers,omitempty"`

	BlockerPhrases []phrase.Phrase `json:"blocker_phrases,omitempty"`
}

// StopFacts answer "may this node be stopped now?".
type StopFacts struct {
	Node        string   `json:"node"`
	Name        string   `json:"name"`
	Safe        bool     `json:"safe"`
	Sentence    string   `json:"sentence"`
	Unavailable Count    `json:"unavailable"` // volumes that could not be read then
	AtRisk      Count    `json:"at_risk"`     // volumes that would have one live copy then
	Below       Count    `json:"below_target"`
	Writable    bool     `json:"writable"` // new data could still be taken
	Blockers    []string `json:"blockers,omitempty"`
	RepairBytes int64    `json:"repair_bytes"` // to be copied if it stays away

	SentencePhrase *phrase.Phrase  `json:"sentence_phrase,omitempty"`
	BlockerPhrases []phrase.Phrase `json:"blocker_phrases,omitempty"`
}
