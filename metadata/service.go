package metadata

import (
	"context"
	"time"
)

// Tree reads the namespace. All reads are linearizable: they see every change
// that was acknowledged before they started.
type Tree interface {
	// Lookup returns the entry at p. KindNotFound when there is none,
	// KindNotDir when p leads through a file.
	Lookup(ctx context.Context, p Path, opt LookupOptions) (Entry, error)
	// List returns up to opt.Limit children of the directory p in the order of
	// NameKey, starting after the name opt.After. One page is one consistent
	// state; an entry that exists throughout is in exactly one page.
	List(ctx context.Context, p Path, opt ListOptions) (Page, error)
	// Blocks returns references of a content from index on, at most
	// StageRefsMax; none past the end. A content stays readable for the grace
	// time after the last entry that has it is gone.
	Blocks(ctx context.Context, c ContentID, index int) ([]BlockRef, error)
	// Quota returns the figures of RFC 4331 for the directory p.
	Quota(ctx context.Context, p Path) (Quota, error)
}

// LookupOptions select what Lookup adds to the attributes.
type LookupOptions struct {
	User  string
	Props bool
	Locks bool
}

// ListOptions select a page and what it carries.
type ListOptions struct {
	User  string
	After string // name of the last entry of the page before; "" at first
	Limit int    // 1..ListLimitMax; 0 is ListLimitMax
	Props bool
	Locks bool
}

// ListLimitMax bounds one page.
const ListLimitMax = 1000

// Page is part of a listing.
type Page struct {
	Dir     Entry // the directory itself
	Entries []Entry
	More    bool
}

// Changer changes the tree. Every method is atomic, durable before it returns,
// and checks its Guard in the same step. Errors of all methods: KindNotFound,
// KindParentMissing, KindNotDir, KindPrecondition, KindLocked, KindDenied,
// KindQuota, KindUnavailable, and what their comments add.
type Changer interface {
	// Commit makes written blocks the content of the file p, creating or
	// replacing it. KindStale: a lease is over; the blocks must be written
	// again. KindIsDir: p is a directory.
	Commit(ctx context.Context, p Path, g Guard, c Commit) (Committed, error)
	// Stage records part of a large file's references ahead of its commit.
	Stage(ctx context.Context, s Stage) (ContentID, error)
	// Mkdir creates a directory. KindExists.
	Mkdir(ctx context.Context, p Path, g Guard) (Entry, error)
	// Rename moves src to dst. It reports whether something was replaced.
	// KindExists: dst exists and overwrite is false. KindConflict: one contains
	// the other, or they are the same.
	Rename(ctx context.Context, src, dst Path, g Guard, overwrite bool) (replaced bool, err error)
	// Copy copies a file, or a directory with (deep) or without its members,
	// sharing all data. KindTooLarge: the tree has more than CopyEntriesMax entries.
	Copy(ctx context.Context, src, dst Path, g Guard, opt CopyOptions) (replaced bool, err error)
	// Remove deletes an entry and everything below it.
	Remove(ctx context.Context, p Path, g Guard) error
	// SetAttr changes attributes and dead properties together.
	SetAttr(ctx context.Context, p Path, g Guard, s AttrChange) (Entry, error)
}

// CopyEntriesMax bounds one Copy.
const CopyEntriesMax = 100_000

// Commit describes a file's new content.
type Commit struct {
	Session  SessionID
	Size     int64
	SHA1     []byte    // 20 bytes or nil
	Modified time.Time // zero: now
	Staged   ContentID // zero: Blocks is all of it
	Blocks   []BlockRef
	Leases   []LeaseProof // one for each volume that the blocks are in
}

// Committed is the answer to a Commit.
type Committed struct {
	Entry   Entry
	Created bool // false: an existing file was replaced
}

// Stage carries references of a file that is not committed yet.
type Stage struct {
	Session SessionID
	Content ContentID // zero: begin
	Index   int       // of Blocks[0] in the file
	Blocks  []BlockRef
	Leases  []LeaseProof
	Abandon bool // the upload was given up: release Content; only Session and Content count
}

