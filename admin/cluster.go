package admin

import (
	"context"
	"io"
	"time"

	"kendfs/admin/upload"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Cluster is what the desktop needs of the nameservers. Its methods are safe
// for concurrent use; errors are of package metadata.
type Cluster interface {
	metadata.Directory
	Files
	Fleet
	People

	// WithActor returns a context under which changes are recorded in the
	// audit as those of a.
	WithActor(ctx context.Context, a metadata.Actor) context.Context
	// Watch returns when the state of the cluster is of another version than
	// after, with that version; after about 25 s it returns anyway.
	Watch(ctx context.Context, after uint64) (uint64, error)
	Report(ctx context.Context) (health.Report, error)
	Events(ctx context.Context, q metadata.EventQuery) (es []metadata.Event, more bool, err error)
	Audit(ctx context.Context, q metadata.EventQuery) (rs []metadata.AuditRecord, more bool, err error)
	// RecordAudit records what changes nothing: a sign-in, a download. The
	// actor is the context's.
	RecordAudit(ctx context.Context, r metadata.AuditRecord) error
	// Cluster returns the cluster's own settings.
	Cluster(ctx context.Context) (metadata.ClusterInfo, error)
	// Set changes some of ClusterInfo.Settings together, all or none.
	Set(ctx context.Context, values map[string]int64) error
	// SetIf does so unless the settings are of another revision by now: KindConflict.
	SetIf(ctx context.Context, revision uint64, values map[string]int64) error
	// Mute silences a check until then; a time that is over lets it speak.
	Mute(ctx context.Context, code string, until time.Time) error
}

// Files is the tree. Guards carry the signed-in user, so that the namespace
// decides what is allowed.
type Files interface {
	Lookup(ctx context.Context, p metadata.Path, opt metadata.LookupOptions) (metadata.Entry, error)
	List(ctx context.Context, p metadata.Path, opt metadata.ListOptions) (metadata.Page, error)
	Blocks(ctx context.Context, c metadata.ContentID, index int) ([]metadata.BlockRef, error)
	Quota(ctx context.Context, p metadata.Path) (metadata.Quota, error)
	Commit(ctx context.Context, p metadata.Path, g metadata.Guard, c metadata.Commit) (metadata.Committed, error)
	Mkdir(ctx context.Context, p metadata.Path, g metadata.Guard) (metadata.Entry, error)
	Rename(ctx context.Context, src, dst metadata.Path, g metadata.Guard, overwrite bool) (bool, error)
	Copy(ctx context.Context, src, dst metadata.Path, g metadata.Guard, opt metadata.CopyOptions) (bool, error)
	Remove(ctx context.Context, p metadata.Path, g metadata.Guard) error
	SetAttr(ctx context.Context, p metadata.Path, g metadata.Guard, s metadata.AttrChange) (metadata.Entry, error)
}

// Fleet is the machines and the volumes on them.
type Fleet interface {
	Nodes(ctx context.Context) ([]metadata.Node, error)
	SetNode(ctx context.Context, id metadata.NodeID, c metadata.NodeChange) (metadata.Node, error)
	SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error)
	// ZoneFacts says what would be if a node were in another zone; with "" in
	// the one that the machine itself says.
	ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error)
	Repairs(ctx context.Context) (health.Repairs, error)
	Prioritise(ctx context.Context, v metadata.VolumeID) error
	ListVolumes(ctx context.Context, after metadata.VolumeID, limit int) (vs []metadata.Volume, more bool, err error)
	Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error)
	Tokens(ctx context.Context) ([]Token, error)
	// CreateToken makes a join token and returns its text, which is kept nowhere.
	CreateToken(ctx context.Context, roles []string, ttl time.Duration, uses int) (Token, string, error)
	DeleteToken(ctx context.Context, id string) error
}

// People is who may sign in, and their desktops.
type People interface {
	Users(ctx context.Context, after string, limit int) (us []metadata.User, more bool, err error)
	// PutUser makes a user, or changes one; without a hash the password stays.
	PutUser(ctx context.Context, u metadata.User, create bool) error
	// SetPassword gives the user the password of u.Hash and changes nothing else.
	SetPassword(ctx context.Context, u metadata.User) error
	DeleteUser(ctx context.Context, name string) error
	GetDesktop(ctx context.Context, user string) ([]byte, error)
	PutDesktop(ctx context.Context, user string, document []byte) error
}

// Token is a join token without its secret.
type Token struct {
	ID       string
	Roles    []string
	Expires  time.Time
	UsesLeft int
}

// Content is the files' data.
type Content interface {
	// Open returns a reader of the version that e describes; no I/O yet.
	Open(ctx context.Context, e metadata.Entry) io.ReadSeekCloser
	// Create begins a file of size bytes, in copies copies. ctx governs it
	// until Abort.
	Create(ctx context.Context, copies int, size int64) Writer
}

// Writer writes one file; one goroutine at a time.
type Writer = upload.Writer
