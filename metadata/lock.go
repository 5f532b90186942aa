package metadata

import "time"

// Lock is a WebDAV write lock (RFC 4918 §6).
type Lock struct {
	Token    string // absolute URI, "urn:uuid:…"
	Root     Path   // what was locked
	Entry    EntryID
	Owner    string // inner XML of DAV:owner, as sent (with its namespaces declared)
	User     string // who took it; only that user (or an administrator) may end it
	Shared   bool
	Infinite bool // Depth: infinity
	Expires  time.Time
	Timeout  time.Duration // as granted
}

// Bounds of locks.
const (
	LockTimeoutMax     = time.Hour
	LockTimeoutDefault = 10 * time.Minute
	LocksPerUserMax    = 10_000
	LocksMax           = 100_000
	LockOwnerBytesMax  = 4 << 10
)

// Guard is what a request demands of the tree before it may change it. It is
// evaluated in the same command that makes the change (A12, A13).
type Guard struct {
	User string // who asks; "" is the system itself

	IfMatch     *ETagSet // RFC 9110 §13.1.1
	IfNoneMatch *ETagSet // RFC 9110 §13.1.2
	// IfUnmodifiedSince is zero when absent (RFC 9110 §13.1.4), whole seconds.
	IfUnmodifiedSince time.Time

	// If holds the lists of the If header (RFC 4918 §10.4). The header is true
	// if any list is; a list if all its conditions are. Every state token in
	// it counts as submitted.
	If []IfList
	// Tokens are lock tokens submitted in another way (the Lock-Token header).
	Tokens []string
}

// ETagSet is the value of If-Match or If-None-Match.
type ETagSet struct {
	Any  bool     // "*"
	Tags []string // quoted strong tags; a weak one matches nothing in If-Match
}

// IfList is one parenthesised list of an If header.
type IfList struct {
	Path  Path // the tagged resource; "" is the request's own
	Conds []IfCond
}

// IfCond is one condition: exactly one of Token and ETag is set.
type IfCond struct {
	Not   bool
	Token string
	ETag  string // quoted
}
