package namespace

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kendfs/metadata"
)

// twin is the dumb twin of the tree: nodes with maps, counted anew whenever a
// number is wanted, locks on the nodes themselves. It is slow and obvious.
type twin struct {
	root *node
	now  int64
}

type node struct {
	dir   bool
	size  int64
	tag   string // which commit made the content
	quota int64
	props map[string]string
	kids  map[string]*node
	locks []*twinLock
}

type twinLock struct {
	token, user      string
	shared, infinite bool
	expires          int64
}

// asked is who asks and which tokens they submit.
type asked struct {
	user   string
	tokens []string
}

func newTwin() *twin { return &twin{root: newDir(), now: start()} }

func newDir() *node { return &node{dir: true, kids: map[string]*node{}, props: map[string]string{}} }

const fine = metadata.Kind(255) // no error

func split(path string) []string { return metadata.Path(path).Names() }

// find returns the nodes on the way, the root first, as far as they exist, and
// why an entry there is impossible.
func (tw *twin) find(path string) (way []*node, at *node, problem metadata.Kind) {
	names := split(path)
	cur := tw.root
	for i, name := range names {
		if !cur.dir {
			return way, nil, metadata.KindNotDir
		}
		way = append(way, cur)
		next := cur.kids[name]
		if next == nil && i < len(names)-1 {
			return way, nil, metadata.KindParentMissing
		}
		cur = next
	}
	return way, cur, fine
}

func (n *node) usage() (u usage) {
	if !n.dir {
		return usage{bytes: n.size, files: 1}
	}
	for _, kid := range n.kids {
		u = u.plus(kid.usage())
	}
	return u.plus(usage{dirs: 1})
}

// within reports whether q is n or below it.
func (n *node) within(q *node) bool {
	if n == q {
		return true
	}
	for _, kid := range n.kids {
		if kid.within(q) {
			return true
		}
	}
	return false
}

func (n *node) clone(deep bool) *node {
	c := &node{dir: n.dir, size: n.size, tag: n.tag, props: maps.Clone(n.props)}
	if n.dir {
		c.kids = map[string]*node{}
		if deep {
			for name, kid := range n.kids {
				c.kids[name] = kid.clone(true)
			}
		}
	}
	return c
}

func (n *node) unlockAll() {
	n.locks = nil
	for _, kid := range n.kids {
		kid.unlockAll()
	}
}

// live are the locks on a node that have not expired.
func (tw *twin) live(n *node) []*twinLock {
	return slices.DeleteFunc(slices.Clone(n.locks), func(l *twinLock) bool { return l.expires <= tw.now })
}

func (tw *twin) infinite(way []*node) (locks []*twinLock) {
	for _, n := range way {
		for _, l := range tw.live(n) {
			if l.infinite {
				locks = append(locks, l)
			}
		}
	}
	return locks
}

func (a asked) opens(locks []*twinLock) bool {
	if len(locks) == 0 {
		return true
	}
	for _, l := range locks {
		if (l.user == a.user || a.user == "adm") && slices.Contains(a.tokens, l.token) {
			return true
		}
	}
	return false
}

func (tw *twin) mayWrite(a asked, way []*node, n *node) bool {
	return a.opens(append(tw.infinite(way), tw.live(n)...))
}

func (tw *twin) mayMember(a asked, way []*node) bool {
	if len(way) == 0 {
		return true
	}
	parent := way[len(way)-1]
	return a.opens(append(tw.infinite(way[:len(way)-1]), tw.live(parent)...))
}

func (tw *twin) mayRemove(a asked, way []*node, n *node) bool {
	if !tw.mayWrite(a, way, n) || !tw.mayMember(a, way) {
		return false
	}
	for _, kid := range n.kids {
		if !tw.belowOpen(a, kid) {
			return false
		}
	}
	return true
}

func (tw *twin) belowOpen(a asked, n *node) bool {
	if !a.opens(tw.live(n)) {
		return false
	}
	for _, kid := range n.kids {
		if !tw.belowOpen(a, kid) {
			return false
		}
	}
	return true
}

