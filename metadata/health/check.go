package health

import (
	"time"

	"kendfs/metadata/phrase"
)

// Severity says how soon a person must act.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // data or service is in danger: act now
	Warning  Severity = "warning"  // act soon
	Info     Severity = "info"     // good to know
)

// Check is a fault that is there now.
type Check struct {
	Code     string    `json:"code"` // of the catalogue: NODE_DOWN
	Severity Severity  `json:"severity"`
	Title    string    `json:"title"`
	Meaning  string    `json:"meaning"` // what it means
	Doing    string    `json:"doing"`   // what the system is doing
	Remedy   string    `json:"remedy"`  // what you can do
	Since    time.Time `json:"since"`
	Affected []string  `json:"affected"` // names of nodes, disks, volumes; the first AffectedMax
	Count    int       `json:"count"`    // of all that are affected
	Bytes    int64     `json:"bytes"`    // of data; 0: does not apply
	Actions  []Action  `json:"actions"`  // what can be done here and now
	Muted    time.Time `json:"muted_until,omitzero"`

	AffectedPhrases []phrase.Phrase `json:"affected_phrases,omitempty"` // when what is affected is said, not named: as many
}

// Action is something that a person may want to do about a check: an operation
// of the admin's API with its target, and the command that does the same.
type Action struct {
	Op      string `json:"op"`                // operation id: drainNode
	Target  string `json:"target,omitempty"`  // n3
	Name    string `json:"name,omitempty"`    // dn3: the target as people know it
	Label   string `json:"label"`             // "Drain dn3"
	Command string `json:"command,omitempty"` // ken node drain n3
}

// Kind is one entry of the catalogue: a check that can be raised.
type Kind struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Meaning  string   `json:"meaning"`
	Doing    string   `json:"doing"`
	Remedy   string   `json:"remedy"`
	Actions  []string `json:"actions"` // operation ids that may be offered
}
