package health

import (
	"time"

	"kendfs/metadata/phrase"
)

// Verdict is the state of the cluster in one word.
type Verdict string

// The verdicts, in the order in which they win: what threatens data comes
// before what is in the way.
const (
	Unavailable    Verdict = "unavailable"      // some data cannot be read now
	AtRisk         Verdict = "at_risk"          // some has one live copy and should have more
	MetadataAtRisk Verdict = "metadata_at_risk" // one more nameserver lost stops everything
	ReadOnly       Verdict = "read_only"        // nothing can be written
	Repairing      Verdict = "repairing"        // some lacks a copy and has two or more
	Protected      Verdict = "protected"        // everything has all its copies
	Unknown        Verdict = "unknown"          // not enough is known
)

// Report is what is known about the safety of the data at one moment. Byte
// figures of volumes that are being written are up to ten seconds old. Beside what
// is said in English stands the phrase, in a field with "_phrase" behind its name,
// for those who say it in another language.
type Report struct {
	Verdict  Verdict   `json:"verdict"`
	Sentence string    `json:"sentence"`
	Since    time.Time `json:"since"` // of the verdict
	AsOf     time.Time `json:"as_of"` // when the figures were counted
	Cluster  string    `json:"cluster"`

	SentencePhrase *phrase.Phrase `json:"sentence_phrase,omitempty"`

	Copies      []Copies `json:"copies"` // of volumes that hold data, by target and live copies
	Unavailable Count    `json:"unavailable"`
	AtRisk      Count    `json:"at_risk"`
	Below       Count    `json:"below_target"` // at risk and unavailable ones included
	Fencing     int      `json:"fencing_volumes"`
	Leased      int      `json:"leased_volumes"`
	Volumes     Count    `json:"volumes"`
	CanLose     int      `json:"can_lose"` // storage servers that may fail now, any of them, and all data stays readable; -1: not known

	Repair Progress `json:"repair"`
	Nodes  Nodes    `json:"nodes"`

	Capacity   int64    `json:"capacity_bytes"`
	Used       int64    `json:"used_bytes"`
	Free       int64    `json:"free_bytes"`
	DaysToFull *float64 `json:"days_to_full"` // at the rate of the last day; null: not filling, or not known
	Dead       int64    `json:"dead_blocks"`
	Trash      int64    `json:"trash_trees"`

	Voters        int        `json:"nameservers"`
	VotersHealthy int        `json:"nameservers_healthy"`
	Nameserver    Nameserver `json:"nameserver"`
	ReadOnly      bool       `json:"read_only"`
	Writable      bool       `json:"writable"`             // storage servers would take new data
	LastChange    time.Time  `json:"last_change,omitzero"` // of the tree or the fleet

	Checks []Check `json:"checks"` // raised, the most severe first; at most ChecksMax
}

// ChecksMax bounds the checks of a report, AffectedMax the names in one.
const (
	ChecksMax   = 200
	AffectedMax = 20
)

// Nameserver says who keeps the metadata.
type Nameserver struct {
	Leader  string `json:"leader"` // node id; "": none is known
	Name    string `json:"name"`
	Term    uint64 `json:"term"`
	Applied uint64 `json:"applied"` // last command in the namespace
}

// Count counts volumes.
type Count struct {
	Volumes int   `json:"volumes"`
	Bytes   int64 `json:"bytes"`
}

// Copies counts the volumes with so many live copies of so many wanted.
type Copies struct {
	Live   int `json:"live"`
	Target int `json:"target"`
	Count
}

// Progress says how repair gets on.
type Progress struct {
	Running    int       `json:"running"` // copies being made or checked
	Failing    int       `json:"failing"` // copies whose last attempt failed
	BytesLeft  int64     `json:"bytes_left"`
	BytesPerS  int64     `json:"bytes_per_second"`
	ETAMin     int64     `json:"eta_min_seconds"` // 0: not known
	ETAMax     int64     `json:"eta_max_seconds"`
	Stalled    string    `json:"stalled,omitempty"` // why nothing moves
	Paused     bool      `json:"paused"`            // by an operator, or because many storage servers went down at once
	PausedTill time.Time `json:"paused_until,omitzero"`
	PausedBy   string    `json:"paused_by,omitempty"`    // "operator" or "brake"
	Limit      int64     `json:"limit_bytes_per_second"` // what one storage server may pull; 0: no limit

	StalledPhrase *phrase.Phrase `json:"stalled_phrase,omitempty"`
}

// Nodes counts storage servers.
type Nodes struct {
	Up          int      `json:"up"`
	Suspect     int      `json:"suspect"`
	Down        int      `json:"down"`
	Unknown     int      `json:"unknown"`
	Draining    int      `json:"draining"`
	Maintenance int      `json:"maintenance"`
	Missing     []string `json:"missing,omitempty"` // names of some that are down
}