func (tw *twin) mayPut(a asked, way []*node, n *node) bool {
	if n == nil {
		return tw.mayMember(a, way)
	}
	return tw.mayRemove(a, way, n)
}

// overQuota executes change and takes it back if a directory that grew is over
// its quota then.
func (tw *twin) overQuota(change, back func()) bool {
	var dirs []*node
	var collect func(n *node)
	collect = func(n *node) {
		dirs = append(dirs, n)
		for _, kid := range n.kids {
			if kid.dir {
				collect(kid)
			}
		}
	}
	collect(tw.root)
	before := make([]int64, len(dirs))
	for i, d := range dirs {
		before[i] = d.usage().bytes
	}
	change()
	for i, d := range dirs {
		if now := d.usage().bytes; tw.root.within(d) && d.quota > 0 && now > d.quota && now > before[i] {
			back()
			return true
		}
	}
	return false
}

func (tw *twin) commit(a asked, path string, size int64, tag string) metadata.Kind {
	way, at, problem := tw.find(path)
	switch {
	case problem != fine:
		return problem
	case at != nil && at.dir:
		return metadata.KindIsDir
	case at == nil && !tw.mayMember(a, way), at != nil && !tw.mayWrite(a, way, at):
		return metadata.KindLocked
	}
	parent, name := way[len(way)-1], split(path)[len(way)-1]
	fresh := &node{size: size, tag: tag, props: map[string]string{}}
	if at != nil {
		fresh.props, fresh.locks = at.props, at.locks
	}
	if tw.overQuota(func() { parent.kids[name] = fresh }, func() { parent.put(name, at) }) {
		return metadata.KindQuota
	}
	return fine
}

func (n *node) put(name string, kid *node) {
	if kid == nil {
		delete(n.kids, name)
		return
	}
	n.kids[name] = kid
}

func (tw *twin) mkdir(a asked, path string) metadata.Kind {
	way, at, problem := tw.find(path)
	switch {
	case problem != fine:
		return problem
	case at != nil:
		return metadata.KindExists
	case !tw.mayMember(a, way):
		return metadata.KindLocked
	}
	way[len(way)-1].kids[split(path)[len(way)-1]] = newDir()
	return fine
}

func missingKind(problem metadata.Kind) metadata.Kind {
	if problem == metadata.KindNotDir {
		return problem
	}
	return metadata.KindNotFound
}

func (tw *twin) remove(a asked, path string, onlyEmpty bool) metadata.Kind {
	way, at, problem := tw.find(path)
	switch {
	case at == nil:
		return missingKind(problem)
	case at == tw.root:
		return metadata.KindDenied
	case !tw.mayRemove(a, way, at):
		return metadata.KindLocked
	case onlyEmpty && at.dir && len(at.kids) > 0:
		return metadata.KindConflict
	}
	delete(way[len(way)-1].kids, split(path)[len(way)-1])
	return fine
}

func (tw *twin) transfer(a asked, src, dst string, overwrite, shallow, move bool) metadata.Kind {
	sway, s, problem := tw.find(src)
	if s == nil {
		return missingKind(problem)
	}
	dway, d, problem := tw.find(dst)
	shallow = shallow && s.dir
	switch {
	case problem != fine:
		return problem
	case d != nil && d != s && !overwrite:
		return metadata.KindExists
	case d == s, d != nil && d.within(s):
		return metadata.KindConflict
	case slices.Contains(dway, s) && !shallow:
		return metadata.KindConflict
	case move && !tw.mayRemove(a, sway, s), !tw.mayPut(a, dway, d):
		return metadata.KindLocked
	}
	parent, name := dway[len(dway)-1], split(dst)[len(dway)-1]
	moved := s
	if !move {
		moved = s.clone(!shallow)
	}
	change := func() {
		if move {
			delete(sway[len(sway)-1].kids, split(src)[len(sway)-1])
		}
		parent.kids[name] = moved
	}
	back := func() {
		parent.put(name, d)
		if move {
			sway[len(sway)-1].kids[split(src)[len(sway)-1]] = s
		}
	}
	if tw.overQuota(change, back) {
		return metadata.KindQuota
	}
	moved.unlockAll()
	return fine
}

