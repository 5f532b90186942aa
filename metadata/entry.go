package metadata

import (
	"slices"
	"strconv"
	"time"
)

// Entry is a file or a directory with all its attributes.
type Entry struct {
	ID       EntryID
	Name     string // as it was written; "" for the root
	IsDir    bool
	Size     int64 // bytes of a file; 0 for a directory (see Usage)
	Modified time.Time
	Created  time.Time
	Owner    string // user who created it

	// Files only.
	Content    ContentID
	SHA1       []byte // 20 bytes, or nil when unknown
	BlockCount int
	Blocks     []BlockRef // all of them when BlockCount ≤ InlineRefsMax, else nil: see Tree.Blocks

	// Directories only.
	Usage       Usage // of the whole tree below
	QuotaBytes  int64 // 0: none of its own
	Replication int   // 0: inherited

	// EffectiveReplication is what a file written here would get. Set by
	// Lookup on directories and, for a file, inherited from its directory.
	EffectiveReplication int

	Props []Property // dead properties, when they were asked for
	Locks []Lock     // locks that apply, own and inherited, when they were asked for
}

// ETag returns the entry's strong validator in quotes (RFC 9110 §8.8.3). Files
// change it with every commit; a directory's is good for its identity only.
func (e *Entry) ETag() string {
	if e.IsDir {
		return `"d` + strconv.FormatUint(uint64(e.ID), 16) + `"`
	}
	return ContentETag(e.ID, e.Content)
}

// ContentETag is the ETag of a file with that content.
func ContentETag(id EntryID, c ContentID) string {
	return `"` + strconv.FormatUint(uint64(id), 16) + "-" + strconv.FormatUint(uint64(c), 16) + `"`
}

// Usage counts what a directory holds, itself excluded.
type Usage struct {
	Bytes int64
	Files int64
	Dirs  int64
}

// Quota is what RFC 4331 reports for a directory: the tightest limit on the
// way to the root, or the cluster's free space.
type Quota struct {
	UsedBytes      int64
	AvailableBytes int64 // -1: unknown
}

// Property is a dead property (RFC 4918 §4.2): a name in an XML namespace and
// its element content, kept as it was sent.
type Property struct {
	Space, Local string
	Lang         string // xml:lang in scope, if any
	Value        []byte // inner XML with all namespaces it uses declared
}

// Bounds of properties.
const (
	PropValueBytesMax = 64 << 10 // one value
	PropsPerEntryMax  = 256      // names on one entry
)

// User may sign in to the drive.
type User struct {
	Name     string
	Hash     string // of the password, PHC string format (argon2id)
	Role     Role
	Disabled bool
	Created  time.Time
}

// Role says what a user may do.
type Role uint8

// The roles. The numbers are stored and never change; which role includes
// which, Allows knows.
const (
	RoleNone     Role = 0
	RoleReader   Role = 1 // and reads files
	RoleWriter   Role = 2 // and writes them
	RoleOperator Role = 3 // and drains and repairs
	RoleAdmin    Role = 4 // and manages users and settings
	RoleViewer   Role = 5 // sees names, sizes and the cluster's health, reads no file
)

// Roles lists the roles that a user can have; each includes the ones before it.
func Roles() []Role { return []Role{RoleViewer, RoleReader, RoleWriter, RoleOperator, RoleAdmin} }

// ParseRole is the inverse of String for the roles that a user can have.
func ParseRole(s string) (Role, error) {
	for _, r := range Roles() {
		if r.String() == s {
			return r, nil
		}
	}
	return RoleNone, Errorf(KindInvalid, "role %q: want viewer, reader, writer, operator or admin", s)
}

// rank orders the roles; 0 for what is none.
func (r Role) rank() int { return slices.Index(Roles(), r) + 1 }

// Allows reports whether the role includes least: everything that least may
// do, r may do. A number that is no role allows nothing but RoleNone.
func (r Role) Allows(least Role) bool {
	return least == RoleNone || least.rank() > 0 && r.rank() >= least.rank()
}

// String returns the role in one word.
func (r Role) String() string {
	switch r {
	case RoleViewer:
		return "viewer"
	case RoleReader:
		return "reader"
	case RoleWriter:
		return "writer"
	case RoleOperator:
		return "operator"
	case RoleAdmin:
		return "admin"
	}
	return "none"
}
