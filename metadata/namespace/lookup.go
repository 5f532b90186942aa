package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// lookup answers the entry at a path.
func (v view) lookup(q *metapb.Lookup) (*metapb.Answer, error) {
	p, role, err := v.read(q.GetUser(), q.GetPath())
	if err != nil {
		return nil, err
	}
	a := &asker{v: v, user: q.GetUser(), role: role, props: q.GetProps(), locks: q.GetLocks()}
	if a.above, err = v.locksFor(q.GetLocks(), p.chain); err != nil {
		return nil, err
	}
	entry, err := a.entry(member{p.base, p.row}, p.chain)
	return &metapb.Answer{Entry: entry}, err
}

// read resolves a path for a user who wants to see what is there. Who may not
// read content (RoleViewer) is refused by whoever moves the data.
func (v view) read(user, path string) (*place, metadata.Role, error) {
	role, err := v.authorize(user, metadata.RoleViewer)
	if err != nil {
		return nil, 0, err
	}
	p, err := v.walk(path)
	if err == nil {
		err = p.missing()
	}
	return p, role, err
}

// list answers one page of a directory, with the directory itself.
func (v view) list(q *metapb.List) (*metapb.Answer, error) {
	p, role, err := v.read(q.GetUser(), q.GetPath())
	if err != nil {
		return nil, err
	}
	if !p.row.Dir {
		return nil, refuse(metadata.KindNotDir, "%s is a file", p.path)
	}
	a := &asker{v: v, user: q.GetUser(), role: role, props: q.GetProps(), locks: q.GetLocks()}
	if a.above, err = v.locksFor(q.GetLocks(), p.chain); err != nil {
		return nil, err
	}
	inside := p.below()
	ans := &metapb.Answer{}
	if ans.Entry, err = a.entry(member{p.base, p.row}, p.chain); err != nil {
		return nil, err
	}
	if a.above, err = v.locksFor(q.GetLocks(), inside); err != nil {
		return nil, err
	}
	a.replication = ans.Entry.EffectiveReplication
	limit := limitOf(q.GetLimit(), metadata.ListLimitMax)
	members, err := v.members(p.row.Id, []byte(metadata.NameKey(q.GetAfter())), limit+1)
	if err != nil {
		return nil, err
	}
	ans.More = len(members) > limit
	for _, m := range members[:min(limit, len(members))] {
		if a.propBytes > propsPageBytesMax {
			ans.More = true
			break
		}
		entry, err := a.entry(m, inside)
		if err != nil {
			return nil, err
		}
		ans.Entries = append(ans.Entries, entry)
	}
	return ans, nil
}

// asker answers entries to one user.
type asker struct {
	v            view
	user         string
	role         metadata.Role
	props, locks bool
	above        []*metapb.LockRow // infinite locks from above
	replication  uint32            // of the directory; 0: not known yet
	propBytes    int               // of all values so far
}

// entry answers one entry; chain are the directories above it.
func (a *asker) entry(m member, chain []uint64) (*metapb.Entry, error) {
	e, err := a.v.entry(m.row, m.base)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Dir.GetReplication() != 0:
		e.EffectiveReplication = e.Dir.Replication
	case a.replication != 0:
		e.EffectiveReplication = a.replication
	default:
		if e.EffectiveReplication, err = a.v.effectiveReplication(chain); err != nil {
			return nil, err
		}
	}
	if a.props && m.row.Props > 0 {
		if e.Props, err = a.v.props(m.row.Id); err != nil {
			return nil, err
		}
		for _, prop := range e.Props {
			a.propBytes += len(prop.Space) + len(prop.Local) + len(prop.Value)
		}
	}
	if !a.locks {
		return e, nil
	}
	own, err := a.v.locksOf(m.row.Id)
	if err != nil {
		return nil, err
	}
	for _, l := range append(a.above[:len(a.above):len(a.above)], own...) {
		e.Locks = append(e.Locks, a.hide(l))
	}
	return e, nil
}

// hide takes the token out of a lock that the asker may not use: who knows
// another's token could otherwise pretend to hold the lock elsewhere.
func (a *asker) hide(l *metapb.LockRow) *metapb.LockRow {
	if l.User == a.user || a.role == metadata.RoleAdmin {
		return l
	}
	return &metapb.LockRow{
		Entry: l.Entry, Root: l.Root, Owner: l.Owner, User: l.User,
		Shared: l.Shared, Infinite: l.Infinite, Expires: l.Expires, Timeout: l.Timeout,
	}
}

// locksFor returns the infinite locks on directories, none unless wanted.
func (v view) locksFor(wanted bool, chain []uint64) ([]*metapb.LockRow, error) {
	if !wanted {
		return nil, nil
	}
	return v.inherited(&place{chain: chain}, false)
}
