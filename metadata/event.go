package metadata

import (
	"time"

	"kendfs/metadata/phrase"
)

// Event is something that happened to the cluster, kept in the namespace.
type Event struct {
	ID       uint64    `json:"id"`       // grows by one; no id is used twice
	Time     time.Time `json:"time"`     // of the command that recorded it
	Severity string    `json:"severity"` // critical, warning, info
	Code     string    `json:"code"`     // NODE_DOWN, VERDICT, REPAIR_DONE …
	Node     NodeID    `json:"node,omitzero"`
	Subject  string    `json:"subject,omitempty"` // node, disk, volume or user it is about
	Text     string    `json:"text"`              // one sentence

	TextPhrase *phrase.Phrase `json:"text_phrase,omitempty"` // it, to be said in another language
}

// AuditRecord says who did what, kept in the namespace. Secrets are never in it.
type AuditRecord struct {
	ID      uint64    `json:"id"`
	Time    time.Time `json:"time"`
	Actor   Actor     `json:"actor"`
	Action  string    `json:"action"` // operation: node.drain, user.put, login, login.failed
	Target  string    `json:"target,omitempty"`
	Detail  string    `json:"detail,omitempty"` // what changed, old to new
	Outcome string    `json:"outcome"`          // ok, or the kind of the refusal
	Text    string    `json:"text,omitempty"`   // message of a refusal
}

// Actor is who asks for a change, as the audit records it.
type Actor struct {
	User    string `json:"user,omitempty"` // "": the owner of the node's key
	Origin  string `json:"origin"`         // cli, admin, gateway
	Node    NodeID `json:"node,omitzero"`  // whose certificate made the call
	Remote  string `json:"remote,omitempty"`
	Request string `json:"request,omitempty"` // request id
	Reason  string `json:"reason,omitempty"`
}

// Bounds of what is kept: older rows are dropped by the command that adds one.
const (
	EventsMax      = 20_000
	AuditMax       = 50_000 // of changes
	ReportsMax     = 20_000 // of what desks report (sign-ins, downloads), and as many of what gateways do
	EventPageMax   = 500
	EventTextMax   = 512  // bytes
	EventPhraseMax = 2048 // bytes of JSON; one that is longer is left out
	AuditFieldMax  = 1024 // bytes
)

// EventQuery selects events or audit records, newest first.
type EventQuery struct {
	Before   uint64    // id; 0: from the newest
	After    uint64    // only ids above it
	Limit    int       // 1..EventPageMax; 0 is 100
	Severity string    // this one and worse; "": all
	Node     NodeID    // 0: all
	User     string    // audit only
	Text     string    // contained, case-insensitive
	Since    time.Time // zero: no limit
	Until    time.Time
}

// Traffic is what a node has done since it started; figures only grow.
type Traffic struct {
	Started      time.Time `json:"started,omitzero"` // of the process: a new one starts from zero
	Reads        int64     `json:"reads"`
	Writes       int64     `json:"writes"`
	BytesRead    int64     `json:"bytes_read"`
	BytesWritten int64     `json:"bytes_written"`
	Errors       int64     `json:"errors"`
	// Latency of requests in TrafficBuckets: fewer than 1, 2, 4, … ms, the last one without limit.
	Latency []int64 `json:"latency,omitempty"`
}

// TrafficBuckets is the length of Traffic.Latency: the upper bounds are
// 1, 2, 4, 8 … 8192 ms and infinity.
const TrafficBuckets = 15
