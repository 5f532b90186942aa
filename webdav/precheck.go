package webdav

import (
	"slices"
	"time"

	"kendfs/metadata"
)

// conditional reports whether the guard demands anything of the tree.
func conditional(g *metadata.Guard) bool {
	return g.IfMatch != nil || g.IfNoneMatch != nil || !g.IfUnmodifiedSince.IsZero() || len(g.If) > 0
}

// precheck evaluates a guard against what a lookup of p found: e is nil when
// nothing is there, and locks are those that apply to p (of the directory,
// when nothing is there). It is the namespace's decision taken early, so it
// refuses only what the namespace would refuse, too; lists that are about
// other entries are left to it.
func precheck(p metadata.Path, g *metadata.Guard, e *metadata.Entry, locks []metadata.Lock) error {
	tag := ""
	if e != nil {
		tag = e.ETag()
	}
	switch {
	case g.IfMatch != nil && (e == nil || !g.IfMatch.Any && !slices.Contains(g.IfMatch.Tags, tag)):
		return metadata.Errorf(metadata.KindPrecondition, "%s is not the version that If-Match wants", p)
	case g.IfNoneMatch != nil && e != nil && (g.IfNoneMatch.Any || slices.Contains(g.IfNoneMatch.Tags, tag)):
		return metadata.Errorf(metadata.KindPrecondition, "%s is there, against If-None-Match", p)
	case g.IfMatch == nil && !g.IfUnmodifiedSince.IsZero() && e != nil &&
		e.Modified.Truncate(time.Second).After(g.IfUnmodifiedSince):
		return metadata.Errorf(metadata.KindPrecondition, "%s was modified since", p)
	}
	covering := locks
	if e == nil {
		// The directory's own lock of depth 0 protects the new name (RFC 4918
		// §7.4), but does not cover what is not there.
		covering = slices.DeleteFunc(slices.Clone(locks), func(k metadata.Lock) bool { return !k.Infinite })
	}
	// Tokens of others' locks are not shown: then only the namespace knows.
	hidden := slices.ContainsFunc(locks, func(k metadata.Lock) bool { return k.Token == "" })
	if len(g.If) > 0 && !hidden && !slices.ContainsFunc(g.If, func(l metadata.IfList) bool {
		return l.Path != "" && l.Path != p || listHolds(&l, tag, covering)
	}) {
		return metadata.Errorf(metadata.KindPrecondition, "the If header's conditions on %s are false", p)
	}
	if len(locks) > 0 && !submitted(g, locks) && (!hidden || len(tokensOf(g)) == 0) {
		return metadata.Errorf(metadata.KindLocked, "%s is locked and its token was not submitted", p)
	}
	return nil
}

// listHolds reports whether every condition of a list about p itself is true.
func listHolds(l *metadata.IfList, tag string, locks []metadata.Lock) bool {
	for _, c := range l.Conds {
		holds := false
		if c.Token != "" {
			holds = slices.ContainsFunc(locks, func(k metadata.Lock) bool { return k.Token == c.Token })
		} else {
			holds = tag != "" && c.ETag == tag
		}
		if holds == c.Not {
			return false
		}
	}
	return true
}

// submitted reports whether the guard carries the token of any of the locks.
func submitted(g *metadata.Guard, locks []metadata.Lock) bool {
	for _, token := range tokensOf(g) {
		if slices.ContainsFunc(locks, func(k metadata.Lock) bool { return k.Token == token }) {
			return true
		}
	}
	return false
}

// tokensOf returns all lock tokens that a guard submits.
func tokensOf(g *metadata.Guard) []string {
	tokens := slices.Clone(g.Tokens)
	for _, l := range g.If {
		for _, c := range l.Conds {
			if c.Token != "" {
				tokens = append(tokens, c.Token)
			}
		}
	}
	return tokens
}
