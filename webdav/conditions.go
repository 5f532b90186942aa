package webdav

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"kendfs/metadata"
)

// etagsMax bounds the entity tags of one header.
const etagsMax = 64

// guard returns what the request demands of the tree before it may change it.
func (h *Handler) guard(r *request) (metadata.Guard, error) {
	return parseGuard(r.Header, r.user.Name)
}

// parseGuard collects the conditions in a request's header fields. Several
// fields of one name count as one with their values joined, as RFC 9110 §5.2
// has it.
func parseGuard(head http.Header, user string) (metadata.Guard, error) {
	g := metadata.Guard{User: user}
	var err error
	if v := head.Values("If-Match"); len(v) > 0 {
		if g.IfMatch, err = parseIfMatch(strings.Join(v, ",")); err != nil {
			return metadata.Guard{}, err
		}
	} else if v := head.Get("If-Unmodified-Since"); v != "" {
		// RFC 9110 §13.1.4: ignored beside If-Match and when it is no date.
		if t, err := http.ParseTime(v); err == nil {
			g.IfUnmodifiedSince = t.UTC()
		}
	}
	if v := head.Values("If-None-Match"); len(v) > 0 {
		g.IfNoneMatch = parseIfNoneMatch(strings.Join(v, ","))
	}
	if v := head.Values("If"); len(v) > 0 {
		if g.If, g.Tokens, err = parseIf(strings.Join(v, " ")); err != nil {
			return metadata.Guard{}, err
		}
	}
	if v := head.Get("Lock-Token"); v != "" {
		token, err := parseLockToken(v)
		if err != nil {
			return metadata.Guard{}, err
		}
		g.Tokens = append(g.Tokens, token)
	}
	return g, nil
}

// parseIfMatch parses an If-Match header (RFC 9110 §13.1.1). Some clients leave
// the quotes out; that costs no safety, as the tag has to match all the same.
func parseIfMatch(s string) (*metadata.ETagSet, error) {
	if strings.TrimSpace(s) == "*" {
		return &metadata.ETagSet{Any: true}, nil
	}
	tags, ok := parseETags(s)
	if !ok {
		bare := strings.TrimSpace(s)
		if bare == "" || strings.ContainsAny(bare, "\", \t") {
			return nil, metadata.Errorf(metadata.KindInvalid, "If-Match: %.100q is no list of entity tags", s)
		}
		tags = []string{`"` + bare + `"`}
	}
	return &metadata.ETagSet{Tags: tags}, nil
}

// parseIfNoneMatch parses an If-None-Match header (RFC 9110 §13.1.2), whose
// comparison is the weak one. nil means that the header says nothing: Joplin
// sends unquoted nonsense to keep caches away.
func parseIfNoneMatch(s string) *metadata.ETagSet {
	if strings.TrimSpace(s) == "*" {
		return &metadata.ETagSet{Any: true}
	}
	tags, ok := parseETags(s)
	if !ok || len(tags) == 0 {
		return nil
	}
	for i := range tags {
		tags[i] = strings.TrimPrefix(tags[i], "W/")
	}
	return &metadata.ETagSet{Tags: tags}
}

// parseETags parses a list of entity tags. Empty elements are skipped
// (RFC 9110 §5.6.1.2).
func parseETags(s string) (tags []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return tags, len(tags) > 0
		}
		tag, rest, ok := cutETag(s)
		if !ok || len(tags) >= etagsMax {
			return nil, false
		}
		s = strings.TrimLeft(rest, " \t")
		if s != "" && s[0] != ',' {
			return nil, false
		}
		tags = append(tags, tag)
	}
}

// depth is the value of a Depth header (RFC 4918 §10.2).
type depth int8

const (
	depthZero     depth = 0
	depthOne      depth = 1
	depthInfinity depth = 2
)

// parseDepth parses a Depth header; absent stands for none. noroot is an
// extension of Windows: without the resource itself.
func parseDepth(head http.Header, absent depth) (d depth, noroot bool, err error) {
	s := strings.ToLower(strings.Join(head.Values("Depth"), ","))
	first, rest, more := strings.Cut(s, ",")
	noroot = more && strings.TrimSpace(rest) == "noroot"
	if more && !noroot {
		return 0, false, metadata.Errorf(metadata.KindInvalid, "Depth: %.40q is not 0, 1 or infinity", s)
	}
	switch strings.TrimSpace(first) {
	case "":
		if s == "" {
			return absent, false, nil
		}
	case "0":
		if !noroot { // nothing would be left
			return depthZero, false, nil
		}
	case "1":
		return depthOne, noroot, nil
	case "infinity":
		return depthInfinity, noroot, nil
	}
	return 0, false, metadata.Errorf(metadata.KindInvalid, "Depth: %.40q is not 0, 1 or infinity", s)
}

// parseTimeout parses a Timeout header (RFC 4918 §10.7) and returns the time to
// grant: the first that is understood, within 1 s and LockTimeoutMax. A client
// only wishes; nothing in the header is an error.
func parseTimeout(head http.Header) time.Duration {
	for wish := range strings.SplitSeq(strings.Join(head.Values("Timeout"), ","), ",") {
		wish = strings.TrimSpace(wish)
		if strings.EqualFold(wish, "Infinite") {
			return metadata.LockTimeoutMax
		}
		const second = "Second-"
		if len(wish) <= len(second) || !strings.EqualFold(wish[:len(second)], second) {
			continue
		}
		n, err := strconv.ParseUint(wish[len(second):], 10, 64)
		switch {
		case err != nil && !isAllDigits(wish[len(second):]):
			continue
		case err != nil || n > uint64(metadata.LockTimeoutMax/time.Second):
			return metadata.LockTimeoutMax
		}
		return max(time.Duration(n)*time.Second, time.Second)
	}
	return metadata.LockTimeoutDefault
}

func isAllDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseLockToken parses a Lock-Token header (RFC 4918 §10.5): a Coded-URL.
// Windows XP leaves the brackets out.
func parseLockToken(s string) (string, error) {
	token := strings.TrimSpace(s)
	if strings.HasPrefix(token, "<") && strings.HasSuffix(token, ">") {
		token = token[1 : len(token)-1]
	}
	if !validToken(token) {
		return "", metadata.Errorf(metadata.KindInvalid, "Lock-Token: %.100q is no state token", s)
	}
	return token, nil
}

// minimal reports whether the client wants properties it asked for and that do
// not exist left out of the answer: Prefer: return=minimal (RFC 8144 §2.1), or
// Brief: t as Microsoft has it.
func minimal(head http.Header) bool {
	if strings.EqualFold(strings.TrimSpace(head.Get("Brief")), "t") {
		return true
	}
	for p := range strings.SplitSeq(strings.Join(head.Values("Prefer"), ","), ",") {
		name, _, _ := strings.Cut(p, ";")
		if strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(name), `"`, ""), "return=minimal") {
			return true
		}
	}
	return false
}