func (tw *twin) lock(a asked, path string, l *twinLock, tag string) metadata.Kind {
	if tw.root.holds(l.token) {
		return metadata.KindExists
	}
	way, at, problem := tw.find(path)
	if problem != fine {
		return problem
	}
	if at == nil && !tw.mayMember(a, way) {
		return metadata.KindLocked
	}
	others := tw.infinite(way)
	if at != nil {
		others = append(others, tw.live(at)...)
		if l.infinite {
			for _, kid := range at.kids {
				others = append(others, tw.allBelow(kid)...)
			}
		}
	}
	for _, o := range others {
		if !o.shared || !l.shared {
			return metadata.KindLocked
		}
	}
	if at == nil {
		at = &node{tag: tag, props: map[string]string{}}
		way[len(way)-1].kids[split(path)[len(way)-1]] = at
	}
	at.locks = append(at.locks, l)
	return fine
}

func (tw *twin) allBelow(n *node) []*twinLock {
	locks := tw.live(n)
	for _, kid := range n.kids {
		locks = append(locks, tw.allBelow(kid)...)
	}
	return locks
}

func (n *node) holds(token string) bool {
	for _, l := range n.locks {
		if l.token == token {
			return true
		}
	}
	for _, kid := range n.kids {
		if kid.holds(token) {
			return true
		}
	}
	return false
}

func (tw *twin) unlock(user, path, token string) metadata.Kind {
	cur := tw.root
	names := split(path)
	for i := 0; ; i++ {
		for j, l := range cur.locks {
			if l.token != token || l.expires <= tw.now || i < len(names) && !l.infinite {
				continue
			}
			if l.user != user && user != "adm" {
				return metadata.KindDenied
			}
			cur.locks = slices.Delete(cur.locks, j, j+1)
			return fine
		}
		if i == len(names) || cur.kids[names[i]] == nil {
			return metadata.KindConflict
		}
		cur = cur.kids[names[i]]
	}
}

func (tw *twin) set(a asked, path, prop, value string, quota int64) metadata.Kind {
	way, at, problem := tw.find(path)
	switch {
	case at == nil:
		return missingKind(problem)
	case quota >= 0 && a.user != "adm":
		return metadata.KindDenied
	case quota >= 0 && !at.dir:
		return metadata.KindNotDir
	case !tw.mayWrite(a, way, at):
		return metadata.KindLocked
	}
	if quota >= 0 {
		at.quota = quota
	}
	if prop != "" && value != "" {
		at.props[prop] = value
	} else if prop != "" {
		delete(at.props, prop)
	}
	return fine
}

// dump describes everything that can be seen, in order.
func (tw *twin) dump() string {
	var b strings.Builder
	var walk func(path string, n *node)
	walk = func(path string, n *node) {
		u := n.usage()
		if n.dir {
			u.dirs--
		}
		fmt.Fprintf(&b, "%s dir=%t %v quota=%d", path, n.dir, u, n.quota)
		for _, k := range sortedNames(n.props) {
			fmt.Fprintf(&b, " %s=%s", k, n.props[k])
		}
		tokens := []string{}
		for _, l := range tw.live(n) {
			tokens = append(tokens, l.token)
		}
		slices.Sort(tokens)
		fmt.Fprintf(&b, " %v\n", tokens)
		for _, name := range slices.Sorted(maps.Keys(n.kids)) {
			walk(strings.TrimSuffix(path, "/")+"/"+name, n.kids[name])
		}
	}
	walk("/", tw.root)
	return b.String()
}

// lockTime is how long the locks of a history last.
const lockTime = 10 * time.Second