// CopyOptions say how to copy.
type CopyOptions struct {
	Overwrite bool
	Shallow   bool      // Depth: 0
	Modified  time.Time // zero: keep the source's
}

// AttrChange is a set of changes; nil or zero means unchanged.
type AttrChange struct {
	Modified    *time.Time
	Created     *time.Time
	QuotaBytes  *int64 // directories; 0 removes the quota
	Replication *int   // directories; 0 inherits
	SetProps    []Property
	DelProps    []Property // Space and Local only
}

// Locker manages WebDAV locks.
type Locker interface {
	// Lock takes a lock on p. If nothing is there and create is set, an empty
	// file is made and created reported. KindLocked: a conflicting lock exists
	// on p, above it or (infinite) below it.
	Lock(ctx context.Context, p Path, g Guard, l Lock) (lock Lock, created bool, err error)
	// Refresh restarts the timeout of the lock with that token that covers p.
	// KindPrecondition: there is no such lock.
	Refresh(ctx context.Context, p Path, user, token string, timeout time.Duration) (Lock, error)
	// Unlock ends a lock that covers p. KindConflict: there is no such lock.
	Unlock(ctx context.Context, p Path, user, token string) error
}

// Leaser gives out the right to add blocks.
type Leaser interface {
	// OpenSession starts a session for node, ending earlier sessions of the
	// same node and instance name.
	OpenSession(ctx context.Context, node NodeID, instance string) (SessionID, error)
	// RenewSession keeps the session and its leases. KindStale: it is over.
	// It must be called every SessionRenew.
	RenewSession(ctx context.Context, s SessionID) error
	// CloseSession ends the session and its leases.
	CloseSession(ctx context.Context, s SessionID) error
	// Grant leases a volume with that many replicas to the session, if possible
	// none of the given ones and with a replica on node near. KindNoSpace.
	Grant(ctx context.Context, r GrantRequest) (Lease, error)
	// DropReplica removes a failed replica from a leased volume and returns the
	// lease in its new epoch. KindStale, or KindUnavailable when too few
	// replicas would remain.
	DropReplica(ctx context.Context, s SessionID, p LeaseProof, r Replica) (Lease, error)
	// Release ends a lease early.
	Release(ctx context.Context, s SessionID, v VolumeID) error
	// Volumes locates replicas for reading.
	Volumes(ctx context.Context, ids []VolumeID) ([]VolumeView, error)
}

// GrantRequest asks for a lease.
type GrantRequest struct {
	Session  SessionID
	Replicas int
	Near     NodeID   // prefer a volume with a replica here; zero: no wish
	Avoid    []NodeID // prefer a volume without a replica here
	// Nonce is a random number that makes the request one that may be repeated:
	// a session gets one lease for it, as often as it asks, until that lease
	// is over. Zero: every request is a new one.
	Nonce uint64
}

// Session times. A session that is not renewed for SessionTTL is ended.
const (
	SessionTTL   = 15 * time.Second
	SessionRenew = 4 * time.Second
)

// VolumeView is a volume and where its replicas are.
type VolumeView struct {
	Volume
	Located []Located
	// Recall asks the lessee to give the lease back soon: the volume needs
	// repair or has to move. Who does not, loses it, and what is uncommitted.
	Recall bool
}

// Fleet is what storage servers need of the nameserver.
type Fleet interface {
	// Heartbeat reports and fetches orders.
	Heartbeat(ctx context.Context, h Heartbeat) (HeartbeatReply, error)
	// VolumeBlocks lists the blocks a replica of the volume must hold: those
	// committed and those deleted but not reaped, in order of local id from
	// after on, at most VolumeBlocksMax.
	VolumeBlocks(ctx context.Context, v VolumeID, after LocalID) (refs []BlockRef, more bool, err error)
}

// VolumeBlocksMax bounds one page of VolumeBlocks.
const VolumeBlocksMax = 8192

// Directory finds users.
type Directory interface {
	// User returns a user. KindNotFound.
	User(ctx context.Context, name string) (User, error)
}
