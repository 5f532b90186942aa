package namespace

import (
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of a Guard.
const (
	guardTokensMax = 64   // lock tokens submitted beside the If header
	guardListsMax  = 128  // lists of the If header
	guardCondsMax  = 1024 // conditions in all lists
	guardTagsMax   = 256  // ETags of one header
)

// guard is a request's Guard, checked, with its user's rights.
type guard struct {
	*metapb.Guard
	any    bool     // may use the locks of others: the system or an administrator
	tokens []string // submitted
}

// begin checks who asks and whether anything may be changed now. role is what
// the command needs. A full cluster is not read-only: there, removing makes room.
func (s *state) begin(g *metapb.Guard, role metadata.Role) (*guard, error) {
	if s.cluster.ReadOnly {
		return nil, refuse(metadata.KindReadOnly, "the cluster is read-only: nothing can be changed until an administrator switches writing on (`ken set read_only 0`)")
	}
	has, err := s.authorize(g.GetUser(), role)
	if err != nil {
		return nil, err
	}
	if len(g.GetTokens()) > guardTokensMax || len(g.GetIfs()) > guardListsMax ||
		len(g.GetIfMatch().GetTags()) > guardTagsMax || len(g.GetIfNoneMatch().GetTags()) > guardTagsMax {
		return nil, refuse(metadata.KindTooLarge, "the request has too many conditions")
	}
	checked := &guard{Guard: g, any: has == metadata.RoleAdmin}
	if g == nil {
		checked.Guard = &metapb.Guard{}
	}
	checked.tokens = g.GetTokens()
	conds := 0
	for _, list := range g.GetIfs() {
		if conds += len(list.GetConds()); conds > guardCondsMax {
			return nil, refuse(metadata.KindTooLarge, "the If header has more than %d conditions", guardCondsMax)
		}
		for _, c := range list.GetConds() {
			if c.GetToken() != "" {
				checked.tokens = append(checked.tokens[:len(checked.tokens):len(checked.tokens)], c.Token)
			}
		}
	}
	return checked, nil
}

// authorize returns the user's role if it includes the wanted one. The system,
// "", is an administrator.
func (v view) authorize(user string, want metadata.Role) (metadata.Role, error) {
	if user == "" {
		return metadata.RoleAdmin, nil
	}
	row, err := v.user(user)
	if err != nil {
		return 0, err
	}
	switch {
	case row == nil || row.Disabled:
		return 0, refuse(metadata.KindDenied, "user %q may not sign in", user)
	case !roleOf(row).Allows(want):
		return 0, refuse(metadata.KindDenied, "user %q needs the role %s for this", user, want)
	}
	return roleOf(row), nil
}

// conditions evaluates If-Match, If-None-Match, If-Unmodified-Since and If for
// the entry at p in the order of RFC 9110 §13.2.2. A false one is KindPrecondition.
func (v view) conditions(g *guard, p *place) error {
	etag := etagOf(p.row)
	modified, err := v.modified(p.row)
	if err != nil {
		return err
	}
	switch m, nm := g.GetIfMatch(), g.GetIfNoneMatch(); {
	case m != nil && !matches(m, etag):
		return refuse(metadata.KindPrecondition, "If-Match is false for %s", p.path)
	case m == nil && g.GetIfUnmodifiedSince() != 0 && p.row != nil &&
		floorSeconds(modified) > g.GetIfUnmodifiedSince():
		return refuse(metadata.KindPrecondition, "%s was modified since", p.path)
	case nm != nil && matches(nm, etag):
		return refuse(metadata.KindPrecondition, "If-None-Match is false for %s", p.path)
	case len(g.GetIfs()) == 0:
		return nil
	}
	for _, list := range g.GetIfs() {
		ok, err := v.listHolds(list, p)
		if err != nil || ok {
			return err
		}
	}
	return refuse(metadata.KindPrecondition, "no list of the If header is true")
}

// matches reports whether etag ("" for no entry) is in the set.
func matches(set *metapb.ETagSet, etag string) bool {
	return etag != "" && (set.GetAny() || slices.Contains(set.GetTags(), etag))
}

// floorSeconds rounds a time down to what an HTTP date can say.
func floorSeconds(nanos int64) int64 { return time.Unix(0, nanos).Unix() }

// listHolds reports whether all conditions of a list are true for its resource.
func (v view) listHolds(list *metapb.IfList, p *place) (bool, error) {
	var err error
	if list.GetPath() != "" && list.GetPath() != string(p.path) {
		if p, err = v.walk(list.Path); err != nil {
			return false, err
		}
	}
	var locks []*metapb.LockRow
	read := false
	for _, c := range list.GetConds() {
		holds := c.GetEtag() != "" && c.GetEtag() == etagOf(p.row)
		if c.GetToken() != "" {
			if !read {
				if locks, err = v.covering(p); err != nil {
					return false, err
				}
				read = true
			}
			holds = slices.ContainsFunc(locks, func(l *metapb.LockRow) bool { return l.Token == c.Token })
		}
		if holds == c.GetNot() {
			return false, nil
		}
	}
	return len(list.GetConds()) > 0, nil
}

// opens reports whether the submitted tokens allow a change that these locks,
// all on one scope, protect from: one of them is enough (RFC 4918 §6.2: with
// shared locks any holder may write), and it must be the user's own.
func (g *guard) opens(locks []*metapb.LockRow) bool {
	return len(locks) == 0 || slices.ContainsFunc(locks, func(l *metapb.LockRow) bool {
		return (g.any || l.User == g.GetUser()) && slices.Contains(g.tokens, l.Token)
	})
}

// locked is the refusal of a change that locks protect from, nil if g opens them.
func (g *guard) locked(locks []*metapb.LockRow) error {
	if g.opens(locks) {
		return nil
	}
	return refuse(metadata.KindLocked, "%s is locked", locks[0].Root)
}

// mayWrite checks the locks on the entry at p: its own and those from above.
func (v view) mayWrite(g *guard, p *place) error {
	locks, err := v.covering(p)
	if err != nil {
		return err
	}
	return g.locked(locks)
}

// mayChangeMember checks the locks that protect the membership of p's directory:
// all of its own, whatever their depth, and infinite ones from above (RFC 4918 §7.4).
func (v view) mayChangeMember(g *guard, p *place) error {
	locks, err := v.inherited(p, true)
	if err != nil {
		return err
	}
	return g.locked(locks)
}

// mayRemove checks all locks that protect the tree at p from going away: on the
// entry, on the membership of its directory, and on everything below.
func (v view) mayRemove(g *guard, p *place) error {
	if v.cluster.Locks == 0 {
		return nil
	}
	if err := v.mayWrite(g, p); err != nil {
		return err
	}
	if err := v.mayChangeMember(g, p); err != nil {
		return err
	}
	below, err := v.locksBelow(p)
	if err != nil {
		return err
	}
	for i := 0; i < len(below); {
		n := 1
		for i+n < len(below) && below[i+n].Entry == below[i].Entry {
			n++
		}
		if err := g.locked(below[i : i+n]); err != nil {
			return err
		}
		i += n
	}
	return nil
}
