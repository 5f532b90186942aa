package webdav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"time"

	"kendfs/metadata"
)

// Sizes of the pages in which a directory is listed. With dead properties an
// entry may be large.
const (
	listPage      = metadata.ListLimitMax
	listPageProps = 100
)

// propfind answers PROPFIND (RFC 4918 §9.1). A directory is listed page by
// page while it is written, in flat memory. A listing that breaks off after
// its beginning ends with a broken connection and never looks complete: sync
// clients delete what a complete listing does not have (WD-8).
func (h *Handler) propfind(w http.ResponseWriter, r *request) error {
	// Read even when the answer is clear, so that the connection can go on.
	body, err := readXML(r.Request)
	if err != nil {
		return err
	}
	f, err := parsePropfind(body)
	if err != nil {
		return err
	}
	d, noroot, err := parseDepth(r.Header, depthInfinity)
	if err != nil {
		return err
	}
	q := newPropQuery(f, minimal(r.Header))
	look := metadata.LookupOptions{User: r.user.Name, Props: q.dead, Locks: q.locks}
	list := metadata.ListOptions{User: r.user.Name, Limit: listPage, Props: q.dead, Locks: q.locks}
	if q.dead {
		list.Limit = listPageProps
	}
	var page metadata.Page
	if d == depthOne {
		page, err = h.cfg.Tree.List(r.Context(), r.path, list)
		if metadata.KindOf(err) == metadata.KindNotDir && err != nil {
			d = depthZero // a file has no members
			err = nil
		}
	}
	if d != depthOne {
		page.Dir, err = h.cfg.Tree.Lookup(r.Context(), r.path, look)
	}
	if err != nil {
		return err
	}
	if d == depthInfinity && page.Dir.IsDir {
		return &httpError{status: http.StatusForbidden, cond: condFiniteDepth, err: metadata.Errorf(
			metadata.KindDenied, "a directory is listed with Depth 0 or 1; without the header Depth is infinity")}
	}
	if q.minimal {
		w.Header().Set("Preference-Applied", "return=minimal") // RFC 7240 §3
	}
	s := subject{user: r.user, now: time.Now()}
	if q.quota && page.Dir.IsDir {
		quota, err := h.cfg.Tree.Quota(r.Context(), r.path)
		if err != nil {
			return err
		}
		s.quota = &quota
	}
	m := newMultistatus(w)
	base := appendHref(nil, r.path, page.Dir.IsDir)
	if !noroot || d != depthOne {
		s.Entry, s.self = &page.Dir, true
		m.entry(base, &s, q)
	}
	s.self = false
	h.members(m, r, page, list, base, s, q)
	return nil
}

// members writes the members of a directory, the first page of which is there.
func (h *Handler) members(m *multistatus, r *request, page metadata.Page, list metadata.ListOptions,
	base []byte, s subject, q *propQuery) {
	var href []byte
	for {
		for i := range page.Entries {
			s.Entry = &page.Entries[i]
			href = appendHrefName(append(href[:0], base...), s.Name, s.IsDir)
			m.entry(href, &s, q)
		}
		if !page.More || len(page.Entries) == 0 || m.err != nil {
			break
		}
		list.After = page.Entries[len(page.Entries)-1].Name
		m.flush(true)
		var err error
		if page, err = h.cfg.Tree.List(r.Context(), r.path, list); err != nil {
			if r.Context().Err() == nil {
				h.log.Warn("a listing broke off", "path", string(r.path), "after", list.After, "err", err)
			}
			panic(http.ErrAbortHandler)
		}
	}
	if err := m.end(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// propQuery is a PROPFIND's wish, prepared for answering it many times.
type propQuery struct {
	kind    propfindKind
	minimal bool
	items   []propItem
	all     []liveProp
	missing []bool // of items; entry's own

	dead, locks, quota bool // what is needed of the nameserver
}

// propItem is one property that was asked for by name, or is part of allprop.
type propItem struct {
	name xml.Name
	live *liveProp // nil: a dead property
	// optional is set when the property is left out where it does not exist.
	optional bool
}

func newPropQuery(f propfindBody, minimal bool) *propQuery {
	q := &propQuery{kind: f.kind, minimal: minimal, all: liveProps(), dead: f.kind != findProp}
	if f.kind != findProp {
		for i := range q.all {
			if l := &q.all[i]; l.all || f.kind == findPropname {
				q.items = append(q.items, propItem{name: l.name, live: l, optional: true})
			}
		}
	}
	for _, n := range f.names {
		l := findLive(q.all, n)
		if f.kind == findAllprop && l != nil && l.all {
			continue // it is in the answer anyway
		}
		q.items = append(q.items, propItem{name: n, live: l})
		q.dead = q.dead || l == nil
	}
	q.missing = make([]bool, len(q.items))
	for i := range q.items {
		switch q.items[i].name {
		case davName("lockdiscovery"):
			q.locks = f.kind != findPropname
		case davName("quota-available-bytes"), davName("quota-used-bytes"):
			q.quota = true
		}
	}
	return q
}

// asked reports whether a dead property was asked for by name.
func (q *propQuery) asked(n xml.Name) bool {
	return slices.ContainsFunc(q.items, func(it propItem) bool { return it.live == nil && it.name == n })
}

// entry writes the response for one entry.
func (m *multistatus) entry(href []byte, s *subject, q *propQuery) {
	m.open(href)
	start := len(m.b)
	m.openProps()
	empty := len(m.b)
	absent := 0
	for i := range q.items {
		it := &q.items[i]
		q.missing[i] = !m.item(it, s, q.kind == findPropname) && !it.optional
		if q.missing[i] {
			absent++
		}
	}
	if q.kind != findProp {
		m.deadProps(s, q)
	}
	if len(m.b) == empty && absent > 0 && !q.minimal {
		m.b = m.b[:start] // nothing was found
	} else {
		m.closeProps(http.StatusOK, "", "")
	}
	if absent > 0 && !q.minimal {
		m.openProps()
		for i := range q.items {
			if q.missing[i] {
				m.b = appendEmpty(m.b, q.items[i].name)
			}
		}
		m.closeProps(http.StatusNotFound, "", "")
	}
	m.close()
}

// item writes one property, or its name only, and reports whether the entry
// has it.
func (m *multistatus) item(it *propItem, s *subject, nameOnly bool) bool {
	if it.live == nil {
		for i := range s.Props {
			if p := &s.Props[i]; p.Local == it.name.Local && p.Space == it.name.Space {
				m.dead(p)
				return true
			}
		}
		return false
	}
	start := len(m.b)
	m.b = appendOpen(m.b, it.name)
	m.b = append(m.b, '>')
	value := len(m.b)
	var ok bool
	m.b, ok = it.live.appendTo(m.b, s)
	switch {
	case !ok:
		m.b = m.b[:start]
	case nameOnly || len(m.b) == value:
		m.b = append(m.b[:value-1], "/>"...)
	default:
		m.b = appendClose(m.b, it.name)
	}
	return ok
}

// deadProps writes all dead properties, or their names.
func (m *multistatus) deadProps(s *subject, q *propQuery) {
	for i := range s.Props {
		p := &s.Props[i]
		n := xml.Name{Space: p.Space, Local: p.Local}
		switch {
		case findLive(q.all, n) != nil: // the live one counts
		case q.asked(n): // written already
		case q.kind == findPropname:
			m.b = appendEmpty(m.b, n)
		default:
			m.dead(p)
		}
	}
}
