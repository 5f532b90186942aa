package webdav

import (
	"strings"

	"kendfs/metadata"
)

// Bounds of an If header; clients send one or two lists.
const (
	ifListsMax = 64
	ifCondsMax = 256
	ifBytesMax = 16 << 10
)

// noLock is the state token that no resource ever has (RFC 4918 §10.4.8).
const noLock = "DAV:no-lock"

// parseIf parses the value of an If header (RFC 4918 §10.4.2). elsewhere holds
// the state tokens of lists that cannot be about this drive: such a list is
// judged here, as one about a resource that does not exist, but its tokens are
// submitted all the same. A header that is false in itself comes back as a
// list that nothing fulfils.
func parseIf(s string) (lists []metadata.IfList, elsewhere []string, err error) {
	if len(s) > ifBytesMax {
		return nil, nil, badIf("it is longer than %d bytes", ifBytesMax)
	}
	p := ifParser{rest: s}
	p.space()
	tagged := strings.HasPrefix(p.rest, "<")
	var (
		tag   metadata.Path // of the lists that follow
		away  bool          // the tag is of no resource here
		fresh bool          // the tag has no list yet
	)
	for p.space(); p.rest != ""; p.space() {
		switch {
		case p.rest[0] == '<' && tagged && !fresh:
			if tag, away, err = p.tag(); err != nil {
				return nil, nil, err
			}
			fresh = true
			continue
		case p.rest[0] != '(':
			return nil, nil, badIf("a list is missing at %.40q", p.rest)
		}
		fresh = false
		l, err := p.list()
		if err != nil {
			return nil, nil, err
		}
		if len(lists) >= ifListsMax {
			return nil, nil, badIf("it has more than %d lists", ifListsMax)
		}
		if away {
			l.Conds, elsewhere = judgeAway(l.Conds, elsewhere)
		} else {
			l.Path = tag
		}
		lists = append(lists, l)
	}
	if len(lists) == 0 || fresh {
		return nil, nil, badIf("it has no list, or a resource without one")
	}
	return lists, elsewhere, nil
}

func badIf(format string, args ...any) error {
	return metadata.Errorf(metadata.KindInvalid, "If header: "+format, args...)
}

// judgeAway replaces the conditions on a resource that is not here by one with
// the same truth: nothing matches there, so a condition is true if negated.
func judgeAway(conds []metadata.IfCond, tokens []string) ([]metadata.IfCond, []string) {
	verdict := metadata.IfCond{Not: true, Token: noLock}
	for _, c := range conds {
		verdict.Not = verdict.Not && c.Not
		if c.Token != "" && c.Token != noLock {
			tokens = append(tokens, c.Token)
		}
	}
	return []metadata.IfCond{verdict}, tokens
}

// ifParser walks over an If header.
type ifParser struct {
	rest  string
	conds int
}

func (p *ifParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// until returns what is before the byte end and drops both.
func (p *ifParser) until(end byte) (string, error) {
	i := strings.IndexByte(p.rest, end)
	if i < 0 {
		return "", badIf("%q is missing after %.40q", end, p.rest)
	}
	s := p.rest[:i]
	p.rest = p.rest[i+1:]
	return s, nil
}

// tag parses a Resource-Tag. Which host it names does not matter, as behind a
// proxy it is not known; away says that its path is of no resource here.
func (p *ifParser) tag() (path metadata.Path, away bool, err error) {
	p.rest = p.rest[1:]
	s, err := p.until('>')
	if err != nil {
		return "", false, err
	}
	ref, err := parseReference(s)
	switch {
	case err == nil:
		return ref.path, false, nil
	case metadata.KindOf(err) == metadata.KindTooLarge:
		return "", true, nil // nothing can have that name
	case strings.Contains(s, ":") && !strings.HasPrefix(s, "/") && !isHTTP(s):
		return "", true, nil // a URI of another scheme
	}
	return "", false, badIf("%w", err)
}

func isHTTP(s string) bool {
	scheme, _, _ := strings.Cut(s, ":")
	return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
}

// list parses a List.
func (p *ifParser) list() (metadata.IfList, error) {
	p.rest = p.rest[1:]
	var l metadata.IfList
	for {
		p.space()
		if strings.HasPrefix(p.rest, ")") {
			p.rest = p.rest[1:]
			if len(l.Conds) == 0 {
				return l, badIf("a list has no condition")
			}
			return l, nil
		}
		if p.conds++; p.conds > ifCondsMax {
			return l, badIf("it has more than %d conditions", ifCondsMax)
		}
		c, err := p.cond()
		if err != nil {
			return l, err
		}
		l.Conds = append(l.Conds, c)
	}
}

// cond parses a Condition.
func (p *ifParser) cond() (c metadata.IfCond, err error) {
	if len(p.rest) >= 3 && strings.EqualFold(p.rest[:3], "Not") {
		c.Not = true
		p.rest = p.rest[3:]
		p.space()
	}
	switch {
	case strings.HasPrefix(p.rest, "<"):
		p.rest = p.rest[1:]
		if c.Token, err = p.until('>'); err != nil {
			return c, err
		}
		if !validToken(c.Token) {
			return c, badIf("%.100q is no state token", c.Token)
		}
		return c, nil
	case strings.HasPrefix(p.rest, "["):
		p.rest = p.rest[1:]
		p.space()
		tag, rest, ok := cutETag(p.rest)
		if !ok {
			return c, badIf("no entity tag at %.40q", p.rest)
		}
		c.ETag, p.rest = tag, rest
		p.space()
		if !strings.HasPrefix(p.rest, "]") {
			return c, badIf("%q is missing after %s", ']', tag)
		}
		p.rest = p.rest[1:]
		return c, nil
	}
	return c, badIf("no condition at %.40q", p.rest)
}

// tokenBytesMax bounds a state token; ours have 45 bytes.
const tokenBytesMax = 512

// validToken reports whether s can be a state token: an absolute URI, of which
// only what matters for telling tokens apart is checked.
func validToken(s string) bool {
	if s == "" || len(s) > tokenBytesMax {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '<' || s[i] == '>' {
			return false
		}
	}
	return true
}

// cutETag parses the entity tag (RFC 9110 §8.8.3) that s begins with.
func cutETag(s string) (tag, rest string, ok bool) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) <= start || s[start] != '"' {
		return "", "", false
	}
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], s[i+1:], true
		case c < 0x21 || c == 0x7f:
			return "", "", false
		}
	}
	return "", "", false
}
